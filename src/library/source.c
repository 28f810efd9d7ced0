/* Records for the caller, one at a time, and for the floors below as a whole. */
#include "library/library_internal.h"

#include "restore/backup_source.h"

#include <stdlib.h>

/* ---- Steps ---- */

static enum source_status step(struct pgcask_source *source, struct record *record,
                               struct error *err)
{
    enum source_status status = SOURCE_FAILED;

    if (!failure_check(&source->failure, err))
        return SOURCE_FAILED;
    if (source->ended)
        return SOURCE_END;
    *record = (struct record){0};
    if (cancel_check(&source->job.cancel, err))
        status = source_next(source->inner, record, err);
    if (status == SOURCE_FAILED)
        failure_keep(&source->failure, err);
    source->ended = status == SOURCE_END;
    return status;
}

/* ---- One record at a time ---- */

void library_record_publish(const struct record *record, struct pgcask_record *published)
{
    static const enum pgcask_record_type types[] = {
        [RECORD_FILE] = PGCASK_FILE,
        [RECORD_DIRECTORY] = PGCASK_DIRECTORY,
        [RECORD_LINK] = PGCASK_LINK,
    };

    *published = (struct pgcask_record){
        .type = types[record->type],
        .path = record->path,
        .mode = record->mode,
        .owner = record->owner,
        .group = record->group,
        .size = record->size,
        .modified_seconds = record->modified.tv_sec,
        .modified_nanoseconds = (int32_t)record->modified.tv_nsec,
        .link_target = record->type == RECORD_LINK ? record->link_target : NULL,
    };
}

enum pgcask_step pgcask_source_next(struct pgcask_source *source, struct pgcask_record *record,
                                    struct pgcask_error *error)
{
    struct record inner;
    struct error err;

    source->begun = true;
    source->content_ended = false;
    reader_close(source->reader);
    source->reader = NULL;
    switch (step(source, &inner, &err)) {
    case SOURCE_RECORD:
        break;
    case SOURCE_END:
        library_job_tell(&source->job);
        return PGCASK_END;
    case SOURCE_FAILED:
        library_fail(error, &err);
        return PGCASK_FAILED;
    }
    source->reader = inner.reader;
    source->job.observer.record_begun(&source->job, &inner);
    library_record_publish(&inner, record);
    return PGCASK_MORE;
}

enum pgcask_step pgcask_source_read(struct pgcask_source *source, const void **data, size_t *len,
                                    struct pgcask_error *error)
{
    enum reader_status status = READER_FAILED;
    struct slice piece = {0};
    struct error err;

    if (source->failure.failed) {
        library_fail(error, &source->failure.error);
        return PGCASK_FAILED;
    }
    if (source->reader == NULL)
        return PGCASK_END;
    if (cancel_check(&source->job.cancel, &err))
        status = reader_next(source->reader, &piece, &err);
    if (status == READER_FAILED) {
        failure_keep(&source->failure, &err);
        library_fail(error, &err);
        return PGCASK_FAILED;
    }
    source->content_ended = status == READER_END;
    if (status == READER_END)
        return PGCASK_END;
    library_job_move(&source->job, piece.len);
    *data = piece.data;
    *len = piece.len;
    return PGCASK_MORE;
}

/* ---- Amending ---- */

struct amending {
    bool (*write)(void *context, uint64_t position, const void *data, size_t len,
                  struct pgcask_error *error);
    bool (*read)(void *context, uint64_t position, void *data, size_t len,
                 struct pgcask_error *error);
    void *context;
};

static bool amend_write(void *context, uint64_t position, struct slice bytes, struct error *err)
{
    const struct amending *amending = context;
    struct pgcask_error error = {.struct_size = sizeof(error)};

    return amending->write(amending->context, position, bytes.data, bytes.len, &error) ||
           library_fail_by_callback(err, &error, "write_at");
}

static bool amend_read(void *context, uint64_t position, uint8_t *bytes, size_t len,
                       struct error *err)
{
    const struct amending *amending = context;
    struct pgcask_error error = {.struct_size = sizeof(error)};

    return amending->read(amending->context, position, bytes, len, &error) ||
           library_fail_by_callback(err, &error, "read_at");
}

static bool amend(struct pgcask_source *source, struct amending *amending, struct error *err)
{
    const struct reader_amender amender = {amending, amend_write, amend_read};

    if (!failure_check(&source->failure, err))
        return false;
    if (source->reader == NULL || source->reader->ops->amend == NULL)
        return true;
    if (source->reader->ops->amend(source->reader, &amender, err))
        return true;
    return failure_keep(&source->failure, err);
}

bool pgcask_source_amend(struct pgcask_source *source,
                         bool (*write)(void *context, uint64_t position, const void *data,
                                       size_t len, struct pgcask_error *error),
                         bool (*read)(void *context, uint64_t position, void *data, size_t len,
                                      struct pgcask_error *error),
                         void *context, struct pgcask_error *error)
{
    struct amending amending = {write, read, context};
    struct error err;

    if (source->content_ended || source->reader == NULL)
        return amend(source, &amending, &err) || library_fail(error, &err);
    error_set(&err, ERROR_USAGE, "the record's content was not read to its end");
    return library_fail(error, &err);
}

/* ---- As a whole ---- */

static enum source_status lent_next(struct record_source *lent, struct record *record,
                                    struct error *err)
{
    struct pgcask_source *source =
        (struct pgcask_source *)((char *)lent - offsetof(struct pgcask_source, lent));

    return step(source, record, err);
}

static void lent_close(struct record_source *lent)
{
    (void)lent;
}

bool library_source_lend(struct pgcask_source *source, struct record_source **lent,
                         struct error *err)
{
    static const struct record_source_ops ops = {lent_next, lent_close};

    if (source->begun) {
        error_set(err, ERROR_USAGE, "records were taken from this source already");
        return error_hint(err, "Open the backup once more.");
    }
    source->begun = true;
    source->lent = (struct record_source){&ops, source->inner->sequential};
    *lent = &source->lent;
    return true;
}

/* ---- Opening and closing ---- */

struct pgcask_source *library_source_new(const struct pgcask_control *control,
                                         struct pgcask_error *error)
{
    struct pgcask_source *source = calloc(1, sizeof(*source));
    struct error err;

    if (source == NULL)
        error_set_memory(&err);
    else if (library_job_init(&source->job, control, &err))
        return source;
    free(source);
    library_fail(error, &err);
    return NULL;
}

void pgcask_source_close(struct pgcask_source *source)
{
    if (source == NULL)
        return;
    reader_close(source->reader);
    source_close(source->inner);
    library_job_reset(&source->job);
    free(source->path);
    free(source->label);
    free(source->transfer_compression);
    free(source->compression);
    free(source);
}

struct pgcask_source *library_source_opened(struct pgcask_source *source, bool opened,
                                            const struct error *err, struct pgcask_error *error)
{
    if (opened)
        return source;
    library_fail(error, err);
    pgcask_source_close(source);
    return NULL;
}

static struct pgcask_source *open_place(enum library_source_kind kind,
                                        const struct record_place *place,
                                        const struct pgcask_control *control,
                                        struct pgcask_error *error)
{
    struct pgcask_source *source = library_source_new(control, error);
    struct error err;

    if (source == NULL)
        return NULL;
    source->kind = kind;
    source->job.progress.phase = "reading";
    source->place = *place;
    if (place->path != NULL)
        source->place.path = source->path = strdup(place->path);
    if (place->path != NULL && source->path == NULL)
        error_set_memory(&err);
    else
        source->inner = backup_source_open(&source->place, &source->job.cancel, &err);
    /* It takes a look at every file: for somebody who follows the progress. */
    if (source->inner != NULL && source->job.control.progress != NULL)
        source->job.progress.total_bytes = record_place_bytes(&source->place, &source->job.cancel);
    return library_source_opened(source, source->inner != NULL, &err, error);
}

struct pgcask_source *pgcask_source_open_directory(const char *directory,
                                                   const struct pgcask_control *control,
                                                   struct pgcask_error *error)
{
    return open_place(LIBRARY_DIRECTORY, &(struct record_place){PLACE_DIRECTORY, directory, -1},
                      control, error);
}

struct pgcask_source *pgcask_source_open_tar(const char *file, const struct pgcask_control *control,
                                             struct pgcask_error *error)
{
    return open_place(LIBRARY_TAR, &(struct record_place){PLACE_TAR_FILE, file, -1}, control,
                      error);
}

struct pgcask_source *pgcask_source_open_tar_fd(int fd, const struct pgcask_control *control,
                                                struct pgcask_error *error)
{
    return open_place(LIBRARY_STREAM, &(struct record_place){PLACE_TAR_STREAM, NULL, fd}, control,
                      error);
}
