/* What becomes of each part of a script: where it is done (script_place.c), and whether. */
#include "restore/script_restore_internal.h"

#include "base/error_names.h"
#include "restore/script_drops.h"
#include "restore/script_rules.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static bool refuse(const struct sql_statement *statement, const char *what, const char *hint,
                   struct error *err)
{
    error_set(err, ERROR_UNSUPPORTED, "line %" PRIu64 " of the script %s", statement->line, what);
    return error_hint(err, "%s", hint);
}

/* ---- Where it goes ---- */

static bool is_cluster(const struct script_restore *restore)
{
    return sql_script_origin(restore->script) == SQL_SCRIPT_OF_CLUSTER;
}

static bool keep_prelude(struct script_restore *restore, const struct sql_statement *statement,
                         struct error *err)
{
    if (statement->text.len > TARGET_COPY_WHOLE - restore->prelude.len)
        return refuse(statement, "is one setting too many before anything is done with them",
                      "pg_dump writes no such script.", err);
    return buffer_append(&restore->prelude, statement->text.data, statement->text.len + 1, err);
}

/* Left out, unless what follows is a DROP that is done. */
static bool keep_unmark(struct script_restore *restore, const struct sql_statement *statement,
                        struct error *err)
{
    if (statement->rest > 0)
        return refuse(statement, "is longer than 1 MiB, before anything names a database",
                      "pg_dump writes no such script.", err);
    restore->report.left_out++;
    buffer_clear_keeping(&restore->unmark, TARGET_COPY_WHOLE);
    return buffer_append(&restore->unmark, statement->text.data, statement->text.len, err);
}

static bool leave_out(struct script_restore *restore, const struct script_session *session,
                      const struct sql_statement *statement)
{
    bool left_out = script_rules_leave_out(restore->request,
                                           target_session_version(session->target), statement);

    restore->report.left_out += left_out;
    return left_out;
}

static bool replay_prelude(struct script_restore *restore, uint64_t line, struct error *err)
{
    struct script_session *session = script_session_now(restore);
    struct slice rest = buffer_slice(&restore->prelude);
    bool done = true;

    while (done && session != NULL && rest.len > 0) {
        size_t len = strlen((const char *)rest.data);
        struct sql_statement statement = {.kind = SQL_KIND_OTHER, .line = line};
        struct slice text;

        statement.text = text = slice_take(&rest, len);
        slice_take(&rest, 1);
        sql_statement_next(&text, false, &statement.kind, &statement.text);
        done =
            leave_out(restore, session, &statement) ||
            script_execute(restore, session, (const char *)rest.data - len - 1, NULL, line, 0, err);
    }
    buffer_clear(&restore->prelude);
    return done;
}

/* Of a whole cluster the globals come first: globals.sql says so at its end only where it is old.
 */
static bool place(struct script_restore *restore, const struct sql_statement *statement,
                  struct error *err)
{
    uint64_t line = statement->line;
    char encoding[SCRIPT_ENCODING_SIZE];

    if (restore->placed)
        return !restore->globals || script_open_base(restore, err);
    restore->placed = true;
    if (script_place_of(restore, restore->script, statement) == SCRIPT_GLOBALS) {
        restore->globals = true;
        return script_open_base(restore, err) && replay_prelude(restore, line, err);
    }
    restore->placed_plain = true;
    if (!script_needs_database(restore, err))
        return false;
    snprintf(encoding, sizeof(encoding), "%s", restore->encoding);
    if (!script_prepare_plain(restore, line, err) ||
        !script_enter_section(restore, restore->database, line, err))
        return false;
    snprintf(restore->encoding, sizeof(restore->encoding), "%s", encoding);
    return replay_prelude(restore, line, err);
}

/* ---- Transactions of the script's own ---- */

static bool begin_unit(struct script_restore *restore, const struct sql_statement *statement,
                       struct error *err)
{
    struct script_session *session = script_session_now(restore);
    bool done = true;

    if (session == NULL || restore->in_unit)
        return true;
    restore->in_unit = true;
    restore->unit_line = statement->line;
    if (!target_unit_begin(session->target, err) ||
        !script_rules_append_modes(&restore->changed, statement, err))
        return false;
    if (restore->changed.len > 0)
        done = script_execute(restore, session, buffer_text(&restore->changed), NULL,
                              statement->line, 0, err);
    buffer_clear(&restore->changed);
    return done;
}

static bool end_unit(struct script_restore *restore, bool keep, struct error *err)
{
    struct script_session *session = script_session_now(restore);
    bool kept;

    if (session == NULL || !restore->in_unit)
        return true;
    restore->in_unit = false;
    return keep ? target_unit_end(session->target, &kept, err)
                : target_unit_give_up(session->target, err);
}

/* ---- Rows ---- */

static bool begin_copy(struct script_restore *restore, const struct sql_statement *statement,
                       bool passes, struct error *err)
{
    restore->copy_open = false;
    restore->copy_passes = passes;
    restore->copy_line = statement->line;
    buffer_clear(&restore->rows);
    buffer_clear_keeping(&restore->copy_statement, TARGET_COPY_WHOLE);
    return passes ||
           buffer_append(&restore->copy_statement, statement->text.data, statement->text.len, err);
}

static struct target_statement copy_statement(const struct script_restore *restore)
{
    const char *entry = sql_script_entry(restore->script);

    return (struct target_statement){.text = buffer_text(&restore->copy_statement),
                                     .object = entry[0] == '\0' ? "COPY" : entry,
                                     .subject = restore->copy_line};
}

static bool open_copy(struct script_restore *restore, struct error *err)
{
    struct target_session *session = script_session_now(restore)->target;
    const struct target_statement statement = copy_statement(restore);

    restore->copy_open = true;
    return target_copy_begin(session, &statement, err) &&
           target_copy_send(session, buffer_slice(&restore->rows), err);
}

static bool take_rows(void *context, struct slice bytes, struct error *err)
{
    struct script_restore *restore = context;

    if (restore->copy_passes)
        return true;
    if (restore->trial != NULL && !script_trial_rows(restore->trial, bytes, err))
        return false;
    if (!restore->copy_open && restore->rows.len + bytes.len <= TARGET_COPY_WHOLE)
        return buffer_append(&restore->rows, bytes.data, bytes.len, err);
    return (restore->copy_open || open_copy(restore, err)) &&
           target_copy_send(script_session_now(restore)->target, bytes, err);
}

static bool take_rows_end(void *context, uint64_t lines, struct error *err)
{
    struct script_restore *restore = context;
    struct target_statement statement;
    struct target_session *session;
    uint64_t rows;
    bool taken;

    if (restore->copy_passes)
        return true;
    if (restore->trial != NULL)
        script_trial_rows_end(restore->trial);
    session = script_session_now(restore)->target;
    statement = copy_statement(restore);
    if (script_rules_are_lines(buffer_slice(&restore->copy_statement)))
        statement.expected = &lines;
    if (!restore->copy_open)
        return target_copy(session, &statement, buffer_slice(&restore->rows), err);
    return target_copy_end(session, &rows, &taken, err) &&
           (!taken || statement.expected == NULL || rows == lines ||
            target_tell_lacking(session, &statement, lines, rows, err));
}

/* ---- Statements ---- */

/* Whether it drops something, and nothing has been made in this database so far. */
static bool drops_first(struct script_restore *restore, const struct sql_statement *statement)
{
    enum script_drop drop = restore->making ? SCRIPT_DOES_MORE : script_drop_of(statement);

    restore->making = drop == SCRIPT_DOES_MORE;
    return drop == SCRIPT_DROPS;
}

static bool run_in_place(struct script_restore *restore, const struct sql_statement *statement,
                         struct error *err)
{
    struct script_session *session = script_session_now(restore);
    bool out = session == NULL || (restore->globals && restore->request->no_globals &&
                                   statement->kind != SQL_KIND_SET);
    const char *text;
    bool drops = drops_first(restore, statement);

    restore->report.left_out += out;
    out = out || leave_out(restore, session, statement);
    if (!out && !script_tables_pass(restore, session, statement, &out, err))
        return false;
    if (statement->kind == SQL_KIND_COPY_IN)
        return begin_copy(restore, statement, out, err);
    if (statement->kind == SQL_KIND_BEGIN)
        return begin_unit(restore, statement, err);
    if (script_rules_chains(statement))
        return refuse(statement, "ends a transaction and begins another",
                      "Write COMMIT and BEGIN instead of AND CHAIN.", err);
    if (statement->kind == SQL_KIND_COMMIT || statement->kind == SQL_KIND_ROLLBACK)
        return end_unit(restore, statement->kind == SQL_KIND_COMMIT, err);
    if (statement->kind == SQL_KIND_COPY_OUT)
        return refuse(statement, "copies rows out of the server",
                      "Nobody is there to take them. Take the statement out of the script.", err);
    if (statement->kind == SQL_KIND_TRANSACTION)
        return refuse(statement, "parts a transaction",
                      "A script may have BEGIN and COMMIT, as pg_dump writes them, but neither "
                      "savepoints nor prepared transactions.",
                      err);
    if (out)
        return true;
    return (restore->trial == NULL ||
            script_trial_need_schema(restore->trial, statement->line, err)) &&
           script_members_text(restore, statement, &text, err) &&
           script_execute(restore, session, text, script_more_of(restore, statement),
                          statement->line, drops ? TARGET_DROPS : 0, err);
}

static void note_encoding(struct script_restore *restore, const struct sql_statement *statement)
{
    char encoding[SCRIPT_ENCODING_SIZE];

    if (!script_rules_encoding(statement, encoding, sizeof(encoding)) ||
        strcmp(encoding, restore->encoding) == 0)
        return;
    snprintf(restore->encoding, sizeof(restore->encoding), "%s", encoding);
    restore->names_known = false; /* they are bytes of an encoding */
}

static bool run_statement(struct script_restore *restore, const struct sql_statement *statement,
                          struct error *err)
{
    enum script_place where = script_place_of(restore, restore->script, statement);

    if (!restore->placed && where == SCRIPT_PRELUDE)
        return keep_prelude(restore, statement, err);
    if (!restore->placed && where == SCRIPT_APART && !script_is_of_database(statement->kind))
        return keep_unmark(restore, statement, err);
    if ((restore->placed || where != SCRIPT_APART) && !place(restore, statement, err))
        return false;
    if (!script_is_global(statement->kind))
        return run_in_place(restore, statement, err);
    return script_open_base(restore, err) && (leave_out(restore, &restore->base, statement) ||
                                              script_run_global(restore, statement, err));
}

static bool meet_definition(struct script_restore *restore, const struct sql_statement *statement,
                            struct error *err)
{
    struct buffer name = {0};
    const char *ignored;
    bool met = sql_statement_name(statement->text, &name, err) &&
               script_meet(restore, buffer_text(&name), statement->line, &ignored, err);

    buffer_free(&name);
    return met;
}

static bool is_met(enum sql_kind kind)
{
    return kind == SQL_KIND_CREATE_DATABASE || kind == SQL_KIND_DROP_DATABASE;
}

static bool take_more(void *context, struct slice bytes, struct error *err)
{
    struct script_restore *restore = context;

    return cancel_check(restore->request->cancel, err) &&
           long_statement_add(&restore->more, bytes, err);
}

/* Rows may follow what is passed over. */
static bool try_statement(struct script_restore *restore, const struct sql_statement *statement,
                          struct error *err)
{
    struct sql_statement here;
    bool passes;

    if (!script_trial_take(restore->trial, statement, &here, &passes, err))
        return false;
    restore->report.left_out += passes;
    if (!passes)
        return run_statement(restore, &here, err);
    return here.kind != SQL_KIND_COPY_IN || begin_copy(restore, &here, true, err);
}

static bool take_statement(void *context, const struct sql_statement *statement, struct error *err)
{
    struct script_restore *restore = context;
    struct sql_statement here;
    bool passes, taken;

    restore->any = true;
    note_encoding(restore, statement);
    if (restore->trial != NULL)
        taken = try_statement(restore, statement, err);
    else
        taken = (!is_met(statement->kind) || meet_definition(restore, statement, err)) &&
                script_translate(restore, statement, &here, &passes, err) &&
                (passes || run_statement(restore, &here, err));
    long_statement_forget(&restore->more);
    return taken;
}

static bool take_connect(void *context, const char *database, uint64_t line, struct error *err)
{
    struct script_restore *restore = context;

    restore->any = true;
    if (!(restore->trial == NULL
              ? script_meet(restore, database, line, &database, err)
              : script_trial_connect(restore->trial, database, line, &database, err)))
        return false;
    if (database == NULL)
        return true;
    restore->placed = true;
    buffer_clear(&restore->prelude);
    return script_enter_section(restore, database, line, err);
}

/* ---- The restore ---- */

bool script_restore_check(const struct restore_request *request, struct error *err)
{
    return script_rules_check(request, err);
}

static bool prepare(struct script_restore *restore, const char *database, struct error *err)
{
    const struct restore_request *request = restore->request;

    if (database != NULL)
        restore->database = strdup(database);
    if (database != NULL && restore->database == NULL)
        return error_set_memory(err);
    if (request->trial != NULL)
        restore->trial = script_trial_new(restore, err);
    return (request->trial == NULL || restore->trial != NULL) &&
           script_patterns_parse(&restore->databases, &request->databases, "databases", err) &&
           script_patterns_parse(&restore->not_databases, &request->exclude_databases,
                                 "exclude-databases", err);
}

struct script_restore *script_restore_new(const struct restore_request *request,
                                          const char *database,
                                          struct logical_restore_report *report, struct error *err)
{
    struct script_restore *restore;
    struct sql_script_handler handler = {.statement = take_statement,
                                         .rows = take_rows,
                                         .rows_end = take_rows_end,
                                         .connect = take_connect};

    if (!script_rules_check(request, err))
        return NULL;
    restore = calloc(1, sizeof(*restore));
    if (restore == NULL) {
        error_set_memory(err);
        return NULL;
    }
    restore->request = request;
    restore->told = report;
    restore->counted = report->failures;
    restore->more.directory = request->spool_directory;
    handler.context = restore;
    /* A trial compares what statements say, and so reads all of it. */
    handler.rest = request->trial == NULL ? take_more : NULL;
    restore->script = sql_script_new(&handler, err);
    if (restore->script == NULL || !prepare(restore, database, err)) {
        script_restore_free(restore);
        return NULL;
    }
    return restore;
}

void script_restore_free(struct script_restore *restore)
{
    if (restore == NULL)
        return;
    target_session_close(restore->section.target);
    target_session_close(restore->base.target);
    script_kept_reset(restore);
    sql_script_free(restore->script);
    sql_script_free(restore->look);
    script_trial_free(restore->trial);
    script_names_reset(&restore->names);
    script_names_reset(&restore->tables);
    script_patterns_reset(&restore->databases);
    script_patterns_reset(&restore->not_databases);
    free(restore->database);
    free(restore->renamed);
    free(restore->user);
    free(restore->acting);
    free(restore->bootstrap);
    buffer_free(&restore->regranted);
    restore_globals_reset(&restore->shared);
    buffer_free(&restore->prelude);
    buffer_free(&restore->unmark);
    buffer_free(&restore->connected);
    buffer_free_secret(&restore->copy_statement);
    buffer_free(&restore->rows);
    long_statement_reset(&restore->more);
    buffer_free(&restore->object);
    buffer_free_secret(&restore->here);
    buffer_free_secret(&restore->changed);
    free(restore);
}

/* ---- Running it ---- */

bool script_restore_feed(struct script_restore *restore, struct slice bytes, struct error *err)
{
    return sql_script_feed(restore->script, bytes, err);
}

static bool check_matched(const struct script_restore *restore, struct error *err)
{
    bool none_asked = restore->request->database == NULL && restore->request->databases.count == 0;

    if (restore->matched || (none_asked && (restore->placed || is_cluster(restore))))
        return true;
    if (restore->trial != NULL && restore->any && none_asked) /* which has a word on that itself */
        return true;
    if (!restore->placed)
        return error_set(err, ERROR_CORRUPT, "the script has no statements");
    return script_fail_unmatched(err);
}

static bool finish(struct script_restore *restore, struct error *err)
{
    if (!sql_script_finish(restore->script, err) || !script_leave_section(restore, err))
        return false;
    if (restore->base.target != NULL && !target_finish(restore->base.target, err))
        return false;
    script_kept_count(restore, buffer_text(&restore->connected));
    if (!script_kept_leave(restore, NULL, err))
        return false;
    if (!restore->matched && !restore->looked && restore->trial == NULL)
        script_tell_no_database(restore);
    script_tell_roles(restore);
    return check_matched(restore, err);
}

bool script_restore_finish(struct script_restore *restore, struct error *err)
{
    if (!failure_check(&restore->failure, err))
        return false;
    return finish(restore, err) || failure_keep(&restore->failure, err);
}

bool script_restore_end(struct script_restore *restore, bool done, struct error *err)
{
    if (restore->trial != NULL)
        return script_trial_end(restore->trial, done, err);
    if (!done)
        script_kept_give_up(restore, err);
    return done;
}

bool script_restore_has_begun(const struct script_restore *restore)
{
    return restore->any;
}
