/*
 * What is to be said of each record: Plakar prints a line of each. One is said once the record was
 * restored, which may be long after it came, and at the end in any case.
 */
#ifndef PGCASK_PLAKAR_EXPORT_RESULTS_H
#define PGCASK_PLAKAR_EXPORT_RESULTS_H

#include "base/buffer.h"

struct export_results;

/* wake_fd is written to when some are to be said. */
struct export_results *export_results_new(int wake_fd, struct error *err);
void export_results_free(struct export_results *results); /* NULL is allowed */

/* ---- The I/O thread's ---- */

/* A record came; bytes: as it came. plain: nothing is to be restored of it, it is fine as it is. */
bool export_results_add(struct export_results *results, struct slice bytes, const char *path,
                        bool plain, struct error *err);

/* The next result that is to be said, as an ExportResponse. False: there is none, or *err is set.
 */
bool export_results_next(struct export_results *results, struct buffer *message, struct error *err);

/* Nothing is restored any more. why: all that is not done was not restored, and that is the reason,
 * told of the record that was begun last; NULL: it was. */
void export_results_settle(struct export_results *results, const char *why);

/* ---- Any thread's; see struct connector_outcome ---- */

void export_results_begun(struct export_results *results, const char *path);
void export_results_failed(struct export_results *results, const char *path, const char *text);
void export_results_done(struct export_results *results, const char *path);

#endif
