/*
 * Types: base, composite, enum, range and shell types. Domains are in domain.c.
 *
 * A base type and its input function need each other, so the type comes as a shell first; the same
 * holds for a range with a canonical function, which takes and gives the range.
 */
#include "catalog/kind.h"

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

#define TYPE_COLUMNS                                                                               \
    "t.oid, n.nspname, t.typname, pg_catalog.pg_get_userbyid(t.typowner), t.typarray, t.typacl, "  \
    "pg_catalog.acldefault('T', t.typowner) "

#define TYPE_SCHEMAS                                                                               \
    "JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace "                                    \
    "AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' "

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

static bool known(const struct catalog *catalog, const struct catalog_row *row)
{
    return catalog_find(catalog, CLASS_TYPE, row_oid(row, OID)) != NULL;
}

static bool add_shell(struct catalog *catalog, struct catalog_object *type, struct error *err)
{
    struct catalog_object *shell =
        catalog_add(catalog, &kind_shell_type, 0, 0, type->schema, type->name, type->owner, err);
    struct buffer sql = {0};
    bool done;

    if (shell == NULL)
        return false;
    type->shell = shell;
    done = buffer_printf(&sql, err, "CREATE TYPE %s;\n", type->identity) &&
           catalog_put_text(catalog, buffer_text(&sql), &shell->definition, err);
    buffer_free(&sql);
    return done;
}

/* "    NAME = value" behind a comma, if there is a value. */
static bool append_item(struct buffer *sql, bool *first, const char *name, const char *value,
                        struct error *err)
{
    bool was_first = *first;

    if (value == NULL)
        return true;
    *first = false;
    return buffer_printf(sql, err, "%s\n    %s = %s", was_first ? "" : ",", name, value);
}

/* ---- Enums and composite types ---- */

/* The list of labels or columns is made by the server. */
static bool take_listed(struct catalog *catalog, const char *format, const struct catalog_row *row,
                        struct catalog_object **object, struct error *err)
{
    struct buffer sql = {0};
    const char *list = row_text_or_null(row, OWN);
    bool done;

    *object = add_type(catalog, row, err);
    if (*object == NULL)
        return false;
    done = buffer_printf(&sql, err, "CREATE TYPE %s AS %s(", (*object)->identity, format) &&
           buffer_append_string(&sql, list == NULL ? "\n);\n" : list, err) &&
           (list == NULL || buffer_append_string(&sql, "\n);\n", err)) &&
           catalog_put_text(catalog, buffer_text(&sql), &(*object)->definition, err);
    buffer_free(&sql);
    return done;
}

static bool take_enum(struct catalog *catalog, void *context, const struct catalog_row *row,
                      struct error *err)
{
    struct catalog_object *object;

    (void)context;
    return known(catalog, row) || take_listed(catalog, "ENUM ", row, &object, err);
}

/* Its row of pg_class stands for it where its columns are meant. */
static bool take_composite(struct catalog *catalog, void *context, const struct catalog_row *row,
                           struct error *err)
{
    enum { RELATION = OWN + 1 };
    struct catalog_object *object;

    (void)context;
    return known(catalog, row) ||
           (take_listed(catalog, "", row, &object, err) &&
            catalog_alias(catalog, CLASS_RELATION, row_oid(row, RELATION), object, err));
}

static bool read_lists(struct catalog *catalog, struct error *err)
{
    static const char enums[] =
        "SELECT " TYPE_COLUMNS ", "
        "       (SELECT pg_catalog.string_agg(E'\\n    ' || pg_catalog.quote_literal(e.enumlabel), "
        "                                     ',' ORDER BY e.enumsortorder) "
        "          FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid) "
        "  FROM pg_catalog.pg_type t " TYPE_SCHEMAS
        " WHERE t.typtype = 'e' ORDER BY n.nspname, t.typname";
    static const char composites[] =
        "SELECT " TYPE_COLUMNS ", "
        "       (SELECT pg_catalog.string_agg("
        "                 E'\\n    ' || pg_catalog.quote_ident(a.attname) || ' ' || "
        "                 pg_catalog.format_type(a.atttypid, a.atttypmod) || "
        "                 CASE WHEN a.attcollation <> at.typcollation "
        "                      THEN ' COLLATE ' || pg_catalog.quote_ident(cn.nspname) || '.' || "
        "                           pg_catalog.quote_ident(co.collname) ELSE '' END, "
        "                 ',' ORDER BY a.attnum) "
        "          FROM pg_catalog.pg_attribute a "
        "          JOIN pg_catalog.pg_type at ON at.oid = a.atttypid "
        "          LEFT JOIN pg_catalog.pg_collation co ON co.oid = a.attcollation "
        "          LEFT JOIN pg_catalog.pg_namespace cn ON cn.oid = co.collnamespace "
        "         WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped), "
        "       t.typrelid "
        "  FROM pg_catalog.pg_type t " TYPE_SCHEMAS
        "  JOIN pg_catalog.pg_class c ON c.oid = t.typrelid AND c.relkind = 'c' "
        " WHERE t.typtype = 'c' ORDER BY n.nspname, t.typname";

    return catalog_query(catalog, enums, OWN + 1, take_enum, NULL, err) &&
           catalog_query(catalog, composites, OWN + 2, take_composite, NULL, err);
}

/* ---- Ranges ---- */

static bool take_range(struct catalog *catalog, void *context, const struct catalog_row *row,
                       struct error *err)
{
    enum {
        SUBTYPE = OWN,
        MULTIRANGE,
        MULTIRANGE_NAME,
        MULTIRANGE_ARRAY,
        OPCLASS,
        COLLATION,
        CANONICAL,
        DIFFERENCE
    };
    struct catalog_object *object;
    struct buffer sql = {0};
    bool first = true, done;

    (void)context;
    if (known(catalog, row))
        return true;
    object = add_type(catalog, row, err);
    if (object == NULL ||
        !catalog_alias(catalog, CLASS_TYPE, row_oid(row, MULTIRANGE), object, err) ||
        !catalog_alias(catalog, CLASS_TYPE, row_oid(row, MULTIRANGE_ARRAY), object, err) ||
        (row_text_or_null(row, CANONICAL) != NULL && !add_shell(catalog, object, err)))
        return false;
    done = buffer_printf(&sql, err, "CREATE TYPE %s AS RANGE (", object->identity) &&
           append_item(&sql, &first, "subtype", row_text(row, SUBTYPE), err) &&
           append_item(&sql, &first, "multirange_type_name", row_text_or_null(row, MULTIRANGE_NAME),
                       err) &&
           append_item(&sql, &first, "subtype_opclass", row_text_or_null(row, OPCLASS), err) &&
           append_item(&sql, &first, "collation", row_text_or_null(row, COLLATION), err) &&
           append_item(&sql, &first, "canonical", row_text_or_null(row, CANONICAL), err) &&
           append_item(&sql, &first, "subtype_diff", row_text_or_null(row, DIFFERENCE), err) &&
           buffer_append_string(&sql, "\n);\n", err) &&
           catalog_put_text(catalog, buffer_text(&sql), &object->definition, err);
    buffer_free(&sql);
    return done;
}

static bool read_ranges(struct catalog *catalog, struct error *err)
{
    static const char query[] =
        "SELECT " TYPE_COLUMNS ", "
        "       pg_catalog.format_type(r.rngsubtype, NULL), mt.oid, "
        "       pg_catalog.quote_ident(mn.nspname) || '.' || pg_catalog.quote_ident(mt.typname), "
        "       mt.typarray, "
        "       CASE WHEN NOT oc.opcdefault "
        "            THEN pg_catalog.quote_ident(ocn.nspname) || '.' || "
        "                 pg_catalog.quote_ident(oc.opcname) END, "
        "       CASE WHEN r.rngcollation <> st.typcollation "
        "            THEN pg_catalog.quote_ident(cn.nspname) || '.' || "
        "                 pg_catalog.quote_ident(co.collname) END, "
        "       NULLIF(r.rngcanonical, 0::pg_catalog.oid)::pg_catalog.regproc, "
        "       NULLIF(r.rngsubdiff, 0::pg_catalog.oid)::pg_catalog.regproc "
        "  FROM pg_catalog.pg_type t " TYPE_SCHEMAS
        "  JOIN pg_catalog.pg_range r ON r.rngtypid = t.oid "
        "  JOIN pg_catalog.pg_type st ON st.oid = r.rngsubtype "
        "  JOIN pg_catalog.pg_opclass oc ON oc.oid = r.rngsubopc "
        "  JOIN pg_catalog.pg_namespace ocn ON ocn.oid = oc.opcnamespace "
        "  LEFT JOIN pg_catalog.pg_collation co ON co.oid = r.rngcollation "
        "  LEFT JOIN pg_catalog.pg_namespace cn ON cn.oid = co.collnamespace "
        "  LEFT JOIN pg_catalog.pg_type mt ON mt.oid = {rngmultitypid} "
        "  LEFT JOIN pg_catalog.pg_namespace mn ON mn.oid = mt.typnamespace "
        " WHERE t.typtype = 'r' ORDER BY n.nspname, t.typname";

    return catalog_query(catalog, query, OWN + 8, take_range, NULL, err);
}

/* ---- Base types ---- */

static bool put_drop_cascade(struct catalog *catalog, struct catalog_object *object,
                             struct error *err)
{
    struct buffer sql = {0};
    bool done = buffer_printf(&sql, err, "DROP TYPE %s CASCADE;\n", object->identity) &&
                catalog_put_text(catalog, buffer_text(&sql), &object->drop, err);

    buffer_free(&sql);
    return done;
}

static bool take_base(struct catalog *catalog, void *context, const struct catalog_row *row,
                      struct error *err)
{
    enum { DEFINED = OWN, ITEMS };
    struct catalog_object *object;
    struct buffer sql = {0};
    bool done;

    (void)context;
    if (known(catalog, row))
        return true;
    object = add_type(catalog, row, err);
    if (object == NULL)
        return false;
    if (!row_flag(row, DEFINED))
        done = buffer_printf(&sql, err, "CREATE TYPE %s;\n", object->identity);
    else
        done = add_shell(catalog, object, err) && put_drop_cascade(catalog, object, err) &&
               buffer_printf(&sql, err, "CREATE TYPE %s (\n    ", object->identity) &&
               buffer_append_string(&sql, row_text(row, ITEMS), err) &&
               buffer_append_string(&sql, "\n);\n", err);
    done = done && catalog_put_text(catalog, buffer_text(&sql), &object->definition, err);
    buffer_free(&sql);
    return done;
}

/* Each item is null where it need not be said, and concat_ws leaves those out. */
static bool read_bases(struct catalog *catalog, struct error *err)
{
    static const char query[] =
        "SELECT " TYPE_COLUMNS ", t.typisdefined, "
        "       pg_catalog.concat_ws(E',\\n    ', "
        "         'INPUT = ' || t.typinput, 'OUTPUT = ' || t.typoutput, "
        "         'RECEIVE = ' || NULLIF(t.typreceive, 0::pg_catalog.oid)::pg_catalog.regproc, "
        "         'SEND = ' || NULLIF(t.typsend, 0::pg_catalog.oid)::pg_catalog.regproc, "
        "         'TYPMOD_IN = ' || NULLIF(t.typmodin, 0::pg_catalog.oid)::pg_catalog.regproc, "
        "         'TYPMOD_OUT = ' || NULLIF(t.typmodout, 0::pg_catalog.oid)::pg_catalog.regproc, "
        "         'ANALYZE = ' || NULLIF(t.typanalyze, 0::pg_catalog.oid)::pg_catalog.regproc, "
        "         'SUBSCRIPT = ' || {typsubscript}, "
        "         'INTERNALLENGTH = ' || CASE WHEN t.typlen = -1 THEN 'variable' "
        "                                     ELSE t.typlen::pg_catalog.text END, "
        "         CASE WHEN t.typbyval THEN 'PASSEDBYVALUE' END, "
        "         'ALIGNMENT = ' || CASE t.typalign WHEN 'c' THEN 'char' WHEN 's' THEN 'int2' "
        "                                WHEN 'd' THEN 'double' ELSE 'int4' END, "
        "         'STORAGE = ' || CASE t.typstorage WHEN 'p' THEN 'plain' WHEN 'e' THEN 'external' "
        "                              WHEN 'x' THEN 'extended' ELSE 'main' END, "
        "         'CATEGORY = ' || CASE WHEN t.typcategory <> 'U' "
        "                               THEN "
        "pg_catalog.quote_literal(t.typcategory::pg_catalog.text) END, "
        "         CASE WHEN t.typispreferred THEN 'PREFERRED = true' END, "
        "         'DEFAULT = ' || pg_catalog.quote_literal(t.typdefault), "
        "         'ELEMENT = ' || pg_catalog.format_type(NULLIF(t.typelem, 0::pg_catalog.oid), "
        "                                                NULL), "
        "         'DELIMITER = ' || CASE WHEN t.typdelim <> ',' "
        "                                THEN "
        "pg_catalog.quote_literal(t.typdelim::pg_catalog.text) END, "
        "         CASE WHEN t.typcollation <> 0 THEN 'COLLATABLE = true' END) "
        "  FROM pg_catalog.pg_type t " TYPE_SCHEMAS " WHERE ((t.typtype = 'b' "
        "         AND NOT EXISTS (SELECT FROM pg_catalog.pg_type e WHERE e.typarray = t.oid)) "
        "        OR (t.typtype = 'p' AND NOT t.typisdefined)) "
        " ORDER BY n.nspname, t.typname";

    return catalog_query(catalog, query, OWN + 2, take_base, NULL, err);
}

static bool read_types(struct catalog *catalog, struct error *err)
{
    return read_lists(catalog, err) && read_ranges(catalog, err) && read_bases(catalog, err);
}

const struct catalog_step catalog_step_type = {
    .what = "types",
    .order = READ_TYPES,
    .read = read_types,
};
