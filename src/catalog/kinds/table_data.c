/* The rows of tables. */
#include "catalog/relation.h"

static const struct catalog_kind kind_table_data = {
    .desc = "TABLE DATA",
    .section = SECTION_DATA,
    .priority = PRIORITY_TABLE_DATA,
    .no_drop = true,
};

/* An enum's hash comes from the oids of its values, and those are others wherever it is made anew:
 * its rows find their partition again from the root only. */
static bool take_unstable(struct catalog *catalog, void *context, const struct catalog_row *row,
                          struct error *err)
{
    struct relation *relation = relation_find(catalog, row_oid(row, 0));

    (void)context;
    (void)err;
    if (relation != NULL)
        relation->unstable_partitions = true;
    return true;
}

static bool read_unstable(struct catalog *catalog, struct error *err)
{
    static const char query[] =
        "SELECT p.partrelid "
        "  FROM pg_catalog.pg_partitioned_table p "
        "  JOIN pg_catalog.pg_opclass o ON o.oid = ANY (p.partclass) "
        "  JOIN pg_catalog.pg_am a ON a.oid = o.opcmethod "
        " WHERE p.partstrat = 'h' AND o.opcname = 'enum_ops' AND a.amname = 'hash' "
        "   AND o.opcnamespace = 'pg_catalog'::pg_catalog.regnamespace";

    return catalog_query(catalog, query, 1, take_unstable, NULL, err);
}

/* The root that a partition has to be loaded through; NULL: it may be loaded itself. */
static const struct relation *root_to_load(const struct relation *relation)
{
    bool unstable = false;

    while (relation->is_partition && relation->parent_count > 0) {
        relation = relation->parents[0];
        unstable = unstable || relation->unstable_partitions;
    }
    return unstable ? relation : NULL;
}

/* pg_restore knows by the form of this that the rows go elsewhere. */
static bool note_root(struct catalog *catalog, struct catalog_object *object,
                      const struct relation *root, struct error *err)
{
    struct buffer note = {0};
    bool done = buffer_append_string(&note, "-- load via partition root ", err) &&
                buffer_append_string(&note, root->object->identity, err) &&
                catalog_put_text(catalog, buffer_text(&note), &object->definition, err);

    buffer_free(&note);
    return done;
}

/* ONLY is what COPY does by itself; pg_restore knows a table's own data by the form of this. */
static bool add_data(struct catalog *catalog, struct relation *relation, struct error *err)
{
    const struct catalog_object *table = relation->object;
    const struct relation *root = root_to_load(relation);
    struct catalog_object *object =
        catalog_add(catalog, &kind_table_data, 0, 0, table->schema, table->name, table->owner, err);
    struct buffer sql = {0}, columns = {0};
    bool done;

    if (object == NULL || !catalog_depend(catalog, object, table, err) ||
        (root != NULL && !note_root(catalog, object, root, err)))
        return false;
    object->oid = table->oid; /* of no catalog: it stands for nothing in pg_depend */
    relation->data = object;
    done = table_copy_columns(relation, &columns, err) &&
           buffer_printf(&sql, err, "COPY %s %s FROM stdin;\n",
                         root != NULL ? root->object->identity : table->identity,
                         buffer_text(&columns)) &&
           catalog_put_text(catalog, buffer_text(&sql), &object->copy, err);
    buffer_clear(&sql);
    done =
        done &&
        buffer_printf(&sql, err, "COPY %s %s TO STDOUT", table->identity, buffer_text(&columns)) &&
        catalog_put_text(catalog, buffer_text(&sql), &object->data_query, err);
    buffer_free(&sql);
    buffer_free(&columns);
    return done;
}

static bool read_data(struct catalog *catalog, struct error *err)
{
    size_t count = catalog_object_count(catalog);

    if (!read_unstable(catalog, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        struct relation *relation = relation_of(catalog_object_at(catalog, i));

        if (relation != NULL && relation->relkind == 'r' && !add_data(catalog, relation, err))
            return false;
    }
    return true;
}

const struct catalog_step catalog_step_table_data = {
    .what = "rows of tables",
    .order = READ_DATA,
    .read = read_data,
};
