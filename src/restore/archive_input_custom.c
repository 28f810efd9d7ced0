/*
 * A custom archive: from a file, at any position and by any number of threads, or as it streams by.
 * What is not compressed is handed on from the buffer of one large read.
 */
#include "restore/archive_input_internal.h"

/* ---- Bytes ---- */

/* Lends the next bytes: none at the end. Of a file those from *position on, at most `most`. */
static bool next_bytes(struct archive_input *input, struct archive_worker *worker,
                       uint64_t *position, uint64_t most, struct slice *bytes,
                       const struct cancel *cancel, struct error *err)
{
    size_t size = most < ARCHIVE_READ_SIZE ? (size_t)most : ARCHIVE_READ_SIZE, got = 0;

    *bytes = (struct slice){0};
    if (!cancel_check(cancel, err))
        return false;
    if (input->reader != NULL) {
        enum reader_status status = reader_next(input->reader, bytes, err);

        if (status != READER_DATA)
            bytes->len = 0;
        archive_input_note_read(input, bytes->len);
        return status != READER_FAILED;
    }
    if (!archive_file_read(&input->file, *position, worker->buffer, size, &got, err))
        return error_prefix(err, "%s", input->name);
    archive_input_note_read(input, got);
    *bytes = slice_make(worker->buffer, got);
    *position += got;
    return true;
}

static bool damaged(const struct archive_input *input, struct error *err)
{
    return err->code == ERROR_CORRUPT ? error_prefix(err, "%s", input->name) : false;
}

/* ---- Table of contents ---- */

static bool load(struct archive_input *input, struct archive_worker *worker,
                 const struct cancel *cancel, struct error *err)
{
    uint64_t position = 0;
    bool complete = false;

    while (!complete) {
        struct slice bytes;

        if (!next_bytes(input, worker, &position, UINT64_MAX, &bytes, cancel, err))
            return false;
        if (bytes.len == 0) {
            error_set(err, ERROR_CORRUPT, "the archive ends within its table of contents");
            return damaged(input, err);
        }
        if (!archive_contents_feed(input->contents, &bytes, &complete, err))
            return error_prefix(err, "%s", input->name);
        if (input->reader != NULL)
            input->rest = bytes;
    }
    return true;
}

bool custom_load(struct archive_input *input, const struct cancel *cancel, struct error *err)
{
    struct archive_worker *worker = archive_worker_take(input, err);
    bool done;

    if (worker == NULL)
        return false;
    input->contents = archive_contents_new(ARCHIVE_FORM_CUSTOM, err);
    done = input->contents != NULL && load(input, worker, cancel, err);
    archive_worker_give_back(input, worker);
    return done;
}

/* ---- Where the data are ---- */

static bool go_over(struct archive_input *input, struct archive_worker *worker, bool last,
                    const struct cancel *cancel, struct error *err)
{
    uint64_t position = archive_contents_size(input->contents), skipped = 0;
    struct archive_skim *skim =
        last ? archive_skim_last(input->contents, input->file.size, &position, err)
             : archive_skim_new(input->contents, input->file.size, err);
    struct slice bytes;
    bool done = skim != NULL;

    do {
        done = done && next_bytes(input, worker, &position, UINT64_MAX, &bytes, cancel, err) &&
               archive_skim_feed(skim, bytes, &skipped, err);
        position += skipped;
    } while (done && bytes.len > 0);
    done = done && archive_skim_finish(skim, err);
    archive_skim_free(skim);
    return done || damaged(input, err);
}

bool custom_locate(struct archive_input *input, const struct cancel *cancel, struct error *err)
{
    struct archive_worker *worker;
    bool all, done;

    if (!archive_contents_locate(input->contents, input->file.size, &all, err))
        return damaged(input, err);
    worker = archive_worker_take(input, err);
    if (worker == NULL)
        return false;
    done = go_over(input, worker, all, cancel, err);
    archive_worker_give_back(input, worker);
    return done;
}

/* ---- Data ---- */

static bool feed_all(struct archive_input *input, struct archive_worker *worker,
                     struct archive_blocks *blocks, const struct cancel *cancel, struct error *err)
{
    uint64_t position = archive_contents_size(input->contents);
    struct slice bytes = input->rest;

    do {
        if (!archive_blocks_feed(blocks, bytes, err) ||
            !next_bytes(input, worker, &position, UINT64_MAX, &bytes, cancel, err))
            return damaged(input, err);
    } while (bytes.len > 0);
    return archive_blocks_finish(blocks, err) || damaged(input, err);
}

bool custom_read_all(struct archive_input *input, const struct archive_data_handler *handler,
                     const struct cancel *cancel, struct error *err)
{
    struct archive_worker *worker = archive_worker_take(input, err);
    struct archive_blocks *blocks =
        worker == NULL ? NULL : archive_blocks_new(input->contents, handler, err);
    bool done = blocks != NULL && feed_all(input, worker, blocks, cancel, err);

    archive_blocks_free(blocks);
    archive_worker_give_back(input, worker);
    return done;
}

static bool feed_one(struct archive_input *input, struct archive_worker *worker, uint32_t number,
                     struct archive_blocks *blocks, const struct cancel *cancel, struct error *err)
{
    uint64_t left = archive_contents_node(input->contents, number).data_bytes;
    uint64_t position = 0;
    struct slice bytes;

    (void)archive_contents_position(input->contents, number, &position);
    do {
        if (!next_bytes(input, worker, &position, left, &bytes, cancel, err) ||
            !archive_blocks_feed(blocks, bytes, err))
            return damaged(input, err);
        left -= bytes.len;
    } while (bytes.len > 0 && !archive_blocks_over(blocks));
    return archive_blocks_finish(blocks, err) || damaged(input, err);
}

bool custom_read_entry(struct archive_input *input, uint32_t number,
                       const struct archive_data_handler *handler, const struct cancel *cancel,
                       struct error *err)
{
    struct archive_worker *worker = archive_worker_take(input, err);
    struct data_checker *checker =
        worker == NULL ? NULL
                       : archive_worker_checker(
                             worker, archive_contents_header(input->contents)->compression, err);
    struct archive_blocks *blocks =
        checker == NULL ? NULL
                        : archive_blocks_new_one(input->contents, number, handler, checker, err);
    bool done = blocks != NULL && feed_one(input, worker, number, blocks, cancel, err);

    archive_blocks_free(blocks);
    archive_worker_give_back(input, worker);
    return done;
}
