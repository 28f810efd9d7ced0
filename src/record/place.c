/* Each kind of place has a store and a source of its own; that there are three of them is known to
 * these few switches, which every face needs. */
#include "record/place.h"

#include <sys/stat.h>

struct record_source *record_place_open(const struct record_place *place, const char *const *first,
                                        const char *const *last, const struct cancel *cancel,
                                        struct error *err)
{
    struct record_source *source;

    if (place->kind == PLACE_DIRECTORY)
        return directory_source_new(place->path, first, last, err);
    source = place->kind == PLACE_TAR_FILE ? tar_source_new_file(place->path, err)
                                           : tar_source_new_fd(place->fd, err);
    if (source != NULL)
        tar_source_set_cancel(source, cancel);
    return source;
}

bool record_place_write(const struct record_place *place, struct record_source *source,
                        const struct store_options *options, struct error *err)
{
    switch (place->kind) {
    case PLACE_DIRECTORY:
        return directory_store_write(place->path, source, options, err);
    case PLACE_TAR_FILE:
        return tar_store_write_file(place->path, source, options, err);
    case PLACE_TAR_STREAM:
        break;
    }
    return tar_store_write_fd(place->fd, source, options, err);
}

static uint64_t directory_bytes(const char *directory, const struct cancel *cancel)
{
    struct error ignored;
    struct record_source *source = directory_source_new(directory, NULL, NULL, &ignored);
    enum source_status status = SOURCE_FAILED;
    uint64_t bytes = 0;
    struct record record;

    while (source != NULL && !cancel_requested(cancel) &&
           (status = source_next(source, &record, &ignored)) == SOURCE_RECORD) {
        if (record.type == RECORD_FILE && record.size > 0)
            bytes += (uint64_t)record.size;
        reader_close(record.reader);
    }
    source_close(source);
    return status == SOURCE_END ? bytes : 0;
}

uint64_t record_place_bytes(const struct record_place *place, const struct cancel *cancel)
{
    struct stat info;

    if (place->kind == PLACE_DIRECTORY)
        return directory_bytes(place->path, cancel);
    if (place->kind == PLACE_TAR_FILE && stat(place->path, &info) == 0 && S_ISREG(info.st_mode))
        return (uint64_t)info.st_size;
    return 0;
}
