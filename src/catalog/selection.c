/*
 * Patterns become sets of oids, and these become what is wanted: by pg_dump's rules, of which this
 * file is the one place.
 *
 * - Tables that a list names are wanted and nothing else is, whatever schemas are named.
 * - Else what lies in a schema is wanted if that is, and none of the tables that are left out.
 * - What lies in no schema is wanted unless a list says what to take; extensions have one of their
 *   own, which has the last word about the rows of their configuration, too.
 * - The sequence of a column is wanted with its table, even if it is left out; that of an identity
 *   column goes nowhere without.
 */
#include "catalog/selection.h"

#include "catalog/catalog_internal.h"
#include "catalog/columns.h"
#include "catalog/filter.h"
#include "catalog/typed_text.h"

#include <stdlib.h>

/* ---- Where names are found ---- */

static bool take_path(struct catalog *catalog, void *context, const struct catalog_row *row,
                      struct error *err)
{
    const char **path = context;

    *path = arena_copy(&catalog->arena, row_text(row, 0), err);
    if (catalog->database == NULL)
        catalog->database = strdup(row_text(row, 1));
    return *path != NULL && (catalog->database != NULL || error_set_memory(err));
}

/* The search path is the role's and the database's for as long as it takes to ask for it: under it
 * even an operator could be anybody's. */
static bool ask_path(struct catalog *catalog, const char **path, struct error *err)
{
    return catalog_run(catalog, "RESET search_path", err) &&
           catalog_ask_text(catalog,
                            "SELECT pg_catalog.current_schemas(true),\n"
                            "       pg_catalog.current_database()",
                            2, take_path, path, err) &&
           catalog_run(catalog, "SELECT pg_catalog.set_config('search_path', '', false)", err);
}

/* ---- Schemas ---- */

enum { SCHEMA_OID, SCHEMA_COLUMNS };

static const char *const schema_columns[] = {[SCHEMA_OID] = "n.oid"};

static bool take_schema(struct catalog *catalog, void *context, const struct catalog_row *row,
                        struct error *err)
{
    struct selection *selection = &catalog->selection;
    uint32_t oid = row_oid(row, SCHEMA_OID);

    (void)context;
    if (selection->some_tables ||
        (selection->some_schemas && !oid_set_has(&selection->named_schemas, oid)) ||
        oid_set_has(&selection->not_schemas, oid))
        return true;
    return oid_set_add(&selection->schemas, oid, err);
}

static const struct catalog_query schemas_query = {
    .columns = schema_columns,
    .count = SCHEMA_COLUMNS,
    .from = "FROM pg_catalog.pg_namespace n\n"
            "WHERE " IN_ANY_USERS_SCHEMA "\n"
            "ORDER BY n.oid",
    .take = take_schema,
};

/* ---- Tables ---- */

enum { OID, SCHEMA, OWNER, OWNER_SCHEMA, OWNED_AS, COLUMNS };

static const char *const columns[] = {
    [OID] = "c.oid",
    [SCHEMA] = "c.relnamespace",
    [OWNER] = "o.oid", /* of a sequence: the table of its column */
    [OWNER_SCHEMA] = "o.relnamespace",
    [OWNED_AS] = "d.deptype",
};

static const char from[] =
    "FROM pg_catalog.pg_class c\n"
    "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace\n"
    "LEFT JOIN pg_catalog.pg_depend d\n"
    "  ON c.relkind = 'S' AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass\n"
    " AND d.objid = c.oid AND d.objsubid = 0 AND d.deptype IN ('a', 'i')\n"
    " AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjsubid > 0\n"
    "LEFT JOIN pg_catalog.pg_class o ON o.oid = d.refobjid\n"
    "WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND " IN_ANY_USERS_SCHEMA "\n"
    "ORDER BY c.oid";

static bool is_wanted(const struct selection *selection, uint32_t oid, uint32_t schema)
{
    if (oid_set_has(&selection->not_tables, oid))
        return false;
    return selection->some_tables ? oid_set_has(&selection->tables, oid)
                                  : oid_set_has(&selection->schemas, schema);
}

static bool take_relation(struct catalog *catalog, void *context, const struct catalog_row *row,
                          struct error *err)
{
    struct selection *selection = &catalog->selection;
    uint32_t oid = row_oid(row, OID), owner = row_oid(row, OWNER);
    bool wanted = is_wanted(selection, oid, row_oid(row, SCHEMA));
    bool owner_wanted = owner != 0 && is_wanted(selection, owner, row_oid(row, OWNER_SCHEMA));

    (void)context;
    if (row_char(row, OWNED_AS) == 'i')
        wanted = owner_wanted;
    return (!wanted && !owner_wanted) || oid_set_add(&selection->relations, oid, err);
}

static const struct catalog_query relations_query = {
    .columns = columns, .count = COLUMNS, .from = from, .take = take_relation};

/* ---- All of it ---- */

static int compare_conditions(const void *a, const void *b)
{
    const struct row_condition *first = a, *second = b;

    if (first->table != second->table)
        return first->table < second->table ? -1 : 1;
    return (first->number > second->number) - (first->number < second->number);
}

static void sort(struct selection *selection)
{
    oid_set_sort(&selection->named_schemas);
    oid_set_sort(&selection->not_schemas);
    oid_set_sort(&selection->tables);
    oid_set_sort(&selection->not_tables);
    oid_set_sort(&selection->no_rows);
    oid_set_sort(&selection->extensions);
    oid_set_sort(&selection->not_extensions);
    oid_set_sort(&selection->servers);
    if (selection->condition_count > 0)
        qsort(selection->conditions, selection->condition_count, sizeof(*selection->conditions),
              compare_conditions);
}

static bool settle(struct catalog *catalog, struct error *err)
{
    const struct catalog_filter *filter = catalog->options.filter;
    struct selection *selection = &catalog->selection;
    const char *path = NULL;

    selection->schema_only = catalog->options.schema_only;
    selection->limited = selection->schema_only || !catalog_filter_is_empty(filter);
    if (catalog_filter_is_empty(filter))
        return true;
    selection->some_tables = catalog_filter_count(filter, FILTER_TABLES) > 0 ||
                             catalog_filter_count(filter, FILTER_TABLES_AND_CHILDREN) > 0;
    selection->some_schemas = catalog_filter_count(filter, FILTER_SCHEMAS) > 0;
    selection->some_extensions = catalog_filter_count(filter, FILTER_EXTENSIONS) > 0;
    selection->some =
        selection->some_tables || selection->some_schemas || selection->some_extensions;
    if (!ask_path(catalog, &path, err) || !selection_search(catalog, path, err) ||
        !typed_text_conditions(catalog, err))
        return false;
    sort(selection);
    selection->schemas_limited =
        selection->some_tables || selection->some_schemas || selection->not_schemas.count > 0;
    selection->relations_limited = selection->schemas_limited || selection->not_tables.count > 0;
    return !selection->relations_limited || (catalog_ask(catalog, &schemas_query, NULL, err) &&
                                             catalog_ask(catalog, &relations_query, NULL, err));
}

/* What fails leaves the transaction where it was. */
bool selection_read(struct catalog *catalog, struct error *err)
{
    return catalog_filter_is_empty(catalog->options.filter)
               ? settle(catalog, err)
               : catalog_run(catalog, "SAVEPOINT selection", err) && settle(catalog, err) &&
                     catalog_run(catalog, "RELEASE SAVEPOINT selection", err);
}

/* ---- What is wanted ---- */

bool catalog_wants_all(const struct catalog *catalog)
{
    return !catalog->selection.some;
}

bool catalog_names_schemas(const struct catalog *catalog)
{
    return catalog->selection.some_schemas;
}

/* Languages lie in no schema, everything else that initdb makes in pg_catalog. */
bool catalog_wants_system(const struct catalog *catalog, uint32_t class_oid)
{
    const struct selection *selection = &catalog->selection;

    return class_oid == CLASS_LANGUAGE ? !selection->some
                                       : !selection->some_tables && !selection->some_schemas;
}

/* Lists of extensions leave it out. */
static bool is_unlisted(const struct selection *selection, uint32_t extension)
{
    return oid_set_has(&selection->not_extensions, extension) ||
           (selection->some_extensions && !oid_set_has(&selection->extensions, extension));
}

bool catalog_wants_extension(const struct catalog *catalog, uint32_t oid)
{
    const struct selection *selection = &catalog->selection;

    return !is_unlisted(selection, oid) && (selection->some_extensions || !selection->some);
}

bool catalog_wants_schema(const struct catalog *catalog, uint32_t oid)
{
    return !catalog->selection.schemas_limited || oid_set_has(&catalog->selection.schemas, oid);
}

bool catalog_wants_relation(const struct catalog *catalog, uint32_t oid)
{
    return !catalog->selection.relations_limited || oid_set_has(&catalog->selection.relations, oid);
}

bool catalog_wants_rows(const struct catalog *catalog, uint32_t relation, bool unlogged)
{
    return !catalog->options.schema_only &&
           !(unlogged && catalog->options.no_unlogged_table_data) &&
           !oid_set_has(&catalog->selection.no_rows, relation);
}

bool catalog_wants_large_objects(const struct catalog *catalog)
{
    const struct catalog_options *options = &catalog->options;

    return !options->schema_only && !options->no_large_objects &&
           (options->large_objects || !catalog->selection.some);
}

bool catalog_wants_configuration(const struct catalog *catalog, uint32_t relation, uint32_t schema,
                                 uint32_t extension)
{
    const struct selection *selection = &catalog->selection;
    bool named = oid_set_has(&selection->tables, relation) ||
                 (!selection->some_tables && oid_set_has(&selection->named_schemas, schema));

    return (named || catalog_wants_extension(catalog, extension)) &&
           !is_unlisted(selection, extension) && !oid_set_has(&selection->not_tables, relation) &&
           !oid_set_has(&selection->not_schemas, schema) &&
           catalog_wants_rows(catalog, relation, false);
}

bool catalog_wants_foreign_rows(const struct catalog *catalog, uint32_t server)
{
    return oid_set_has(&catalog->selection.servers, server);
}

static const struct row_condition *find_conditions(const struct selection *selection,
                                                   uint32_t table)
{
    size_t low = 0, high = selection->condition_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (selection->conditions[middle].table < table)
            low = middle + 1;
        else
            high = middle;
    }
    return low < selection->condition_count && selection->conditions[low].table == table
               ? &selection->conditions[low]
               : NULL;
}

bool catalog_has_row_condition(const struct catalog *catalog, uint32_t table)
{
    return find_conditions(&catalog->selection, table) != NULL;
}

/* A comment in a condition ends before the bracket. */
void catalog_add_row_condition(const struct catalog *catalog, uint32_t table, struct sql *sql)
{
    const struct selection *selection = &catalog->selection;
    const struct row_condition *condition = find_conditions(selection, table);
    const struct row_condition *end = selection->conditions + selection->condition_count;
    const char *before = " WHERE (";

    for (; condition != NULL && condition < end && condition->table == table; condition++) {
        sql_add(sql, before);
        sql_add(sql, selection->texts[condition->number]);
        sql_add(sql, "\n)");
        before = " AND (";
    }
}
