/*
 * What a parallel restore must not do side by side. pg_restore -j runs entries after the data in
 * several sessions; before it starts one it only looks at the tables that the entry and those under
 * way depend on. So an entry whose statement locks a whole tree of tables (a foreign key to or from
 * a partitioned table, its triggers, a CHECK that is inherited) depends on all tables of the tree:
 * else it would meet in a deadlock with what is done to a part. That also keeps it until the parts'
 * rows are there: a trigger must not see them come.
 */
#include "catalog/catalog_internal.h"
#include "catalog/relation.h"

static bool depend_on(struct catalog *catalog, const struct relation *parent,
                      const struct catalog_object *table, struct error *err)
{
    for (const struct tree_lock *lock = parent->tree_locks; lock != NULL; lock = lock->next) {
        if (!catalog_depend(catalog, lock->object, table, err))
            return false;
    }
    return true;
}

/* ---- What lies above ---- */

/* Itself if it is locked with its tree or ways part there; else that of its parents, which may be
 * none: so a long chain of tables is not climbed once for each. */
static struct relation *climb_of(struct relation *relation)
{
    struct relation *climb = NULL;

    if (relation->tree_locks != NULL)
        return relation;
    for (size_t i = 0; i < relation->parent_count; i++) {
        struct relation *above = relation->parents[i]->climb;

        if (climb != NULL && above != NULL && above != climb)
            return relation;
        climb = above == NULL ? climb : above;
    }
    return climb;
}

/* Parents first. */
static void find_climb(struct relation *relation)
{
    if (relation->climb_known)
        return;
    relation->came_from = NULL;
    relation->parents_seen = 0;
    while (relation != NULL) {
        struct relation *parent;

        relation->climb_known = true;
        if (relation->parents_seen == relation->parent_count) {
            relation->climb = climb_of(relation);
            relation = relation->came_from;
            continue;
        }
        parent = relation->parents[relation->parents_seen++];
        if (parent->climb_known)
            continue;
        parent->came_from = relation;
        parent->parents_seen = 0;
        relation = parent;
    }
}

/* For all that `relation` descends from, each once. */
static bool add_below(struct catalog *catalog, struct relation *relation,
                      const struct catalog_object *table, struct error *err)
{
    relation->reached = table;
    relation->came_from = NULL;
    relation->parents_seen = 0;
    while (relation != NULL) {
        struct relation *parent;

        if (relation->parents_seen == relation->parent_count) {
            relation = relation->came_from;
            continue;
        }
        parent = relation->parents[relation->parents_seen++]->climb;
        if (parent == NULL || parent->reached == table)
            continue;
        if (!depend_on(catalog, parent, table, err))
            return false;
        parent->reached = table;
        parent->came_from = relation;
        parent->parents_seen = 0;
        relation = parent;
    }
    return true;
}

/* ---- All of them ---- */

static bool link_trees(struct catalog *catalog, struct error *err)
{
    size_t count = catalog_object_count(catalog);

    for (size_t i = 0; i < count; i++) {
        struct relation *relation = relation_of(catalog_object_at(catalog, i));

        if (relation != NULL)
            find_climb(relation);
    }
    for (size_t i = 0; i < count; i++) {
        const struct catalog_object *object = catalog_object_at(catalog, i);
        struct relation *relation = relation_of(object);

        if (relation != NULL && !add_below(catalog, relation, object, err))
            return false;
    }
    return true;
}

const struct catalog_step catalog_step_tree_locks = {
    .what = "what locks trees of tables",
    .order = READ_MISPLACED + 1,
    .link = link_trees,
};
