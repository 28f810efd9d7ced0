/*
 * Asking for rows, ahead where it pays; taking them as they come; being sure that they were all.
 *
 * A COPY that failed has words of the server which say little to somebody who runs a backup: what
 * they mean here, and what mends it, is said in this file, for every job that reads rows.
 */
#include "copy/copy_out.h"

#include "base/quote.h"

#include <stdlib.h>
#include <string.h>

/* What is sent ahead has to fit into what lies between: a server that sends rows does not read. */
#define AHEAD_MAX 16
#define AHEAD_STATEMENT_MAX 512

void copy_out_init(struct copy_out *copy, struct wire_conn *conn, const struct copy_out_list *list,
                   const char *role)
{
    *copy = (struct copy_out){.conn = conn, .list = *list, .role = role};
}

/* ---- Asking ---- */

static uint32_t next_with_rows(const struct copy_out *copy, uint32_t number)
{
    while (number < copy->list.count && !copy->list.has_rows(copy->list.context, number))
        number++;
    return number;
}

static bool ask(struct copy_out *copy, uint32_t number, struct error *err)
{
    const char *statement;

    if (number < copy->asked) {
        copy->ahead--;
        return true;
    }
    copy->asked = number + 1;
    return copy->list.statement(copy->list.context, number, &statement, err) &&
           wire_queue_query(copy->conn, statement, err);
}

/* A long statement waits for its turn. */
static bool ask_ahead(struct copy_out *copy, struct error *err)
{
    uint32_t number;
    const char *statement;

    while (copy->ahead < AHEAD_MAX &&
           (number = next_with_rows(copy, copy->asked)) < copy->list.count) {
        if (!copy->list.statement(copy->list.context, number, &statement, err))
            return false;
        if (strlen(statement) > AHEAD_STATEMENT_MAX)
            break;
        if (!wire_queue_query(copy->conn, statement, err))
            return false;
        copy->asked = number + 1;
        copy->ahead++;
    }
    return true;
}

static bool begin(struct copy_out *copy, uint32_t number, struct error *err)
{
    copy->table = copy->list.table(copy->list.context, number);
    copy->rows_ended = false;
    copy->counted = false;
    copy->copying = ask(copy, number, err) && ask_ahead(copy, err);
    return copy->copying;
}

/* ---- Taking ---- */

/* "COPY 123" */
static bool count_rows(struct copy_out *copy, const char *tag)
{
    if (strncmp(tag, "COPY ", 5) != 0)
        return false;
    copy->rows += strtoull(tag + 5, NULL, 10);
    return true;
}

static const char *word_of(const struct copy_out *copy)
{
    return copy->list.large_objects ? "" : "table ";
}

/* An answer that lacks one of its parts may lack rows, too. */
static bool end(struct copy_out *copy, struct error *err)
{
    copy->copying = false;
    if (copy->rows_ended && copy->counted)
        return true;
    error_set(err, ERROR_PROTOCOL, "cannot read %s%s: the server's answer is not complete",
              word_of(copy), copy->table);
    return error_hint(err, WIRE_LOSS_HINT);
}

static bool explain(struct copy_out *copy, uint32_t number, struct error *err)
{
    char role[QUOTE_NAME_SIZE];

    if (copy->list.large_objects)
        copy->table = copy->list.table(copy->list.context, number);
    quote_identifier(copy->role, role, sizeof(role));
    if (strcmp(err->sqlstate, "42501") == 0 && strstr(err->message, "row-level") != NULL)
        error_hint(err, "A policy would hide rows: ALTER ROLE %s BYPASSRLS;", role);
    else if (strcmp(err->sqlstate, "42501") == 0 && copy->list.large_objects)
        error_hint(err,
                   "GRANT SELECT ON LARGE OBJECT … TO %s;  or, from PostgreSQL 14 on, for all of "
                   "them: GRANT pg_read_all_data TO %s;",
                   role, role);
    else if (strcmp(err->sqlstate, "42501") == 0)
        error_hint(err,
                   "GRANT SELECT ON %s TO %s;  or, from PostgreSQL 14 on, for all tables: "
                   "GRANT pg_read_all_data TO %s;",
                   copy->table, role, role);
    else if (strcmp(err->sqlstate, "42P01") == 0 || strcmp(err->sqlstate, "3F000") == 0 ||
             strcmp(err->sqlstate, "42703") == 0) /* the tables are locked, their schemas are not */
        error_hint(err, "Its schema was renamed meanwhile: run it again, when nobody does that.");
    return error_prefix(err, "cannot read %s%s", word_of(copy), copy->table);
}

bool copy_out_next(struct copy_out *copy, uint32_t number, struct slice *rows, struct error *err)
{
    struct wire_event event;

    *rows = (struct slice){0};
    if (!copy->copying && !begin(copy, number, err))
        return false;
    for (;;) {
        if (!wire_next(copy->conn, &event, err) || event.type == WIRE_SERVER_ERROR)
            return explain(copy, number, err);
        wire_join_copy_data(copy->conn, &event);
        if (event.type == WIRE_COPY_DATA && event.data.len > 0) {
            *rows = event.data;
            copy->bytes += event.data.len;
            return true;
        }
        if (event.type == WIRE_COPY_DONE)
            copy->rows_ended = true;
        if (event.type == WIRE_COMMAND_COMPLETE)
            copy->counted = count_rows(copy, event.tag);
        if (event.type == WIRE_READY)
            return end(copy, err);
    }
}
