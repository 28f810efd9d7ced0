/* A backup that the caller's functions give back. What they give is checked as what a file holds.
 */
#include "library/library_internal.h"

#include <stdlib.h>

struct callback_source {
    struct record_source source;
    struct reader reader; /* of the current record */
    struct pgcask_source_callbacks callbacks;
    enum reader_status reading; /* how the current record's content is going */
    struct error failure;
};

static struct callback_source *from_source(struct record_source *source)
{
    return (struct callback_source *)source;
}

static struct callback_source *from_reader(struct reader *reader)
{
    return (struct callback_source *)((char *)reader - offsetof(struct callback_source, reader));
}

static bool check_record(const struct pgcask_record *record, struct error *err)
{
    if (record->path == NULL)
        return error_set(err, ERROR_USAGE, "the program gave a record without a path");
    if (!record_path_check(record->path, err))
        return false;
    if (record->type != PGCASK_FILE && record->type != PGCASK_DIRECTORY &&
        record->type != PGCASK_LINK)
        return error_set(err, ERROR_USAGE, "%.200s: the program gave a record of unknown type %d",
                         record->path, (int)record->type);
    if (record->type == PGCASK_LINK && record->link_target == NULL)
        return error_set(err, ERROR_USAGE, "%.200s: the program gave a link without a target",
                         record->path);
    if (record->size < PGCASK_SIZE_UNKNOWN || record->modified_nanoseconds < 0 ||
        record->modified_nanoseconds > 999999999)
        return error_set(err, ERROR_USAGE,
                         "%.200s: the program gave a record whose size or time makes no sense",
                         record->path);
    return true;
}

/* The other way round than library_record_publish. */
static void take_record(struct callback_source *source, const struct pgcask_record *given,
                        struct record *record)
{
    bool is_file = given->type == PGCASK_FILE;

    *record = (struct record){
        .type = is_file                      ? RECORD_FILE
                : given->type == PGCASK_LINK ? RECORD_LINK
                                             : RECORD_DIRECTORY,
        .path = given->path,
        .mode = given->mode & 07777,
        .owner = given->owner,
        .group = given->group,
        .size = is_file ? given->size : 0,
        .modified = {.tv_sec = given->modified_seconds, .tv_nsec = given->modified_nanoseconds},
        .link_target = given->type == PGCASK_LINK ? given->link_target : NULL,
        .reader = is_file ? &source->reader : NULL,
    };
    source->reading = is_file ? READER_DATA : READER_END;
}

static enum source_status callback_next(struct record_source *base, struct record *record,
                                        struct error *err)
{
    struct callback_source *source = from_source(base);
    struct pgcask_record given = {0};
    struct pgcask_error error = {.struct_size = sizeof(error)};

    library_error_clear(&error);
    switch (source->callbacks.next(source->callbacks.context, &given, &error)) {
    case PGCASK_MORE:
        break;
    case PGCASK_END:
        return SOURCE_END;
    case PGCASK_FAILED:
    default:
        library_fail_by_callback(err, &error, "next");
        return SOURCE_FAILED;
    }
    if (!check_record(&given, err))
        return SOURCE_FAILED;
    take_record(source, &given, record);
    return SOURCE_RECORD;
}

static enum reader_status read_on(struct callback_source *source, struct slice *data)
{
    const void *bytes = NULL;
    size_t len = 0;
    struct pgcask_error error = {.struct_size = sizeof(error)};

    library_error_clear(&error);
    switch (source->callbacks.read(source->callbacks.context, &bytes, &len, &error)) {
    case PGCASK_MORE:
        break;
    case PGCASK_END:
        return READER_END;
    case PGCASK_FAILED:
    default:
        library_fail_by_callback(&source->failure, &error, "read");
        return READER_FAILED;
    }
    if (bytes == NULL || len == 0) {
        error_set(&source->failure, ERROR_USAGE, "the program's function \"read\" gave no bytes");
        return READER_FAILED;
    }
    *data = slice_make(bytes, len);
    return READER_DATA;
}

static enum reader_status callback_read(struct reader *reader, struct slice *data,
                                        struct error *err)
{
    struct callback_source *source = from_reader(reader);

    if (source->reading == READER_DATA)
        source->reading = read_on(source, data);
    if (source->reading == READER_FAILED)
        *err = source->failure;
    return source->reading;
}

static void callback_reader_close(struct reader *reader)
{
    (void)reader; /* a part of the source */
}

static void callback_close(struct record_source *base)
{
    struct callback_source *source = from_source(base);

    if (source->callbacks.close != NULL)
        source->callbacks.close(source->callbacks.context);
    free(source);
}

static struct record_source *callback_source_new(const struct pgcask_source_callbacks *callbacks,
                                                 struct error *err)
{
    static const struct record_source_ops source_ops = {callback_next, callback_close};
    static const struct reader_ops reader_ops = {.next = callback_read,
                                                 .close = callback_reader_close};
    struct callback_source *source = calloc(1, sizeof(*source));

    if (source == NULL) {
        error_set_memory(err);
        return NULL;
    }
    source->source = (struct record_source){&source_ops, true};
    source->reader.ops = &reader_ops;
    source->callbacks = *callbacks;
    source->reading = READER_END;
    return &source->source;
}

static bool take_callbacks(struct pgcask_source_callbacks *taken,
                           const struct pgcask_source_callbacks *given, struct error *err)
{
    if (!library_take(taken, sizeof(*taken), given, "pgcask_source_callbacks", err))
        return false;
    return (taken->next != NULL && taken->read != NULL) ||
           error_set(err, ERROR_USAGE, "a source needs the functions \"next\" and \"read\"");
}

struct pgcask_source *pgcask_source_open_callbacks(const struct pgcask_source_callbacks *callbacks,
                                                   const struct pgcask_control *control,
                                                   struct pgcask_error *error)
{
    struct pgcask_source *source = library_source_new(control, error);
    struct pgcask_source_callbacks taken;
    struct error err;

    if (source == NULL)
        return NULL;
    source->kind = LIBRARY_CALLBACKS;
    source->job.progress.phase = "reading";
    if (take_callbacks(&taken, callbacks, &err))
        source->inner = callback_source_new(&taken, &err);
    return library_source_opened(source, source->inner != NULL, &err, error);
}
