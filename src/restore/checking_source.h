/*
 * A record source that proves a backup while it passes through: it wraps another source, digests
 * every byte on its way, and at the end holds what came against backup_manifest and summary.json.
 * verify drains it, restore writes what it yields.
 *
 * Expects the records in the order they were written: /manifest.json first, /data/backup_manifest
 * after the cluster's files, /summary.json last.
 */
#ifndef PGCASK_RESTORE_CHECKING_SOURCE_H
#define PGCASK_RESTORE_CHECKING_SOURCE_H

#include "restore/restore.h"

/* Takes over the inner source. Problems are reported through options->problem as soon as they are
 * known and counted; they do not stop the stream. Errors of the inner source do. */
struct record_source *checking_source_new(struct record_source *inner,
                                          const struct verify_options *options, struct error *err);

/* True once SOURCE_END was given and nothing was wrong. */
bool checking_source_whole(const struct record_source *source);

/* Totals and what summary.json said; complete after SOURCE_END. */
void checking_source_report(const struct record_source *source, struct verify_report *report);

#endif
