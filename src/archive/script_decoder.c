/*
 * A script as psql reads it, as far as that is needed to know where rows are: what is quoted, what
 * is a comment, where a statement ends, and that COPY … FROM stdin; is followed by lines up to
 * "\.". Nothing is held of it but a word, a quote's tag and one line with \connect.
 */
#include "archive/archive.h"

#include "base/failure.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define TAG_MAX 128      /* of $tag$ */
#define COMMAND_MAX 1024 /* \connect with the longest name, all of it quoted twice */
#define WORD_MAX 6       /* the longest that counts is STDIN */

/* A comment line without its dashes, and the last one of a script of a whole cluster. */
#define COMMENT_MAX 64
static const char end_comment[] = " PostgreSQL database cluster dump complete";

enum state {
    STATE_SQL,
    STATE_QUOTE,  /* '…' */
    STATE_ESCAPE, /* E'…' */
    STATE_NAME,   /* "…" */
    STATE_TAG,    /* $tag… */
    STATE_DOLLAR, /* $tag$ … $tag$ */
    STATE_LINE_COMMENT,
    STATE_COMMENT,
    STATE_COMMAND, /* a backslash and the rest of its line */
    STATE_ROWS
};

enum token { TOKEN_NONE, TOKEN_OTHER, TOKEN_COPY, TOKEN_FROM, TOKEN_STDIN };

struct script_decoder {
    struct script_handler handler;
    struct failure failure;
    enum state state;
    enum state closed; /* the quote that has just ended, and goes on if it is doubled */
    uint8_t pending;   /* '-' or '/': perhaps the beginning of a comment */
    uint8_t previous;  /* inside a comment: the byte before, unless it was used up */
    bool escaped;      /* the next byte of E'…' counts as it is */
    unsigned depth;    /* of comments in each other */

    char word[WORD_MAX];
    size_t word_len; /* all of it */
    enum token first, last, before_last;
    bool rows_follow; /* at the end of this line */

    char tag[TAG_MAX]; /* with both dollars */
    size_t tag_len, tag_matched;
    char line[COMMAND_MAX]; /* of a comment, a command or rows: its beginning */
    size_t line_len;        /* all of it */
    uint64_t lines, rows, rows_of_copy;
    bool complete, line_begins;
};

static bool fail(const struct script_decoder *decoder, const char *what, struct error *err)
{
    return error_set(err, ERROR_CORRUPT, "the script is damaged: line %" PRIu64 " %s",
                     decoder->lines + 1, what);
}

/* ---- Tokens ---- */

static void add_token(struct script_decoder *decoder, enum token token)
{
    if (decoder->first == TOKEN_NONE)
        decoder->first = token;
    decoder->before_last = decoder->last;
    decoder->last = token;
    decoder->complete = false;
}

static bool word_is(const struct script_decoder *decoder, const char *word)
{
    return decoder->word_len == strlen(word) && memcmp(decoder->word, word, decoder->word_len) == 0;
}

static void end_word(struct script_decoder *decoder)
{
    enum token token = TOKEN_OTHER;

    if (decoder->word_len == 0)
        return;
    if (word_is(decoder, "COPY"))
        token = TOKEN_COPY;
    else if (word_is(decoder, "FROM"))
        token = TOKEN_FROM;
    else if (word_is(decoder, "STDIN"))
        token = TOKEN_STDIN;
    decoder->word_len = 0;
    add_token(decoder, token);
}

static bool is_word_byte(const struct script_decoder *decoder, uint8_t byte)
{
    return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') || byte == '_' ||
           byte >= 0x80 || (byte >= '0' && byte <= '9') || (byte == '$' && decoder->word_len > 0);
}

static void add_to_word(struct script_decoder *decoder, uint8_t byte)
{
    if (decoder->word_len < WORD_MAX)
        decoder->word[decoder->word_len] =
            byte >= 'a' && byte <= 'z' ? (char)(byte - 'a' + 'A') : (char)byte;
    decoder->word_len++;
    decoder->complete = false;
}

static void end_statement(struct script_decoder *decoder)
{
    decoder->rows_follow = decoder->first == TOKEN_COPY && decoder->last == TOKEN_STDIN &&
                           decoder->before_last == TOKEN_FROM;
    decoder->first = decoder->last = decoder->before_last = TOKEN_NONE;
    decoder->complete = false;
}

/* ---- Commands of psql ---- */

/* Takes an argument off the line, as psql does: in double quotes, which are doubled inside, or
 * without. It is unquoted where it lies. */
static char *take_argument(char **line)
{
    char *at = *line + strspn(*line, " \t"), *out = at, *argument = at;
    bool quoted = *at == '"';

    if (quoted)
        at++;
    for (; *at != '\0'; at++) {
        if (quoted && *at == '"' && *++at != '"')
            break;
        if (!quoted && (*at == ' ' || *at == '\t'))
            break;
        *out++ = *at;
    }
    if (*at != '\0')
        at++;
    *out = '\0';
    *line = at;
    return argument;
}

/* dbname='…' with a backslash before what would end it; unquoted where it lies. */
static char *take_dbname(char *text)
{
    char *at = text, *out = text;

    if (*at != '\'')
        return text;
    for (at++; *at != '\0' && *at != '\''; at++) {
        if (*at == '\\' && at[1] != '\0')
            at++;
        *out++ = *at;
    }
    *out = '\0';
    return text;
}

static bool end_command(struct script_decoder *decoder, struct error *err)
{
    static const char connect[] = "connect ", dbname[] = "dbname=";
    char *line = decoder->line, *argument;

    if (decoder->line_len >= COMMAND_MAX)
        return fail(decoder, "is too long", err);
    line[decoder->line_len] = '\0';
    if (memchr(line, '\0', decoder->line_len) != NULL ||
        strncmp(line, connect, sizeof(connect) - 1) != 0)
        return fail(decoder, "is a command of psql that no backup has", err);
    line += sizeof(connect) - 1;
    argument = take_argument(&line);
    if (argument[0] == '-')
        argument = take_argument(&line);
    if (strncmp(argument, dbname, sizeof(dbname) - 1) == 0)
        argument = take_dbname(argument + sizeof(dbname) - 1);
    decoder->state = STATE_SQL;
    return decoder->handler.connect == NULL ||
           decoder->handler.connect(decoder->handler.context, argument, err);
}

/* ---- Bytes ---- */

static void add_to_line(struct script_decoder *decoder, uint8_t byte)
{
    if (decoder->line_len < COMMAND_MAX)
        decoder->line[decoder->line_len] = (char)byte;
    decoder->line_len++;
}

static void begin(struct script_decoder *decoder, enum state state)
{
    decoder->state = state;
    decoder->line_len = 0;
    decoder->previous = 0;
    decoder->depth = 1;
    decoder->escaped = false;
}

/* Whether the byte made a comment of the one before. */
static bool begins_comment(struct script_decoder *decoder, uint8_t byte)
{
    uint8_t pending = decoder->pending;

    decoder->pending = 0;
    if (pending == '-' && byte == '-')
        begin(decoder, STATE_LINE_COMMENT);
    else if (pending == '/' && byte == '*')
        begin(decoder, STATE_COMMENT);
    else if (pending != 0)
        add_token(decoder, TOKEN_OTHER);
    return decoder->state != STATE_SQL;
}

/* Whether the byte is the second of two quotes inside one that seemed to have ended. */
static bool goes_on(struct script_decoder *decoder, uint8_t byte)
{
    enum state closed = decoder->closed;

    decoder->closed = STATE_SQL;
    if (closed == STATE_SQL || byte != (closed == STATE_NAME ? '"' : '\''))
        return false;
    decoder->state = closed;
    return true;
}

static bool begin_command(struct script_decoder *decoder, bool at_line_start, struct error *err)
{
    if (!at_line_start || decoder->first != TOKEN_NONE)
        return fail(decoder, "has a command of psql that no backup has", err);
    decoder->complete = false;
    begin(decoder, STATE_COMMAND);
    return true;
}

static void begin_quote(struct script_decoder *decoder, uint8_t byte)
{
    bool escape = byte == '\'' && word_is(decoder, "E");

    end_word(decoder);
    add_token(decoder, TOKEN_OTHER);
    begin(decoder, byte == '"' ? STATE_NAME : escape ? STATE_ESCAPE : STATE_QUOTE);
}

static void end_line(struct script_decoder *decoder)
{
    decoder->line_begins = true;
    if (!decoder->rows_follow)
        return;
    decoder->rows_follow = false;
    decoder->rows_of_copy = 0;
    begin(decoder, STATE_ROWS);
}

static bool take_sql(struct script_decoder *decoder, uint8_t byte, struct error *err)
{
    bool at_line_start = decoder->line_begins;

    decoder->line_begins = false;
    if (begins_comment(decoder, byte) || goes_on(decoder, byte))
        return true;
    if (is_word_byte(decoder, byte)) {
        add_to_word(decoder, byte);
        return true;
    }
    if (byte == '\'' || byte == '"') {
        begin_quote(decoder, byte);
        return true;
    }
    end_word(decoder);
    if (byte == '\\')
        return begin_command(decoder, at_line_start, err);
    if (byte == '-' || byte == '/') {
        decoder->pending = byte;
    } else if (byte == '$') {
        decoder->tag[0] = '$';
        decoder->tag_len = 1;
        decoder->state = STATE_TAG;
    } else if (byte == ';') {
        end_statement(decoder);
    } else if (byte == '\n') {
        end_line(decoder);
    } else if (byte != ' ' && byte != '\t' && byte != '\r' && byte != '\f') {
        add_token(decoder, TOKEN_OTHER);
    }
    return true;
}

static bool take_tag(struct script_decoder *decoder, uint8_t byte, struct error *err)
{
    bool digit = byte >= '0' && byte <= '9';

    if (byte != '$' && (!is_word_byte(decoder, byte) || (digit && decoder->tag_len == 1))) {
        decoder->state = STATE_SQL; /* $1, or an operator */
        add_token(decoder, TOKEN_OTHER);
        return take_sql(decoder, byte, err);
    }
    if (decoder->tag_len == TAG_MAX)
        return fail(decoder, "has a quote with too long a tag", err);
    decoder->tag[decoder->tag_len++] = (char)byte;
    if (byte != '$')
        return true;
    add_token(decoder, TOKEN_OTHER);
    decoder->tag_matched = 0;
    decoder->state = STATE_DOLLAR;
    return true;
}

/* A tag has dollars at its ends only, so that nothing but a dollar can begin it anew. */
static void take_dollar(struct script_decoder *decoder, uint8_t byte)
{
    if (byte == (uint8_t)decoder->tag[decoder->tag_matched])
        decoder->tag_matched++;
    else
        decoder->tag_matched = byte == '$';
    if (decoder->tag_matched == decoder->tag_len)
        decoder->state = STATE_SQL;
}

static void take_quoted(struct script_decoder *decoder, uint8_t byte)
{
    if (decoder->escaped) {
        decoder->escaped = false;
    } else if (byte == (decoder->state == STATE_NAME ? '"' : '\'')) {
        decoder->closed = decoder->state;
        decoder->state = STATE_SQL;
    } else {
        decoder->escaped = decoder->state == STATE_ESCAPE && byte == '\\';
    }
}

static void take_comment(struct script_decoder *decoder, uint8_t byte)
{
    bool opens = decoder->previous == '/' && byte == '*';
    bool closes = decoder->previous == '*' && byte == '/';

    decoder->previous = opens || closes ? 0 : byte;
    decoder->depth = decoder->depth + opens - closes;
    if (decoder->depth == 0)
        decoder->state = STATE_SQL;
}

/* Behind the last comment there may be empty ones. */
static void take_line_comment(struct script_decoder *decoder, uint8_t byte)
{
    const size_t len = sizeof(end_comment) - 1;

    if (byte != '\n') {
        add_to_line(decoder, byte);
        return;
    }
    if (decoder->line_len > 0)
        decoder->complete = decoder->first == TOKEN_NONE && decoder->line_len == len &&
                            memcmp(decoder->line, end_comment, len) == 0;
    decoder->state = STATE_SQL;
    end_line(decoder);
}

static bool take_rows(struct script_decoder *decoder, uint8_t byte, struct error *err)
{
    if (byte != '\n') {
        add_to_line(decoder, byte);
        return true;
    }
    if (decoder->line_len != 2 || memcmp(decoder->line, "\\.", 2) != 0) {
        decoder->line_len = 0;
        decoder->rows_of_copy++;
        return true;
    }
    decoder->state = STATE_SQL;
    decoder->line_begins = true;
    decoder->rows += decoder->rows_of_copy;
    return decoder->handler.rows == NULL ||
           decoder->handler.rows(decoder->handler.context, decoder->rows_of_copy, err);
}

static bool take_byte(struct script_decoder *decoder, uint8_t byte, struct error *err)
{
    bool done = true;

    switch (decoder->state) {
    case STATE_SQL:
        done = take_sql(decoder, byte, err);
        break;
    case STATE_QUOTE:
    case STATE_ESCAPE:
    case STATE_NAME:
        take_quoted(decoder, byte);
        break;
    case STATE_TAG:
        done = take_tag(decoder, byte, err);
        break;
    case STATE_DOLLAR:
        take_dollar(decoder, byte);
        break;
    case STATE_LINE_COMMENT:
        take_line_comment(decoder, byte);
        break;
    case STATE_COMMENT:
        take_comment(decoder, byte);
        break;
    case STATE_COMMAND:
        if (byte == '\n')
            done = end_command(decoder, err);
        else
            add_to_line(decoder, byte);
        decoder->line_begins = byte == '\n';
        break;
    case STATE_ROWS:
        done = take_rows(decoder, byte, err);
        break;
    }
    decoder->lines += byte == '\n';
    return done;
}

/* The inside of a line of rows, of which the beginning counts only. */
static void skip_row(const struct script_decoder *decoder, struct slice *bytes)
{
    const uint8_t *end;

    if (decoder->state != STATE_ROWS || decoder->line_len <= 2 || bytes->len == 0)
        return;
    end = memchr(bytes->data, '\n', bytes->len);
    slice_take(bytes, end == NULL ? bytes->len : (size_t)(end - bytes->data));
}

/* ---- The decoder ---- */

struct script_decoder *script_decoder_new(const struct script_handler *handler, struct error *err)
{
    struct script_decoder *decoder = calloc(1, sizeof(*decoder));

    if (decoder == NULL) {
        error_set_memory(err);
        return NULL;
    }
    decoder->handler = *handler;
    decoder->line_begins = true;
    return decoder;
}

void script_decoder_free(struct script_decoder *decoder)
{
    free(decoder);
}

bool script_decoder_feed(struct script_decoder *decoder, struct slice bytes, struct error *err)
{
    if (!failure_check(&decoder->failure, err))
        return false;
    while (bytes.len > 0) {
        if (!take_byte(decoder, slice_take(&bytes, 1).data[0], err))
            return failure_keep(&decoder->failure, err);
        skip_row(decoder, &bytes);
    }
    return true;
}

uint64_t script_decoder_rows(const struct script_decoder *decoder)
{
    return decoder->rows;
}

bool script_decoder_finish(struct script_decoder *decoder, struct error *err)
{
    if (!failure_check(&decoder->failure, err))
        return false;
    if (decoder->state != STATE_SQL || decoder->first != TOKEN_NONE || decoder->word_len > 0 ||
        decoder->rows_follow || decoder->pending != 0 || !decoder->complete)
        return error_set(err, ERROR_CORRUPT, "the script is damaged: it breaks off");
    return true;
}
