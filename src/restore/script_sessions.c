/*
 * The sessions of a script. One of any database is there from the first statement that needs it to
 * the end: CREATE DATABASE and its like go there, for they can be in no transaction, and must see
 * what was done before.
 */
#include "restore/script_restore_internal.h"

#include "base/error_names.h"
#include "restore/restore_report.h"

#include <inttypes.h>
#include <stdio.h>

#define EXCERPT 200 /* bytes of a statement that failed */

/* ---- Failures ---- */

static bool lacks_tablespace(const struct target_failure *failure)
{
    return strncmp(failure->statement, "CREATE DATABASE", 15) == 0 && failure->hint[0] == '\0' &&
           strcmp(failure->sqlstate, "42704") == 0 &&
           strstr(failure->message, "tablespace") != NULL;
}

/* For the folder of a tablespace, which only who looks after the server can make; without the right
 * to make tablespaces that is no help. */
static const char *hint_of(const struct target_failure *failure, struct error *words)
{
    bool role = strcmp(failure->sqlstate, "42501") == 0 && failure->hint[0] != '\0';
    bool folder = !role && (strcmp(failure->sqlstate, "58P01") == 0 ||
                            strcmp(failure->sqlstate, "42501") == 0);

    if (lacks_tablespace(failure)) {
        error_set(words, ERROR_SERVER, "%s", failure->message);
        error_hint(words, "Make the tablespace, or leave it away: " ERROR_OPTION("no-tablespaces"));
        return words->hint;
    }
    if (strncmp(failure->statement, "CREATE TABLESPACE", 17) != 0 || (!folder && !role))
        return failure->hint;
    error_set(words, ERROR_SERVER, "%s", failure->message);
    error_hint(words, "%s, or leave tablespaces out: " ERROR_OPTION("no-tablespaces") ".",
               role ? "Restore as a superuser, who alone makes tablespaces"
                    : "Make that folder on the server, empty and of the server's own user");
    return words->hint;
}

/* A password is no part of what is told. */
static void take_failure(void *context, const struct target_failure *failure)
{
    struct script_restore *restore = context;
    struct target_failure told = *failure;
    struct buffer statement = {0}, object = {0};
    struct error err, words;

    restore->failed_line = failure->subject;
    script_tables_failed(restore, failure);
    if (!sql_statement_excerpt(slice_string(failure->statement), EXCERPT, &statement, &err) ||
        (failure->subject != TARGET_NO_SUBJECT &&
         !buffer_printf(&object, &err, "line %" PRIu64 ", %s", failure->subject,
                        failure->object))) {
        buffer_clear(&statement);
        buffer_clear(&object);
    }
    told.statement = buffer_text(&statement);
    told.object = object.len == 0 ? failure->object : buffer_text(&object);
    told.hint = hint_of(failure, &words);
    if (restore->trial != NULL && script_lacks_role(restore, failure))
        told.harmless = "missing_role";
    restore_report_failure(restore->told, restore->request, buffer_text(&restore->connected),
                           &told);
    buffer_free(&statement);
    buffer_free(&object);
}

bool script_tell_error(struct script_restore *restore, uint64_t line, const char *object,
                       const struct error *why, struct error *err)
{
    struct error words = *why;
    const struct target_failure failure = {.subject = line,
                                           .object = object,
                                           .sqlstate = words.sqlstate,
                                           .message = words.message,
                                           .detail = words.detail,
                                           .hint = words.hint,
                                           .context = "",
                                           .statement = ""};

    take_failure(restore, &failure);
    restore->report.failures++;
    if (!restore_request_ends_on_failure(restore->request))
        return true;
    *err = words;
    return error_prefix(err, "line %" PRIu64 ", %s", line, object);
}

bool script_tell(struct script_restore *restore, uint64_t line, const char *object,
                 const char *sqlstate, const char *message, struct error *err)
{
    struct error why;

    error_set(&why, ERROR_SERVER, "%s", message);
    snprintf(why.sqlstate, sizeof(why.sqlstate), "%s", sqlstate);
    return script_tell_error(restore, line, object, &why, err);
}

/* ---- Opening and closing ---- */

bool script_session_open(struct script_restore *restore, struct script_session *session,
                         const char *database, bool in_transactions, struct error *err)
{
    const struct restore_request *request = restore->request;
    const struct target_options options = {
        .database = database,
        .encoding = restore->encoding[0] == '\0' ? NULL : restore->encoding,
        .role = request->role,
        .search_path = in_transactions ? request->search_path : NULL,
        .row_security = request->row_security,
        .exit_on_error = restore_request_ends_on_failure(request),
        .single_transaction = in_transactions && request->single_transaction,
        .transaction_size = in_transactions ? request->transaction_size : 0,
        .cancel = request->cancel,
        .log = request->log,
        .told = {.context = restore, .failed = take_failure},
    };

    snprintf(session->encoding, sizeof(session->encoding), "%s", restore->encoding);
    return target_session_open(&session->target, request->settings, &options, err);
}

static void add_counts(struct script_report *report, const struct script_session *session)
{
    const struct target_counts *counts;

    if (session->target == NULL)
        return;
    counts = target_session_counts(session->target);
    report->statements += counts->statements;
    report->failures += counts->failures;
    report->harmless += counts->harmless;
    report->rows += counts->rows;
    report->row_bytes += counts->row_bytes;
}

void script_session_close(struct script_restore *restore, struct script_session *session)
{
    add_counts(&restore->report, session);
    target_session_close(session->target);
    session->target = NULL;
}

void script_restore_report(const struct script_restore *restore, struct script_report *report)
{
    *report = restore->report;
    add_counts(report, &restore->base);
    add_counts(report, &restore->section);
}

static bool say_encoding(struct script_restore *restore, struct script_session *session,
                         struct error *err)
{
    char sql[SCRIPT_ENCODING_SIZE + 40];

    if (strcmp(session->encoding, restore->encoding) == 0)
        return true;
    snprintf(sql, sizeof(sql), "SET client_encoding = '%s'",
             restore->encoding[0] == '\0' ? "UTF8" : restore->encoding);
    snprintf(session->encoding, sizeof(session->encoding), "%s", restore->encoding);
    return script_execute(restore, session, sql, NULL, 0, 0, err);
}

/* Databases that let us in, one after the other. */
static bool open_any(struct script_restore *restore, struct error *err)
{
    const char *const names[] = {"postgres", "template1", restore->database};
    /* It is not there, lets nobody in, or not us. */
    static const char *const states[] = {"3D000", "55000", "42501", "28000"};
    bool goes_on = true;

    for (size_t i = 0; goes_on && i < sizeof(names) / sizeof(names[0]); i++) {
        if (names[i] == NULL)
            break;
        if (script_session_open(restore, &restore->base, names[i], false, err))
            return true;
        goes_on = false;
        for (size_t n = 0; n < sizeof(states) / sizeof(states[0]); n++)
            goes_on |= strcmp(err->sqlstate, states[n]) == 0;
    }
    return false;
}

bool script_open_base(struct script_restore *restore, struct error *err)
{
    if (restore->base.target == NULL && !open_any(restore, err))
        return false;
    return say_encoding(restore, &restore->base, err);
}

struct script_session *script_session_now(struct script_restore *restore)
{
    if (restore->globals)
        return &restore->base;
    return restore->section.target == NULL ? NULL : &restore->section;
}

/* ---- Statements ---- */

/* "TABLE public.orders", by the comment before it; else how it begins. */
static const char *object_of(struct script_restore *restore, const char *text, struct error *err)
{
    const char *entry = sql_script_entry(restore->script);

    buffer_clear(&restore->object);
    if (entry[0] != '\0')
        return buffer_append_string(&restore->object, entry, err) ? buffer_text(&restore->object)
                                                                  : NULL;
    return sql_statement_excerpt(slice_string(text), 60, &restore->object, err)
               ? buffer_text(&restore->object)
               : NULL;
}

bool script_execute(struct script_restore *restore, struct script_session *session,
                    const char *text, struct long_statement *more, uint64_t line, unsigned flags,
                    struct error *err)
{
    const struct target_statement statement = {.text = text,
                                               .more = more,
                                               .object = object_of(restore, text, err),
                                               .subject = line,
                                               .flags = flags};

    return statement.object != NULL && target_execute(session->target, &statement, err);
}

struct long_statement *script_more_of(struct script_restore *restore,
                                      const struct sql_statement *statement)
{
    return statement->rest == 0 ? NULL : &restore->more;
}

bool script_settle(struct script_restore *restore, struct error *err)
{
    struct script_session *now = script_session_now(restore);

    if (now != NULL && !target_settle(now->target, err))
        return false;
    return script_open_base(restore, err) && target_settle(restore->base.target, err);
}

/* *done: it was done, and not refused by the server. */
bool script_run_alone(struct script_restore *restore, const char *text, struct long_statement *more,
                      uint64_t line, bool *done, struct error *err)
{
    if (!script_settle(restore, err))
        return false;
    restore->failed_line = 0;
    if (!script_execute(restore, &restore->base, text, more, line, TARGET_ALONE, err) ||
        !target_settle(restore->base.target, err))
        return false;
    *done = restore->failed_line != line;
    return true;
}
