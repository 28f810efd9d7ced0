/*
 * Writing a whole source somewhere. Each function takes all records of a source from which none has
 * been taken yet, and returns true only when everything is stored; what a failure leaves is
 * removed. The source is still to be closed afterwards. SIGPIPE and SIGXFSZ, which writing may
 * raise, are held back from the calling thread meanwhile and become errors.
 */
#ifndef PGCASK_STORE_H
#define PGCASK_STORE_H

#include "source.h"

PGCASK_C_BEGIN

/* A directory that is absent or empty: DIR.partial is written, synced, and renamed to DIR. */
bool pgcask_write_directory(struct pgcask_source *source, const char *directory,
                            struct pgcask_error *error);

/* A tar file that is absent: FILE.partial is written, synced, and renamed to FILE. */
bool pgcask_write_tar(struct pgcask_source *source, const char *file, struct pgcask_error *error);

/* Tar to a descriptor, which stays open and need not seek. What was written before a failure cannot
 * be taken back; such a stream has no end and no /summary.json. */
bool pgcask_write_tar_fd(struct pgcask_source *source, int fd, struct pgcask_error *error);

/* A place of yours. A function that returns false ends the work with the error it set. */
struct pgcask_store_callbacks {
    size_t struct_size; /* see PGCASK_INIT */
    void *context;

    /* A record; lent for the call. */
    bool (*begin)(void *context, const struct pgcask_record *record, struct pgcask_error *error);

    /* Some of a file's content; lent for the call, never none. */
    bool (*bytes)(void *context, const void *data, size_t len, struct pgcask_error *error);

    /* The record's end: for a file all of its content has come. May be NULL. */
    bool (*end)(void *context, struct pgcask_error *error);

    /* Everything has come and is complete: make it permanent. May be NULL. */
    bool (*finish)(void *context, struct pgcask_error *error);

    /* Called once if the work fails at any point, finish included: remove what is there. May be
     * NULL. */
    void (*abort)(void *context);

    /* Both or neither. Between the last bytes of a file and its end they write over what was
     * written of it, and read it again: exactly len bytes, position is the first one's in the file.
     * With them an archive's table of contents gets the places of its data, which pg_restore -j
     * wants; without, the archive is as good otherwise. */
    bool (*write_at)(void *context, uint64_t position, const void *data, size_t len,
                     struct pgcask_error *error);
    bool (*read_at)(void *context, uint64_t position, void *data, size_t len,
                    struct pgcask_error *error);
};

/* A function that returns false and leaves *error alone fails with PGCASK_ERROR_IO. */
bool pgcask_write_callbacks(struct pgcask_source *source,
                            const struct pgcask_store_callbacks *callbacks,
                            struct pgcask_error *error);

PGCASK_C_END

#endif
