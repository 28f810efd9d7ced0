/* What came of a statement: the server's answer to it, and how that is told and counted. */
#include "restore/harmless_failures.h"
#include "restore/target_session_internal.h"
#include "restore/target_words.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool target_stop(struct target_session *session, const struct error *err)
{
    return failure_keep(&session->stopped, err);
}

void target_must_be_kept(struct outcome *end)
{
    if (end->failed || !end->rolled_back)
        return;
    end->failed = true;
    error_set(&end->error, ERROR_SERVER,
              "the server has undone the transaction instead of keeping it");
}

/* Rows may come that nobody asked for; a COPY that was queued without its rows gets none. */
static bool take_event(struct target_session *session, const struct wire_event *event,
                       bool had_rows, struct outcome *outcome, struct error *err)
{
    if (event->type == WIRE_COPY_IN && (!had_rows || outcome->had_rows))
        return wire_copy_fail(session->conn, "a statement has no rows", err);
    if (event->type == WIRE_COPY_IN) {
        outcome->had_rows = true;
        wire_copy_was_sent(session->conn);
    }
    if (event->type == WIRE_COPY_BOTH)
        return wire_copy_done(session->conn, err);
    if (event->type != WIRE_COMMAND_COMPLETE)
        return true;
    outcome->rolled_back = strcmp(event->tag, "ROLLBACK") == 0;
    if (strncmp(event->tag, "COPY ", 5) == 0)
        outcome->rows = strtoull(event->tag + 5, NULL, 10);
    else if (strncmp(event->tag, "INSERT 0 ", 9) == 0)
        outcome->rows = strtoull(event->tag + 9, NULL, 10);
    return true;
}

bool target_read_outcome(struct target_session *session, bool had_rows, struct outcome *outcome,
                         struct error *err)
{
    struct wire_event event;
    struct error later;

    *outcome = (struct outcome){0};
    for (;;) {
        struct error *words = outcome->failed ? &later : &outcome->error;

        if (!wire_next(session->conn, &event, words)) {
            *err = outcome->failed ? later : outcome->error;
            return target_stop(session, err);
        }
        if (event.type == WIRE_READY)
            break;
        if (event.type == WIRE_SERVER_ERROR && !outcome->failed) {
            outcome->failed = true;
            outcome->position = wire_error_position(session->conn);
            snprintf(outcome->context, sizeof(outcome->context), "%s",
                     wire_error_context(session->conn));
        }
        if (!take_event(session, &event, had_rows, outcome, err))
            return target_stop(session, err);
    }
    outcome->status = event.transaction_status;
    return true;
}

bool target_ask(struct target_session *session, const char *statement, struct outcome *outcome,
                struct error *err)
{
    return wire_queue_query(session->conn, statement, err)
               ? target_read_outcome(session, false, outcome, err)
               : target_stop(session, err);
}

/* Whether it ends the work. The class of a failure is known by all of its words. */
static bool tell(struct target_session *session, uint64_t subject, const char *object,
                 const char *text, const struct target_words *words)
{
    const struct error *error = &words->outcome.error;
    const struct target_failure failure = {
        .subject = subject,
        .object = object,
        .sqlstate = error->sqlstate,
        .message = error->message,
        .detail = error->detail,
        .hint = error->hint,
        .context = words->outcome.context,
        .statement = buffer_text(&words->statement),
        .position = words->outcome.position,
        .harmless = harmless_failure_class(object, error->sqlstate, text, words->outcome.drops),
    };

    if (failure.harmless == NULL)
        session->counts.failures++;
    else
        session->counts.harmless++;
    if (session->told.failed != NULL)
        session->told.failed(session->told.context, &failure);
    return session->mode != TARGET_AS_IT_FITS ||
           (session->exit_on_error && failure.harmless == NULL);
}

bool target_tell_failure(struct target_session *session, uint64_t subject, const char *object,
                         const char *text, const struct outcome *outcome, struct error *err)
{
    struct target_words words;
    bool ends;

    target_words_hide(&words, text, outcome);
    ends = tell(session, subject, object, text, &words);
    if (ends)
        *err = words.outcome.error;
    buffer_free(&words.statement);
    if (!ends)
        return true;
    error_prefix(err, "%s", object);
    return target_stop(session, err);
}

bool target_take_untold(struct target_session *session, const char *untold, const struct error *why)
{
    if (untold == NULL || why->code != ERROR_SERVER || wire_is_broken(session->conn) ||
        strcmp(why->sqlstate, untold) != 0)
        return false;
    session->was_refused = true;
    return true;
}

bool target_session_was_refused(struct target_session *session)
{
    bool was = session->was_refused;

    session->was_refused = false;
    return was;
}

bool target_tell_lacking(struct target_session *session, const struct target_statement *statement,
                         uint64_t expected, uint64_t taken, struct error *err)
{
    struct outcome outcome = {.failed = true};

    error_set(&outcome.error, ERROR_SERVER,
              "of %" PRIu64 " rows in the archive the server says that it has taken %" PRIu64,
              expected, taken);
    error_hint(&outcome.error, "A trigger or a rule of the table may have left some out.");
    return target_tell_failure(session, statement->subject, statement->object, statement->text,
                               &outcome, err);
}

void target_count(struct target_session *session, uint64_t rows, uint64_t bytes)
{
    struct target_counts *counts = session->in_transaction ? &session->open : &session->counts;

    counts->statements++;
    counts->rows += rows;
    counts->row_bytes += bytes;
}

void target_count_open(struct target_session *session)
{
    session->counts.statements += session->open.statements;
    session->counts.rows += session->open.rows;
    session->counts.row_bytes += session->open.row_bytes;
    session->open = (struct target_counts){0};
}

void target_tell_done(struct target_session *session, uint64_t subject, uint64_t rows,
                      uint64_t bytes)
{
    target_count(session, rows, bytes);
    if (session->told.done != NULL)
        session->told.done(session->told.context, subject, rows);
}
