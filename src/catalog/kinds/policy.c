/* Row security: that a table has it, and the policies that say who sees which rows. */
#include "catalog/relation.h"

#include "catalog/columns.h"

static const struct catalog_kind kind_row_security = {
    .desc = "ROW SECURITY",
    .section = SECTION_POST_DATA,
    .priority = PRIORITY_ROW_SECURITY,
    .no_drop = true,
};

static const struct catalog_kind kind_policy = {
    .desc = "POLICY",
    .section = SECTION_POST_DATA,
    .priority = PRIORITY_POLICY,
};

enum { OID, RELATION, NAME, PERMISSIVE, COMMAND, ROLES, USING, CHECK, COLUMNS };

static const char *const columns[] = {
    [OID] = "p.oid",
    [RELATION] = "p.polrelid",
    [NAME] = "p.polname",
    [PERMISSIVE] = "p.polpermissive",
    [COMMAND] = "CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT'\n"
                "                     WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' END",
    [ROLES] = "CASE WHEN p.polroles <> '{0}'\n"
              "            THEN (SELECT pg_catalog.string_agg(pg_catalog.quote_ident(r.rolname),\n"
              "                                               ', ' ORDER BY r.rolname)\n"
              "                    FROM pg_catalog.pg_roles r\n"
              "                   WHERE r.oid = ANY (p.polroles)) END",
    [USING] = "pg_catalog.pg_get_expr(p.polqual, p.polrelid)",
    [CHECK] = "pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid)",
};

static const char from[] = "FROM pg_catalog.pg_policy p\n"
                           "JOIN pg_catalog.pg_class c ON c.oid = p.polrelid\n"
                           "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace\n"
                           "WHERE " OF_WANTED_RELATION "\n"
                           "ORDER BY p.polrelid, p.polname";

static bool take_policy(struct catalog *catalog, void *context, const struct catalog_row *row,
                        struct error *err)
{
    struct relation *relation = relation_find(catalog, row_oid(row, RELATION));
    struct catalog_object *object;
    struct sql sql = {.err = err};

    (void)context;
    if (relation == NULL)
        return true;
    object = relation_add_part(catalog, &kind_policy, CLASS_POLICY, row_oid(row, OID), relation,
                               row_text(row, NAME), err);
    if (object == NULL)
        return false;
    sql_printf(&sql, "CREATE POLICY %s", object->identity);
    if (!row_flag(row, PERMISSIVE))
        sql_add(&sql, " AS RESTRICTIVE");
    sql_clause(&sql, " FOR ", row_text_or_null(row, COMMAND), "");
    sql_clause(&sql, " TO ", row_text_or_null(row, ROLES), "");
    sql_clause(&sql, " USING (", row_text_or_null(row, USING), ")");
    sql_clause(&sql, " WITH CHECK (", row_text_or_null(row, CHECK), ")");
    sql_add(&sql, ";\n");
    return sql_put(&sql, catalog, &object->definition);
}

static const struct catalog_query policies = {
    .columns = columns, .count = COLUMNS, .from = from, .take = take_policy};

static bool add_row_security(struct catalog *catalog, const struct relation *relation,
                             struct error *err)
{
    const struct catalog_object *table = relation->object;
    struct catalog_object *object = catalog_add(catalog, &kind_row_security, 0, 0, table->schema,
                                                table->name, table->owner, err);
    struct sql sql = {.err = err};

    if (object == NULL || !catalog_depend(catalog, object, table, err))
        return false;
    object->oid = table->oid;
    sql_printf(&sql, "ALTER TABLE %s ENABLE ROW LEVEL SECURITY;\n", table->identity);
    return sql_put(&sql, catalog, &object->definition);
}

static bool read_policies(struct catalog *catalog, struct error *err)
{
    size_t count = catalog_object_count(catalog);

    for (size_t i = 0; i < count; i++) {
        const struct relation *relation = relation_of(catalog_object_at(catalog, i));

        if (relation != NULL && relation->row_security && !add_row_security(catalog, relation, err))
            return false;
    }
    return catalog_ask(catalog, &policies, NULL, err);
}

const struct catalog_step catalog_step_policy = {
    .what = "policies",
    .order = READ_OF_TABLES + 8,
    .read = read_policies,
};
