/*
 * A script that can be read twice is looked over before it is run: what is never run, what breaks
 * off, and the databases that it makes or connects to, each of which may be in the way.
 */
#include "restore/script_restore_internal.h"

#include "base/error_names.h"
#include "restore/restore_plan.h"

/* What is dropped only is none that the script is for. */
static bool note_drop(struct script_restore *restore, const char *name, struct error *err)
{
    struct script_name *item = script_names_take(&restore->names, 'x', name, err);

    if (item != NULL)
        item->dropped = true;
    return item != NULL;
}

static bool note_definition(struct script_restore *restore, const char *name, const char *text,
                            struct error *err)
{
    struct script_name *item = script_names_take(&restore->names, 'x', name, err);
    bool dropped = item != NULL && item->dropped;

    if (item != NULL)
        item = script_names_take(&restore->names, 'c', name, err);
    if (item != NULL && item->definition == NULL) {
        item->dropped = dropped;
        item->definition = arena_copy(&restore->names.texts, text, err);
    }
    return item != NULL && item->definition != NULL;
}

static bool note_database(struct script_restore *restore, const struct sql_statement *statement,
                          struct error *err)
{
    struct buffer name = {0};
    bool noted = sql_statement_name(statement->text, &name, err) &&
                 (statement->kind == SQL_KIND_DROP_DATABASE
                      ? note_drop(restore, buffer_text(&name), err)
                      : note_definition(restore, buffer_text(&name),
                                        (const char *)statement->text.data, err));

    buffer_free(&name);
    return noted;
}

static bool note_statement(void *context, const struct sql_statement *statement, struct error *err)
{
    struct script_restore *restore = context;
    enum script_place place = script_place_of(restore, restore->look, statement);

    restore->any = true;
    if ((statement->kind == SQL_KIND_CREATE_DATABASE ||
         statement->kind == SQL_KIND_DROP_DATABASE) &&
        !note_database(restore, statement, err))
        return false;
    if (!restore->request->no_globals && !restore_globals_note(&restore->shared, statement, err))
        return false;
    if (restore->look_placed || place < SCRIPT_GLOBALS)
        return true;
    restore->look_placed = true;
    restore->look_plain = place == SCRIPT_PLAIN;
    return !restore->look_plain || script_needs_database(restore, err);
}

static bool note_connect(void *context, const char *database, uint64_t line, struct error *err)
{
    struct script_restore *restore = context;

    (void)line;
    restore->any = restore->look_placed = true;
    return script_names_take(&restore->names, 'c', database, err) != NULL;
}

bool script_restore_look(struct script_restore *restore, struct slice bytes, struct error *err)
{
    const struct sql_script_handler handler = {.context = restore,
                                               .statement = note_statement,
                                               .connect = note_connect,
                                               .rest = sql_script_drop_rest};

    if (restore->look == NULL)
        restore->look = sql_script_new(&handler, err);
    return restore->look != NULL && sql_script_feed(restore->look, bytes, err);
}

/* ---- What it is about ---- */

static bool settle_names(struct script_restore *restore, struct error *err)
{
    const char *only = NULL;
    size_t count = 0;

    for (size_t i = 0; i < restore->names.count; i++) {
        if (restore->names.items[i].kind == 'c' && count++ == 0)
            only = restore->names.items[i].name;
    }
    if (restore->database == NULL || count == 0 ||
        (count == 1 && strcmp(only, restore->database) == 0))
        return true;
    if (count == 1 && !restore->look_plain &&
        sql_script_origin(restore->look) != SQL_SCRIPT_OF_CLUSTER) {
        if (!script_keeps_name(restore))
            return script_rename(restore, only, err);
        script_tell_own_name(restore, only);
        return true;
    }
    if (!restore->look_plain)
        return script_refuse_several(restore, err);
    script_tell_several(restore);
    return true;
}

/* Whether what comes before the script names any is for it. */
static bool is_for_named(const struct script_restore *restore, const char *database)
{
    return restore->look_plain && restore->database != NULL &&
           strcmp(database, restore->database) == 0;
}

static bool add_to_plan(const struct script_restore *restore, struct restore_plan *plan,
                        const struct script_name *item, const char *here, struct error *err)
{
    bool renamed = strcmp(item->name, here) != 0;
    bool named = is_for_named(restore, here);
    const struct script_database database = {
        .name = here,
        .definition = item->definition,
        .made = item->definition != NULL || (named && restore->request->create_db),
        .named = named,
        .dropped = item->dropped && !renamed,
        .spared = item->dropped && renamed,
    };

    return restore_plan_add_of_script(plan, &database, err);
}

static bool fill_plan(struct script_restore *restore, struct restore_plan *plan, size_t *wanted,
                      struct error *err)
{
    struct script_name named = {.name = restore->database == NULL ? "" : restore->database};
    bool plain = restore->look_plain && restore->database != NULL;

    for (size_t i = 0; i < restore->names.count; i++) {
        const struct script_name *item = &restore->names.items[i];
        bool renamed = restore->renamed != NULL && item->kind == 'c' &&
                       strcmp(item->name, restore->renamed) == 0;
        const char *here = renamed ? named.name : item->name;

        if (item->kind != 'c' || !script_wants(restore, here))
            continue;
        ++*wanted;
        plain = plain && !is_for_named(restore, here);
        if (!add_to_plan(restore, plan, item, here, err))
            return false;
    }
    plain = plain && script_wants(restore, named.name);
    *wanted += plain;
    return !plain || add_to_plan(restore, plan, &named, named.name, err);
}

static bool check_all(struct script_restore *restore, struct error *err)
{
    const struct restore_request *request = restore->request;
    struct preflight_report *report = &restore->told->preflight;
    struct restore_plan *plan = restore_plan_new(request, err);
    size_t wanted = 0;
    bool checked = plan != NULL && fill_plan(restore, plan, &wanted, err);

    if (checked && wanted == 0 && restore->look_placed &&
        (request->database != NULL || request->databases.count > 0))
        checked = script_fail_unmatched(err);
    if (checked && wanted == 0)
        script_tell_no_database(restore);
    if (checked && restore->shared.roles.count + restore->shared.tablespaces.count > 0)
        restore_plan_tell_globals(plan, &restore->shared);
    checked = checked && restore_plan_check(plan, report, err);
    if (checked && request->on_plan != NULL)
        request->on_plan(request->context, plan);
    restore->looked = checked && script_refuse(report, err);
    restore_plan_free(plan);
    return restore->looked;
}

bool script_restore_look_finish(struct script_restore *restore, struct error *err)
{
    if (!script_restore_look(restore, slice_make(NULL, 0), err) ||
        !sql_script_finish(restore->look, err))
        return false;
    /* The databases of a trial are in nobody's way. */
    restore->looked = restore->trial != NULL;
    return restore->looked || (settle_names(restore, err) && check_all(restore, err));
}
