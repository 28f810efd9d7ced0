/* How a restore's report is filled. */
#ifndef PGCASK_RESTORE_RESTORE_REPORT_H
#define PGCASK_RESTORE_RESTORE_REPORT_H

#include "restore/logical_restore.h"

/* Tells the request's on_failure, counts, and keeps a copy of the first ones. */
void restore_report_failure(struct logical_restore_report *report,
                            const struct restore_request *request, const char *database,
                            const struct target_failure *failure);

/* Says once, of all of these, that functions were restored which rely on a search path. done: the
 * work came to its end; else *err, which says why not, has it too. */
void restore_report_say_search_path(const struct logical_restore_report *report,
                                    const struct restore_request *request, bool done,
                                    struct error *err);

/* For whoever has to know what was done before the work ended: the report's database was restored
 * to its end. */
void restore_report_ended(struct logical_restore_report *report);

/* Adds to an error which were. */
void restore_report_say_ended(const struct logical_restore_report *report, struct error *err);

/* The finding that was added last is of a database that was to replace one, and has not. */
void restore_report_aside(struct logical_restore_report *report);

#endif
