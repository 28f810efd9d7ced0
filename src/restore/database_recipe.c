/* Options of CREATE DATABASE that pg_dump writes, of all versions. What a newer one may add is
 * refused by name: a database that is made without it would be another. */
#include "restore/database_recipe.h"

#include "restore/sql_words.h"
#include "wire/wire.h"

#include <stdlib.h>
#include <string.h>

#define PLACE(member) offsetof(struct database_recipe, member)

static const struct {
    const char *name;
    size_t place;
    bool is_string; /* how it is written */
    int since;      /* servers before do not know it */
} options[] = {
    {"encoding", PLACE(encoding), true, 0},
    {"locale_provider", PLACE(locale_provider), false, 150000},
    {"locale", PLACE(locale), true, 0},
    {"lc_collate", PLACE(lc_collate), true, 0},
    {"lc_ctype", PLACE(lc_ctype), true, 0},
    {"icu_locale", PLACE(icu_locale), true, 150000},
    {"builtin_locale", PLACE(builtin_locale), true, 170000},
    {"icu_rules", PLACE(icu_rules), true, 160000},
    {"tablespace", PLACE(tablespace), false, 0},
};

#define OPTION_COUNT (sizeof(options) / sizeof(options[0]))

static char **value_of(struct database_recipe *recipe, size_t option)
{
    return (char **)(void *)((char *)recipe + options[option].place);
}

static const char *text_of(const struct database_recipe *recipe, size_t option)
{
    return *(char *const *)(const void *)((const char *)recipe + options[option].place);
}

void database_recipe_reset(struct database_recipe *recipe)
{
    for (size_t i = 0; i < OPTION_COUNT; i++)
        free(*value_of(recipe, i));
    *recipe = (struct database_recipe){0};
}

/* ---- Parsing ---- */

/* What has no place of its own: who makes the database says that. */
static const char *const ignored_options[] = {
    "template",          "owner",      "oid", "strategy", "collation_version",
    "allow_connections", "is_template"};

struct parse {
    struct database_recipe *recipe;
    enum { AT_CREATE, AT_DATABASE, AT_NAME, AT_OPTION, AT_VALUE, AT_END } at;
    size_t option; /* whose value comes; OPTION_COUNT: of none that counts */
    bool failed;
    struct error *err;
};

static bool fail(struct parse *parse, const struct sql_word *word)
{
    parse->failed = true;
    return error_set(parse->err, ERROR_CORRUPT,
                     "the archive's CREATE DATABASE has something that is not known: %.*s",
                     word->text.len > 100 ? 100 : (int)word->text.len,
                     (const char *)word->text.data);
}

static bool take_option(struct parse *parse, const struct sql_word *word)
{
    if (sql_word_is(word, "with"))
        return true;
    if (sql_word_is_sign(word, ';')) {
        parse->at = AT_END;
        return true;
    }
    parse->at = AT_VALUE;
    for (parse->option = 0; parse->option < OPTION_COUNT; parse->option++) {
        if (sql_word_is(word, options[parse->option].name))
            return true;
    }
    for (size_t i = 0; i < sizeof(ignored_options) / sizeof(ignored_options[0]); i++) {
        if (sql_word_is(word, ignored_options[i]))
            return true;
    }
    return fail(parse, word);
}

static bool take_value(struct parse *parse, const struct sql_word *word)
{
    struct buffer value = {0};
    char **place;
    bool done;

    if (sql_word_is_sign(word, '='))
        return true;
    if (word->kind == SQL_WORD_SIGN)
        return fail(parse, word);
    parse->at = AT_OPTION;
    if (parse->option == OPTION_COUNT)
        return true;
    done = word->kind == SQL_WORD_STRING ? sql_word_append_string(&value, word, parse->err)
                                         : sql_word_append_name(&value, word, parse->err);
    if (!done || !buffer_append_byte(&value, '\0', parse->err)) {
        buffer_free(&value);
        parse->failed = true;
        return false;
    }
    place = value_of(parse->recipe, parse->option);
    free(*place);
    *place = (char *)value.data;
    return true;
}

static bool take_word(void *context, const struct sql_word *word)
{
    struct parse *parse = context;

    switch (parse->at) {
    case AT_CREATE:
        parse->at = AT_DATABASE;
        return sql_word_is(word, "create") || fail(parse, word);
    case AT_DATABASE:
        parse->at = AT_NAME;
        return sql_word_is(word, "database") || fail(parse, word);
    case AT_NAME:
        parse->at = AT_OPTION;
        return word->kind == SQL_WORD_PLAIN || word->kind == SQL_WORD_QUOTED || fail(parse, word);
    case AT_OPTION:
        return take_option(parse, word);
    case AT_VALUE:
        return take_value(parse, word);
    case AT_END:
        break;
    }
    return fail(parse, word);
}

bool database_recipe_parse(struct database_recipe *recipe, const char *definition,
                           struct error *err)
{
    struct parse parse = {.recipe = recipe, .err = err};

    *recipe = (struct database_recipe){0};
    sql_words_walk(slice_string(definition), take_word, &parse);
    if (!parse.failed && parse.at != AT_OPTION && parse.at != AT_END)
        parse.failed = !error_set(err, ERROR_CORRUPT, "the archive's CREATE DATABASE breaks off");
    if (parse.failed)
        database_recipe_reset(recipe);
    return !parse.failed;
}

/* ---- Writing ---- */

static bool is_usual_provider(const char *provider)
{
    return provider == NULL || strcmp(provider, "libc") == 0;
}

const char *database_recipe_unknown(const struct database_recipe *recipe, int server_version,
                                    const char **since)
{
    if (!is_usual_provider(recipe->locale_provider)) {
        bool builtin = strcmp(recipe->locale_provider, "builtin") == 0;

        *since = builtin ? "17" : "15";
        if (server_version < (builtin ? 170000 : 150000))
            return builtin ? "the locale provider builtin"
                           : "the locale provider icu of a database";
    }
    *since = "16";
    return recipe->icu_rules != NULL && server_version < 160000 ? "ICU_RULES of a database" : NULL;
}

static bool append_option(struct buffer *out, const struct database_recipe *recipe, size_t option,
                          struct error *err)
{
    const char *value = text_of(recipe, option);

    return buffer_append_byte(out, ' ', err) &&
           buffer_append_string(out, options[option].name, err) &&
           buffer_append_string(out, " = ", err) &&
           (options[option].is_string ? wire_quote_literal(out, value, err)
                                      : wire_quote_identifier(out, value, err));
}

bool database_recipe_append(struct buffer *out, const struct database_recipe *recipe,
                            const char *name, int server_version, bool no_tablespaces,
                            struct error *err)
{
    if (!buffer_append_string(out, "CREATE DATABASE ", err) ||
        !wire_quote_identifier(out, name, err) ||
        !buffer_append_string(out, " WITH TEMPLATE = template0", err))
        return false;
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (text_of(recipe, i) == NULL || server_version < options[i].since ||
            (no_tablespaces && strcmp(options[i].name, "tablespace") == 0))
            continue;
        if (!append_option(out, recipe, i, err))
            return false;
    }
    return true;
}

/* ---- Another name ---- */

struct renaming {
    struct buffer *out;
    struct slice text;
    const char *from, *to;
    size_t copied; /* of the text, so far */
    bool after_database, failed;
    struct buffer name;
    struct error *err;
};

static bool put_name(struct renaming *renaming, const struct sql_word *word)
{
    buffer_clear(&renaming->name);
    if (!sql_word_append_name(&renaming->name, word, renaming->err))
        return false;
    if (strcmp(buffer_text(&renaming->name), renaming->from) != 0)
        return true;
    if (!buffer_append(renaming->out, renaming->text.data + renaming->copied,
                       word->begin - renaming->copied, renaming->err) ||
        !wire_quote_identifier(renaming->out, renaming->to, renaming->err))
        return false;
    renaming->copied = word->begin + word->text.len;
    return true;
}

static bool rename_word(void *context, const struct sql_word *word)
{
    struct renaming *renaming = context;
    bool is_name = word->kind == SQL_WORD_PLAIN || word->kind == SQL_WORD_QUOTED;

    renaming->failed = renaming->after_database && is_name && !put_name(renaming, word);
    renaming->after_database = sql_word_is(word, "database");
    return !renaming->failed;
}

bool database_text_append(struct buffer *out, struct slice text, const char *from, const char *to,
                          struct error *err)
{
    struct renaming renaming = {.out = out, .text = text, .from = from, .to = to, .err = err};

    sql_words_walk(text, rename_word, &renaming);
    buffer_free(&renaming.name);
    return !renaming.failed &&
           buffer_append(out, text.data + renaming.copied, text.len - renaming.copied, err);
}
