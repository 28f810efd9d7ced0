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

/* Whether a parent or child may have the same column. */
static bool has_family(const struct relation *relation)
{
    return relation->parent_count > 0 || relation->has_children;
}

void table_alter_column(const struct relation *relation, const struct column *column,
                        struct sql *sql)
{
    sql_printf(sql, "ALTER %s ONLY %s ALTER COLUMN ", relation_word(relation),
               relation->object->identity);
    sql_name(sql, column->name);
}

/* Of a generated column whose expression, or that of the same column of a parent or child, needs
 * the table. From 17 on it can be set later. Before that there is what pg_dump makes of it, a
 * default, which brings the rows back and says so. */
static void write_expression(struct catalog *catalog, struct column_default *detail,
                             struct sql *sql)
{
    const struct column *column = detail->column;

    table_alter_column(detail->relation, column, sql);
    if (catalog_server_major(catalog) >= 17) {
        sql_clause(sql, " SET EXPRESSION AS (", column->default_value, ");\n");
        return;
    }
    sql_clause(sql, " SET DEFAULT ", column->default_value, ";\n");
    if (!detail->told &&
        !catalog_leave_out(catalog, sql->err,
                           "that column %s of %s is generated is left out: its expression needs "
                           "the type of its own table%s, and a server before 17 cannot set it "
                           "later; it comes back as the column's default",
                           column->name, detail->relation->object->identity,
                           has_family(detail->relation) ? ", of a parent or of a child" : ""))
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
    if (detail->relation->relkind == 'v') {
        sql_printf(sql, "ALTER VIEW %s ALTER COLUMN ", detail->relation->object->identity);
        sql_name(sql, detail->column->name);
    } else {
        table_alter_column(detail->relation, detail->column, sql);
    }
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
 * the loop, not even the body of a function. Set later, it comes as soon as it can: no other table
 * may have a column of the table's type by then. */
static const struct catalog_kind kind_expression = {
    .desc = "DEFAULT",
    .section = SECTION_PRE_DATA,
    .priority = PRIORITY_EXPRESSION,
    .piece_rank = 6,
    .write = write_default,
};

/* Before 17 it is a default, which children that are made later would inherit. */
static const struct catalog_kind kind_lost_expression = {
    .desc = "DEFAULT",
    .section = SECTION_PRE_DATA,
    .priority = PRIORITY_DEFAULT,
    .piece_rank = 6,
    .write = write_default,
};

/* One that is never taken off. */
static const struct catalog_kind kind_kept_expression = {
    .desc = "DEFAULT",
    .section = SECTION_PRE_DATA,
    .priority = PRIORITY_DEFAULT,
    .write = write_default,
};

static const struct catalog_kind *default_kind(const struct catalog *catalog,
                                               const struct column *column)
{
    if (column->generated == '\0')
        return &kind_default;
    return catalog_server_major(catalog) >= 17 ? &kind_expression : &kind_lost_expression;
}

/* What --clean does first, so that what the expression needs can be dropped. One that is inherited
 * cannot be dropped by itself, nor without the children's. */
static void add_drop(const struct catalog *catalog, const struct relation *relation,
                     const struct column *column, struct sql *sql)
{
    bool expression = column->generated != '\0' && catalog_server_major(catalog) >= 17;

    if (expression && has_family(relation)) {
        table_alter_column(relation, column, sql);
        sql_printf(sql, " SET EXPRESSION AS (NULL::%s);\n", column->type);
        return;
    }
    sql_printf(sql, "ALTER TABLE %s ALTER COLUMN ", relation->object->identity);
    sql_name(sql, column->name);
    sql_add(sql, expression ? " DROP EXPRESSION;\n" : " DROP DEFAULT;\n");
}

bool column_default_make(struct catalog *catalog, struct relation *relation, struct column *column,
                         uint32_t class_oid, uint32_t oid, struct error *err)
{
    struct catalog_object *table = relation->object;
    struct catalog_object *object =
        catalog_add(catalog, default_kind(catalog, column), class_oid, oid, table->schema,
                    column->name, table->owner, err);
    struct column_default *detail = arena_take(catalog_arena(catalog), sizeof(*detail), err);
    struct sql drop = {.err = err};

    if (object == NULL || detail == NULL || !catalog_set_tag_of_part(catalog, object, table, err))
        return false;
    *detail = (struct column_default){.relation = relation, .column = column};
    object->detail = detail;
    column->default_object = object;
    add_drop(catalog, relation, column, &drop);
    return sql_put(&drop, catalog, &object->drop);
}

void column_expression_keep(struct catalog_object *object)
{
    object->kind = &kind_kept_expression;
}

bool column_expression_is_kept(const struct catalog_object *object)
{
    return object->kind == &kind_kept_expression;
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
