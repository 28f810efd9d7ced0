/*
 * A name may have brackets in it and stands without quotes in a table of contents; types are in
 * quotes where they need some. So the types are the longest end of the text that is one whole
 * bracket.
 */
#include "restore/signature.h"

#include <string.h>

/* Whether the text, which begins with "(", ends where that bracket is closed. */
static bool is_one_bracket(const char *text)
{
    size_t depth = 0;
    bool quoted = false;

    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '"')
            quoted = !quoted;
        else if (!quoted && *at == '(')
            depth++;
        else if (!quoted && *at == ')' && --depth == 0)
            return at[1] == '\0';
    }
    return false;
}

size_t signature_name_length(const char *text)
{
    for (const char *at = strchr(text, '('); at != NULL; at = strchr(at + 1, '(')) {
        if (is_one_bracket(at))
            return (size_t)(at - text);
    }
    return strlen(text);
}

/* ---- One spelling ---- */

/* What people type, and what format_type() says (PostgreSQL docs, "Data Types", aliases). */
static const char *const aliases[][2] = {
    {"bool", "boolean"},
    {"char", "character"},
    {"char varying", "character varying"},
    {"dec", "numeric"},
    {"decimal", "numeric"},
    {"float", "double precision"},
    {"float4", "real"},
    {"float8", "double precision"},
    {"int", "integer"},
    {"int2", "smallint"},
    {"int4", "integer"},
    {"int8", "bigint"},
    {"national character", "character"},
    {"nchar", "character"},
    {"time", "time without time zone"},
    {"timestamp", "timestamp without time zone"},
    {"timestamptz", "timestamp with time zone"},
    {"timetz", "time with time zone"},
    {"varbit", "bit varying"},
    {"varchar", "character varying"},
};

struct spelling {
    struct buffer type; /* that is being read */
    bool quoted, blank; /* a blank is due before the next letter */
    size_t depth;
};

static bool append_letter(struct spelling *spelling, char letter, struct error *err)
{
    struct buffer *type = &spelling->type;
    bool joins = strchr("[](),.", letter) != NULL ||
                 (type->len > 0 && strchr("[(.", type->data[type->len - 1]) != NULL);

    if (spelling->blank && type->len > 0 && !joins && !buffer_append_byte(type, ' ', err))
        return false;
    spelling->blank = false;
    if (letter >= 'A' && letter <= 'Z')
        letter = (char)(letter - 'A' + 'a');
    return buffer_append_byte(type, (uint8_t)letter, err);
}

/* Without "[]" behind it. */
static size_t base_length(struct slice type)
{
    while (type.len >= 2 && memcmp(type.data + type.len - 2, "[]", 2) == 0)
        type.len -= 2;
    return type.len;
}

static bool end_type(struct spelling *spelling, struct buffer *out, struct error *err)
{
    struct slice type = buffer_slice(&spelling->type);
    size_t base = base_length(type);
    bool done;

    for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++) {
        if (!slice_equals(slice_make(type.data, base), slice_string(aliases[i][0])))
            continue;
        if (!buffer_append_string(out, aliases[i][1], err))
            return false;
        slice_take(&type, base);
        break;
    }
    done = buffer_append(out, type.data, type.len, err);
    buffer_clear(&spelling->type);
    spelling->blank = false;
    return done;
}

static bool take_letter(struct spelling *spelling, char letter, struct buffer *out,
                        struct error *err)
{
    if (letter == '"')
        spelling->quoted = !spelling->quoted;
    if (spelling->quoted)
        return buffer_append_byte(&spelling->type, (uint8_t)letter, err);
    if (letter == ' ' || letter == '\t' || letter == '\n' || letter == '\r') {
        spelling->blank = true;
        return true;
    }
    if (letter == '(')
        spelling->depth++;
    if (letter == ')')
        spelling->depth--;
    if (letter == ',' && spelling->depth == 0)
        return end_type(spelling, out, err) && buffer_append_string(out, ", ", err);
    return append_letter(spelling, letter, err);
}

bool signature_append_types(struct buffer *out, const char *types, struct error *err)
{
    struct spelling spelling = {0};
    size_t len = strlen(types);
    bool done = buffer_append_byte(out, '(', err);

    for (size_t i = 1; done && i + 1 < len; i++)
        done = take_letter(&spelling, types[i], out, err);
    done = done && end_type(&spelling, out, err) && buffer_append_byte(out, ')', err);
    buffer_free(&spelling.type);
    return done;
}
