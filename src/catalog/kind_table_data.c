/* The rows of tables. */
#include "catalog/relation.h"

static const struct catalog_kind kind_table_data = {
    .desc = "TABLE DATA",
    .section = SECTION_DATA,
    .priority = PRIORITY_TABLE_DATA,
    .no_drop = true,
};

/* ONLY is what COPY does by itself; pg_restore knows a table's own data by the form of this. */
static bool add_data(struct catalog *catalog, struct relation *relation, struct error *err)
{
    const struct catalog_object *table = relation->object;
    struct catalog_object *object =
        catalog_add(catalog, &kind_table_data, 0, 0, table->schema, table->name, table->owner, err);
    struct buffer sql = {0};
    size_t base;
    bool done;

    if (object == NULL || !catalog_depend(catalog, object, table, err))
        return false;
    object->oid = table->oid; /* of no catalog: it stands for nothing in pg_depend */
    relation->data = object;
    done = buffer_printf(&sql, err, "COPY %s ", table->identity) &&
           table_copy_columns(relation, &sql, err);
    base = sql.len;
    done = done && buffer_append_string(&sql, " FROM stdin;\n", err) &&
           catalog_put_text(catalog, buffer_text(&sql), &object->copy, err);
    buffer_truncate(&sql, base);
    done = done && buffer_append_string(&sql, " TO STDOUT", err) &&
           catalog_put_text(catalog, buffer_text(&sql), &object->data_query, err);
    buffer_free(&sql);
    return done;
}

static bool read_data(struct catalog *catalog, struct error *err)
{
    size_t count = catalog_object_count(catalog);

    for (size_t i = 0; i < count; i++) {
        struct relation *relation = relation_of(catalog_object_at(catalog, i));

        if (relation != NULL && relation->relkind == 'r' && !add_data(catalog, relation, err))
            return false;
    }
    return true;
}

const struct catalog_reader catalog_reader_table_data = {
    .what = "rows of tables",
    .order = READ_DATA,
    .read = read_data,
};
