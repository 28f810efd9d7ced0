/*
 * A walsender answers its own commands as it answers queries, so that they are sent and read like
 * these. What differs is the way in: pg_hba.conf has lines of its own for replication, and often
 * none.
 */
#include "replication/replication.h"

#include "base/bytes.h"

#include <stdio.h>

bool replication_check_version(int server_version_num, bool *newer, struct error *err)
{
    int major = server_version_num / 10000;

    *newer = major > REPLICATION_NEWEST_MAJOR;
    if (major >= REPLICATION_OLDEST_MAJOR)
        return true;
    error_set(err, ERROR_UNSUPPORTED, "the server is PostgreSQL %d; %d is the oldest supported",
              major, REPLICATION_OLDEST_MAJOR);
    error_reason(err, "server_too_old");
    return error_hint(err, "Upgrade the server to a major that PostgreSQL still maintains.");
}

/* Runs a command that answers with exactly one row of at least `columns` columns. */
static bool query_one_row(struct wire_conn *conn, const char *command, size_t columns,
                          struct wire_result **result, struct error *err)
{
    if (!wire_query(conn, command, result, err))
        return false;
    if (*result != NULL && wire_result_rows(*result) == 1 &&
        wire_result_columns(*result) >= columns)
        return true;
    wire_result_free(*result);
    *result = NULL;
    return error_set(err, ERROR_PROTOCOL, "the answer to %.40s has an unexpected form", command);
}

bool replication_identify_system(struct wire_conn *conn, struct system_identity *identity,
                                 struct error *err)
{
    struct wire_result *result;
    const char *identifier, *timeline, *position;
    uint64_t number = 0, unused;
    bool ok;

    if (!query_one_row(conn, "IDENTIFY_SYSTEM", 3, &result, err))
        return false;
    identifier = wire_result_value(result, 0, 0);
    timeline = wire_result_value(result, 0, 1);
    position = wire_result_value(result, 0, 2);
    ok = identifier != NULL && timeline != NULL && position != NULL &&
         strlen(identifier) < sizeof(identity->system_identifier) &&
         bytes_parse_u64(slice_string(identifier), &unused) &&
         bytes_parse_u64(slice_string(timeline), &number) && number <= UINT32_MAX &&
         lsn_parse(position, &identity->position);
    if (ok) {
        snprintf(identity->system_identifier, sizeof(identity->system_identifier), "%s",
                 identifier);
        identity->timeline = (uint32_t)number;
    } else {
        error_set(err, ERROR_PROTOCOL, "the answer to IDENTIFY_SYSTEM cannot be read");
    }
    wire_result_free(result);
    return ok;
}

bool replication_show(struct wire_conn *conn, const char *name, char *out, size_t out_size,
                      struct error *err)
{
    struct wire_result *result;
    const char *value;
    char command[128];

    snprintf(command, sizeof(command), "SHOW %s", name);
    if (!query_one_row(conn, command, 1, &result, err))
        return false;
    value = wire_result_value(result, 0, 0);
    snprintf(out, out_size, "%s", value == NULL ? "" : value);
    wire_result_free(result);
    return true;
}

#define STREAM_REST_MAX 10000 /* messages that come after a stream was ended */

static bool is_pg_hba_refusal(const struct error *err)
{
    /* 28000: invalid_authorization_specification, what a missing pg_hba.conf line gives. */
    return strcmp(err->sqlstate, "28000") == 0;
}

/* Whether another database may do better: this one has no line either, does not exist, takes no
 * connections or may not be entered. */
static bool leads_on(const struct error *err)
{
    return is_pg_hba_refusal(err) || strcmp(err->sqlstate, "3D000") == 0 ||
           strcmp(err->sqlstate, "55000") == 0 ||
           (strcmp(err->sqlstate, "42501") == 0 && strstr(err->detail, "CONNECT") != NULL);
}

bool replication_connect(struct wire_conn **conn, const struct wire_settings *settings,
                         const char *application_name, int64_t wait_limit_ms, struct cancel *cancel,
                         const struct log *log, struct error *err)
{
    struct wire_connect_options options = {
        .kind = WIRE_SESSION_REPLICATION,
        .application_name = application_name,
        .cancel = cancel,
        .log = log,
        .wait_limit_ms = wait_limit_ms,
    };
    /* Some database has to be named then; which one does not matter. */
    static const char *const databases[] = {NULL, "postgres", "template1"};
    struct error other;

    if (wire_connect(conn, settings, &options, err))
        return true;
    if (!is_pg_hba_refusal(err))
        return false;
    options.kind = WIRE_SESSION_REPLICATION_DATABASE;
    for (size_t i = 0; i < sizeof(databases) / sizeof(databases[0]); i++) {
        options.database = databases[i];
        if (wire_connect(conn, settings, &options, &other)) {
            error_clear(err);
            return true;
        }
        /* The first error says more, unless this way led as far as the role's rights. */
        if (!leads_on(&other)) {
            if (other.code == ERROR_SERVER || other.code == ERROR_CANCELLED)
                *err = other;
            return false;
        }
    }
    return false;
}

bool replication_create_temporary_slot(struct wire_conn *conn, const char *name, struct error *err)
{
    struct buffer command = {0};
    bool ok;

    /* The words without parentheses are understood by every supported server. */
    ok = buffer_append_string(&command, "CREATE_REPLICATION_SLOT ", err) &&
         wire_quote_identifier(&command, name, err) &&
         buffer_append_string(&command, " TEMPORARY PHYSICAL RESERVE_WAL", err) &&
         wire_query(conn, buffer_text(&command), NULL, err);
    buffer_free(&command);
    return ok;
}

/* Reads the answer to START_REPLICATION up to WIRE_READY, ending the stream as soon as it began.
 * Some WAL may be under way by then. */
static bool end_stream_at_once(struct wire_conn *conn, struct error *err)
{
    struct wire_event event;
    struct error later;
    bool failed = false;

    for (unsigned events = 0;; events++) {
        if (events == STREAM_REST_MAX)
            return error_set(err, ERROR_PROTOCOL, "the server does not end its stream of WAL");
        if (!wire_next(conn, &event, failed ? &later : err)) {
            if (failed && later.code == ERROR_CANCELLED)
                *err = later;
            return false;
        }
        if (event.type == WIRE_COPY_BOTH && !wire_copy_done(conn, err))
            return false;
        if (event.type == WIRE_SERVER_ERROR)
            failed = true;
        if (event.type == WIRE_READY)
            return !failed;
    }
}

bool replication_touch_slot(struct wire_conn *conn, const char *name, uint64_t position,
                            struct error *err)
{
    struct buffer command = {0};
    char text[LSN_TEXT_SIZE];
    bool ok;

    lsn_format(position, text);
    ok = buffer_append_string(&command, "START_REPLICATION SLOT ", err) &&
         wire_quote_identifier(&command, name, err) &&
         buffer_printf(&command, err, " PHYSICAL %s", text) &&
         wire_send_query(conn, buffer_text(&command), err) && end_stream_at_once(conn, err);
    buffer_free(&command);
    return ok;
}
