/*
 * The databases of a script: which of them are wanted, whether one may be restored into, and the
 * statements that make, alter and drop them.
 */
#include "restore/script_restore_internal.h"

#include "base/error_names.h"
#include "base/quote.h"
#include "restore/restore_plan.h"
#include "restore/script_rules.h"
#include "restore/target_databases.h"

#include <stdlib.h>

/* ---- Which ---- */

void script_patterns_reset(struct script_patterns *patterns)
{
    for (size_t i = 0; i < patterns->count; i++)
        name_pattern_free(&patterns->items[i]);
    free(patterns->items);
    *patterns = (struct script_patterns){0};
}

bool script_patterns_parse(struct script_patterns *patterns, const struct option_list *list,
                           const char *option, struct error *err)
{
    char **items;
    size_t count = 0;
    bool parsed = true;

    if (list->count == 0)
        return true;
    items = options_items_new(list, option, err);
    if (items == NULL)
        return false;
    while (items[count] != NULL)
        count++;
    patterns->items = calloc(count + 1, sizeof(*patterns->items));
    if (patterns->items == NULL)
        parsed = error_set_memory(err);
    for (size_t i = 0; parsed && i < count; i++, patterns->count += parsed)
        parsed = name_pattern_parse(&patterns->items[i], slice_string(items[i]), 1, option, err);
    options_items_free(items);
    return parsed;
}

static bool matches(const struct script_patterns *patterns, const char *name)
{
    for (size_t i = 0; i < patterns->count; i++) {
        if (name_pattern_matches(&patterns->items[i], 0, name))
            return true;
    }
    return false;
}

bool script_wants(const struct script_restore *restore, const char *database)
{
    const char *one = restore->request->database;

    return (one == NULL || strcmp(one, database) == 0) &&
           (restore->databases.count == 0 || matches(&restore->databases, database)) &&
           !matches(&restore->not_databases, database);
}

/* ---- What is there ---- */

static bool refuse(const struct preflight_report *report, struct error *err)
{
    for (size_t i = 0; i < report->count; i++) {
        const struct preflight_finding *finding = &report->findings[i];

        if (!finding->fatal)
            continue;
        error_set(err, ERROR_REFUSED, "%s", finding->message);
        error_hint(err, ERROR_OURS("%s"), finding->remedy);
        return error_reason(err, "target_not_empty");
    }
    return true;
}

/* Of a stream that is all that can be known: what comes after is not known yet. */
bool script_check_database(struct script_restore *restore, struct script_name *database,
                           struct error *err)
{
    struct preflight_report report = {0};
    struct restore_plan *plan;
    bool checked;

    if (restore->looked || database->made || database->checked ||
        restore->request->existing != RESTORE_REFUSE_OBJECTS)
        return true;
    plan = restore_plan_new(restore->request, err);
    checked = plan != NULL && restore_plan_add_of_script(plan, database->name, err) &&
              restore_plan_check(plan, &report, err) && refuse(&report, err);
    database->checked = checked;
    restore_plan_free(plan);
    preflight_reset(&report);
    return checked;
}

static bool fill_plan(struct script_restore *restore, struct restore_plan *plan, struct error *err)
{
    size_t connected = 0;

    for (size_t i = 0; i < restore->names.count; i++) {
        const struct script_name *item = &restore->names.items[i];

        connected += item->kind == 'c';
        if (item->kind == 'c' && script_wants(restore, item->name) &&
            !restore_plan_add_of_script(plan, item->name, err))
            return false;
    }
    return connected > 0 || restore->database == NULL ||
           sql_script_origin(restore->look) == SQL_SCRIPT_OF_CLUSTER ||
           restore_plan_add_of_script(plan, restore->database, err);
}

bool script_check_all(struct script_restore *restore, struct error *err)
{
    struct preflight_report *report = &restore->told->preflight;
    struct restore_plan *plan = restore_plan_new(restore->request, err);
    bool checked =
        plan != NULL && fill_plan(restore, plan, err) && restore_plan_check(plan, report, err);

    if (checked && restore->request->on_plan != NULL)
        restore->request->on_plan(restore->request->context, plan);
    restore->looked = checked && refuse(report, err);
    restore_plan_free(plan);
    return restore->looked;
}

/* ---- Statements ---- */

bool script_drop(struct script_restore *restore, const struct sql_statement *statement,
                 struct script_name *item, struct error *err)
{
    enum restore_existing existing = restore->request->existing;
    bool done = false;

    if (existing != RESTORE_CLEAN && existing != RESTORE_RECREATE) {
        restore->report.left_out++;
        return true;
    }
    if (!script_run_alone(restore, (const char *)statement->text.data, statement->line, &done, err))
        return false;
    item->there &= !done;
    return true;
}

static bool make_database(struct script_restore *restore, const struct sql_statement *statement,
                          struct script_name *database, struct error *err)
{
    bool done = false;

    if (!script_rules_append_database(&restore->changed, restore->request, statement->text, err) ||
        !script_run_alone(restore, buffer_text(&restore->changed), statement->line, &done, err))
        return false;
    buffer_clear(&restore->changed);
    database->there = database->made = done;
    return true;
}

static bool recreate_database(struct script_restore *restore, const struct sql_statement *statement,
                              struct script_name *database, struct error *err)
{
    bool done = false;

    if (!buffer_append_string(&restore->changed, "DROP DATABASE ", err) ||
        !wire_quote_identifier(&restore->changed, database->name, err) ||
        !buffer_append_string(&restore->changed, " WITH (FORCE)", err) ||
        !script_run_alone(restore, buffer_text(&restore->changed), statement->line, &done, err))
        return false;
    buffer_clear(&restore->changed);
    return !done || make_database(restore, statement, database, err);
}

bool script_create_database(struct script_restore *restore, const struct sql_statement *statement,
                            struct script_name *database, struct error *err)
{
    if (!database->there)
        return make_database(restore, statement, database, err);
    if (restore->request->existing == RESTORE_RECREATE && !database->made &&
        !target_database_is_fixed(database->name))
        return recreate_database(restore, statement, database, err);
    restore->report.there++;
    return script_check_database(restore, database, err);
}

bool script_drop_database(struct script_restore *restore, const struct sql_statement *statement,
                          struct script_name *database, struct error *err)
{
    if (!target_database_is_fixed(database->name))
        return script_drop(restore, statement, database, err);
    restore->report.left_out++;
    return true;
}

bool script_alter_database(struct script_restore *restore, const struct sql_statement *statement,
                           struct script_name *database, struct error *err)
{
    bool ignored;

    if (database->there)
        return script_run_alone(restore, (const char *)statement->text.data, statement->line,
                                &ignored, err);
    restore->report.left_out++; /* that it could not be made was told */
    return true;
}

/* ---- The one that a plain script is for ---- */

static bool refuse_plain(const char *database, enum restore_existing existing, bool there,
                         struct error *err)
{
    char name[QUOTE_NAME_SIZE];

    quote_identifier(database, name, sizeof(name));
    if (!there) {
        error_set(err, ERROR_REFUSED, "the database %s does not exist", name);
        return error_hint(
            err, "Have it made: " ERROR_OPTION("create-db") ".  Or: CREATE DATABASE %s;", name);
    }
    if (existing != RESTORE_RECREATE)
        return true;
    error_set(err, ERROR_USAGE,
              ERROR_OPTION("recreate") ": the script does not say how the database %s is made",
              name);
    return error_hint(
        err, "pg_dump -C writes scripts that do.  Into it as it is: " ERROR_OPTION(
                 "into-existing") ".  As the script's own DROP has it: " ERROR_OPTION("clean") ".");
}

bool script_prepare_plain(struct script_restore *restore, uint64_t line, struct error *err)
{
    struct script_name *database = script_find(restore, 'd', restore->database, err);
    bool done = false;

    if (database == NULL)
        return false;
    if (!database->there && restore->request->create_db) {
        if (!buffer_append_string(&restore->changed, "CREATE DATABASE ", err) ||
            !wire_quote_identifier(&restore->changed, database->name, err) ||
            !buffer_append_string(&restore->changed, " TEMPLATE template0", err) ||
            !script_run_alone(restore, buffer_text(&restore->changed), line, &done, err))
            return false;
        buffer_clear(&restore->changed);
        database->there = database->made = done;
        if (done)
            return true;
    }
    return refuse_plain(database->name, restore->request->existing, database->there, err);
}
