/*
 * Tables that are each other's parents and children are a family, by what the archive says of
 * dependencies: a partition is attached by an entry that depends on both, and a child that inherits
 * depends on its parents. Of each family there is a step that is nothing to do and comes behind all
 * rows of it, so that a thousand partitions and ten foreign keys are not ten thousand edges.
 *
 * Things to lock are the numbers of entries: a relation by its own, a family by that of one of its
 * members, behind all of them.
 */
#include "restore/restore_steps.h"

#include <stdlib.h>
#include <string.h>

#define NONE UINT32_MAX

/* Of each entry. */
struct place {
    uint32_t step;    /* of it; NONE */
    uint32_t rows;    /* of a relation: the last step of its rows; NONE */
    uint32_t before;  /* of a relation: the last of these that was ordered; NONE */
    uint32_t family;  /* another member, the first one itself: see family_of() */
    uint32_t trigger; /* of a family: the last step that makes one of a parent's; NONE */
    bool in_family, is_parent;
};

struct making {
    struct restore_steps *steps;
    struct archive_contents *contents;
    struct place *places;
    uint32_t entries; /* of the archive */
    uint32_t wanted;  /* steps that are something to do */
    uint64_t *costs;  /* of steps */
    struct buffer texts;
};

/* ---- Relations ---- */

static bool find(const struct making *making, int32_t dump_id, uint32_t *number,
                 enum entry_kind *kind)
{
    if (!archive_contents_find(making->contents, dump_id, number))
        return false;
    *kind = archive_contents_node(making->contents, *number).kind;
    return true;
}

static uint32_t family_of(struct making *making, uint32_t number)
{
    struct place *places = making->places;

    while (places[number].family != number) {
        places[number].family = places[places[number].family].family;
        number = places[number].family;
    }
    return number;
}

static void join(struct making *making, uint32_t a, uint32_t b)
{
    making->places[a].in_family = making->places[b].in_family = true;
    a = family_of(making, a);
    b = family_of(making, b);
    /* The first is the family's: who joins whom does not depend on the order. */
    if (a < b)
        making->places[b].family = a;
    else
        making->places[a].family = b;
}

/* ---- Families ---- */

/* The entry that attaches a partition is called as the partition. */
static bool is_called_as(struct making *making, uint32_t number, const char *tag, bool *same,
                         struct error *err)
{
    struct archive_entry entry;
    struct buffer texts = {0};
    bool done = archive_contents_entry_into(making->contents, number, &texts, &entry, err);

    *same = done && strcmp(entry.tag, tag) == 0;
    buffer_free(&texts);
    return done;
}

static bool join_attached(struct making *making, uint32_t number, const struct contents_node *node,
                          struct error *err)
{
    uint32_t first = NONE, other;
    struct archive_entry entry;
    enum entry_kind kind;

    if (!archive_contents_entry_into(making->contents, number, &making->texts, &entry, err))
        return false;
    for (size_t i = 0; i < node->dependency_count; i++) {
        bool is_child;

        if (!find(making, node->dependencies[i], &other, &kind) || !entry_kind_is_relation(kind))
            continue;
        if (!is_called_as(making, other, entry.tag, &is_child, err))
            return false;
        /* Two of one name in different schemas: then both count as parents. */
        if (!is_child || first != NONE)
            making->places[other].is_parent = true;
        if (first != NONE)
            join(making, first, other);
        if (is_child && first != NONE)
            making->places[first].is_parent = true;
        first = other;
    }
    return true;
}

static void join_parents(struct making *making, uint32_t number, const struct contents_node *node)
{
    uint32_t parent;
    enum entry_kind kind;

    for (size_t i = 0; i < node->dependency_count; i++) {
        if (!find(making, node->dependencies[i], &parent, &kind) || parent == number ||
            (kind != ENTRY_TABLE && kind != ENTRY_FOREIGN_TABLE))
            continue;
        making->places[parent].is_parent = true;
        join(making, number, parent);
    }
}

static bool find_families(struct making *making, struct error *err)
{
    for (uint32_t i = 0; i < making->entries; i++) {
        struct contents_node node = archive_contents_node(making->contents, i);

        if (node.kind == ENTRY_TABLE || node.kind == ENTRY_FOREIGN_TABLE)
            join_parents(making, i, &node);
        else if (node.kind == ENTRY_TABLE_ATTACH && !join_attached(making, i, &node, err))
            return false;
    }
    return true;
}

/* ---- Steps ---- */

static void find_rows(struct making *making, uint32_t step)
{
    struct contents_node node =
        archive_contents_node(making->contents, making->steps->numbers[step]);
    uint32_t relation;
    enum entry_kind kind;

    if (!node.has_data)
        return;
    making->costs[step] = node.data_bytes;
    for (size_t i = 0; node.kind == ENTRY_TABLE_DATA && i < node.dependency_count; i++) {
        if (find(making, node.dependencies[i], &relation, &kind) && entry_kind_is_relation(kind)) {
            making->places[relation].rows = step;
            return;
        }
    }
}

/* A family's own step stands behind those that are something to do, in `rows` of a place that no
 * entry has. */
static uint32_t count_families(struct making *making)
{
    uint32_t families = 0;

    for (uint32_t i = 0; i < making->entries; i++) {
        if (making->places[i].in_family && family_of(making, i) == i)
            making->places[making->entries + i].step = making->wanted + families++;
    }
    return families;
}

static uint32_t family_step(struct making *making, uint32_t relation)
{
    return making->places[making->entries + family_of(making, relation)].step;
}

static bool order_families(struct making *making, struct error *err)
{
    for (uint32_t i = 0; i < making->entries; i++) {
        uint32_t rows = making->places[i].rows, family;

        if (!making->places[i].in_family || rows == NONE)
            continue;
        family = family_step(making, i);
        if (making->costs[family] < making->costs[rows])
            making->costs[family] = making->costs[rows];
        if (!restore_graph_order(making->steps->graph, rows, family, err))
            return false;
    }
    return true;
}

/* ---- What a step waits for, and locks ---- */

struct subject {
    uint32_t step;
    enum entry_kind kind;
    bool shares; /* its locks */
};

static bool come_behind(struct making *making, uint32_t before, uint32_t step, struct error *err)
{
    if (before == NONE || before == step)
        return true;
    if (making->costs[step] < making->costs[before])
        making->costs[step] = making->costs[before];
    return restore_graph_order(making->steps->graph, before, step, err);
}

/* CREATE INDEX of a parent's is by itself alone, anything else reaches into its children. */
static bool reaches_down(const struct making *making, const struct subject *subject,
                         uint32_t relation)
{
    return subject->kind == ENTRY_INDEX_ATTACH ||
           (making->places[relation].is_parent && subject->kind != ENTRY_INDEX);
}

/* What is said of a trigger that a partition has from its parent comes behind that one, which the
 * archive has no word of but its order. */
static bool come_behind_triggers(struct making *making, const struct subject *subject,
                                 uint32_t relation, struct error *err)
{
    struct place *family = &making->places[family_of(making, relation)];

    if (!come_behind(making, family->trigger, subject->step, err))
        return false;
    if (making->places[relation].is_parent)
        family->trigger = subject->step;
    return true;
}

static bool lock_relation(struct making *making, const struct subject *subject, uint32_t relation,
                          struct error *err)
{
    struct restore_graph *graph = making->steps->graph;
    struct place *place = &making->places[relation];
    bool down = place->in_family && reaches_down(making, subject, relation);

    if (!come_behind(making, place->rows, subject->step, err) ||
        (down && !come_behind(making, family_step(making, relation), subject->step, err)) ||
        (place->in_family && subject->kind == ENTRY_TRIGGER &&
         !come_behind_triggers(making, subject, relation, err)))
        return false;
    return restore_graph_lock(graph, subject->step, relation, !subject->shares, err) &&
           (!place->in_family ||
            restore_graph_lock(graph, subject->step, making->entries + family_of(making, relation),
                               down, err));
}

/* Those that it depends on, and those of what it depends on: an index that is attached, or that
 * something is said of. */
static bool lock_relations(struct making *making, const struct subject *subject,
                           const struct contents_node *node, bool farther, struct error *err)
{
    uint32_t other;
    enum entry_kind kind;

    for (size_t i = 0; i < node->dependency_count; i++) {
        if (!find(making, node->dependencies[i], &other, &kind))
            continue;
        if (entry_kind_is_relation(kind)) {
            if (!lock_relation(making, subject, other, err))
                return false;
        } else if (farther && making->places[other].step != NONE) {
            struct contents_node its = archive_contents_node(making->contents, other);

            if (!lock_relations(making, subject, &its, false, err))
                return false;
        }
    }
    return true;
}

/* An index that its table is clustered on is made and then named by an ALTER TABLE. */
static bool shares_locks(struct making *making, uint32_t number, enum entry_kind kind, bool *shares,
                         struct error *err)
{
    struct archive_entry entry;

    *shares = false;
    if (kind != ENTRY_INDEX)
        return true;
    if (!archive_contents_entry_into(making->contents, number, &making->texts, &entry, err))
        return false;
    *shares = entry.definition == NULL || strstr(entry.definition, "\nALTER ") == NULL;
    return true;
}

/* Of two with rows of one table, which pg_dump never writes, the second comes behind the first. */
static bool order_rows(struct making *making, uint32_t step, const struct contents_node *node,
                       struct error *err)
{
    uint32_t relation, before;
    enum entry_kind kind;

    for (size_t i = 0; node->kind == ENTRY_TABLE_DATA && i < node->dependency_count; i++) {
        if (!find(making, node->dependencies[i], &relation, &kind) || !entry_kind_is_relation(kind))
            continue;
        before = making->places[relation].before;
        making->places[relation].before = step;
        return before == NONE || restore_graph_order(making->steps->graph, before, step, err);
    }
    return true;
}

static bool order_step(struct making *making, uint32_t step, struct error *err)
{
    uint32_t number = making->steps->numbers[step], other;
    struct contents_node node = archive_contents_node(making->contents, number);
    struct subject subject = {.step = step, .kind = node.kind};
    enum entry_kind kind;

    for (size_t i = 0; i < node.dependency_count; i++) {
        if (find(making, node.dependencies[i], &other, &kind) &&
            !come_behind(making, making->places[other].step, step, err))
            return false;
    }
    if (node.has_data)
        return order_rows(making, step, &node, err);
    if (node.kind == ENTRY_SEQUENCE_SET)
        return true;
    return shares_locks(making, number, node.kind, &subject.shares, err) &&
           lock_relations(making, &subject, &node, true, err);
}

/* ---- All of it ---- */

static bool allocate(struct making *making, const uint32_t *numbers, uint32_t count,
                     struct error *err)
{
    struct restore_steps *steps = making->steps;
    size_t places = 2 * (size_t)making->entries + 1;

    making->places = malloc(places * sizeof(*making->places));
    steps->numbers = malloc(((size_t)count + making->entries + 1) * sizeof(*steps->numbers));
    making->costs = calloc((size_t)count + making->entries + 1, sizeof(*making->costs));
    if (making->places == NULL || steps->numbers == NULL || making->costs == NULL)
        return error_set_memory(err);
    for (size_t i = 0; i < places; i++)
        making->places[i] = (struct place){
            .step = NONE, .rows = NONE, .before = NONE, .family = (uint32_t)i, .trigger = NONE};
    for (uint32_t i = 0; i < count; i++) {
        steps->numbers[i] = numbers[i];
        making->places[numbers[i]].step = i;
    }
    making->wanted = steps->count = count;
    return true;
}

static bool order_entries(struct making *making, const struct entry_orders *orders,
                          struct error *err)
{
    for (size_t i = 0; i < orders->count; i++) {
        uint32_t before = making->places[orders->items[i].before].step;
        uint32_t behind = making->places[orders->items[i].behind].step;

        if (before != NONE && behind != NONE &&
            !restore_graph_order(making->steps->graph, before, behind, err))
            return false;
    }
    return true;
}

static bool make(struct making *making, const struct entry_orders *orders, struct error *err)
{
    struct restore_steps *steps = making->steps;

    if (!find_families(making, err))
        return false;
    for (uint32_t i = 0; i < making->wanted; i++)
        find_rows(making, i);
    for (uint32_t families = count_families(making); families > 0; families--)
        steps->numbers[steps->count++] = STEP_IS_NOTHING;
    steps->graph = restore_graph_new(steps->count, 2 * making->entries, err);
    if (steps->graph == NULL || !order_families(making, err))
        return false;
    for (uint32_t i = 0; i < making->wanted; i++) {
        if (!order_step(making, i, err))
            return false;
    }
    if (!order_entries(making, orders, err))
        return false;
    for (uint32_t i = 0; i < steps->count; i++)
        restore_graph_set_cost(steps->graph, i, making->costs[i]);
    return restore_graph_seal(steps->graph, &steps->circles, err);
}

bool restore_steps_make(struct restore_steps *steps, struct archive_contents *contents,
                        const uint32_t *numbers, uint32_t count, const struct entry_orders *orders,
                        struct error *err)
{
    struct making making = {
        .steps = steps, .contents = contents, .entries = archive_contents_count(contents)};
    bool done;

    *steps = (struct restore_steps){0};
    done = allocate(&making, numbers, count, err) && make(&making, orders, err);
    free(making.places);
    free(making.costs);
    buffer_free(&making.texts);
    return done;
}

void restore_steps_reset(struct restore_steps *steps)
{
    restore_graph_free(steps->graph);
    free(steps->numbers);
    *steps = (struct restore_steps){0};
}
