/* The rows of tables: what COPY reads, and what it is restored by. */
#include "catalog/relation.h"
#include "catalog/row_conditions.h"

static const struct catalog_kind kind_table_data = {
    .desc = "TABLE DATA",
    .content = CONTENT_DATA,
    .section = SECTION_DATA,
    .priority = PRIORITY_TABLE_DATA,
    .no_drop = true,
};

/* An enum's hash comes from the oids of its values, and those are others wherever it is made anew:
 * its rows find their partition again from the root only. */
enum { UNSTABLE, COLUMNS };

static const char *const columns[] = {[UNSTABLE] = "p.partrelid"};

static const char from[] =
    "FROM pg_catalog.pg_partitioned_table p\n"
    "JOIN pg_catalog.pg_opclass o ON o.oid = ANY (p.partclass)\n"
    "JOIN pg_catalog.pg_am a ON a.oid = o.opcmethod\n"
    "WHERE p.partstrat = 'h' AND o.opcname = 'enum_ops' AND a.amname = 'hash'\n"
    "  AND o.opcnamespace = 'pg_catalog'::pg_catalog.regnamespace";

static bool take_unstable(struct catalog *catalog, void *context, const struct catalog_row *row,
                          struct error *err)
{
    struct relation *relation = relation_find(catalog, row_oid(row, UNSTABLE));

    (void)context;
    (void)err;
    if (relation != NULL)
        relation->unstable_partitions = true;
    return true;
}

static const struct catalog_query unstable_query = {
    .columns = columns, .count = COLUMNS, .from = from, .take = take_unstable};

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
    struct sql note = {.err = err};

    sql_add(&note, "-- load via partition root ");
    sql_remark(&note, root->object->identity);
    return sql_put(&note, catalog, &object->definition);
}

/* All rows, or those that a condition says. ONLY is what COPY does by itself. */
static void add_query(struct catalog *catalog, const struct relation *relation, struct sql *sql)
{
    const struct catalog_object *table = relation->object;

    if (relation->relkind != 'f' && !catalog_has_row_condition(catalog, table->oid)) {
        sql_printf(sql, "COPY %s ", table->identity);
        table_add_copied_columns(relation, sql);
    } else {
        sql_add(sql, "COPY (SELECT ");
        table_add_copied_names(relation, "", sql);
        sql_printf(sql, " FROM ONLY %s", table->identity);
        catalog_add_row_condition(catalog, table->oid, sql);
        sql_add(sql, ")");
    }
    sql_add(sql, " TO STDOUT");
}

/* pg_restore knows a table's own data by the form of this. */
static bool add_data(struct catalog *catalog, struct relation *relation, struct error *err)
{
    const struct catalog_object *table = relation->object;
    const struct relation *root = root_to_load(relation);
    struct catalog_object *object =
        catalog_add(catalog, &kind_table_data, 0, 0, table->schema, table->name, table->owner, err);
    struct sql in = {.err = err}, out = {.err = err};
    bool done;

    if (object == NULL || !catalog_depend(catalog, object, table, err) ||
        (root != NULL && !note_root(catalog, object, root, err)))
        return false;
    object->oid = table->oid; /* of no catalog: it stands for nothing in pg_depend */
    relation->data = object;
    sql_printf(&in, "COPY %s ", root != NULL ? root->object->identity : table->identity);
    table_add_copied_columns(relation, &in);
    sql_add(&in, " FROM stdin;\n");
    add_query(catalog, relation, &out);
    done = sql_put(&in, catalog, &object->copy);
    return sql_put(&out, catalog, &object->data_query) && done;
}

/* Those of a foreign table lie elsewhere. */
static bool has_rows(const struct catalog *catalog, const struct relation *relation)
{
    return relation->relkind == 'r' ||
           (relation->relkind == 'f' && catalog_wants_foreign_rows(catalog, relation->server_oid));
}

/* pg_dump leaves them out there, too. */
static bool leave_out(struct catalog *catalog, size_t count, const struct relation *first,
                      struct error *err)
{
    return count == 0 ||
           catalog_leave_out(catalog, err,
                             "rows of %zu unlogged table%s are left out, since a standby has none "
                             "of them: %s%s",
                             count, count == 1 ? "" : "s", first->object->identity,
                             count == 1 ? "" : ", …");
}

static bool read_data(struct catalog *catalog, struct error *err)
{
    size_t count = catalog_object_count(catalog), left_out = 0;
    const struct relation *first = NULL;

    if (!row_conditions_check(catalog, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        struct relation *relation = relation_of(catalog_object_at(catalog, i));

        if (relation == NULL || !has_rows(catalog, relation) ||
            !catalog_wants_rows(catalog, relation->object->oid, relation->persistence == 'u'))
            continue;
        if (!relation->not_here && !add_data(catalog, relation, err))
            return false;
        if (relation->not_here && left_out++ == 0)
            first = relation;
    }
    return leave_out(catalog, left_out, first, err);
}

/* ---- Without definitions ---- */

/* Constraints are there already where such rows come to: what is referred to has to come first. */
static bool order_by_keys(struct catalog *catalog, struct error *err)
{
    size_t count = catalog_object_count(catalog);

    for (size_t i = 0; catalog_options(catalog)->data_only && i < count; i++) {
        const struct relation *relation = relation_of(catalog_object_at(catalog, i));

        for (const struct foreign_key *key = relation == NULL ? NULL : relation->foreign_keys;
             key != NULL; key = key->beside) {
            if (relation->data != NULL && key->to != NULL && key->to->data != NULL &&
                !catalog_depend(catalog, relation->data, key->to->data, err))
                return false;
        }
    }
    return true;
}

const struct catalog_step catalog_step_table_data = {
    .what = "rows of tables",
    .order = READ_DATA,
    .query = &unstable_query,
    .read = read_data,
    .link = order_by_keys,
};
