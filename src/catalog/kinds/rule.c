/* Rules of tables and views, but for the query of a view, which is its own (view.c). The server
 * gives the statement whole. */
#include "catalog/relation.h"

#include "catalog/columns.h"

static const struct catalog_kind kind_rule = {
    .desc = "RULE",
    .section = SECTION_POST_DATA,
    .priority = PRIORITY_RULE,
};

enum { OID, RELATION, NAME, ENABLED, DEFINITION, COLUMNS };

static const char *const columns[] = {
    [OID] = "r.oid",
    [RELATION] = "r.ev_class",
    [NAME] = "r.rulename",
    [ENABLED] = "r.ev_enabled",
    [DEFINITION] = "pg_catalog.pg_get_ruledef(r.oid)",
};

static const char from[] =
    "FROM pg_catalog.pg_rewrite r\n"
    "JOIN pg_catalog.pg_class c ON c.oid = r.ev_class\n"
    "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace\n"
    "WHERE (r.rulename <> '_RETURN' OR c.relkind NOT IN ('v', 'm')) AND " OF_WANTED_RELATION "\n"
    "ORDER BY r.ev_class, r.rulename";

static bool take_rule(struct catalog *catalog, void *context, const struct catalog_row *row,
                      struct error *err)
{
    struct relation *relation = relation_find(catalog, row_oid(row, RELATION));
    struct catalog_object *object;
    struct sql sql = {.err = err};

    (void)context;
    if (relation == NULL)
        return true;
    object = relation_add_part(catalog, &kind_rule, CLASS_REWRITE, row_oid(row, OID), relation,
                               row_text(row, NAME), err);
    if (object == NULL)
        return false;
    sql_add(&sql, row_text(row, DEFINITION));
    sql_add(&sql, "\n");
    if (row_char(row, ENABLED) != 'O')
        relation_add_enabled(relation, "RULE", object->name, row_char(row, ENABLED), &sql);
    return sql_put(&sql, catalog, &object->definition);
}

static const struct catalog_query rules = {
    .columns = columns, .count = COLUMNS, .from = from, .take = take_rule};

const struct catalog_step catalog_step_rule = {
    .what = "rules",
    .order = READ_OF_TABLES + 6,
    .query = &rules,
};
