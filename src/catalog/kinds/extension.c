/* Extensions. What belongs to one is made by it: every member stands for the extension wherever
 * something depends on it, and no reader adds an object that is there already. */
#include "catalog/kind.h"

static const struct catalog_kind kind_extension = {
    .desc = "EXTENSION",
    .section = SECTION_PRE_DATA,
    .priority = PRIORITY_EXTENSION,
    .no_owner = true,
};

/* initdb makes plpgsql; in single-user mode users make theirs with such oids as well. */
static bool is_everywhere(const struct catalog_object *extension)
{
    return extension->oid < 16384 && strcmp(extension->name, "plpgsql") == 0;
}

static bool take_extension(struct catalog *catalog, void *context, const struct catalog_row *row,
                           struct error *err)
{
    enum { OID, NAME, SCHEMA };
    struct catalog_object *object =
        catalog_add(catalog, &kind_extension, CLASS_EXTENSION, row_oid(row, OID), NULL,
                    row_text(row, NAME), NULL, err);
    struct buffer sql = {0};
    bool done;

    (void)context;
    if (object == NULL)
        return false;
    object->hidden = is_everywhere(object);
    done = buffer_printf(&sql, err, "CREATE EXTENSION IF NOT EXISTS %s WITH SCHEMA ",
                         object->identity) &&
           name_append(&sql, row_text(row, SCHEMA), err) &&
           buffer_append_string(&sql, ";\n", err) &&
           catalog_put_text(catalog, buffer_text(&sql), &object->definition, err);
    buffer_free(&sql);
    return done;
}

static bool take_member(struct catalog *catalog, void *context, const struct catalog_row *row,
                        struct error *err)
{
    struct catalog_object *extension = catalog_find(catalog, CLASS_EXTENSION, row_oid(row, 2));

    (void)context;
    return extension == NULL ||
           catalog_alias(catalog, row_oid(row, 0), row_oid(row, 1), extension, err);
}

static bool read_extensions(struct catalog *catalog, struct error *err)
{
    static const char extensions[] = "SELECT e.oid, e.extname, n.nspname "
                                     "  FROM pg_catalog.pg_extension e "
                                     "  JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace "
                                     " ORDER BY e.extname";
    /* A member's row type, array and toast table are not members themselves. */
    static const char members[] =
        "WITH m AS (SELECT d.classid, d.objid, d.refobjid "
        "             FROM pg_catalog.pg_depend d "
        "            WHERE d.deptype = 'e' "
        "              AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass) "
        "SELECT classid, objid, refobjid FROM m "
        "UNION ALL "
        "SELECT 'pg_catalog.pg_type'::pg_catalog.regclass, t.oid, m.refobjid "
        "  FROM m JOIN pg_catalog.pg_type t ON t.typrelid = m.objid "
        " WHERE m.classid = 'pg_catalog.pg_class'::pg_catalog.regclass "
        "UNION ALL "
        "SELECT 'pg_catalog.pg_type'::pg_catalog.regclass, t.typarray, m.refobjid "
        "  FROM m JOIN pg_catalog.pg_type t ON t.typrelid = m.objid AND t.typarray <> 0 "
        " WHERE m.classid = 'pg_catalog.pg_class'::pg_catalog.regclass "
        "UNION ALL "
        "SELECT 'pg_catalog.pg_type'::pg_catalog.regclass, t.typarray, m.refobjid "
        "  FROM m JOIN pg_catalog.pg_type t ON t.oid = m.objid AND t.typarray <> 0 "
        " WHERE m.classid = 'pg_catalog.pg_type'::pg_catalog.regclass "
        "UNION ALL "
        "SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, t.typrelid, m.refobjid "
        "  FROM m JOIN pg_catalog.pg_type t ON t.oid = m.objid AND t.typrelid <> 0 "
        " WHERE m.classid = 'pg_catalog.pg_type'::pg_catalog.regclass "
        "UNION ALL "
        "SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, i.indexrelid, m.refobjid "
        "  FROM m JOIN pg_catalog.pg_index i ON i.indrelid = m.objid "
        " WHERE m.classid = 'pg_catalog.pg_class'::pg_catalog.regclass";

    return catalog_query(catalog, extensions, 3, take_extension, NULL, err) &&
           catalog_query(catalog, members, 3, take_member, NULL, err);
}

const struct catalog_step catalog_step_extension = {
    .what = "extensions",
    .order = READ_EXTENSIONS,
    .read = read_extensions,
};
