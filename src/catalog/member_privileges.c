/* Privileges that were changed on what nobody dumps: members of extensions, and what initdb makes
 * in pg_catalog. What they had in the beginning is in pg_init_privs. */
#include "catalog/catalog_internal.h"

/* No entry: only its privileges have one. */
static const struct catalog_kind kind_member = {
    .desc = "MEMBER",
    .section = SECTION_PRE_DATA,
    .priority = PRIORITY_EXTENSION,
    .no_owner = true,
};

enum {
    CLASS,
    OID,
    SCHEMA,
    NAME,
    OWNER,
    ON,
    TYPE,
    COLUMN,
    ARGUMENTS, /* of a function */
    ACL,
    ACL_BASE,
    COLUMNS
};

struct member {
    uint32_t class_oid, oid;
    struct catalog_object *object;
};

/* A table and its columns are one object, and their rows stand together, the table's first: a
 * column of the system has a negative number. */
static bool find_member(struct catalog *catalog, struct member *member,
                        const struct catalog_row *row, struct error *err)
{
    uint32_t class_oid = row_oid(row, CLASS), oid = row_oid(row, OID);
    const struct catalog_object *extension = catalog_find(catalog, class_oid, oid);
    struct catalog_object *object;

    if (member->class_oid == class_oid && member->oid == oid)
        return true;
    object = catalog_add(catalog, &kind_member, 0, 0, row_text_or_null(row, SCHEMA),
                         row_text(row, NAME), row_text(row, OWNER), err);
    if (object == NULL)
        return false;
    object->hidden = true;
    *member = (struct member){class_oid, oid, object};
    if (row_text_or_null(row, ARGUMENTS) != NULL &&
        !function_name(catalog, object, row_text_or_null(row, ARGUMENTS), "", err))
        return false;
    return extension == NULL || catalog_depend(catalog, object, extension, err);
}

static bool take_privileges(struct catalog *catalog, void *context, const struct catalog_row *row,
                            struct error *err)
{
    const struct catalog_object *known =
        catalog_find(catalog, row_oid(row, CLASS), row_oid(row, OID));
    struct member *member = context;
    struct privileges privileges = {
        .acl = row_text_or_null(row, ACL),
        .usual = row_text_or_null(row, ACL_BASE),
        .type = row_char(row, TYPE),
        .column = row_text_or_null(row, COLUMN),
    };
    static const char *const words[] = {
        "TABLE",         "SEQUENCE", "FUNCTION", "PROCEDURE",
        "TYPE",          "SCHEMA",   "LANGUAGE", "FOREIGN DATA WRAPPER",
        "FOREIGN SERVER"};

    if (known != NULL && known->class_oid != CLASS_EXTENSION)
        return true; /* it has an entry, and its privileges too */
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(words[i], row_text(row, ON)) == 0)
            privileges.on = words[i];
    }
    return find_member(catalog, member, row, err) &&
           privileges_add(catalog, member->object, &privileges, err);
}

/* of: what is a member of an extension, or made by initdb in pg_catalog */
#define FROM_WHERE(table, alias, system)                                                           \
    "  LEFT JOIN pg_catalog.pg_init_privs i "                                                      \
    "    ON i.classoid = '" table "'::pg_catalog.regclass AND i.objoid = " alias ".oid "           \
    "   AND i.objsubid = 0 "                                                                       \
    " WHERE (" system " OR EXISTS (SELECT FROM pg_catalog.pg_depend d "                            \
    "                               WHERE d.classid = '" table "'::pg_catalog.regclass "           \
    "                                 AND d.objid = " alias ".oid AND d.deptype = 'e'))"

#define MEMBER(table, alias, schema, name, owner, on, letter, arguments, acl, joins, system)       \
    "SELECT '" table "'::pg_catalog.regclass::pg_catalog.oid AS class, " alias ".oid, 0 AS sub, "  \
    "       " schema " AS schema, " name "::pg_catalog.text AS name, "                             \
    "       pg_catalog.pg_get_userbyid(" owner ")::pg_catalog.text AS owner, "                     \
    "       " on " AS word, " letter " AS letter, NULL::pg_catalog.text AS column_name, "          \
    "       " arguments " AS arguments, "                                                          \
    "       CASE WHEN i.initprivs IS NULL THEN " acl " ELSE coalesce(" acl ", "                    \
    "         pg_catalog.acldefault((" letter ")::\"char\", " owner ")) END AS acl, "              \
    "       coalesce(i.initprivs, pg_catalog.acldefault((" letter ")::\"char\", " owner ")) "      \
    "         AS base "                                                                            \
    "  FROM " table " " alias " " joins                                                            \
    FROM_WHERE(table, alias, system) " UNION ALL "

#define SYSTEM_SCHEMA(alias) "(n.nspname = 'pg_catalog' AND " alias ".oid < 16384)"
#define NAMESPACE(column) " JOIN pg_catalog.pg_namespace n ON n.oid = " column

static bool read_members(struct catalog *catalog, struct error *err)
{
    /* clang-format off */
    static const char query[] =
        "SELECT class, oid, schema, name, owner, word, letter, column_name, arguments, acl, base "
        "  FROM ("
        MEMBER("pg_catalog.pg_class", "c", "n.nspname", "c.relname", "c.relowner",
               "CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END",
               "CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END", "NULL::pg_catalog.text", "c.relacl",
               NAMESPACE("c.relnamespace"), SYSTEM_SCHEMA("c"))
        MEMBER("pg_catalog.pg_proc", "p", "n.nspname", "p.proname", "p.proowner",
               "CASE p.prokind WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END", "'f'",
               "CASE p.prokind WHEN 'a' THEN "
               "  coalesce((SELECT pg_catalog.string_agg("
               "                     pg_catalog.format_type(x.type, NULL), ', ' ORDER BY x.number) "
               "              FROM pg_catalog.unnest(p.proargtypes) "
               "                   WITH ORDINALITY x (type, number)), '') "
               "ELSE pg_catalog.pg_get_function_identity_arguments(p.oid) END", "p.proacl",
               NAMESPACE("p.pronamespace"), SYSTEM_SCHEMA("p"))
        MEMBER("pg_catalog.pg_type", "t", "n.nspname", "t.typname", "t.typowner", "'TYPE'", "'T'",
               "NULL::pg_catalog.text", "t.typacl", NAMESPACE("t.typnamespace"), SYSTEM_SCHEMA("t"))
        MEMBER("pg_catalog.pg_namespace", "n", "NULL", "n.nspname", "n.nspowner", "'SCHEMA'", "'n'",
               "NULL::pg_catalog.text", "n.nspacl", "", SYSTEM_SCHEMA("n"))
        MEMBER("pg_catalog.pg_language", "l", "NULL", "l.lanname", "l.lanowner", "'LANGUAGE'",
               "'l'", "NULL::pg_catalog.text", "l.lanacl", "", "(l.oid < 16384 AND l.lanispl)")
        MEMBER("pg_catalog.pg_foreign_data_wrapper", "w", "NULL", "w.fdwname", "w.fdwowner",
               "'FOREIGN DATA WRAPPER'", "'F'", "NULL::pg_catalog.text", "w.fdwacl", "", "false")
        MEMBER("pg_catalog.pg_foreign_server", "s", "NULL", "s.srvname", "s.srvowner",
               "'FOREIGN SERVER'", "'S'", "NULL::pg_catalog.text", "s.srvacl", "", "false")
        "SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, c.oid, a.attnum, n.nspname, "
        "       c.relname, pg_catalog.pg_get_userbyid(c.relowner), 'TABLE', 'c', a.attname, NULL, "
        "       a.attacl, coalesce(i.initprivs, '{}') "
        "  FROM pg_catalog.pg_attribute a "
        "  JOIN pg_catalog.pg_class c ON c.oid = a.attrelid "
        "  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
        "  LEFT JOIN pg_catalog.pg_init_privs i "
        "    ON i.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass "
        "   AND i.objoid = c.oid AND i.objsubid = a.attnum "
        " WHERE a.attacl IS NOT NULL AND NOT a.attisdropped "
        "   AND (" SYSTEM_SCHEMA("c")
        "        OR EXISTS (SELECT FROM pg_catalog.pg_depend d "
        "                    WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass "
        "                      AND d.objid = c.oid AND d.deptype = 'e'))) m "
        " WHERE acl IS NOT NULL AND acl IS DISTINCT FROM base "
        " ORDER BY class, schema NULLS FIRST, name, arguments, oid, sub <> 0, sub";
    /* clang-format on */
    struct member member = {0};

    return catalog_query(catalog, query, COLUMNS, take_privileges, &member, err);
}

const struct catalog_step catalog_step_member_privileges = {
    .what = "privileges of what extensions and initdb made",
    .order = READ_COMMENTS,
    .read = read_members,
};
