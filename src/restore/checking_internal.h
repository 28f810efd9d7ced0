/*
 * What the parts of a checking source share: checking_source.c passes the records on,
 * checking_lists.c holds what came against the backup's two lists, checking_archive.c reads the
 * archives of a logical backup, checking_report.c tells of what is wrong.
 */
#ifndef PGCASK_RESTORE_CHECKING_INTERNAL_H
#define PGCASK_RESTORE_CHECKING_INTERNAL_H

#include "archive/archive.h"
#include "manifest/backup_manifest.h"
#include "manifest/file_ledger.h"
#include "manifest/logical_layout.h"
#include "manifest/manifest_decoder.h"
#include "manifest/physical_layout.h"
#include "manifest/record_proof.h"
#include "manifest/summary.h"
#include "restore/checking_source.h"

struct checking_source {
    struct record_source source;
    struct reader reader; /* wraps the current record's */
    struct record_source *inner;
    struct verify_options options;
    struct verify_report report;
    bool ended;
    bool out_of_memory; /* which is no problem of the backup's */

    /* The record being read. */
    struct reader *inner_reader;
    enum reader_status reader_state;
    enum layout_class record_class;
    bool reading;
    char path[RECORD_PATH_MAX];

    struct record_proof *proof;

    /* What came, against what should have come: files that backup_manifest lists, and everything
     * that summary.json lists. */
    struct file_ledger *listed, *others;
    struct backup_manifest_decoder *backup_manifest_decoder;
    struct summary_decoder *summary_decoder;
    struct manifest_decoder *manifest;
    const struct manifest_facts *facts; /* of it: which digests there are, and the kind */
    bool logical;
    struct archive_decoder *archive; /* of the record being read, if it is one */
    bool archive_failed;
    bool digests_settled;
    bool backup_manifest_seen, backup_manifest_whole, backup_manifest_failed;
    bool summary_seen, summary_whole, summary_failed;
};

/* checking_report.c */

/* Tells of a problem of the backup. */
ERROR_PRINTF(4, 5)
void checking_problem(struct checking_source *check, enum verify_problem kind, const char *path,
                      const char *format, ...);
/* A failure to read `path` is a problem of the backup, unless it was our memory. */
void checking_failure(struct checking_source *check, const char *path, const struct error *err);

/* checking_lists.c */

/* Makes the ledgers and the decoders of both lists. */
bool checking_begin_lists(struct checking_source *check, struct error *err);
void checking_feed_backup_manifest(struct checking_source *check, struct slice data);
void checking_end_backup_manifest(struct checking_source *check);
void checking_feed_summary(struct checking_source *check, struct slice data);
void checking_end_summary(struct checking_source *check);

/* checking_archive.c */

/* Does nothing if the record is not an archive. */
bool checking_begin_archive(struct checking_source *check, struct error *err);
void checking_feed_archive(struct checking_source *check, struct slice data);
void checking_end_archive(struct checking_source *check);

#endif
