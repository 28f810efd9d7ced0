/*
 * A step is ready once all that it comes behind are done; the ready ones are in a heap. One that
 * comes out of it and finds a thing locked waits at that thing, and goes back into the heap when
 * the thing is let go. Of many that wait at one thing only some go back at once, and then one more
 * for each that got farther: were it all of them each time, a thousand partitions that want their
 * parent would be gone through a thousand times.
 */
#include "restore/restore_graph.h"

#include "base/array.h"

#include <stdlib.h>

#define NOBODY UINT32_MAX
#define SEVERAL (UINT32_MAX - 1)
#define NONE UINT32_MAX

/* As many go back into the heap when a thing is let go. */
#define WOKEN_AT_ONCE 64

struct step {
    uint64_t cost;
    uint32_t behind;     /* steps that are to be done before */
    uint32_t next;       /* of those that wait at the same thing */
    uint32_t woken_from; /* the thing at which it waited last, until it is looked at */
    bool taken;
};

struct thing {
    uint32_t holders, alone; /* … of these, that must be alone */
    uint32_t worker;         /* who holds it; NOBODY, SEVERAL */
    uint32_t first, last;    /* of those that wait */
};

/* A list of numbers for each step: of step i are numbers[begins[i]] … [begins[i + 1] - 1]. */
struct lists {
    uint32_t *begins, *numbers;
};

struct pair {
    uint32_t step, number;
};

struct pairs {
    struct pair *all;
    size_t count, capacity;
};

struct restore_graph {
    struct step *steps;
    struct thing *things;
    uint32_t step_count, thing_count;
    struct pairs edges, locks; /* until it is sealed */
    struct lists after;        /* steps that come behind a step */
    struct lists locked;       /* 2 * thing + alone */
    uint32_t *heap;
    uint32_t heap_count;
    size_t left;
};

/* ---- Making it ---- */

struct restore_graph *restore_graph_new(uint32_t steps, uint32_t things, struct error *err)
{
    struct restore_graph *graph = calloc(1, sizeof(*graph));

    if (graph != NULL) {
        graph->steps = calloc((size_t)steps + 1, sizeof(*graph->steps));
        graph->things = calloc((size_t)things + 1, sizeof(*graph->things));
        graph->heap = calloc((size_t)steps + 1, sizeof(*graph->heap));
    }
    if (graph == NULL || graph->steps == NULL || graph->things == NULL || graph->heap == NULL) {
        restore_graph_free(graph);
        error_set_memory(err);
        return NULL;
    }
    graph->step_count = steps;
    graph->thing_count = things;
    graph->left = steps;
    for (uint32_t i = 0; i < steps; i++)
        graph->steps[i].next = graph->steps[i].woken_from = NONE;
    for (uint32_t i = 0; i < things; i++)
        graph->things[i] = (struct thing){.worker = NOBODY, .first = NONE, .last = NONE};
    return graph;
}

void restore_graph_free(struct restore_graph *graph)
{
    if (graph == NULL)
        return;
    free(graph->steps);
    free(graph->things);
    free(graph->edges.all);
    free(graph->locks.all);
    free(graph->after.begins);
    free(graph->after.numbers);
    free(graph->locked.begins);
    free(graph->locked.numbers);
    free(graph->heap);
    free(graph);
}

void restore_graph_set_cost(struct restore_graph *graph, uint32_t step, uint64_t cost)
{
    graph->steps[step].cost = cost;
}

static bool add_pair(struct pairs *pairs, uint32_t step, uint32_t number, struct error *err)
{
    if (pairs->count == pairs->capacity) {
        struct pair *grown = array_grow(pairs->all, &pairs->capacity, sizeof(*grown), err);

        if (grown == NULL)
            return false;
        pairs->all = grown;
    }
    pairs->all[pairs->count++] = (struct pair){step, number};
    return true;
}

bool restore_graph_order(struct restore_graph *graph, uint32_t before, uint32_t step,
                         struct error *err)
{
    if (before == step)
        return true;
    graph->steps[step].behind++;
    return add_pair(&graph->edges, before, step, err);
}

bool restore_graph_lock(struct restore_graph *graph, uint32_t step, uint32_t thing, bool alone,
                        struct error *err)
{
    return add_pair(&graph->locks, step, 2 * thing + (alone ? 1 : 0), err);
}

static bool make_lists(struct lists *lists, struct pairs *pairs, uint32_t steps, struct error *err)
{
    lists->begins = calloc((size_t)steps + 2, sizeof(*lists->begins));
    lists->numbers = calloc(pairs->count + 1, sizeof(*lists->numbers));
    if (lists->begins == NULL || lists->numbers == NULL)
        return error_set_memory(err);
    for (size_t i = 0; i < pairs->count; i++)
        lists->begins[pairs->all[i].step + 2]++;
    for (uint32_t i = 2; i < steps + 2; i++)
        lists->begins[i] += lists->begins[i - 1];
    for (size_t i = 0; i < pairs->count; i++)
        lists->numbers[lists->begins[pairs->all[i].step + 1]++] = pairs->all[i].number;
    free(pairs->all);
    *pairs = (struct pairs){0};
    return true;
}

/* ---- The heap ---- */

static bool goes_first(const struct restore_graph *graph, uint32_t a, uint32_t b)
{
    if (graph->steps[a].cost != graph->steps[b].cost)
        return graph->steps[a].cost > graph->steps[b].cost;
    return a < b;
}

static void heap_push(struct restore_graph *graph, uint32_t step)
{
    uint32_t *heap = graph->heap;
    uint32_t at = graph->heap_count++;

    while (at > 0 && goes_first(graph, step, heap[(at - 1) / 2])) {
        heap[at] = heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap[at] = step;
}

static uint32_t heap_pop(struct restore_graph *graph)
{
    uint32_t *heap = graph->heap;
    uint32_t first = heap[0], moved = heap[--graph->heap_count];
    uint32_t at = 0, child;

    while ((child = 2 * at + 1) < graph->heap_count) {
        if (child + 1 < graph->heap_count && goes_first(graph, heap[child + 1], heap[child]))
            child++;
        if (!goes_first(graph, heap[child], moved))
            break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = moved;
    return first;
}

/* ---- Order ---- */

/* One that it came behind is done. */
static void come_nearer(struct restore_graph *graph, uint32_t step)
{
    if (graph->steps[step].behind > 0 && --graph->steps[step].behind == 0)
        heap_push(graph, step);
}

static void free_those_behind(struct restore_graph *graph, uint32_t step)
{
    for (uint32_t i = graph->after.begins[step]; i < graph->after.begins[step + 1]; i++)
        come_nearer(graph, graph->after.numbers[i]);
}

/* The other way round than `after`. */
static bool make_before(const struct restore_graph *graph, struct lists *before, struct error *err)
{
    struct pairs pairs = {0};

    for (uint32_t step = 0; step < graph->step_count; step++) {
        for (uint32_t i = graph->after.begins[step]; i < graph->after.begins[step + 1]; i++) {
            if (!add_pair(&pairs, graph->after.numbers[i], step, err)) {
                free(pairs.all);
                return false;
            }
        }
    }
    if (make_lists(before, &pairs, graph->step_count, err))
        return true;
    free(pairs.all);
    return false;
}

/* One that is still to be done before this one. */
static uint32_t come_before(const struct restore_graph *graph, const struct lists *before,
                            uint32_t step)
{
    uint32_t i = before->begins[step];

    while (graph->steps[before->numbers[i]].taken)
        i++;
    return before->numbers[i];
}

/* Going through all of it once as if done: what is never reached is in a circle or behind one. */
struct going {
    struct restore_graph *graph;
    struct lists before;
    uint32_t *behind; /* of each step, as it is to be in the end */
    uint32_t *seen;   /* of each: the circle in the search for which it was met */
    uint32_t reached;
};

static void reach(struct going *going)
{
    while (going->graph->heap_count > 0) {
        uint32_t step = heap_pop(going->graph);

        going->graph->steps[step].taken = true;
        going->reached++;
        free_those_behind(going->graph, step);
    }
}

/* Going back from a step leads into a circle, whose first step this is. */
static uint32_t first_of_circle(struct going *going, uint32_t step, uint32_t number)
{
    uint32_t first;

    while (going->seen[step] != number) {
        going->seen[step] = number;
        step = come_before(going->graph, &going->before, step);
    }
    first = step;
    for (uint32_t at = come_before(going->graph, &going->before, step); at != step;
         at = come_before(going->graph, &going->before, at))
        first = at < first ? at : first;
    return first;
}

/* `behind` of a step that opens a circle is made 0 for good. */
static bool open_circles(struct going *going, size_t *circles, struct error *err)
{
    uint32_t from = 0, first;

    going->seen = calloc((size_t)going->graph->step_count + 1, sizeof(*going->seen));
    if (going->seen == NULL)
        return error_set_memory(err);
    if (!make_before(going->graph, &going->before, err))
        return false;
    while (going->reached < going->graph->step_count) {
        while (going->graph->steps[from].taken)
            from++;
        ++*circles;
        first = first_of_circle(going, from, (uint32_t)*circles);
        going->graph->steps[first].behind = 0;
        going->behind[first] = NONE;
        heap_push(going->graph, first);
        reach(going);
    }
    return true;
}

static void push_ready(struct restore_graph *graph)
{
    for (uint32_t i = 0; i < graph->step_count; i++) {
        if (graph->steps[i].behind == 0)
            heap_push(graph, i);
    }
}

static bool go_through(struct restore_graph *graph, uint32_t *behind, size_t *circles,
                       struct error *err)
{
    struct going going = {.graph = graph, .behind = behind};
    bool done = true;

    *circles = 0;
    push_ready(graph);
    reach(&going);
    if (going.reached < graph->step_count)
        done = open_circles(&going, circles, err);
    free(going.seen);
    free(going.before.begins);
    free(going.before.numbers);
    return done;
}

bool restore_graph_seal(struct restore_graph *graph, size_t *circles, struct error *err)
{
    uint32_t *behind = calloc((size_t)graph->step_count + 1, sizeof(*behind));
    bool done = behind != NULL || error_set_memory(err);

    done = done && make_lists(&graph->after, &graph->edges, graph->step_count, err) &&
           make_lists(&graph->locked, &graph->locks, graph->step_count, err);
    for (uint32_t i = 0; done && i < graph->step_count; i++)
        behind[i] = graph->steps[i].behind;
    done = done && go_through(graph, behind, circles, err);
    for (uint32_t i = 0; done && i < graph->step_count; i++) {
        graph->steps[i].behind = behind[i] == NONE ? 0 : behind[i];
        graph->steps[i].taken = false;
    }
    free(behind);
    if (done)
        push_ready(graph);
    return done;
}

/* ---- Locks ---- */

static bool may_hold(const struct thing *thing, uint32_t worker, bool alone)
{
    return thing->holders == 0 || thing->worker == worker || (!alone && thing->alone == 0);
}

/* The first thing that is in its way; NONE. */
static uint32_t find_obstacle(const struct restore_graph *graph, uint32_t step, uint32_t worker)
{
    for (uint32_t i = graph->locked.begins[step]; i < graph->locked.begins[step + 1]; i++) {
        uint32_t number = graph->locked.numbers[i];

        if (!may_hold(&graph->things[number / 2], worker, number % 2 == 1))
            return number / 2;
    }
    return NONE;
}

static void hold(struct restore_graph *graph, uint32_t step, uint32_t worker)
{
    for (uint32_t i = graph->locked.begins[step]; i < graph->locked.begins[step + 1]; i++) {
        struct thing *thing = &graph->things[graph->locked.numbers[i] / 2];

        if (thing->holders == 0)
            thing->worker = worker;
        else if (thing->worker != worker)
            thing->worker = SEVERAL;
        thing->holders++;
        thing->alone += graph->locked.numbers[i] % 2;
    }
}

static void wait_at(struct restore_graph *graph, uint32_t step, uint32_t number)
{
    struct thing *thing = &graph->things[number];

    graph->steps[step].next = NONE;
    if (thing->first == NONE)
        thing->first = step;
    else
        graph->steps[thing->last].next = step;
    thing->last = step;
}

static void wake(struct restore_graph *graph, uint32_t number, unsigned most)
{
    struct thing *thing = &graph->things[number];

    while (most-- > 0 && thing->first != NONE) {
        uint32_t step = thing->first;

        thing->first = graph->steps[step].next;
        graph->steps[step].woken_from = number;
        heap_push(graph, step);
    }
}

static void let_go(struct restore_graph *graph, uint32_t step)
{
    for (uint32_t i = graph->locked.begins[step]; i < graph->locked.begins[step + 1]; i++) {
        uint32_t number = graph->locked.numbers[i];
        struct thing *thing = &graph->things[number / 2];

        thing->holders--;
        thing->alone -= number % 2;
        if (thing->holders == 0) {
            thing->worker = NOBODY;
            wake(graph, number / 2, WOKEN_AT_ONCE);
        }
    }
}

/* ---- Going through it ---- */

/* False: it waits. */
static bool take_step(struct restore_graph *graph, uint32_t worker, uint32_t step)
{
    uint32_t obstacle = find_obstacle(graph, step, worker);
    uint32_t woken_from = graph->steps[step].woken_from;

    graph->steps[step].woken_from = NONE;
    if (obstacle != NONE)
        wait_at(graph, step, obstacle);
    else
        hold(graph, step, worker);
    if (woken_from != NONE && woken_from != obstacle)
        wake(graph, woken_from, 1);
    if (obstacle != NONE)
        return false;
    graph->steps[step].taken = true;
    graph->left--;
    return true;
}

size_t restore_graph_take(struct restore_graph *graph, uint32_t worker, uint32_t *taken,
                          size_t room, uint64_t enough)
{
    uint64_t costs = 0;
    size_t count = 0;

    while (count < room && graph->heap_count > 0) {
        uint32_t step = graph->heap[0];
        uint64_t cost = graph->steps[step].cost;

        if (count > 0 && (costs >= enough || cost >= enough - costs))
            break;
        heap_pop(graph);
        if (!take_step(graph, worker, step))
            continue;
        costs = cost > UINT64_MAX - costs ? UINT64_MAX : costs + cost;
        taken[count++] = step;
    }
    return count;
}

void restore_graph_done(struct restore_graph *graph, const uint32_t *steps, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        let_go(graph, steps[i]);
        free_those_behind(graph, steps[i]);
    }
}

size_t restore_graph_left(const struct restore_graph *graph)
{
    return graph->left;
}
