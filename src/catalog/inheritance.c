/* Who inherits from whom, and partitions: a partition is made on its own, then attached. */
#include "base/array.h"
#include "base/text.h"
#include "catalog/catalog_internal.h"
#include "catalog/columns.h"
#include "catalog/relation.h"

#include <inttypes.h>
#include <stdlib.h>

static const struct catalog_kind kind_attach = {
    .desc = "TABLE ATTACH",
    .section = SECTION_PRE_DATA,
    .priority = PRIORITY_ATTACH,
    .no_drop = true,
};

/* ---- Keys of partitioned tables ---- */

enum { KEY_OF, KEY, KEY_COLUMNS };

static const char *const key_columns[] = {
    [KEY_OF] = "p.partrelid",
    [KEY] = "pg_catalog.pg_get_partkeydef(p.partrelid)",
};

static const char key_from[] = "FROM pg_catalog.pg_partitioned_table p\n"
                               "JOIN pg_catalog.pg_class c ON c.oid = p.partrelid\n"
                               "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace\n"
                               "WHERE " OF_WANTED_RELATION;

static bool take_key(struct catalog *catalog, void *context, const struct catalog_row *row,
                     struct error *err)
{
    struct relation *relation = relation_find(catalog, row_oid(row, KEY_OF));

    (void)context;
    return relation == NULL ||
           catalog_put_text(catalog, row_text(row, KEY), &relation->partition_key, err);
}

static const struct catalog_query keys_query = {
    .columns = key_columns, .count = KEY_COLUMNS, .from = key_from, .take = take_key};

/* ---- Parents ---- */

enum { CHILD, PARENT, PENDING, BOUND, PARENT_IDENTITY, COLUMNS };

static const struct version_difference differences[] = {
    /* A partition that is being detached is none any more */
    {"inhdetachpending", 0, "false"},
    {"inhdetachpending", 14, "i.inhdetachpending"},
    {0},
};

static const char *const columns[] = {
    [CHILD] = "i.inhrelid",
    [PARENT] = "i.inhparent",
    [PENDING] = "{inhdetachpending}",
    [BOUND] = "pg_catalog.pg_get_expr(c.relpartbound, c.oid)",
    [PARENT_IDENTITY] = "i.inhparent::pg_catalog.regclass",
};

static const char from[] =
    "FROM pg_catalog.pg_inherits i\n"
    "JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid AND c.relkind IN ('r', 'p', 'f')\n"
    "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace\n"
    "WHERE " OF_WANTED_RELATION "\n"
    "ORDER BY i.inhrelid, i.inhseqno";

/* A table that an extension makes, or that is not wanted: no object of the archive, but what
 * inherits from it is compared with it and names it. */
struct member_parent {
    struct relation relation;
    struct catalog_object object;
};

/* By oid. */
struct members {
    struct member_parent **parents;
    size_t count, capacity;
};

/* The place of the first that has no lower oid. */
static size_t find_place(const struct members *members, uint32_t oid)
{
    size_t low = 0, high = members->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (members->parents[middle]->object.oid < oid)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct relation *find_member(const struct members *members, uint32_t oid)
{
    size_t at = find_place(members, oid);

    return at < members->count && members->parents[at]->object.oid == oid
               ? &members->parents[at]->relation
               : NULL;
}

static bool insert_member(struct members *members, struct member_parent *member, struct error *err)
{
    size_t at = find_place(members, member->object.oid);

    if (members->count == members->capacity) {
        struct member_parent **grown =
            array_grow(members->parents, &members->capacity, sizeof(struct member_parent *), err);

        if (grown == NULL)
            return false;
        members->parents = grown;
    }
    memmove(members->parents + at + 1, members->parents + at,
            (members->count - at) * sizeof(struct member_parent *));
    members->parents[at] = member;
    members->count++;
    return true;
}

static struct relation *add_member(struct catalog *catalog, struct members *members,
                                   const struct catalog_row *row, struct error *err)
{
    struct member_parent *member = arena_take(catalog_arena(catalog), sizeof(*member), err);

    if (member == NULL)
        return NULL;
    member->object.identity =
        arena_copy(catalog_arena(catalog), row_text(row, PARENT_IDENTITY), err);
    if (member->object.identity == NULL)
        return NULL;
    member->object.oid = row_oid(row, PARENT);
    member->object.hidden = true;
    member->relation.object = &member->object;
    return insert_member(members, member, err) ? &member->relation : NULL;
}

/* Room is doubled whenever the count is a power of two. */
static bool room_for_column(struct arena *arena, struct relation *relation, struct error *err)
{
    size_t count = relation->column_count;
    struct column *grown;

    if ((count & (count - 1)) != 0)
        return true;
    grown = arena_take(arena, (count == 0 ? 1 : 2 * count) * sizeof(*grown), err);
    if (grown == NULL)
        return false;
    if (count > 0)
        memcpy(grown, relation->columns, count * sizeof(*grown));
    relation->columns = grown;
    return true;
}

enum { MEMBER_TABLE, MEMBER_COLUMN, MEMBER_DEFAULT, MEMBER_NOT_NULL, MEMBER_COLUMNS };

static const char *const member_columns[] = {
    [MEMBER_TABLE] = "a.attrelid",
    [MEMBER_COLUMN] = "a.attname",
    [MEMBER_DEFAULT] = "pg_catalog.pg_get_expr(d.adbin, d.adrelid)",
    [MEMBER_NOT_NULL] = "a.attnotnull",
};

static const char member_from[] =
    "FROM pg_catalog.pg_attribute a\n"
    "LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum\n"
    "WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attrelid IN (";

static bool take_member_column(struct catalog *catalog, void *context,
                               const struct catalog_row *row, struct error *err)
{
    const struct members *members = context;
    struct relation *relation = find_member(members, row_oid(row, MEMBER_TABLE));
    struct arena *arena = catalog_arena(catalog);

    if (relation == NULL)
        return true;
    if (!room_for_column(arena, relation, err))
        return false;
    error_clear(err); /* a copy of NULL is NULL without being a failure */
    relation->columns[relation->column_count++] = (struct column){
        .name = arena_copy(arena, row_text(row, MEMBER_COLUMN), err),
        .default_value = arena_copy(arena, row_text_or_null(row, MEMBER_DEFAULT), err),
        .not_null = row_flag(row, MEMBER_NOT_NULL),
    };
    return err->code == ERROR_NONE;
}

static bool read_members(struct catalog *catalog, struct members *members, struct error *err)
{
    struct catalog_query query = {
        .columns = member_columns, .count = MEMBER_COLUMNS, .take = take_member_column};
    struct sql of_members = {.err = err};
    bool done;

    sql_add(&of_members, member_from);
    for (size_t i = 0; i < members->count; i++)
        sql_printf(&of_members, "%s%" PRIu32, i == 0 ? "" : ", ", members->parents[i]->object.oid);
    sql_add(&of_members, ")");
    query.from = sql_text(&of_members);
    done = !of_members.failed && catalog_ask(catalog, &query, members, err);
    return sql_end(&of_members) && done;
}

static bool add_parent(struct catalog *catalog, struct relation *child, struct relation *parent,
                       struct error *err)
{
    struct relation **parents =
        arena_take(catalog_arena(catalog), (child->parent_count + 1) * sizeof(*parents), err);

    if (parents == NULL)
        return false;
    if (child->parent_count > 0)
        memcpy(parents, child->parents, child->parent_count * sizeof(*parents));
    parents[child->parent_count++] = parent;
    parent->has_children = true;
    child->parents = parents;
    return true;
}

static bool add_attach(struct catalog *catalog, const struct relation *child,
                       const struct relation *parent, const char *bound, struct error *err)
{
    const struct catalog_object *partition = child->object;
    struct catalog_object *object = catalog_add(catalog, &kind_attach, 0, 0, partition->schema,
                                                partition->name, partition->owner, err);
    struct sql sql = {.err = err};

    if (object == NULL || !catalog_depend(catalog, object, partition, err) ||
        (!parent->object->hidden && !catalog_depend(catalog, object, parent->object, err)))
        return false;
    sql_printf(&sql, "ALTER TABLE ONLY %s ATTACH PARTITION %s ", parent->object->identity,
               partition->identity);
    sql_add(&sql, bound);
    sql_add(&sql, ";\n");
    return sql_put(&sql, catalog, &object->definition);
}

static bool take_parent(struct catalog *catalog, void *context, const struct catalog_row *row,
                        struct error *err)
{
    struct relation *child = relation_find(catalog, row_oid(row, CHILD));
    struct relation *parent = relation_find(catalog, row_oid(row, PARENT));
    struct members *members = context;

    if (child == NULL)
        return true;
    if (row_flag(row, PENDING)) {
        child->detaching = true;
        return true;
    }
    if (parent == NULL)
        parent = find_member(members, row_oid(row, PARENT));
    if (parent == NULL)
        parent = add_member(catalog, members, row, err);
    if (parent == NULL || !add_parent(catalog, child, parent, err))
        return false;
    return row_text_or_null(row, BOUND) == NULL ||
           add_attach(catalog, child, parent, row_text_or_null(row, BOUND), err);
}

static const struct catalog_query parents_query = {
    .columns = columns,
    .count = COLUMNS,
    .from = from,
    .take = take_parent,
    .differences = differences,
};

static bool read_parents(struct catalog *catalog, struct error *err)
{
    struct members members = {0};
    bool done = catalog_ask(catalog, &parents_query, &members, err) &&
                (members.count == 0 || read_members(catalog, &members, err));

    free(members.parents);
    return done;
}

/* ---- What children need not repeat ---- */

static const struct column *inherited_from(const struct relation *parent, const char *name)
{
    for (size_t i = 0; i < parent->column_count; i++) {
        if (strcmp(parent->columns[i].name, name) == 0)
            return &parent->columns[i];
    }
    return NULL;
}

/* Since 16 a default that a parent lost, too, is none to pg_dump. Either way the child is made
 * after the parent has lost it (table_sql.c). */
static bool has_value(const struct catalog *catalog, const struct column *column)
{
    return column->default_value != NULL &&
           (!column->default_dropped || catalog_server_major(catalog) < 16);
}

/* How a column of an ordinary child stands to its parents' columns of that name. */
static bool compare_column(struct catalog *catalog, struct relation *relation,
                           struct column *column, struct error *err)
{
    bool parent_has_value = false, same_value = true, parent_not_null = false, inherited = false;

    for (size_t i = 0; i < relation->parent_count; i++) {
        const struct column *parent = inherited_from(relation->parents[i], column->name);

        if (parent == NULL)
            continue;
        inherited = true;
        parent_has_value |= has_value(catalog, parent);
        same_value &= text_same(parent->default_value, column->default_value);
        parent_not_null |= parent->not_null;
    }
    if (!inherited)
        return true;
    if (catalog_server_major(catalog) < 18)
        column->not_null_local = column->not_null && !parent_not_null;
    else if (column->not_null && !parent_not_null)
        column->not_null_local = true; /* proved here, though not yet there (NOT VALID) */
    if (column->generated != '\0') {
        column->value_inherited = same_value;
        return true;
    }
    column->default_dropped = column->default_value == NULL && parent_has_value;
    return column->is_local || column_default_stand_alone(catalog, relation, column, err);
}

static bool compare_columns(struct catalog *catalog, struct relation *relation, struct error *err)
{
    for (size_t at = 0; at < relation->column_count; at++) {
        if (!compare_column(catalog, relation, &relation->columns[at], err))
            return false;
    }
    return true;
}

/* The first of its parents that was not compared yet; NULL: it is its turn. */
static struct relation *next_parent(struct relation *relation)
{
    while (!relation->is_partition && relation->parents_seen < relation->parent_count) {
        struct relation *parent = relation->parents[relation->parents_seen++];

        if (!parent->compared)
            return parent;
    }
    return NULL;
}

/* Parents first: what they lost counts for their children. */
static bool compare(struct catalog *catalog, struct relation *relation, struct error *err)
{
    if (relation->compared)
        return true;
    relation->compared = true;
    while (relation != NULL) {
        struct relation *parent = next_parent(relation);

        if (parent != NULL) {
            parent->compared = true;
            parent->came_from = relation;
            relation = parent;
            continue;
        }
        if (!relation->is_partition && !compare_columns(catalog, relation, err))
            return false;
        relation = relation->came_from;
    }
    return true;
}

/* ---- Columns that are generated in all tables of a family, or in none ---- */

/* What is done with such a column; above: that of a parent, or NULL. */
typedef void generated_visit(struct column *column, const struct relation *parent,
                             const struct column *above);

static void visit_generated(const struct catalog *catalog, generated_visit *visit)
{
    size_t count = catalog_object_count(catalog);

    for (size_t i = 0; i < count; i++) {
        const struct relation *relation = relation_of(catalog_object_at(catalog, i));

        for (size_t at = 0; relation != NULL && at < relation->column_count; at++) {
            struct column *column = &relation->columns[at];

            if (column->generated == '\0' || column->default_object == NULL)
                continue;
            for (size_t p = 0; p < relation->parent_count; p++)
                visit(column, relation->parents[p],
                      inherited_from(relation->parents[p], column->name));
            visit(column, NULL, NULL);
        }
    }
}

static void tie(struct column *column, const struct relation *parent, const struct column *above)
{
    (void)parent;
    if (above != NULL && above->generated != '\0' && above->default_object != NULL)
        catalog_tie(column->default_object, above->default_object);
}

/* A parent that is not of the archive is generated there, and so must its children be. */
static void keep_below_member(struct column *column, const struct relation *parent,
                              const struct column *above)
{
    if (above != NULL && parent->object->hidden)
        column_expression_keep(catalog_tied(column->default_object));
}

static void keep_with_family(struct column *column, const struct relation *parent,
                             const struct column *above)
{
    struct catalog_object *expression = column->default_object;

    (void)above;
    if (parent != NULL || !column_expression_is_kept(catalog_tied(expression)))
        return;
    column_expression_keep(expression);
    if (column->value_inherited) { /* not written: the table needs nothing for it */
        catalog_take_off(expression);
        expression->hidden = true;
    }
}

/* From 17 on each can be set by itself. */
static void tie_generated(const struct catalog *catalog)
{
    visit_generated(catalog, tie);
    if (catalog_server_major(catalog) >= 17)
        return;
    visit_generated(catalog, keep_below_member);
    visit_generated(catalog, keep_with_family);
}

static bool link_inheritance(struct catalog *catalog, struct error *err)
{
    size_t count = catalog_object_count(catalog);

    for (size_t i = 0; i < count; i++) {
        struct relation *relation = relation_of(catalog_object_at(catalog, i));

        if (relation != NULL && !compare(catalog, relation, err))
            return false;
    }
    tie_generated(catalog);
    return true;
}

const struct catalog_step catalog_step_inheritance = {
    .what = "inheritance",
    .order = READ_RELATIONS + 5,
    .query = &keys_query,
    .read = read_parents,
    .link = link_inheritance,
};
