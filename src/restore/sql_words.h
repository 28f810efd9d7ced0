/* The words of an SQL text that is in memory, without comments: what is looked for in the
 * definitions of an archive. */
#ifndef PGCASK_RESTORE_SQL_WORDS_H
#define PGCASK_RESTORE_SQL_WORDS_H

#include "base/buffer.h"

enum sql_word_kind {
    SQL_WORD_PLAIN,  /* a keyword, a name without quotes, a number */
    SQL_WORD_QUOTED, /* "name" */
    SQL_WORD_STRING, /* 'text', $$text$$ */
    SQL_WORD_SIGN    /* one byte of an operator, a comma, a bracket, a semicolon */
};

struct sql_word {
    enum sql_word_kind kind;
    struct slice text; /* as it stands there, with its quotes */
    size_t begin;      /* where, from the text's beginning */
    size_t depth;      /* how many brackets are open around it */
};

/* Gives one word after the other until `take` returns false. */
void sql_words_walk(struct slice text, bool (*take)(void *context, const struct sql_word *word),
                    void *context);

/* Whether it is that keyword, which is given in lower case. */
bool sql_word_is(const struct sql_word *word, const char *keyword);
bool sql_word_is_sign(const struct sql_word *word, char sign);

/* Appends the name that a plain or quoted word is. */
bool sql_word_append_name(struct buffer *out, const struct sql_word *word, struct error *err);

/* The same of a string: what it says. Escapes of E'' are not undone. */
bool sql_word_append_string(struct buffer *out, const struct sql_word *word, struct error *err);

#endif
