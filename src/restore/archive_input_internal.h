/*
 * What the parts of an input share. archive_input.c opens one and asks the part that knows its
 * form: archive_input_custom.c, archive_input_files.c (files at a place that can be opened again),
 * archive_input_stream.c (files that stream by).
 */
#ifndef PGCASK_RESTORE_ARCHIVE_INPUT_INTERNAL_H
#define PGCASK_RESTORE_ARCHIVE_INPUT_INTERNAL_H

#include "base/failure.h"
#include "restore/archive_files_internal.h"
#include "restore/archive_input.h"

#include <pthread.h>

/* What one who reads has: kept for the next, because there are many small entries. */
struct archive_worker {
    uint8_t *buffer;                                    /* of ARCHIVE_READ_SIZE */
    struct data_checker checkers[COMPRESSION_ZSTD + 1]; /* made when first needed */
    struct archive_worker *next;
};

/* Records that are the files of an archive. */
struct archive_records {
    struct record_source *source;
    struct record record;
    bool open; /* the record's reader is */
};

struct archive_input {
    char *name;
    struct archive_contents *contents;

    bool is_custom;

    /* What can be opened again: a custom archive in `file`, or the files in `files`. */
    const struct archive_place *place; /* NULL: it streams by */
    struct archive_place *own_place;   /* the same, or NULL */
    struct archive_files files;
    struct archive_file file;

    /* What streams by: once. */
    struct record_source *source; /* our own, or NULL */
    struct reader *reader;        /* of a custom archive, borrowed … */
    bool owns_reader;             /* … or not */
    struct slice rest;            /* what came of it with the table of contents */
    struct archive_file_source file_source;
    struct archive_records records;
    struct folder_stream *folder_stream;
    bool used;

    pthread_mutex_t location_lock; /* of what follows; taken before the next one */
    bool located;                  /* it is known where the data are */
    struct failure location_failure;

    _Atomic uint64_t *read; /* counts the bytes; may be NULL */

    pthread_mutex_t idle_lock;
    struct archive_worker *idle;
};

static inline void archive_input_note_read(const struct archive_input *input, size_t bytes)
{
    if (input->read != NULL)
        atomic_fetch_add_explicit(input->read, bytes, memory_order_relaxed);
}

/* archive_worker.c */
struct archive_worker *archive_worker_take(struct archive_input *input, struct error *err);
void archive_worker_give_back(struct archive_input *input, struct archive_worker *worker);
/* The worker's checker for that compression. */
struct data_checker *archive_worker_checker(struct archive_worker *worker,
                                            enum compression compression, struct error *err);
void archive_workers_free(struct archive_input *input);

/* archive_input_custom.c */
bool custom_load(struct archive_input *input, const struct cancel *cancel, struct error *err);
/* Finds out where the data of each entry are. */
bool custom_locate(struct archive_input *input, const struct cancel *cancel, struct error *err);
bool custom_read_all(struct archive_input *input, const struct archive_data_handler *handler,
                     const struct cancel *cancel, struct error *err);
bool custom_read_entry(struct archive_input *input, uint32_t number,
                       const struct archive_data_handler *handler, const struct cancel *cancel,
                       struct error *err);

/* archive_input_files.c */
bool files_load(struct archive_input *input, const struct cancel *cancel, struct error *err);
bool files_locate(struct archive_input *input, const struct cancel *cancel, struct error *err);
bool files_read_all(struct archive_input *input, const struct archive_data_handler *handler,
                    const struct cancel *cancel, struct error *err);
bool files_read_entry(struct archive_input *input, uint32_t number,
                      const struct archive_data_handler *handler, const struct cancel *cancel,
                      struct error *err);

/* archive_input_stream.c */
bool folder_stream_load(struct archive_input *input, const struct cancel *cancel,
                        struct error *err);
bool folder_stream_read_all(struct archive_input *input, const struct archive_data_handler *handler,
                            const struct cancel *cancel, struct error *err);
void folder_stream_free(struct folder_stream *stream);

#endif
