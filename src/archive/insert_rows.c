/*
 * A state machine that holds nothing but a word: values are of any length, and are put out as they
 * come, escaped as COPY does it. Only what pg_dump writes is understood: a number as it stands,
 * NULL, true, false, DEFAULT, '…' and B'…'; anything else is passed over as a value, and told.
 */
#include "archive/insert_rows.h"

#include <string.h>

enum state {
    BETWEEN, /* statements */
    HEAD,    /* INSERT INTO s.t (a, b) OVERRIDING SYSTEM VALUE VALUES */
    NAME,    /* "…" within the head */
    COMMENT, /* from -- to the end of the line */
    ROWS,    /* between rows, or behind the last */
    VALUE,   /* before a value */
    WORD,    /* NULL, a number, B'…' */
    STRING,
    BEHIND, /* a value */
    ODD,    /* a value that is none of these */
    ODD_STRING,
    ODD_NAME,
    TAIL /* what is up to the semicolon does not count */
};

struct feed {
    struct insert_rows *rows;
    bool (*put)(void *context, struct slice bytes, struct error *err);
    void *context;
    struct error *err;
};

static bool put_text(const struct feed *feed, const char *text)
{
    return feed->put(feed->context, slice_string(text), feed->err);
}

static bool is_space(uint8_t byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

static bool is_of_word(uint8_t byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= 'a' && byte <= 'z') || byte == '_' || byte == '$' || byte >= 0x80;
}

static bool is_of_number(uint8_t byte)
{
    return (byte >= '0' && byte <= '9') || byte == '+' || byte == '-' || byte == '.' ||
           byte == 'e' || byte == 'E' || byte == ' ';
}

static void add_to_word(struct insert_rows *rows, uint8_t byte)
{
    if (rows->word_len < INSERT_WORD_MAX - 1)
        rows->word[rows->word_len] = (char)(byte >= 'a' && byte <= 'z' ? byte - 'a' + 'A' : byte);
    rows->word_len++;
}

static bool word_is(const struct insert_rows *rows, const char *word)
{
    return rows->word_len == strlen(word) && rows->word_len < INSERT_WORD_MAX &&
           memcmp(rows->word, word, rows->word_len) == 0;
}

/* ---- Between values ---- */

static void take_until(struct insert_rows *rows, bool ends, enum state next)
{
    if (ends)
        rows->state = next;
    if (next == BETWEEN)
        rows->word_len = 0;
}

static bool take_rows(const struct feed *feed, uint8_t byte)
{
    struct insert_rows *rows = feed->rows;

    if (byte == '(') {
        rows->state = VALUE;
        rows->first_field = true;
        rows->word_len = 0;
    } else if (byte == ';') {
        rows->state = BETWEEN;
        rows->word_len = 0;
    } else if (!is_space(byte) && byte != ',') {
        rows->state = TAIL; /* ON CONFLICT DO NOTHING */
    }
    return true;
}

/* ---- The head ---- */

static void begin_odd(struct insert_rows *rows)
{
    rows->odd = true;
    rows->escaped = false;
    rows->depth = 0;
    rows->state = ODD;
}

/* A word has ended outside of brackets. */
static bool end_head_word(const struct feed *feed)
{
    struct insert_rows *rows = feed->rows;
    bool values = word_is(rows, "VALUES"), defaults = word_is(rows, "DEFAULT");
    bool done = true;

    if (values && rows->default_values) {
        rows->rows++;
        rows->state = TAIL;
        done = put_text(feed, "\n");
    } else if (values) {
        rows->state = ROWS;
    } else if (word_is(rows, "SELECT") || word_is(rows, "WITH") || word_is(rows, "TABLE")) {
        rows->odd = rows->uncounted = true;
        rows->state = TAIL;
    }
    rows->default_values = defaults;
    rows->word_len = 0;
    return done;
}

static bool take_between(const struct feed *feed, uint8_t byte)
{
    struct insert_rows *rows = feed->rows;

    if (is_of_word(byte)) {
        add_to_word(rows, byte);
        return true;
    }
    if (rows->word_len > 0) {
        bool inserts = word_is(rows, "INSERT");

        rows->odd |= !inserts;
        rows->uncounted |= !inserts;
        rows->state = inserts ? HEAD : TAIL;
        rows->word_len = rows->depth = 0;
        rows->default_values = false;
        take_until(rows, !inserts && byte == ';', BETWEEN);
        return true;
    }
    if (byte == '-') {
        rows->after = BETWEEN;
        rows->state = COMMENT;
    }
    return true;
}

static bool take_head(const struct feed *feed, uint8_t byte)
{
    struct insert_rows *rows = feed->rows;

    if (rows->depth == 0 && is_of_word(byte)) {
        add_to_word(rows, byte);
        return true;
    }
    if (rows->word_len > 0 && !end_head_word(feed))
        return false;
    if (rows->state == ROWS)
        return take_rows(feed, byte);
    if (rows->state == TAIL) {
        take_until(rows, byte == ';', BETWEEN);
        return true;
    }
    if (byte == '"') {
        rows->after = HEAD;
        rows->state = NAME;
    } else if (byte == ';') {
        rows->odd = rows->uncounted = true;
        rows->state = BETWEEN;
    }
    rows->depth += byte == '(';
    rows->depth -= byte == ')' && rows->depth > 0;
    return true;
}

/* ---- Values ---- */

static bool end_row(const struct feed *feed)
{
    feed->rows->rows++;
    feed->rows->state = ROWS;
    return put_text(feed, "\n");
}

static bool begin_field(const struct feed *feed)
{
    bool first = feed->rows->first_field;

    feed->rows->first_field = false;
    return first || put_text(feed, "\t");
}

/* What stands behind a value. */
static bool take_behind(const struct feed *feed, uint8_t byte)
{
    struct insert_rows *rows = feed->rows;

    if (byte == ')')
        return end_row(feed);
    rows->state = BEHIND;
    if (byte == ',') {
        rows->state = VALUE;
        rows->word_len = 0;
    } else if (!is_space(byte)) {
        rows->backslashes = false;
        begin_odd(rows);
    }
    return true;
}

/* Up to the comma or the bracket that ends the value. */
static bool take_odd(const struct feed *feed, uint8_t byte)
{
    struct insert_rows *rows = feed->rows;

    if (rows->depth == 0 && (byte == ',' || byte == ')'))
        return take_behind(feed, byte);
    rows->depth += byte == '(' || byte == '[';
    rows->depth -= (byte == ')' || byte == ']') && rows->depth > 0;
    if (byte == '\'')
        rows->state = ODD_STRING;
    else if (byte == '"')
        rows->state = ODD_NAME;
    return true;
}

/* Of E'…' a backslash says that the next byte is no end. */
static void take_odd_string(struct insert_rows *rows, uint8_t byte)
{
    if (rows->escaped || byte != '\'')
        rows->escaped = rows->backslashes && !rows->escaped && byte == '\\';
    else
        rows->state = ODD;
}

static bool is_number(const struct insert_rows *rows)
{
    return rows->word_len > 0 && (is_of_number((uint8_t)rows->word[0]));
}

/* Whether the word is a number was known by its first byte: such a one is put out as it comes. */
static bool take_word(const struct feed *feed, uint8_t byte)
{
    struct insert_rows *rows = feed->rows;
    const char *text = NULL;

    if (is_number(rows) && is_of_number(byte) && byte != ' ')
        return feed->put(feed->context, slice_make(&byte, 1), feed->err);
    if (!is_number(rows) && is_of_word(byte)) {
        add_to_word(rows, byte);
        return true;
    }
    if (byte == '\'' && word_is(rows, "B")) {
        rows->state = STRING;
        rows->may_end = false;
        return begin_field(feed);
    }
    if (word_is(rows, "NULL"))
        text = "\\N";
    else if (word_is(rows, "TRUE"))
        text = "t";
    else if (word_is(rows, "FALSE"))
        text = "f";
    else if (!is_number(rows) && !word_is(rows, "DEFAULT")) {
        rows->backslashes = word_is(rows, "E");
        begin_odd(rows);
        return take_odd(feed, byte);
    }
    rows->state = BEHIND;
    return (text == NULL || (begin_field(feed) && put_text(feed, text))) && take_behind(feed, byte);
}

static bool take_value(const struct feed *feed, uint8_t byte)
{
    struct insert_rows *rows = feed->rows;

    if (is_space(byte))
        return true;
    if (byte == ')') /* a row of no columns */
        return end_row(feed);
    rows->word_len = 0;
    if (byte == '\'') {
        rows->state = STRING;
        rows->may_end = false;
        return begin_field(feed);
    }
    if (is_of_number(byte) && byte != 'e' && byte != 'E') {
        rows->state = WORD;
        add_to_word(rows, byte);
        return begin_field(feed) && feed->put(feed->context, slice_make(&byte, 1), feed->err);
    }
    if (is_of_word(byte)) {
        rows->state = WORD;
        add_to_word(rows, byte);
        return true;
    }
    begin_odd(rows);
    return take_odd(feed, byte);
}

/* As COPY writes it. */
static bool put_escaped(const struct feed *feed, uint8_t byte)
{
    static const char from[] = "\b\f\n\r\t\v\\", to[] = "bfnrtv\\";
    const char *at = byte == 0 ? NULL : strchr(from, byte);
    char escape[] = {'\\', at == NULL ? '\0' : to[at - from]};

    return at == NULL ? feed->put(feed->context, slice_make(&byte, 1), feed->err)
                      : feed->put(feed->context, slice_make(escape, 2), feed->err);
}

static bool take_string(const struct feed *feed, uint8_t byte)
{
    struct insert_rows *rows = feed->rows;

    if (rows->may_end) {
        rows->may_end = false;
        return byte == '\'' ? put_escaped(feed, byte) : take_behind(feed, byte);
    }
    rows->may_end = byte == '\'';
    return rows->may_end || put_escaped(feed, byte);
}

/* ---- All of it ---- */

static bool take(const struct feed *feed, uint8_t byte)
{
    struct insert_rows *rows = feed->rows;

    switch ((enum state)rows->state) {
    case BETWEEN:
        return take_between(feed, byte);
    case HEAD:
        return take_head(feed, byte);
    case NAME:
        take_until(rows, byte == '"', (enum state)rows->after);
        break;
    case COMMENT:
        take_until(rows, byte == '\n', (enum state)rows->after);
        break;
    case ROWS:
        return take_rows(feed, byte);
    case VALUE:
        return take_value(feed, byte);
    case WORD:
        return take_word(feed, byte);
    case STRING:
        return take_string(feed, byte);
    case BEHIND:
        return take_behind(feed, byte);
    case ODD:
        return take_odd(feed, byte);
    case ODD_STRING:
        take_odd_string(rows, byte);
        break;
    case ODD_NAME:
        take_until(rows, byte == '"', ODD);
        break;
    case TAIL:
        take_until(rows, byte == ';', BETWEEN);
        break;
    }
    return true;
}

/* What of a string needs no escape goes out at once. */
static size_t plain_bytes(const struct insert_rows *rows, struct slice bytes)
{
    size_t len = 0;

    if (rows->state != STRING || rows->may_end)
        return 0;
    while (len < bytes.len && bytes.data[len] >= ' ' && bytes.data[len] != '\'' &&
           bytes.data[len] != '\\')
        len++;
    return len;
}

bool insert_rows_feed(struct insert_rows *rows, struct slice bytes,
                      bool (*put)(void *context, struct slice bytes, struct error *err),
                      void *context, struct error *err)
{
    const struct feed feed = {rows, put, context, err};

    while (bytes.len > 0) {
        size_t len = plain_bytes(rows, bytes);

        if (len > 0) {
            if (!put(context, slice_take(&bytes, len), err))
                return false;
            continue;
        }
        if (!take(&feed, *(const uint8_t *)slice_take(&bytes, 1).data))
            return false;
    }
    return true;
}
