/*
 * The state machine of sql_lexer.h: one byte at a time, so that it does not matter how a text is
 * cut into pieces. What a byte means is settled by the one behind it in few cases: a dash or a
 * slash that may begin a comment, U& before a quote, a quote that may be doubled.
 */
#include "archive/sql_lexer.h"

#include <stdio.h>

/* ---- Bytes ---- */

static bool is_space(uint8_t byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

static bool is_line_end(uint8_t byte)
{
    return byte == '\n' || byte == '\r';
}

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

static bool begins_name(uint8_t byte)
{
    return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') || byte == '_' ||
           byte >= 0x80;
}

static char upper(char byte)
{
    return byte >= 'a' && byte <= 'z' ? (char)(byte - 'a' + 'A') : byte;
}

/* ---- Words of a statement ---- */

bool sql_lexer_word_is(const struct sql_lexer *lexer, size_t n, const char *word)
{
    return n < lexer->word_count && strcmp(lexer->words[n], word) == 0;
}

static bool is_routine(const struct sql_lexer *lexer)
{
    bool replaces = sql_lexer_word_is(lexer, 1, "OR") && sql_lexer_word_is(lexer, 2, "REPLACE");
    size_t n = replaces ? 3 : 1;

    return sql_lexer_word_is(lexer, 0, "CREATE") &&
           (sql_lexer_word_is(lexer, n, "FUNCTION") || sql_lexer_word_is(lexer, n, "PROCEDURE"));
}

/* CASE … END inside a body. Behind AS or a dot it is a name. */
static void count_body(struct sql_lexer *lexer, const char *word)
{
    bool after_begin = lexer->last_is_word && strcmp(lexer->last, "BEGIN") == 0;
    bool after_as = lexer->last_is_word && strcmp(lexer->last, "AS") == 0;

    if (lexer->parentheses > 0)
        return;
    if (lexer->atomic == 0)
        lexer->atomic = after_begin && strcmp(word, "ATOMIC") == 0 && is_routine(lexer);
    else if (after_as || lexer->after_dot)
        return;
    else if (strcmp(word, "CASE") == 0)
        lexer->atomic++;
    else if (strcmp(word, "END") == 0)
        lexer->atomic--;
}

/* As psql counts words: one before FROM may be missing, as names in quotes count as none. The
 * server takes STDOUT here, too. */
bool sql_lexer_copies_in(const struct sql_lexer *lexer)
{
    if (!sql_lexer_word_is(lexer, 0, "COPY"))
        return false;
    for (size_t n = 1; n + 1 < lexer->word_count; n++) {
        if (sql_lexer_word_is(lexer, n, "FROM"))
            return sql_lexer_word_is(lexer, n + 1, "STDIN") ||
                   sql_lexer_word_is(lexer, n + 1, "STDOUT");
    }
    return false;
}

/* ---- Settings ---- */

static bool is_off(const char *value)
{
    static const char *const words[] = {"OFF", "FALSE", "NO",  "0",    "OF",
                                        "F",   "FA",    "FAL", "FALS", "N"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(value, words[i]) == 0)
            return true;
    }
    return false;
}

static enum sql_double_bytes bytes_of_encoding(const char *name)
{
    static const char *const names[] = {"BIG5",   "WIN950",     "WINDOWS950", "GBK",
                                        "WIN936", "WINDOWS936", "GB18030",    "JOHAB",
                                        "UHC",    "WIN949",     "WINDOWS949"};
    static const char *const sjis[] = {"SJIS",       "SHIFTJIS",     "MSKANJI", "WIN932",
                                       "WINDOWS932", "SHIFTJIS2004", "SJIS2004"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(name, names[i]) == 0)
            return SQL_DOUBLE_BYTES;
    }
    for (size_t i = 0; i < sizeof(sjis) / sizeof(sjis[0]); i++) {
        if (strcmp(name, sjis[i]) == 0)
            return SQL_DOUBLE_BYTES_OF_SJIS;
    }
    return SQL_BYTES_ALONE;
}

/* As the server compares values: neither case nor, in an encoding's name, signs count. */
static void follow_settings(struct sql_lexer *lexer)
{
    char value[SQL_WORD_MAX], letters[SQL_WORD_MAX];
    size_t count = 0, n = 1;

    if (!sql_lexer_word_is(lexer, 0, "SET"))
        return;
    n += sql_lexer_word_is(lexer, 1, "SESSION") || sql_lexer_word_is(lexer, 1, "LOCAL");
    for (size_t i = 0; i < sizeof(value); i++) {
        value[i] = upper(lexer->last[i]);
        if (is_digit((uint8_t)value[i]) || (value[i] >= 'A' && value[i] <= 'Z'))
            letters[count++] = value[i];
        if (value[i] == '\0')
            break;
    }
    letters[count] = '\0';
    if (sql_lexer_word_is(lexer, n, "STANDARD_CONFORMING_STRINGS"))
        lexer->escape_strings = is_off(value);
    else if (sql_lexer_word_is(lexer, n, "CLIENT_ENCODING") || sql_lexer_word_is(lexer, n, "NAMES"))
        lexer->double_bytes = bytes_of_encoding(letters);
}

/* ---- Tokens ---- */

static void note_word(struct sql_lexer *lexer, const char *text)
{
    char word[SQL_WORD_MAX] = "";

    for (size_t i = 0; text[i] != '\0'; i++)
        word[i] = upper(text[i]);
    if (lexer->parentheses == 0 && lexer->word_count < SQL_WORDS_MAX)
        memcpy(lexer->words[lexer->word_count++], word, sizeof(word));
    count_body(lexer, word);
    memcpy(lexer->last, word, sizeof(word));
}

/* Whether it is the format of a COPY, in quotes or not. */
static bool is_binary(const char *text)
{
    static const char word[] = "BINARY";
    size_t i = 0;

    while (word[i] != '\0' && upper(text[i]) == word[i])
        i++;
    return word[i] == '\0' && text[i] == '\0';
}

static void note(struct sql_lexer *lexer, enum sql_token_kind kind, uint64_t end)
{
    bool whole = lexer->text_len < sizeof(lexer->text);
    struct sql_token token = {kind, lexer->token_begin, end, lexer->text, whole};
    bool dot = kind == SQL_TOKEN_OTHER && lexer->text[0] == '.';

    lexer->text[whole ? lexer->text_len : sizeof(lexer->text) - 1] = '\0';
    if (kind == SQL_TOKEN_WORD)
        note_word(lexer, whole ? lexer->text : "");
    else
        memcpy(lexer->last, lexer->text, sizeof(lexer->last));
    if (!whole)
        lexer->last[0] = '\0';
    lexer->binary |= is_binary(lexer->last);
    lexer->last_is_word = kind == SQL_TOKEN_WORD;
    lexer->after_dot = dot;
    lexer->continues = SQL_PLAIN;
    lexer->text_len = 0;
    if (lexer->token != NULL)
        lexer->token(lexer->context, &token);
}

static void begin_token(struct sql_lexer *lexer, enum sql_state state, uint64_t begin)
{
    lexer->state = state;
    lexer->token_begin = begin;
    lexer->text_len = 0;
    lexer->escaped = false;
    if (!lexer->begun)
        lexer->statement_begin = begin;
    lexer->begun = true;
}

static void add_text(struct sql_lexer *lexer, uint8_t byte)
{
    if (lexer->text_len < sizeof(lexer->text))
        lexer->text[lexer->text_len] = (char)byte;
    lexer->text_len++;
}

static void note_byte(struct sql_lexer *lexer, uint8_t byte, uint64_t begin)
{
    begin_token(lexer, SQL_PLAIN, begin);
    add_text(lexer, byte);
    note(lexer, SQL_TOKEN_OTHER, begin + 1);
}

/* ---- Outside of quotes and comments ---- */

/* A quote with nothing before it that would change what it means. */
static void begin_string(struct sql_lexer *lexer)
{
    enum sql_state state = lexer->escape_strings ? SQL_ESCAPE : SQL_QUOTE;

    if (lexer->continues != SQL_PLAIN && lexer->another_line)
        state = lexer->continues;
    begin_token(lexer, state, lexer->position);
}

static enum sql_lexer_event take_sign(struct sql_lexer *lexer, uint8_t byte)
{
    if (byte == ';' && lexer->parentheses == 0 && lexer->atomic == 0) {
        follow_settings(lexer);
        return SQL_STATEMENT_ENDS;
    }
    if (byte == '\\')
        return SQL_COMMAND_BEGINS;
    if (byte == '(')
        lexer->parentheses++;
    else if (byte == ')' && lexer->parentheses > 0)
        lexer->parentheses--;
    note_byte(lexer, byte, lexer->position);
    return SQL_NOTHING;
}

static enum sql_lexer_event take_plain(struct sql_lexer *lexer, uint8_t byte)
{
    lexer->state = SQL_PLAIN;
    if (is_space(byte)) {
        lexer->another_line |= is_line_end(byte);
    } else if (begins_name(byte) || is_digit(byte)) {
        begin_token(lexer, is_digit(byte) ? SQL_NUMBER : SQL_WORD, lexer->position);
        add_text(lexer, byte);
    } else if (byte == '\'') {
        begin_string(lexer);
    } else if (byte == '"') {
        begin_token(lexer, SQL_NAME, lexer->position);
    } else if (byte == '$') {
        begin_token(lexer, SQL_TAG, lexer->position);
        lexer->tag[0] = '$';
        lexer->tag_len = 1;
    } else if (byte == '-') {
        lexer->state = SQL_DASH;
    } else if (byte == '/') {
        lexer->state = SQL_SLASH;
    } else {
        return take_sign(lexer, byte);
    }
    return SQL_NOTHING;
}

static enum sql_lexer_event end_word(struct sql_lexer *lexer, uint8_t byte)
{
    note(lexer, SQL_TOKEN_WORD, lexer->position);
    return take_plain(lexer, byte);
}

/* The letter before a quote is part of what is quoted. */
static enum sql_lexer_event take_word(struct sql_lexer *lexer, uint8_t byte)
{
    char letter = lexer->text_len == 1 ? upper(lexer->text[0]) : '\0';

    if (begins_name(byte) || is_digit(byte) || byte == '$') {
        add_text(lexer, byte);
        return SQL_NOTHING;
    }
    if (byte == '\'' && letter == 'E')
        begin_token(lexer, SQL_ESCAPE, lexer->token_begin);
    else if (byte == '\'' && (letter == 'B' || letter == 'X'))
        begin_token(lexer, SQL_BITS, lexer->token_begin);
    else if (byte == '&' && letter == 'U')
        lexer->state = SQL_U_AND;
    else
        return end_word(lexer, byte);
    return SQL_NOTHING;
}

static enum sql_lexer_event take_number(struct sql_lexer *lexer, uint8_t byte)
{
    if (!is_digit(byte) && !begins_name(byte))
        return end_word(lexer, byte);
    if (!is_digit(byte))
        lexer->state = SQL_WORD;
    add_text(lexer, byte);
    return SQL_NOTHING;
}

static enum sql_lexer_event take_after_u_and(struct sql_lexer *lexer, uint8_t byte)
{
    if (byte == '\'' || byte == '"') {
        begin_token(lexer, byte == '"' ? SQL_NAME : SQL_QUOTE, lexer->token_begin);
        return SQL_NOTHING;
    }
    note(lexer, SQL_TOKEN_WORD, lexer->position - 1);
    note_byte(lexer, '&', lexer->position - 1);
    return take_plain(lexer, byte);
}

/* ---- Comments ---- */

static enum sql_lexer_event take_after_dash(struct sql_lexer *lexer, uint8_t byte)
{
    if (byte != '-') {
        note_byte(lexer, '-', lexer->position - 1);
        return take_plain(lexer, byte);
    }
    lexer->state = SQL_LINE_COMMENT;
    lexer->comment_len = 0;
    return SQL_NOTHING;
}

static enum sql_lexer_event take_line_comment(struct sql_lexer *lexer, uint8_t byte)
{
    if (is_line_end(byte)) {
        lexer->another_line = true;
        lexer->state = SQL_PLAIN;
        return SQL_LINE_COMMENT_ENDS;
    }
    if (lexer->comment_len < sizeof(lexer->comment))
        lexer->comment[lexer->comment_len] = (char)byte;
    lexer->comment_len++;
    return SQL_NOTHING;
}

static enum sql_lexer_event take_after_slash(struct sql_lexer *lexer, uint8_t byte)
{
    if (byte != '*') {
        note_byte(lexer, '/', lexer->position - 1);
        return take_plain(lexer, byte);
    }
    lexer->state = SQL_COMMENT;
    lexer->comment_depth = 1;
    lexer->previous = 0;
    lexer->continues = SQL_PLAIN;
    return SQL_NOTHING;
}

static void take_comment(struct sql_lexer *lexer, uint8_t byte)
{
    bool opens = lexer->previous == '/' && byte == '*';
    bool closes = lexer->previous == '*' && byte == '/';

    lexer->previous = opens || closes ? 0 : byte;
    lexer->comment_depth = lexer->comment_depth + opens - closes;
    if (lexer->comment_depth == 0)
        lexer->state = SQL_PLAIN;
}

/* ---- Quotes ---- */

static void take_quoted(struct sql_lexer *lexer, uint8_t byte)
{
    if (lexer->escaped) {
        lexer->escaped = false;
    } else if (byte == (lexer->state == SQL_NAME ? '"' : '\'')) {
        lexer->quote = lexer->state;
        lexer->state = SQL_CLOSED;
        return;
    } else {
        lexer->escaped = lexer->state == SQL_ESCAPE && byte == '\\';
    }
    add_text(lexer, byte);
}

static enum sql_lexer_event take_after_quote(struct sql_lexer *lexer, uint8_t byte)
{
    bool name = lexer->quote == SQL_NAME;

    if (lexer->quote != SQL_BITS && byte == (name ? '"' : '\'')) {
        lexer->state = lexer->quote;
        add_text(lexer, byte);
        return SQL_NOTHING;
    }
    note(lexer, name ? SQL_TOKEN_NAME : SQL_TOKEN_STRING, lexer->position);
    lexer->continues = name ? SQL_PLAIN : lexer->quote;
    lexer->another_line = false;
    return take_plain(lexer, byte);
}

/* It was no tag: a parameter, or an operator and perhaps a word behind it. */
static enum sql_lexer_event end_tag(struct sql_lexer *lexer, uint8_t byte)
{
    size_t len = lexer->tag_len;

    note_byte(lexer, '$', lexer->token_begin);
    if (len == 1)
        return take_plain(lexer, byte);
    begin_token(lexer, SQL_WORD, lexer->token_begin + 1);
    for (size_t i = 1; i < len; i++)
        add_text(lexer, (uint8_t)lexer->tag[i]);
    return take_word(lexer, byte);
}

static enum sql_lexer_event take_tag(struct sql_lexer *lexer, uint8_t byte)
{
    bool goes_on = begins_name(byte) || (is_digit(byte) && lexer->tag_len > 1);

    if (byte != '$' && !goes_on)
        return end_tag(lexer, byte);
    if (lexer->tag_len == sizeof(lexer->tag))
        return SQL_TAG_IS_TOO_LONG;
    lexer->tag[lexer->tag_len++] = (char)byte;
    if (byte == '$') {
        lexer->tag_matched = 0;
        lexer->state = SQL_DOLLAR;
    }
    return SQL_NOTHING;
}

/* A tag has dollars at its ends only, so that nothing but a dollar can begin it anew. */
static void take_dollar(struct sql_lexer *lexer, uint8_t byte)
{
    if (byte == (uint8_t)lexer->tag[lexer->tag_matched])
        lexer->tag_matched++;
    else
        lexer->tag_matched = byte == '$';
    if (lexer->tag_matched < lexer->tag_len)
        return;
    lexer->state = SQL_PLAIN;
    note(lexer, SQL_TOKEN_DOLLAR, lexer->position + 1);
}

/* ---- The lexer ---- */

static enum sql_lexer_event take_byte(struct sql_lexer *lexer, uint8_t byte)
{
    switch (lexer->state) {
    case SQL_PLAIN:
        return take_plain(lexer, byte);
    case SQL_WORD:
        return take_word(lexer, byte);
    case SQL_NUMBER:
        return take_number(lexer, byte);
    case SQL_U_AND:
        return take_after_u_and(lexer, byte);
    case SQL_DASH:
        return take_after_dash(lexer, byte);
    case SQL_SLASH:
        return take_after_slash(lexer, byte);
    case SQL_QUOTE:
    case SQL_ESCAPE:
    case SQL_BITS:
    case SQL_NAME:
        take_quoted(lexer, byte);
        return SQL_NOTHING;
    case SQL_CLOSED:
        return take_after_quote(lexer, byte);
    case SQL_TAG:
        return take_tag(lexer, byte);
    case SQL_DOLLAR:
        take_dollar(lexer, byte);
        return SQL_NOTHING;
    case SQL_LINE_COMMENT:
        return take_line_comment(lexer, byte);
    case SQL_COMMENT:
        take_comment(lexer, byte);
        return SQL_NOTHING;
    }
    return SQL_NOTHING;
}

static bool is_lead(const struct sql_lexer *lexer, uint8_t byte)
{
    if (lexer->double_bytes == SQL_DOUBLE_BYTES_OF_SJIS)
        return (byte >= 0x81 && byte <= 0x9f) || (byte >= 0xe0 && byte <= 0xfc);
    return lexer->double_bytes == SQL_DOUBLE_BYTES && byte > 0x80;
}

/* The second byte of a character is none that could mean something: to take it for a letter is
 * enough. What is below '0' is no second byte, and the character is broken. */
enum sql_lexer_event sql_lexer_take(struct sql_lexer *lexer, uint8_t byte)
{
    bool second = lexer->after_lead && byte >= '0';
    enum sql_lexer_event event;

    lexer->after_lead = !second && is_lead(lexer, byte);
    event = take_byte(lexer, second ? 0xff : byte);
    lexer->position++;
    return event;
}

bool sql_lexer_end(struct sql_lexer *lexer)
{
    bool parted = lexer->state == SQL_LINE_COMMENT;

    /* A blank ends whatever may end here, and is part of nothing. */
    if (!parted)
        take_byte(lexer, ' ');
    return parted || lexer->state == SQL_PLAIN;
}

void sql_lexer_next_statement(struct sql_lexer *lexer)
{
    lexer->begun = false;
    lexer->parentheses = lexer->atomic = 0;
    lexer->word_count = 0;
    lexer->last[0] = '\0';
    lexer->last_is_word = lexer->binary = lexer->after_dot = false;
    lexer->continues = SQL_PLAIN;
}

bool sql_lexer_is_between(const struct sql_lexer *lexer)
{
    return !lexer->begun && lexer->state == SQL_PLAIN;
}
