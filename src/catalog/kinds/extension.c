/* Extensions. What belongs to one is made by it: every member stands for the extension wherever
 * something depends on it, and no kind adds an object that is there already. */
#include "catalog/kind.h"

#include "catalog/columns.h"

static const struct catalog_kind kind_extension = {
    .desc = "EXTENSION",
    .section = SECTION_PRE_DATA,
    .priority = PRIORITY_EXTENSION,
    .no_owner = true,
};

/* ---- Extensions ---- */

enum { OID, NAME, SCHEMA, COLUMNS };

static const char *const columns[] = {
    [OID] = "e.oid",
    [NAME] = "e.extname",
    [SCHEMA] = "n.nspname",
};

static const char from[] = "FROM pg_catalog.pg_extension e\n"
                           "JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace\n"
                           "ORDER BY e.extname";

/* initdb makes plpgsql; in single-user mode users make theirs with such oids as well. */
static bool is_everywhere(const struct catalog_object *extension)
{
    return extension->oid < 16384 && strcmp(extension->name, "plpgsql") == 0;
}

static bool take_extension(struct catalog *catalog, void *context, const struct catalog_row *row,
                           struct error *err)
{
    struct catalog_object *object =
        catalog_add(catalog, &kind_extension, CLASS_EXTENSION, row_oid(row, OID), NULL,
                    row_text(row, NAME), NULL, err);
    struct sql sql = {.err = err};

    (void)context;
    if (object == NULL)
        return false;
    object->hidden = is_everywhere(object);
    object->left_out = !object->hidden && !catalog_wants_extension(catalog, object->oid);
    sql_printf(&sql, "CREATE EXTENSION IF NOT EXISTS %s WITH SCHEMA ", object->identity);
    sql_name(&sql, row_text(row, SCHEMA));
    sql_add(&sql, ";\n");
    return sql_put(&sql, catalog, &object->definition);
}

static const struct catalog_query extensions = {
    .columns = columns, .count = COLUMNS, .from = from, .take = take_extension};

/* ---- Members ---- */

enum { MEMBER_CLASS, MEMBER_OID, EXTENSION, MEMBER_COLUMNS };

static const char *const member_columns[] = {
    [MEMBER_CLASS] = "a.classid",
    [MEMBER_OID] = "a.objid",
    [EXTENSION] = "a.refobjid",
};

static const char member_with[] =
    "WITH m AS (SELECT d.classid, d.objid, d.refobjid\n"
    "             FROM pg_catalog.pg_depend d\n"
    "            WHERE d.deptype = 'e'\n"
    "              AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass)\n";

/* A member's row type, array and toast table are not members themselves. */
static const char member_from[] =
    "FROM (SELECT m.classid, m.objid, m.refobjid FROM m\n"
    "      UNION ALL\n"
    "      SELECT 'pg_catalog.pg_type'::pg_catalog.regclass, t.oid, m.refobjid\n"
    "        FROM m JOIN pg_catalog.pg_type t ON t.typrelid = m.objid\n"
    "       WHERE m.classid = 'pg_catalog.pg_class'::pg_catalog.regclass\n"
    "      UNION ALL\n"
    "      SELECT 'pg_catalog.pg_type'::pg_catalog.regclass, t.typarray, m.refobjid\n"
    "        FROM m JOIN pg_catalog.pg_type t ON t.typrelid = m.objid AND t.typarray <> 0\n"
    "       WHERE m.classid = 'pg_catalog.pg_class'::pg_catalog.regclass\n"
    "      UNION ALL\n"
    "      SELECT 'pg_catalog.pg_type'::pg_catalog.regclass, t.typarray, m.refobjid\n"
    "        FROM m JOIN pg_catalog.pg_type t ON t.oid = m.objid AND t.typarray <> 0\n"
    "       WHERE m.classid = 'pg_catalog.pg_type'::pg_catalog.regclass\n"
    "      UNION ALL\n"
    "      SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, t.typrelid, m.refobjid\n"
    "        FROM m JOIN pg_catalog.pg_type t ON t.oid = m.objid AND t.typrelid <> 0\n"
    "       WHERE m.classid = 'pg_catalog.pg_type'::pg_catalog.regclass\n"
    "      UNION ALL\n"
    "      SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, i.indexrelid, m.refobjid\n"
    "        FROM m JOIN pg_catalog.pg_index i ON i.indrelid = m.objid\n"
    "       WHERE m.classid = 'pg_catalog.pg_class'::pg_catalog.regclass) a";

static bool take_member(struct catalog *catalog, void *context, const struct catalog_row *row,
                        struct error *err)
{
    struct catalog_object *extension =
        catalog_find(catalog, CLASS_EXTENSION, row_oid(row, EXTENSION));

    (void)context;
    return extension == NULL || catalog_alias(catalog, row_oid(row, MEMBER_CLASS),
                                              row_oid(row, MEMBER_OID), extension, err);
}

static const struct catalog_query members = {
    .with = member_with,
    .columns = member_columns,
    .count = MEMBER_COLUMNS,
    .from = member_from,
    .take = take_member,
};

static bool read_members(struct catalog *catalog, struct error *err)
{
    return catalog_ask(catalog, &members, NULL, err);
}

const struct catalog_step catalog_step_extension = {
    .what = "extensions",
    .order = READ_EXTENSIONS,
    .query = &extensions,
    .read = read_members,
};
