/*
 * What the parts of a checking source share: checking_source.c passes the records on,
 * checking_lists.c holds what came against the backup's two lists, checking_archive.c reads the
 * archives and scripts of a logical backup, checking_report.c tells of what is wrong.
 */
#ifndef PGCASK_RESTORE_CHECKING_INTERNAL_H
#define PGCASK_RESTORE_CHECKING_INTERNAL_H

#include "archive/archive.h"
#include "archive/sql_script.h"
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

    /* What a record of a logical backup is read as: at most one of these. */
    struct logical_place place; /* points into path */
    struct archive_decoder *archive;
    struct sql_script *script;
    bool in_folder;      /* a file of the folder below */
    bool content_failed; /* and was told of, or cannot be read as that */

    struct archive_folder *folder; /* that the last record lay in; NULL: none */
    char folder_path[RECORD_PATH_MAX];
    bool folder_read, folder_failed;    /* its table of contents */
    size_t folder_skipped;              /* files before that */
    char empty_folder[RECORD_PATH_MAX]; /* that the last record was; "": it was none */

    /* These only without summary.json. */
    bool globals_seen;
    uint32_t last_number; /* of an archive that is named */
    uint32_t gap;         /* the first number that did not come before manifest.json; 0: none */
    bool numbered;        /* by the path of the globals: of a backup that another program made */
    size_t contents;      /* archives and scripts of such a one */

    bool digests_settled;
    enum digest_algorithm
        digested; /* what files of summary.json were: manifest.json may come late */
    bool backup_manifest_seen, backup_manifest_whole, backup_manifest_failed;
    bool summary_seen, summary_whole, summary_failed;
    bool rows_stated; /* by summary.json */
    uint64_t stated_rows;
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

/* They do nothing if the record is neither an archive, or a file of one, nor a script. */
bool checking_begin_content(struct checking_source *check, struct error *err);
void checking_feed_content(struct checking_source *check, struct slice data);
void checking_end_content(struct checking_source *check);
void checking_drop_content(struct checking_source *check);

/* A folder of the layout is passing through: no list names it, it is there for its files. */
void checking_enter_folder(struct checking_source *check, const char *path);

/* No more files of the folder come. */
void checking_leave_folder(struct checking_source *check);

/* Whether it has no summary.json: then what is inside its files has to prove them. */
bool checking_is_unlisted(const struct checking_source *check);

/* Of such a one: whether all is there that manifest.json says. */
void checking_end_unlisted(struct checking_source *check);

/* Whether the digests of its summary.json are all that is asked for. */
bool checking_goes_by_digests(const struct checking_source *check);

#endif
