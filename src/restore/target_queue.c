/*
 * What is queued is held until the server has said what came of it, because it may have to be said
 * again. A batch is BEGIN, its statements and COMMIT, of which the answers are read once all of it
 * is on its way. If one of them failed nothing of it stays, and each is sent once more, by itself:
 * what fails then is what would have failed in any case, in the words that the server has for it.
 * Batches cost too much where many fail, so that behind a failure the next one is not tried as one.
 */
#include "restore/target_session_internal.h"

#include "base/array.h"

#include <stdlib.h>
#include <string.h>

#define HELD_KEPT (2 * BATCH_BYTES)

/* ---- What came of it ---- */

/* An archive cannot know which transactions there are: a statement that ends one, or leaves one
 * open, would take others along. */
static bool check_status(struct target_session *session, const struct queued_statement *statement,
                         const struct outcome *outcome, bool within, struct error *err)
{
    if ((outcome->status != 'I') == within)
        return true;
    error_set(err, ERROR_REFUSED, "%s: its SQL begins or ends a transaction",
              target_held_text(session, statement->object));
    error_hint(err, "A restore makes its transactions itself. Look at this entry: pg_dump writes "
                    "none like it.");
    return target_stop(session, err);
}

static void forget_queue(struct target_session *session)
{
    session->queue_count = session->queued_parts = 0;
    buffer_clear_keeping(&session->held, HELD_KEPT);
}

bool target_begin(struct target_session *session, struct error *err)
{
    if (session->in_transaction)
        return true;
    if (!wire_queue_query(session->conn, "BEGIN", err))
        return target_stop(session, err);
    session->in_transaction = session->begun = true;
    session->chunked = 0;
    return true;
}

/* ---- One by one ---- */

/* The texts of all that is queued, one at a time: of a statement that has parts these. */
struct position {
    size_t number; /* in the queue */
    size_t part;   /* bytes of its parts that were taken */
};

static const char *next_text(const struct target_session *session, struct position *position,
                             struct queued_statement **statement, bool *last)
{
    struct queued_statement *queued;
    const char *text;

    if (position->number == session->queue_count)
        return NULL;
    queued = *statement = &session->queue[position->number];
    *last = true;
    text = target_text_of(session, queued);
    if (queued->parts != NO_TEXT) {
        text = target_held_text(session, queued->parts + position->part);
        position->part += strlen(text) + 1;
        *last = position->part >= queued->parts_len;
    }
    if (*last)
        *position = (struct position){.number = position->number + 1};
    return text;
}

/* Of INSERT its text is what came of the rows. */
static uint64_t bytes_of(const struct target_session *session,
                         const struct queued_statement *statement, uint64_t rows)
{
    if (rows == 0)
        return 0;
    return statement->rows != NO_TEXT ? statement->rows_len : target_length_of(session, statement);
}

static bool check_rows(struct target_session *session, const struct queued_statement *statement,
                       uint64_t rows, struct error *err)
{
    const struct target_statement told = {
        .subject = statement->subject,
        .object = target_held_text(session, statement->object),
        .text = target_text_of(session, statement),
    };

    return statement->expected == UINT64_MAX || statement->expected == rows ||
           target_tell_lacking(session, &told, statement->expected, rows, err);
}

static bool tell_done(struct target_session *session, const struct queued_statement *statement,
                      uint64_t rows, struct error *err)
{
    target_tell_done(session, statement->subject, rows, bytes_of(session, statement, rows));
    return check_rows(session, statement, rows, err);
}

static bool send_one(struct target_session *session, const struct queued_statement *statement,
                     const char *text, struct error *err)
{
    bool sent = statement->parts == NO_TEXT ? target_send_statement(session, statement, err)
                                            : target_send_text(session, text, err);

    return sent ? true : target_stop(session, err);
}

static bool read_one(struct target_session *session, const struct queued_statement *statement,
                     const char *text, bool last, struct error *err)
{
    struct outcome outcome;

    if (!target_read_outcome(session, statement->rows != NO_TEXT, &outcome, err) ||
        !check_status(session, statement, &outcome, false, err))
        return false;
    if (outcome.failed) {
        session->careful = true;
        outcome.drops = statement->drops;
        return target_tell_failure(session, statement->subject,
                                   target_held_text(session, statement->object), text, &outcome,
                                   err);
    }
    return last ? tell_done(session, statement, outcome.rows, err) : true;
}

static bool read_until(struct target_session *session, struct position *read,
                       const struct position *until, struct error *err)
{
    struct queued_statement *statement;

    while (read->number != until->number || read->part != until->part) {
        bool last;
        const char *text = next_text(session, read, &statement, &last);

        if (text == NULL)
            break;
        if (!statement->left && !read_one(session, statement, text, last, err))
            return false;
    }
    return true;
}

static enum target_made is_made(const struct target_session *session, uint64_t subject)
{
    return session->told.made == NULL ? TARGET_IS_MADE
                                      : session->told.made(session->told.context, subject);
}

/* What has to do with something else that is still on its way waits for that. */
static bool decide(struct target_session *session, struct queued_statement *statement,
                   struct position *read, const struct position *before, struct error *err)
{
    enum target_made made;

    if (!statement->if_made)
        return true;
    made = is_made(session, statement->subject);
    if (made == TARGET_MAY_BE_MADE) {
        if (!read_until(session, read, before, err))
            return false;
        made = is_made(session, statement->subject);
    }
    statement->left = made == TARGET_IS_NOT_MADE;
    return true;
}

/* Each is sent and answered by itself, but none waits for the answer before: unless a failure is to
 * end it, when nothing may have been done behind that. */
static bool do_one_by_one(struct target_session *session, struct error *err)
{
    struct queued_statement *statement;
    struct position sent = {0}, read = {0}, before = {0};
    const char *text;
    bool last;

    session->careful = false;
    while ((text = next_text(session, &sent, &statement, &last)) != NULL) {
        if (!decide(session, statement, &read, &before, err) ||
            (!statement->left && !send_one(session, statement, text, err)))
            return false;
        if (session->exit_on_error && !read_until(session, &read, &sent, err))
            return false;
        before = sent;
    }
    return read_until(session, &read, &sent, err);
}

/* ---- As a batch ---- */

static bool read_begin(struct target_session *session, struct error *err)
{
    struct outcome outcome;

    if (!session->begun)
        return true;
    session->begun = false;
    if (!target_read_outcome(session, false, &outcome, err))
        return false;
    if (!outcome.failed)
        return true;
    *err = outcome.error;
    return target_stop(session, err);
}

/* *failed: the number of the first that failed, and what came of it; else the count. */
static bool read_batch(struct target_session *session, size_t *failed, struct outcome *first,
                       struct error *err)
{
    struct outcome outcome;

    *failed = session->queue_count;
    if (!read_begin(session, err))
        return false;
    for (size_t i = 0; i < session->queue_count; i++) {
        struct queued_statement *statement = &session->queue[i];

        if (!target_read_outcome(session, statement->rows != NO_TEXT, &outcome, err) ||
            !check_status(session, statement, &outcome, true, err))
            return false;
        statement->taken = outcome.rows;
        if (outcome.failed && *failed == session->queue_count) {
            *failed = i;
            *first = outcome;
        }
    }
    return true;
}

static bool commit(struct target_session *session, struct outcome *outcome, struct error *err)
{
    if (!wire_queue_query(session->conn, "COMMIT", err))
        return target_stop(session, err);
    session->in_transaction = false;
    session->unsent = 0;
    return target_read_outcome(session, false, outcome, err);
}

static bool tell_all_done(struct target_session *session, struct error *err)
{
    for (size_t i = 0; i < session->queue_count; i++) {
        if (!tell_done(session, &session->queue[i], session->queue[i].taken, err))
            return false;
    }
    return true;
}

static bool end_batch(struct target_session *session, struct error *err)
{
    struct outcome first, end;
    size_t failed;

    /* COMMIT goes out with the rest; of a transaction that has failed it is a ROLLBACK. */
    if (!wire_queue_query(session->conn, "COMMIT", err))
        return target_stop(session, err);
    session->in_transaction = false;
    session->unsent = 0;
    if (!read_batch(session, &failed, &first, err) ||
        !target_read_outcome(session, false, &end, err))
        return false;
    if (failed < session->queue_count || end.failed || end.rolled_back) {
        if (!do_one_by_one(session, err))
            return false;
        session->careful = true;
        return true;
    }
    return tell_all_done(session, err);
}

/* ---- As a transaction that is not done again ---- */

static bool end_chunk(struct target_session *session, bool keep_open, struct error *err)
{
    struct outcome first, end = {0};
    size_t failed;

    if (!read_batch(session, &failed, &first, err))
        return false;
    if (failed < session->queue_count) {
        const struct queued_statement *statement = &session->queue[failed];

        return target_tell_failure(session, statement->subject,
                                   target_held_text(session, statement->object),
                                   target_text_of(session, statement), &first, err);
    }
    session->chunked += (unsigned)session->queue_count;
    if (session->in_transaction && session->mode == TARGET_CHUNKS &&
        (!keep_open || session->chunked >= session->chunk)) {
        if (!commit(session, &end, err))
            return false;
        target_must_be_kept(&end);
        if (end.failed)
            return target_tell_failure(session, TARGET_NO_SUBJECT, "COMMIT", "COMMIT", &end, err);
        target_count_open(session);
    }
    return tell_all_done(session, err);
}

/* ---- As a unit ---- */

#define SAVEPOINT "SAVEPOINT pgcask"
#define RELEASE "RELEASE SAVEPOINT pgcask"

static bool undo_to_savepoint(struct target_session *session, struct error *err)
{
    struct outcome undone;

    if (!target_ask(session, "ROLLBACK TO " SAVEPOINT "; " RELEASE, &undone, err))
        return false;
    if (!undone.failed)
        return true;
    *err = undone.error;
    return target_stop(session, err);
}

static bool undo_one(struct target_session *session, const struct queued_statement *statement,
                     const struct outcome *outcome, struct error *err)
{
    return undo_to_savepoint(session, err) &&
           (target_take_untold(session, statement->untold, &outcome->error) ||
            target_tell_failure(session, statement->subject,
                                target_held_text(session, statement->object),
                                target_text_of(session, statement), outcome, err));
}

/* alone: it may want rows, and nothing is sent behind it before its answer is there. */
static bool do_one_saving(struct target_session *session, const struct queued_statement *statement,
                          bool alone, struct error *err)
{
    struct outcome saved, outcome, released;

    if (!wire_queue_query(session->conn, SAVEPOINT, err) ||
        !target_send_statement(session, statement, err) ||
        (!alone && !wire_queue_query(session->conn, RELEASE, err)))
        return target_stop(session, err);
    if (!target_read_outcome(session, false, &saved, err) ||
        !target_read_outcome(session, statement->rows != NO_TEXT, &outcome, err) ||
        !check_status(session, statement, &outcome, true, err) ||
        (!alone && !target_read_outcome(session, false, &released, err)))
        return false;
    if (outcome.failed)
        return undo_one(session, statement, &outcome, err);
    if (!alone)
        target_count(session, outcome.rows, bytes_of(session, statement, outcome.rows));
    return !alone || target_ask(session, RELEASE, &released, err);
}

/* What is done stays only if the unit does, whose end says so. */
static bool count_piece(struct target_session *session, struct error *err)
{
    for (size_t i = 0; i < session->queue_count; i++) {
        const struct queued_statement *statement = &session->queue[i];

        target_count(session, statement->taken, bytes_of(session, statement, statement->taken));
        if (!check_rows(session, statement, statement->taken, err))
            return false;
    }
    return true;
}

/* Within the one transaction the same as for batches: what failed is done again one by one. */
static bool end_piece_saving(struct target_session *session, struct error *err)
{
    struct outcome first, saved, released;
    size_t failed;

    if (session->queue_count == 0)
        return read_begin(session, err);
    if (!wire_queue_query(session->conn, RELEASE, err))
        return target_stop(session, err);
    if (!read_begin(session, err) || !target_read_outcome(session, false, &saved, err) ||
        !read_batch(session, &failed, &first, err) ||
        !target_read_outcome(session, false, &released, err))
        return false;
    if (failed == session->queue_count)
        return count_piece(session, err);
    if (!undo_to_savepoint(session, err))
        return false;
    for (size_t i = 0; i < session->queue_count; i++) {
        if (!do_one_saving(session, &session->queue[i], false, err))
            return false;
    }
    return true;
}

/* A unit's transaction is over once one of it has failed: nobody needs to know of the rest. */
static bool end_piece_of_unit(struct target_session *session, struct error *err)
{
    struct outcome first;
    size_t failed;

    if (!read_batch(session, &failed, &first, err))
        return false;
    if (failed == session->queue_count)
        return count_piece(session, err);
    if (session->unit_failed)
        return true;
    session->unit_failed = true;
    return target_tell_failure(session, session->queue[failed].subject,
                               target_held_text(session, session->queue[failed].object),
                               target_text_of(session, &session->queue[failed]), &first, err);
}

bool target_drain(struct target_session *session, bool keep_open, struct error *err)
{
    bool done = true;

    if (!failure_check(&session->stopped, err))
        return false;
    if (session->in_unit)
        done = session->saving ? end_piece_saving(session, err) : end_piece_of_unit(session, err);
    else if (session->mode != TARGET_AS_IT_FITS)
        done = end_chunk(session, keep_open, err);
    else if (session->in_transaction)
        done = end_batch(session, err);
    else
        done = do_one_by_one(session, err);
    forget_queue(session);
    return done;
}

/* ---- Queueing ---- */

static bool is_full(const struct target_session *session)
{
    size_t most = BATCH_STATEMENTS;

    if (session->mode == TARGET_CHUNKS && session->chunk - session->chunked < most)
        most = session->chunk - session->chunked;
    return session->queue_count >= most || session->held.len >= BATCH_BYTES ||
           session->queued_parts >= BATCH_PARTS;
}

/* Before the first of a batch. */
static bool save(struct target_session *session, struct error *err)
{
    return !session->in_unit || !session->saving || session->queue_count > 1 ||
           wire_queue_query(session->conn, SAVEPOINT, err);
}

static bool enqueue(struct target_session *session, const struct target_statement *statement,
                    const struct slice *rows, struct error *err)
{
    bool at_once = session->in_unit || session->mode != TARGET_AS_IT_FITS || !session->careful;

    if (!target_hold_statement(session, statement, rows, err))
        return target_stop(session, err);
    if (at_once &&
        (!target_begin(session, err) || !save(session, err) ||
         !target_send_statement(session, &session->queue[session->queue_count - 1], err)))
        return target_stop(session, err);
    return is_full(session) ? target_drain(session, true, err) : true;
}

/* With nothing before it and nothing behind it on the way. */
static bool do_alone(struct target_session *session, const struct target_statement *statement,
                     struct error *err)
{
    bool done;

    if (!target_drain(session, session->mode == TARGET_ONE, err) ||
        !target_hold_statement(session, statement, NULL, err))
        return target_stop(session, err);
    if (session->mode != TARGET_ONE && !session->in_unit) {
        done = do_one_by_one(session, err);
        forget_queue(session);
        return done;
    }
    if (session->in_unit && session->saving) {
        done = do_one_saving(session, session->queue, true, err);
        forget_queue(session);
        return done;
    }
    return target_begin(session, err) && target_send_statement(session, session->queue, err) &&
           target_drain(session, true, err);
}

/* Rows are wanted by a statement that nobody has rows for: whatever is sent behind it would be
 * taken for them. Neither word can be written in another way. */
static bool may_want_rows(const char *text)
{
    return strcasestr(text, "stdin") != NULL && strcasestr(text, "copy") != NULL;
}

bool target_execute(struct target_session *session, const struct target_statement *statement,
                    struct error *err)
{
    if (!failure_check(&session->stopped, err))
        return false;
    if (session->in_unit && session->unit_failed)
        return true;
    if ((statement->flags & TARGET_IF_MADE) != 0 &&
        is_made(session, statement->subject) == TARGET_IS_NOT_MADE)
        return true;
    if ((statement->flags & TARGET_ALONE) != 0 || target_is_long(statement) ||
        may_want_rows(statement->text))
        return do_alone(session, statement, err);
    return enqueue(session, statement, NULL, err);
}

bool target_copy(struct target_session *session, const struct target_statement *statement,
                 struct slice rows, struct error *err)
{
    if (!failure_check(&session->stopped, err))
        return false;
    if (session->in_unit && session->unit_failed)
        return true;
    return enqueue(session, statement, &rows, err);
}
