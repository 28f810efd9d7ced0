/* Where backups go to and come from: a directory, a .tar file, or a tar on standard input or
 * output. A tar may be compressed. */
#ifndef PGCASK_CLI_LOCATION_H
#define PGCASK_CLI_LOCATION_H

#include "base/error.h"
#include "record/store.h"
#include "restore/archive_scan.h"

enum location_kind {
    LOCATION_DIRECTORY,
    LOCATION_TAR_FILE,
    LOCATION_STREAM /* "-" */
};

/* What a target of that name is to be: "-"; a tar, which may be compressed, as its name says
 * (".tar", ".tar.gz", …); else a directory. A name that looks like a file of another format is
 * refused, unless it ends in a slash or such a directory is there; so is a URI. */
bool location_of_target(const char *name, enum location_kind *kind, enum compression *compression,
                        struct error *err);

/* What is there. *bytes is the size of a file, else 0. */
bool location_of_source(const char *name, enum location_kind *kind, uint64_t *bytes,
                        struct error *err);

/* The records of a backup in the order in which they were written. Waiting for a pipe ends when
 * the job is cancelled. NULL: failed. */
struct record_source *location_open_backup(const char *name, enum location_kind kind,
                                           const struct cancel *cancel, struct error *err);

/* The same, but of a directory what describes the backup comes first. */
struct record_source *location_open_for_listing(const char *name, enum location_kind kind,
                                                const struct cancel *cancel, struct error *err);

/* What is there may be a lone archive of pg_dump or ours instead of a backup. */
bool location_find_archive(const char *name, enum location_kind kind, struct record_source *source,
                           enum archive_kind *archive, struct error *err);

/* Adds up the files of a directory, for progress; 0 if that fails. */
uint64_t location_directory_bytes(const char *name, const struct cancel *cancel);

#endif
