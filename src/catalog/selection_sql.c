/* What is wanted as SQL has it: sets of oids, and the places in queries that they come to. */
#include "catalog/selection.h"

#include "base/array.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- Sets ---- */

static int compare_oids(const void *a, const void *b)
{
    uint32_t first = *(const uint32_t *)a, second = *(const uint32_t *)b;

    return (first > second) - (first < second);
}

bool oid_set_has(const struct oid_set *set, uint32_t oid)
{
    return set->count > 0 &&
           bsearch(&oid, set->oids, set->count, sizeof(oid), compare_oids) != NULL;
}

bool oid_set_add(struct oid_set *set, uint32_t oid, struct error *err)
{
    if (set->count == set->capacity) {
        uint32_t *grown = array_grow(set->oids, &set->capacity, sizeof(*grown), err);

        if (grown == NULL)
            return false;
        set->oids = grown;
    }
    set->oids[set->count++] = oid;
    return true;
}

void oid_set_sort(struct oid_set *set)
{
    size_t kept = 0;

    if (set->count == 0)
        return;
    qsort(set->oids, set->count, sizeof(*set->oids), compare_oids);
    for (size_t i = 1; i < set->count; i++) {
        if (set->oids[i] != set->oids[kept])
            set->oids[++kept] = set->oids[i];
    }
    set->count = kept + 1;
}

void selection_reset(struct selection *selection)
{
    struct oid_set *sets[] = {
        &selection->relations,      &selection->schemas,       &selection->extensions,
        &selection->servers,        &selection->tables,        &selection->not_tables,
        &selection->no_rows,        &selection->named_schemas, &selection->not_schemas,
        &selection->not_extensions,
    };

    for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++)
        free(sets[i]->oids);
    free(selection->conditions);
    *selection = (struct selection){0};
}

/* ---- Places in queries ---- */

static bool append_in(struct buffer *out, const struct oid_set *set, struct slice column,
                      struct error *err)
{
    bool done;

    if (set->count == 0)
        return buffer_append_string(out, "false", err);
    done = buffer_append(out, column.data, column.len, err) &&
           buffer_append_string(out, " IN (SELECT pg_catalog.unnest('{", err);
    for (size_t i = 0; done && i < set->count; i++)
        done = buffer_printf(out, err, "%s%" PRIu32, i == 0 ? "" : ",", set->oids[i]);
    return done && buffer_append_string(out, "}'::pg_catalog.oid[]))", err);
}

#define NAMED "{schemas are named}"

/* "{schema n.oid}" at `at`: its column, else one of no bytes. */
static struct slice column_of(const char *at, const char *word)
{
    size_t len = strlen(word), column;

    if (strncmp(at, word, len) != 0)
        return slice_make(at, 0);
    column = strcspn(at + len, "}");
    return slice_make(at + len, at[len + column] == '}' ? column : 0);
}

/* What marks in a query stand for: whether what has that oid is wanted. */
enum mark { MARK_SCHEMA, MARK_RELATION, MARK_ROWS, MARK_SERVER, MARKS };

static const char *const marks[] = {
    [MARK_SCHEMA] = "{schema ",
    [MARK_RELATION] = "{relation ",
    [MARK_ROWS] = "{rows ",
    [MARK_SERVER] = "{server ",
};

static bool append_rows(struct buffer *out, const struct selection *selection, struct slice column,
                        struct error *err)
{
    if (selection->schema_only)
        return buffer_append_string(out, "false", err);
    if (selection->no_rows.count == 0)
        return buffer_append_string(out, "true", err);
    return buffer_append_string(out, "(NOT ", err) &&
           append_in(out, &selection->no_rows, column, err) && buffer_append_byte(out, ')', err);
}

static bool append_mark(struct buffer *out, const struct selection *selection, enum mark mark,
                        struct slice column, struct error *err)
{
    if (mark == MARK_ROWS)
        return append_rows(out, selection, column, err);
    if (mark == MARK_SERVER)
        return append_in(out, &selection->servers, column, err);
    if (mark == MARK_SCHEMA && selection->schemas_limited)
        return append_in(out, &selection->schemas, column, err);
    if (mark == MARK_RELATION && selection->relations_limited)
        return append_in(out, &selection->relations, column, err);
    return buffer_append_string(out, "true", err);
}

/* Takes what begins with a brace off the front of *text: a mark, or the brace alone. */
static bool take_brace(struct buffer *out, const struct selection *selection, const char **text,
                       struct error *err)
{
    for (int mark = 0; mark < MARKS; mark++) {
        struct slice column = column_of(*text, marks[mark]);

        if (column.len == 0)
            continue;
        *text = (const char *)column.data + column.len + 1;
        return append_mark(out, selection, (enum mark)mark, column, err);
    }
    if (strncmp(*text, NAMED, strlen(NAMED)) == 0) {
        *text += strlen(NAMED);
        return buffer_append_string(out, selection->some_schemas ? "true" : "false", err);
    }
    return buffer_append_byte(out, (uint8_t) * (*text)++, err);
}

bool selection_expand(const struct selection *selection, const char *text, struct buffer *out,
                      struct error *err)
{
    static const struct selection everything;
    const struct selection *wanted =
        selection != NULL && selection->limited ? selection : &everything;

    for (;;) {
        size_t plain = strcspn(text, "{");

        if (!buffer_append(out, text, plain, err))
            return false;
        text += plain;
        if (*text == '\0')
            return true;
        if (!take_brace(out, wanted, &text, err))
            return false;
    }
}
