/* The lists of a selection: patterns of schemas, tables, indexes, triggers and functions, each held
 * against the names of an archive, and which of them matched anything. */
#ifndef PGCASK_RESTORE_SELECTION_LISTS_H
#define PGCASK_RESTORE_SELECTION_LISTS_H

#include "restore/restore_request.h"

struct selection_lists;

struct selection_lists *selection_lists_new(const struct option_list from[RESTORE_LISTS],
                                            struct error *err);
void selection_lists_free(struct selection_lists *lists); /* NULL is allowed */

/* Whether anything was given for it. */
bool selection_lists_has(const struct selection_lists *lists, enum restore_list list);

/* A name of the archive. */
struct selection_name {
    const char *database, *schema; /* NULL: none, or unknown */
    const char *name; /* of a schema, a table, an index as it is; of a function "f(integer, text)";
                         of a trigger "table trigger" */
};

/* Whether one of the list's patterns says that name, which is noted. */
bool selection_lists_match(struct selection_lists *lists, enum restore_list list,
                           const struct selection_name *name, bool *matches, struct error *err);

/* An error names a pattern that has matched nothing so far. */
bool selection_lists_check(const struct selection_lists *lists, struct error *err);

/* "exclude-schemas". */
const char *selection_lists_option(enum restore_list list);

#endif
