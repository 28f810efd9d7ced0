/*
 * Operators.
 *
 * A commutator or negator that is not there yet is made by CREATE OPERATOR as a shell, without a
 * function, and filled by its own: so these two need no order, and pg_depend has none. A shell that
 * was never filled is nobody's object: whoever names it makes it again.
 */
#include "catalog/kind.h"

#include "catalog/columns.h"

static const struct catalog_kind kind_operator = {
    .desc = "OPERATOR",
    .section = SECTION_PRE_DATA,
    .priority = PRIORITY_OPERATOR,
    .may_postpone = true,
};

enum { OID, SCHEMA, NAME, OWNER, ARGUMENTS, ITEMS, LOST, COLUMNS };

static const char arguments[] =
    "CASE WHEN o.oprleft = 0 THEN 'NONE' ELSE pg_catalog.format_type(o.oprleft, NULL) END ||\n"
    "       ', ' ||\n"
    "       CASE WHEN o.oprright = 0 THEN 'NONE' ELSE pg_catalog.format_type(o.oprright, NULL) END";

#define OTHER_OPERATOR(column)                                                                     \
    "(SELECT 'OPERATOR(' || pg_catalog.quote_ident(xn.nspname) || '.' || x.oprname || ')'\n"       \
    "                   FROM pg_catalog.pg_operator x\n"                                           \
    "                   JOIN pg_catalog.pg_namespace xn ON xn.oid = x.oprnamespace\n"              \
    "                  WHERE x.oid = o." column ")"

#define COMMUTATOR OTHER_OPERATOR("oprcom")
#define NEGATOR OTHER_OPERATOR("oprnegate")

/* Each item is null where it need not be said, and concat_ws leaves those out. */
static const char items[] =
    "pg_catalog.concat_ws(E',\\n    ',\n"
    "         'FUNCTION = ' || o.oprcode,\n"
    "         'LEFTARG = ' ||\n"
    "           pg_catalog.format_type(NULLIF(o.oprleft, 0::pg_catalog.oid), NULL),\n"
    "         'RIGHTARG = ' ||\n"
    "           pg_catalog.format_type(NULLIF(o.oprright, 0::pg_catalog.oid), NULL),\n"
    "         'COMMUTATOR = ' || " COMMUTATOR ",\n"
    "         'NEGATOR = ' || " NEGATOR ",\n"
    "         CASE WHEN o.oprcanmerge THEN 'MERGES' END,\n"
    "         CASE WHEN o.oprcanhash THEN 'HASHES' END,\n"
    "         'RESTRICT = ' || NULLIF(o.oprrest, 0::pg_catalog.oid)::pg_catalog.regproc,\n"
    "         'JOIN = ' || NULLIF(o.oprjoin, 0::pg_catalog.oid)::pg_catalog.regproc)";

/* Servers before 9.6 forgot to clear these when the other operator was dropped. */
static const char lost[] =
    "CASE WHEN o.oprcom <> 0 AND " COMMUTATOR " IS NULL THEN 'commutator'\n"
    "            WHEN o.oprnegate <> 0 AND " NEGATOR " IS NULL THEN 'negator' END";

static const char *const columns[] = {
    [OID] = "o.oid",         [SCHEMA] = "n.nspname",
    [NAME] = "o.oprname",    [OWNER] = COLUMN_ROLE("o.oprowner"),
    [ARGUMENTS] = arguments, [ITEMS] = items,
    [LOST] = lost,
};

static const char from[] = "FROM pg_catalog.pg_operator o\n"
                           "JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace\n"
                           "WHERE o.oprcode <> 0 AND " IN_USERS_SCHEMA "\n"
                           "ORDER BY n.nspname, o.oprname, o.oid";

/* Its name is never quoted. */
static bool set_identity(struct catalog *catalog, struct catalog_object *object,
                         const char *of_types, struct error *err)
{
    struct sql plain = {.err = err};
    bool done;

    sql_add(&plain, object->name);
    sql_clause(&plain, " (", of_types, ")");
    done = !plain.failed && catalog_set_identity(catalog, object, sql_text(&plain), err);
    return sql_end(&plain) && done;
}

static bool leave_out_lost(struct catalog *catalog, const struct catalog_object *object,
                           const char *what, struct error *err)
{
    return what == NULL || catalog_options(catalog)->data_only ||
           catalog_leave_out(catalog, err, "operator %s has a %s that was dropped: it is left out",
                             object->identity, what);
}

static bool take_operator(struct catalog *catalog, void *context, const struct catalog_row *row,
                          struct error *err)
{
    struct catalog_object *object;
    struct sql sql = {.err = err};

    (void)context;
    if (catalog_find(catalog, CLASS_OPERATOR, row_oid(row, OID)) != NULL)
        return true; /* an extension's */
    object = catalog_add(catalog, &kind_operator, CLASS_OPERATOR, row_oid(row, OID),
                         row_text(row, SCHEMA), row_text(row, NAME), row_text(row, OWNER), err);
    if (object == NULL || !set_identity(catalog, object, row_text(row, ARGUMENTS), err) ||
        !leave_out_lost(catalog, object, row_text_or_null(row, LOST), err))
        return false;
    sql_add(&sql, "CREATE OPERATOR ");
    sql_name(&sql, object->schema);
    sql_printf(&sql, ".%s (\n    ", object->name);
    sql_clause(&sql, "", row_text(row, ITEMS), "\n);\n");
    return sql_put(&sql, catalog, &object->definition);
}

static const struct catalog_query operators = {
    .columns = columns,
    .count = COLUMNS,
    .from = from,
    .take = take_operator,
};

static const struct catalog_reference references[] = {
    {"oprleft", "pg_type", "left type"},      {"oprright", "pg_type", "right type"},
    {"oprcode", "pg_proc", "function"},       {"oprrest", "pg_proc", "restriction estimator"},
    {"oprjoin", "pg_proc", "join estimator"}, {0},
};

#define LEFT_TYPE LABEL_OF_TYPE("h.oprleft")
#define RIGHT_TYPE LABEL_OF_TYPE("h.oprright")

static const struct catalog_home home = {
    .catalog = "pg_operator",
    .word = "OPERATOR",
    .label = "h.oprname || ' (' || coalesce(" LEFT_TYPE ", 'NONE') || ', ' ||\n"
             "         coalesce(" RIGHT_TYPE ", 'NONE') || ')'",
    .schema = "oprnamespace",
    .owner = "oprowner",
    .references = references,
};

const struct catalog_step catalog_step_operator = {
    .what = "operators",
    .order = READ_BEFORE_RELATIONS,
    .query = &operators,
    .home = &home,
};
