/*
 * What is longer than can be held is sent as it comes, and so cannot be said again: the rows of a
 * table, and statements that are one transaction of any size. Either is undone as a whole if
 * something of it fails, and whoever sends need not know at once: the rest is dropped.
 */
#include "restore/target_session_internal.h"

#include <stdio.h>
#include <string.h>

/* ---- Rows ---- */

/* Nothing stays of the transaction that this COPY has for itself. */
static bool undo_enclosed(struct target_session *session, struct error *err)
{
    struct outcome ignored = {0};

    if (!session->enclosed)
        return true;
    session->enclosed = false;
    return target_ask(session, "ROLLBACK", &ignored, err);
}

static bool commit_enclosed(struct target_session *session, bool *kept, struct error *err)
{
    const char *object = (const char *)session->held.data + session->copy_object;
    struct outcome end = {0};

    *kept = true;
    if (!session->enclosed)
        return true;
    session->enclosed = false;
    if (!target_ask(session, "COMMIT", &end, err))
        return false;
    target_must_be_kept(&end);
    *kept = !end.failed;
    return !end.failed ||
           target_tell_failure(session, session->copy_subject, object, "COMMIT", &end, err);
}

#define DEADLOCK "40P01"

/* What copy_in failed with, as the outcome of its statement. */
static bool refused(struct target_session *session, const struct error *why, struct error *err)
{
    struct outcome outcome = {.failed = true, .error = *why};
    const char *held = (const char *)session->held.data;

    session->copy_refused = true;
    session->unit_failed = true; /* if it is one of a unit */
    if (wire_is_broken(session->conn) || why->code != ERROR_SERVER) {
        *err = *why;
        error_prefix(err, "%s", held + session->copy_object);
        return target_stop(session, err);
    }
    outcome.position = wire_error_position(session->conn);
    snprintf(outcome.context, sizeof(outcome.context), "%s", wire_error_context(session->conn));
    if (session->frozen && strcmp(why->sqlstate, DEADLOCK) == 0)
        error_hint(&outcome.error, "Restore it from a file or a directory: its rows can be read "
                                   "twice, and are then put in once more without freezing them.");
    if (!undo_enclosed(session, err))
        return false;
    if (target_take_untold(session, session->copy_untold, why))
        return true;
    return target_tell_failure(session, session->copy_subject, held + session->copy_object,
                               held + session->copy_text, &outcome, err);
}

static bool await_begin(struct target_session *session, struct error *err)
{
    return session->mode == TARGET_AS_IT_FITS ||
           (target_begin(session, err) && target_drain(session, true, err));
}

/* What is queued before is done by then. */
static bool note_copy(struct target_session *session, const struct target_statement *statement,
                      struct error *err)
{
    if (!target_hold(session, statement->object, strlen(statement->object), &session->copy_object,
                     err) ||
        !target_hold(session, statement->text, strlen(statement->text), &session->copy_text, err))
        return target_stop(session, err);
    session->copying = true;
    session->frozen = false;
    session->copy_refused = session->copy_closed = false;
    session->copy_untold = statement->untold;
    session->copy_subject = statement->subject;
    return true;
}

bool target_copy_begin(struct target_session *session, const struct target_statement *statement,
                       struct error *err)
{
    struct error why;

    if (!target_drain(session, true, err) || !await_begin(session, err) ||
        !note_copy(session, statement, err))
        return false;
    if (session->in_unit && session->unit_failed) {
        session->copy_refused = true;
        return true;
    }
    if (copy_in_begin(&session->copy, session->conn,
                      (const char *)session->held.data + session->copy_text, NULL, &why))
        return true;
    return refused(session, &why, err);
}

/* *begun: false if the server does not want it, which need not be told. */
static bool begin_frozen(struct target_session *session, const char *truncate, const char *frozen,
                         bool *begun, struct error *err)
{
    struct outcome begin = {0}, empty = {0};
    struct error why;

    *begun = false;
    session->enclosed = true;
    if (!wire_queue_query(session->conn, "BEGIN", err) ||
        !wire_queue_query(session->conn, truncate, err))
        return target_stop(session, err);
    if (!target_read_outcome(session, false, &begin, err) ||
        !target_read_outcome(session, false, &empty, err))
        return false;
    if (begin.failed || empty.failed)
        return undo_enclosed(session, err);
    *begun = copy_in_begin(&session->copy, session->conn, frozen, NULL, &why);
    if (*begun)
        return true;
    if (!wire_is_broken(session->conn) && why.code == ERROR_SERVER)
        return undo_enclosed(session, err);
    *err = why;
    return target_stop(session, err);
}

bool target_copy_begin_frozen(struct target_session *session,
                              const struct target_statement *statement, const char *truncate,
                              const char *frozen, struct error *err)
{
    bool begun;

    if (session->mode != TARGET_AS_IT_FITS)
        return target_copy_begin(session, statement, err);
    if (!target_drain(session, false, err) || !begin_frozen(session, truncate, frozen, &begun, err))
        return false;
    if (!begun)
        return target_copy_begin(session, statement, err);
    if (!note_copy(session, statement, err))
        return false;
    session->frozen = true;
    return true;
}

bool target_copy_begin_apart(struct target_session *session,
                             const struct target_statement *statement, struct error *err)
{
    struct outcome begin = {0};
    struct error why;

    if (!target_drain(session, false, err) || !note_copy(session, statement, err) ||
        !target_ask(session, "BEGIN", &begin, err))
        return false;
    if (begin.failed) {
        *err = begin.error;
        return target_stop(session, err);
    }
    session->enclosed = true;
    if (copy_in_begin(&session->copy, session->conn,
                      (const char *)session->held.data + session->copy_text, NULL, &why))
        return true;
    return refused(session, &why, err);
}

bool target_copy_has_failed(const struct target_session *session)
{
    return session->copy_refused;
}

bool target_copy_send(struct target_session *session, struct slice rows, struct error *err)
{
    struct error why;

    if (!failure_check(&session->stopped, err))
        return false;
    if (session->copy_refused || copy_in_send(&session->copy, rows, &why))
        return true;
    return refused(session, &why, err);
}

static void forget(struct target_session *session)
{
    session->copying = false;
    buffer_clear_keeping(&session->held, BATCH_BYTES);
}

bool target_copy_close(struct target_session *session, uint64_t *rows, bool *taken,
                       struct error *err)
{
    struct error why;
    bool done = true;

    *rows = 0;
    *taken = false;
    if (!failure_check(&session->stopped, err))
        return false;
    if (!session->copy_refused && !copy_in_end(&session->copy, rows, &why))
        done = refused(session, &why, err);
    session->copy_closed = true;
    session->copy_rows = *rows;
    *taken = done && !session->copy_refused;
    return done;
}

bool target_copy_end(struct target_session *session, uint64_t *rows, bool *taken, struct error *err)
{
    bool done = true, kept = true;

    *rows = session->copy_rows;
    *taken = !session->copy_refused;
    if (!session->copy_closed)
        done = target_copy_close(session, rows, taken, err);
    if (done && *taken)
        done = commit_enclosed(session, &kept, err);
    *taken = done && *taken && kept;
    if (*taken) {
        target_tell_done(session, session->copy_subject, *rows, session->copy.bytes);
        session->chunked++;
    }
    forget(session);
    return done;
}

bool target_copy_give_up(struct target_session *session, const char *reason, struct error *err)
{
    bool done = true;

    if (!failure_check(&session->stopped, err))
        return false;
    if (!session->copy_refused && !session->copy_closed &&
        !copy_in_give_up(&session->copy, reason, err))
        done = target_stop(session, err);
    done = done && undo_enclosed(session, err);
    forget(session);
    return done;
}

/* ---- Units ---- */

#define SAVEPOINT "pgcask_unit"

/* The one transaction has parts: what is given up is undone, and what came before stays in it. */
static bool begin_part(struct target_session *session, struct error *err)
{
    struct outcome outcome = {0};

    if (!target_drain(session, true, err) ||
        !target_ask(session, "SAVEPOINT " SAVEPOINT, &outcome, err))
        return false;
    return !outcome.failed || target_tell_failure(session, TARGET_NO_SUBJECT, "SAVEPOINT",
                                                  "SAVEPOINT " SAVEPOINT, &outcome, err);
}

bool target_unit_begin(struct target_session *session, struct error *err)
{
    if (!target_drain(session, session->mode == TARGET_ONE, err))
        return false;
    session->unit_failed = session->saving = session->has_subject = false;
    session->unit_subject = TARGET_NO_SUBJECT;
    session->in_unit = true;
    session->before_unit = session->open;
    return target_begin(session, err) && (session->mode != TARGET_ONE || begin_part(session, err));
}

/* In the other modes the first failure ends the work. */
bool target_unit_begin_saving(struct target_session *session, uint64_t subject, struct error *err)
{
    if (!target_unit_begin(session, err))
        return false;
    session->saving = session->mode == TARGET_AS_IT_FITS;
    session->has_subject = true;
    session->unit_subject = subject;
    return true;
}

/* Several statements have several answers, of which the last counts, or the first that failed. */
static bool end_unit(struct target_session *session, const char *statement, bool *kept,
                     struct error *err)
{
    struct outcome outcome = {0};

    *kept = false;
    if (!target_drain(session, true, err))
        return false;
    session->in_unit = false;
    session->in_transaction = session->mode == TARGET_ONE;
    if (!target_ask(session, statement, &outcome, err))
        return false;
    if (!session->unit_failed && session->mode != TARGET_ONE)
        target_must_be_kept(&outcome);
    *kept = !session->unit_failed && !outcome.failed;
    if (!*kept)
        session->open = session->before_unit;
    else if (session->mode != TARGET_ONE)
        target_count_open(session);
    if (session->unit_failed && session->mode != TARGET_ONE)
        return true;
    return !outcome.failed ||
           target_tell_failure(session, session->unit_subject, "COMMIT", statement, &outcome, err);
}

bool target_unit_end(struct target_session *session, bool *kept, struct error *err)
{
    bool done =
        end_unit(session, session->mode == TARGET_ONE ? "RELEASE " SAVEPOINT : "COMMIT", kept, err);

    if (done && *kept && session->has_subject)
        target_tell_done(session, session->unit_subject, 0, 0);
    return done;
}

bool target_unit_give_up(struct target_session *session, struct error *err)
{
    bool ignored;

    session->unit_failed = true;
    return end_unit(session,
                    session->mode == TARGET_ONE ? "ROLLBACK TO " SAVEPOINT "; RELEASE " SAVEPOINT
                                                : "ROLLBACK",
                    &ignored, err);
}
