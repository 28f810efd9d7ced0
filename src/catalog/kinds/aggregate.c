/* Aggregates. Each item of the definition is null where it need not be said, and concat_ws leaves
 * it out; so the server makes the whole list. */
#include "catalog/kind.h"

#include "catalog/columns.h"

static const struct catalog_kind kind_aggregate = {
    .desc = "AGGREGATE",
    .section = SECTION_PRE_DATA,
    .priority = PRIORITY_AGGREGATE,
    .may_postpone = true,
};

enum {
    OID,
    SCHEMA,
    NAME,
    OWNER,
    IDENTITY_ARGUMENTS,
    ARGUMENT_TYPES,
    ARGUMENTS,
    ITEMS,
    ACL,
    ACL_USUAL,
    COLUMNS
};

/* The usual FINALFUNC_MODIFY depends on the kind: an ordered-set aggregate may not be trusted to
 * leave its state alone. */
static const char items[] =
    "pg_catalog.concat_ws(E',\\n    ',\n"
    "         'SFUNC = ' || a.aggtransfn,\n"
    "         'STYPE = ' || pg_catalog.format_type(a.aggtranstype, NULL),\n"
    "         'SSPACE = ' || NULLIF(a.aggtransspace, 0),\n"
    "         'INITCOND = ' || pg_catalog.quote_literal(a.agginitval),\n"
    "         'FINALFUNC = ' || NULLIF(a.aggfinalfn, 0::pg_catalog.oid)::pg_catalog.regproc,\n"
    "         CASE WHEN a.aggfinalextra THEN 'FINALFUNC_EXTRA' END,\n"
    "         'FINALFUNC_MODIFY = ' ||\n"
    "           CASE WHEN a.aggfinalmodify <> CASE a.aggkind WHEN 'n' THEN 'r' ELSE 'w' END\n"
    "                THEN CASE a.aggfinalmodify WHEN 'r' THEN 'READ_ONLY'\n"
    "                          WHEN 's' THEN 'SHAREABLE' ELSE 'READ_WRITE' END END,\n"
    "         'COMBINEFUNC = ' || NULLIF(a.aggcombinefn, 0::pg_catalog.oid)::pg_catalog.regproc,\n"
    "         'SERIALFUNC = ' || NULLIF(a.aggserialfn, 0::pg_catalog.oid)::pg_catalog.regproc,\n"
    "         'DESERIALFUNC = ' ||\n"
    "           NULLIF(a.aggdeserialfn, 0::pg_catalog.oid)::pg_catalog.regproc,\n"
    "         'MSFUNC = ' || NULLIF(a.aggmtransfn, 0::pg_catalog.oid)::pg_catalog.regproc,\n"
    "         'MINVFUNC = ' || NULLIF(a.aggminvtransfn, 0::pg_catalog.oid)::pg_catalog.regproc,\n"
    "         'MSTYPE = ' ||\n"
    "           pg_catalog.format_type(NULLIF(a.aggmtranstype, 0::pg_catalog.oid), NULL),\n"
    "         'MSSPACE = ' || NULLIF(a.aggmtransspace, 0),\n"
    "         'MINITCOND = ' || pg_catalog.quote_literal(a.aggminitval),\n"
    "         'MFINALFUNC = ' || NULLIF(a.aggmfinalfn, 0::pg_catalog.oid)::pg_catalog.regproc,\n"
    "         CASE WHEN a.aggmfinalextra THEN 'MFINALFUNC_EXTRA' END,\n"
    "         'MFINALFUNC_MODIFY = ' ||\n"
    "           CASE WHEN a.aggmfinalmodify <> CASE a.aggkind WHEN 'n' THEN 'r' ELSE 'w' END\n"
    "                THEN CASE a.aggmfinalmodify WHEN 'r' THEN 'READ_ONLY'\n"
    "                          WHEN 's' THEN 'SHAREABLE' ELSE 'READ_WRITE' END END,\n"
    "         'SORTOP = ' || (SELECT 'OPERATOR(' || pg_catalog.quote_ident(opn.nspname) ||\n"
    "                                '.' || o.oprname || ')'\n"
    "                           FROM pg_catalog.pg_operator o\n"
    "                           JOIN pg_catalog.pg_namespace opn ON opn.oid = o.oprnamespace\n"
    "                          WHERE o.oid = a.aggsortop),\n"
    "         CASE WHEN a.aggkind = 'h' THEN 'HYPOTHETICAL' END,\n"
    "         'PARALLEL = ' || CASE p.proparallel WHEN 's' THEN 'safe'\n"
    "                               WHEN 'r' THEN 'restricted' END)";

static const char *const columns[] = {
    [OID] = "p.oid",
    [SCHEMA] = "n.nspname",
    [NAME] = "p.proname",
    [OWNER] = COLUMN_ROLE("p.proowner"),
    [IDENTITY_ARGUMENTS] = "pg_catalog.pg_get_function_identity_arguments(p.oid)",
    [ARGUMENT_TYPES] = COLUMN_ARGUMENT_TYPES,
    [ARGUMENTS] = "pg_catalog.pg_get_function_arguments(p.oid)",
    [ITEMS] = items,
    [ACL] = "p.proacl",
    [ACL_USUAL] = COLUMN_ACL_USUAL("f", "p.proowner"),
};

static const char from[] = "FROM pg_catalog.pg_proc p\n"
                           "JOIN pg_catalog.pg_aggregate a ON a.aggfnoid = p.oid\n"
                           "JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace\n"
                           "WHERE " IN_USERS_SCHEMA "\n"
                           "ORDER BY n.nspname, p.proname, p.oid";

static const char *or_star(const char *arguments)
{
    return arguments[0] == '\0' ? "*" : arguments;
}

static bool put_definition(struct catalog *catalog, struct catalog_object *object,
                           const struct catalog_row *row, struct error *err)
{
    struct sql sql = {.err = err};

    sql_add(&sql, "CREATE AGGREGATE ");
    sql_qualified(&sql, object->schema, object->name);
    sql_clause(&sql, "(", or_star(row_text(row, ARGUMENTS)), ") (\n    ");
    sql_add(&sql, row_text(row, ITEMS));
    sql_add(&sql, "\n);\n");
    return sql_put(&sql, catalog, &object->definition);
}

/* GRANT knows functions only, and those by the types of all arguments: no *, no ORDER BY. */
static bool add_privileges(struct catalog *catalog, struct catalog_object *object,
                           const struct catalog_row *row, struct error *err)
{
    struct sql signature = {.err = err};
    struct privileges privileges = {
        .acl = row_text_or_null(row, ACL),
        .usual = row_text_or_null(row, ACL_USUAL),
        .on = "FUNCTION",
        .type = 'f',
    };
    bool done;

    sql_name(&signature, object->name);
    sql_clause(&signature, "(", row_text(row, ARGUMENT_TYPES), ")");
    privileges.signature = sql_text(&signature);
    done = !signature.failed && privileges_add(catalog, object, &privileges, err);
    return sql_end(&signature) && done;
}

static bool take_aggregate(struct catalog *catalog, void *context, const struct catalog_row *row,
                           struct error *err)
{
    struct catalog_object *object;

    (void)context;
    if (catalog_find(catalog, CLASS_PROCEDURE, row_oid(row, OID)) != NULL)
        return true; /* an extension's */
    object = catalog_add(catalog, &kind_aggregate, CLASS_PROCEDURE, row_oid(row, OID),
                         row_text(row, SCHEMA), row_text(row, NAME), row_text(row, OWNER), err);
    return object != NULL &&
           catalog_set_routine_identity(catalog, object, or_star(row_text(row, IDENTITY_ARGUMENTS)),
                                        or_star(row_text(row, ARGUMENT_TYPES)), err) &&
           add_privileges(catalog, object, row, err) && put_definition(catalog, object, row, err);
}

static const struct catalog_query aggregates = {
    .columns = columns, .count = COLUMNS, .from = from, .take = take_aggregate};

const struct catalog_step catalog_step_aggregate = {
    .what = "aggregates",
    .order = READ_FUNCTIONS + 1,
    .query = &aggregates,
};
