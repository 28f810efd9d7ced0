/* The reader of backup_manifest, fed in pieces. */
#include "replication/backup_manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool take_file(void *context, const struct backup_manifest_file *file, struct error *err)
{
    (void)err;
    *(size_t *)context += strlen(file->path);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t seen = 0;
    const struct backup_manifest_handler handler = {.context = &seen, .file = take_file};
    struct slice rest = {data, size};
    struct backup_manifest_reader *reader;
    struct error err;
    size_t step;

    if (size == 0)
        return 0;
    step = (size_t)slice_take(&rest, 1).data[0] + 1;
    reader = backup_manifest_reader_new(&handler, &err);
    while (rest.len > 0) {
        struct slice piece = slice_take(&rest, rest.len < step ? rest.len : step);

        if (!backup_manifest_reader_feed(reader, piece, &err))
            break;
    }
    backup_manifest_reader_finish(reader, &err);
    backup_manifest_reader_free(reader);
    return 0;
}
