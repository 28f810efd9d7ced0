/* Aggregates. */
#include "catalog/kind.h"

static const struct catalog_kind kind_aggregate = {
    .desc = "AGGREGATE",
    .section = SECTION_PRE_DATA,
    .priority = PRIORITY_AGGREGATE,
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

static const char *or_star(const char *arguments)
{
    return arguments[0] == '\0' ? "*" : arguments;
}

static bool put_definition(struct catalog *catalog, struct catalog_object *object,
                           const struct catalog_row *row, struct error *err)
{
    struct buffer sql = {0};
    bool done = buffer_append_string(&sql, "CREATE AGGREGATE ", err) &&
                name_append_qualified(&sql, object->schema, object->name, err) &&
                buffer_append_byte(&sql, '(', err) &&
                buffer_append_string(&sql, or_star(row_text(row, ARGUMENTS)), err) &&
                buffer_append_string(&sql, ") (\n    ", err) &&
                buffer_append_string(&sql, row_text(row, ITEMS), err) &&
                buffer_append_string(&sql, "\n);\n", err) &&
                catalog_put_text(catalog, buffer_text(&sql), &object->definition, err);

    buffer_free(&sql);
    return done;
}

/* GRANT knows functions only, and those by the types of all arguments: no *, no ORDER BY. */
static bool add_privileges(struct catalog *catalog, struct catalog_object *object,
                           const struct catalog_row *row, struct error *err)
{
    struct buffer signature = {0};
    struct privileges privileges = {
        .acl = row_text_or_null(row, ACL),
        .usual = row_text_or_null(row, ACL_USUAL),
        .on = "FUNCTION",
        .type = 'f',
    };
    bool done = name_append(&signature, object->name, err) &&
                buffer_append_byte(&signature, '(', err) &&
                buffer_append_string(&signature, row_text(row, ARGUMENT_TYPES), err) &&
                buffer_append_byte(&signature, ')', err);

    privileges.signature = buffer_text(&signature);
    done = done && privileges_add(catalog, object, &privileges, err);
    buffer_free(&signature);
    return done;
}

static bool take_aggregate(struct catalog *catalog, void *context, const struct catalog_row *row,
                           struct error *err)
{
    struct catalog_object *object;

    (void)context;
    if (catalog_find(catalog, CLASS_PROCEDURE, row_oid(row, OID)) != NULL)
        return true;
    object = catalog_add(catalog, &kind_aggregate, CLASS_PROCEDURE, row_oid(row, OID),
                         row_text(row, SCHEMA), row_text(row, NAME), row_text(row, OWNER), err);
    return object != NULL &&
           function_name(catalog, object, or_star(row_text(row, IDENTITY_ARGUMENTS)),
                         or_star(row_text(row, ARGUMENT_TYPES)), err) &&
           add_privileges(catalog, object, row, err) && put_definition(catalog, object, row, err);
}

/* FINALFUNC_MODIFY's usual value depends on the kind: an ordered-set aggregate may not be trusted
 * to leave its state alone. */
static bool read_aggregates(struct catalog *catalog, struct error *err)
{
    static const char query[] =
        "SELECT p.oid, n.nspname, p.proname, pg_catalog.pg_get_userbyid(p.proowner), "
        "       pg_catalog.pg_get_function_identity_arguments(p.oid), "
        "       coalesce((SELECT pg_catalog.string_agg(pg_catalog.format_type(x.type, NULL), ', ' "
        "                                              ORDER BY x.number) "
        "                   FROM pg_catalog.unnest(p.proargtypes) "
        "                        WITH ORDINALITY x (type, number)), ''), "
        "       pg_catalog.pg_get_function_arguments(p.oid), "
        "       pg_catalog.concat_ws(E',\\n    ', "
        "         'SFUNC = ' || a.aggtransfn, "
        "         'STYPE = ' || pg_catalog.format_type(a.aggtranstype, NULL), "
        "         'SSPACE = ' || NULLIF(a.aggtransspace, 0), "
        "         'INITCOND = ' || pg_catalog.quote_literal(a.agginitval), "
        "         'FINALFUNC = ' || NULLIF(a.aggfinalfn, 0::pg_catalog.oid)::pg_catalog.regproc, "
        "         CASE WHEN a.aggfinalextra THEN 'FINALFUNC_EXTRA' END, "
        "         'FINALFUNC_MODIFY = ' || "
        "           CASE WHEN a.aggfinalmodify <> CASE a.aggkind WHEN 'n' THEN 'r' ELSE 'w' END "
        "                THEN CASE a.aggfinalmodify WHEN 'r' THEN 'READ_ONLY' "
        "                          WHEN 's' THEN 'SHAREABLE' ELSE 'READ_WRITE' END END, "
        "         'COMBINEFUNC = ' || "
        "           NULLIF(a.aggcombinefn, 0::pg_catalog.oid)::pg_catalog.regproc, "
        "         'SERIALFUNC = ' || NULLIF(a.aggserialfn, 0::pg_catalog.oid)::pg_catalog.regproc, "
        "         'DESERIALFUNC = ' || "
        "           NULLIF(a.aggdeserialfn, 0::pg_catalog.oid)::pg_catalog.regproc, "
        "         'MSFUNC = ' || NULLIF(a.aggmtransfn, 0::pg_catalog.oid)::pg_catalog.regproc, "
        "         'MINVFUNC = ' || NULLIF(a.aggminvtransfn, "
        "0::pg_catalog.oid)::pg_catalog.regproc, "
        "         'MSTYPE = ' || pg_catalog.format_type(NULLIF(a.aggmtranstype, "
        "                                                      0::pg_catalog.oid), NULL), "
        "         'MSSPACE = ' || NULLIF(a.aggmtransspace, 0), "
        "         'MINITCOND = ' || pg_catalog.quote_literal(a.aggminitval), "
        "         'MFINALFUNC = ' || NULLIF(a.aggmfinalfn, 0::pg_catalog.oid)::pg_catalog.regproc, "
        "         CASE WHEN a.aggmfinalextra THEN 'MFINALFUNC_EXTRA' END, "
        "         'MFINALFUNC_MODIFY = ' || "
        "           CASE WHEN a.aggmfinalmodify <> CASE a.aggkind WHEN 'n' THEN 'r' ELSE 'w' END "
        "                THEN CASE a.aggmfinalmodify WHEN 'r' THEN 'READ_ONLY' "
        "                          WHEN 's' THEN 'SHAREABLE' ELSE 'READ_WRITE' END END, "
        "         'SORTOP = ' || (SELECT 'OPERATOR(' || pg_catalog.quote_ident(opn.nspname) || "
        "                                '.' || o.oprname || ')' "
        "                           FROM pg_catalog.pg_operator o "
        "                           JOIN pg_catalog.pg_namespace opn ON opn.oid = o.oprnamespace "
        "                          WHERE o.oid = a.aggsortop), "
        "         CASE WHEN a.aggkind = 'h' THEN 'HYPOTHETICAL' END, "
        "         'PARALLEL = ' || CASE p.proparallel WHEN 's' THEN 'safe' "
        "                               WHEN 'r' THEN 'restricted' END), "
        "       p.proacl, pg_catalog.acldefault('f', p.proowner) "
        "  FROM pg_catalog.pg_proc p "
        "  JOIN pg_catalog.pg_aggregate a ON a.aggfnoid = p.oid "
        "  JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace "
        " WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' "
        " ORDER BY n.nspname, p.proname, p.oid";

    return catalog_query(catalog, query, COLUMNS, take_aggregate, NULL, err);
}

const struct catalog_step catalog_step_aggregate = {
    .what = "aggregates",
    .order = READ_FUNCTIONS + 1,
    .read = read_aggregates,
};
