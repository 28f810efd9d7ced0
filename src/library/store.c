/* Writing whole sources: to the stores of src/record, and to functions of the caller. */
#include "library/library_internal.h"

#include "manifest/summary.h"
#include "record/place.h"
#include "restore/surroundings.h"

#include <inttypes.h>

/* ---- Stores ---- */

static bool write_records(struct record_source *records, struct library_job *job,
                          const struct record_place *place, struct error *err)
{
    const struct store_options options = {
        .last_path = SUMMARY_PATH,
        .observer = &job->observer,
        .cancel = &job->cancel,
        .log = &job->log,
    };

    return (place->kind == PLACE_TAR_STREAM || surroundings_check(place->path, err)) &&
           record_place_write(place, records, &options, err);
}

static bool write_to(struct pgcask_source *source, const struct record_place *place,
                     struct pgcask_error *error)
{
    struct record_source *records;
    struct quiet_signals quiet;
    struct error err;
    bool done;

    if (!library_source_lend(source, &records, &err))
        return library_fail(error, &err);
    quiet_signals_begin(&quiet);
    done = write_records(records, &source->job, place, &err);
    quiet_signals_end(&quiet);
    if (done)
        library_job_tell(&source->job);
    return done || library_fail(error, &err);
}

bool pgcask_write_directory(struct pgcask_source *source, const char *directory,
                            struct pgcask_error *error)
{
    return write_to(source, &(struct record_place){PLACE_DIRECTORY, directory, -1}, error);
}

bool pgcask_write_tar(struct pgcask_source *source, const char *file, struct pgcask_error *error)
{
    return write_to(source, &(struct record_place){PLACE_TAR_FILE, file, -1}, error);
}

bool pgcask_write_tar_fd(struct pgcask_source *source, int fd, struct pgcask_error *error)
{
    return write_to(source, &(struct record_place){PLACE_TAR_STREAM, NULL, fd}, error);
}

/* ---- The caller's functions ---- */

struct delivery {
    struct pgcask_source *source;
    struct pgcask_store_callbacks callbacks;
    struct pgcask_error *error; /* clear while nothing has failed */
    bool summary_seen;
};

/* The same words as for a source's functions. */
static bool fail_by_callback(struct delivery *delivery, const char *what)
{
    struct error err;

    library_fail_by_callback(&err, delivery->error, what);
    return library_fail(delivery->error, &err);
}

static bool deliver_content(struct delivery *delivery, const struct pgcask_record *record)
{
    const struct pgcask_store_callbacks *callbacks = &delivery->callbacks;
    enum pgcask_step step;
    uint64_t total = 0;
    const void *data;
    size_t len;

    while ((step = pgcask_source_read(delivery->source, &data, &len, delivery->error)) ==
           PGCASK_MORE) {
        total += len;
        if (!callbacks->bytes(callbacks->context, data, len, delivery->error))
            return fail_by_callback(delivery, "bytes");
    }
    if (step == PGCASK_FAILED)
        return false;
    if (record->size != PGCASK_SIZE_UNKNOWN && total != (uint64_t)record->size)
        return pgcask_error_set(delivery->error, PGCASK_ERROR_CORRUPT,
                                "\"%s\" was announced with %" PRId64 " bytes but yielded %" PRIu64,
                                record->path, record->size, total);
    if (callbacks->write_at == NULL || callbacks->read_at == NULL)
        return true;
    return pgcask_source_amend(delivery->source, callbacks->write_at, callbacks->read_at,
                               callbacks->context, delivery->error);
}

static bool deliver_record(struct delivery *delivery, const struct pgcask_record *record)
{
    const struct pgcask_store_callbacks *callbacks = &delivery->callbacks;

    delivery->summary_seen = strcmp(record->path, SUMMARY_PATH) == 0;
    if (!callbacks->begin(callbacks->context, record, delivery->error))
        return fail_by_callback(delivery, "begin");
    if (record->type == PGCASK_FILE && !deliver_content(delivery, record))
        return false;
    return callbacks->end == NULL || callbacks->end(callbacks->context, delivery->error) ||
           fail_by_callback(delivery, "end");
}

static bool deliver(struct delivery *delivery)
{
    const struct pgcask_store_callbacks *callbacks = &delivery->callbacks;
    struct pgcask_record record;
    enum pgcask_step step;

    while ((step = pgcask_source_next(delivery->source, &record, delivery->error)) == PGCASK_MORE) {
        if (!deliver_record(delivery, &record))
            return false;
    }
    if (step == PGCASK_FAILED)
        return false;
    if (!delivery->summary_seen)
        return pgcask_error_set(delivery->error, PGCASK_ERROR_CORRUPT,
                                "the backup ended without its last record, \"%s\"", SUMMARY_PATH);
    return callbacks->finish == NULL || callbacks->finish(callbacks->context, delivery->error) ||
           fail_by_callback(delivery, "finish");
}

static bool take_callbacks(struct delivery *delivery, const struct pgcask_store_callbacks *given,
                           struct error *err)
{
    struct pgcask_store_callbacks *taken = &delivery->callbacks;
    struct record_source *records;

    if (!library_take(taken, sizeof(*taken), given, "pgcask_store_callbacks", err))
        return false;
    if (taken->begin == NULL || taken->bytes == NULL)
        return error_set(err, ERROR_USAGE, "a store needs the functions \"begin\" and \"bytes\"");
    if ((taken->write_at == NULL) != (taken->read_at == NULL))
        return error_set(err, ERROR_USAGE,
                         "a store has the functions \"write_at\" and \"read_at\", or neither");
    return library_source_lend(delivery->source, &records, err); /* none was taken yet */
}

bool pgcask_write_callbacks(struct pgcask_source *source,
                            const struct pgcask_store_callbacks *callbacks,
                            struct pgcask_error *error)
{
    struct pgcask_error own = {.struct_size = sizeof(own)};
    struct delivery delivery = {.source = source, .error = &own};
    struct error err;

    if (!take_callbacks(&delivery, callbacks, &err))
        return library_fail(error, &err);
    library_error_clear(&own);
    if (deliver(&delivery))
        return true;
    library_error_copy(error, &own);
    if (delivery.callbacks.abort != NULL)
        delivery.callbacks.abort(delivery.callbacks.context);
    return false;
}
