/* Transforms: how a language takes and gives the values of a type. Like casts, without a name or an
 * owner. */
#include "catalog/kind.h"

#include "catalog/columns.h"

static const struct catalog_kind kind_transform = {
    .desc = "TRANSFORM",
    .section = SECTION_PRE_DATA,
    .priority = PRIORITY_TRANSFORM,
    .no_owner = true,
    .may_postpone = true,
};

enum { OID, TYPE, LANGUAGE, FROM_SQL, TO_SQL, COLUMNS };

/* concat_ws would take a function that is not there for none; `||` makes a null of it. */
#define WITH_FUNCTION(column, word)                                                                \
    "CASE WHEN t." column " = 0 THEN '' ELSE '" word " SQL WITH FUNCTION ' ||\n"                   \
    "         (SELECT " COLUMN_ROUTINE "\n"                                                        \
    "            FROM pg_catalog.pg_proc p\n"                                                      \
    "            JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace\n"                       \
    "           WHERE p.oid = t." column ") END"

static const char *const columns[] = {
    [OID] = "t.oid",
    [TYPE] = "pg_catalog.format_type(t.trftype, NULL)",
    [LANGUAGE] = "l.lanname",
    [FROM_SQL] = WITH_FUNCTION("trffromsql", "FROM"),
    [TO_SQL] = WITH_FUNCTION("trftosql", "TO"),
};

static const char from[] = "FROM pg_catalog.pg_transform t\n"
                           "LEFT JOIN pg_catalog.pg_language l ON l.oid = t.trflang\n"
                           "WHERE t.oid >= " FIRST_OF_USERS "\n"
                           "ORDER BY 2, 3";

static bool set_identity(struct catalog *catalog, struct catalog_object *object,
                         const struct catalog_row *row, struct error *err)
{
    struct sql identity = {.err = err}, tag = {.err = err};
    bool done;

    sql_clause(&identity, "FOR ", row_text(row, TYPE), " LANGUAGE ");
    sql_name(&identity, row_text(row, LANGUAGE));
    done = !identity.failed && catalog_set_identity(catalog, object, sql_text(&identity), err);
    sql_clause(&tag, "TRANSFORM ", sql_text(&identity), "");
    sql_end(&identity);
    object->tag = sql_copy(&tag, catalog_arena(catalog));
    return done && object->tag != NULL;
}

static bool take_transform(struct catalog *catalog, void *context, const struct catalog_row *row,
                           struct error *err)
{
    const char *from_sql = row_text(row, FROM_SQL), *to_sql = row_text(row, TO_SQL);
    struct catalog_object *object;
    struct sql sql = {.err = err};

    (void)context;
    if (catalog_find(catalog, CLASS_TRANSFORM, row_oid(row, OID)) != NULL)
        return true; /* an extension's */
    object = catalog_add(catalog, &kind_transform, CLASS_TRANSFORM, row_oid(row, OID), NULL,
                         row_text(row, TYPE), NULL, err);
    if (object == NULL || !set_identity(catalog, object, row, err))
        return false;
    sql_clause(&sql, "CREATE TRANSFORM ", object->identity, " (");
    sql_add(&sql, from_sql);
    sql_add(&sql, from_sql[0] != '\0' && to_sql[0] != '\0' ? ", " : "");
    sql_clause(&sql, "", to_sql, ");\n");
    return sql_put(&sql, catalog, &object->definition);
}

static const struct catalog_query transforms = {
    .columns = columns,
    .count = COLUMNS,
    .from = from,
    .take = take_transform,
};

static const struct catalog_reference references[] = {
    {"trftype", "pg_type", "type"},
    {"trflang", "pg_language", "language"},
    {"trffromsql", "pg_proc", "function FROM SQL"},
    {"trftosql", "pg_proc", "function TO SQL"},
    {0},
};

static const struct catalog_home home = {
    .catalog = "pg_transform",
    .word = "TRANSFORM",
    .label = "pg_catalog.concat('FOR ', " LABEL_OF_TYPE(
        "h.trftype") ", ' LANGUAGE ',\n"
                     "         (SELECT pg_catalog.quote_ident(l.lanname) FROM "
                     "pg_catalog.pg_language l\n"
                     "           WHERE l.oid = h.trflang))",
    .references = references,
};

const struct catalog_step catalog_step_transform = {
    .what = "transforms",
    .whole_only = true,
    .order = READ_BEFORE_RELATIONS,
    .query = &transforms,
    .home = &home,
};
