/* CREATE TABLE, and the ALTER TABLE statements that belong to it. */
#include "catalog/relation.h"

#include <inttypes.h>
#include <stdlib.h>

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

static bool append_not_null(const struct column *column, struct buffer *text, struct error *err)
{
    if (!column->not_null || !column->not_null_local)
        return true;
    if (column->not_null_name != NULL && (!buffer_append_string(text, " CONSTRAINT ", err) ||
                                          !name_append(text, column->not_null_name, err)))
        return false;
    return buffer_append_string(text, " NOT NULL", err) &&
           (!column->not_null_no_inherit || buffer_append_string(text, " NO INHERIT", err));
}

static bool append_value(const struct column *column, struct buffer *text, struct error *err)
{
    if (column->generated != '\0' && column->value_inherited)
        return true;
    if (column->generated != '\0')
        return buffer_printf(text, err, " GENERATED ALWAYS AS (%s)%s", column->default_value,
                             column->generated == 's' ? " STORED" : "");
    if (default_is_inline(column))
        return buffer_printf(text, err, " DEFAULT %s", column->default_value);
    return !column->default_dropped || buffer_append_string(text, " DEFAULT NULL", err);
}

static bool append_column(const struct relation *relation, const struct column *column,
                          struct buffer *text, struct error *err)
{
    if (!buffer_append_string(text, "    ", err) || !name_append(text, column->name, err))
        return false;
    if (relation->of_type != NULL && relation->parent_count == 0) {
        if (!buffer_append_string(text, " WITH OPTIONS", err))
            return false;
    } else if (!buffer_printf(text, err, " %s", column->type) ||
               (column->collation != NULL &&
                !buffer_printf(text, err, " COLLATE %s", column->collation))) {
        return false;
    }
    return append_value(column, text, err) && append_not_null(column, text, err);
}

/* In a typed table only columns that say more than the type does. */
static bool is_listed(const struct relation *relation, const struct column *column)
{
    if (!names_column(relation, column))
        return false;
    return relation->of_type == NULL || default_is_inline(column) || column->generated != '\0' ||
           (column->not_null && column->not_null_local);
}

static bool separate(struct buffer *text, bool *first, struct error *err)
{
    bool was_first = *first;

    *first = false;
    return buffer_append_string(text, was_first ? "(\n" : ",\n", err);
}

/* A NOT NULL of a column that only the parent declares. */
static bool append_lone_not_null(const struct column *column, struct buffer *text,
                                 struct error *err)
{
    if (!buffer_append_string(text, "    ", err))
        return false;
    if (column->not_null_name != NULL &&
        (!buffer_append_string(text, "CONSTRAINT ", err) ||
         !name_append(text, column->not_null_name, err) || !buffer_append_byte(text, ' ', err)))
        return false;
    return buffer_append_string(text, "NOT NULL ", err) && name_append(text, column->name, err) &&
           (!column->not_null_no_inherit || buffer_append_string(text, " NO INHERIT", err));
}

static bool append_check(struct catalog *catalog, const struct catalog_object *piece,
                         struct buffer *text, struct error *err)
{
    const struct check *check = piece->detail;
    const char *definition;

    return catalog_get_text(catalog, check->definition, &definition, err) &&
           buffer_append_string(text, "    CONSTRAINT ", err) &&
           name_append(text, piece->name, err) && buffer_printf(text, err, " %s", definition);
}

static int compare_pieces(const void *a, const void *b)
{
    return strcmp((*(const struct catalog_object *const *)a)->name,
                  (*(const struct catalog_object *const *)b)->name);
}

/* A piece that is a NOT NULL has no detail. */
static bool is_check(const struct catalog_object *piece)
{
    return piece->class_oid == CLASS_CONSTRAINT && piece->detail != NULL;
}

/* CHECK constraints that are still pieces, by name. */
static bool append_checks(struct catalog *catalog, const struct relation *relation,
                          struct buffer *text, bool *first, struct error *err)
{
    const struct catalog_object **checks;
    size_t count = 0, found = 0;
    bool done = true;

    for (const struct catalog_object *piece = relation->object->pieces; piece != NULL;
         piece = piece->next_piece)
        count += is_check(piece);
    checks = calloc(count + 1, sizeof(*checks));
    if (checks == NULL)
        return error_set_memory(err);
    for (const struct catalog_object *piece = relation->object->pieces; piece != NULL;
         piece = piece->next_piece) {
        if (is_check(piece))
            checks[found++] = piece;
    }
    qsort(checks, found, sizeof(*checks), compare_pieces);
    for (size_t i = 0; done && i < found; i++) {
        const struct check *check = checks[i]->detail;

        if (check->is_local || relation->is_partition)
            done = separate(text, first, err) && append_check(catalog, checks[i], text, err);
    }
    free(checks);
    return done;
}

static bool append_elements(struct catalog *catalog, const struct relation *relation,
                            struct buffer *text, struct error *err)
{
    bool first = true;

    for (size_t i = 0; i < relation->column_count; i++) {
        const struct column *column = &relation->columns[i];

        if (is_listed(relation, column)) {
            if (!separate(text, &first, err) || !append_column(relation, column, text, err))
                return false;
        } else if (!names_column(relation, column) && column->not_null && column->not_null_local &&
                   catalog_server_major(catalog) >= 18) {
            if (!separate(text, &first, err) || !append_lone_not_null(column, text, err))
                return false;
        }
    }
    if (!append_checks(catalog, relation, text, &first, err))
        return false;
    if (!first)
        return buffer_append_string(text, "\n)", err);
    return relation->of_type != NULL || buffer_append_string(text, "(\n)", err);
}

/* ---- The statement ---- */

static bool append_parents(const struct relation *relation, struct buffer *text, struct error *err)
{
    if (relation->parent_count == 0 || relation->is_partition)
        return true;
    for (size_t i = 0; i < relation->parent_count; i++) {
        if (!buffer_printf(text, err, "%s%s", i == 0 ? "\nINHERITS (" : ", ",
                           relation->parents[i]->object->identity))
            return false;
    }
    return buffer_append_byte(text, ')', err);
}

static bool append_create(struct catalog *catalog, const struct relation *relation,
                          struct buffer *text, struct error *err)
{
    const char *key;

    if (!buffer_printf(text, err, "CREATE %sTABLE %s ",
                       relation->persistence == 'u' ? "UNLOGGED " : "",
                       relation->object->identity) ||
        (relation->of_type != NULL && !buffer_printf(text, err, "OF %s ", relation->of_type)) ||
        !append_elements(catalog, relation, text, err) || !append_parents(relation, text, err) ||
        !catalog_get_text(catalog, relation->partition_key, &key, err) ||
        (key != NULL && !buffer_printf(text, err, "\nPARTITION BY %s", key)) ||
        (relation->reloptions != NULL &&
         !buffer_printf(text, err, "\nWITH (%s)", relation->reloptions)))
        return false;
    return buffer_append_string(text, ";\n", err);
}

/* ---- What CREATE TABLE cannot say ---- */

static bool alter_column(const struct relation *relation, const struct column *column,
                         struct buffer *text, struct error *err)
{
    return buffer_printf(text, err, "ALTER TABLE ONLY %s ALTER COLUMN ",
                         relation->object->identity) &&
           name_append(text, column->name, err);
}

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

bool table_append_column_changes(const struct relation *relation, const struct column *column,
                                 struct buffer *text, struct error *err)
{
    if (column->statistics >= 0 &&
        (!alter_column(relation, column, text, err) ||
         !buffer_printf(text, err, " SET STATISTICS %" PRId32 ";\n", column->statistics)))
        return false;
    if (column->storage != '\0' &&
        (!alter_column(relation, column, text, err) ||
         !buffer_printf(text, err, " SET STORAGE %s;\n", storage_name(column->storage))))
        return false;
    if (column->compression != '\0' &&
        (!alter_column(relation, column, text, err) ||
         !buffer_printf(text, err, " SET COMPRESSION %s;\n",
                        column->compression == 'p' ? "pglz" : "lz4")))
        return false;
    if (column->options != NULL && (!alter_column(relation, column, text, err) ||
                                    !buffer_printf(text, err, " SET (%s);\n", column->options)))
        return false;
    return true;
}

/* Up to 17 a NOT NULL has no name, and is set afterwards where only the parent declares the column.
 */
static bool append_inherited_not_null(struct catalog *catalog, const struct relation *relation,
                                      const struct column *column, struct buffer *text,
                                      struct error *err)
{
    if (catalog_server_major(catalog) >= 18 || names_column(relation, column) ||
        !column->not_null || !column->not_null_local)
        return true;
    return alter_column(relation, column, text, err) &&
           buffer_append_string(text, " SET NOT NULL;\n", err);
}

static bool append_table_changes(const struct relation *relation, struct buffer *text,
                                 struct error *err)
{
    const char *identity = relation->object->identity;

    if (relation->replica_identity == 'n' || relation->replica_identity == 'f') {
        if (!buffer_printf(text, err, "ALTER TABLE ONLY %s REPLICA IDENTITY %s;\n", identity,
                           relation->replica_identity == 'n' ? "NOTHING" : "FULL"))
            return false;
    }
    return !relation->force_row_security ||
           buffer_printf(text, err, "ALTER TABLE ONLY %s FORCE ROW LEVEL SECURITY;\n", identity);
}

bool table_write(struct catalog *catalog, const struct catalog_object *object,
                 struct archive_entry *entry, struct buffer *text, struct error *err)
{
    const struct relation *relation = relation_of(object);

    (void)entry;
    if (!append_create(catalog, relation, text, err))
        return false;
    for (size_t i = 0; i < relation->column_count; i++) {
        const struct column *column = &relation->columns[i];

        if (!append_inherited_not_null(catalog, relation, column, text, err) ||
            !table_append_column_changes(relation, column, text, err))
            return false;
    }
    return append_table_changes(relation, text, err);
}

bool table_copy_columns(const struct relation *relation, struct buffer *out, struct error *err)
{
    bool first = true;

    for (size_t i = 0; i < relation->column_count; i++) {
        if (relation->columns[i].generated != '\0')
            continue;
        if (!buffer_append_string(out, first ? "(" : ", ", err) ||
            !name_append(out, relation->columns[i].name, err))
            return false;
        first = false;
    }
    return first || buffer_append_byte(out, ')', err);
}
