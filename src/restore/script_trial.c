/*
 * The databases of a script that is tried out. A database is there from its CREATE DATABASE, or
 * from the \connect to one that the script takes for granted, to the end of its part: then it is
 * compared and dropped, so that there is one at a time.
 */
#include "restore/script_trial_internal.h"

#include "base/quote.h"
#include "restore/database_recipe.h"
#include "restore/target_databases.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

struct script_trial *script_trial_new(struct script_restore *restore, struct error *err)
{
    struct script_trial *trial = calloc(1, sizeof(*trial));

    if (trial == NULL) {
        error_set_memory(err);
        return NULL;
    }
    trial->restore = restore;
    trial->hooks = restore->request->trial;
    trial->hooks->name(trial->hooks->context, "", trial->here);
    restore->tried = trial->here;
    restore->tried_as = "";
    return trial;
}

void script_trial_free(struct script_trial *trial)
{
    if (trial == NULL)
        return;
    script_trial_forget_entries(trial);
    buffer_free(&trial->original);
    buffer_free(&trial->type);
    buffer_free(&trial->schema);
    buffer_free(&trial->name);
    buffer_free(&trial->owner);
    buffer_free_secret(&trial->definition);
    buffer_free(&trial->target);
    buffer_free(&trial->tag);
    free(trial);
}

/* ---- Names ---- */

static bool name(struct script_trial *trial, const char *database, struct error *err)
{
    trial->hooks->name(trial->hooks->context, database, trial->here);
    buffer_clear(&trial->original);
    if (!buffer_append_string(&trial->original, database, err))
        return false;
    trial->restore->tried = trial->here;
    trial->restore->tried_as = buffer_text(&trial->original);
    return true;
}

static struct script_name *find(struct script_trial *trial, const char *here, struct error *err)
{
    return script_find(trial->restore, 'd', here, err);
}

/* ---- Making and dropping ---- */

/* One that every server has, and that the script does not make. */
static bool make(struct script_trial *trial, struct script_name *database, uint64_t line,
                 struct error *err)
{
    char sql[160];
    bool done = false;

    snprintf(sql, sizeof(sql), "CREATE DATABASE %s TEMPLATE template0", database->name);
    if (!script_run_alone(trial->restore, sql, NULL, line, &done, err))
        return false;
    database->there = database->made = done;
    database->told |= !done;
    return true;
}

static bool refuse_again(const struct script_trial *trial, uint64_t line, struct error *err)
{
    char quoted[QUOTE_NAME_SIZE];

    error_set(err, ERROR_UNSUPPORTED,
              "line %" PRIu64 " of the script goes back to the database %s, which was compared and "
              "dropped where its part ended",
              line, quote_identifier(buffer_text(&trial->original), quoted, sizeof(quoted)));
    return error_hint(err, "Such a script cannot be verified by a restore; without one it can.");
}

bool script_trial_connect(struct script_trial *trial, const char *database, uint64_t line,
                          const char **here, struct error *err)
{
    struct script_name *found;

    if (!name(trial, database, err))
        return false;
    *here = strcmp(trial->within, trial->here) == 0 ? NULL : trial->here;
    if (*here == NULL || !script_wants(trial->restore, trial->here))
        return true;
    found = find(trial, trial->here, err);
    if (found == NULL)
        return false;
    if (found->checked)
        return refuse_again(trial, line, err);
    return found->there || found->told || make(trial, found, line, err);
}

bool script_trial_enter(struct script_trial *trial, const char *here, struct error *err)
{
    snprintf(trial->within, sizeof(trial->within), "%s", here);
    return trial->hooks->begin_script(trial->hooks->context, buffer_text(&trial->original), here,
                                      err);
}

static bool drop(struct script_trial *trial, struct script_name *database, struct error *err)
{
    database->there = database->made = false;
    trial->hooks->end(trial->hooks->context, database->name, err);
    return err->code == ERROR_NONE;
}

static bool compare(struct script_trial *trial, struct error *err)
{
    return script_trial_finish_entries(trial, err) &&
           trial->hooks->compare_script(trial->hooks->context, trial->contents, trial->within,
                                        trial->sums, &trial->facts, err);
}

/* What has had no part yet may have one later: up to PostgreSQL 9.6 globals came behind a \connect.
 */
bool script_trial_leave(struct script_trial *trial, struct error *err)
{
    struct error failed = {0};
    struct script_name *database;

    if (trial->within[0] == '\0')
        return true;
    if (compare(trial, &failed))
        failed = (struct error){0};
    trial->compared += failed.code == ERROR_NONE;
    database = script_names_find(&trial->restore->names, 'd', trial->within);
    trial->within[0] = '\0';
    if (database != NULL) {
        database->checked = trial->entries > 1;
        drop(trial, database, &failed);
    }
    script_trial_forget_entries(trial);
    if (failed.code == ERROR_NONE)
        return true;
    *err = failed;
    return false;
}

/* ---- Statements ---- */

static void pass_shared(struct script_trial *trial, bool *passes)
{
    trial->shared++;
    *passes = true;
}

/* The text with its database's other name. */
static bool translate(struct script_trial *trial, const struct sql_statement *statement,
                      struct sql_statement *here, const char *database, struct error *err)
{
    struct buffer *text = &trial->restore->here;

    buffer_clear(text);
    if (!database_text_append(text, statement->text, database, trial->here, err))
        return false;
    here->text = slice_make(buffer_text(text), text->len);
    return true;
}

/* What is not ours is somebody's, whatever it is called. */
static bool take_named(struct script_trial *trial, const struct sql_statement *statement,
                       struct sql_statement *here, const char *database, bool *passes,
                       struct error *err)
{
    struct script_name *found;

    if (!name(trial, database, err))
        return false;
    if (statement->kind != SQL_KIND_CREATE_DATABASE) {
        found = find(trial, trial->here, err);
        if (found == NULL)
            return false;
        if (!found->made) {
            pass_shared(trial, passes);
            return true;
        }
    }
    return translate(trial, statement, here, database, err);
}

/* A table of a schema that the script does not make: what is a selection says nothing of it. */
bool script_trial_need_schema(struct script_trial *trial, uint64_t line, struct error *err)
{
    const char *schema = buffer_text(&trial->schema), *own = buffer_text(&trial->name);
    struct script_session *session = script_session_now(trial->restore);
    struct buffer sql = {0};
    bool is_schema = strcmp(buffer_text(&trial->type), "SCHEMA") == 0, done;

    if (is_schema)
        return name_set_add(&trial->schemas, own, NULL, err);
    if (session == NULL || !trial->pending || schema[0] == '\0' || strcmp(schema, "-") == 0 ||
        strcmp(schema, "public") == 0 || strncmp(schema, "pg_", 3) == 0 ||
        name_set_has(&trial->schemas, schema))
        return true;
    done = name_set_add(&trial->schemas, schema, NULL, err) &&
           buffer_append_string(&sql, "CREATE SCHEMA IF NOT EXISTS ", err) &&
           wire_quote_identifier(&sql, schema, err) &&
           script_execute(trial->restore, session, buffer_text(&sql), NULL, line, 0, err);
    buffer_free(&sql);
    return done;
}

static bool is_of_foreign(const struct sql_statement *statement)
{
    static const char words[] = "CREATE FOREIGN TABLE ";

    return statement->text.len > strlen(words) &&
           strncasecmp((const char *)statement->text.data, words, strlen(words)) == 0;
}

static bool note(struct script_trial *trial, const struct sql_statement *statement,
                 enum script_trial_word word, bool *passes, struct error *err)
{
    if (word == SCRIPT_TRIAL_INSERTS || statement->kind == SQL_KIND_COPY_IN)
        return script_trial_note_rows(trial, statement, passes, err);
    if (word == SCRIPT_TRIAL_OBJECT)
        return script_trial_note_object(trial, statement, err);
    trial->defines |= word == SCRIPT_TRIAL_DEFINES;
    if (word == SCRIPT_TRIAL_CHANGES && trial->facts.changed_line == 0)
        trial->facts.changed_line = statement->line;
    return (!is_of_foreign(statement) || script_trial_note_foreign(trial, statement, err)) &&
           script_trial_note_statement(trial, statement, err);
}

/* Before the first \connect a plain script's own database is at hand as soon as something is for
 * it.
 */
static bool has_place(const struct script_trial *trial, const struct sql_statement *statement)
{
    struct script_restore *restore = trial->restore;

    return restore->section.target != NULL ||
           (!restore->placed &&
            script_place_of(restore, restore->script, statement) == SCRIPT_PLAIN);
}

bool script_trial_take(struct script_trial *trial, const struct sql_statement *statement,
                       struct sql_statement *here, bool *passes, struct error *err)
{
    struct buffer database = {0};
    enum script_trial_word word = script_trial_word_of(statement, &database, err);
    bool done = true;

    *here = *statement;
    *passes = false;
    if (!script_trial_note_comment(trial, err))
        done = false;
    else if (word == SCRIPT_TRIAL_IS_SHARED)
        pass_shared(trial, passes);
    else if (word == SCRIPT_TRIAL_NAMES_DATABASE)
        done = take_named(trial, statement, here, buffer_text(&database), passes, err);
    else if (has_place(trial, statement))
        done = note(trial, statement, word, passes, err);
    else
        *passes = trial->restore->placed || script_place_of(trial->restore, trial->restore->script,
                                                            statement) != SCRIPT_PRELUDE;
    if (done && !*passes && word == SCRIPT_TRIAL_NAMES_DATABASE)
        done = script_trial_note_statement(trial, statement, err);
    buffer_free(&database);
    return done;
}

/* ---- Rows ---- */

bool script_trial_rows(struct script_trial *trial, struct slice bytes, struct error *err)
{
    return !trial->rows || content_summer_bytes(trial->summer, bytes, err);
}

void script_trial_rows_end(struct script_trial *trial)
{
    if (trial->rows)
        content_summer_end(trial->summer);
    trial->rows = false;
}

/* ---- The end ---- */

static void say_shared(const struct script_trial *trial)
{
    char text[300];

    if (trial->shared == 0)
        return;
    snprintf(text, sizeof(text),
             "%zu statement%s about roles, tablespaces, other databases and what else is of the "
             "whole server or beyond it %s passed over",
             trial->shared, trial->shared == 1 ? "" : "s", trial->shared == 1 ? "was" : "were");
    trial->hooks->note(trial->hooks->context, text);
}

static bool refuse_nothing(struct error *err)
{
    error_set(err, ERROR_UNSUPPORTED,
              "the script is of no database: there is nothing to restore "
              "into one that could be compared");
    return error_hint(err, "Verify it without a server: roles and tablespaces are not made.");
}

bool script_trial_end(struct script_trial *trial, bool done, struct error *err)
{
    struct script_restore *restore = trial->restore;

    if (done)
        *err = (struct error){0};
    script_session_close(restore, &restore->section);
    script_session_close(restore, &restore->base);
    for (size_t i = 0; i < restore->names.count; i++) {
        if (restore->names.items[i].kind == 'd' && restore->names.items[i].made)
            drop(trial, &restore->names.items[i], err);
    }
    say_shared(trial);
    if (done && err->code == ERROR_NONE && trial->compared == 0)
        return refuse_nothing(err);
    return done && err->code == ERROR_NONE;
}
