/* Indexes of partitions become parts of the partitioned table's index, which need not be in the
 * archive itself: pg_dump says so all the same. */
#include "catalog/relation.h"

static const struct catalog_kind kind_index_attach = {
    .desc = "INDEX ATTACH",
    .section = SECTION_POST_DATA,
    .priority = PRIORITY_INDEX_ATTACH,
    .no_drop = true,
};

/* A foreign key to a partitioned table needs its index to be whole: every part of it attached. */
static bool needed_by_references(struct catalog *catalog, const struct table_index *index,
                                 const struct catalog_object *attach, struct error *err)
{
    for (index = index->parent; index != NULL; index = index->parent) {
        for (const struct foreign_key *key = index->references; key != NULL; key = key->next) {
            if (!catalog_depend(catalog, key->object, attach, err))
                return false;
        }
    }
    return true;
}

/* The tables, too, so that pg_restore -j does nothing else with them meanwhile: the last part makes
 * the whole valid, which locks the tables above it one after the other. */
static bool need_tables(struct catalog *catalog, const struct table_index *index,
                        const struct catalog_object *attach, struct error *err)
{
    for (; index != NULL; index = index->parent) {
        if (!catalog_depend(catalog, attach, index->table->object, err))
            return false;
    }
    return true;
}

static bool add_attach(struct catalog *catalog, const struct table_index *index, struct error *err)
{
    const struct catalog_object *part = index->object;
    struct catalog_object *object = catalog_add(catalog, &kind_index_attach, 0, 0, part->schema,
                                                index->name, index->parent_owner, err);
    struct sql sql = {.err = err};

    if (object == NULL || !catalog_depend(catalog, object, part, err) ||
        (index->parent != NULL && !catalog_depend(catalog, object, index->parent->object, err)) ||
        !need_tables(catalog, index, object, err) ||
        !needed_by_references(catalog, index, object, err))
        return false;
    sql_add(&sql, "ALTER INDEX ");
    sql_qualified(&sql, index->parent_schema, index->parent_name);
    sql_add(&sql, " ATTACH PARTITION ");
    sql_qualified(&sql, part->schema, index->name);
    sql_add(&sql, ";\n");
    return sql_put(&sql, catalog, &object->definition);
}

static bool read_attaches(struct catalog *catalog, struct error *err)
{
    size_t count = catalog_object_count(catalog);

    for (size_t i = 0; i < count; i++) {
        struct table_index *index = table_index_of(catalog_object_at(catalog, i));

        if (index != NULL && index->parent_oid != 0)
            index->parent = table_index_find(catalog, index->parent_oid);
    }
    for (size_t i = 0; i < count; i++) {
        const struct table_index *index = table_index_of(catalog_object_at(catalog, i));

        if (index != NULL && index->parent_oid != 0 && !add_attach(catalog, index, err))
            return false;
    }
    return true;
}

const struct catalog_step catalog_step_index_attach = {
    .what = "indexes of partitions",
    .order = READ_OF_TABLES + 5, /* once it is known which indexes stand behind constraints */
    .read = read_attaches,
};
