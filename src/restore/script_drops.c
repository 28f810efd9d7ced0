/*
 * pg_dump --clean drops everything before it makes anything, by DROP …, ALTER … DROP … and
 * lo_unlink(), whether it is there or not. A view that others need through its columns, and that
 * needs a table's key, is made one of NULLs first.
 */
#include "restore/script_drops.h"

#include "restore/sql_words.h"

#define LOOKED_AT ((size_t)64 * 1024) /* what drops something is short */
#define WORDS 5

struct look {
    struct sql_word first[WORDS]; /* without signs */
    size_t count;
    struct sql_word previous, before; /* with them */
    bool drops;                       /* ALTER … DROP, of no name */
    bool selects, of_nothing;         /* … AS SELECT NULL, or without a column */
};

static bool look(void *context, const struct sql_word *word)
{
    struct look *look = context;
    bool is_end = sql_word_is_sign(word, ';');

    if (look->selects && sql_word_is(&look->previous, "select"))
        look->of_nothing = is_end || sql_word_is(word, "null");
    if (word->depth == 0 && sql_word_is(word, "select") && sql_word_is(&look->previous, "as"))
        look->selects = true;
    /* A table may be called that without quotes. */
    look->drops |= word->depth == 0 && look->count > 2 && sql_word_is(word, "drop") &&
                   look->previous.kind <= SQL_WORD_QUOTED && !sql_word_is(&look->previous, "only");
    if (word->kind != SQL_WORD_SIGN && look->count < WORDS)
        look->first[look->count++] = *word;
    look->before = look->previous;
    look->previous = *word;
    return !look->selects || !sql_word_is(&look->before, "select");
}

static bool is(const struct look *look, size_t n, const char *keyword)
{
    return n < look->count && sql_word_is(&look->first[n], keyword);
}

static bool calls(const struct look *look, const char *function)
{
    return is(look, 0, "select") &&
           (is(look, 1, function) || (is(look, 1, "pg_catalog") && is(look, 2, function)));
}

enum script_drop script_drop_of(const struct sql_statement *statement)
{
    struct slice text = statement->text;
    struct look found = {.count = 0};

    if (statement->kind == SQL_KIND_SET)
        return SCRIPT_SETS;
    if (statement->kind != SQL_KIND_OTHER || text.len > LOOKED_AT)
        return SCRIPT_DOES_MORE;
    sql_words_walk(text, look, &found);
    if (calls(&found, "set_config"))
        return SCRIPT_SETS;
    if ((is(&found, 0, "drop") && !is(&found, 1, "owned")) || calls(&found, "lo_unlink") ||
        (is(&found, 0, "alter") && found.drops))
        return SCRIPT_DROPS;
    if (is(&found, 0, "create") && is(&found, 1, "or") && is(&found, 2, "replace") &&
        is(&found, 3, "view") && found.of_nothing)
        return SCRIPT_DROPS;
    return SCRIPT_DOES_MORE;
}
