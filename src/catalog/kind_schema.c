/* Schemas. */
#include "catalog/kind.h"

static const struct catalog_kind kind_schema = {
    .desc = "SCHEMA",
    .section = SECTION_PRE_DATA,
    .priority = PRIORITY_SCHEMA,
};

/* Every database has a schema "public" from the start. Only if its owner is not the usual one is
 * there an entry that says so, to have pg_restore change the owner. */
static bool write_public(struct catalog *catalog, struct catalog_object *object, const char *owner,
                         struct error *err)
{
    if (strcmp(owner, "pg_database_owner") == 0) {
        object->hidden = true;
        return true;
    }
    return catalog_put_text(catalog, "-- public is there already: initdb creates it\n",
                            &object->definition, err) &&
           catalog_put_text(catalog, "-- public stays\n", &object->drop, err);
}

static bool take_schema(struct catalog *catalog, void *context, const struct catalog_row *row,
                        struct error *err)
{
    enum { OID, NAME, OWNER };
    struct catalog_object *object =
        catalog_add(catalog, &kind_schema, CLASS_SCHEMA, row_oid(row, OID), NULL,
                    row_text(row, NAME), row_text(row, OWNER), err);
    struct buffer sql = {0};
    bool done;

    (void)context;
    if (object == NULL)
        return false;
    if (strcmp(object->name, "public") == 0)
        return write_public(catalog, object, row_text(row, OWNER), err);
    done = buffer_printf(&sql, err, "CREATE SCHEMA %s;\n", object->identity) &&
           catalog_put_text(catalog, buffer_text(&sql), &object->definition, err);
    buffer_free(&sql);
    return done;
}

static bool read_schemas(struct catalog *catalog, struct error *err)
{
    static const char query[] =
        "SELECT n.oid, n.nspname, pg_catalog.pg_get_userbyid(n.nspowner) "
        "FROM pg_catalog.pg_namespace n "
        "WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' "
        "  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d "
        "                  WHERE d.classid = 'pg_catalog.pg_namespace'::pg_catalog.regclass "
        "                    AND d.objid = n.oid AND d.deptype = 'e') "
        "ORDER BY n.nspname";

    return catalog_query(catalog, query, 3, take_schema, NULL, err);
}

const struct catalog_reader catalog_reader_schema = {
    .what = "schemas",
    .order = READ_SCHEMAS,
    .read = read_schemas,
};
