/* ALTER … DEPENDS ON EXTENSION: what goes when an extension is dropped, though it is none of its
 * members (deptype 'x'). */
#include "catalog/catalog_internal.h"
#include "catalog/relation.h"

/* How ALTER names the object. The index behind a constraint has no object of its own. */
static bool append_target(struct catalog *catalog, const struct catalog_object *object,
                          uint32_t class_oid, uint32_t oid, struct buffer *sql, struct error *err)
{
    const struct table_index *index =
        class_oid == CLASS_RELATION && object->class_oid == CLASS_CONSTRAINT
            ? table_index_find(catalog, oid)
            : NULL;

    if (index != NULL)
        return buffer_append_string(sql, "INDEX ", err) &&
               name_append_qualified(sql, object->schema, index->name, err);
    return buffer_printf(sql, err, "%s %s", catalog_word(object), object->identity);
}

static bool take_dependent(struct catalog *catalog, void *context, const struct catalog_row *row,
                           struct error *err)
{
    enum { CLASS, OID, EXTENSION };
    uint32_t class_oid = row_oid(row, CLASS), oid = row_oid(row, OID);
    struct catalog_object *object = catalog_find(catalog, class_oid, oid);
    struct buffer sql = {0};
    const char *before;
    bool done;

    (void)context;
    if (object == NULL || object->class_oid == CLASS_EXTENSION)
        return true;
    done = catalog_get_text(catalog, object->tail, &before, err) &&
           (before == NULL || buffer_append_string(&sql, before, err)) &&
           buffer_append_string(&sql, "ALTER ", err) &&
           append_target(catalog, object, class_oid, oid, &sql, err) &&
           buffer_append_string(&sql, " DEPENDS ON EXTENSION ", err) &&
           name_append(&sql, row_text(row, EXTENSION), err) &&
           buffer_append_string(&sql, ";\n", err) &&
           catalog_put_text(catalog, buffer_text(&sql), &object->tail, err);
    buffer_free(&sql);
    return done;
}

static bool read_dependents(struct catalog *catalog, struct error *err)
{
    static const char query[] =
        "SELECT d.classid, d.objid, e.extname "
        "  FROM pg_catalog.pg_depend d "
        "  JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid "
        " WHERE d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass "
        "   AND d.deptype = 'x' "
        " ORDER BY d.classid, d.objid, e.extname";

    return catalog_query(catalog, query, 3, take_dependent, NULL, err);
}

const struct catalog_step catalog_step_extension_dependents = {
    .what = "what depends on extensions",
    .order = READ_COMMENTS,
    .read = read_dependents,
};
