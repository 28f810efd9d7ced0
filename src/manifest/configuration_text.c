/*
 * A server's own reader of these files in small: only what leads to other files is of interest, and
 * what is no setting is passed over, because the server itself has long accepted the file.
 */
#include "manifest/configuration_text.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool at_space(struct slice text)
{
    return text.len > 0 && (text.data[0] == ' ' || text.data[0] == '\t' || text.data[0] == '\r' ||
                            text.data[0] == '\f' || text.data[0] == '\v');
}

static void skip_space(struct slice *text)
{
    while (at_space(*text))
        slice_take(text, 1);
}

static bool in_name(uint8_t c)
{
    return isalnum(c) || c == '_' || c == '.' || c == '$' || c >= 0x80;
}

static void take_name(struct slice *text, char name[CONFIGURATION_NAME_MAX])
{
    size_t len = 0;

    name[0] = '\0';
    if (text->len == 0 || (!isalpha(text->data[0]) && text->data[0] != '_'))
        return;
    while (len < text->len && in_name(text->data[len]))
        len++;
    if (len < CONFIGURATION_NAME_MAX) {
        for (size_t i = 0; i < len; i++)
            name[i] = (char)tolower(text->data[i]);
        name[len] = '\0';
    }
    slice_take(text, len);
}

/* One character of a quoted value; a backslash and a doubled quote stand for what follows. */
static bool take_quoted_character(struct slice *text, uint8_t *c)
{
    *c = text->data[0];
    slice_take(text, 1);
    if (*c == '\'' && (text->len == 0 || text->data[0] != '\''))
        return false;
    if ((*c == '\'' || *c == '\\') && text->len > 0) {
        *c = text->data[0];
        slice_take(text, 1);
    }
    return true;
}

static void take_value(struct slice *text, char value[CONFIGURATION_VALUE_MAX])
{
    bool quoted = text->len > 0 && text->data[0] == '\'';
    size_t len = 0;
    uint8_t c;

    if (quoted)
        slice_take(text, 1);
    while (text->len > 0 && len < CONFIGURATION_VALUE_MAX) {
        if (quoted) {
            if (!take_quoted_character(text, &c))
                break;
        } else {
            c = text->data[0];
            if (isspace(c) || c == '#')
                break;
            slice_take(text, 1);
        }
        value[len++] = (char)c;
    }
    value[len < CONFIGURATION_VALUE_MAX ? len : 0] = '\0';
}

bool configuration_next_line(struct slice *text, struct configuration_line *line)
{
    struct slice rest;

    if (text->len == 0)
        return false;
    line->text = slice_take_line(text);
    line->value[0] = '\0';
    rest = line->text;
    skip_space(&rest);
    take_name(&rest, line->name);
    if (line->name[0] == '\0')
        return true;
    skip_space(&rest);
    if (rest.len > 0 && rest.data[0] == '=')
        slice_take(&rest, 1);
    skip_space(&rest);
    take_value(&rest, line->value);
    return true;
}

enum configuration_reference configuration_reference_of(const char *name)
{
    if (strcmp(name, "include") == 0)
        return INCLUDE_FILE;
    if (strcmp(name, "include_if_exists") == 0)
        return INCLUDE_FILE_IF_THERE;
    return strcmp(name, "include_dir") == 0 ? INCLUDE_FOLDER : INCLUDE_NOTHING;
}

/* ---- pg_hba.conf ---- */

/* The next word of a line, and as it is written there. False at the end of the line or at a
 * comment. */
static bool take_word(struct slice *line, char word[CONFIGURATION_VALUE_MAX], struct slice *written)
{
    bool quoted = false;
    size_t len = 0;

    while (line->len > 0 && (at_space(*line) || line->data[0] == ','))
        slice_take(line, 1);
    if (line->len == 0 || line->data[0] == '#')
        return false;
    written->data = line->data;
    while (line->len > 0 && (quoted || (!at_space(*line) && line->data[0] != ','))) {
        uint8_t c = line->data[0];

        if (c == '#' && !quoted)
            break;
        slice_take(line, 1);
        if (c == '"')
            quoted = !quoted;
        else if (len < CONFIGURATION_VALUE_MAX - 1)
            word[len++] = (char)c;
    }
    word[len] = '\0';
    written->len = (size_t)(line->data - written->data);
    return true;
}

/* What is left of the line, up to its next reference. */
static bool next_in_line(struct slice *line, bool first, enum configuration_reference *type,
                         char value[CONFIGURATION_VALUE_MAX], struct slice *written)
{
    char word[CONFIGURATION_VALUE_MAX] = "";

    while (take_word(line, word, written)) {
        if (written->data[0] == '@' && word[1] != '\0') {
            *type = INCLUDE_FILE_IF_THERE;
            snprintf(value, CONFIGURATION_VALUE_MAX, "%s", word + 1);
            slice_take(written, 1);
            return true;
        }
        *type = first ? configuration_reference_of(word) : INCLUDE_NOTHING;
        if (*type != INCLUDE_NOTHING)
            return take_word(line, value, written);
        first = false;
    }
    return false;
}

bool configuration_next_hba_reference(struct slice *text, enum configuration_reference *type,
                                      char value[CONFIGURATION_VALUE_MAX], struct slice *written)
{
    /* Taking the rest of a line up again begins in its middle, where no include can stand: a
     * remainder looks like a line of its own, and "include" is no name of a database there. */
    while (text->len > 0) {
        struct slice after = *text;
        struct slice line = slice_take_line(&after);

        if (next_in_line(&line, true, type, value, written)) {
            *text = line.len > 0
                        ? slice_make(line.data, (size_t)(text->data + text->len - line.data))
                        : after;
            return true;
        }
        *text = after;
    }
    return false;
}

/* ---- Keys ---- */

bool configuration_has_key(struct slice content)
{
    static const char mark[] = "PRIVATE KEY-----"; /* after "RSA ", "EC ", "ENCRYPTED ", … */

    return content.len > 0 && memmem(content.data, content.len, mark, sizeof(mark) - 1) != NULL;
}

/* ---- Paths ---- */

static bool add_component(char out[CONFIGURATION_VALUE_MAX], const char *name, size_t len)
{
    size_t used = strlen(out);
    char *slash;

    if (len == 0 || (len == 1 && name[0] == '.'))
        return true;
    if (len == 2 && name[0] == '.' && name[1] == '.') {
        slash = strrchr(out, '/');
        if (slash == NULL)
            return false;
        *slash = '\0';
        return true;
    }
    if (used + 1 + len >= CONFIGURATION_VALUE_MAX)
        return false;
    out[used] = '/';
    memcpy(out + used + 1, name, len);
    out[used + 1 + len] = '\0';
    return true;
}

static bool add_components(char out[CONFIGURATION_VALUE_MAX], const char *path)
{
    while (*path != '\0') {
        size_t len = strcspn(path, "/");

        if (!add_component(out, path, len))
            return false;
        path += len + (path[len] == '/');
    }
    return true;
}

bool configuration_resolve(const char *in, const char *path, char out[CONFIGURATION_VALUE_MAX])
{
    out[0] = '\0';
    if (path[0] == '\0')
        return false;
    if (path[0] != '/' && (!add_components(out, in) || !add_component(out, "..", 2)))
        return false;
    return add_components(out, path) && out[0] != '\0';
}
