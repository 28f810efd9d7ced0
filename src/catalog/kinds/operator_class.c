/* Operator classes. Which operators and functions one has is said by their own catalogs
 * (operator_members.h); what its family has beyond that comes with the family. */
#include "catalog/columns.h"
#include "catalog/operator_members.h"

static void write_class(struct catalog *catalog, const struct catalog_object *object,
                        struct archive_entry *entry, struct sql *sql);

static const struct catalog_kind kind_operator_class = {
    .desc = "OPERATOR CLASS",
    .section = SECTION_PRE_DATA,
    .priority = PRIORITY_OPERATOR_FAMILY,
    .may_postpone = true,
    .write = write_class,
};

struct operator_class {
    struct text_ref head; /* all but the members */
    struct text_ref members;
    bool has_members, has_storage;
    const char *type; /* that it is for */
};

enum { OID, SCHEMA, NAME, OWNER, METHOD, DEFAULT, TYPE, FAMILY, STORAGE, COLUMNS };

static const char *const columns[] = {
    [OID] = "c.oid",
    [SCHEMA] = "n.nspname",
    [NAME] = "c.opcname",
    [OWNER] = COLUMN_ROLE("c.opcowner"),
    [METHOD] = "(SELECT a.amname FROM pg_catalog.pg_am a WHERE a.oid = c.opcmethod)",
    [DEFAULT] = "c.opcdefault",
    [TYPE] = "pg_catalog.format_type(c.opcintype, NULL)",
    [FAMILY] = "(SELECT pg_catalog.quote_ident(fn.nspname) || '.' ||\n"
               "               pg_catalog.quote_ident(f.opfname)\n"
               "          FROM pg_catalog.pg_opfamily f\n"
               "          JOIN pg_catalog.pg_namespace fn ON fn.oid = f.opfnamespace\n"
               "         WHERE f.oid = c.opcfamily)",
    [STORAGE] = "pg_catalog.format_type(NULLIF(c.opckeytype, 0::pg_catalog.oid), NULL)",
};

static const char from[] = "FROM pg_catalog.pg_opclass c\n"
                           "JOIN pg_catalog.pg_namespace n ON n.oid = c.opcnamespace\n"
                           "WHERE " IN_USERS_SCHEMA "\n"
                           "ORDER BY n.nspname, c.opcname, c.opcmethod";

/* CREATE OPERATOR CLASS wants one item at least; to store the type itself says nothing. */
static void write_class(struct catalog *catalog, const struct catalog_object *object,
                        struct archive_entry *entry, struct sql *sql)
{
    const struct operator_class *class = object->detail;

    (void)entry;
    sql_stored(sql, catalog, class->head);
    if (class->has_members) {
        sql_add(sql, class->has_storage ? " ,\n    " : "");
        sql_stored(sql, catalog, class->members);
    } else if (!class->has_storage) {
        sql_clause(sql, "STORAGE ", class->type, "");
    }
    sql_add(sql, ";\n");
}

static bool put_head(struct catalog *catalog, const struct catalog_object *object,
                     struct operator_class *class, const struct catalog_row *row, struct error *err)
{
    struct sql sql = {.err = err};

    sql_add(&sql, "CREATE OPERATOR CLASS ");
    sql_qualified(&sql, object->schema, object->name);
    sql_printf(&sql, "\n    %sFOR TYPE ", row_flag(row, DEFAULT) ? "DEFAULT " : "");
    sql_clause(&sql, "", class->type, " USING ");
    sql_name(&sql, row_text(row, METHOD));
    sql_clause(&sql, " FAMILY ", row_text(row, FAMILY), " AS\n    ");
    sql_clause(&sql, "STORAGE ", row_text_or_null(row, STORAGE), "");
    return sql_put(&sql, catalog, &class->head);
}

static bool take_class(struct catalog *catalog, void *context, const struct catalog_row *row,
                       struct error *err)
{
    struct operator_class *class;
    struct catalog_object *object;

    (void)context;
    if (catalog_find(catalog, CLASS_OPERATOR_CLASS, row_oid(row, OID)) != NULL)
        return true; /* an extension's */
    object = catalog_add(catalog, &kind_operator_class, CLASS_OPERATOR_CLASS, row_oid(row, OID),
                         row_text(row, SCHEMA), row_text(row, NAME), row_text(row, OWNER), err);
    class = arena_take(catalog_arena(catalog), sizeof(*class), err);
    if (object == NULL || class == NULL)
        return false;
    object->detail = class;
    class->has_storage = row_text_or_null(row, STORAGE) != NULL;
    class->type = arena_copy(catalog_arena(catalog), row_text(row, TYPE), err);
    return class->type != NULL &&
           operator_set_identity(catalog, object, row_text(row, METHOD), err) &&
           put_head(catalog, object, class, row, err);
}

static const struct catalog_query classes = {
    .columns = columns,
    .count = COLUMNS,
    .from = from,
    .take = take_class,
};

static bool take_members(struct catalog *catalog, const struct operator_members *members,
                         struct error *err)
{
    struct catalog_object *object = catalog_find(catalog, CLASS_OPERATOR_CLASS, members->holder);
    struct operator_class *class;

    if (object == NULL || object->kind != &kind_operator_class)
        return true; /* an extension's, or the system's */
    class = object->detail;
    class->has_members = true;
    return catalog_put_text(catalog, members->list, &class->members, err) &&
           operator_members_alias(catalog, members, object, err);
}

/* ---- Bodies that sort ---- */

/*
 * A body that the server has parsed and that sorts, groups or compares rows needs the class that it
 * does so by, or it would not be taken, or taken by another class of the type's. pg_depend only
 * knows the operator, or the family. Other things that may sort come long after all classes.
 */
enum { FUNCTION, CLASS, SORTING_COLUMNS };

static const char *const sorting_columns[] = {
    [FUNCTION] = "s.function",
    [CLASS] = "s.class",
};

static const char sorting_from[] =
    "FROM (SELECT p.oid AS function, d.refobjid AS class\n"
    "        FROM pg_catalog.pg_proc p\n"
    "       CROSS JOIN pg_catalog.regexp_matches(p.prosqlbody::pg_catalog.text,\n"
    "                              ':(?:eqop|sortop) ([0-9]+) ', 'g') m\n"
    "        JOIN pg_catalog.pg_amop a ON a.amopopr = m[1]::pg_catalog.oid\n"
    "        JOIN pg_catalog.pg_depend d\n"
    "          ON d.classid = 'pg_catalog.pg_amop'::pg_catalog.regclass AND d.objid = a.oid\n"
    "         AND d.refclassid = 'pg_catalog.pg_opclass'::pg_catalog.regclass\n"
    "       WHERE p.prosqlbody IS NOT NULL AND p.oid >= " FIRST_OF_USERS "\n"
    "      UNION\n"
    "      SELECT d.objid, c.oid\n"
    "        FROM pg_catalog.pg_depend d\n"
    "        JOIN pg_catalog.pg_opclass c ON c.opcfamily = d.refobjid\n"
    "       WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass\n"
    "         AND d.refclassid = 'pg_catalog.pg_opfamily'::pg_catalog.regclass) s\n"
    "ORDER BY s.function, s.class";

static bool take_sorting(struct catalog *catalog, void *context, const struct catalog_row *row,
                         struct error *err)
{
    struct catalog_object *function =
        catalog_find(catalog, CLASS_PROCEDURE, row_oid(row, FUNCTION));
    struct catalog_object *class = catalog_find(catalog, CLASS_OPERATOR_CLASS, row_oid(row, CLASS));

    (void)context;
    return function == NULL || class == NULL || function->class_oid != CLASS_PROCEDURE ||
           class->kind != &kind_operator_class || catalog_depend(catalog, function, class, err);
}

static const struct catalog_query sortings = {
    .columns = sorting_columns,
    .count = SORTING_COLUMNS,
    .from = sorting_from,
    .take = take_sorting,
};

static bool read_members(struct catalog *catalog, struct error *err)
{
    return operator_members_ask(catalog, false, take_members, err) &&
           (catalog_server_major(catalog) < 14 || catalog_ask(catalog, &sortings, NULL, err));
}

static const struct catalog_reference references[] = {
    {"opcmethod", "pg_am", "access method"},
    {"opcfamily", "pg_opfamily", "operator family"},
    {"opcintype", "pg_type", "type"},
    {"opckeytype", "pg_type", "type of storage"},
    {0},
};

static const struct catalog_home home = {
    .catalog = "pg_opclass",
    .word = "OPERATOR CLASS",
    .label = OPERATOR_LABEL("opcname", "opcmethod"),
    .schema = "opcnamespace",
    .owner = "opcowner",
    .references = references,
};

const struct catalog_step catalog_step_operator_class = {
    .what = "operator classes",
    .order = READ_FUNCTIONS + 1, /* bodies sort by them */
    .query = &classes,
    .read = read_members,
    .home = &home,
};
