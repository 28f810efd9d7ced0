/* What needs what: pg_depend, and what steps add to it. Edges are kept in one sorted list, so that
 * what an object needs is found without a list of each. */
#include "catalog/needs.h"

#include "catalog/catalog_internal.h"

#include <stdlib.h>

static bool add_edge(struct catalog *catalog, uint32_t object, uint32_t needed, struct error *err)
{
    if (catalog->edge_count == catalog->edge_capacity) {
        size_t capacity = catalog->edge_capacity == 0 ? 1024 : catalog->edge_capacity * 2;
        struct catalog_edge *edges = realloc(catalog->edges, capacity * sizeof(*edges));

        if (edges == NULL)
            return error_set_memory(err);
        catalog->edges = edges;
        catalog->edge_capacity = capacity;
    }
    catalog->edges[catalog->edge_count++] = (struct catalog_edge){object, needed};
    return true;
}

bool catalog_depend(struct catalog *catalog, const struct catalog_object *object,
                    const struct catalog_object *needs, struct error *err)
{
    return object == needs || add_edge(catalog, object->index, needs->index, err);
}

static int compare_edges(const void *a, const void *b)
{
    const struct catalog_edge *first = a, *second = b;

    if (first->object != second->object)
        return first->object < second->object ? -1 : 1;
    if (first->needed != second->needed)
        return first->needed < second->needed ? -1 : 1;
    return 0;
}

bool depends_sort(struct catalog *catalog, struct error *err)
{
    size_t kept = 0;

    (void)err;
    catalog->edges_sorted = 0;
    if (catalog->edge_count == 0)
        return true;
    qsort(catalog->edges, catalog->edge_count, sizeof(*catalog->edges), compare_edges);
    for (size_t i = 1; i < catalog->edge_count; i++) {
        if (compare_edges(&catalog->edges[kept], &catalog->edges[i]) != 0)
            catalog->edges[++kept] = catalog->edges[i];
    }
    catalog->edge_count = catalog->edges_sorted = kept + 1;
    return true;
}

size_t depends_of(const struct catalog *catalog, const struct catalog_object *object, size_t *count)
{
    size_t low = 0, high = catalog->edges_sorted, end;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (catalog->edges[middle].object < object->index)
            low = middle + 1;
        else
            high = middle;
    }
    for (end = low; end < catalog->edges_sorted && catalog->edges[end].object == object->index;)
        end++;
    *count = end - low;
    return low;
}

/* Passed ones are left as edges to itself, which are none: the others must stay sorted. */
bool catalog_pass_needs(struct catalog *catalog, const struct catalog_object *object,
                        const struct catalog_object *piece,
                        bool (*is_pieces)(const struct catalog *, const struct catalog_object *,
                                          const struct catalog_object *),
                        struct error *err)
{
    size_t count, first = depends_of(catalog, object, &count);

    for (size_t i = first; i < first + count; i++) {
        uint32_t needed = catalog->edges[i].needed;

        if (needed == object->index || !is_pieces(catalog, object, catalog->objects[needed]))
            continue;
        catalog->edges[i].needed = object->index;
        if (!add_edge(catalog, piece->index, needed, err))
            return false;
    }
    return true;
}

static bool has_edge(const struct catalog *catalog, uint32_t object, uint32_t needed)
{
    struct catalog_edge wanted = {object, needed};

    return bsearch(&wanted, catalog->edges, catalog->edges_sorted, sizeof(wanted), compare_edges) !=
           NULL;
}

bool catalog_visit_needs(const struct catalog *catalog, const struct catalog_object *object,
                         bool (*visit)(void *context, struct catalog_object *needed,
                                       struct error *err),
                         void *context, struct error *err)
{
    size_t count, first = depends_of(catalog, object, &count);

    for (size_t i = first; i < first + count; i++) {
        if (!visit(context, catalog->objects[catalog->edges[i].needed], err))
            return false;
    }
    return true;
}

enum { CLASS, OID, NEEDED_CLASS, NEEDED_OID, COLUMNS };

static const struct version_difference differences[] = {
    /* Before 15 it is the column that needs what its expression needs. */
    {"class", 0, "coalesce(e.tableoid, d.classid)"},
    {"class", 15, "d.classid"},
    {"oid", 0, "coalesce(e.oid, d.objid)"},
    {"oid", 15, "d.objid"},
    {"expression", 0,
     "LEFT JOIN (pg_catalog.pg_attrdef e\n"
     "           JOIN pg_catalog.pg_attribute a ON a.attrelid = e.adrelid AND a.attnum = e.adnum\n"
     "                                         AND a.attgenerated <> '')\n"
     "       ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.deptype = 'a'\n"
     "          AND e.adrelid = d.objid AND e.adnum = d.objsubid\n"},
    {"expression", 15, ""},
    {0},
};

static const char *const columns[] = {
    [CLASS] = "{class}",
    [OID] = "{oid}",
    [NEEDED_CLASS] = "d.refclassid",
    [NEEDED_OID] = "d.refobjid",
};

static const char from[] = "FROM pg_catalog.pg_depend d\n"
                           "{expression}WHERE d.deptype NOT IN ('p', 'e')";

static bool take_dependency(struct catalog *catalog, void *context, const struct catalog_row *row,
                            struct error *err)
{
    struct catalog_object *object = catalog_find(catalog, row_oid(row, CLASS), row_oid(row, OID));
    struct catalog_object *needed =
        catalog_find(catalog, row_oid(row, NEEDED_CLASS), row_oid(row, NEEDED_OID));

    (void)context;
    if (object == NULL)
        return true;
    return (needed == NULL || catalog_depend(catalog, object, needed, err)) &&
           needs_note(catalog, object, needed, row_oid(row, NEEDED_CLASS), row_oid(row, NEEDED_OID),
                      err);
}

static const struct catalog_query dependencies = {
    .columns = columns,
    .count = COLUMNS,
    .from = from,
    .take = take_dependency,
    .differences = differences,
};

/* A type's input function takes or gives the type, and the type needs the function: the function
 * needs no more than the type's shell. */
static bool turn_to_shells(struct catalog *catalog, struct error *err)
{
    for (size_t i = 0; i < catalog->edge_count; i++) {
        struct catalog_edge *edge = &catalog->edges[i];
        struct catalog_object *needed = catalog->objects[edge->needed];

        if (needed->shell != NULL && has_edge(catalog, needed->index, edge->object))
            catalog->edges[i].needed = needed->shell->index | UINT32_C(0x80000000);
    }
    for (size_t i = 0; i < catalog->edge_count; i++)
        catalog->edges[i].needed &= UINT32_C(0x7fffffff);
    for (size_t i = 0; i < catalog->object_count; i++) {
        const struct catalog_object *object = catalog->objects[i];

        if (object->shell != NULL && !catalog_depend(catalog, object, object->shell, err))
            return false;
    }
    return true;
}

bool depends_read(struct catalog *catalog, struct error *err)
{
    return catalog_ask(catalog, &dependencies, NULL, err) && depends_sort(catalog, err) &&
           turn_to_shells(catalog, err);
}
