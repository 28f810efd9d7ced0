/*
 * Statements between the one who queues them and the connection: each is held until its outcome is
 * known, and sent as often as it is tried. A long one is neither held nor queued: it goes alone,
 * and lies where its caller has it until its outcome is known, which is before the call returns.
 */
#include "restore/target_session_internal.h"

#include "base/array.h"
#include "restore/long_statement.h"

#include <string.h>

#define SEND_ENOUGH ((size_t)32 * 1024)

const char *target_held_text(const struct target_session *session, size_t offset)
{
    return (const char *)session->held.data + offset;
}

const char *target_text_of(const struct target_session *session,
                           const struct queued_statement *statement)
{
    return statement->lent != NULL ? statement->lent->text
                                   : target_held_text(session, statement->text);
}

static uint64_t more_of(const struct target_statement *statement)
{
    return statement->more == NULL ? 0 : statement->more->len;
}

bool target_is_long(const struct target_statement *statement)
{
    return more_of(statement) > 0 ||
           (statement->parts == NULL && strlen(statement->text) >= BATCH_BYTES);
}

bool target_hold(struct target_session *session, const void *text, size_t len, size_t *offset,
                 struct error *err)
{
    *offset = session->held.len;
    return buffer_append(&session->held, text, len, err) &&
           buffer_append_byte(&session->held, 0, err);
}

static size_t count_parts(const struct target_statement *statement)
{
    size_t count = 0;

    for (size_t at = 0; statement->parts != NULL && at < statement->parts_len; count++)
        at += strlen(statement->parts + at) + 1;
    return count;
}

bool target_hold_statement(struct target_session *session, const struct target_statement *statement,
                           const struct slice *rows, struct error *err)
{
    struct queued_statement queued = {
        .subject = statement->subject,
        .if_made = (statement->flags & TARGET_IF_MADE) != 0,
        .drops = (statement->flags & TARGET_DROPS) != 0,
        .parts = NO_TEXT,
        .rows = NO_TEXT,
        .expected = statement->expected == NULL ? UINT64_MAX : *statement->expected,
        .untold = statement->untold,
        .lent = rows == NULL && target_is_long(statement) ? statement : NULL,
    };

    if (session->queue_count == session->queue_capacity) {
        struct queued_statement *grown =
            array_grow(session->queue, &session->queue_capacity, sizeof(*grown), err);

        if (grown == NULL)
            return false;
        session->queue = grown;
    }
    queued.parts_len = statement->parts == NULL ? 0 : statement->parts_len;
    queued.rows_len = rows == NULL ? 0 : rows->len;
    if (!target_hold(session, statement->object, strlen(statement->object), &queued.object, err) ||
        (queued.lent == NULL &&
         !target_hold(session, statement->text, strlen(statement->text), &queued.text, err)) ||
        (statement->parts != NULL &&
         !target_hold(session, statement->parts, statement->parts_len, &queued.parts, err)) ||
        (rows != NULL && !target_hold(session, rows->data, rows->len, &queued.rows, err)))
        return false;
    session->queue[session->queue_count++] = queued;
    session->queued_parts += count_parts(statement);
    return true;
}

/* What is sent ahead is sent in pieces, so that the server has something to do meanwhile. */
static bool note_unsent(struct target_session *session, size_t bytes, struct error *err)
{
    session->unsent += bytes;
    if (session->unsent < SEND_ENOUGH)
        return true;
    session->unsent = 0;
    return wire_flush(session->conn, err);
}

bool target_send_text(struct target_session *session, const char *text, struct error *err)
{
    return wire_queue_query(session->conn, text, err) && note_unsent(session, strlen(text), err);
}

static bool send_long(struct target_session *session, const struct target_statement *statement,
                      struct error *err)
{
    const struct wire_text text = {.head = slice_string(statement->text),
                                   .rest = more_of(statement),
                                   .next = long_statement_next,
                                   .context = statement->more};

    if (statement->more != NULL)
        long_statement_begin(statement->more);
    session->unsent = 0;
    return wire_send_text(session->conn, &text, err);
}

bool target_send_statement(struct target_session *session, const struct queued_statement *statement,
                           struct error *err)
{
    struct slice rows;

    if (statement->lent != NULL)
        return send_long(session, statement->lent, err);
    if (statement->rows == NO_TEXT)
        return target_send_text(session, target_held_text(session, statement->text), err);
    rows = slice_make(target_held_text(session, statement->rows), statement->rows_len);
    return wire_queue_copy(session->conn, target_held_text(session, statement->text), rows, err) &&
           note_unsent(session, rows.len, err);
}

uint64_t target_length_of(const struct target_session *session,
                          const struct queued_statement *statement)
{
    return strlen(target_text_of(session, statement)) +
           (statement->lent == NULL ? 0 : more_of(statement->lent));
}
