/*
 * Types: base, composite, enum, range and shell types. Domains are in domain.c.
 *
 * A base type and its input function need each other, so the type comes as a shell first; the same
 * holds for a range with a canonical function, which takes and gives the range.
 */
#include "catalog/kind.h"

#include "catalog/columns.h"

static const struct catalog_kind kind_type = {
    .desc = "TYPE",
    .section = SECTION_PRE_DATA,
    .priority = PRIORITY_TYPE,
};

static const struct catalog_kind kind_shell_type = {
    .desc = "SHELL TYPE",
    .word = "TYPE",
    .section = SECTION_PRE_DATA,
    .priority = PRIORITY_SHELL_TYPE,
    .no_drop = true,
};

/* What all types have; the columns of their own follow. */
enum { OID, SCHEMA, NAME, OWNER, ARRAY, ACL, ACL_USUAL, OWN };

/* clang-format off */
#define TYPE_COLUMNS                                                                               \
    [OID] = "t.oid",                                                                               \
    [SCHEMA] = "n.nspname",                                                                        \
    [NAME] = "t.typname",                                                                          \
    [OWNER] = COLUMN_ROLE("t.typowner"),                                                           \
    [ARRAY] = "t.typarray",                                                                        \
    [ACL] = "t.typacl",                                                                            \
    [ACL_USUAL] = COLUMN_ACL_USUAL("T", "t.typowner")
/* clang-format on */

static const struct version_difference differences[] = {
    {"typsubscript", 0, "NULL"},
    {"typsubscript", 14, "NULLIF(t.typsubscript, 0::pg_catalog.oid)::pg_catalog.regproc"},
    {"rngmultitypid", 0, "NULL::pg_catalog.oid"},
    {"rngmultitypid", 14, "r.rngmultitypid"},
    {0},
};

static struct catalog_object *add_type(struct catalog *catalog, const struct catalog_row *row,
                                       struct error *err)
{
    struct catalog_object *object =
        catalog_add(catalog, &kind_type, CLASS_TYPE, row_oid(row, OID), row_text(row, SCHEMA),
                    row_text(row, NAME), row_text(row, OWNER), err);
    struct privileges privileges = {
        .acl = row_text_or_null(row, ACL),
        .usual = row_text_or_null(row, ACL_USUAL),
        .on = "TYPE",
        .type = 'T',
    };

    if (object == NULL || !catalog_alias(catalog, CLASS_TYPE, row_oid(row, ARRAY), object, err) ||
        !privileges_add(catalog, object, &privileges, err))
        return NULL;
    return object;
}

/* An extension's. */
static bool known(const struct catalog *catalog, const struct catalog_row *row)
{
    return catalog_find(catalog, CLASS_TYPE, row_oid(row, OID)) != NULL;
}

static bool add_shell(struct catalog *catalog, struct catalog_object *type, struct error *err)
{
    struct catalog_object *shell =
        catalog_add(catalog, &kind_shell_type, 0, 0, type->schema, type->name, type->owner, err);
    struct sql sql = {.err = err};

    if (shell == NULL)
        return false;
    type->shell = shell;
    sql_printf(&sql, "CREATE TYPE %s;\n", type->identity);
    return sql_put(&sql, catalog, &shell->definition);
}

/* The list of labels or columns is made by the server. */
static bool put_listed(struct catalog *catalog, struct catalog_object *object, const char *format,
                       const char *list, struct error *err)
{
    struct sql sql = {.err = err};

    sql_printf(&sql, "CREATE TYPE %s AS %s(", object->identity, format);
    sql_clause(&sql, "", list, "");
    sql_add(&sql, "\n);\n");
    return sql_put(&sql, catalog, &object->definition);
}

/* ---- Enums ---- */

enum { LABELS = OWN, ENUM_COLUMNS };

static const char *const enum_columns[] = {
    TYPE_COLUMNS,
    [LABELS] =
        "(SELECT pg_catalog.string_agg(E'\\n    ' || pg_catalog.quote_literal(e.enumlabel),\n"
        "                                     ',' ORDER BY e.enumsortorder)\n"
        "          FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid)",
};

static const char enum_from[] = "FROM pg_catalog.pg_type t\n"
                                "JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace\n"
                                "WHERE t.typtype = 'e' AND " IN_USERS_SCHEMA "\n"
                                "ORDER BY n.nspname, t.typname";

static bool take_enum(struct catalog *catalog, void *context, const struct catalog_row *row,
                      struct error *err)
{
    struct catalog_object *object;

    (void)context;
    if (known(catalog, row))
        return true;
    object = add_type(catalog, row, err);
    return object != NULL &&
           put_listed(catalog, object, "ENUM ", row_text_or_null(row, LABELS), err);
}

static const struct catalog_query enums = {
    .columns = enum_columns, .count = ENUM_COLUMNS, .from = enum_from, .take = take_enum};

/* ---- Composite types ---- */

enum { ATTRIBUTES = OWN, RELATION, COMPOSITE_COLUMNS };

static const char *const composite_columns[] = {
    TYPE_COLUMNS,
    [ATTRIBUTES] =
        "(SELECT pg_catalog.string_agg(\n"
        "                 E'\\n    ' || pg_catalog.quote_ident(a.attname) || ' ' ||\n"
        "                 pg_catalog.format_type(a.atttypid, a.atttypmod) ||\n"
        "                 CASE WHEN a.attcollation <> at.typcollation\n"
        "                      THEN ' COLLATE ' || pg_catalog.quote_ident(cn.nspname) ||\n"
        "                           '.' || pg_catalog.quote_ident(co.collname)\n"
        "                      ELSE '' END,\n"
        "                 ',' ORDER BY a.attnum)\n"
        "          FROM pg_catalog.pg_attribute a\n"
        "          JOIN pg_catalog.pg_type at ON at.oid = a.atttypid\n"
        "          LEFT JOIN pg_catalog.pg_collation co ON co.oid = a.attcollation\n"
        "          LEFT JOIN pg_catalog.pg_namespace cn ON cn.oid = co.collnamespace\n"
        "         WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped)",
    [RELATION] = "t.typrelid",
};

static const char composite_from[] =
    "FROM pg_catalog.pg_type t\n"
    "JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace\n"
    "JOIN pg_catalog.pg_class c ON c.oid = t.typrelid AND c.relkind = 'c'\n"
    "WHERE t.typtype = 'c' AND " IN_USERS_SCHEMA "\n"
    "ORDER BY n.nspname, t.typname";

/* Its row of pg_class stands for it where its columns are meant. */
static bool take_composite(struct catalog *catalog, void *context, const struct catalog_row *row,
                           struct error *err)
{
    struct catalog_object *object;

    (void)context;
    if (known(catalog, row))
        return true;
    object = add_type(catalog, row, err);
    return object != NULL &&
           put_listed(catalog, object, "", row_text_or_null(row, ATTRIBUTES), err) &&
           catalog_alias(catalog, CLASS_RELATION, row_oid(row, RELATION), object, err);
}

static const struct catalog_query composites = {
    .columns = composite_columns,
    .count = COMPOSITE_COLUMNS,
    .from = composite_from,
    .take = take_composite,
};

/* ---- Ranges ---- */

enum {
    SUBTYPE = OWN,
    MULTIRANGE,
    MULTIRANGE_NAME,
    MULTIRANGE_ARRAY,
    OPCLASS,
    COLLATION,
    CANONICAL,
    DIFFERENCE,
    RANGE_COLUMNS
};

static const char *const range_columns[] = {
    TYPE_COLUMNS,
    [SUBTYPE] = "pg_catalog.format_type(r.rngsubtype, NULL)",
    [MULTIRANGE] = "mt.oid",
    [MULTIRANGE_NAME] =
        "pg_catalog.quote_ident(mn.nspname) || '.' || pg_catalog.quote_ident(mt.typname)",
    [MULTIRANGE_ARRAY] = "mt.typarray",
    [OPCLASS] = "CASE WHEN NOT oc.opcdefault THEN pg_catalog.quote_ident(ocn.nspname) || '.' || "
                "pg_catalog.quote_ident(oc.opcname) END",
    [COLLATION] = COLUMN_COLLATION("r.rngcollation", "st.typcollation"),
    [CANONICAL] = "NULLIF(r.rngcanonical, 0::pg_catalog.oid)::pg_catalog.regproc",
    [DIFFERENCE] = "NULLIF(r.rngsubdiff, 0::pg_catalog.oid)::pg_catalog.regproc",
};

static const char range_from[] =
    "FROM pg_catalog.pg_type t\n"
    "JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace\n"
    "JOIN pg_catalog.pg_range r ON r.rngtypid = t.oid\n"
    "JOIN pg_catalog.pg_type st ON st.oid = r.rngsubtype\n"
    "JOIN pg_catalog.pg_opclass oc ON oc.oid = r.rngsubopc\n"
    "JOIN pg_catalog.pg_namespace ocn ON ocn.oid = oc.opcnamespace\n"
    "LEFT JOIN pg_catalog.pg_collation co ON co.oid = r.rngcollation\n"
    "LEFT JOIN pg_catalog.pg_namespace cn ON cn.oid = co.collnamespace\n"
    "LEFT JOIN pg_catalog.pg_type mt ON mt.oid = {rngmultitypid}\n"
    "LEFT JOIN pg_catalog.pg_namespace mn ON mn.oid = mt.typnamespace\n"
    "WHERE t.typtype = 'r' AND " IN_USERS_SCHEMA "\n"
    "ORDER BY n.nspname, t.typname";

/* "    name = value" behind a comma, if there is a value. */
static void add_item(struct sql *sql, const char *name, const char *value)
{
    if (value != NULL)
        sql_printf(sql, ",\n    %s = %s", name, value);
}

static bool take_range(struct catalog *catalog, void *context, const struct catalog_row *row,
                       struct error *err)
{
    struct catalog_object *object;
    struct sql sql = {.err = err};

    (void)context;
    if (known(catalog, row))
        return true;
    object = add_type(catalog, row, err);
    if (object == NULL ||
        !catalog_alias(catalog, CLASS_TYPE, row_oid(row, MULTIRANGE), object, err) ||
        !catalog_alias(catalog, CLASS_TYPE, row_oid(row, MULTIRANGE_ARRAY), object, err) ||
        (row_text_or_null(row, CANONICAL) != NULL && !add_shell(catalog, object, err)))
        return false;
    sql_printf(&sql, "CREATE TYPE %s AS RANGE (\n    subtype = %s", object->identity,
               row_text(row, SUBTYPE));
    add_item(&sql, "multirange_type_name", row_text_or_null(row, MULTIRANGE_NAME));
    add_item(&sql, "subtype_opclass", row_text_or_null(row, OPCLASS));
    add_item(&sql, "collation", row_text_or_null(row, COLLATION));
    add_item(&sql, "canonical", row_text_or_null(row, CANONICAL));
    add_item(&sql, "subtype_diff", row_text_or_null(row, DIFFERENCE));
    sql_add(&sql, "\n);\n");
    return sql_put(&sql, catalog, &object->definition);
}

static const struct catalog_query ranges = {
    .columns = range_columns,
    .count = RANGE_COLUMNS,
    .from = range_from,
    .take = take_range,
    .differences = differences,
};

/* ---- Base types ---- */

enum { DEFINED = OWN, ITEMS, BASE_COLUMNS };

/* Each item is null where it need not be said, and concat_ws leaves those out. */
static const char items[] =
    "pg_catalog.concat_ws(E',\\n    ',\n"
    "         'INPUT = ' || t.typinput, 'OUTPUT = ' || t.typoutput,\n"
    "         'RECEIVE = ' || NULLIF(t.typreceive, 0::pg_catalog.oid)::pg_catalog.regproc,\n"
    "         'SEND = ' || NULLIF(t.typsend, 0::pg_catalog.oid)::pg_catalog.regproc,\n"
    "         'TYPMOD_IN = ' || NULLIF(t.typmodin, 0::pg_catalog.oid)::pg_catalog.regproc,\n"
    "         'TYPMOD_OUT = ' || NULLIF(t.typmodout, 0::pg_catalog.oid)::pg_catalog.regproc,\n"
    "         'ANALYZE = ' || NULLIF(t.typanalyze, 0::pg_catalog.oid)::pg_catalog.regproc,\n"
    "         'SUBSCRIPT = ' || {typsubscript},\n"
    "         'INTERNALLENGTH = ' || CASE WHEN t.typlen = -1 THEN 'variable'\n"
    "                                     ELSE t.typlen::pg_catalog.text END,\n"
    "         CASE WHEN t.typbyval THEN 'PASSEDBYVALUE' END,\n"
    "         'ALIGNMENT = ' || CASE t.typalign WHEN 'c' THEN 'char' WHEN 's' THEN 'int2'\n"
    "                                WHEN 'd' THEN 'double' ELSE 'int4' END,\n"
    "         'STORAGE = ' || CASE t.typstorage WHEN 'p' THEN 'plain' WHEN 'e' THEN 'external'\n"
    "                              WHEN 'x' THEN 'extended' ELSE 'main' END,\n"
    "         'CATEGORY = ' || CASE WHEN t.typcategory <> 'U' THEN\n"
    "             pg_catalog.quote_literal(t.typcategory::pg_catalog.text) END,\n"
    "         CASE WHEN t.typispreferred THEN 'PREFERRED = true' END,\n"
    "         'DEFAULT = ' || pg_catalog.quote_literal(t.typdefault),\n"
    "         'ELEMENT = ' ||\n"
    "             pg_catalog.format_type(NULLIF(t.typelem, 0::pg_catalog.oid), NULL),\n"
    "         'DELIMITER = ' || CASE WHEN t.typdelim <> ',' THEN\n"
    "             pg_catalog.quote_literal(t.typdelim::pg_catalog.text) END,\n"
    "         CASE WHEN t.typcollation <> 0 THEN 'COLLATABLE = true' END)";

static const char *const base_columns[] = {
    TYPE_COLUMNS,
    [DEFINED] = "t.typisdefined",
    [ITEMS] = items,
};

static const char base_from[] =
    "FROM pg_catalog.pg_type t\n"
    "JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace\n"
    "WHERE ((t.typtype = 'b'\n"
    "        AND NOT EXISTS (SELECT FROM pg_catalog.pg_type e WHERE e.typarray = t.oid))\n"
    "       OR (t.typtype = 'p' AND NOT t.typisdefined)) AND " IN_USERS_SCHEMA "\n"
    "ORDER BY n.nspname, t.typname";

static bool put_drop_cascade(struct catalog *catalog, struct catalog_object *object,
                             struct error *err)
{
    struct sql sql = {.err = err};

    sql_printf(&sql, "DROP TYPE %s CASCADE;\n", object->identity);
    return sql_put(&sql, catalog, &object->drop);
}

static bool take_base(struct catalog *catalog, void *context, const struct catalog_row *row,
                      struct error *err)
{
    struct catalog_object *object;
    struct sql sql = {.err = err};

    (void)context;
    if (known(catalog, row))
        return true;
    object = add_type(catalog, row, err);
    if (object == NULL || (row_flag(row, DEFINED) && (!add_shell(catalog, object, err) ||
                                                      !put_drop_cascade(catalog, object, err))))
        return false;
    sql_printf(&sql, "CREATE TYPE %s", object->identity);
    if (row_flag(row, DEFINED))
        sql_clause(&sql, " (\n    ", row_text(row, ITEMS), "\n)");
    sql_add(&sql, ";\n");
    return sql_put(&sql, catalog, &object->definition);
}

static const struct catalog_query bases = {
    .columns = base_columns,
    .count = BASE_COLUMNS,
    .from = base_from,
    .take = take_base,
    .differences = differences,
};

static bool read_others(struct catalog *catalog, struct error *err)
{
    return catalog_ask(catalog, &composites, NULL, err) &&
           catalog_ask(catalog, &ranges, NULL, err) && catalog_ask(catalog, &bases, NULL, err);
}

const struct catalog_step catalog_step_type = {
    .what = "types",
    .order = READ_TYPES,
    .query = &enums,
    .read = read_others,
};
