/*
 * What may be restored next, by several sessions at once: steps of which some come behind others,
 * and which lock things while they run. No I/O, and no lock of its own: its caller has one.
 *
 * A worker takes some steps at a time and is done with all of them at once. Until then they hold
 * what they lock, so that nothing that two workers do at the same time waits for each other in a
 * circle. What a worker holds is in its own way never.
 *
 * n steps with e edges and locks take O((n + e) log n) in all.
 */
#ifndef PGCASK_RESTORE_RESTORE_GRAPH_H
#define PGCASK_RESTORE_RESTORE_GRAPH_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct restore_graph;

/* ---- Making it ---- */

/* Steps are 0 … steps - 1, in the order in which they would be done by one session. */
struct restore_graph *restore_graph_new(uint32_t steps, uint32_t things, struct error *err);
void restore_graph_free(struct restore_graph *graph); /* NULL is allowed */

/* The larger, the earlier; 0 if not said. */
void restore_graph_set_cost(struct restore_graph *graph, uint32_t step, uint64_t cost);

/* `step` comes behind `before`. One that comes behind itself does not count. */
bool restore_graph_order(struct restore_graph *graph, uint32_t before, uint32_t step,
                         struct error *err);

/* The step locks the thing: with others that share it, or alone. */
bool restore_graph_lock(struct restore_graph *graph, uint32_t step, uint32_t thing, bool alone,
                        struct error *err);

/* That is all of it. Where steps come behind each other in a circle, the first of them comes first:
 * *circles is how many were opened that way. */
bool restore_graph_seal(struct restore_graph *graph, size_t *circles, struct error *err);

/* ---- Going through it ---- */

/* Takes steps that may be done now, the largest first: at most `room` of them, and no more once
 * their costs make `enough`; they are to be done in the order in which they come. 0: there are none
 * until somebody is done, or at all. workers are numbered from 0. */
size_t restore_graph_take(struct restore_graph *graph, uint32_t worker, uint32_t *taken,
                          size_t room, uint64_t enough);

void restore_graph_done(struct restore_graph *graph, const uint32_t *steps, size_t count);

/* Steps that nobody has taken. */
size_t restore_graph_left(const struct restore_graph *graph);

#endif
