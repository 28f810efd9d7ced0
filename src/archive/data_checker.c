/*
 * The data of one entry: unpacked, its rows counted, its end proved. Compressed data can end well
 * and still lack rows, if whoever wrote it stopped early: the end mark of COPY text, on a line of
 * its own and with nothing behind it, is what only a whole table has. A server would take the
 * first such line for the end and pass over what follows.
 */
#include "archive/decoder_internal.h"

#define END_MARK ARCHIVE_COPY_END
#define END_MARK_SIZE (sizeof(END_MARK) - 1)
#define END_MARK_LINE 3 /* of its bytes are what a server takes for the end */

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
    checker->rows = 0;
    /* Before the first row there is nothing, which is as good as the end of a line. */
    checker->line_begins = true;
    checker->matched = 0;
    return decompressor_begin(checker->decompressor, err);
}

/* ---- Rows ---- */

static bool give(const struct data_taker *taker, struct slice bytes, struct error *err)
{
    return bytes.len == 0 || taker->data == NULL || taker->data(taker->context, bytes, err);
}

/* How much of the end mark `bytes` begin with, as far as they go. */
static size_t match_end_mark(size_t from, struct slice bytes)
{
    size_t n = 0;

    while (from + n < END_MARK_SIZE && n < bytes.len &&
           bytes.data[n] == (uint8_t)END_MARK[from + n])
        n++;
    return n;
}

/* The rows up to where the end mark begins, or may begin: that is left in `bytes`. */
static struct slice take_lines(struct data_checker *checker, struct slice *bytes)
{
    const uint8_t *at = bytes->data, *end = bytes->data + bytes->len;
    bool begins = checker->line_begins;

    while (at < end) {
        const uint8_t *next;

        if (begins && *at == (uint8_t)END_MARK[0]) {
            struct slice rest = slice_make(at, (size_t)(end - at));
            size_t matched = match_end_mark(0, rest);

            if (matched == rest.len || matched >= END_MARK_LINE)
                break;
        }
        next = memchr(at, '\n', (size_t)(end - at));
        begins = next != NULL;
        checker->rows += begins;
        at = begins ? next + 1 : end;
    }
    checker->line_begins = begins;
    return slice_take(bytes, (size_t)(at - bytes->data));
}

/* An end mark has begun, here or in bytes that came before. */
static bool take_end_mark(struct data_checker *checker, struct slice *bytes,
                          const struct data_taker *taker, struct error *err)
{
    size_t more = match_end_mark(checker->matched, *bytes);
    size_t matched = checker->matched + more;

    slice_take(bytes, more);
    checker->matched = matched;
    if (bytes->len == 0)
        return true;
    if (matched >= END_MARK_LINE)
        return error_set(err, ERROR_CORRUPT, "something follows the end mark of the rows");
    /* It is a row that begins as the mark does. */
    checker->matched = 0;
    checker->line_begins = false;
    return give(taker, slice_make(END_MARK, matched), err);
}

static bool take_rows(struct data_checker *checker, struct slice bytes,
                      const struct data_taker *taker, struct error *err)
{
    while (bytes.len > 0) {
        if (checker->matched == 0 && !give(taker, take_lines(checker, &bytes), err))
            return false;
        if (bytes.len > 0 && !take_end_mark(checker, &bytes, taker, err))
            return false;
    }
    return true;
}

/* ---- Streams ---- */

bool data_checker_feed(struct data_checker *checker, struct slice packed,
                       const struct data_taker *taker, struct error *err)
{
    struct slice bytes;

    do {
        if (!decompressor_next(checker->decompressor, &packed, &bytes, err))
            return false;
        if (bytes.len == 0)
            continue;
        if (taker->unpacked != NULL && !taker->unpacked(taker->context, bytes, err))
            return false;
        if (checker->copy ? !take_rows(checker, bytes, taker, err) : !give(taker, bytes, err))
            return false;
    } while (packed.len > 0 || bytes.len > 0);
    return true;
}

bool data_checker_finish(struct data_checker *checker, uint64_t *rows, struct error *err)
{
    *rows = checker->copy ? checker->rows : 0;
    if (!decompressor_finish(checker->decompressor, err))
        return false;
    return !checker->copy || checker->matched == END_MARK_SIZE ||
           error_set(err, ERROR_CORRUPT, "the rows end without their end mark");
}
