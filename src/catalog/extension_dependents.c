/* ALTER … DEPENDS ON EXTENSION: what goes when an extension is dropped, though it is none of its
 * members (deptype 'x'). */
#include "catalog/catalog_internal.h"
#include "catalog/relation.h"

enum { CLASS, OID, EXTENSION, COLUMNS };

static const char *const columns[] = {
    [CLASS] = "d.classid",
    [OID] = "d.objid",
    [EXTENSION] = "e.extname",
};

static const char from[] =
    "FROM pg_catalog.pg_depend d\n"
    "JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid\n"
    "WHERE d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND d.deptype = 'x'\n"
    "ORDER BY d.classid, d.objid, e.extname";

/* How ALTER names the object. The index behind a constraint has no object of its own. */
static void add_target(struct catalog *catalog, const struct catalog_object *object,
                       uint32_t class_oid, uint32_t oid, struct sql *sql)
{
    const struct table_index *index =
        class_oid == CLASS_RELATION && object->class_oid == CLASS_CONSTRAINT
            ? table_index_find(catalog, oid)
            : NULL;

    if (index != NULL) {
        sql_add(sql, "INDEX ");
        sql_qualified(sql, object->schema, index->name);
    } else {
        sql_printf(sql, "%s %s", catalog_word(object), object->identity);
    }
}

static bool take_dependent(struct catalog *catalog, void *context, const struct catalog_row *row,
                           struct error *err)
{
    uint32_t class_oid = row_oid(row, CLASS), oid = row_oid(row, OID);
    struct catalog_object *object = catalog_find(catalog, class_oid, oid);
    struct sql sql = {.err = err};

    (void)context;
    if (object == NULL || object->class_oid == CLASS_EXTENSION)
        return true;
    sql_stored(&sql, catalog, object->tail);
    sql_add(&sql, "ALTER ");
    add_target(catalog, object, class_oid, oid, &sql);
    sql_add(&sql, " DEPENDS ON EXTENSION ");
    sql_name(&sql, row_text(row, EXTENSION));
    sql_add(&sql, ";\n");
    return sql_put(&sql, catalog, &object->tail);
}

static const struct catalog_query dependents = {
    .columns = columns, .count = COLUMNS, .from = from, .take = take_dependent};

const struct catalog_step catalog_step_extension_dependents = {
    .what = "what depends on extensions",
    .order = READ_COMMENTS,
    .query = &dependents,
};
