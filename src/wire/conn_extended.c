/*
 * Messages of the extended protocol, queued one by one; wire_flush makes a pipeline of them. What
 * was queued without a Sync is kept in mind, because no ReadyForQuery ends it.
 */
#include "wire/conn_internal.h"

static bool queued(struct wire_conn *conn, bool appended)
{
    if (appended)
        conn->unsynced = true;
    return appended;
}

bool wire_queue_parse(struct wire_conn *conn, const char *statement, const char *sql,
                      struct error *err)
{
    return conn_check(conn, err) &&
           queued(conn, message_append_parse(&conn->output, statement, sql, err));
}

bool wire_queue_bind(struct wire_conn *conn, const char *portal, const char *statement,
                     size_t count, const char *const *values, struct error *err)
{
    return conn_check(conn, err) &&
           queued(conn, message_append_bind(&conn->output, portal, statement, count, values, err));
}

bool wire_queue_describe_portal(struct wire_conn *conn, const char *portal, struct error *err)
{
    return conn_check(conn, err) &&
           queued(conn, message_append_describe_portal(&conn->output, portal, err));
}

bool wire_queue_execute(struct wire_conn *conn, const char *portal, uint32_t max_rows,
                        struct error *err)
{
    return conn_check(conn, err) &&
           queued(conn, message_append_execute(&conn->output, portal, max_rows, err));
}

bool wire_queue_close_statement(struct wire_conn *conn, const char *statement, struct error *err)
{
    return conn_check(conn, err) &&
           queued(conn, message_append_close_statement(&conn->output, statement, err));
}

bool wire_queue_sync(struct wire_conn *conn, struct error *err)
{
    if (!conn_check(conn, err) || !message_append_sync(&conn->output, err))
        return false;
    conn->awaiting_ready++;
    conn->unsynced = false;
    return true;
}

bool wire_flush(struct wire_conn *conn, struct error *err)
{
    return conn_check(conn, err) && conn_flush(conn, err);
}
