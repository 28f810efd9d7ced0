/* Each pattern is parsed once; every name of the archive is held against all of its list, so that
 * all that match are noted. */
#include "restore/selection_lists.h"

#include "base/array.h"
#include "restore/name_pattern.h"
#include "restore/signature.h"

#include <stdlib.h>
#include <string.h>

struct item {
    char *text;
    struct name_pattern pattern;
    char *types; /* of a function, in one spelling; NULL: of any */
    bool matched;
};

struct list {
    struct item *items;
    size_t count, capacity;
};

struct selection_lists {
    struct list lists[RESTORE_LISTS];
    struct buffer types; /* of the name at hand */
};

static const struct {
    const char *option;
    size_t names; /* with dots between them, at most: with the database */
} kinds[] = {
    [RESTORE_SCHEMAS] = {"schemas", 2},   [RESTORE_EXCLUDE_SCHEMAS] = {"exclude-schemas", 2},
    [RESTORE_TABLES] = {"tables", 3},     [RESTORE_FUNCTIONS] = {"functions", 3},
    [RESTORE_TRIGGERS] = {"triggers", 4}, [RESTORE_INDEXES] = {"indexes", 3},
};

const char *selection_lists_option(enum restore_list list)
{
    return kinds[list].option;
}

/* ---- Parsing ---- */

/* "name(types)" is a pattern and types; the bracket is outside of quotes. */
static size_t pattern_length(const char *text)
{
    bool quoted = false;
    size_t i;

    for (i = 0; text[i] != '\0' && (quoted || text[i] != '('); i++) {
        if (text[i] == '"')
            quoted = !quoted;
    }
    while (i > 0 && (text[i - 1] == ' ' || text[i - 1] == '\t'))
        i--;
    return i;
}

static bool set_types(struct item *item, const char *from, struct error *err)
{
    struct buffer types = {0};

    from += strspn(from, " \t");
    if (signature_name_length(from) != 0) {
        error_set(err, ERROR_USAGE, ERROR_OPTION("functions") ": the brackets are not closed in %s",
                  item->text);
        return error_hint(err, "Argument types as in SQL: f(integer, text).");
    }
    if (!signature_append_types(&types, from, err)) {
        buffer_free(&types);
        return false;
    }
    item->types = (char *)types.data;
    return true;
}

static bool add_item(struct selection_lists *lists, enum restore_list number, struct slice text,
                     struct error *err)
{
    struct list *list = &lists->lists[number];
    struct item *item;
    size_t len;

    if (list->count == list->capacity) {
        struct item *grown = array_grow(list->items, &list->capacity, sizeof(*grown), err);

        if (grown == NULL)
            return false;
        list->items = grown;
    }
    item = &list->items[list->count];
    *item = (struct item){.text = strndup((const char *)text.data, text.len)};
    if (item->text == NULL)
        return error_set_memory(err);
    list->count++;
    len = number == RESTORE_FUNCTIONS ? pattern_length(item->text) : text.len;
    return name_pattern_parse(&item->pattern, slice_make(item->text, len), kinds[number].names,
                              kinds[number].option, err) &&
           (item->text[len] == '\0' || set_types(item, item->text + len, err));
}

/* A comma within brackets is between the types of a function. */
static size_t item_length(struct slice text)
{
    size_t depth = 0, i;
    bool quoted = false;

    for (i = 0; i < text.len && (quoted || depth > 0 || text.data[i] != ','); i++) {
        if (text.data[i] == '"')
            quoted = !quoted;
        else if (!quoted && text.data[i] == '(')
            depth++;
        else if (!quoted && text.data[i] == ')' && depth > 0)
            depth--;
    }
    return i;
}

static bool add_text(struct selection_lists *lists, enum restore_list number, struct slice text,
                     struct error *err)
{
    for (;;) {
        size_t len = number == RESTORE_FUNCTIONS ? item_length(text) : 0;
        bool quoted = false;

        while (number != RESTORE_FUNCTIONS && len < text.len && (quoted || text.data[len] != ',')) {
            if (text.data[len++] == '"')
                quoted = !quoted;
        }
        if (!add_item(lists, number, slice_trim(slice_take(&text, len), " \t"), err))
            return false;
        if (text.len == 0)
            return true;
        slice_take(&text, 1);
    }
}

static bool add_list(struct selection_lists *lists, enum restore_list number,
                     const struct option_list *from, struct error *err)
{
    for (size_t i = 0; i < from->count; i++) {
        if (!add_text(lists, number, slice_string(from->texts[i]), err))
            return false;
    }
    return true;
}

struct selection_lists *selection_lists_new(const struct option_list from[RESTORE_LISTS],
                                            struct error *err)
{
    struct selection_lists *lists = calloc(1, sizeof(*lists));

    if (lists == NULL) {
        error_set_memory(err);
        return NULL;
    }
    for (int list = 0; list < RESTORE_LISTS; list++) {
        if (!add_list(lists, (enum restore_list)list, &from[list], err)) {
            selection_lists_free(lists);
            return NULL;
        }
    }
    return lists;
}

void selection_lists_free(struct selection_lists *lists)
{
    if (lists == NULL)
        return;
    for (size_t i = 0; i < RESTORE_LISTS; i++) {
        struct list *list = &lists->lists[i];

        for (size_t j = 0; j < list->count; j++) {
            free(list->items[j].text);
            free(list->items[j].types);
            name_pattern_free(&list->items[j].pattern);
        }
        free(list->items);
    }
    buffer_free(&lists->types);
    free(lists);
}

bool selection_lists_has(const struct selection_lists *lists, enum restore_list list)
{
    return lists->lists[list].count > 0;
}

/* ---- Matching ---- */

/* "table trigger": where the table's name ends nobody says, so each blank may be it. The whole text
 * is how pg_restore has it. */
static bool trigger_matches(const struct name_pattern *pattern, const char *schema,
                            const char *name)
{
    if (pattern->count == 1 && name_pattern_matches(pattern, 0, name))
        return true;
    if (!name_pattern_matches(pattern, 2, schema))
        return false;
    for (const char *blank = strchr(name, ' '); blank != NULL; blank = strchr(blank + 1, ' ')) {
        if (name_pattern_matches(pattern, 0, blank + 1) &&
            name_pattern_matches_slice(pattern, 1, slice_make(name, (size_t)(blank - name))))
            return true;
    }
    return false;
}

static bool function_matches(const struct selection_lists *lists, const struct item *item,
                             const char *name)
{
    if (!name_pattern_matches_slice(&item->pattern, 0,
                                    slice_make(name, signature_name_length(name))))
        return false;
    return item->types == NULL || strcmp(item->types, buffer_text(&lists->types)) == 0;
}

static bool item_matches(const struct selection_lists *lists, enum restore_list list,
                         const struct item *item, const struct selection_name *name)
{
    const struct name_pattern *pattern = &item->pattern;

    if (!name_pattern_matches(pattern, kinds[list].names - 1, name->database))
        return false;
    switch (list) {
    case RESTORE_TRIGGERS:
        return trigger_matches(pattern, name->schema, name->name);
    case RESTORE_FUNCTIONS:
        return function_matches(lists, item, name->name) &&
               name_pattern_matches(pattern, 1, name->schema);
    case RESTORE_TABLES:
    case RESTORE_INDEXES:
        return name_pattern_matches(pattern, 0, name->name) &&
               name_pattern_matches(pattern, 1, name->schema);
    case RESTORE_SCHEMAS:
    case RESTORE_EXCLUDE_SCHEMAS:
    case RESTORE_LISTS:
        break;
    }
    return name_pattern_matches(pattern, 0, name->name);
}

static bool spell_types(struct selection_lists *lists, const char *name, struct error *err)
{
    const char *types = name + signature_name_length(name);

    buffer_clear(&lists->types);
    return *types == '\0' || signature_append_types(&lists->types, types, err);
}

bool selection_lists_match(struct selection_lists *lists, enum restore_list number,
                           const struct selection_name *name, bool *matches, struct error *err)
{
    struct list *list = &lists->lists[number];

    *matches = false;
    if (list->count == 0 || name->name == NULL)
        return true;
    if (number == RESTORE_FUNCTIONS && !spell_types(lists, name->name, err))
        return false;
    for (size_t i = 0; i < list->count; i++) {
        if (!item_matches(lists, number, &list->items[i], name))
            continue;
        list->items[i].matched = true;
        *matches = true;
    }
    return true;
}

bool selection_lists_check(const struct selection_lists *lists, struct error *err)
{
    for (size_t i = 0; i < RESTORE_LISTS; i++) {
        for (size_t j = 0; j < lists->lists[i].count; j++) {
            const struct item *item = &lists->lists[i].items[j];

            if (item->matched)
                continue;
            error_set(err, ERROR_USAGE, ERROR_OPTION("%s") ": the pattern %s matches nothing",
                      kinds[i].option, item->text);
            return error_reason(err, "pattern_matches_nothing");
        }
    }
    return true;
}
