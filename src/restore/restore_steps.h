/*
 * What comes with and behind the data of an archive as steps of a restore_graph: rows, values of
 * sequences, indexes, constraints, triggers. The rules are pg_restore's, and in three points more:
 *
 * - Whatever is behind data and depends on a table waits for the table's rows. What reaches into
 *   partitions and children, as a foreign key of their parent does, waits for all of their rows.
 * - What takes a strong lock says of which tables. Indexes share theirs; what reaches from a parent
 *   into its children has all of the family for itself.
 * - A step is as large as the rows of the largest table that it is about.
 */
#ifndef PGCASK_RESTORE_RESTORE_STEPS_H
#define PGCASK_RESTORE_RESTORE_STEPS_H

#include "archive/archive_contents.h"
#include "restore/restore_graph.h"

/* A step that is nothing to do, but others wait for it. */
#define STEP_IS_NOTHING UINT32_MAX

struct restore_steps {
    struct restore_graph *graph; /* sealed */
    uint32_t *numbers;           /* of the entries that the steps are of */
    uint32_t count;
    size_t circles; /* of dependencies, that were opened */
};

/* What the archive does not say: the entry `behind` comes behind the entry `before`. */
struct entry_order {
    uint32_t before, behind;
};

struct entry_orders {
    struct entry_order *items;
    size_t count, capacity;
};

/* numbers[count]: of the entries, in the order in which one session would do them; their data, or
 * else their definitions. To be reset, whatever comes back. */
bool restore_steps_make(struct restore_steps *steps, struct archive_contents *contents,
                        const uint32_t *numbers, uint32_t count, const struct entry_orders *orders,
                        struct error *err);
void restore_steps_reset(struct restore_steps *steps);

#endif
