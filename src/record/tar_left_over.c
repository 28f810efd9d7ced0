/*
 * Telling a tar that a run of ours began from any other file under its temporary name.
 *
 * Every backup begins with manifest.json: the first block of the tar is its header, also where the
 * tar is compressed. What was killed before it wrote that far has nothing to lose.
 */
#include "record/record_internal.h"
#include "record/tar.h"
#include "record/tar_left_over_internal.h"

#include "base/decompress.h"

#include <string.h>
#include <unistd.h>

#define INPUT_SIZE 4096 /* compressed, at a time */
#define INPUT_MAX ((off_t)1024 * 1024)
#define FRAME_HEADER_MAX 32 /* of a compressed stream in which nothing is yet */

static enum compression find_compression(int fd)
{
    static const struct {
        enum compression compression;
        const char *start;
    } kinds[] = {{COMPRESSION_GZIP, "\x1f\x8b"},
                 {COMPRESSION_ZSTD, "\x28\xb5\x2f\xfd"},
                 {COMPRESSION_LZ4, "\x04\x22\x4d\x18"}};
    char head[4];
    ssize_t got = pread(fd, head, sizeof(head), 0);

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        size_t len = strlen(kinds[i].start);

        if (got >= (ssize_t)len && memcmp(head, kinds[i].start, len) == 0)
            return kinds[i].compression;
    }
    return COMPRESSION_NONE;
}

/* Unpacks the first block; *got is less than that if the file ends before. */
static bool unpack(struct decompressor *decompressor, int fd, uint8_t block[TAR_BLOCK], size_t *got)
{
    uint8_t input[INPUT_SIZE];
    struct error ignored;
    off_t at = 0;

    *got = 0;
    while (*got < TAR_BLOCK && at < INPUT_MAX) {
        ssize_t n = pread(fd, input, sizeof(input), at);
        struct slice in, out = {.len = 0};

        if (n <= 0)
            return n == 0;
        at += n;
        in = slice_make(input, (size_t)n);
        do {
            if (!decompressor_next(decompressor, &in, &out, &ignored))
                return false;
            out = slice_take(&out, out.len < TAR_BLOCK - *got ? out.len : TAR_BLOCK - *got);
            if (out.len > 0)
                memcpy(block + *got, out.data, out.len);
            *got += out.len;
        } while (*got < TAR_BLOCK && (in.len > 0 || out.len > 0));
    }
    return true;
}

static bool read_block(int fd, uint8_t block[TAR_BLOCK], size_t *got)
{
    struct error ignored;
    struct decompressor *decompressor = decompressor_new(find_compression(fd), &ignored);
    bool done = decompressor != NULL && decompressor_begin(decompressor, &ignored) &&
                unpack(decompressor, fd, block, got);

    decompressor_free(decompressor);
    return done;
}

bool tar_left_over_is_ours(int fd)
{
    static const char name[] = "manifest.json";
    uint8_t block[TAR_BLOCK];
    struct stat st;
    size_t got;

    if (fstat(fd, &st) != 0 || (st.st_mode & 07177) != 0)
        return false;
    if (st.st_size == 0)
        return true;
    if (!read_block(fd, block, &got))
        return false;
    if (got == 0)
        return st.st_size <= FRAME_HEADER_MAX;
    return got == TAR_BLOCK && memcmp(block, name, sizeof(name)) == 0 &&
           memcmp(block + 257, "ustar", 5) == 0;
}
