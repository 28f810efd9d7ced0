/* No statement of the script is held for it, so that it may be of any length. */
#include "cli/script_report.h"

#include "archive/sql_script.h"
#include "record/store.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define BEGINNING 512

/* Comments and psql's commands begin no other text. */
static bool begins_as_sql(struct slice text)
{
    static const char *const words[] = {
        "--",       "/*",    "\\",   "SET",    "SELECT",       "CREATE", "ALTER", "DROP",
        "BEGIN",    "START", "COPY", "INSERT", "UPDATE",       "DELETE", "GRANT", "DO",
        "TRUNCATE", "WITH",  "CALL", "REVOKE", "\xef\xbb\xbf", "COMMENT"};

    while (text.len > 0 && strchr(" \t\r\n", text.data[0]) != NULL)
        slice_take(&text, 1);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (text.len > strlen(words[i]) &&
            strncasecmp((const char *)text.data, words[i], strlen(words[i])) == 0)
            return true;
    }
    return false;
}

/* A tar has zero bytes in its first block, and an SQL script has none anywhere. */
bool script_report_is_script(struct record_source *source, bool is_folder, bool *script,
                             struct error *err)
{
    struct slice bytes;

    *script = false;
    if (is_folder)
        return true;
    if (!tar_source_peek(source, BEGINNING, &bytes, err))
        return false;
    *script = bytes.len > 0 && memchr(bytes.data, 0, bytes.len) == NULL && begins_as_sql(bytes);
    return true;
}

/* ---- Reading ---- */

static bool take_connect(void *context, const char *database, uint64_t line, struct error *err)
{
    struct script_report *report = context;

    (void)line;
    (void)err;
    report->databases += strcmp(report->database, database) != 0;
    snprintf(report->database, sizeof(report->database), "%s", database);
    return true;
}

static const char *or_null(const char *text)
{
    return text[0] == '\0' || strcmp(text, "-") == 0 ? NULL : text;
}

static bool take_entry(void *context, const struct sql_script_comment *comment, struct error *err)
{
    struct script_report *report = context;
    const char *schema = or_null(comment->schema), *owner = or_null(comment->owner);
    json_t *object;

    (void)err;
    report->entries++;
    if (!report->lists || !options_flag(report->command->options, "verbose"))
        return true;
    command_say(report->command, "%" PRIu64 "; %s %s %s %s", comment->number, comment->type,
                schema == NULL ? "-" : schema, comment->name, owner == NULL ? "" : owner);
    if (report->command->result == NULL)
        return true;
    object = json_object();
    result_set_number(object, "id", comment->number);
    result_set_text(object, "kind", comment->type);
    if (schema != NULL)
        result_set_text(object, "schema", schema);
    result_set_text(object, "name", comment->name);
    if (owner != NULL)
        result_set_text(object, "owner", owner);
    if (report->contents == NULL)
        report->contents = json_array();
    json_array_append_new(report->contents, object);
    return true;
}

static bool feed(struct script_report *report, struct sql_script *script, struct reader *reader,
                 struct error *err)
{
    const struct record_observer *observer = report->observer;
    enum reader_status status;
    struct slice bytes;

    while ((status = reader_next(reader, &bytes, err)) == READER_DATA) {
        report->bytes += bytes.len;
        if (observer != NULL && observer->bytes_moved != NULL)
            observer->bytes_moved(observer->context, bytes.len);
        if (!cancel_check(report->command->cancel, err) || !sql_script_feed(script, bytes, err))
            return false;
    }
    return status == READER_END && sql_script_finish(script, err);
}

bool script_report_read(struct script_report *report, struct reader *reader, struct error *err)
{
    const struct sql_script_handler handler = {
        .context = report, .connect = take_connect, .entry = take_entry};
    struct sql_script *script = sql_script_new(&handler, err);
    bool done = script != NULL && feed(report, script, reader, err);

    if (script == NULL)
        return false;
    report->rows = sql_script_rows(script);
    report->known = sql_script_origin(script) != SQL_SCRIPT_UNKNOWN;
    snprintf(report->server, sizeof(report->server), "%s", sql_script_server(script));
    sql_script_free(script);
    return done;
}

/* ---- Telling ---- */

void script_report_fill(struct script_report *report)
{
    json_t *result = report->command->result;

    result_set_text(result, "kind", "script");
    result_set_text(result, "format", "script");
    result_set_number(result, "bytes", report->bytes);
    result_set_number(result, "entries", report->entries);
    if (report->databases == 1)
        result_set_known(result, "database", report->database);
    result_set_known(result, "server_version", report->server);
    if (report->contents != NULL)
        result_set(result, "contents", report->contents);
    report->contents = NULL;
}

void script_report_say(const struct script_report *report, bool complete)
{
    const struct command *command = report->command;

    command_say(command, "%-12s %s", "kind", "an SQL script");
    command_say(command, "%-12s %s", "complete",
                !complete       ? "no"
                : report->known ? "yes"
                                : "not known: nothing in it says what it is and where it ends");
    command_say(command, "%-12s %s", "server",
                report->server[0] == '\0' ? "not known" : report->server);
    if (report->databases == 1)
        command_say(command, "%-12s %s", "database", report->database);
    else
        command_say(command, "%-12s %zu that it connects to", "databases", report->databases);
    command_say(command, "%-12s %" PRIu64 " that its comments name", "entries", report->entries);
    command_say(command, "%-12s %" PRIu64 " that it copies", "rows", report->rows);
}
