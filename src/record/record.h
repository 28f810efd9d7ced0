/*
 * Everything that is backed up is a record: a path, its metadata and a reader that yields its
 * bytes when asked. A backup job is a record source; so is a store that is read back. What
 * consumes records never needs to know what they are, what produces them never where they go.
 *
 * Readers are pulled: reader_next lends a slice that stays valid until the next call on the same
 * reader, so that a byte goes from the socket buffer to the store without being copied. A reader
 * ends in one of two ways only: READER_END after its last byte, or READER_FAILED.
 */
#ifndef PGCASK_RECORD_RECORD_H
#define PGCASK_RECORD_RECORD_H

#include "base/error.h"
#include "base/slice.h"

#include <stdint.h>
#include <time.h>

#define RECORD_PATH_MAX 4096 /* bytes of a path with its NUL */
#define RECORD_SIZE_UNKNOWN (-1)

/* ---- Readers ---- */

enum reader_status { READER_DATA, READER_END, READER_FAILED };

struct reader;

/* Access to what a store has written of a reader's bytes: positions count from their first one. */
struct reader_amender {
    void *context;
    bool (*write)(void *context, uint64_t position, struct slice bytes, struct error *err);
    /* Reads exactly len bytes. */
    bool (*read)(void *context, uint64_t position, uint8_t *bytes, size_t len, struct error *err);
};

struct reader_ops {
    /* Lends the next bytes (never an empty slice with READER_DATA). After READER_END or
     * READER_FAILED it keeps giving the same answer. */
    enum reader_status (*next)(struct reader *reader, struct slice *data, struct error *err);
    /* NULL, or the same for several slices: see reader_next_many. */
    enum reader_status (*next_many)(struct reader *reader, struct slice *slices, size_t max,
                                    size_t *count, struct error *err);
    /* NULL, or: after READER_END, a store that can still write where it has written (a file, not a
     * pipe) lets the reader put in what it did not know when those bytes went by. */
    bool (*amend)(struct reader *reader, const struct reader_amender *amender, struct error *err);
    /* Frees the reader; allowed at any moment. */
    void (*close)(struct reader *reader);
};

struct reader {
    const struct reader_ops *ops;
};

static inline enum reader_status reader_next(struct reader *reader, struct slice *data,
                                             struct error *err)
{
    return reader->ops->next(reader, data, err);
}

/* Lends one slice, or as many more, up to max, as are at hand without waiting: all of them stay
 * valid until the next call. *count is at least 1 with READER_DATA, else 0. */
static inline enum reader_status reader_next_many(struct reader *reader, struct slice *slices,
                                                  size_t max, size_t *count, struct error *err)
{
    enum reader_status status;

    if (reader->ops->next_many != NULL)
        return reader->ops->next_many(reader, slices, max, count, err);
    status = reader->ops->next(reader, slices, err);
    *count = status == READER_DATA ? 1 : 0;
    return status;
}

/* NULL is allowed. */
static inline void reader_close(struct reader *reader)
{
    if (reader != NULL)
        reader->ops->close(reader);
}

/* A reader over bytes in memory, borrowed until it is closed. NULL: out of memory. */
struct reader *reader_from_memory(struct slice content, struct error *err);

/* ---- Records ---- */

enum record_type { RECORD_FILE, RECORD_DIRECTORY, RECORD_LINK };

struct record {
    enum record_type type;
    const char *path;      /* "/data/base/1/1259"; see record_path_check. Borrowed until the next
                              call on the source */
    uint32_t mode;         /* permission bits, at most 07777 */
    uint32_t owner, group; /* numeric; 0 where the origin has none */
    int64_t size; /* bytes of a file, or RECORD_SIZE_UNKNOWN; 0 for other types. A reader that
                     yields another number of bytes than announced is an error */
    struct timespec modified;
    const char *link_target; /* RECORD_LINK only; borrowed like path */
    struct reader *reader;   /* RECORD_FILE only; owned by whoever received the record, and to be
                                closed before the next call on a sequential source, unless: */
    bool by_itself; /* its reader may be read in another thread, beside others and after the next
                       call on the source, which may wait until such readers are closed */
};

/* A path is absolute, at most RECORD_PATH_MAX - 1 bytes, and made of non-empty components none of
 * which is "." or "..": "/a/b". Anything else (from a server or an archive) fails. */
bool record_path_check(const char *path, struct error *err);

/* For names of databases and the like in paths: what a path or Plakar cannot hold is
 * percent-encoded, byte by byte: '/', '%', control characters, a leading dot, and what is not
 * UTF-8. The rest stays readable. Different names stay different. False if it does not fit. The
 * empty name stays empty. */
bool record_path_encode(const char *name, char *out, size_t out_size);

/* Whether a part of a path stands for that name, whichever of its bytes are percent-encoded: more
 * were once. */
bool record_path_stands_for(struct slice encoded, const char *name);

/* ---- Sources ---- */

enum source_status { SOURCE_RECORD, SOURCE_END, SOURCE_FAILED };

struct record_source;

struct record_source_ops {
    /* Gives the next record. On a sequential source the previous record's reader must have been
     * closed; what was left of it unread is read past. */
    enum source_status (*next)(struct record_source *source, struct record *record,
                               struct error *err);
    /* Frees the source; allowed at any moment, after its readers. */
    void (*close)(struct record_source *source);
};

struct record_source {
    const struct record_source_ops *ops;
    bool sequential; /* true: one reader at a time, in order. false: any number, in any order */
};

static inline enum source_status source_next(struct record_source *source, struct record *record,
                                             struct error *err)
{
    return source->ops->next(source, record, err);
}

/* NULL is allowed. */
static inline void source_close(struct record_source *source)
{
    if (source != NULL)
        source->ops->close(source);
}

/* Told of work as it is done; called often, so it must be cheap. Any member may be NULL. */
struct record_observer {
    void *context;
    void (*record_begun)(void *context, const struct record *record);
    void (*bytes_moved)(void *context, size_t bytes);
    void (*file_synced)(void *context); /* at the end, a file at a time: may be NULL */
};

#endif
