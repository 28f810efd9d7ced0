/*
 * Rows that go into tables which are there already, with their foreign keys: what a row refers to
 * has to be in the table before it, and to be committed where another session puts it in. An
 * archive of data alone says so in its dependencies. That of a whole database does not, because
 * there the keys come behind the rows: so the server is asked, once, which tables refer to which.
 */
#include "restore/archive_restore_internal.h"

#include "base/array.h"
#include "wire/wire.h"

#include <stdlib.h>
#include <string.h>

/* The names of a table whose rows are wanted: where they are in a buffer, behind each other. */
struct table {
    size_t name; /* "schema", NUL, "table", NUL */
    uint32_t number;
};

struct tables {
    struct buffer names;
    struct table *items;
    size_t count, capacity;
};

/* ---- Whether it is about such rows ---- */

static bool goes_into_another_s(const struct archive_job *job, uint32_t number)
{
    struct contents_node node = archive_contents_node(job->contents, number);
    uint32_t table;

    return node.kind == ENTRY_TABLE_DATA &&
           (restore_selection_parts(job->selection, number) & SELECTED_DATA) != 0 &&
           (!archive_job_find_table(job, &node, &table) ||
            (restore_selection_parts(job->selection, table) & SELECTED_DEFINITION) == 0);
}

static bool is_about_others(const struct archive_job *job)
{
    for (uint32_t i = 0; i < archive_contents_count(job->contents); i++) {
        if (goes_into_another_s(job, i))
            return true;
    }
    return false;
}

/* ---- Their names ---- */

static bool add_name(struct tables *tables, const char *schema, const char *table,
                     struct error *err)
{
    return buffer_append(&tables->names, schema, strlen(schema) + 1, err) &&
           buffer_append(&tables->names, table, strlen(table) + 1, err);
}

static bool add_table(struct tables *tables, const struct archive_job *job, uint32_t number,
                      struct error *err)
{
    struct archive_entry entry;

    if (tables->count == tables->capacity) {
        struct table *grown =
            array_grow(tables->items, &tables->capacity, sizeof(*tables->items), err);

        if (grown == NULL)
            return false;
        tables->items = grown;
    }
    if (!archive_contents_entry(job->contents, number, &entry, err))
        return false;
    tables->items[tables->count++] = (struct table){tables->names.len, number};
    return add_name(tables, entry.schema == NULL ? "" : entry.schema, entry.tag, err);
}

static int compare_names(const char *a, const char *b)
{
    int schemas = strcmp(a, b);

    return schemas != 0 ? schemas : strcmp(a + strlen(a) + 1, b + strlen(b) + 1);
}

static int compare_tables(const void *a, const void *b, void *context)
{
    const char *names = context;

    return compare_names(names + ((const struct table *)a)->name,
                         names + ((const struct table *)b)->name);
}

static bool gather(struct tables *tables, const struct archive_job *job, struct error *err)
{
    for (uint32_t i = 0; i < archive_contents_count(job->contents); i++) {
        struct contents_node node = archive_contents_node(job->contents, i);

        if (node.kind == ENTRY_TABLE_DATA &&
            (restore_selection_parts(job->selection, i) & SELECTED_DATA) != 0 &&
            !add_table(tables, job, i, err))
            return false;
    }
    if (tables->count > 0)
        qsort_r(tables->items, tables->count, sizeof(*tables->items), compare_tables,
                tables->names.data);
    return true;
}

/* The name is that of the server's answer; it is put behind the others for the comparison. */
static bool find(struct tables *tables, const char *schema, const char *table,
                 const struct table **found, struct error *err)
{
    struct table key = {tables->names.len, 0};

    if (!add_name(tables, schema, table, err))
        return false;
    *found = NULL;
    for (size_t low = 0, high = tables->count; low < high && *found == NULL;) {
        size_t middle = low + (high - low) / 2;
        int order = compare_tables(&key, &tables->items[middle], tables->names.data);

        if (order == 0)
            *found = &tables->items[middle];
        else if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    buffer_truncate(&tables->names, key.name);
    return true;
}

/* ---- Who comes before whom ---- */

static const char question[] = "SELECT DISTINCT n.nspname, c.relname, pn.nspname, p.relname"
                               " FROM pg_catalog.pg_constraint k"
                               " JOIN pg_catalog.pg_class c ON c.oid = k.conrelid"
                               " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
                               " JOIN pg_catalog.pg_class p ON p.oid = k.confrelid"
                               " JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace"
                               " WHERE k.contype = 'f' AND k.conrelid <> k.confrelid";

static bool add_order(struct archive_job *job, uint32_t before, uint32_t behind, struct error *err)
{
    struct entry_orders *orders = &job->orders;

    if (orders->count == orders->capacity) {
        struct entry_order *grown =
            array_grow(orders->items, &orders->capacity, sizeof(*orders->items), err);

        if (grown == NULL)
            return false;
        orders->items = grown;
    }
    orders->items[orders->count++] = (struct entry_order){before, behind};
    return true;
}

static bool take_row(struct archive_job *job, struct tables *tables, const struct wire_result *rows,
                     size_t row, struct error *err)
{
    const struct table *child, *parent;
    const char *names[4];

    for (size_t i = 0; i < 4; i++) {
        names[i] = wire_result_value(rows, row, i);
        if (names[i] == NULL)
            return true;
    }
    return find(tables, names[0], names[1], &child, err) &&
           find(tables, names[2], names[3], &parent, err) &&
           (child == NULL || parent == NULL || add_order(job, parent->number, child->number, err));
}

static bool ask(struct archive_job *job, struct tables *tables, struct error *err)
{
    struct wire_result *rows = NULL;
    bool done = wire_query(target_session_conn(job->main.session), question, &rows, err);

    for (size_t i = 0; done && i < wire_result_rows(rows); i++)
        done = take_row(job, tables, rows, i, err);
    wire_result_free(rows);
    return done;
}

bool archive_job_order_rows(struct archive_job *job, struct error *err)
{
    struct tables tables = {0};
    bool done = true;

    if (is_about_others(job))
        done = gather(&tables, job, err) && ask(job, &tables, err);
    buffer_free(&tables.names);
    free(tables.items);
    return done;
}
