/*
 * Stores: where records go, and where they come back from. A directory, a .tar file, or tar on
 * standard input and output.
 *
 * A directory store writes DIR.partial, fsyncs everything in one pass and renames it to DIR. Into
 * an existing empty DIR it writes in place, and the record that makes the backup complete
 * (options.last_path) is kept under a temporary name until everything else is on disk. A .tar file
 * is written as FILE.tar.partial, fsynced and renamed. On failure the partial result is removed.
 *
 * In a tar, paths have no leading slash. A record of unknown size gets its size field filled in
 * afterwards in a file; on a descriptor one of more than 8 MiB becomes members NAME.part000001, …
 * of at most that size, which the tar source joins again. A record that has such a name of its own
 * is written as NAME.part000001.part000001. A compressed tar is written as on a descriptor: nothing
 * in it can be filled in afterwards.
 */
#ifndef PGCASK_RECORD_STORE_H
#define PGCASK_RECORD_STORE_H

#include "base/cancel.h"
#include "base/compress.h"
#include "base/log.h"
#include "record/record.h"

struct store_options {
    const char *last_path; /* "/summary.json": the record whose presence means "complete" */
    const struct record_observer *observer; /* may be NULL */
    const struct cancel *cancel;            /* may be NULL */
    const struct log *log;                  /* may be NULL */
    enum compression compression;           /* of a tar */
    int compression_level;                  /* if compressed */
    bool no_sync;                           /* tests only: leave fsync out */
};

/* Writes every record of the source. Fails, leaving nothing, if the source fails or ends without
 * options.last_path; refuses an
 * existing non-empty DIR, an existing FILE, and a DIR.partial or FILE.partial that another run is
 * writing, or that is not known to be of one that was killed; the latter is replaced (run_lock.h).
 */
bool directory_store_write(const char *directory, struct record_source *source,
                           const struct store_options *options, struct error *err);
bool tar_store_write_file(const char *file, struct record_source *source,
                          const struct store_options *options, struct error *err);

/* Writes to a descriptor that need not seek; it stays open. Refuses a terminal. */
bool tar_store_write_fd(int fd, struct record_source *source, const struct store_options *options,
                        struct error *err);

/* Checks, before any work, that the target can be written: its parent exists and is writable, it
 * is absent or an empty folder. *free_bytes is the space left there (UINT64_MAX: unknown). */
bool directory_store_check(const char *directory, uint64_t *free_bytes, struct error *err);
bool tar_store_check_file(const char *file, uint64_t *free_bytes, struct error *err);

/* Reads a folder back: directories before what they hold, entries in byte order of their names,
 * links not followed, anything else than files, directories and links an error. Independent.
 * The files named in `first` come before everything else and those in `last` after it, in that
 * order (NULL-terminated lists of record paths, or NULL; a name that is not there is passed over):
 * so a backup comes back in the order it was written. Borrowed until the source is closed. */
struct record_source *directory_source_new(const char *directory, const char *const *first,
                                           const char *const *last, struct error *err);

/* Reads a tar back in its own order; parts are joined. Sequential. The descriptor is borrowed by
 * tar_source_new_fd. What gzip, lz4 or zstd compressed is unpacked on the way: its first bytes
 * tell, not its name. */
struct record_source *tar_source_new_file(const char *file, struct error *err);
struct record_source *tar_source_new_fd(int fd, struct error *err);

/* How many bytes the tar has in all, for progress: of a compressed one what can be told from what
 * was read so far; 0 where nothing is known. For tar sources only. */
uint64_t tar_source_expected(const struct record_source *source);

/* Lets a wait for a pipe end when the job is cancelled. For tar sources only. */
void tar_source_set_cancel(struct record_source *source, const struct cancel *cancel);

/* The first bytes of the input, at least len (at most a tar's header of 512) unless it is shorter:
 * before the first record is asked for. What turns out to be no tar can be read raw instead, from
 * its first byte; the reader lives as long as the source. For tar sources only. */
bool tar_source_peek(struct record_source *source, size_t len, struct slice *bytes,
                     struct error *err);
struct reader *tar_source_raw_reader(struct record_source *source);

/* What the input is compressed with, once some of it was read. For tar sources only. */
enum compression tar_source_compression(const struct record_source *source);

/* A folder being filled: what directory_store_write and restore are made of. Paths are taken
 * relative to the root; no component of a path may be a link (O_NOFOLLOW all the way). */
struct directory_writer;

struct directory_writer_options {
    const struct record_observer *observer;
    const struct cancel *cancel;
    bool no_sync;
    bool private_modes; /* 0700 and 0600 whatever the record says */
};

/* The root must exist. */
struct directory_writer *directory_writer_new(const char *root,
                                              const struct directory_writer_options *options,
                                              struct error *err);
void directory_writer_free(struct directory_writer *writer);

/* Set-id and sticky bits are dropped; an owner is not set; a modification time is if it is not 0.
 * Links are made by directory_writer_sync only, so that nothing can be written through one; folders
 * get their mode and time there. Folders that no record made have mode 0700. */

/* Writes one record below the root as `path` ("/a/b"; record->path if NULL). Parent folders that no
 * record made are made. A path written twice is an error. Closes nothing: the reader stays the
 * caller's. */
bool directory_writer_add(struct directory_writer *writer, const struct record *record,
                          const char *path, struct error *err);

/* Makes the links, and fsyncs every file and folder below the root, the root and its parent: once,
 * at the end, or again after more was added. Fails if an add has failed. */
bool directory_writer_sync(struct directory_writer *writer, struct error *err);

/* Removes everything below root, and root itself if also_root. Never follows links. */
bool directory_remove_tree(const char *root, bool also_root, struct error *err);

#endif
