/* Triggers. The server gives the statement whole; a partition's copy of its parent's is made by
 * that, and only whether it is enabled may have to be said. */
#include "catalog/relation.h"

#include "catalog/columns.h"

static const struct catalog_kind kind_trigger = {
    .desc = "TRIGGER",
    .section = SECTION_POST_DATA,
    .priority = PRIORITY_TRIGGER,
};

enum { OID, RELATION, NAME, ENABLED, DEFINITION, PARENT, PARENT_ENABLED, COLUMNS };

static const char *const columns[] = {
    [OID] = "t.oid",
    [RELATION] = "t.tgrelid",
    [NAME] = "t.tgname",
    [ENABLED] = "t.tgenabled",
    [DEFINITION] = "pg_catalog.pg_get_triggerdef(t.oid, false)",
    [PARENT] = "t.tgparentid",
    [PARENT_ENABLED] = "p.tgenabled",
};

/* Parents have the lower oids. */
static const char from[] =
    "FROM pg_catalog.pg_trigger t\n"
    "JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid\n"
    "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace\n"
    "LEFT JOIN pg_catalog.pg_trigger p ON p.oid = t.tgparentid\n"
    "LEFT JOIN pg_catalog.pg_constraint co ON co.oid = t.tgconstraint\n"
    "WHERE coalesce(co.contype, 't') = 't' AND (NOT t.tgisinternal OR t.tgparentid <> 0)\n"
    "  AND " OF_WANTED_RELATION "\n"
    "ORDER BY t.oid";

static struct catalog_object *add_trigger(struct catalog *catalog, const struct relation *relation,
                                          const struct catalog_row *row, struct error *err)
{
    return relation_add_part(catalog, &kind_trigger, CLASS_TRIGGER, row_oid(row, OID), relation,
                             row_text(row, NAME), err);
}

static bool take_copy(struct catalog *catalog, const struct relation *relation,
                      const struct catalog_row *row, struct error *err)
{
    struct catalog_object *parent = catalog_find(catalog, CLASS_TRIGGER, row_oid(row, PARENT));
    struct catalog_object *object;
    struct sql sql = {.err = err};

    if (relation->detaching)
        return true; /* the end of detaching drops it */
    if (row_char(row, ENABLED) == row_char(row, PARENT_ENABLED))
        return parent == NULL ||
               catalog_alias(catalog, CLASS_TRIGGER, row_oid(row, OID), parent, err);
    object = add_trigger(catalog, relation, row, err);
    if (object == NULL || (parent != NULL && !catalog_depend(catalog, object, parent, err)))
        return false;
    object->empty_drop = true;
    relation_add_enabled(relation, "TRIGGER", object->name, row_char(row, ENABLED), &sql);
    return sql_put(&sql, catalog, &object->definition);
}

static bool take_trigger(struct catalog *catalog, void *context, const struct catalog_row *row,
                         struct error *err)
{
    struct relation *relation = relation_find(catalog, row_oid(row, RELATION));
    struct catalog_object *object;
    struct sql sql = {.err = err};

    (void)context;
    if (relation == NULL)
        return true;
    if (row_oid(row, PARENT) != 0)
        return take_copy(catalog, relation, row, err);
    object = add_trigger(catalog, relation, row, err);
    if (object == NULL ||
        (relation->relkind == 'p' && !relation_lock_tree(catalog, relation, object, err)))
        return false;
    sql_add(&sql, row_text(row, DEFINITION));
    sql_add(&sql, ";\n");
    if (row_char(row, ENABLED) != 'O')
        relation_add_enabled(relation, "TRIGGER", object->name, row_char(row, ENABLED), &sql);
    return sql_put(&sql, catalog, &object->definition);
}

static const struct catalog_query triggers = {
    .columns = columns, .count = COLUMNS, .from = from, .take = take_trigger};

const struct catalog_step catalog_step_trigger = {
    .what = "triggers",
    .order = READ_OF_TABLES + 7,
    .query = &triggers,
};
