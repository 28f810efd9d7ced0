/* Failures of statements that take nothing from what is restored. */
#ifndef PGCASK_RESTORE_HARMLESS_FAILURES_H
#define PGCASK_RESTORE_HARMLESS_FAILURES_H

/* The class that it is of, as "extension_comment"; NULL: it is a real one. object: as in struct
 * target_failure. */
const char *harmless_failure_class(const char *object, const char *sqlstate, const char *statement);

#endif
