/* The server and the archive of a test of a kind: answers that were put there, and entries as one
 * text. */
#include "kind_test.h"

#include "catalog/catalog_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_MAX 32

struct answer {
    char *sql;
    const char *const *values;
    bool asked;
};

struct kind_test {
    struct catalog catalog; /* first: the server is asked for by it */
    struct answer answers[ROWS_MAX];
    size_t answer_count;
    const struct catalog_step *steps[4];
    size_t step_count;
    const struct catalog_object *hidden[ROWS_MAX];
    size_t hidden_count;
};

/* ---- The server ---- */

static bool answer_ask(struct catalog *catalog, const char *sql, size_t columns,
                       bool (*take)(struct catalog *, void *, const struct catalog_row *,
                                    struct error *),
                       void *context, struct error *err)
{
    struct kind_test *test = (struct kind_test *)catalog;

    for (size_t i = 0; i < test->answer_count; i++) {
        struct answer *answer = &test->answers[i];
        size_t missing = 0;
        struct catalog_row row = {columns, answer->values, &missing};

        if (strcmp(answer->sql, sql) != 0)
            continue;
        answer->asked = true;
        if (!take(catalog, context, &row, err))
            return false;
        if (missing != 0)
            return error_set(err, ERROR_SERVER, "column %zu has no value", missing - 1);
    }
    return true;
}

static bool answer_run(struct catalog *catalog, const char *sql, struct error *err)
{
    (void)catalog;
    (void)sql;
    (void)err;
    return true;
}

/* ---- Before ---- */

struct kind_test *kind_test_new(int major)
{
    static const struct catalog_server server = {.ask = answer_ask, .run = answer_run};
    struct kind_test *test = calloc(1, sizeof(*test));
    struct error err;

    assert_non_null(test);
    test->catalog.server = &server;
    test->catalog.major = major;
    test->catalog.texts = text_store_new(&err);
    test->catalog.encoding = strdup("UTF8");
    assert_non_null(test->catalog.texts);
    return test;
}

struct catalog *kind_test_catalog(struct kind_test *test)
{
    return &test->catalog;
}

void kind_test_text_row(struct kind_test *test, const char *sql, const char *const *values)
{
    assert_true(test->answer_count < ROWS_MAX);
    test->answers[test->answer_count++] = (struct answer){.sql = strdup(sql), .values = values};
}

void kind_test_row(struct kind_test *test, const struct catalog_query *query,
                   const char *const *values)
{
    struct error err;
    struct sql sql = {.err = &err};

    for (size_t i = 0; i < query->count; i++)
        assert_non_null(query->columns[i]); /* every name has its column */
    assert_true(catalog_query_text(query, test->catalog.major, &sql));
    kind_test_text_row(test, sql_text(&sql), values);
    sql_end(&sql);
}

struct catalog_object *kind_test_object(struct kind_test *test, const struct catalog_kind *kind,
                                        uint32_t class_oid, uint32_t oid, const char *schema,
                                        const char *name)
{
    struct error err;
    struct catalog_object *object =
        catalog_add(&test->catalog, kind, class_oid, oid, schema, name, "o", &err);

    assert_non_null(object);
    assert_true(test->hidden_count < ROWS_MAX);
    test->hidden[test->hidden_count++] = object;
    return object;
}

void kind_test_member(struct kind_test *test, uint32_t class_oid, uint32_t oid)
{
    static const struct catalog_kind kind_extension = {.desc = "EXTENSION"};
    struct error err;

    assert_true(catalog_alias(
        &test->catalog, class_oid, oid,
        kind_test_object(test, &kind_extension, CLASS_EXTENSION, 9, NULL, "e"), &err));
}

struct relation *kind_test_relation(struct kind_test *test, uint32_t oid, char relkind,
                                    const char *schema, const char *name)
{
    const struct catalog_kind *kind = relkind == 'v'   ? &kind_view
                                      : relkind == 'm' ? &kind_materialized_view
                                      : relkind == 'S' ? &kind_sequence
                                      : relkind == 'f' ? &kind_foreign_table
                                                       : &kind_table;
    struct error err;
    struct catalog_object *object = kind_test_object(test, kind, CLASS_RELATION, oid, schema, name);
    struct relation *relation = arena_take(catalog_arena(&test->catalog), sizeof(*relation), &err);

    assert_non_null(relation);
    relation->object = object;
    relation->relkind = relkind;
    relation->persistence = 'p';
    object->detail = relation;
    return relation;
}

void kind_test_show(struct kind_test *test, const struct catalog_object *object)
{
    for (size_t i = 0; i < test->hidden_count; i++) {
        if (test->hidden[i] == object)
            test->hidden[i] = NULL;
    }
}

void kind_test_step(struct kind_test *test, const struct catalog_step *step)
{
    struct error err;

    if (!step_read(&test->catalog, step, &err))
        fail_msg("%s: %s", step->what, err.message);
    assert_true(test->step_count < 4);
    test->steps[test->step_count++] = step;
}

/* ---- After ---- */

void kind_test_free(struct kind_test *test)
{
    for (size_t i = 0; i < test->answer_count; i++)
        free(test->answers[i].sql);
    catalog_free(&test->catalog); /* it lies at the beginning: all of it goes */
}

void kind_test_fails(struct kind_test *test, const struct catalog_step *step, const char *message)
{
    struct error err;

    assert_false(step_read(&test->catalog, step, &err));
    assert_string_equal(err.message, message);
    kind_test_free(test);
}

/* Of an entry of a run. */
static const char *tag_in_runs(struct catalog *catalog, int32_t dump_id)
{
    for (uint32_t i = 0; i < catalog_entry_count(catalog); i++) {
        struct archive_entry entry;
        struct error err;
        uint32_t number = i;

        if (runs_find(catalog, &number) == NULL)
            continue;
        assert_true(catalog_entry(catalog, i, &entry, &err));
        if (entry.dump_id == dump_id)
            return entry.tag;
    }
    return "?";
}

static const char *tag_of(struct catalog *catalog, int32_t dump_id)
{
    for (size_t i = 0; i < catalog->object_count; i++) {
        const struct catalog_object *object = catalog->objects[i];

        if (object->dump_id == dump_id)
            return object->tag != NULL ? object->tag : object->name;
        for (const struct catalog_extra *extra = object->extras; extra != NULL; extra = extra->next)
            if (extra->dump_id == dump_id)
                return extra->tag;
    }
    return tag_in_runs(catalog, dump_id);
}

static void add_head(struct sql *text, const struct archive_entry *entry)
{
    static const char *const sections[] = {[SECTION_NONE] = "none",
                                           [SECTION_PRE_DATA] = "pre-data",
                                           [SECTION_DATA] = "data",
                                           [SECTION_POST_DATA] = "post-data"};

    sql_printf(text, "== %s %s %s %s %s", entry->desc, entry->schema == NULL ? "-" : entry->schema,
               entry->tag, entry->owner == NULL ? "-" : entry->owner, sections[entry->section]);
    if (entry->tablespace != NULL && entry->tablespace[0] != '\0')
        sql_printf(text, ", tablespace %s", entry->tablespace);
    if (entry->access_method != NULL)
        sql_printf(text, ", access method %s", entry->access_method);
    sql_add(text, "\n");
}

static void add_needs(struct catalog *catalog, const struct archive_entry *entry, struct sql *text)
{
    int32_t needs[ROWS_MAX];
    size_t count = entry->dependency_count; /* what the entry lends ends with the next one */

    assert_true(count <= ROWS_MAX);
    for (size_t i = 0; i < count; i++)
        needs[i] = entry->dependencies[i];
    for (size_t i = 0; i < count; i++)
        sql_printf(text, "%s%s%s", i == 0 ? "-- needs " : ", ", tag_of(catalog, needs[i]),
                   i + 1 == count ? "\n" : "");
}

static void add_large_objects(const struct catalog *catalog, uint32_t first, uint32_t count,
                              struct sql *text)
{
    sql_add(text, "-- bytes of");
    for (uint32_t i = first; i < first + count; i++)
        sql_printf(text, " %u", catalog_large_object_oid(catalog, i));
    sql_add(text, "\n");
}

static void add_entry(struct catalog *catalog, uint32_t number, struct sql *text)
{
    struct archive_entry entry;
    const char *query;
    struct error err;
    uint32_t first, count;

    assert_true(catalog_entry(catalog, number, &entry, &err));
    add_head(text, &entry);
    sql_clause(text, "", entry.definition, "");
    if (entry.drop != NULL)
        sql_printf(text, "-- %s%s", entry.drop, entry.drop[0] == '\0' ? "\n" : "");
    sql_clause(text, "", entry.copy, "");
    if (catalog_entry_large_objects(catalog, number, &first, &count)) {
        add_large_objects(catalog, first, count, text);
    } else if (entry.has_data) {
        assert_true(catalog_data_query(catalog, number, &query, &err));
        sql_clause(text, "", query, "\n");
    }
    add_needs(catalog, &entry, text);
}

static bool is_shown(const struct kind_test *test, uint32_t number)
{
    const struct catalog_slot *slot;

    if (runs_find(&test->catalog, &number) != NULL)
        return true;
    slot = &test->catalog.slots[number];
    for (size_t i = 0; i < test->hidden_count && slot->extra == NULL; i++) {
        if (test->hidden[i] == slot->object)
            return false;
    }
    return true;
}

void kind_test_expect(struct kind_test *test, const char *entries)
{
    struct catalog *catalog = &test->catalog;
    struct error err;
    struct sql text = {.err = &err};

    assert_true(depends_sort(catalog, &err));
    for (size_t i = 0; i < test->step_count; i++) {
        if (test->steps[i]->link != NULL)
            assert_true(test->steps[i]->link(catalog, &err) && depends_sort(catalog, &err));
    }
    assert_true(order_objects(catalog, &err));
    for (uint32_t i = 0; i < catalog_entry_count(catalog); i++) {
        if (is_shown(test, i))
            add_entry(catalog, i, &text);
    }
    for (size_t i = 0; i < test->answer_count; i++) {
        if (!test->answers[i].asked)
            fail_msg("nobody asked: %s", test->answers[i].sql);
    }
    assert_string_equal(sql_text(&text), entries);
    sql_end(&text);
    kind_test_free(test);
}

void kind_test_cases(int major, const struct catalog_step *step, const struct catalog_query *query,
                     void (*prepare)(struct kind_test *test), const struct kind_case *cases,
                     size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct kind_test *test = kind_test_new(major);

        print_message("    %s\n", cases[i].is);
        if (prepare != NULL)
            prepare(test);
        kind_test_row(test, query, cases[i].row);
        kind_test_step(test, step);
        kind_test_expect(test, cases[i].entries);
    }
}

void kind_test_asks(const struct catalog_query *query, int first, int last, const char *text)
{
    for (int major = 13; major <= 18; major++) {
        struct error err;
        struct sql sql = {.err = &err};

        assert_true(catalog_query_text(query, major, &sql));
        if ((strstr(sql_text(&sql), text) != NULL) != (major >= first && major <= last))
            fail_msg("%d is asked otherwise for %s", major, text);
        assert_true(sql_end(&sql));
    }
}
