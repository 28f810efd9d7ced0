/*
 * Functions with bodies that are parsed, and materialized views, may need a primary key: pg_dump
 * puts those behind the keys, and with them whatever depends on them: defaults, expressions of
 * generated columns, tables. Their section still says that they come before the data. What depends
 * on something that stands behind the data is late: it is done there.
 *
 * Rows cannot wait for their table, in a stream least of all. So what a late table with rows needs
 * is early: all of it comes before the data, the keys too. So it is with partitions, which are
 * attached before there are rows.
 */
#include "restore/archive_restore_internal.h"

#include <stdlib.h>

/* Who depends on an entry: numbers[begins[i]] … numbers[begins[i + 1] - 1] on entry i. */
struct dependents {
    uint32_t *begins, *numbers;
};

struct places {
    struct archive_job *job;
    uint32_t count;
    uint32_t *stack; /* entries whose own neighbours are still to be marked; each comes once */
    uint32_t height;
};

static struct contents_node node_of(const struct places *places, uint32_t number)
{
    return archive_contents_node(places->job->contents, number);
}

static void mark(struct places *places, uint32_t number, uint8_t place)
{
    if ((places->job->places[number] & place) != 0)
        return;
    places->job->places[number] |= place;
    places->stack[places->height++] = number;
}

/* ---- What is late ---- */

/* Most archives have none. */
static bool has_late(const struct archive_job *job)
{
    uint32_t other;

    for (uint32_t i = 0; i < archive_contents_count(job->contents); i++) {
        struct contents_node node = archive_contents_node(job->contents, i);

        for (size_t k = 0; node.section == SECTION_PRE_DATA && k < node.dependency_count; k++) {
            if (archive_contents_find(job->contents, node.dependencies[k], &other) &&
                archive_contents_node(job->contents, other).section == SECTION_POST_DATA)
                return true;
        }
    }
    return false;
}

/* Counts them, or puts them where the counts say. */
static void go_through(const struct places *places, struct dependents *dependents, bool puts)
{
    uint32_t other;

    for (uint32_t i = 0; i < places->count; i++) {
        struct contents_node node = node_of(places, i);

        for (size_t k = 0; k < node.dependency_count; k++) {
            if (!archive_contents_find(places->job->contents, node.dependencies[k], &other))
                continue;
            if (puts)
                dependents->numbers[--dependents->begins[other]] = i;
            else
                dependents->begins[other]++;
        }
    }
}

static bool find_dependents(const struct places *places, struct dependents *dependents,
                            struct error *err)
{
    dependents->begins = calloc((size_t)places->count + 1, sizeof(*dependents->begins));
    if (dependents->begins == NULL)
        return error_set_memory(err);
    go_through(places, dependents, false);
    for (uint32_t i = 0; i < places->count; i++)
        dependents->begins[i + 1] += dependents->begins[i];
    dependents->numbers =
        malloc(((size_t)dependents->begins[places->count] + 1) * sizeof(*dependents->numbers));
    if (dependents->numbers == NULL)
        return error_set_memory(err);
    go_through(places, dependents, true);
    return true;
}

/* Data have a place of their own, and what is behind them is there already. */
static void mark_late(struct places *places, const struct dependents *dependents)
{
    for (uint32_t i = 0; i < places->count; i++) {
        if (node_of(places, i).section == SECTION_POST_DATA)
            mark(places, i, PLACE_LATE);
    }
    while (places->height > 0) {
        uint32_t number = places->stack[--places->height];

        for (uint32_t k = dependents->begins[number]; k < dependents->begins[number + 1]; k++) {
            if (node_of(places, dependents->numbers[k]).section != SECTION_DATA)
                mark(places, dependents->numbers[k], PLACE_LATE);
        }
    }
}

/* ---- What is early all the same ---- */

static void mark_needed(struct places *places, uint32_t number, bool late_alone)
{
    struct contents_node node = node_of(places, number);
    uint32_t other;

    for (size_t i = 0; i < node.dependency_count; i++) {
        if (archive_contents_find(places->job->contents, node.dependencies[i], &other) &&
            node_of(places, other).section != SECTION_DATA &&
            (!late_alone || (places->job->places[other] & PLACE_LATE) != 0))
            mark(places, other, PLACE_EARLY);
    }
}

/* Sessions that share a table's rows would wait for each other at a key. */
static void mark_keys(struct places *places)
{
    uint32_t other;

    for (uint32_t i = 0; i < places->count; i++) {
        struct contents_node node = node_of(places, i);

        if (node.section != SECTION_POST_DATA || (places->job->places[i] & PLACE_EARLY) == 0)
            continue;
        for (size_t k = 0; k < node.dependency_count; k++) {
            if (archive_contents_find(places->job->contents, node.dependencies[k], &other))
                places->job->places[other] |= PLACE_KEYED;
        }
    }
}

static void mark_early(struct places *places)
{
    for (uint32_t i = 0; i < places->count; i++) {
        struct contents_node node = node_of(places, i);

        if (node.section == SECTION_DATA)
            mark_needed(places, i, true);
        else if (node.kind == ENTRY_TABLE_ATTACH && (places->job->places[i] & PLACE_LATE) != 0)
            mark(places, i, PLACE_EARLY);
    }
    while (places->height > 0)
        mark_needed(places, places->stack[--places->height], false);
    mark_keys(places);
}

bool archive_job_find_late(struct archive_job *job, struct error *err)
{
    struct places places = {.job = job, .count = archive_contents_count(job->contents)};
    struct dependents dependents = {0};
    bool done;

    if (!has_late(job))
        return true;
    job->places = calloc((size_t)places.count + 1, sizeof(*job->places));
    places.stack = malloc(((size_t)places.count + 1) * sizeof(*places.stack));
    done = job->places != NULL && places.stack != NULL ? find_dependents(&places, &dependents, err)
                                                       : error_set_memory(err);
    if (done) {
        mark_late(&places, &dependents);
        mark_early(&places);
    }
    free(dependents.begins);
    free(dependents.numbers);
    free(places.stack);
    return done;
}
