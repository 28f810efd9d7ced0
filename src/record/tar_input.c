/*
 * The bytes of a tar, from a file or a pipe, compressed or not: the first bytes tell. A pipe is
 * waited for together with the job's cancel.
 */
#include "record/tar_input_internal.h"

#include "record/record_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC_SIZE 4

/* No header of a tar begins so: a name does not. */
static const struct {
    enum compression compression;
    size_t len;
    uint8_t bytes[MAGIC_SIZE];
} magics[] = {
    {COMPRESSION_GZIP, 2, {0x1f, 0x8b}},
    {COMPRESSION_LZ4, 4, {0x04, 0x22, 0x4d, 0x18}},
    {COMPRESSION_ZSTD, 4, {0x28, 0xb5, 0x2f, 0xfd}},
};

static bool wait_readable(const struct tar_input *input, struct error *err)
{
    struct pollfd fds[2] = {
        {.fd = input->fd, .events = POLLIN},
        {.fd = input->cancel == NULL ? -1 : input->cancel->event_fd, .events = POLLIN}};

    if (poll(fds, 2, -1) < 0 && errno != EINTR)
        return error_set_errno(err, errno, "cannot wait for %s", input->name);
    return cancel_check(input->cancel, err);
}

/* Adds to what the buffer holds, or notes the end. */
static bool read_more(struct tar_input *input, size_t have, struct error *err)
{
    for (;;) {
        ssize_t n;

        if (!input->seekable && !wait_readable(input, err))
            return false;
        n = read(input->fd, input->buffer + have, RECORD_READ_SIZE - have);
        if (n >= 0) {
            input->ended = n == 0;
            input->raw_bytes += (uint64_t)n;
            input->raw = slice_make(input->buffer, have + (size_t)n);
            return true;
        }
        if (errno != EINTR && errno != EAGAIN)
            return error_set_errno(err, errno, "cannot read %s", input->name);
    }
}

static enum compression compression_of(struct slice start)
{
    static const uint8_t skippable[] = {0x2a, 0x4d, 0x18}; /* behind 0x50 to 0x5f; pzstd's */

    if (start.len >= MAGIC_SIZE && (start.data[0] & 0xf0) == 0x50 &&
        memcmp(start.data + 1, skippable, sizeof(skippable)) == 0)
        return COMPRESSION_ZSTD;
    for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++) {
        if (start.len >= magics[i].len && memcmp(start.data, magics[i].bytes, magics[i].len) == 0)
            return magics[i].compression;
    }
    return COMPRESSION_NONE;
}

static bool begin(struct tar_input *input, struct error *err)
{
    enum compression compression;

    while (input->raw.len < MAGIC_SIZE && !input->ended) {
        if (!read_more(input, input->raw.len, err))
            return false;
    }
    input->begun = true;
    compression = compression_of(input->raw);
    input->compression = compression;
    if (compression == COMPRESSION_NONE)
        return true;
    input->seekable = false;
    input->decompressor = decompressor_new(compression, err);
    if (input->decompressor != NULL)
        decompressor_join(input->decompressor, true);
    return input->decompressor != NULL &&
           (decompressor_begin(input->decompressor, err) || error_prefix(err, "%s", input->name));
}

static bool next_unpacked(struct tar_input *input, struct slice *piece, struct error *err)
{
    for (;;) {
        if (input->raw.len == 0 && !input->ended && !read_more(input, 0, err))
            return false;
        if (!decompressor_next(input->decompressor, &input->raw, piece, err))
            return error_prefix(err, "%s", input->name);
        if (piece->len > 0)
            return true;
        if (input->raw.len == 0 && input->ended)
            return decompressor_finish(input->decompressor, err) ||
                   error_prefix(err, "%s", input->name);
        if (!cancel_check(input->cancel, err))
            return false;
    }
}

bool tar_input_next(struct tar_input *input, struct slice *piece, struct error *err)
{
    if (!input->begun && !begin(input, err))
        return false;
    if (input->decompressor != NULL) {
        if (!next_unpacked(input, piece, err))
            return false;
    } else {
        if (input->raw.len == 0 && !input->ended && !read_more(input, 0, err))
            return false;
        *piece = input->raw;
        input->raw.len = 0;
    }
    input->bytes += piece->len;
    return true;
}

uint64_t tar_input_expected(const struct tar_input *input)
{
    uint64_t used = input->raw_bytes - input->raw.len;

    if (input->decompressor == NULL || input->file_size == 0 || used == 0)
        return input->file_size;
    return (uint64_t)((double)input->bytes * (double)input->file_size / (double)used);
}

bool tar_input_init(struct tar_input *input, int fd, bool owns_fd, const char *name,
                    struct error *err)
{
    struct stat st;

    *input = (struct tar_input){.fd = fd, .owns_fd = owns_fd, .name = name};
    input->buffer = malloc(RECORD_READ_SIZE);
    if (input->buffer == NULL) {
        tar_input_reset(input);
        return error_set_memory(err);
    }
    input->seekable = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    if (input->seekable) {
        input->file_size = (uint64_t)st.st_size;
        (void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    }
    return true;
}

void tar_input_reset(struct tar_input *input)
{
    decompressor_free(input->decompressor);
    free(input->buffer);
    if (input->owns_fd)
        close(input->fd);
    *input = (struct tar_input){.fd = -1};
}
