/*
 * What the parts of a physical restore share: physical_restore.c leads it from the target's check
 * to the server's files lying ready, physical_restore_records.c knows where each record goes.
 */
#ifndef PGCASK_RESTORE_PHYSICAL_RESTORE_INTERNAL_H
#define PGCASK_RESTORE_PHYSICAL_RESTORE_INTERNAL_H

#include "base/buffer.h"
#include "manifest/manifest_decoder.h"
#include "manifest/summary.h"
#include "restore/cluster_files.h"
#include "restore/restore.h"
#include "restore/tablespace_links.h"

#include <limits.h>

struct restore {
    const struct physical_restore_options *options;
    struct physical_restore_report *report;
    struct folder data;
    bool replacing;
    struct control_facts old; /* of the cluster that is being replaced */
    char build[PATH_MAX];     /* where /data goes: the data directory, or the staging in it */
    bool prepared;            /* build is ours, to be removed again on failure */
    int lock_fd;              /* of the lock file in it; -1: none */
    bool mixture;             /* an exchange could not be undone: nothing may be removed */
    struct directory_writer *writer;
    struct record_observer counting; /* adds up bytes, then tells options->observer */
    struct tablespace_set tablespaces;
    struct manifest_decoder *manifest;
    const struct manifest_facts *facts; /* of it */
    bool manifest_came;
    struct summary_decoder *summary;
    json_t *configuration; /* that of summary.json */
    struct buffer control;
    bool has_control;
    char problem[RECORD_PATH_MAX + 512]; /* the first one that the check found */
    size_t problem_count;
    bool leftovers_told; /* what a killed restore left is not restored */
    size_t stray_count;  /* entries of pg_tblspc with which no server starts */
};

/* A record_observer's bytes_moved, whose context is the restore: adds up what was read. */
void physical_restore_count_bytes(void *context, size_t bytes);

/* A summary_handler's functions, whose context is the restore: the original configuration is kept,
 * the rest passed by. */
bool physical_restore_take_summary_head(void *context, const json_t *head, struct error *err);
bool physical_restore_pass_summary_entry(void *context, const struct summary_entry *entry,
                                         struct error *err);

/* Restores one record, whose reader stays the caller's to close. */
bool physical_restore_record(struct restore *restore, const struct record *record,
                             struct error *err);

#endif
