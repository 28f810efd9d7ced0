/*
 * A state machine over single bytes: a stack of brackets, the path to the value at hand, and the
 * value as far as it fits. It knows no document; whoever walks picks by path.
 */
#include "base/json_walk.h"

#include <inttypes.h>

enum state {
    STATE_VALUE,        /* a value must come */
    STATE_VALUE_OR_END, /* behind '[' */
    STATE_KEY,          /* behind ',' in an object */
    STATE_KEY_OR_END,   /* behind '{' */
    STATE_COLON,
    STATE_COMMA_OR_END,
    STATE_STRING,
    STATE_ESCAPE,        /* behind '\' */
    STATE_ESCAPE_DIGITS, /* behind '\u' */
    STATE_WORD,
    STATE_DONE
};

void json_walk_init(struct json_walk *walk, json_walk_fn *tell, void *context)
{
    memset(walk, 0, sizeof(*walk));
    walk->tell = tell;
    walk->context = context;
    walk->state = STATE_VALUE;
}

static bool fail(const struct json_walk *walk, struct error *err)
{
    return error_set(err, ERROR_CORRUPT, "not valid JSON at byte %" PRIu64, walk->offset);
}

static void tell(struct json_walk *walk, enum json_walk_type type)
{
    walk->text[walk->text_len] = '\0';
    walk->tell(walk->context, type, walk->path, walk->text);
    walk->text_len = 0;
}

/* Sets the path to that of the innermost bracket and puts `tail` behind it. */
static void set_path(struct json_walk *walk, const char *separator, const char *tail)
{
    size_t end = walk->path_ends[walk->depth];
    size_t separator_len = end == 0 && *separator == '.' ? 0 : strlen(separator);
    size_t tail_len = strlen(tail);

    if (end + separator_len + tail_len < JSON_WALK_PATH) {
        memcpy(walk->path + end, separator, separator_len);
        memcpy(walk->path + end + separator_len, tail, tail_len);
        end += separator_len + tail_len;
    }
    walk->path[end] = '\0';
}

static void add_byte(struct json_walk *walk, uint8_t byte)
{
    if (walk->text_len + 1 < JSON_WALK_TEXT)
        walk->text[walk->text_len++] = (char)byte;
}

static void add_code(struct json_walk *walk, uint32_t code)
{
    if (code < 0x80) {
        add_byte(walk, (uint8_t)code);
    } else if (code < 0x800) {
        add_byte(walk, (uint8_t)(0xc0 | code >> 6));
        add_byte(walk, (uint8_t)(0x80 | (code & 0x3f)));
    } else if (code < 0x10000) {
        add_byte(walk, (uint8_t)(0xe0 | code >> 12));
        add_byte(walk, (uint8_t)(0x80 | (code >> 6 & 0x3f)));
        add_byte(walk, (uint8_t)(0x80 | (code & 0x3f)));
    } else {
        add_byte(walk, (uint8_t)(0xf0 | code >> 18));
        add_byte(walk, (uint8_t)(0x80 | (code >> 12 & 0x3f)));
        add_byte(walk, (uint8_t)(0x80 | (code >> 6 & 0x3f)));
        add_byte(walk, (uint8_t)(0x80 | (code & 0x3f)));
    }
}

static void value_ended(struct json_walk *walk)
{
    walk->state = walk->depth == 0 ? STATE_DONE : STATE_COMMA_OR_END;
}

static bool open_bracket(struct json_walk *walk, char bracket, struct error *err)
{
    if (walk->depth == JSON_WALK_DEPTH)
        return fail(walk, err);
    tell(walk, bracket == '{' ? JSON_WALK_OBJECT : JSON_WALK_ARRAY);
    walk->brackets[walk->depth++] = bracket;
    walk->path_ends[walk->depth] = strlen(walk->path);
    walk->state = bracket == '{' ? STATE_KEY_OR_END : STATE_VALUE_OR_END;
    if (bracket == '[')
        set_path(walk, "[]", "");
    return true;
}

static bool close_bracket(struct json_walk *walk, char bracket, struct error *err)
{
    if (walk->depth == 0 || walk->brackets[walk->depth - 1] != (bracket == '}' ? '{' : '['))
        return fail(walk, err);
    walk->path[walk->path_ends[walk->depth]] = '\0';
    walk->depth--;
    tell(walk, bracket == '}' ? JSON_WALK_OBJECT_END : JSON_WALK_ARRAY_END);
    value_ended(walk);
    return true;
}

static bool begin_value(struct json_walk *walk, char byte, struct error *err)
{
    walk->text_len = 0;
    if (byte == '{' || byte == '[')
        return open_bracket(walk, byte, err);
    if (byte == ']' && walk->state == STATE_VALUE_OR_END)
        return close_bracket(walk, byte, err);
    if (byte == '"') {
        walk->key = false;
        walk->state = STATE_STRING;
        return true;
    }
    if (strchr("-0123456789tfn", byte) == NULL || byte == '\0')
        return fail(walk, err);
    add_byte(walk, (uint8_t)byte);
    walk->state = STATE_WORD;
    return true;
}

static bool begin_key(struct json_walk *walk, char byte, struct error *err)
{
    if (byte == '}' && walk->state == STATE_KEY_OR_END)
        return close_bracket(walk, byte, err);
    if (byte != '"')
        return fail(walk, err);
    walk->text_len = 0;
    walk->key = true;
    walk->state = STATE_STRING;
    return true;
}

static bool behind_value(struct json_walk *walk, char byte, struct error *err)
{
    bool object = walk->depth > 0 && walk->brackets[walk->depth - 1] == '{';

    if (byte == '}' || byte == ']')
        return close_bracket(walk, byte, err);
    if (byte != ',' || walk->depth == 0)
        return fail(walk, err);
    walk->state = object ? STATE_KEY : STATE_VALUE;
    if (!object)
        set_path(walk, "[]", "");
    return true;
}

static bool string_byte(struct json_walk *walk, uint8_t byte, struct error *err)
{
    if (byte == '\\') {
        walk->state = STATE_ESCAPE;
        return true;
    }
    if (byte != '"') {
        add_byte(walk, byte);
        return byte >= 0x20 || fail(walk, err);
    }
    if (walk->key) {
        walk->text[walk->text_len] = '\0';
        set_path(walk, ".", walk->text);
        walk->state = STATE_COLON;
        return true;
    }
    tell(walk, JSON_WALK_STRING);
    value_ended(walk);
    return true;
}

static bool escape_byte(struct json_walk *walk, char byte, struct error *err)
{
    static const char letters[] = "\"\\/bfnrt";
    static const char meanings[] = "\"\\/\b\f\n\r\t";
    const char *letter = byte == '\0' ? NULL : strchr(letters, byte);

    if (byte == 'u') {
        walk->escape = 0;
        walk->escape_digits = 0;
        walk->state = STATE_ESCAPE_DIGITS;
        return true;
    }
    if (letter == NULL)
        return fail(walk, err);
    add_byte(walk, (uint8_t)meanings[letter - letters]);
    walk->state = STATE_STRING;
    return true;
}

static int hex_value(char byte)
{
    static const char digits[] = "0123456789abcdef";
    const char *found = byte == '\0' ? NULL : strchr(digits, byte | ('A' <= byte ? 0x20 : 0));

    return found == NULL ? -1 : (int)(found - digits);
}

/* Two \u escapes in a row make one character beyond the first 65,536. */
static bool escape_digit(struct json_walk *walk, char byte, struct error *err)
{
    int digit = hex_value(byte);

    if (digit < 0)
        return fail(walk, err);
    walk->escape = walk->escape << 4 | (uint32_t)digit;
    if (++walk->escape_digits < 4)
        return true;
    walk->state = STATE_STRING;
    if (walk->escape >= 0xd800 && walk->escape < 0xdc00) {
        walk->high_surrogate = walk->escape;
        return true;
    }
    if (walk->escape >= 0xdc00 && walk->escape < 0xe000 && walk->high_surrogate != 0)
        walk->escape = 0x10000 + ((walk->high_surrogate - 0xd800) << 10) + (walk->escape - 0xdc00);
    walk->high_surrogate = 0;
    /* The caller gets C strings. */
    add_code(walk, walk->escape == 0 ? 0xfffd : walk->escape);
    return true;
}

static bool is_space(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

static bool take_byte(struct json_walk *walk, char byte, struct error *err)
{
    if (walk->state == STATE_WORD) {
        if (strchr(",]} \t\r\n", byte) == NULL || byte == '\0') {
            add_byte(walk, (uint8_t)byte);
            return walk->text_len < 400 || fail(walk, err);
        }
        tell(walk, JSON_WALK_WORD);
        value_ended(walk);
    }
    switch ((enum state)walk->state) {
    case STATE_STRING:
        return string_byte(walk, (uint8_t)byte, err);
    case STATE_ESCAPE:
        return escape_byte(walk, byte, err);
    case STATE_ESCAPE_DIGITS:
        return escape_digit(walk, byte, err);
    case STATE_VALUE:
    case STATE_VALUE_OR_END:
        return is_space(byte) || begin_value(walk, byte, err);
    case STATE_KEY:
    case STATE_KEY_OR_END:
        return is_space(byte) || begin_key(walk, byte, err);
    case STATE_COMMA_OR_END:
        return is_space(byte) || behind_value(walk, byte, err);
    case STATE_COLON:
        if (byte == ':')
            walk->state = STATE_VALUE;
        return byte == ':' || is_space(byte) || fail(walk, err);
    case STATE_DONE:
    case STATE_WORD:
        break;
    }
    return is_space(byte) || fail(walk, err);
}

bool json_walk_feed(struct json_walk *walk, struct slice text, struct error *err)
{
    for (size_t i = 0; i < text.len; i++, walk->offset++) {
        if (!take_byte(walk, (char)text.data[i], err))
            return false;
    }
    return true;
}

bool json_walk_finish(const struct json_walk *walk, struct error *err)
{
    if (walk->state != STATE_DONE)
        return error_set(err, ERROR_CORRUPT, "JSON text ends too early");
    return true;
}
