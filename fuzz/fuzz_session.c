/*
 * What a server may answer to a session that is logged in: rows, notices, errors, COPY. The first
 * byte chooses what the session does, the second the pieces of what is received.
 *
 * Holds: the pieces do not matter; what is lent lies in memory that is there; a session ends; texts
 * are fit for a terminal; wire_close ends whatever came before it.
 *
 * 256 KiB are received into; a whole message, of 4 MiB at most in this replication session, makes
 * that grow, to what it claims to be.
 *
 * Limits: -malloc_limit_mb=5 -max_len=8192
 */
#include "support/fake_server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define EVENTS_MAX 20000

static void take_notice(void *context, const char *severity, const char *sqlstate,
                        const char *message)
{
    must_be_clean(severity);
    must_be_clean(sqlstate);
    must_be_clean(message);
    trace_text(context, severity);
    trace_text(context, sqlstate);
    trace_text(context, message);
}

static void trace_row(const struct wire_conn *conn, struct trace *trace)
{
    trace_number(trace, wire_row_columns(conn));
    for (size_t i = 0; i < wire_row_columns(conn); i++) {
        trace_number(trace, wire_row_value(conn, i).data == NULL);
        trace_data(trace, wire_row_value(conn, i));
    }
}

static void trace_event(const struct wire_conn *conn, const struct wire_event *event,
                        const struct error *err, struct trace *trace)
{
    if (event->type == WIRE_COPY_DATA) {
        trace_data(trace, event->data);
        if (event->last)
            trace_number(trace, event->type);
        return;
    }
    trace_number(trace, event->type);
    if (event->type == WIRE_ROW)
        trace_row(conn, trace);
    if (event->type == WIRE_COMMAND_COMPLETE)
        trace_text(trace, event->tag);
    if (event->type == WIRE_SERVER_ERROR)
        trace_end(trace, false, err);
    for (size_t i = 0; event->type == WIRE_ROW_DESCRIPTION && i < wire_column_count(conn); i++) {
        trace_text(trace, wire_column_name(conn, i));
        trace_number(trace, wire_column_type(conn, i));
    }
}

/* Events until all is answered; what lies ahead must be what comes next. */
static bool take_events(struct wire_conn *conn, unsigned answers, struct trace *trace,
                        struct error *err)
{
    struct wire_event event = {.type = WIRE_NO_DATA};

    for (unsigned i = 0; i < EVENTS_MAX && answers > 0; i++) {
        bool begins, was_lent = event.type == WIRE_COPY_DATA;
        struct slice before = event.data, ahead = wire_copy_data_ahead(conn, &begins);
        uint64_t sum = 0;

        for (size_t j = 0; was_lent && j < before.len; j++)
            sum += before.data[j];
        if (!wire_next(conn, &event, err))
            return false;
        if (ahead.len > 0 && event.type == WIRE_COPY_DATA) {
            must(event.data.data == ahead.data && event.data.len == ahead.len);
            must(event.first == begins);
            for (size_t j = 0; was_lent && j < before.len; j++)
                sum -= before.data[j];
            must(!was_lent || sum == 0);
        }
        trace_event(conn, &event, err, trace);
        answers -= event.type == WIRE_READY;
        if ((event.type == WIRE_COPY_IN || event.type == WIRE_COPY_BOTH) &&
            (!wire_copy_send(conn, slice_string("some data"), err) || !wire_copy_done(conn, err)))
            return false;
    }
    return true;
}

static void trace_result(const struct wire_result *result, struct trace *trace)
{
    for (size_t row = 0; row < wire_result_rows(result); row++) {
        for (size_t column = 0; column < wire_result_columns(result); column++)
            trace_text(trace, wire_result_value(result, row, column));
    }
    for (size_t column = 0; column < wire_result_columns(result); column++)
        trace_text(trace, wire_result_column_name(result, column));
}

static bool pipeline(struct wire_conn *conn, struct trace *trace, struct error *err)
{
    static const char *const values[] = {"one", NULL};

    return wire_queue_parse(conn, "s", "SELECT $1, $2", err) &&
           wire_queue_bind(conn, "", "s", 2, values, err) &&
           wire_queue_describe_portal(conn, "", err) && wire_queue_execute(conn, "", 1, err) &&
           wire_queue_sync(conn, err) && wire_queue_close_statement(conn, "s", err) &&
           wire_queue_sync(conn, err) && take_events(conn, 2, trace, err);
}

/* One deed of a session. */
static bool act(struct wire_conn *conn, unsigned deed, struct trace *trace, struct error *err)
{
    static const char *const values[] = {"a", NULL};
    struct wire_result *result = NULL;
    bool ok;

    switch (deed % 5) {
    case 0:
        ok = wire_query(conn, "SELECT 1", &result, err);
        break;
    case 1:
        ok = wire_query_params(conn, "SELECT $1, $2", 2, values, &result, err);
        break;
    case 2:
        return wire_send_query(conn, "COPY", err) && take_events(conn, 1, trace, err);
    case 3:
        return pipeline(conn, trace, err);
    default:
        return wire_send_query(conn, "COPY", err) && wire_drain(conn, err);
    }
    if (ok && result != NULL)
        trace_result(result, trace);
    wire_result_free(result);
    return ok;
}

static struct trace run(struct slice says, uint8_t deeds, size_t piece, unsigned stubborn)
{
    struct fake_server server = {.says = says, .piece = piece};
    struct trace trace = {0};
    struct wire_conn *conn;
    struct error err;
    bool ok = true;

    fake_server_begin(&server);
    conn = fake_server_log_in(&server, 170002);
    server.stubborn = stubborn;
    wire_set_notice_handler(conn, take_notice, &trace);
    for (unsigned i = 0; i < 3 && ok; i++, deeds /= 5) {
        error_clear(&err);
        ok = act(conn, deeds, &trace, &err);
        if (!ok)
            must_be_shown(&err);
        trace_end(&trace, ok, &err);
        ok = !wire_is_broken(conn);
    }
    trace_text(&trace, wire_parameter(conn, "server_encoding"));
    wire_set_notice_handler(conn, NULL, NULL);
    wire_close(conn);
    fake_server_end(&server);
    return trace;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = {data, size};
    uint8_t deeds = feed_choice(&input);
    size_t piece = (size_t)feed_choice(&input) + 1;
    struct trace whole = run(input, deeds, 0, 0), pieces = run(input, deeds, piece, 0);

    must(trace_equals(&whole, &pieces));
    /* A server that does not read makes the client read on meanwhile: nothing to compare then. */
    run(input, deeds, piece, 2 + piece % 3);
    return 0;
}
