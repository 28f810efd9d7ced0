/*
 * The order of entries: an object comes after all that it needs, and otherwise by section, priority
 * and name, so that equal databases give equal archives.
 *
 * What an object needs may lead back to itself, or from what comes before the data to what comes
 * after it (a view that groups by a primary key). Then pieces are taken off their hosts, the least
 * harmful first, and what may be postponed is; this repeats until nothing is left to mend.
 */
#include "catalog/catalog_internal.h"

#include <stdlib.h>

#define NOWHERE UINT32_MAX
#define ROUNDS_MAX 10000

/* The graph of hosts: of node i the needed nodes are targets[first[i]] to targets[first[i + 1] -
 * 1]; a piece stands for its host. */
struct graph {
    struct catalog *catalog;
    uint32_t count; /* of objects; pieces have no edges of their own */
    uint32_t *first, *targets;
    uint32_t *component; /* number of the loop a node is in, NOWHERE if in none */
    uint32_t components;
};

static uint32_t node_of(const struct catalog *catalog, uint32_t index)
{
    const struct catalog_object *object = catalog->objects[index];

    return object->host != NULL ? object->host->index : index;
}

static void graph_reset(struct graph *graph)
{
    free(graph->first);
    free(graph->targets);
    free(graph->component);
    *graph = (struct graph){0};
}

static bool graph_init(struct graph *graph, struct catalog *catalog, struct error *err)
{
    uint32_t *filled;

    *graph = (struct graph){.catalog = catalog, .count = (uint32_t)catalog->object_count};
    graph->first = calloc((size_t)graph->count + 2, sizeof(*graph->first));
    graph->targets = calloc(catalog->edge_count + 1, sizeof(*graph->targets));
    graph->component = calloc((size_t)graph->count + 1, sizeof(*graph->component));
    if (graph->first == NULL || graph->targets == NULL || graph->component == NULL)
        return error_set_memory(err);
    filled = graph->first + 1; /* counts first, then moving ends: the usual bucket sort */
    for (size_t i = 0; i < catalog->edge_count; i++) {
        uint32_t from = node_of(catalog, catalog->edges[i].object);

        if (from != node_of(catalog, catalog->edges[i].needed))
            filled[from + 1]++;
    }
    for (uint32_t i = 1; i <= graph->count; i++)
        filled[i] += filled[i - 1];
    for (size_t i = 0; i < catalog->edge_count; i++) {
        uint32_t from = node_of(catalog, catalog->edges[i].object);
        uint32_t to = node_of(catalog, catalog->edges[i].needed);

        if (from != to)
            graph->targets[filled[from]++] = to;
    }
    return true;
}

/* ---- Loops (Tarjan's strongly connected components, without recursion) ---- */

struct walk {
    struct graph *graph;
    uint32_t *number, *low, *next_edge, *stack, *path;
    uint32_t numbered, stacked, depth;
};

static void enter(struct walk *walk, uint32_t node)
{
    walk->number[node] = walk->low[node] = ++walk->numbered;
    walk->next_edge[node] = walk->graph->first[node];
    walk->stack[walk->stacked++] = node;
    walk->path[walk->depth++] = node;
}

/* A component is complete: one of a single node is no loop. */
static void leave_component(struct walk *walk, uint32_t root)
{
    struct graph *graph = walk->graph;
    bool loop = walk->stack[walk->stacked - 1] != root;
    uint32_t node;

    do {
        node = walk->stack[--walk->stacked];
        graph->component[node] = loop ? graph->components : NOWHERE;
        walk->low[node] = NOWHERE; /* off the stack */
    } while (node != root);
    if (loop)
        graph->components++;
}

static void walk_from(struct walk *walk, uint32_t start)
{
    const struct graph *graph = walk->graph;

    enter(walk, start);
    while (walk->depth > 0) {
        uint32_t node = walk->path[walk->depth - 1];

        if (walk->next_edge[node] < graph->first[node + 1]) {
            uint32_t target = graph->targets[walk->next_edge[node]++];

            if (walk->number[target] == 0)
                enter(walk, target);
            else if (walk->low[target] != NOWHERE && walk->number[target] < walk->low[node])
                walk->low[node] = walk->number[target];
            continue;
        }
        walk->depth--;
        if (walk->depth > 0) {
            uint32_t parent = walk->path[walk->depth - 1];

            if (walk->low[node] < walk->low[parent])
                walk->low[parent] = walk->low[node];
        }
        if (walk->low[node] == walk->number[node])
            leave_component(walk, node);
    }
}

static bool find_loops(struct graph *graph, struct error *err)
{
    size_t size = (size_t)graph->count + 1;
    uint32_t *memory = calloc(size * 5, sizeof(*memory));
    struct walk walk = {.graph = graph};

    if (memory == NULL)
        return error_set_memory(err);
    walk.number = memory;
    walk.low = memory + size;
    walk.next_edge = memory + 2 * size;
    walk.stack = memory + 3 * size;
    walk.path = memory + 4 * size;
    for (uint32_t i = 0; i < graph->count; i++) {
        if (walk.number[i] == 0)
            walk_from(&walk, i);
    }
    free(memory);
    return true;
}

/* ---- Mending ---- */

/* Whether that piece's own needs lead into its host's loop. */
static bool closes_loop(const struct graph *graph, const struct catalog_object *piece)
{
    const struct catalog *catalog = graph->catalog;
    uint32_t loop = graph->component[piece->host->index];
    size_t count, first = depends_of(catalog, piece, &count);

    for (size_t i = first; i < first + count; i++) {
        uint32_t needed = node_of(catalog, catalog->edges[i].needed);

        if (needed != piece->host->index && graph->component[needed] == loop)
            return true;
    }
    return false;
}

/* Where a loop begins: at its oldest table or view, else at its oldest function. */
static bool begins_before(const struct catalog_object *a, const struct catalog_object *b)
{
    static const uint32_t classes[] = {CLASS_RELATION, CLASS_PROCEDURE};

    for (size_t i = 0; a->class_oid != b->class_oid && i < sizeof(classes) / sizeof(*classes);
         i++) {
        if (a->class_oid == classes[i] || b->class_oid == classes[i])
            return a->class_oid == classes[i];
    }
    return a->oid < b->oid;
}

static void find_beginnings(const struct graph *graph, uint32_t *start)
{
    struct catalog_object *const *objects = graph->catalog->objects;

    for (uint32_t loop = 0; loop < graph->components; loop++)
        start[loop] = NOWHERE;
    for (uint32_t i = 0; i < graph->count; i++) {
        uint32_t loop = graph->component[i];

        if (loop != NOWHERE &&
            (start[loop] == NOWHERE || begins_before(objects[i], objects[start[loop]])))
            start[loop] = i;
    }
}

/* Of the shortest way from there back to there the last node; parent[] leads from that to the
 * start. */
static uint32_t find_way(const struct graph *graph, uint32_t start, uint32_t *parent,
                         uint32_t *queue)
{
    uint32_t queued = 0;

    parent[start] = start;
    queue[queued++] = start;
    for (uint32_t at = 0; at < queued; at++) {
        uint32_t node = queue[at];

        for (uint32_t i = graph->first[node]; i < graph->first[node + 1]; i++) {
            uint32_t target = graph->targets[i];

            if (target == start)
                return node;
            if (graph->component[target] != graph->component[start] || parent[target] != NOWHERE)
                continue;
            parent[target] = node;
            queue[queued++] = target;
        }
    }
    return start;
}

static bool needs_node(const struct catalog *catalog, const struct catalog_object *object,
                       uint32_t node)
{
    size_t count, first = depends_of(catalog, object, &count);

    for (size_t i = first; i < first + count; i++) {
        if (node_of(catalog, catalog->edges[i].needed) == node)
            return true;
    }
    return false;
}

/* The piece by which that host needs the next node; NULL if it needs it by itself only. */
static struct catalog_object *piece_between(const struct catalog *catalog, uint32_t host,
                                            uint32_t next)
{
    struct catalog_object *found = NULL;

    for (struct catalog_object *piece = catalog->objects[host]->pieces; piece != NULL;
         piece = piece->next_piece) {
        unsigned rank = piece->kind->piece_rank;

        if (rank == 0 || (found != NULL && rank < found->kind->piece_rank) ||
            !needs_node(catalog, piece, next))
            continue;
        if (found == NULL || rank > found->kind->piece_rank || piece->index < found->index)
            found = piece;
    }
    return found;
}

/* The piece of the lowest rank on the way, the nearest to its start: pg_dump breaks loops there. */
static struct catalog_object *piece_on_way(const struct catalog *catalog, const uint32_t *parent,
                                           uint32_t start, uint32_t last)
{
    struct catalog_object *best = NULL;

    for (uint32_t node = last, next = start;; next = node, node = parent[node]) {
        struct catalog_object *piece = piece_between(catalog, node, next);

        if (piece != NULL && (best == NULL || piece->kind->piece_rank <= best->kind->piece_rank))
            best = piece;
        if (node == start)
            return best;
    }
}

/* Where that way has none: any of the lowest rank that closes its loop. */
static void find_others(const struct graph *graph, struct catalog_object **found)
{
    const struct catalog *catalog = graph->catalog;

    for (size_t i = 0; i < catalog->object_count; i++) {
        struct catalog_object *piece = catalog->objects[i];
        uint32_t loop = piece->host == NULL ? NOWHERE : graph->component[piece->host->index];
        unsigned rank = piece->kind->piece_rank;

        if (loop != NOWHERE && rank > 0 &&
            (found[loop] == NULL || rank < found[loop]->kind->piece_rank) &&
            closes_loop(graph, piece))
            found[loop] = piece;
    }
}

/* One piece of each loop. */
static bool take_off_pieces(struct graph *graph, bool *changed, struct error *err)
{
    size_t size = (size_t)graph->count + graph->components + 1;
    uint32_t *parent = malloc(size * sizeof(*parent)), *queue = calloc(size, sizeof(*queue));
    uint32_t *start = calloc(size, sizeof(*start));
    struct catalog_object **found = calloc(size, sizeof(struct catalog_object *));
    struct catalog_object **others = calloc(size, sizeof(struct catalog_object *));
    bool done = (parent != NULL && queue != NULL && start != NULL && found != NULL &&
                 others != NULL) ||
                error_set_memory(err),
         missing = false;

    if (done) {
        memset(parent, 0xff, size * sizeof(*parent)); /* NOWHERE */
        find_beginnings(graph, start);
    }
    for (uint32_t loop = 0; done && loop < graph->components; loop++) {
        uint32_t last = find_way(graph, start[loop], parent, queue);

        found[loop] = piece_on_way(graph->catalog, parent, start[loop], last);
        missing = missing || found[loop] == NULL;
    }
    if (missing)
        find_others(graph, others);
    for (uint32_t loop = 0; done && loop < graph->components; loop++) {
        struct catalog_object *piece = found[loop] != NULL ? found[loop] : others[loop];

        if (piece != NULL)
            catalog_take_off(piece);
        *changed = *changed || piece != NULL;
    }
    free(parent);
    free(queue);
    free(start);
    free(found);
    free(others);
    return done;
}

/* Rows only need each other where keys do, and no definitions are in the archive. */
static void tell_cut(const struct catalog *catalog, const struct catalog_object *object,
                     const struct catalog_object *needed)
{
    if (object->kind->content == CONTENT_DATA && needed->kind->content == CONTENT_DATA)
        log_message(catalog->options.log, LOG_WARNING,
                    "foreign keys of the tables %s and %s lead in a circle: their rows come back "
                    "where pg_restore disables triggers, or without the keys",
                    object->identity, needed->identity);
    else
        log_message(catalog->options.log, LOG_WARNING,
                    "%s %s and %s %s need each other: the archive may have to be restored with "
                    "errors ignored",
                    catalog_word(object), object->identity, catalog_word(needed), needed->identity);
}

/* Nothing can be taken off: a need is forgotten, and the user told. */
static void cut_loop(struct graph *graph, bool *changed)
{
    struct catalog *catalog = graph->catalog;

    for (size_t i = 0; i < catalog->edge_count; i++) {
        struct catalog_edge *edge = &catalog->edges[i];
        uint32_t from = node_of(catalog, edge->object), to = node_of(catalog, edge->needed);

        if (from == to || graph->component[from] == NOWHERE ||
            graph->component[from] != graph->component[to])
            continue;
        tell_cut(catalog, catalog->objects[from], catalog->objects[to]);
        edge->needed = edge->object; /* an edge to itself is none */
        *changed = true;
        return;
    }
}

/* An object may not need what comes in a later section. */
static void mend_section(struct catalog *catalog, const struct catalog_edge *edge, bool *changed)
{
    struct catalog_object *object = catalog->objects[edge->object];
    struct catalog_object *node = catalog->objects[node_of(catalog, edge->object)];
    const struct catalog_object *needed = catalog->objects[node_of(catalog, edge->needed)];

    if (node == needed || needed->section <= node->section)
        return;
    if (object->host != NULL && object->kind->piece_rank > 0 && !object->kind->may_postpone)
        catalog_take_off(object);
    else if (node->kind->may_postpone)
        node->section = SECTION_POST_DATA;
    else
        return;
    *changed = true;
}

static bool mend_once(struct catalog *catalog, bool *changed, struct error *err)
{
    struct graph graph;
    bool done = graph_init(&graph, catalog, err) && find_loops(&graph, err);

    *changed = false;
    /* Sections first: what they ask for has to be done, and may be all that a loop needs. */
    for (size_t i = 0; done && i < catalog->edge_count; i++)
        mend_section(catalog, &catalog->edges[i], changed);
    if (done && !*changed && graph.components > 0) {
        done = take_off_pieces(&graph, changed, err);
        if (done && !*changed)
            cut_loop(&graph, changed);
    }
    graph_reset(&graph);
    return done;
}

/* ---- Putting in order ---- */

static int compare_texts(const char *a, const char *b)
{
    if (a == NULL || b == NULL)
        return (a != NULL) - (b != NULL);
    return strcmp(a, b);
}

static int compare_objects(const void *a, const void *b)
{
    const struct catalog_object *first = *(struct catalog_object *const *)a;
    const struct catalog_object *second = *(struct catalog_object *const *)b;
    int by_name;

    if (first->section != second->section)
        return first->section < second->section ? -1 : 1;
    if (first->kind->priority != second->kind->priority)
        return first->kind->priority < second->kind->priority ? -1 : 1;
    by_name = compare_texts(first->schema, second->schema);
    if (by_name == 0)
        by_name = compare_texts(first->name, second->name);
    if (by_name == 0)
        by_name = compare_texts(first->identity, second->identity);
    if (by_name == 0)
        by_name = compare_texts(first->kind->desc, second->kind->desc);
    if (by_name != 0)
        return by_name;
    return first->index < second->index ? -1 : first->index > second->index;
}

/* A heap of ranks, the lowest on top. */
struct heap {
    uint32_t *items;
    uint32_t count;
};

static void heap_put(struct heap *heap, uint32_t rank)
{
    uint32_t at = heap->count++;

    while (at > 0 && heap->items[(at - 1) / 2] > rank) {
        heap->items[at] = heap->items[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap->items[at] = rank;
}

static uint32_t heap_take(struct heap *heap)
{
    uint32_t top = heap->items[0], last = heap->items[--heap->count], at = 0;

    for (;;) {
        uint32_t child = 2 * at + 1;

        if (child + 1 < heap->count && heap->items[child + 1] < heap->items[child])
            child++;
        if (child >= heap->count || heap->items[child] >= last)
            break;
        heap->items[at] = heap->items[child];
        at = child;
    }
    heap->items[at] = last;
    return top;
}

struct sorting {
    struct graph needs;
    struct catalog_object **ranked; /* by name */
    uint32_t *rank;                 /* of an object, by index */
    uint32_t *waits;                /* how many of its needs have not come yet */
    uint32_t *users_first, *users;  /* the graph the other way round */
    struct heap ready;
};

static void sorting_reset(struct sorting *sorting)
{
    graph_reset(&sorting->needs);
    free(sorting->ranked);
    free(sorting->rank);
    free(sorting->waits);
    free(sorting->users_first);
    free(sorting->users);
    free(sorting->ready.items);
}

static bool sorting_init(struct sorting *sorting, struct catalog *catalog, struct error *err)
{
    size_t size = catalog->object_count + 2;

    *sorting = (struct sorting){0};
    if (!graph_init(&sorting->needs, catalog, err))
        return false;
    sorting->ranked = calloc(size, sizeof(*sorting->ranked));
    sorting->rank = calloc(size, sizeof(*sorting->rank));
    sorting->waits = calloc(size, sizeof(*sorting->waits));
    sorting->users_first = calloc(size, sizeof(*sorting->users_first));
    sorting->users = calloc(catalog->edge_count + 1, sizeof(*sorting->users));
    sorting->ready.items = calloc(size, sizeof(*sorting->ready.items));
    if (sorting->ranked == NULL || sorting->rank == NULL || sorting->waits == NULL ||
        sorting->users_first == NULL || sorting->users == NULL || sorting->ready.items == NULL)
        return error_set_memory(err);
    for (uint32_t i = 0; i < catalog->object_count; i++)
        sorting->ranked[i] = catalog->objects[i];
    qsort(sorting->ranked, catalog->object_count, sizeof(*sorting->ranked), compare_objects);
    for (uint32_t i = 0; i < catalog->object_count; i++)
        sorting->rank[sorting->ranked[i]->index] = i;
    return true;
}

static void turn_around(struct sorting *sorting)
{
    const struct graph *needs = &sorting->needs;
    uint32_t *filled = sorting->users_first + 1;

    for (uint32_t i = 0; i < needs->first[needs->count]; i++)
        filled[needs->targets[i] + 1]++;
    for (uint32_t i = 1; i <= needs->count; i++)
        filled[i] += filled[i - 1];
    for (uint32_t node = 0; node < needs->count; node++) {
        for (uint32_t i = needs->first[node]; i < needs->first[node + 1]; i++)
            sorting->users[filled[needs->targets[i]]++] = node;
        sorting->waits[node] = needs->first[node + 1] - needs->first[node];
    }
}

static void add_slots(struct catalog *catalog, struct catalog_object *object)
{
    if (!catalog_is_wanted(catalog, object))
        return;
    if (!object->hidden)
        catalog->slots[catalog->slot_count++] = (struct catalog_slot){.object = object};
    for (struct catalog_extra *extra = object->extras; extra != NULL; extra = extra->next)
        catalog->slots[catalog->slot_count++] = (struct catalog_slot){object, extra};
}

/* The extras of a piece stand behind the host's own. */
static void add_slots_of_pieces(struct catalog *catalog, const struct catalog_object *object)
{
    for (struct catalog_object *piece = object->pieces; piece != NULL; piece = piece->next_piece) {
        if (!catalog_is_wanted(catalog, piece))
            continue;
        for (struct catalog_extra *extra = piece->extras; extra != NULL; extra = extra->next)
            catalog->slots[catalog->slot_count++] = (struct catalog_slot){piece, extra};
    }
}

static bool fill_slots(struct sorting *sorting, struct catalog *catalog, struct error *err)
{
    size_t placed = 0, pieces = 0;

    for (uint32_t i = 0; i < catalog->object_count; i++) {
        pieces += catalog->objects[i]->host != NULL;
        if (catalog->objects[i]->host == NULL && sorting->waits[i] == 0)
            heap_put(&sorting->ready, sorting->rank[i]);
    }
    while (sorting->ready.count > 0) {
        struct catalog_object *object = sorting->ranked[heap_take(&sorting->ready)];

        placed++;
        add_slots(catalog, object);
        add_slots_of_pieces(catalog, object);
        for (uint32_t i = sorting->users_first[object->index];
             i < sorting->users_first[object->index + 1]; i++) {
            uint32_t user = sorting->users[i];

            if (--sorting->waits[user] == 0)
                heap_put(&sorting->ready, sorting->rank[user]);
        }
    }
    if (placed + pieces != catalog->object_count)
        return error_set(err, ERROR_UNSUPPORTED, "the objects of the database need each other");
    return true;
}

bool order_objects(struct catalog *catalog, struct error *err)
{
    struct sorting sorting = {0};
    bool changed = true, done = true;

    for (int round = 0; done && changed && round < ROUNDS_MAX; round++)
        done = mend_once(catalog, &changed, err);
    catalog_take_off_tied(catalog); /* makes no loop: nothing needs a piece */
    catalog->slots =
        calloc((size_t)catalog->last_dump_id - catalog->reserved_ids + 1, sizeof(*catalog->slots));
    if (catalog->slots == NULL)
        return error_set_memory(err);
    done = done && sorting_init(&sorting, catalog, err);
    if (done) {
        turn_around(&sorting);
        done = fill_slots(&sorting, catalog, err);
        runs_place(catalog);
    }
    sorting_reset(&sorting);
    return done;
}
