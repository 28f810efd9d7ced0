/*
 * Views and materialized views: their queries, and what refreshes the latter.
 *
 * A view's query is a piece of it. Where it leads back to the view, or needs what comes after the
 * data (it groups by a primary key), the view is first made without its query, as a row of nulls of
 * the right types, and the query replaces that later. A materialized view cannot be replaced: it is
 * postponed as a whole.
 */
#include "catalog/relation.h"

#include "catalog/columns.h"

#include <stdlib.h>

static void write_view(struct catalog *catalog, const struct catalog_object *object,
                       struct archive_entry *entry, struct sql *sql);
static void write_query(struct catalog *catalog, const struct catalog_object *object,
                        struct archive_entry *entry, struct sql *sql);

const struct catalog_kind kind_view = {
    .desc = "VIEW",
    .section = SECTION_PRE_DATA,
    .priority = PRIORITY_RELATION,
    .detail = DETAIL_RELATION,
    .write = write_view,
};

const struct catalog_kind kind_materialized_view = {
    .desc = "MATERIALIZED VIEW",
    .section = SECTION_PRE_DATA,
    .priority = PRIORITY_RELATION,
    .may_postpone = true,
    .detail = DETAIL_RELATION,
    .write = write_view,
};

static const struct catalog_kind kind_query = {
    .desc = "RULE",
    .section = SECTION_POST_DATA,
    .priority = PRIORITY_RULE,
    .piece_rank = 1,
    .write = write_query,
};

static const struct catalog_kind kind_refresh = {
    .desc = "MATERIALIZED VIEW DATA",
    .content = CONTENT_REFRESH,
    .section = SECTION_POST_DATA,
    .priority = PRIORITY_REFRESH,
    .no_drop = true,
};

enum { RELATION, RULE, QUERY, COLUMNS };

static const char *const columns[] = {
    [RELATION] = "c.oid",
    [RULE] = "r.oid",
    [QUERY] = "pg_catalog.pg_get_viewdef(c.oid)",
};

static const char from[] =
    "FROM pg_catalog.pg_class c\n"
    "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace\n"
    "JOIN pg_catalog.pg_rewrite r ON r.ev_class = c.oid AND r.rulename = '_RETURN'\n"
    "WHERE c.relkind IN ('v', 'm') AND " OF_WANTED_RELATION "\n"
    "ORDER BY c.oid";

/* ---- Writing ---- */

/* The query without the semicolon that the server prints behind it. */
static void add_query(struct catalog *catalog, const struct relation *relation, struct sql *sql)
{
    sql_clause(sql, " WITH (", relation->reloptions, ")");
    sql_add(sql, " AS\n");
    sql_stored(sql, catalog, relation->query);
    if (!sql->failed && sql->text.len > 0 && sql->text.data[sql->text.len - 1] == ';')
        buffer_truncate(&sql->text, sql->text.len - 1);
}

static void add_real_view(struct catalog *catalog, const char *create,
                          const struct relation *relation, struct sql *sql)
{
    sql_printf(sql, "%s %s", create, relation->object->identity);
    add_query(catalog, relation, sql);
    sql_clause(sql, "\n  WITH ", relation->check_option, " CHECK OPTION");
    sql_add(sql, ";\n");
}

static void add_stand_in(const char *create, const struct relation *relation, struct sql *sql)
{
    sql_printf(sql, "%s %s AS\n SELECT", create, relation->object->identity);
    for (size_t i = 0; i < relation->column_count; i++) {
        const struct column *column = &relation->columns[i];

        sql_printf(sql, "%s\n    NULL::%s", i == 0 ? "" : ",", column->type);
        sql_clause(sql, " COLLATE ", column->collation, "");
        sql_add(sql, " AS ");
        sql_name(sql, column->name);
    }
    sql_add(sql, ";\n");
}

static bool query_is_separate(const struct catalog_object *view)
{
    for (const struct catalog_object *piece = view->pieces; piece != NULL;
         piece = piece->next_piece) {
        if (piece->class_oid == CLASS_REWRITE)
            return false;
    }
    return true;
}

static void write_view(struct catalog *catalog, const struct catalog_object *object,
                       struct archive_entry *entry, struct sql *sql)
{
    const struct relation *relation = relation_of(object);

    (void)entry;
    if (relation->relkind == 'v' && query_is_separate(object)) {
        add_stand_in("CREATE VIEW", relation, sql);
        return;
    }
    if (relation->relkind == 'v') {
        add_real_view(catalog, "CREATE VIEW", relation, sql);
        return;
    }
    sql_printf(sql, "CREATE MATERIALIZED VIEW %s", object->identity);
    add_query(catalog, relation, sql);
    sql_add(sql, "\n  WITH NO DATA;\n");
    for (size_t i = 0; i < relation->column_count; i++)
        table_add_column_changes(relation, &relation->columns[i], sql);
}

/* Dropping the query alone puts the stand-in back, so that what the query needs can be dropped. */
static void write_query(struct catalog *catalog, const struct catalog_object *object,
                        struct archive_entry *entry, struct sql *sql)
{
    (void)entry;
    add_real_view(catalog, "CREATE OR REPLACE VIEW", object->detail, sql);
}

/* ---- Reading ---- */

static bool make_query(struct catalog *catalog, struct relation *relation, uint32_t rule,
                       struct error *err)
{
    struct catalog_object *view = relation->object;
    struct catalog_object *object =
        relation_add_part(catalog, &kind_query, CLASS_REWRITE, rule, relation, "_RETURN", err);
    struct sql drop = {.err = err};

    if (object == NULL)
        return false;
    object->detail = relation;
    catalog_make_piece(object, view);
    add_stand_in("CREATE OR REPLACE VIEW", relation, &drop);
    return sql_put(&drop, catalog, &object->drop);
}

static bool make_refresh(struct catalog *catalog, struct relation *relation, struct error *err)
{
    const struct catalog_object *view = relation->object;
    struct catalog_object *object;
    struct sql sql = {.err = err};

    if (!relation->populated)
        return true;
    object = catalog_add(catalog, &kind_refresh, 0, 0, view->schema, view->name, view->owner, err);
    if (object == NULL || !catalog_depend(catalog, object, view, err))
        return false;
    object->oid = view->oid; /* of no catalog, like that of TABLE DATA */
    object->left_out = !catalog_wants_rows(catalog, view->oid, relation->persistence == 'u');
    relation->data = object;
    sql_printf(&sql, "REFRESH MATERIALIZED VIEW %s;\n", view->identity);
    return sql_put(&sql, catalog, &object->definition);
}

static bool take_view(struct catalog *catalog, void *context, const struct catalog_row *row,
                      struct error *err)
{
    struct relation *relation = relation_find(catalog, row_oid(row, RELATION));

    (void)context;
    if (relation == NULL)
        return true;
    if (!catalog_put_text(catalog, row_text(row, QUERY), &relation->query, err))
        return false;
    if (relation->relkind == 'v')
        return make_query(catalog, relation, row_oid(row, RULE), err);
    return catalog_alias(catalog, CLASS_REWRITE, row_oid(row, RULE), relation->object, err) &&
           make_refresh(catalog, relation, err);
}

static const struct catalog_query views = {
    .columns = columns, .count = COLUMNS, .from = from, .take = take_view};

/* ---- Refreshes in order ---- */

struct refresh_walk {
    struct catalog *catalog;
    struct relation *relation; /* whose refresh it is about */
    uint32_t *seen;            /* by index: the number of the walk that came by last */
    uint32_t number;
    const struct catalog_object **stack;
    size_t depth;
    const struct catalog_object **functions; /* that views on the way call: looked through last */
    size_t function_count;
    bool by_function;
    bool unpopulated;
};

/* Views on the way are looked through; a materialized view is where the way ends. A function tells
 * by its body or its types what it may read; whether it does is not known. */
static bool visit(void *context, struct catalog_object *needed, struct error *err)
{
    struct refresh_walk *walk = context;
    struct relation *relation = relation_of(needed);

    if (walk->seen[needed->index] == walk->number)
        return true;
    walk->seen[needed->index] = walk->number;
    if (relation != NULL && relation->relkind == 'm') {
        if (relation->data == NULL) {
            walk->unpopulated = walk->unpopulated || !walk->by_function;
            return true;
        }
        return catalog_depend(walk->catalog, walk->relation->data, relation->data, err);
    }
    if ((relation != NULL && relation->relkind == 'v') || needed->class_oid == CLASS_REWRITE)
        walk->stack[walk->depth++] = needed;
    else if (needed->class_oid == CLASS_PROCEDURE)
        walk->functions[walk->function_count++] = needed;
    return true;
}

static bool look_through(struct refresh_walk *walk, struct error *err)
{
    while (walk->depth > 0) {
        const struct catalog_object *object = walk->stack[--walk->depth];

        if (!catalog_visit_needs(walk->catalog, object, visit, walk, err))
            return false;
        for (const struct catalog_object *piece = object->pieces; piece != NULL;
             piece = piece->next_piece) {
            if (!catalog_visit_needs(walk->catalog, piece, visit, walk, err))
                return false;
        }
    }
    return true;
}

static bool order_refresh(struct refresh_walk *walk, struct relation *relation, struct error *err)
{
    bool done;

    walk->relation = relation;
    walk->number++;
    walk->function_count = 0;
    walk->by_function = false;
    walk->stack[walk->depth++] = relation->object;
    walk->seen[relation->object->index] = walk->number;
    done = look_through(walk, err);
    walk->by_function = true;
    while (done && walk->function_count > 0) {
        walk->stack[walk->depth++] = walk->functions[--walk->function_count];
        done = look_through(walk, err);
    }
    return done;
}

/* Edges that are added here lie behind the sorted ones and are not walked. A materialized view that
 * reads one without rows cannot be refreshed: it has no entry, nor has what reads it in turn. */
static bool link_views(struct catalog *catalog, struct error *err)
{
    size_t count = catalog_object_count(catalog);
    struct refresh_walk walk = {.catalog = catalog};
    bool done, again = true;

    walk.seen = calloc(count + 1, sizeof(*walk.seen));
    walk.stack = calloc(count + 1, sizeof(*walk.stack));
    walk.functions = calloc(count + 1, sizeof(*walk.functions));
    done = (walk.seen != NULL && walk.stack != NULL && walk.functions != NULL) ||
           error_set_memory(err);
    while (done && again) {
        again = false;
        for (size_t i = 0; done && i < count; i++) {
            struct catalog_object *object = catalog_object_at(catalog, i);
            struct relation *relation = relation_of(object);

            if (relation == NULL || relation->relkind != 'm' || relation->data == NULL)
                continue;
            walk.unpopulated = false;
            done = order_refresh(&walk, relation, err);
            if (done && walk.unpopulated) {
                relation->data->hidden = true;
                relation->data = NULL;
                again = true;
            }
        }
    }
    free(walk.seen);
    free(walk.stack);
    free(walk.functions);
    return done;
}

const struct catalog_step catalog_step_view = {
    .what = "views",
    .order = READ_OF_TABLES + 1, /* a stand-in lists columns */
    .query = &views,
    .link = link_views,
};
