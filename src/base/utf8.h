/*
 * Text from servers whose encoding nobody can vouch for: names in an SQL_ASCII database are bytes,
 * and the shared catalogs hold names in whatever encoding the creating session's database had.
 * What is not UTF-8 is shown as \xHH, byte by byte.
 */
#ifndef PGCASK_BASE_UTF8_H
#define PGCASK_BASE_UTF8_H

#include "base/buffer.h"

struct json_t;

enum utf8_context {
    UTF8_IN_TEXT, /* \xHH as such */
    UTF8_IN_JSON  /* JSON source: the backslash is doubled, so that parsing gives \xHH */
};

/* Appends the text with every byte that is not part of well-formed UTF-8 escaped. With ascii_only,
 * every byte over 0x7f: for text of an encoding in which runs of bytes may look like UTF-8 by
 * accident. *escaped is set to true if there was such a byte, and else left alone. */
bool utf8_append_escaped(struct buffer *out, struct slice text, enum utf8_context context,
                         bool ascii_only, bool *escaped, struct error *err);

/* The length of the well-formed UTF-8 character that text (not empty) begins with, and its code
 * point; 0 if it is none: overlong forms, surrogates and what is over U+10FFFF are refused (Unicode
 * Standard, table 3-7). */
size_t utf8_character(struct slice text, uint32_t *code);

/* How much of the text fits into `limit` bytes without cutting a character in two. */
size_t utf8_fitting(struct slice text, size_t limit);

/* Cuts a C string so. */
void utf8_cut(char *text, size_t limit);

/* True if utf8_append_escaped would change nothing. */
bool utf8_is_clean(struct slice text, bool ascii_only);

/* A JSON string (jansson's json_t) of any C string, the caller's; NULL: out of memory. */
struct json_t *utf8_to_json(const char *text);

#endif
