/*
 * The databases of a script: which of them are wanted, whether one may be restored into, and the
 * statements that make, alter and drop them.
 */
#include "restore/script_restore_internal.h"

#include "base/error_names.h"
#include "base/quote.h"
#include "restore/database_recipe.h"
#include "restore/restore_plan.h"
#include "restore/script_rules.h"
#include "restore/target_databases.h"
#include "restore/target_interim.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- Which ---- */

void script_patterns_reset(struct script_patterns *patterns)
{
    for (size_t i = 0; i < patterns->count; i++)
        name_pattern_free(&patterns->items[i]);
    free(patterns->items);
    options_items_free(patterns->texts);
    *patterns = (struct script_patterns){0};
}

bool script_patterns_parse(struct script_patterns *patterns, const struct option_list *list,
                           const char *option, struct error *err)
{
    size_t count = 0;
    bool parsed = true;

    if (list->count == 0)
        return true;
    patterns->texts = options_items_new(list, option, err);
    if (patterns->texts == NULL)
        return false;
    while (patterns->texts[count] != NULL)
        count++;
    patterns->items = calloc(count + 1, sizeof(*patterns->items));
    if (patterns->items == NULL)
        parsed = error_set_memory(err);
    for (size_t i = 0; parsed && i < count; i++, patterns->count += parsed)
        parsed = name_pattern_parse(&patterns->items[i], slice_string(patterns->texts[i]), 1,
                                    option, err);
    return parsed;
}

static bool matches(const struct script_patterns *patterns, const char *name)
{
    for (size_t i = 0; i < patterns->count; i++) {
        if (strcmp(patterns->texts[i], name) == 0 ||
            name_pattern_matches(&patterns->items[i], 0, name))
            return true;
    }
    return false;
}

/* What is called otherwise here is chosen by the name that the script has for it. */
bool script_wants(const struct script_restore *restore, const char *database)
{
    const char *one = restore->request->database;
    bool here = one == NULL || strcmp(one, database) == 0;

    if (restore->renamed != NULL && strcmp(database, restore->database) == 0)
        database = restore->renamed;
    if (restore->tried != NULL && strcmp(database, restore->tried) == 0)
        database = restore->tried_as;
    return here && (restore->databases.count == 0 || matches(&restore->databases, database)) &&
           !matches(&restore->not_databases, database);
}

/* ---- What is there ---- */

bool script_refuse(const struct preflight_report *report, struct error *err)
{
    for (size_t i = 0; i < report->count; i++) {
        const struct preflight_finding *finding = &report->findings[i];

        if (!finding->fatal)
            continue;
        error_set(err, ERROR_REFUSED, "%s", finding->message);
        error_hint(err, ERROR_OURS("%s"), finding->remedy);
        return strstr(finding->message, "already holds objects") == NULL
                   ? false
                   : error_reason(err, "target_not_empty");
    }
    return true;
}

/* Of a stream that is all that can be known; in one that was looked over before somebody may have
 * put something since. */
bool script_check_database(struct script_restore *restore, struct script_name *database,
                           const char *definition, struct error *err)
{
    enum restore_existing existing = restore->request->existing;
    const struct script_database of = {.name = database->name,
                                       .definition = definition,
                                       .made = definition != NULL,
                                       .spared = database->spared};
    struct preflight_report report = {0};
    struct restore_plan *plan;
    bool checked;

    if (database->made || database->checked ||
        (existing != RESTORE_REFUSE_OBJECTS && existing != RESTORE_RECREATE && !database->spared))
        return true;
    plan = restore_plan_new(restore->request, err);
    checked = plan != NULL && restore_plan_add_of_script(plan, &of, err) &&
              restore_plan_check(plan, &report, err) && script_refuse(&report, err);
    database->checked = checked;
    restore_plan_free(plan);
    preflight_reset(&report);
    return checked;
}

/* ---- Statements ---- */

#define OBJECT_SIZE (QUOTE_NAME_SIZE + 16)

static const char *object_of(const struct script_name *database, char *out, size_t size)
{
    char name[QUOTE_NAME_SIZE];

    snprintf(out, size, "DATABASE %s", quote_identifier(database->name, name, sizeof(name)));
    return out;
}

bool script_fail_unmatched(struct error *err)
{
    error_set(err, ERROR_USAGE, "the script has nothing for the databases that were asked for");
    return error_hint(err,
                      "It is of a whole server: each of its databases goes into the one of its own "
                      "name. Choose among them: " OPTION_DATABASES ". Or name no database at all.");
}

/* Under RESTORE_RECREATE a database goes once a new one is there, and roles stay. One that was to
 * go and did not is not filled once more. */
bool script_drop(struct script_restore *restore, const struct sql_statement *statement,
                 struct script_name *item, struct error *err)
{
    bool done = false;

    if (restore->request->existing != RESTORE_CLEAN) {
        restore->report.left_out++;
        return true;
    }
    if (!script_run_alone(restore, (const char *)statement->text.data, NULL, statement->line, &done,
                          err))
        return false;
    item->blocked = item->there && !done;
    item->there &= !done;
    return true;
}

static bool make_database(struct script_restore *restore, const struct sql_statement *statement,
                          struct script_name *database, struct error *err)
{
    bool done = false;

    if (!script_rules_append_database(&restore->changed, restore->request, statement->text, err) ||
        !script_run_alone(restore, buffer_text(&restore->changed), NULL, statement->line, &done,
                          err))
        return false;
    buffer_clear(&restore->changed);
    database->there = database->made = done;
    database->told |= !done;
    return true;
}

/* The script's own statement, under another name. */
static bool append_interim(struct script_restore *restore, struct buffer *out,
                           const struct sql_statement *statement, const char *name,
                           const char *interim, struct error *err)
{
    bool done =
        script_rules_append_database(&restore->changed, restore->request, statement->text, err) &&
        database_text_append(out, buffer_slice(&restore->changed), name, interim, err);

    buffer_clear(&restore->changed);
    return done;
}

/* It is beside the queue, which is empty then. */
static bool replace_database(struct script_restore *restore, const struct sql_statement *statement,
                             struct script_name *database, struct error *err)
{
    struct target_kept kept = {0};
    struct buffer sql = {0};
    struct wire_conn *conn;
    struct error why;
    char interim[64], object[OBJECT_SIZE];
    bool done;

    if (!target_database_interim(interim, err) ||
        !append_interim(restore, &sql, statement, database->name, interim, err)) {
        buffer_free(&sql);
        return false;
    }
    conn = target_session_conn(restore->base.target);
    /* The new one's name must be on disk as soon as the old one is gone. */
    done = wire_query(conn, "SET synchronous_commit = on", NULL, &why) &&
           target_interim_replace(conn, restore->request, buffer_text(&sql), interim,
                                  database->name, &kept, &why);
    buffer_free(&sql);
    database->made = done;
    database->blocked = !done;
    if (done && kept.was[0] != '\0')
        done = script_kept_add(restore, database->name, statement->line, &kept, &why);
    buffer_free(&kept.comment);
    restore->report.statements += done;
    if (done)
        return true;
    if (!wire_is_broken(conn) && why.code == ERROR_SERVER)
        return script_tell_error(restore, statement->line,
                                 object_of(database, object, sizeof(object)), &why, err);
    *err = why;
    return false;
}

static bool recreate_database(struct script_restore *restore, const struct sql_statement *statement,
                              struct script_name *database, struct error *err)
{
    return script_settle(restore, err) &&
           script_check_database(restore, database, (const char *)statement->text.data, err) &&
           replace_database(restore, statement, database, err);
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
    return script_check_database(restore, database, NULL, err);
}

/* A template cannot be dropped. */
static bool run_unmark(struct script_restore *restore, uint64_t line, struct error *err)
{
    bool ignored;

    if (restore->unmark.len == 0)
        return true;
    if (!script_run_alone(restore, buffer_text(&restore->unmark), NULL, line, &ignored, err))
        return false;
    restore->report.left_out--;
    buffer_clear(&restore->unmark);
    return true;
}

/* What the script drops is the one of its own name: never another that it goes into here. */
bool script_drop_database(struct script_restore *restore, const struct sql_statement *statement,
                          struct script_name *database, struct error *err)
{
    bool another = restore->renamed != NULL && strcmp(database->name, restore->database) == 0;

    if (!another && !target_database_is_fixed(database->name))
        return (restore->request->existing != RESTORE_CLEAN ||
                run_unmark(restore, statement->line, err)) &&
               script_drop(restore, statement, database, err);
    database->spared |= another && restore->request->existing == RESTORE_CLEAN;
    restore->report.left_out++;
    return true;
}

/* That it could not be made was told; what the script never made is told here. */
bool script_alter_database(struct script_restore *restore, const struct sql_statement *statement,
                           struct script_name *database, struct error *err)
{
    char object[OBJECT_SIZE];
    bool ignored;

    if (database->there && !database->blocked)
        return script_run_alone(restore, (const char *)statement->text.data,
                                script_more_of(restore, statement), statement->line, &ignored, err);
    restore->report.left_out++;
    if (database->blocked || database->told)
        return true;
    database->told = true;
    return script_tell(restore, statement->line, object_of(database, object, sizeof(object)),
                       "3D000", "it does not exist, and what the script says of it is left out",
                       err);
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
            !script_run_alone(restore, buffer_text(&restore->changed), NULL, line, &done, err))
            return false;
        buffer_clear(&restore->changed);
        database->there = database->made = done;
        if (done)
            return true;
    }
    return refuse_plain(database->name, restore->request->existing, database->there, err);
}
