/*
 * Options and settings in texts. A mark is a byte for its kind, the name, and MARK_END; in a format
 * a pair of MARK_OURS stands around a conversion that may bring marks.
 */
#include "base/error.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define MARK_OPTION '\x1c'
#define MARK_SETTING '\x1d'
#define MARK_OURS '\x1e'
#define MARK_END '\x1f'
#define MARKS "\x1c\x1d\x1e\x1f"

#define FORMAT_MAX 2048
#define TEXT_MAX 4096
#define NAME_MAX_SIZE 128

/* ---- Formatting ---- */

/* Where the format's own marks are in the text: each is as far from the start as the format before
 * it is long when it is filled in. */
struct own_marks {
    const char *format;
    size_t next;  /* in the format */
    size_t place; /* in the text; SIZE_MAX: there is no other */
    va_list args;
};

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static size_t filled_length(const char *format, size_t len, va_list args)
{
    char before[FORMAT_MAX];
    va_list copy;
    int filled;

    if (len >= sizeof(before))
        return SIZE_MAX;
    memcpy(before, format, len);
    before[len] = '\0';
    va_copy(copy, args);
    filled = vsnprintf(NULL, 0, before, copy);
    va_end(copy);
    return filled < 0 ? SIZE_MAX : (size_t)filled;
}
#pragma GCC diagnostic pop

static void find_mark(struct own_marks *own)
{
    own->next += strcspn(own->format + own->next, MARKS);
    own->place = own->format[own->next] == '\0' ? SIZE_MAX
                                                : filled_length(own->format, own->next, own->args);
}

/* Copies the text without the pairs of MARK_OURS, and with what only looks like a mark written out.
 * A mark that does not fit whole is left out. */
static void copy_marked(char *out, size_t size, const char *text, struct own_marks *own)
{
    bool ours = false;
    size_t used = 0;

    for (size_t i = 0; text[i] != '\0' && used + 1 < size; i++) {
        bool own_mark = i == own->place;

        if (own_mark) {
            own->next++;
            find_mark(own);
        }
        if (own_mark && text[i] == MARK_OURS) {
            ours = !ours;
        } else if (own_mark || strchr(MARKS, text[i]) == NULL || (ours && text[i] != MARK_OURS)) {
            out[used++] = text[i];
        } else if (used + 4 < size) {
            snprintf(out + used, size - used, "\\x%02x", (unsigned)text[i]);
            used += 4;
        }
    }
    out[used] = '\0';
}

void error_format(char *out, size_t size, const char *format, va_list args)
{
    struct own_marks own = {.format = format};
    char text[TEXT_MAX];

    va_copy(own.args, args);
    vsnprintf(text, sizeof(text), format, args);
    find_mark(&own);
    copy_marked(out, size, text, &own);
    va_end(own.args);
}

size_t error_setting_length(const char *name)
{
    size_t len = strlen(name);

    return len > 5 && strcmp(name + len - 5, "-data") == 0 ? len - 5 : len;
}

/* ---- Spelling ---- */

static size_t append(char *out, size_t used, size_t size, const char *text, size_t len)
{
    len = len < size - 1 - used ? len : size - 1 - used;
    memcpy(out + used, text, len);
    return used + len;
}

/* The spelling of the mark that *text begins with, which is put behind it. */
static void spell_mark(const char **text, const struct error_speller *speller, char *out,
                       size_t size)
{
    enum error_word word = **text == MARK_OPTION ? ERROR_WORD_OPTION : ERROR_WORD_SETTING;
    char name[NAME_MAX_SIZE];
    size_t len;

    ++*text;
    len = strcspn(*text, MARKS);
    snprintf(name, sizeof(name), "%.*s", (int)(len < sizeof(name) ? len : sizeof(name) - 1), *text);
    *text += len;
    *text += **text == MARK_END;
    if (speller == NULL)
        snprintf(out, size, "%.*s",
                 (int)(word == ERROR_WORD_SETTING ? error_setting_length(name) : strlen(name)),
                 name);
    else
        speller->spell(speller->context, word, name, out, size);
}

void error_spell_copy(char *out, size_t size, const char *text, const struct error_speller *speller)
{
    char name[NAME_MAX_SIZE];
    size_t used = 0;

    while (*text != '\0') {
        size_t plain = strcspn(text, MARKS);

        used = append(out, used, size, text, plain);
        text += plain;
        if (*text == MARK_OPTION || *text == MARK_SETTING) {
            spell_mark(&text, speller, name, sizeof(name));
            used = append(out, used, size, name, strlen(name));
        } else {
            text += *text != '\0';
        }
    }
    out[used] = '\0';
}

void error_spell_text(char *text, size_t size, const struct error_speller *speller)
{
    char copy[TEXT_MAX];

    if (strpbrk(text, MARKS) == NULL)
        return;
    error_spell_copy(copy, size < sizeof(copy) ? size : sizeof(copy), text, speller);
    memcpy(text, copy, strlen(copy) + 1);
}

void error_spell(struct error *err, const struct error_speller *speller)
{
    error_spell_text(err->message, sizeof(err->message), speller);
    error_spell_text(err->detail, sizeof(err->detail), speller);
    error_spell_text(err->hint, sizeof(err->hint), speller);
}
