/* Failures of statements that take nothing from what is restored. */
#ifndef PGCASK_RESTORE_HARMLESS_FAILURES_H
#define PGCASK_RESTORE_HARMLESS_FAILURES_H

#include <stdbool.h>

/* The class that it is of, as "extension_comment"; NULL: it is a real one. object: as in struct
 * target_failure. drops: the statement is one of those that drop what is made anew. */
const char *harmless_failure_class(const char *object, const char *sqlstate, const char *statement,
                                   bool drops);

#endif
