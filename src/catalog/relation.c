/* What the files about tables, views and sequences share: how relations, indexes and checks are
 * found, and defaults, which columns and inheritance both make. It calls none of those files. */
#include "catalog/relation.h"

struct relation *relation_of(const struct catalog_object *object)
{
    return object->kind->detail == DETAIL_RELATION ? object->detail : NULL;
}

struct relation *relation_find(const struct catalog *catalog, uint32_t oid)
{
    const struct catalog_object *object = catalog_find(catalog, CLASS_RELATION, oid);

    return object == NULL || object->oid != oid ? NULL : relation_of(object);
}

struct column *relation_column(const struct relation *relation, int16_t number)
{
    for (size_t i = 0; i < relation->column_count; i++) {
        if (relation->columns[i].number == number)
            return &relation->columns[i];
    }
    return NULL;
}

struct catalog_object *relation_add_part(struct catalog *catalog, const struct catalog_kind *kind,
                                         uint32_t class_oid, uint32_t oid,
                                         const struct relation *relation, const char *name,
                                         struct error *err)
{
    const struct catalog_object *whole = relation->object;
    struct catalog_object *object =
        catalog_add(catalog, kind, class_oid, oid, whole->schema, name, whole->owner, err);

    return object != NULL && catalog_set_identity_on(catalog, object, whole, err) ? object : NULL;
}

const char *relation_word(const struct relation *relation)
{
    return relation->relkind == 'f' ? "FOREIGN TABLE" : "TABLE";
}

void relation_add_enabled(const struct relation *relation, const char *what, const char *name,
                          char enabled, struct sql *sql)
{
    const char *word = enabled == 'D'   ? "DISABLE"
                       : enabled == 'R' ? "ENABLE REPLICA"
                       : enabled == 'A' ? "ENABLE ALWAYS"
                                        : "ENABLE";

    sql_printf(sql, "ALTER %s %s %s %s ", relation_word(relation), relation->object->identity, word,
               what);
    sql_name(sql, name);
    sql_add(sql, ";\n");
}

bool relation_lock_tree(struct catalog *catalog, struct relation *relation,
                        struct catalog_object *object, struct error *err)
{
    struct tree_lock *lock = arena_take(catalog_arena(catalog), sizeof(*lock), err);

    if (lock == NULL)
        return false;
    *lock = (struct tree_lock){.object = object, .next = relation->tree_locks};
    relation->tree_locks = lock;
    return true;
}

bool check_is_inherited(const struct catalog_object *object)
{
    return object->kind->detail == DETAIL_CHECK &&
           !((const struct check *)object->detail)->is_local;
}

/* ---- Indexes ---- */

struct table_index *table_index_of(const struct catalog_object *object)
{
    return object->kind->detail == DETAIL_INDEX && object->class_oid == CLASS_RELATION
               ? object->detail
               : NULL;
}

struct table_index *table_index_find(const struct catalog *catalog, uint32_t oid)
{
    const struct catalog_object *object = catalog_find(catalog, CLASS_RELATION, oid);

    return object == NULL || object->kind->detail != DETAIL_INDEX ? NULL : object->detail;
}

bool table_index_become(struct catalog *catalog, struct table_index *index,
                        struct catalog_object *constraint, struct error *err)
{
    index->object->hidden = true;
    index->object = constraint;
    constraint->detail = index;
    constraint->tablespace = index->tablespace;
    constraint->empty_drop = index->parent_oid != 0;
    return catalog_alias(catalog, CLASS_RELATION, index->oid, constraint, err);
}

/* ---- Defaults ---- */

/* The detail of a default. */
struct column_default {
    const struct relation *relation;
    const struct column *column;
    bool told; /* that the column will not be generated */
};

/* Of a generated column whose expression needs its table: see kinds/column.c. */
static void write_expression(struct catalog *catalog, struct column_default *detail,
                             struct sql *sql)
{
    const struct column *column = detail->column;
    const char *table = detail->relation->object->identity;

    sql_printf(sql, "ALTER TABLE ONLY %s ALTER COLUMN ", table);
    sql_name(sql, column->name);
    if (catalog_server_major(catalog) >= 17) {
        sql_clause(sql, " SET EXPRESSION AS (", column->default_value, ");\n");
        return;
    }
    sql_clause(sql, " SET DEFAULT ", column->default_value, ";\n");
    if (!detail->told &&
        !catalog_leave_out(catalog, sql->err,
                           "that column %s of %s is generated is left out: its expression needs "
                           "the table's own type, and a server before 17 cannot set it later; it "
                           "comes back as the column's default",
                           column->name, table))
        sql_fail(sql);
    detail->told = true;
}

static void write_default(struct catalog *catalog, const struct catalog_object *object,
                          struct archive_entry *entry, struct sql *sql)
{
    struct column_default *detail = object->detail;

    (void)entry;
    if (detail->column->generated != '\0') {
        write_expression(catalog, detail, sql);
        return;
    }
    if (detail->relation->relkind == 'v')
        sql_add(sql, "ALTER VIEW ");
    else
        sql_printf(sql, "ALTER %s ONLY ", relation_word(detail->relation));
    sql_printf(sql, "%s ALTER COLUMN ", detail->relation->object->identity);
    sql_name(sql, detail->column->name);
    sql_clause(sql, " SET DEFAULT ", detail->column->default_value, ";\n");
}

/* A piece of its table: it becomes an entry of its own where it leads back to the table (the
 * sequence of a serial column belongs to the table). */
static const struct catalog_kind kind_default = {
    .desc = "DEFAULT",
    .section = SECTION_PRE_DATA,
    .priority = PRIORITY_DEFAULT,
    .piece_rank = 3,
    .write = write_default,
};

/* The expression of a generated column, which is taken off last of all: only if nothing else ends
 * the loop, not even the body of a function. */
static const struct catalog_kind kind_expression = {
    .desc = "DEFAULT",
    .section = SECTION_PRE_DATA,
    .priority = PRIORITY_DEFAULT,
    .piece_rank = 6,
    .write = write_default,
};

bool column_default_make(struct catalog *catalog, struct relation *relation, struct column *column,
                         uint32_t class_oid, uint32_t oid, struct error *err)
{
    struct catalog_object *table = relation->object;
    const struct catalog_kind *kind = column->generated == '\0' ? &kind_default : &kind_expression;
    struct catalog_object *object =
        catalog_add(catalog, kind, class_oid, oid, table->schema, column->name, table->owner, err);
    struct column_default *detail = arena_take(catalog_arena(catalog), sizeof(*detail), err);
    struct sql drop = {.err = err};

    if (object == NULL || detail == NULL || !catalog_set_tag_of_part(catalog, object, table, err))
        return false;
    *detail = (struct column_default){.relation = relation, .column = column};
    object->detail = detail;
    column->default_object = object;
    sql_printf(&drop, "ALTER TABLE %s ALTER COLUMN ", table->identity);
    sql_name(&drop, column->name);
    sql_add(&drop, column->generated != '\0' && catalog_server_major(catalog) >= 17
                       ? " DROP EXPRESSION;\n"
                       : " DROP DEFAULT;\n");
    return sql_put(&drop, catalog, &object->drop);
}

void column_default_move(struct catalog_object *object, const struct column *column)
{
    ((struct column_default *)object->detail)->column = column;
}

bool column_default_stand_alone(struct catalog *catalog, struct relation *relation,
                                struct column *column, struct error *err)
{
    if (column->default_object != NULL) {
        if (column->default_object->host != NULL)
            catalog_take_off(column->default_object);
        return true;
    }
    if (!column->default_dropped)
        return true;
    column->default_value = "NULL";
    return column_default_make(catalog, relation, column, 0, 0, err) &&
           catalog_depend(catalog, column->default_object, relation->object, err);
}
