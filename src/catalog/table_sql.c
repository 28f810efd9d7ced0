/* CREATE TABLE and CREATE FOREIGN TABLE, and the ALTER statements that belong to them: what
 * columns, checks and parents make of a table is only known once loops are broken, so it is written
 * last. */
#include "catalog/relation.h"

#include <inttypes.h>
#include <stdlib.h>

static void write_table(struct catalog *catalog, const struct catalog_object *object,
                        struct archive_entry *entry, struct sql *sql);

const struct catalog_kind kind_table = {
    .desc = "TABLE",
    .section = SECTION_PRE_DATA,
    .priority = PRIORITY_RELATION,
    .detail = DETAIL_RELATION,
    .write = write_table,
};

const struct catalog_kind kind_foreign_table = {
    .desc = "FOREIGN TABLE",
    .section = SECTION_PRE_DATA,
    .priority = PRIORITY_RELATION,
    .detail = DETAIL_RELATION,
    .write = write_table,
};

/* ---- Columns ---- */

/* A partition is made on its own and attached later, so it names all its columns; a child of
 * ordinary inheritance only those that it declares itself. */
static bool names_column(const struct relation *relation, const struct column *column)
{
    return column->is_local || relation->is_partition || relation->parent_count == 0;
}

static bool default_is_inline(const struct column *column)
{
    return column->default_object != NULL && column->default_object->host != NULL;
}

static bool not_null_is_own(const struct column *column)
{
    return column->not_null && column->not_null_local;
}

static void add_not_null(const struct column *column, struct sql *sql)
{
    if (!not_null_is_own(column))
        return;
    if (column->not_null_name != NULL) {
        sql_add(sql, " CONSTRAINT ");
        sql_name(sql, column->not_null_name);
    }
    sql_add(sql, " NOT NULL");
    if (column->not_null_no_inherit)
        sql_add(sql, " NO INHERIT");
}

/* Where the expression is said later, another one keeps its place, if the server can do that. */
static void add_expression(const struct catalog *catalog, const struct column *column,
                           struct sql *sql)
{
    const char *end = column->generated == 's' ? ") STORED" : ")";

    if (column->default_object == NULL || default_is_inline(column))
        sql_clause(sql, " GENERATED ALWAYS AS (", column->default_value, end);
    else if (catalog_server_major(catalog) >= 17)
        sql_printf(sql, " GENERATED ALWAYS AS (NULL::%s%s", column->type, end);
}

static void add_value(const struct catalog *catalog, const struct column *column, struct sql *sql)
{
    if (column->generated != '\0') {
        if (!column->value_inherited)
            add_expression(catalog, column, sql);
    } else if (default_is_inline(column)) {
        sql_clause(sql, " DEFAULT ", column->default_value, "");
    } else if (column->default_dropped) {
        sql_add(sql, " DEFAULT NULL");
    }
}

static const char *compression_word(const struct column *column)
{
    return column->compression == 'p' ? "pglz" : "lz4";
}

/* Merging with a parent's column that is compressed otherwise is an error of 14 and 15. */
static bool parent_compresses_otherwise(const struct relation *relation,
                                        const struct column *column)
{
    if (relation->is_partition)
        return false;
    for (size_t i = 0; i < relation->parent_count; i++) {
        const struct relation *parent = relation->parents[i];

        for (size_t at = 0; at < parent->column_count; at++) {
            const struct column *same = &parent->columns[at];

            if (strcmp(same->name, column->name) == 0 && same->compression != '\0' &&
                same->compression != column->compression)
                return true;
        }
    }
    return false;
}

/* How a column of a foreign table is compressed cannot be said by ALTER, which pg_dump tries. */
static void add_foreign_compression(const struct relation *relation, const struct column *column,
                                    struct sql *sql)
{
    if (relation->relkind == 'f' && column->compression != '\0' &&
        !parent_compresses_otherwise(relation, column))
        sql_printf(sql, " COMPRESSION %s", compression_word(column));
}

static void add_column(const struct catalog *catalog, const struct relation *relation,
                       const struct column *column, struct sql *sql)
{
    sql_add(sql, "    ");
    sql_name(sql, column->name);
    if (relation->of_type != NULL && relation->parent_count == 0) {
        sql_add(sql, " WITH OPTIONS");
    } else {
        sql_clause(sql, " ", column->type, "");
        add_foreign_compression(relation, column, sql);
        sql_clause(sql, " COLLATE ", column->collation, "");
    }
    add_value(catalog, column, sql);
    add_not_null(column, sql);
}

/* In a typed table only columns that say more than the type does. */
static bool is_listed(const struct relation *relation, const struct column *column)
{
    if (!names_column(relation, column))
        return false;
    return relation->of_type == NULL || default_is_inline(column) || column->generated != '\0' ||
           not_null_is_own(column);
}

/* A NOT NULL of a column that only the parent declares. */
static void add_lone_not_null(const struct column *column, struct sql *sql)
{
    sql_add(sql, "    ");
    if (column->not_null_name != NULL) {
        sql_add(sql, "CONSTRAINT ");
        sql_name(sql, column->not_null_name);
        sql_add(sql, " ");
    }
    sql_add(sql, "NOT NULL ");
    sql_name(sql, column->name);
    if (column->not_null_no_inherit)
        sql_add(sql, " NO INHERIT");
}

/* ---- What stands in parentheses ---- */

static void separate(struct sql *sql, bool *first)
{
    sql_add(sql, *first ? "(\n" : ",\n");
    *first = false;
}

static int compare_pieces(const void *a, const void *b)
{
    return strcmp((*(const struct catalog_object *const *)a)->name,
                  (*(const struct catalog_object *const *)b)->name);
}

/* Those that are still pieces of the table, by name; NULL: out of memory. */
static const struct catalog_object **sorted_checks(const struct catalog_object *table,
                                                   size_t *count, struct error *err)
{
    const struct catalog_object **checks;
    size_t most = 0;

    *count = 0;
    for (const struct catalog_object *piece = table->pieces; piece != NULL;
         piece = piece->next_piece)
        most++;
    checks = calloc(most + 1, sizeof(*checks));
    if (checks == NULL) {
        error_set_memory(err);
        return NULL;
    }
    for (const struct catalog_object *piece = table->pieces; piece != NULL;
         piece = piece->next_piece) {
        if (piece->kind->detail == DETAIL_CHECK)
            checks[(*count)++] = piece;
    }
    qsort(checks, *count, sizeof(*checks), compare_pieces);
    return checks;
}

static void add_checks(struct catalog *catalog, const struct relation *relation, struct sql *sql,
                       bool *first)
{
    size_t count;
    const struct catalog_object **checks = sorted_checks(relation->object, &count, sql->err);

    if (checks == NULL) {
        sql_fail(sql);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const struct check *check = checks[i]->detail;

        if (!check->is_local && !relation->is_partition)
            continue;
        separate(sql, first);
        sql_add(sql, "    CONSTRAINT ");
        sql_name(sql, checks[i]->name);
        sql_add(sql, " ");
        sql_stored(sql, catalog, check->definition);
    }
    free(checks);
}

static void add_elements(struct catalog *catalog, const struct relation *relation, struct sql *sql)
{
    bool first = true;

    for (size_t i = 0; i < relation->column_count; i++) {
        const struct column *column = &relation->columns[i];

        if (is_listed(relation, column)) {
            separate(sql, &first);
            add_column(catalog, relation, column, sql);
        } else if (!names_column(relation, column) && not_null_is_own(column) &&
                   catalog_server_major(catalog) >= 18) {
            separate(sql, &first);
            add_lone_not_null(column, sql);
        }
    }
    add_checks(catalog, relation, sql, &first);
    if (!first)
        sql_add(sql, "\n)");
    else if (relation->of_type == NULL)
        sql_add(sql, "(\n)");
}

/* ---- The statement ---- */

static void add_parents(const struct relation *relation, struct sql *sql)
{
    if (relation->parent_count == 0 || relation->is_partition)
        return;
    for (size_t i = 0; i < relation->parent_count; i++)
        sql_printf(sql, "%s%s", i == 0 ? "\nINHERITS (" : ", ",
                   relation->parents[i]->object->identity);
    sql_add(sql, ")");
}

static void add_server(const struct relation *relation, struct sql *sql)
{
    if (relation->relkind != 'f')
        return;
    if (relation->server == NULL) {
        error_set(sql->err, ERROR_PROTOCOL, "no row of pg_foreign_table");
        sql_fail(sql);
        return;
    }
    sql_add(sql, "\nSERVER ");
    sql_name(sql, relation->server);
    sql_clause(sql, "\nOPTIONS (\n    ", relation->foreign_options, "\n)");
}

static void add_create(struct catalog *catalog, const struct relation *relation, struct sql *sql)
{
    sql_printf(sql, "CREATE %s%s %s ", relation->persistence == 'u' ? "UNLOGGED " : "",
               relation_word(relation), relation->object->identity);
    sql_clause(sql, "OF ", relation->of_type, " ");
    add_elements(catalog, relation, sql);
    add_parents(relation, sql);
    if (relation->partition_key.block != 0)
        sql_add(sql, "\nPARTITION BY ");
    sql_stored(sql, catalog, relation->partition_key);
    add_server(relation, sql);
    sql_clause(sql, "\nWITH (", relation->reloptions, ")");
    sql_add(sql, ";\n");
}

/* ---- What CREATE TABLE cannot say ---- */

static const char *storage_name(char storage)
{
    switch (storage) {
    case 'p':
        return "PLAIN";
    case 'e':
        return "EXTERNAL";
    case 'm':
        return "MAIN";
    default:
        return "EXTENDED";
    }
}

void table_add_column_changes(const struct relation *relation, const struct column *column,
                              struct sql *sql)
{
    if (column->statistics >= 0) {
        table_alter_column(relation, column, sql);
        sql_printf(sql, " SET STATISTICS %" PRId32 ";\n", column->statistics);
    }
    if (column->storage != '\0') {
        table_alter_column(relation, column, sql);
        sql_printf(sql, " SET STORAGE %s;\n", storage_name(column->storage));
    }
    if (column->compression != '\0' && relation->relkind != 'f') {
        table_alter_column(relation, column, sql);
        sql_printf(sql, " SET COMPRESSION %s;\n", compression_word(column));
    }
    if (column->options != NULL) {
        table_alter_column(relation, column, sql);
        sql_clause(sql, " SET (", column->options, ");\n");
    }
    if (column->foreign_options != NULL) {
        table_alter_column(relation, column, sql);
        sql_clause(sql, " OPTIONS (\n    ", column->foreign_options, "\n);\n");
    }
}

/* Up to 17 a NOT NULL has no name, and is set afterwards where only the parent declares the column.
 */
static void add_inherited_not_null(struct catalog *catalog, const struct relation *relation,
                                   const struct column *column, struct sql *sql)
{
    if (catalog_server_major(catalog) >= 18 || names_column(relation, column) ||
        !not_null_is_own(column))
        return;
    table_alter_column(relation, column, sql);
    sql_add(sql, " SET NOT NULL;\n");
}

/* A default that a column lost which only the parent declares is NULL by an entry of its own, as
 * pg_dump has it, but that may come after children were made, which would have inherited it. */
static void add_lost_default(const struct relation *relation, const struct column *column,
                             struct sql *sql)
{
    if (!column->default_dropped || names_column(relation, column))
        return;
    table_alter_column(relation, column, sql);
    sql_add(sql, " DROP DEFAULT;\n");
}

static void write_table(struct catalog *catalog, const struct catalog_object *object,
                        struct archive_entry *entry, struct sql *sql)
{
    const struct relation *relation = relation_of(object);

    (void)entry;
    add_create(catalog, relation, sql);
    for (size_t i = 0; i < relation->column_count; i++) {
        add_inherited_not_null(catalog, relation, &relation->columns[i], sql);
        add_lost_default(relation, &relation->columns[i], sql);
        table_add_column_changes(relation, &relation->columns[i], sql);
    }
    if (relation->relkind != 'f' &&
        (relation->replica_identity == 'n' || relation->replica_identity == 'f'))
        sql_printf(sql, "ALTER TABLE ONLY %s REPLICA IDENTITY %s;\n", object->identity,
                   relation->replica_identity == 'n' ? "NOTHING" : "FULL");
    if (relation->force_row_security)
        sql_printf(sql, "ALTER TABLE ONLY %s FORCE ROW LEVEL SECURITY;\n", object->identity);
}

bool table_add_copied_names(const struct relation *relation, const char *before, struct sql *sql)
{
    bool first = true;

    for (size_t i = 0; i < relation->column_count; i++) {
        if (relation->columns[i].generated != '\0')
            continue;
        sql_add(sql, first ? before : ", ");
        sql_name(sql, relation->columns[i].name);
        first = false;
    }
    return !first;
}

void table_add_copied_columns(const struct relation *relation, struct sql *sql)
{
    if (table_add_copied_names(relation, "(", sql))
        sql_add(sql, ")");
}
