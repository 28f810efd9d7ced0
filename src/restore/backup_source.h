/* A backup, or an archive of pg_dump, opened where it is kept. */
#ifndef PGCASK_RESTORE_BACKUP_SOURCE_H
#define PGCASK_RESTORE_BACKUP_SOURCE_H

#include "record/place.h"
#include "restore/archive_scan.h"

/* The records of a backup in the order in which they were written. NULL: failed. */
struct record_source *backup_source_open(const struct record_place *place,
                                         const struct cancel *cancel, struct error *err);

/* The same, but of a directory what describes the backup comes first. */
struct record_source *backup_source_open_for_listing(const struct record_place *place,
                                                     const struct cancel *cancel,
                                                     struct error *err);

/* What was opened there may be a lone archive of pg_dump or ours instead of a backup. */
bool backup_source_find_archive(const struct record_place *place, struct record_source *source,
                                enum archive_kind *archive, struct error *err);

#endif
