/* Letting a reader put in what it did not know when its first bytes went by. */
#include "record/record_internal.h"

#include <errno.h>
#include <unistd.h>

/* Where a record's content lies in a file. */
struct written_content {
    const char *name; /* of the file, for messages */
    int fd;
    uint64_t start;
};

static bool write_at(void *context, uint64_t position, struct slice bytes, struct error *err)
{
    const struct written_content *content = context;

    while (bytes.len > 0) {
        ssize_t n = pwrite(content->fd, bytes.data, bytes.len, (off_t)(content->start + position));

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return error_set_errno(err, n < 0 ? errno : EIO, "cannot write %s", content->name);
        slice_take(&bytes, (size_t)n);
        position += (size_t)n;
    }
    return true;
}

static bool read_at(void *context, uint64_t position, uint8_t *bytes, size_t len, struct error *err)
{
    const struct written_content *content = context;

    while (len > 0) {
        ssize_t n = pread(content->fd, bytes, len, (off_t)(content->start + position));

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return error_set_errno(err, n < 0 ? errno : EIO, "cannot read back %s", content->name);
        bytes += n;
        len -= (size_t)n;
        position += (size_t)n;
    }
    return true;
}

bool content_amend(const struct record *record, int fd, uint64_t start, const char *name,
                   struct error *err)
{
    struct written_content content = {name, fd, start};
    struct reader_amender amender = {&content, write_at, read_at};

    return record->reader->ops->amend == NULL ||
           record->reader->ops->amend(record->reader, &amender, err);
}
