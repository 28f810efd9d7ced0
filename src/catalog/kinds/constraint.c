/* Constraints of tables. A CHECK is a piece of its table; one that was never validated comes after
 * the data, as do keys and foreign keys. */
#include "catalog/relation.h"

#include "catalog/columns.h"

static void write_check(struct catalog *catalog, const struct catalog_object *object,
                        struct archive_entry *entry, struct sql *sql);

static const struct catalog_kind kind_check = {
    .desc = "CHECK CONSTRAINT",
    .word = "CONSTRAINT",
    .section = SECTION_POST_DATA,
    .priority = PRIORITY_CONSTRAINT,
    .piece_rank = 2,
    .detail = DETAIL_CHECK,
    .write = write_check,
};

static const struct catalog_kind kind_key = {
    .desc = "CONSTRAINT",
    .section = SECTION_POST_DATA,
    .priority = PRIORITY_CONSTRAINT,
    .detail = DETAIL_INDEX, /* NULL: of a NOT NULL that was not validated */
};

static const struct catalog_kind kind_foreign_key = {
    .desc = "FK CONSTRAINT",
    .word = "CONSTRAINT",
    .section = SECTION_POST_DATA,
    .priority = PRIORITY_FK_CONSTRAINT,
};

/* Part of its column; never an entry. */
static const struct catalog_kind kind_not_null = {
    .desc = "CONSTRAINT",
    .section = SECTION_PRE_DATA,
    .priority = PRIORITY_RELATION,
};

enum {
    OID,
    RELATION,
    NAME,
    TYPE,
    DEFINITION,
    VALIDATED,
    IS_LOCAL,
    NO_INHERIT,
    COLUMN,
    INDEX,
    PARENT,
    DEFERRABLE,
    DEFERRED,
    COLUMNS
};

static const struct version_difference differences[] = {
    /* A table's NOT NULL has a row since 18 */
    {"table_not_null", 0, "false"},
    {"table_not_null", 18, "co.contype = 'n' AND co.conrelid <> 0"},
    {0},
};

/* DEFERRABLE follows what the index has to say, so it is taken off a key's definition. */
static const char *const columns[] = {
    [OID] = "co.oid",
    [RELATION] = "co.conrelid",
    [NAME] = "co.conname",
    [TYPE] = "co.contype",
    [DEFINITION] = "CASE WHEN co.contype IN ('p', 'u', 'x')\n"
                   "            THEN pg_catalog.regexp_replace(\n"
                   "                   pg_catalog.pg_get_constraintdef(co.oid),\n"
                   "                   ' DEFERRABLE( INITIALLY DEFERRED)?$', '')\n"
                   "            ELSE pg_catalog.pg_get_constraintdef(co.oid) END",
    [VALIDATED] = "co.convalidated",
    [IS_LOCAL] = "co.conislocal",
    [NO_INHERIT] = "co.connoinherit",
    [COLUMN] = "co.conkey[1]",
    [INDEX] = "co.conindid",
    [PARENT] = "co.conparentid",
    [DEFERRABLE] = "co.condeferrable",
    [DEFERRED] = "co.condeferred",
};

static const char from[] = "FROM pg_catalog.pg_constraint co\n"
                           "JOIN pg_catalog.pg_class c ON c.oid = co.conrelid\n"
                           "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace\n"
                           "WHERE " OF_WANTED_RELATION "\n"
                           "  AND (co.contype IN ('c', 'p', 'u', 'x', 'f') OR {table_not_null})\n"
                           "ORDER BY co.conrelid, co.conname";

/* ---- Writing ---- */

static void write_check(struct catalog *catalog, const struct catalog_object *object,
                        struct archive_entry *entry, struct sql *sql)
{
    const struct check *check = object->detail;

    (void)entry;
    sql_printf(sql, "ALTER %s %s ADD CONSTRAINT ", catalog_word(check->table),
               check->table->identity);
    sql_name(sql, object->name);
    sql_add(sql, " ");
    sql_stored(sql, catalog, check->definition);
    sql_add(sql, ";\n");
}

static bool put_drop(struct catalog *catalog, struct catalog_object *object,
                     const struct relation *table, struct error *err)
{
    struct sql sql = {.err = err};

    sql_printf(&sql, "ALTER TABLE %s%s DROP CONSTRAINT ", table->relkind == 'p' ? "" : "ONLY ",
               table->object->identity);
    sql_name(&sql, object->name);
    sql_add(&sql, ";\n");
    return sql_put(&sql, catalog, &object->drop);
}

static struct catalog_object *add(struct catalog *catalog, const struct catalog_kind *kind,
                                  const struct relation *table, const struct catalog_row *row,
                                  struct error *err)
{
    struct catalog_object *object = relation_add_part(
        catalog, kind, CLASS_CONSTRAINT, row_oid(row, OID), table, row_text(row, NAME), err);

    return object != NULL && put_drop(catalog, object, table, err) ? object : NULL;
}

/* ---- Checks ---- */

static bool add_check(struct catalog *catalog, struct relation *table,
                      const struct catalog_row *row, struct error *err)
{
    struct catalog_object *object;
    struct check *check;

    /* What only comes from parents is there with them; a partition's stand in its own definition,
     * because it is attached to what has them, too. One that was never validated comes later, to
     * the parent and so to its partitions. */
    if (!row_flag(row, IS_LOCAL) && !table->detaching &&
        (!table->is_partition || !row_flag(row, VALIDATED)))
        return catalog_alias(catalog, CLASS_CONSTRAINT, row_oid(row, OID), table->object, err);
    object = add(catalog, &kind_check, table, row, err);
    check = arena_take(catalog_arena(catalog), sizeof(*check), err);
    if (object == NULL || check == NULL)
        return false;
    check->table = table->object;
    check->is_local = row_flag(row, IS_LOCAL);
    object->detail = check;
    if (row_flag(row, VALIDATED))
        catalog_make_piece(object, table->object);
    else if (!row_flag(row, NO_INHERIT) && !relation_lock_tree(catalog, table, object, err))
        return false;
    return catalog_put_text(catalog, row_text(row, DEFINITION), &check->definition, err);
}

/* ---- NOT NULL (18 and later) ---- */

/* One that was never validated comes after the data. */
static bool add_late_not_null(struct catalog *catalog, struct relation *table,
                              const struct catalog_row *row, struct error *err)
{
    struct catalog_object *object;
    struct sql sql = {.err = err};

    if (!row_flag(row, IS_LOCAL))
        return true; /* comes with the parent's, under whatever name */
    object = add(catalog, &kind_key, table, row, err);
    if (object == NULL ||
        (!row_flag(row, NO_INHERIT) && !relation_lock_tree(catalog, table, object, err)))
        return false;
    sql_printf(&sql, "ALTER TABLE %s ADD CONSTRAINT ", table->object->identity);
    sql_name(&sql, object->name);
    sql_clause(&sql, " ", row_text(row, DEFINITION), ";\n");
    return sql_put(&sql, catalog, &object->definition);
}

/* Its name is always written: whether it is the usual one need not be known then. */
static bool add_not_null(struct catalog *catalog, struct relation *table,
                         const struct catalog_row *row, struct error *err)
{
    struct column *column = relation_column(table, (int16_t)row_number(row, COLUMN));
    struct catalog_object *object;

    if (column == NULL)
        return error_set(err, ERROR_PROTOCOL, "constraint %s on %s is of no column",
                         row_text(row, NAME), table->object->identity);
    if (!row_flag(row, VALIDATED)) {
        column->not_null = false;
        return add_late_not_null(catalog, table, row, err);
    }
    column->not_null_name = arena_copy(catalog_arena(catalog), row_text(row, NAME), err);
    column->not_null_no_inherit = row_flag(row, NO_INHERIT);
    column->not_null_local = row_flag(row, IS_LOCAL) || table->is_partition;
    /* A piece only so that a comment on it finds its place. */
    object = add(catalog, &kind_not_null, table, row, err);
    if (object == NULL || column->not_null_name == NULL)
        return false;
    catalog_make_piece(object, table->object);
    return true;
}

/* ---- Keys ---- */

/* An index says more than its constraint's definition does. */
static bool add_key(struct catalog *catalog, struct relation *table, const struct catalog_row *row,
                    struct error *err)
{
    struct table_index *index = table_index_find(catalog, row_oid(row, INDEX));
    struct catalog_object *object = add(catalog, &kind_key, table, row, err);
    struct sql sql = {.err = err};

    if (object == NULL)
        return false;
    if (index == NULL)
        return error_set(err, ERROR_PROTOCOL, "constraint %s has no index", object->identity);
    if (!table_index_become(catalog, index, object, err))
        return false;
    sql_printf(&sql, "ALTER TABLE ONLY %s\n    ADD CONSTRAINT ", table->object->identity);
    sql_name(&sql, object->name);
    sql_clause(&sql, " ", row_text(row, DEFINITION), "");
    if (row_char(row, TYPE) != 'x')
        sql_clause(&sql, " WITH (", index->options, ")");
    if (row_flag(row, DEFERRABLE))
        sql_add(&sql, " DEFERRABLE");
    if (row_flag(row, DEFERRED))
        sql_add(&sql, " INITIALLY DEFERRED");
    sql_add(&sql, ";\n");
    sql_stored(&sql, catalog, index->after);
    return sql_put(&sql, catalog, &object->definition);
}

/* ---- Foreign keys ---- */

static bool refers_to_partitions(const struct foreign_key *key)
{
    return key->to != NULL && key->to->relkind == 'p';
}

/* By oid, which tells what was made first. */
static void put_beside(struct relation *table, struct foreign_key *key)
{
    struct foreign_key **at = &table->foreign_keys;

    while (*at != NULL && (*at)->object->oid < key->object->oid)
        at = &(*at)->beside;
    key->beside = *at;
    *at = key;
}

/* ONLY is left out where the table is partitioned: its partitions get theirs from this one. */
static bool add_foreign_key(struct catalog *catalog, struct relation *table,
                            const struct catalog_row *row, struct error *err)
{
    struct table_index *index = table_index_find(catalog, row_oid(row, INDEX));
    struct catalog_object *object;
    struct foreign_key *key;
    struct sql sql = {.err = err};

    if (row_oid(row, PARENT) != 0 && !table->detaching)
        return true;
    object = add(catalog, &kind_foreign_key, table, row, err);
    key = arena_take(catalog_arena(catalog), sizeof(*key), err);
    if (object == NULL || key == NULL)
        return false;
    key->object = object;
    key->to = index == NULL ? NULL : index->table;
    put_beside(table, key);
    if (index != NULL) {
        key->next = index->references;
        index->references = key;
    }
    if ((table->relkind == 'p' && !relation_lock_tree(catalog, table, object, err)) ||
        (refers_to_partitions(key) && !relation_lock_tree(catalog, key->to, object, err)))
        return false;
    sql_printf(&sql, "ALTER TABLE %s%s\n    ADD CONSTRAINT ", table->relkind == 'p' ? "" : "ONLY ",
               table->object->identity);
    sql_name(&sql, object->name);
    sql_clause(&sql, " ", row_text(row, DEFINITION), ";\n");
    return sql_put(&sql, catalog, &object->definition);
}

static bool take_constraint(struct catalog *catalog, void *context, const struct catalog_row *row,
                            struct error *err)
{
    struct relation *table = relation_find(catalog, row_oid(row, RELATION));

    (void)context;
    if (table == NULL)
        return true;
    switch (row_char(row, TYPE)) {
    case 'c':
        return add_check(catalog, table, row, err);
    case 'n':
        return add_not_null(catalog, table, row, err);
    case 'f':
        return add_foreign_key(catalog, table, row, err);
    default:
        return add_key(catalog, table, row, err);
    }
}

static const struct catalog_query constraints = {
    .columns = columns,
    .count = COLUMNS,
    .from = from,
    .take = take_constraint,
    .differences = differences,
};

/* ---- The order of foreign keys ---- */

/* A foreign key to a partitioned table brings constraints for each partition, and the server names
 * them: t_a_fkey1 and so on, whatever is free then. So that no name is taken that another one of
 * the table has, these are made last, and in the order they were made in the first time. */
static bool link_names(struct catalog *catalog, const struct relation *table, struct error *err)
{
    const struct foreign_key *last = NULL;

    for (const struct foreign_key *key = table->foreign_keys; key != NULL; key = key->beside) {
        if (!refers_to_partitions(key))
            continue;
        if (last != NULL && !catalog_depend(catalog, key->object, last->object, err))
            return false;
        for (const struct foreign_key *other = table->foreign_keys; last == NULL && other != NULL;
             other = other->beside) {
            if (!refers_to_partitions(other) &&
                !catalog_depend(catalog, key->object, other->object, err))
                return false;
        }
        last = key;
    }
    return true;
}

/* Proving one that refers to a partition looks at the bounds that the tables above it set. */
static bool link_above(struct catalog *catalog, const struct relation *table, struct error *err)
{
    for (const struct foreign_key *key = table->foreign_keys; key != NULL; key = key->beside) {
        for (const struct relation *to = key->to;
             to != NULL && to->is_partition && to->parent_count > 0;) {
            to = to->parents[0];
            if (!to->object->hidden && !catalog_depend(catalog, key->object, to->object, err))
                return false;
        }
    }
    return true;
}

/* A CHECK that a partition has from its parent stands in both, so that one can be attached to the
 * other. Where it cannot stand in the partition, it cannot in the parent, and what is added to
 * that later is added to both. */
static void link_inherited(const struct relation *table)
{
    struct catalog_object *above;

    if (!table->is_partition || table->detaching || table->parent_count == 0)
        return;
    above = table->parents[0]->object->pieces;
    for (struct catalog_object *own = table->object->pieces; own != NULL; own = own->next_piece) {
        if (own->kind != &kind_check || ((const struct check *)own->detail)->is_local)
            continue;
        for (struct catalog_object *piece = above; piece != NULL; piece = piece->next_piece) {
            if (piece->kind == &kind_check && strcmp(piece->name, own->name) == 0)
                own->comes_with = piece;
        }
    }
}

static bool link_constraints(struct catalog *catalog, struct error *err)
{
    size_t count = catalog_object_count(catalog);

    for (size_t i = 0; i < count; i++) {
        const struct relation *relation = relation_of(catalog_object_at(catalog, i));

        if (relation == NULL)
            continue;
        link_inherited(relation);
        if (!link_names(catalog, relation, err) || !link_above(catalog, relation, err))
            return false;
    }
    return true;
}

const struct catalog_step catalog_step_constraint = {
    .what = "constraints",
    .order = READ_OF_TABLES + 4, /* after columns and indexes */
    .query = &constraints,
    .link = link_constraints,
};
