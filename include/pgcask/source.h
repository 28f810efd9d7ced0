/*
 * A backup is a sequence of records: files, folders and links, each with a path and metadata; files
 * with content. A source yields them, whether it is a server that is being backed up, a directory
 * or tar that holds a backup, or functions of yours.
 *
 *     while (pgcask_source_next(source, &record, &error) == PGCASK_MORE) {
 *         while (pgcask_source_read(source, &data, &len, &error) == PGCASK_MORE)
 *             consume(data, len);
 *     }
 *
 * Or a source is given as a whole to one of the functions in store.h and restore.h. A source
 * belongs to one thread at a time.
 */
#ifndef PGCASK_SOURCE_H
#define PGCASK_SOURCE_H

#include "control.h"

PGCASK_C_BEGIN

struct pgcask_source;

enum pgcask_record_type { PGCASK_FILE, PGCASK_DIRECTORY, PGCASK_LINK };

#define PGCASK_SIZE_UNKNOWN (-1)

/* Members may be added at its end; zero is then their default. */
struct pgcask_record {
    enum pgcask_record_type type;
    const char *path;             /* "/data/base/1/1259": absolute inside the backup, at most 4095
                                     bytes, no empty component, no "." and no "..". UTF-8 is not
                                     promised */
    uint32_t mode;                /* permission bits */
    uint32_t owner, group;        /* numeric; 0: not known */
    int64_t size;                 /* bytes of a file, or PGCASK_SIZE_UNKNOWN */
    int64_t modified_seconds;     /* since 1970 */
    int32_t modified_nanoseconds; /* 0 to 999999999 */
    const char *link_target;      /* of a link, else NULL */
};

/* ---- Taking records ---- */

/* The next record; its texts are borrowed until the next call on the source. What was not read of
 * the last one is passed over. A backup is complete only when PGCASK_END has come: whatever was
 * stored before a PGCASK_FAILED is to be thrown away. The last record is always /summary.json. */
enum pgcask_step pgcask_source_next(struct pgcask_source *source, struct pgcask_record *record,
                                    struct pgcask_error *error);

/* The next bytes of the current record's content, never none; borrowed until the next call on the
 * source. PGCASK_END at its end, and for folders and links at once. */
enum pgcask_step pgcask_source_read(struct pgcask_source *source, const void **data, size_t *len,
                                    struct pgcask_error *error);

/* For hosts that take records themselves and can write where they have written: after PGCASK_END of
 * a record's content, and before the next record, puts in what was not known when those bytes went
 * by. write and read are as in struct pgcask_store_callbacks. Most records have nothing to put in;
 * then neither is called. */
bool pgcask_source_amend(struct pgcask_source *source,
                         bool (*write)(void *context, uint64_t position, const void *data,
                                       size_t len, struct pgcask_error *error),
                         bool (*read)(void *context, uint64_t position, void *data, size_t len,
                                      struct pgcask_error *error),
                         void *context, struct pgcask_error *error);

/* At any moment; NULL is allowed. Closing a backup that has not ended cancels it: neither session
 * nor replication slot is left on the server. That takes two seconds at most. */
void pgcask_source_close(struct pgcask_source *source);

/* ---- Sources of a stored backup ---- */

/* A directory, a .tar file, or tar from a descriptor, which stays open and need not seek. NULL on
 * failure. */
struct pgcask_source *pgcask_source_open_directory(const char *directory,
                                                   const struct pgcask_control *control,
                                                   struct pgcask_error *error);
struct pgcask_source *pgcask_source_open_tar(const char *file, const struct pgcask_control *control,
                                             struct pgcask_error *error);
struct pgcask_source *pgcask_source_open_tar_fd(int fd, const struct pgcask_control *control,
                                                struct pgcask_error *error);

/* Functions of yours that give a backup back, in the order in which its records were written. */
struct pgcask_source_callbacks {
    size_t struct_size; /* see PGCASK_INIT */
    void *context;

    /* Fills *record, which is all zero; its texts are to stay as they are until the next call. */
    enum pgcask_step (*next)(void *context, struct pgcask_record *record,
                             struct pgcask_error *error);

    /* Lends the next bytes of the last record, which is a file, until the next call. May not be
     * called to the end: next then passes over the rest. */
    enum pgcask_step (*read)(void *context, const void **data, size_t *len,
                             struct pgcask_error *error);

    /* Called once, when the source is closed; may be NULL. */
    void (*close)(void *context);
};

/* A function that gives PGCASK_FAILED and leaves *error alone fails with PGCASK_ERROR_IO. */
struct pgcask_source *pgcask_source_open_callbacks(const struct pgcask_source_callbacks *callbacks,
                                                   const struct pgcask_control *control,
                                                   struct pgcask_error *error);

PGCASK_C_END

#endif
