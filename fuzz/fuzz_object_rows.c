/*
 * The bytes of large objects, as rows of COPY in the binary format. The first byte chooses the
 * pieces.
 *
 * Holds: the pieces do not matter; rows ascend and never overlap; no more bytes are lent than came.
 *
 * Limits: -max_len=4096
 */
#include "copy/object_rows_internal.h"
#include "support/feed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was found, as a sum. */
struct outcome {
    bool failed, ended;
    uint64_t rows, bytes, sum;
};

static void take_bytes(struct object_rows *rows, struct slice *piece, struct outcome *outcome)
{
    uint32_t before = rows->left;
    struct slice bytes = object_rows_take(rows, piece);

    must(bytes.len <= before && rows->left == before - bytes.len);
    outcome->bytes += bytes.len;
    for (size_t i = 0; i < bytes.len; i++)
        outcome->sum = outcome->sum * 31 + bytes.data[i];
}

static bool take_piece(struct object_rows *rows, struct slice piece, struct outcome *outcome,
                       struct error *err)
{
    for (;;) {
        uint32_t oid = rows->oid;
        uint64_t place;

        if (rows->left > 0)
            take_bytes(rows, &piece, outcome);
        if (rows->left > 0)
            return true;
        place = rows->place;
        switch (object_rows_next(rows, &piece, err)) {
        case OBJECT_ROWS_MORE:
            must(piece.len == 0);
            return true;
        case OBJECT_ROWS_END:
            outcome->ended = true;
            return true;
        case OBJECT_ROWS_FAILED:
            must_be_told(err);
            return false;
        case OBJECT_ROWS_ROW:
            must(outcome->rows == 0 || rows->oid > oid ||
                 (rows->oid == oid && rows->place >= place));
            outcome->rows++;
            break;
        }
    }
}

static struct outcome run(struct slice input, size_t piece_size)
{
    struct feed feed = {.rest = input, .piece = piece_size};
    struct outcome outcome = {0};
    struct object_rows rows;
    struct slice piece;
    struct error err;

    object_rows_begin(&rows);
    while (!outcome.failed && feed_next(&feed, &piece))
        outcome.failed = !take_piece(&rows, piece, &outcome, &err);
    feed_end(&feed);
    return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = {data, size};
    size_t piece = (size_t)feed_choice(&input) + 1;
    struct outcome whole = run(input, 0), pieces = run(input, piece);

    must(whole.failed == pieces.failed);
    must(whole.failed || whole.ended == pieces.ended);
    must(whole.rows == pieces.rows && whole.bytes == pieces.bytes && whole.sum == pieces.sum);
    must(whole.bytes <= size);
    return 0;
}
