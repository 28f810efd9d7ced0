/*
 * The data of one entry: unpacked, its rows counted, its end proved. Compressed data can end well
 * and still lack rows, if whoever wrote it stopped early: the end mark of COPY text, on a line of
 * its own and with nothing behind it, is what only a whole table has.
 */
#include "archive/decoder_internal.h"

#define END_MARK_SIZE (sizeof(ARCHIVE_COPY_END) - 1)
#define END_MARK_LINES 3

bool data_checker_init(struct data_checker *checker, enum compression compression,
                       struct error *err)
{
    *checker = (struct data_checker){.decompressor = decompressor_new(compression, err)};
    return checker->decompressor != NULL;
}

void data_checker_reset(struct data_checker *checker)
{
    decompressor_free(checker->decompressor);
    *checker = (struct data_checker){0};
}

bool data_checker_begin(struct data_checker *checker, bool copy, struct error *err)
{
    checker->copy = copy;
    checker->lines = 0;
    /* Before the first row there is nothing, which is as good as the end of a line. */
    checker->tail[0] = '\n';
    checker->tail_len = 1;
    return decompressor_begin(checker->decompressor, err);
}

static void note_tail(struct data_checker *checker, struct slice bytes)
{
    const size_t size = sizeof(checker->tail);
    size_t keep;

    if (bytes.len >= size) {
        memcpy(checker->tail, bytes.data + bytes.len - size, size);
        checker->tail_len = size;
        return;
    }
    keep = checker->tail_len < size - bytes.len ? checker->tail_len : size - bytes.len;
    memmove(checker->tail, checker->tail + checker->tail_len - keep, keep);
    memcpy(checker->tail + keep, bytes.data, bytes.len);
    checker->tail_len = keep + bytes.len;
}

static void take_unpacked(struct data_checker *checker, struct slice bytes)
{
    const uint8_t *at = bytes.data, *end = bytes.data + bytes.len;

    if (!checker->copy)
        return;
    while (at < end && (at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        checker->lines++;
        at++;
    }
    note_tail(checker, bytes);
}

bool data_checker_feed(struct data_checker *checker, struct slice packed,
                       const struct archive_handler *handler, int32_t dump_id, struct error *err)
{
    struct slice bytes;

    do {
        if (!decompressor_next(checker->decompressor, &packed, &bytes, err))
            return false;
        if (bytes.len == 0)
            continue;
        take_unpacked(checker, bytes);
        if (handler->data != NULL && !handler->data(handler->context, dump_id, bytes, err))
            return false;
    } while (packed.len > 0 || bytes.len > 0);
    return true;
}

static bool has_end_mark(const struct data_checker *checker)
{
    return checker->tail_len == END_MARK_SIZE + 1 && checker->tail[0] == '\n' &&
           memcmp(checker->tail + 1, ARCHIVE_COPY_END, END_MARK_SIZE) == 0;
}

bool data_checker_finish(struct data_checker *checker, uint64_t *rows, struct error *err)
{
    *rows = 0;
    if (!decompressor_finish(checker->decompressor, err))
        return false;
    if (!checker->copy)
        return true;
    if (!has_end_mark(checker))
        return error_set(err, ERROR_CORRUPT, "the rows end without their end mark");
    *rows = checker->lines - END_MARK_LINES;
    return true;
}
