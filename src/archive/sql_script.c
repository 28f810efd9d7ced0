/*
 * A script is a lexer's statements, and two things that are no SQL and go by lines: the rows behind
 * COPY … FROM stdin; up to "\.", and psql's commands. Bytes are handed on in runs: a run ends where
 * what it belongs to ends.
 */
#include "archive/sql_script.h"

#include "archive/sql_script_internal.h"
#include "base/failure.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define COMMAND_MAX 1024 /* \connect with the longest name, all of it percent-encoded */
#define KEY_MAX 256      /* of \restrict; pg_dump makes 63 */
#define TEXT_KEPT ((size_t)1 << 20)

enum part {
    PART_SQL,
    PART_AFTER_COPY, /* the rest of its line */
    PART_ROWS,
    PART_COMMAND
};

struct sql_script {
    struct sql_script_handler handler;
    struct failure failure;
    struct sql_lexer lexer;
    enum part part;
    size_t mark_of_order; /* bytes of a byte order mark, which may begin it */
    uint64_t lines;       /* that have ended */
    uint64_t rows, rows_of_copy;

    struct buffer text; /* of the statement at hand; or a dash or slash that may begin one */
    uint64_t statement_line;
    uint64_t rest; /* of its bytes, which were handed on */

    bool in_row;     /* this line is no end mark */
    size_t mark_len; /* else so much of one was there */

    char line[COMMAND_MAX]; /* of a command: its beginning */
    size_t line_len;        /* all of it */
    bool line_begins;       /* nothing came after the last newline */
    bool misplaced;         /* a command that does not begin its line */

    char key[KEY_MAX]; /* of \restrict; "": not restricted */
    struct sql_comments said;
};

static bool fail(const struct sql_script *script, const char *what, struct error *err)
{
    return error_set(err, ERROR_CORRUPT, "the script is damaged: line %" PRIu64 " %s",
                     script->lines + 1, what);
}

/* ---- Handing on ---- */

static bool pass(struct sql_script *script, struct slice bytes, struct error *err)
{
    return bytes.len == 0 || script->handler.passed == NULL ||
           script->handler.passed(script->handler.context, bytes, err);
}

static bool pass_text(struct sql_script *script, struct error *err)
{
    bool passed = pass(script, buffer_slice(&script->text), err);

    buffer_clear(&script->text);
    return passed;
}

static bool is_too_long(const struct sql_script *script, struct error *err)
{
    const char *entry = sql_script_entry(script);
    bool named = entry[0] != '\0';

    error_set(err, ERROR_UNSUPPORTED,
              "the statement of line %" PRIu64
              "%s%s%s is longer than the 1 GiB that a server takes",
              script->statement_line, named ? " (" : "", entry, named ? ")" : "");
    return error_hint(err, "PostgreSQL has no other way for it. An archive (pg_dump -Fc) has rows "
                           "as COPY, which may have any number of them.");
}

static bool hold(struct sql_script *script, struct slice bytes, struct error *err)
{
    const struct sql_script_handler *handler = &script->handler;
    size_t most = handler->held == 0 ? SQL_STATEMENT_HELD : handler->held;
    struct slice kept = bytes;

    if (handler->statement == NULL || bytes.len == 0)
        return true;
    if (bytes.len > SQL_STATEMENT_MOST - script->text.len - script->rest)
        return is_too_long(script, err);
    if (handler->rest != NULL && bytes.len > most - script->text.len)
        kept.len = most - script->text.len;
    slice_take(&bytes, kept.len);
    script->rest += bytes.len;
    return buffer_append(&script->text, kept.data, kept.len, err) &&
           (bytes.len == 0 || handler->rest(handler->context, bytes, err));
}

/* Others are read as a whole by whoever runs them, and are short. */
static bool may_be_long(enum sql_kind kind)
{
    return kind == SQL_KIND_OTHER || kind == SQL_KIND_SET || kind == SQL_KIND_ALTER_ROLE ||
           kind == SQL_KIND_ALTER_DATABASE;
}

static bool check_statement(const struct sql_script *script, const struct sql_statement *statement,
                            struct error *err)
{
    if (statement->kind == SQL_KIND_COPY_IN && script->lexer.binary)
        return error_set(err, ERROR_UNSUPPORTED,
                         "line %" PRIu64 " of the script copies rows in binary, which cannot "
                         "lie in a script",
                         statement->line);
    return statement->rest == 0 || may_be_long(statement->kind) ||
           error_set(err, ERROR_UNSUPPORTED,
                     "the statement of line %" PRIu64 " is longer than 1 MiB, which only those may "
                     "be that neither begin or end a transaction, copy rows, nor make or drop a "
                     "role, a database or a tablespace",
                     statement->line);
}

static bool end_statement(struct sql_script *script, struct error *err)
{
    struct sql_statement statement = {.kind = sql_kind_of(&script->lexer),
                                      .text = buffer_slice(&script->text),
                                      .line = script->statement_line,
                                      .rest = script->rest};

    if (!check_statement(script, &statement, err))
        return false;
    sql_lexer_next_statement(&script->lexer);
    script->said.whole = false;
    if (script->handler.statement != NULL &&
        !script->handler.statement(script->handler.context, &statement, err))
        return false;
    buffer_clear_keeping(&script->text, TEXT_KEPT);
    script->rest = 0;
    script->part = statement.kind == SQL_KIND_COPY_IN ? PART_AFTER_COPY : PART_SQL;
    return true;
}

/* ---- Comments that say what the script is ---- */

static bool end_comment(struct sql_script *script, struct error *err)
{
    const struct sql_script_comment *comment = &script->said.comment;
    uint64_t before = comment->number;

    if (script->lexer.begun || script->lexer.comment_len == 0)
        return true;
    sql_comments_take(&script->said, &script->lexer);
    return comment->number == before || script->handler.entry == NULL ||
           script->handler.entry(script->handler.context, comment, err);
}

/* ---- Commands of psql ---- */

static bool refuse_command(const struct sql_script *script, const char *why, struct error *err)
{
    size_t len = strcspn(script->line, " \t\r\\;");

    if (len == 0 && script->line[0] != '\0' && strchr("\\;:", script->line[0]) != NULL)
        len = 1;
    error_set(err, ERROR_UNSUPPORTED, "line %" PRIu64 " of the script has psql's command \\%.*s%s",
              script->lines + 1, (int)(len > 60 ? 60 : len), script->line, why);
    return error_hint(err, "Nothing but SQL, \\connect as pg_dump writes it, \\restrict and "
                           "\\unrestrict is run from a script. psql runs such a command, with "
                           "all that it may do to this machine.");
}

static bool restrict_to(struct sql_script *script, const char *key, struct error *err)
{
    size_t len = strlen(key);

    for (size_t i = 0; i < len; i++) {
        char c = key[i];

        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')))
            len = 0;
    }
    if (len == 0 || len >= sizeof(script->key))
        return refuse_command(script, " without a key of letters and digits", err);
    memcpy(script->key, key, len + 1);
    return true;
}

static bool unrestrict(struct sql_script *script, const char *key, struct error *err)
{
    if (script->key[0] == '\0')
        return refuse_command(script, " without a \\restrict before it", err);
    if (strcmp(script->key, key) != 0)
        return refuse_command(script, " with another key than its \\restrict", err);
    script->key[0] = '\0';
    return true;
}

static bool connect_to(struct sql_script *script, const char *arguments, struct error *err)
{
    char name[COMMAND_MAX];

    if (!sql_connect_database(arguments, name))
        return refuse_command(script, " in a form that pg_dump does not write", err);
    script->lexer.escape_strings = false;
    script->lexer.double_bytes = SQL_BYTES_ALONE;
    script->said.entry[0] = '\0';
    script->said.whole = false;
    return script->handler.connect == NULL ||
           script->handler.connect(script->handler.context, name, script->lines + 1, err);
}

/* The command without its backslash, as the line has it. */
static bool run_command(struct sql_script *script, struct error *err)
{
    char *line = script->line;
    static const char connect[] = "connect ", restricts[] = "restrict ",
                      unrestricts[] = "unrestrict ";

    if (script->line_len >= sizeof(script->line))
        script->line_len = sizeof(script->line) - 1, script->misplaced = true;
    if (script->line_len > 0 && line[script->line_len - 1] == '\r')
        script->line_len--;
    line[script->line_len] = '\0';
    if (script->misplaced || strlen(line) != script->line_len)
        return refuse_command(script, "", err);
    if (strncmp(line, unrestricts, sizeof(unrestricts) - 1) == 0)
        return unrestrict(script, line + sizeof(unrestricts) - 1, err);
    if (script->key[0] != '\0')
        return refuse_command(script, " behind a \\restrict, which forbids it", err);
    if (strncmp(line, restricts, sizeof(restricts) - 1) == 0)
        return restrict_to(script, line + sizeof(restricts) - 1, err);
    if (strncmp(line, connect, sizeof(connect) - 1) == 0)
        return connect_to(script, line + sizeof(connect) - 1, err);
    return strcmp(line, "encoding SQL_ASCII") == 0 || refuse_command(script, "", err);
}

static void begin_command(struct sql_script *script)
{
    script->misplaced = script->lexer.begun || !script->line_begins;
    script->part = PART_COMMAND;
    script->line_len = 0;
}

static void add_to_line(struct sql_script *script, uint8_t byte)
{
    if (script->line_len < sizeof(script->line))
        script->line[script->line_len] = (char)byte;
    script->line_len++;
}

/* ---- What there is of each kind, off the front of the bytes ---- */

static bool take_command(struct sql_script *script, struct slice *bytes, struct error *err)
{
    struct slice line;
    size_t len = 0;
    bool ends = false;

    while (!ends && len < bytes->len) {
        ends = bytes->data[len++] == '\n';
        if (!ends)
            add_to_line(script, bytes->data[len - 1]);
    }
    line = slice_take(bytes, len);
    if (!script->misplaced && !pass(script, line, err)) /* in a statement: all of it is refused */
        return false;
    if (!ends)
        return true;
    script->part = PART_SQL;
    if (!run_command(script, err))
        return false;
    script->lines++;
    script->line_begins = true;
    return true;
}

/* psql would run what stands there, but behind the rows. */
static bool take_after_copy(struct sql_script *script, struct slice *bytes, struct error *err)
{
    size_t len = 0;

    while (len < bytes->len && strchr(" \t\r", bytes->data[len]) != NULL && bytes->data[len] != 0)
        len++;
    if (len < bytes->len && bytes->data[len] != '\n')
        return fail(script, "has something behind its COPY", err);
    if (len < bytes->len) {
        len++;
        script->lines++;
        script->part = PART_ROWS;
        script->in_row = false;
        script->mark_len = 0;
        script->rows_of_copy = 0;
    }
    return pass(script, slice_take(bytes, len), err);
}

static bool hand_rows(struct sql_script *script, struct slice rows, struct error *err)
{
    return rows.len == 0 || script->handler.rows == NULL ||
           script->handler.rows(script->handler.context, rows, err);
}

static const char end_mark[] = "\\.\r"; /* the last byte of it where lines are those of Windows */

static bool end_rows(struct sql_script *script, struct slice *bytes, size_t in_bytes,
                     struct error *err)
{
    size_t len = script->mark_len;

    slice_take(bytes, in_bytes + 1);
    script->part = PART_SQL;
    script->line_begins = true;
    script->lines++;
    script->rows += script->rows_of_copy;
    return pass(script, slice_make(end_mark, len), err) && pass(script, slice_string("\n"), err) &&
           (script->handler.rows_end == NULL ||
            script->handler.rows_end(script->handler.context, script->rows_of_copy, err));
}

/* The end mark is held back until its line ends: "\." alone, or with the line end of Windows. */
static bool take_rows(struct sql_script *script, struct slice *bytes, struct error *err)
{
    size_t at = 0, carried = script->mark_len, held;
    struct slice rows;
    const uint8_t *end;

    while (at < bytes->len) {
        if (script->in_row) {
            end = memchr(bytes->data + at, '\n', bytes->len - at);
            at = end == NULL ? bytes->len : (size_t)(end - bytes->data) + 1;
            script->in_row = end == NULL;
            script->rows_of_copy += end != NULL;
            script->lines += end != NULL;
        } else if (script->mark_len < 3 && bytes->data[at] == (uint8_t)end_mark[script->mark_len]) {
            script->mark_len++;
            at++;
        } else if (bytes->data[at] == '\n' && script->mark_len >= 2) {
            held = script->mark_len - carried;
            return hand_rows(script, slice_take(bytes, at - held), err) &&
                   end_rows(script, bytes, held, err);
        } else {
            if (!hand_rows(script, slice_make(end_mark, carried), err))
                return false;
            script->mark_len = carried = 0;
            script->in_row = true;
        }
    }
    held = script->mark_len - carried;
    rows = slice_take(bytes, at - held);
    slice_take(bytes, held);
    return hand_rows(script, rows, err);
}

/* What has begun with the byte at `at`, or with the one before it, is a statement. */
static bool begin_statement(struct sql_script *script, struct slice bytes, size_t at, size_t *from,
                            struct error *err)
{
    uint64_t back = script->lexer.position - script->lexer.statement_begin;

    script->statement_line = script->lines + 1;
    if (back > at + 1) /* it was held */
        return true;
    *from = at + 1 - (size_t)back;
    return pass(script, slice_make(bytes.data, *from), err);
}

static bool hand_run(struct sql_script *script, struct slice run, struct error *err)
{
    return script->lexer.begun ? hold(script, run, err) : pass(script, run, err);
}

/* At the end of a piece: a dash or a slash may be the beginning of a statement, or of a comment. */
static bool keep_run(struct sql_script *script, struct slice run, struct error *err)
{
    bool open = script->lexer.state == SQL_DASH || script->lexer.state == SQL_SLASH;

    if (script->lexer.begun || !open || run.len == 0)
        return hand_run(script, run, err);
    return pass(script, slice_take(&run, run.len - 1), err) &&
           buffer_append(&script->text, run.data, 1, err);
}

static bool take_event(struct sql_script *script, enum sql_lexer_event event, struct slice run,
                       struct error *err)
{
    switch (event) {
    case SQL_NOTHING:
        break;
    case SQL_LINE_COMMENT_ENDS:
        return end_comment(script, err);
    case SQL_STATEMENT_ENDS:
        if (script->lexer.begun)
            return hold(script, run, err) && end_statement(script, err);
        sql_lexer_next_statement(&script->lexer);
        script->said.whole = false;
        return pass(script, run, err);
    case SQL_COMMAND_BEGINS:
        begin_command(script);
        return hand_run(script, run, err);
    case SQL_TAG_IS_TOO_LONG:
        return fail(script, "has a quote with too long a tag", err);
    }
    return true;
}

/* Up to the end of a statement or the beginning of a command, and what is before it. */
static bool take_sql(struct sql_script *script, struct slice *bytes, struct error *err)
{
    enum sql_lexer_event event = SQL_NOTHING;
    size_t at = 0, from = 0;
    bool begun, ends = false;

    for (; !ends && at < bytes->len; at++) {
        uint8_t byte = bytes->data[at];

        if (byte == '\0')
            return fail(script, "has a zero byte", err);
        begun = script->lexer.begun;
        event = sql_lexer_take(&script->lexer, byte);
        if (!begun && script->lexer.begun && !begin_statement(script, *bytes, at, &from, err))
            return false;
        if (!script->lexer.begun && script->text.len > 0 && !pass_text(script, err))
            return false;
        ends = event == SQL_STATEMENT_ENDS || event == SQL_COMMAND_BEGINS;
        if (!take_event(script, event,
                        ends ? slice_make(bytes->data + from, at + 1 - from) : slice_make(NULL, 0),
                        err))
            return false;
        script->lines += byte == '\n';
        script->line_begins = byte == '\n';
    }
    if (!ends && !keep_run(script, slice_make(bytes->data + from, at - from), err))
        return false;
    slice_take(bytes, at);
    return true;
}

/* ---- The script ---- */

struct sql_script *sql_script_new(const struct sql_script_handler *handler, struct error *err)
{
    struct sql_script *script = calloc(1, sizeof(*script));

    if (script == NULL) {
        error_set_memory(err);
        return NULL;
    }
    script->handler = *handler;
    script->line_begins = true;
    script->said.comment = (struct sql_script_comment){0, "", "", "", ""};
    return script;
}

void sql_script_free(struct sql_script *script)
{
    if (script == NULL)
        return;
    buffer_free_secret(&script->text);
    free(script);
}

static bool take_any(struct sql_script *script, struct slice bytes, struct error *err)
{
    bool taken = true;

    while (taken && bytes.len > 0) {
        switch (script->part) {
        case PART_SQL:
            taken = take_sql(script, &bytes, err);
            break;
        case PART_AFTER_COPY:
            taken = take_after_copy(script, &bytes, err);
            break;
        case PART_ROWS:
            taken = take_rows(script, &bytes, err);
            break;
        case PART_COMMAND:
            taken = take_command(script, &bytes, err);
            break;
        }
    }
    return taken;
}

/* U+FEFF at the beginning, as editors of Windows leave it there. */
static const char order_mark[] = "\xef\xbb\xbf";

static bool take_mark_of_order(struct sql_script *script, struct slice *bytes, struct error *err)
{
    size_t seen = script->mark_of_order;

    for (; seen < 3 && bytes->len > 0; seen++) {
        if (bytes->data[0] != (uint8_t)order_mark[seen]) {
            script->mark_of_order = 3;
            return take_any(script, slice_make(order_mark, seen), err);
        }
        if (seen == 2 && !pass(script, slice_string(order_mark), err))
            return false;
        slice_take(bytes, 1);
    }
    script->mark_of_order = seen;
    return true;
}

/* At the end what is only the beginning of one is text. */
static bool take_begun_mark(struct sql_script *script, struct error *err)
{
    size_t seen = script->mark_of_order;

    script->mark_of_order = 3;
    return seen == 3 || take_any(script, slice_make(order_mark, seen), err);
}

bool sql_script_feed(struct sql_script *script, struct slice bytes, struct error *err)
{
    if (!failure_check(&script->failure, err))
        return false;
    if (!take_mark_of_order(script, &bytes, err) || !take_any(script, bytes, err))
        return failure_keep(&script->failure, err);
    return true;
}

bool sql_script_drop_rest(void *context, struct slice bytes, struct error *err)
{
    (void)context;
    (void)bytes;
    (void)err;
    return true;
}

uint64_t sql_script_rows(const struct sql_script *script)
{
    return script->rows;
}

enum sql_script_origin sql_script_origin(const struct sql_script *script)
{
    return script->said.origin;
}

const char *sql_script_entry(const struct sql_script *script)
{
    return script->said.entry;
}

const struct sql_script_comment *sql_script_comment(const struct sql_script *script)
{
    return &script->said.comment;
}

const char *sql_script_server(const struct sql_script *script)
{
    return script->said.server;
}

bool sql_script_finish(struct sql_script *script, struct error *err)
{
    bool known = script->said.origin != SQL_SCRIPT_UNKNOWN;

    if (!failure_check(&script->failure, err))
        return false;
    if (!take_begun_mark(script, err))
        return failure_keep(&script->failure, err);
    if (script->part != PART_SQL)
        error_set(
            err, ERROR_CORRUPT, "the script breaks off in line %" PRIu64 ", %s", script->lines + 1,
            script->part == PART_COMMAND ? "in a command" : "before the end mark of its rows");
    else if (!sql_lexer_is_between(&script->lexer) &&
             (known || !sql_lexer_end(&script->lexer) || script->lexer.begun))
        error_set(err, ERROR_CORRUPT,
                  "the script breaks off: the statement of line %" PRIu64 " has no end",
                  script->lexer.begun ? script->statement_line : script->lines + 1);
    else if (known && !script->said.whole)
        error_set(err, ERROR_CORRUPT,
                  "the script breaks off: the comment \"PostgreSQL database %sdump complete\" "
                  "is not its end",
                  script->said.origin == SQL_SCRIPT_OF_CLUSTER ? "cluster " : "");
    else if (script->key[0] != '\0')
        error_set(err, ERROR_CORRUPT, "the script breaks off: its \\unrestrict is missing");
    else
        return pass_text(script, err);
    return failure_keep(&script->failure, err);
}
