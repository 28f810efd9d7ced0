/* Privileges that were changed on what nobody dumps: members of extensions, and what initdb makes
 * in pg_catalog. What they had in the beginning is in pg_init_privs. */
#include "catalog/catalog_internal.h"
#include "catalog/columns.h"

/* No entry: only its privileges have one. */
static const struct catalog_kind kind_member = {
    .desc = "MEMBER",
    .section = SECTION_PRE_DATA,
    .priority = PRIORITY_EXTENSION,
    .no_owner = true,
};

/* ---- The query ---- */

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

static const char *const columns[] = {
    [CLASS] = "m.class",         [OID] = "m.oid", [SCHEMA] = "m.schema", [NAME] = "m.name",
    [OWNER] = "m.owner",         [ON] = "m.word", [TYPE] = "m.letter",   [COLUMN] = "m.column_name",
    [ARGUMENTS] = "m.arguments", [ACL] = "m.acl", [ACL_BASE] = "m.base",
};

static const char no_text[] = "NULL::pg_catalog.text";

/* Catalogs whose objects have privileges. */
static const struct holder {
    const char *catalog, *alias;
    const char *schema; /* the column; NULL: the kind has none */
    const char *name, *owner, *acl;
    const char *word;      /* as GRANT has it */
    const char *letter;    /* acldefault's */
    const char *arguments; /* of a function */
    const char *by_initdb; /* whether initdb made it, and there is something to say of it */
} holders[] = {
    {"pg_class", "c", "c.relnamespace", "c.relname", "c.relowner", "c.relacl",
     "CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END",
     "CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END", no_text,
     "n.nspname = 'pg_catalog' AND c.oid < 16384"},
    {"pg_proc", "p", "p.pronamespace", "p.proname", "p.proowner", "p.proacl",
     "CASE p.prokind WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END", "'f'",
     "CASE p.prokind WHEN 'a' THEN " COLUMN_ARGUMENT_TYPES "\n"
     "       ELSE pg_catalog.pg_get_function_identity_arguments(p.oid) END",
     "n.nspname = 'pg_catalog' AND p.oid < 16384"},
    {"pg_type", "t", "t.typnamespace", "t.typname", "t.typowner", "t.typacl", "'TYPE'", "'T'",
     no_text, "n.nspname = 'pg_catalog' AND t.oid < 16384"},
    {"pg_namespace", "n", NULL, "n.nspname", "n.nspowner", "n.nspacl", "'SCHEMA'", "'n'", no_text,
     "n.nspname = 'pg_catalog' AND n.oid < 16384"},
    {"pg_language", "l", NULL, "l.lanname", "l.lanowner", "l.lanacl", "'LANGUAGE'", "'l'", no_text,
     "l.oid < 16384 AND l.lanpltrusted"},
    {"pg_foreign_data_wrapper", "w", NULL, "w.fdwname", "w.fdwowner", "w.fdwacl",
     "'FOREIGN DATA WRAPPER'", "'F'", no_text, "false"},
    {"pg_foreign_server", "s", NULL, "s.srvname", "s.srvowner", "s.srvacl", "'FOREIGN SERVER'",
     "'S'", no_text, "false"},
};

static void add_holder(struct sql *sql, const struct holder *holder)
{
    sql_printf(sql,
               "SELECT 'pg_catalog.%s'::pg_catalog.regclass::pg_catalog.oid AS class,\n"
               "       %s.oid, 0 AS sub, %s AS schema, %s::pg_catalog.text AS name,\n"
               "       pg_catalog.pg_get_userbyid(%s)::pg_catalog.text AS owner,\n"
               "       %s AS word, %s AS letter, NULL::pg_catalog.text AS column_name,\n",
               holder->catalog, holder->alias, holder->schema == NULL ? "NULL" : "n.nspname",
               holder->name, holder->owner, holder->word, holder->letter);
    sql_printf(sql,
               "       %s AS arguments,\n"
               "       CASE WHEN i.initprivs IS NULL THEN %s ELSE coalesce(%s,\n"
               "         pg_catalog.acldefault((%s)::\"char\", %s)) END AS acl,\n"
               "       coalesce(i.initprivs, pg_catalog.acldefault((%s)::\"char\", %s)) AS base\n",
               holder->arguments, holder->acl, holder->acl, holder->letter, holder->owner,
               holder->letter, holder->owner);
    sql_printf(sql, "  FROM pg_catalog.%s %s\n", holder->catalog, holder->alias);
    if (holder->schema != NULL)
        sql_printf(sql, "  JOIN pg_catalog.pg_namespace n ON n.oid = %s\n", holder->schema);
    sql_printf(sql,
               "  LEFT JOIN pg_catalog.pg_init_privs i\n"
               "    ON i.classoid = 'pg_catalog.%s'::pg_catalog.regclass AND i.objoid = %s.oid\n"
               "   AND i.objsubid = 0\n"
               " WHERE (%s)\n"
               "    OR EXISTS (SELECT FROM pg_catalog.pg_depend d\n"
               "                WHERE d.classid = 'pg_catalog.%s'::pg_catalog.regclass\n"
               "                  AND d.objid = %s.oid AND d.deptype = 'e')\n"
               "UNION ALL\n",
               holder->catalog, holder->alias, holder->by_initdb, holder->catalog, holder->alias);
}

static const char of_columns[] =
    "SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, c.oid, a.attnum, n.nspname,\n"
    "       c.relname, pg_catalog.pg_get_userbyid(c.relowner), 'TABLE', 'c', a.attname, NULL,\n"
    "       a.attacl, coalesce(i.initprivs, '{}')\n"
    "  FROM pg_catalog.pg_attribute a\n"
    "  JOIN pg_catalog.pg_class c ON c.oid = a.attrelid\n"
    "  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace\n"
    "  LEFT JOIN pg_catalog.pg_init_privs i\n"
    "    ON i.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass\n"
    "   AND i.objoid = c.oid AND i.objsubid = a.attnum\n"
    " WHERE a.attacl IS NOT NULL AND NOT a.attisdropped\n"
    "   AND ((n.nspname = 'pg_catalog' AND c.oid < 16384)\n"
    "        OR EXISTS (SELECT FROM pg_catalog.pg_depend d\n"
    "                    WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass\n"
    "                      AND d.objid = c.oid AND d.deptype = 'e'))\n";

static void add_from(struct sql *sql)
{
    sql_add(sql, "FROM (");
    for (size_t i = 0; i < sizeof(holders) / sizeof(holders[0]); i++)
        add_holder(sql, &holders[i]);
    sql_add(sql, of_columns);
    sql_add(sql, ") m\n"
                 "WHERE m.acl IS NOT NULL AND m.acl IS DISTINCT FROM m.base\n"
                 "ORDER BY m.class, m.schema NULLS FIRST, m.name, m.arguments, m.oid,\n"
                 "         m.sub <> 0, m.sub");
}

/* ---- Its rows ---- */

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
    object->left_out =
        extension != NULL ? extension->left_out : !catalog_wants_system(catalog, class_oid);
    *member = (struct member){class_oid, oid, object};
    if (row_text_or_null(row, ARGUMENTS) != NULL &&
        !catalog_set_routine_identity(catalog, object, row_text_or_null(row, ARGUMENTS), "", err))
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
        .on = row_text(row, ON),
        .type = row_char(row, TYPE),
        .column = row_text_or_null(row, COLUMN),
    };

    if (known != NULL && known->class_oid != CLASS_EXTENSION)
        return true; /* it has an entry, and its privileges too */
    return find_member(catalog, member, row, err) &&
           privileges_add(catalog, member->object, &privileges, err);
}

static bool read_members(struct catalog *catalog, struct error *err)
{
    struct sql from = {.err = err};
    struct catalog_query query = {.columns = columns, .count = COLUMNS, .take = take_privileges};
    struct member member = {0};
    bool done;

    add_from(&from);
    query.from = sql_text(&from);
    done = !from.failed && catalog_ask(catalog, &query, &member, err);
    return sql_end(&from) && done;
}

const struct catalog_step catalog_step_member_privileges = {
    .what = "privileges of what extensions and initdb made",
    .order = READ_COMMENTS,
    .read = read_members,
};
