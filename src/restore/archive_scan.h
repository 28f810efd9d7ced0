/*
 * A dump archive (of pg_dump, or in a logical backup) read for what it says: only its table of
 * contents, or to its end, which proves it whole.
 */
#ifndef PGCASK_RESTORE_ARCHIVE_SCAN_H
#define PGCASK_RESTORE_ARCHIVE_SCAN_H

#include "archive/archive.h"
#include "base/cancel.h"
#include "restore/restore.h"

/* What a directory archive of pg_dump is read by. */
#define ARCHIVE_TOC_PATHS "/toc.dat", "/toc.dat.gz", "/toc.dat.lz4", "/toc.dat.zst"

enum archive_kind {
    ARCHIVE_NONE,
    ARCHIVE_CUSTOM, /* one file */
    ARCHIVE_FILES   /* a file for each table: pg_dump's directory and tar formats */
};

/* What is in a directory. */
enum archive_kind archive_kind_of_directory(const char *directory);

/* What a tar source, from which nothing was taken yet, has instead of a tar of records. Of a custom
 * archive the source is of no use then, but tar_source_raw_reader is; of the other formats its
 * records are the archive's files. */
bool archive_kind_of_tar(struct record_source *source, enum archive_kind *kind, struct error *err);

struct archive_scan {
    /* To be set by the caller; all may be NULL. */
    bool only_contents;                /* read no further than the table of contents */
    const struct archive_handler *own; /* told of everything first */
    const struct record_observer *observer;
    const struct cancel *cancel;
    /* Called for what is wrong with the file of that name; reading goes on where it can. Without
     * it, damage is a failure. */
    verify_problem_fn *problem;
    void *context;

    /* What was found. */
    const char *format; /* "custom", "directory"; NULL before */
    uint64_t entries, entries_with_data, rows, data_bytes, files, problems;

    bool stopped; /* private: by the caller's handler */
};

/* A custom archive. False if it cannot be read, or, without `problem`, if it is damaged. */
bool archive_scan_custom(struct archive_scan *scan, const char *name, struct reader *reader,
                         struct error *err);

/* The table of contents of a directory archive, a file by itself. */
bool archive_scan_contents(struct archive_scan *scan, const char *name, struct reader *reader,
                           struct error *err);

/* The files of a directory archive. */
bool archive_scan_files(struct archive_scan *scan, struct record_source *source, struct error *err);

/* After it was read to its end: fails if there were problems. */
bool archive_scan_check(const struct archive_scan *scan, struct error *err);

#endif
