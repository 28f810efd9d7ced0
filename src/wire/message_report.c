/* The server's errors as ours. Their texts come from outside and are cleaned on the way. */
#include "wire/message_internal.h"

#include <stdio.h>

/* Length of the UTF-8 sequence that text begins with, 0 if it is none. Overlong forms pass: they
 * do no harm on a terminal. */
static size_t sequence_length(const char *text)
{
    uint8_t first = (uint8_t)text[0];
    size_t len = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;

    if ((first >= 0x80 && first < 0xc2) || first > 0xf4)
        return 0;
    for (size_t i = 1; i < len; i++) {
        if (((uint8_t)text[i] & 0xc0) != 0x80) /* the final NUL stops here too */
            return 0;
    }
    return len;
}

/* Control characters of Latin-1 in UTF-8 (U+0080 to U+009F) are commands to some terminals. */
static bool is_control(const char *text, size_t len)
{
    if (len == 1)
        return ((uint8_t)text[0] < ' ' && text[0] != '\n' && text[0] != '\t') || text[0] == 0x7f;
    return len == 2 && (uint8_t)text[0] == 0xc2 && (uint8_t)text[1] < 0xa0;
}

void report_clean(const char *text, char *out, size_t out_size)
{
    size_t used = 0;

    while (text[0] != '\0') {
        size_t len = sequence_length(text);

        if (used + (len == 0 ? 1 : len) >= out_size)
            break;
        if (len == 0 || is_control(text, len)) {
            out[used++] = '?';
            text += len == 0 ? 1 : len;
            continue;
        }
        memcpy(out + used, text, len);
        used += len;
        text += len;
    }
    out[used] = '\0';
}

#define FIELD_KEPT ((size_t)4 * REPORT_TEXT_SIZE) /* before it is cleaned */

/* A field is a byte that says which, its text and a NUL; another NUL is the end. */
bool report_shortener_feed(struct report_shortener *shortener, struct slice bytes,
                           struct error *err)
{
    while (bytes.len > 0 && !shortener->full) {
        const uint8_t *end = memchr(bytes.data, '\0', bytes.len);
        struct slice text = bytes;

        if (end != NULL)
            text.len = (size_t)(end - bytes.data);
        slice_take(&bytes, text.len + (end != NULL));
        if (text.len > FIELD_KEPT - shortener->kept)
            text.len = FIELD_KEPT - shortener->kept;
        shortener->kept = end != NULL ? 0 : shortener->kept + text.len;
        if (!buffer_append(&shortener->body, text.data, text.len, err) ||
            (end != NULL && !buffer_append_byte(&shortener->body, '\0', err)))
            return false;
        shortener->full = shortener->body.len > REPORT_LONG;
    }
    return true;
}

bool report_shortener_finish(struct report_shortener *shortener, struct error *err)
{
    return !shortener->full || buffer_append(&shortener->body, "\0", 2, err);
}

struct sqlstate_hint {
    const char *sqlstate;
    const char *hint;
};

static const char *hint_for(const char *sqlstate)
{
    static const struct sqlstate_hint hints[] = {
        {"42501", "The role that connected lacks a right: GRANT it what the message names, or "
                  "connect as a role that has it."},
        {"53100", "The server's disk is full: free space there."},
        {"53200", "The server is out of memory: look at work_mem and what else runs there."},
        {"53300", "All connections are taken: raise max_connections (or max_wal_senders), or end "
                  "sessions."},
        {"53400", "A limit of the server's configuration is reached: raise it."},
        {"54000", "A limit of the server is exceeded."},
        {"55P03", "Another session holds the lock: see pg_locks, wait for it or end it."},
        {"57014", "The server cancelled the statement: look at statement_timeout and lock_timeout, "
                  "and who may have called pg_cancel_backend."},
        {"57P01", "An administrator ended the session or stops the server: try again later."},
        {"57P02", "Another process of the server crashed: see its log, and try again."},
        {"57P03", "The server is starting, stopping or recovering: try again in a moment."},
        {"57P05",
         "idle_session_timeout ended the session: raise it for this role, or where the database "
         "has it: ALTER ROLE … SET idle_session_timeout = '1min';  ALTER DATABASE … SET "
         "idle_session_timeout = '1min';"},
        {"25P03",
         "idle_in_transaction_session_timeout ended the session: raise it for this role, or for "
         "the database if that has it."},
        {"58030", "The server could not read or write a file: see its log and its disks."},
        {"XX001", "The server's data is damaged: see its log."},
        {"XX002", "An index of the server is damaged: REINDEX it."},
    };

    for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++) {
        if (strcmp(sqlstate, hints[i].sqlstate) == 0)
            return hints[i].hint;
    }
    return "";
}

/* Also the server's own rights in its file system are SQLSTATE 42501. */
#define HINT_FILE                                                                                  \
    "The system user that the server runs as may not read or write that file: look at its owner "  \
    "and mode on the server's machine, or move it out of the data directory."

static const char *hint_of(const struct error *err)
{
    bool of_a_file = strcmp(err->sqlstate, "42501") == 0 &&
                     (strstr(err->message, ": Permission denied") != NULL ||
                      strstr(err->message, ": Operation not permitted") != NULL);

    return of_a_file ? HINT_FILE : hint_for(err->sqlstate);
}

bool report_to_error(const struct message_report *report, struct error *err)
{
    char text[REPORT_TEXT_SIZE];

    report_clean(report->message, text, sizeof(text));
    error_set(err, ERROR_SERVER, "%s", text[0] != '\0' ? text : "an error without a message");
    report_clean(report->sqlstate, text, sizeof(err->sqlstate));
    snprintf(err->sqlstate, sizeof(err->sqlstate), "%.5s", text);
    report_clean(report->detail, text, sizeof(text));
    error_detail(err, "%s", text);
    report_clean(report->hint, text, sizeof(text));
    return error_hint(err, "%s", text[0] != '\0' ? text : hint_of(err));
}
