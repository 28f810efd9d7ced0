/* Casts. They have neither a name nor an owner nor a schema; what tells a user's from the system's
 * is the oid. The cast of a range to its multirange is made with the range (it hangs on that by
 * deptype 'i'). */
#include "catalog/kind.h"

#include "catalog/columns.h"

#define CAST(order)                                                                                \
    {                                                                                              \
        .desc = "CAST", .section = SECTION_PRE_DATA, .priority = (order), .no_owner = true,        \
        .may_postpone = true                                                                       \
    }

static const struct catalog_kind kind_cast = CAST(PRIORITY_CAST);
static const struct catalog_kind kind_binary_cast = CAST(PRIORITY_BINARY_CAST);

enum { OID, SOURCE, TARGET, BINARY, HOW, CONTEXT, COLUMNS };

/* NULL, and so a failure, where the function is not there. */
static const char how[] = "CASE c.castmethod\n"
                          "       WHEN 'b' THEN 'WITHOUT FUNCTION' WHEN 'i' THEN 'WITH INOUT'\n"
                          "       ELSE 'WITH FUNCTION ' || " COLUMN_ROUTINE " END";

static const char *const columns[] = {
    [OID] = "c.oid",
    [SOURCE] = "pg_catalog.format_type(c.castsource, NULL)",
    [TARGET] = "pg_catalog.format_type(c.casttarget, NULL)",
    [BINARY] = "c.castmethod = 'b'",
    [HOW] = how,
    [CONTEXT] = "CASE c.castcontext WHEN 'a' THEN ' AS ASSIGNMENT' WHEN 'i' THEN ' AS IMPLICIT'\n"
                "            WHEN 'e' THEN '' END",
};

/* Types of other sessions' temporary tables come and go. */
static const char from[] =
    "FROM pg_catalog.pg_cast c\n"
    "LEFT JOIN pg_catalog.pg_proc p ON p.oid = c.castfunc\n"
    "LEFT JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace\n"
    "WHERE c.oid >= " FIRST_OF_USERS "\n"
    "  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d\n"
    "                   WHERE d.classid = 'pg_catalog.pg_cast'::pg_catalog.regclass\n"
    "                     AND d.objid = c.oid AND d.deptype = 'i')\n"
    "  AND NOT EXISTS (SELECT FROM pg_catalog.pg_type t\n"
    "                    JOIN pg_catalog.pg_namespace tn ON tn.oid = t.typnamespace\n"
    "                   WHERE t.oid IN (c.castsource, c.casttarget)\n"
    "                     AND tn.nspname ~ '^pg_temp_')\n"
    "ORDER BY 2, 3";

static bool set_identity(struct catalog *catalog, struct catalog_object *object,
                         const struct catalog_row *row, struct error *err)
{
    struct sql identity = {.err = err}, tag = {.err = err};
    bool done;

    sql_clause(&identity, "(", row_text(row, SOURCE), " AS ");
    sql_clause(&identity, "", row_text(row, TARGET), ")");
    done = !identity.failed && catalog_set_identity(catalog, object, sql_text(&identity), err);
    sql_clause(&tag, "CAST ", sql_text(&identity), "");
    sql_end(&identity);
    object->tag = sql_copy(&tag, catalog_arena(catalog));
    return done && object->tag != NULL;
}

static bool take_cast(struct catalog *catalog, void *context, const struct catalog_row *row,
                      struct error *err)
{
    struct catalog_object *object;
    struct sql sql = {.err = err};

    (void)context;
    if (catalog_find(catalog, CLASS_CAST, row_oid(row, OID)) != NULL)
        return true; /* an extension's */
    object = catalog_add(catalog, row_flag(row, BINARY) ? &kind_binary_cast : &kind_cast,
                         CLASS_CAST, row_oid(row, OID), NULL, row_text(row, SOURCE), NULL, err);
    if (object == NULL || !set_identity(catalog, object, row, err))
        return false;
    sql_clause(&sql, "CREATE CAST ", object->identity, " ");
    sql_add(&sql, row_text(row, HOW));
    sql_add(&sql, row_text(row, CONTEXT));
    sql_add(&sql, ";\n");
    return sql_put(&sql, catalog, &object->definition);
}

static const struct catalog_query casts = {
    .columns = columns,
    .count = COLUMNS,
    .from = from,
    .take = take_cast,
};

static const struct catalog_reference references[] = {
    {"castsource", "pg_type", "source type"},
    {"casttarget", "pg_type", "target type"},
    {"castfunc", "pg_proc", "function"},
    {0},
};

static const struct catalog_home home = {
    .catalog = "pg_cast",
    .word = "CAST",
    .label = "pg_catalog.concat('(', " LABEL_OF_TYPE("h.castsource") ", ' AS ',\n"
                                                                     "         " LABEL_OF_TYPE(
                                                                         "h.casttarget") ", ')')",
    .references = references,
};

const struct catalog_step catalog_step_cast = {
    .what = "casts",
    .whole_only = true,
    .order = READ_BEFORE_RELATIONS,
    .query = &casts,
    .home = &home,
};
