/*
 * What a server says by the way, at any moment and between any two messages of an answer: notices,
 * parameters that have changed, notifications. None of it is an event.
 */
#include "wire/conn_internal.h"

#include <stdlib.h>
#include <string.h>

/* A server reports some fifteen, of some ten bytes each; search_path may be longer. */
#define PARAMETERS_MAX 256
#define PARAMETER_SIZE_MAX (16 * 1024)

/* ---- Parameters ---- */

static int parse_version(const char *text)
{
    long major = strtol(text, NULL, 10), minor = 0, patch = 0;
    const char *dot = strchr(text, '.');

    if (major < 0 || major > 10000)
        return 0;
    if (dot != NULL) {
        char *end;

        minor = strtol(dot + 1, &end, 10);
        if (*end == '.')
            patch = strtol(end + 1, NULL, 10);
    }
    if (minor < 0 || minor > 9999 || patch < 0 || patch > 99)
        return (int)major * 10000;
    if (major < 10) /* 9.6.24 was major 9.6 */
        return (int)(major * 10000 + (minor % 100) * 100 + patch);
    return (int)(major * 10000 + minor);
}

static bool add_parameter(struct wire_conn *conn, const char *name, const char *value)
{
    struct session_parameter *grown;
    struct session_parameter fresh;

    if (conn->parameters_count == PARAMETERS_MAX)
        return true;
    grown = realloc(conn->parameters, (conn->parameters_count + 1) * sizeof(*grown));
    if (grown == NULL)
        return false;
    conn->parameters = grown;
    fresh.name = strdup(name);
    fresh.value = strdup(value);
    if (fresh.name == NULL || fresh.value == NULL) {
        free(fresh.name);
        free(fresh.value);
        return false;
    }
    conn->parameters[conn->parameters_count++] = fresh;
    return true;
}

static bool set_parameter(struct wire_conn *conn, const char *name, const char *value)
{
    if (strlen(name) + strlen(value) > PARAMETER_SIZE_MAX)
        return true; /* none that anybody asks for */
    if (strcmp(name, "server_version") == 0)
        conn->server_version = parse_version(value);
    for (size_t i = 0; i < conn->parameters_count; i++) {
        char *copy;

        if (strcmp(conn->parameters[i].name, name) != 0)
            continue;
        copy = strdup(value);
        if (copy == NULL)
            return false;
        free(conn->parameters[i].value);
        conn->parameters[i].value = copy;
        return true;
    }
    return add_parameter(conn, name, value);
}

/* ---- Notices ---- */

static bool handle_notice(struct wire_conn *conn, struct slice body, struct error *err)
{
    char text[REPORT_TEXT_SIZE], severity[32];
    struct message_report report;

    if (!message_parse_report(body, &report, err))
        return conn_break(conn, false);
    report_clean(report.message, text, sizeof(text));
    report_clean(report.severity, severity, sizeof(severity));
    log_message(conn->log, strcmp(severity, "WARNING") == 0 ? LOG_WARNING : LOG_DEBUG,
                "server: %s: %s", severity, text);
    if (conn->on_notice != NULL) {
        char sqlstate[6];

        report_clean(report.sqlstate, sqlstate, sizeof(sqlstate));
        conn->on_notice(conn->on_notice_context, severity, sqlstate, text);
    }
    return true;
}

bool conn_handle_async(struct wire_conn *conn, char type, struct slice body, bool *handled,
                       struct error *err)
{
    const char *name, *value;

    *handled = true;
    switch (type) {
    case 'N':
        return handle_notice(conn, body, err);
    case 'S':
        if (!message_parse_parameter_status(body, &name, &value, err))
            return conn_break(conn, false);
        return set_parameter(conn, name, value) ? true : error_set_memory(err);
    case 'A':
        return true;
    default:
        *handled = false;
        return true;
    }
}
