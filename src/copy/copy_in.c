/*
 * A server refuses rows while they are still being sent, says why only once somebody reads, and is
 * ready for more only behind that. Here each of these steps is taken in its order, so that whoever
 * has rows to give sees one failure, with the server's words, and a session that is usable again.
 */
#include "copy/copy_in.h"

#include <stdlib.h>
#include <string.h>

/* Reads what is left of the answer. What went wrong first is in *err already. */
static bool fail(struct copy_in *copy, struct error *err)
{
    struct error later;

    if (!wire_is_broken(copy->conn))
        wire_drain(copy->conn, &later);
    return copy->table == NULL ? false
                               : error_prefix(err, "cannot write into table %s", copy->table);
}

static bool unexpected(struct copy_in *copy, struct error *err)
{
    error_set(err, ERROR_PROTOCOL, "the server's answer is not complete");
    error_hint(err, WIRE_LOSS_HINT);
    return fail(copy, err);
}

bool copy_in_begin(struct copy_in *copy, struct wire_conn *conn, const char *statement,
                   const char *table, struct error *err)
{
    struct wire_event event;

    *copy = (struct copy_in){.conn = conn, .table = table};
    if (!wire_send_query(conn, statement, err))
        return fail(copy, err);
    do {
        if (!wire_next(conn, &event, err) || event.type == WIRE_SERVER_ERROR)
            return fail(copy, err);
    } while (event.type == WIRE_COMMAND_COMPLETE);
    return event.type == WIRE_COPY_IN ? true : unexpected(copy, err);
}

/* Reads to WIRE_READY. *counted: the server said how many rows it has taken. */
static bool read_answer(struct copy_in *copy, uint64_t *rows, bool *counted, struct error *err)
{
    struct wire_event event;

    *counted = false;
    do {
        if (!wire_next(copy->conn, &event, err) || event.type == WIRE_SERVER_ERROR)
            return false;
        if (event.type == WIRE_COPY_IN) {
            struct error ignored;

            wire_copy_fail(copy->conn, "there are no rows for a second COPY", &ignored);
            error_set(err, ERROR_PROTOCOL, "the server wants the rows of a second COPY");
            return false;
        }
        if (event.type == WIRE_COMMAND_COMPLETE && strncmp(event.tag, "COPY ", 5) == 0) {
            *rows = strtoull(event.tag + 5, NULL, 10);
            *counted = true;
        }
    } while (event.type != WIRE_READY);
    return true;
}

bool copy_in_send(struct copy_in *copy, struct slice rows, struct error *err)
{
    uint64_t ignored;
    bool counted;

    if (!wire_copy_send(copy->conn, rows, err))
        return fail(copy, err);
    copy->bytes += rows.len;
    if (!wire_copy_is_refused(copy->conn))
        return true;
    /* An error comes, or the connection is lost: anything else is no answer to rows. */
    return read_answer(copy, &ignored, &counted, err) ? unexpected(copy, err) : fail(copy, err);
}

bool copy_in_end(struct copy_in *copy, uint64_t *rows, struct error *err)
{
    bool counted;

    *rows = 0;
    if (!wire_copy_done(copy->conn, err) || !read_answer(copy, rows, &counted, err))
        return fail(copy, err);
    return counted ? true : unexpected(copy, err);
}

bool copy_in_give_up(struct copy_in *copy, const char *reason, struct error *err)
{
    return wire_copy_fail(copy->conn, reason, err) &&
           (wire_drain(copy->conn, err) || !wire_is_broken(copy->conn));
}
