/*
 * What a restore reads of names: patterns, held against a name, and the CREATE DATABASE of an
 * archive, taken apart. The first byte chooses which; up to a NUL stands a name, the text behind
 * it.
 *
 * Holds: a name that is written as a pattern, in quotes, is matched by it, and another is not; a
 * recipe that was read, written for another name and a server that knows all of it, is read as the
 * same recipe. Where a text calls its database otherwise, nothing else of it changes.
 *
 * Limits: -malloc_limit_mb=1 -max_len=4096
 */
#include "restore/database_recipe.h"
#include "restore/name_pattern.h"
#include "support/feed.h"

#include "wire/wire.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- Patterns ---- */

static void check_own_pattern(const char *name)
{
    struct name_pattern pattern;
    struct buffer text = {0};
    struct error err;

    must(buffer_append_byte(&text, '"', &err));
    for (const char *at = name; *at != '\0'; at++)
        must(buffer_append(&text, at, 1, &err) &&
             (*at != '"' || buffer_append_byte(&text, '"', &err)));
    must(buffer_append_byte(&text, '"', &err));
    if (name_pattern_parse(&pattern, buffer_slice(&text), NAME_PATTERN_PARTS, "tables", &err)) {
        must(pattern.count == 1 && name_pattern_matches(&pattern, 0, name));
        must(buffer_append(&text, name, strlen(name), &err) && buffer_append(&text, "x", 2, &err));
        must(!name_pattern_matches(&pattern, 0, buffer_text(&text)));
        must(name_pattern_matches(&pattern, 1, NULL));
    } else {
        must(name[0] == '\0');
    }
    name_pattern_free(&pattern);
    buffer_free(&text);
}

static void match(const char *name, struct slice text)
{
    struct name_pattern pattern;
    struct error err;

    check_own_pattern(name);
    if (!name_pattern_parse(&pattern, text, NAME_PATTERN_PARTS - 1, "tables", &err))
        must_be_told(&err);
    for (size_t part = 0; part < NAME_PATTERN_PARTS; part++)
        must(name_pattern_matches(&pattern, part, name) ==
             name_pattern_matches_slice(&pattern, part, slice_string(name)));
    must(pattern.count < NAME_PATTERN_PARTS);
    name_pattern_free(&pattern);
}

/* ---- Recipes ---- */

static bool same(const char *a, const char *b)
{
    return (a == NULL) == (b == NULL) && (a == NULL || strcmp(a, b) == 0);
}

static void check_recipe(const char *name, const char *definition)
{
    struct database_recipe recipe, again;
    struct buffer text = {0};
    struct error err;

    if (!database_recipe_parse(&recipe, definition, &err)) {
        must_be_told(&err);
        return;
    }
    must(database_recipe_unknown(&recipe, 180000, &(const char *){NULL}) == NULL);
    must(database_recipe_append(&text, &recipe, name, 180000, false, &err));
    must(buffer_append(&text, ";", 2, &err));
    must(database_recipe_parse(&again, buffer_text(&text), &err));
    must(same(recipe.encoding, again.encoding) && same(recipe.tablespace, again.tablespace));
    must(same(recipe.locale_provider, again.locale_provider));
    must(same(recipe.icu_rules, again.icu_rules));
    database_recipe_reset(&recipe);
    database_recipe_reset(&again);
    buffer_free(&text);
}

static void rename_in(const char *name, struct slice text)
{
    struct buffer out = {0};
    struct error err;

    must(database_text_append(&out, text, name, name, &err));
    must(slice_equals(buffer_slice(&out), text));
    buffer_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = slice_make(data, size);
    uint8_t choice = feed_choice(&input);
    char *name = strndup((const char *)input.data, input.len), *definition;

    slice_take(&input, strlen(name) + (strlen(name) < input.len));
    definition = strndup((const char *)input.data, input.len);
    if (choice % 3 == 0) {
        match(name, input);
    } else if (choice % 3 == 1 && name[0] != '\0') {
        check_recipe(name, definition);
    } else if (name[0] != '\0') {
        rename_in(name, slice_string(definition));
    }
    free(definition);
    free(name);
    return 0;
}
