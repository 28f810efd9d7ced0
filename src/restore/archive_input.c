/*
 * An archive as a restore reads it. The table of contents is read where the archive is opened; its
 * data are decoded as they are read, and lie in the buffer of that read when they are handed on.
 */
#include "restore/archive_input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define READ_SIZE ((size_t)512 * 1024)

struct archive_input {
    struct archive_contents *contents;
    char *name;
    int fd;                /* of a file; -1: there is none */
    struct reader *reader; /* of a stream, borrowed */
    struct slice rest;     /* of it, that came with the table of contents */
    bool used;             /* the stream is */
};

static struct archive_input *input_new(const char *name, struct error *err)
{
    struct archive_input *input = calloc(1, sizeof(*input));

    if (input != NULL) {
        input->fd = -1;
        input->name = strdup(name);
        if (input->name != NULL)
            return input;
    }
    free(input);
    error_set_memory(err);
    return NULL;
}

void archive_input_free(struct archive_input *input)
{
    if (input == NULL)
        return;
    archive_contents_free(input->contents);
    if (input->fd >= 0)
        close(input->fd);
    free(input->name);
    free(input);
}

struct archive_contents *archive_input_contents(const struct archive_input *input)
{
    return input->contents;
}

bool archive_input_can_seek(const struct archive_input *input)
{
    return input->fd >= 0;
}

/* ---- Reading bytes ---- */

/* Where a walk over the archive's bytes is. */
struct walk {
    struct archive_input *input;
    uint64_t position;
    uint8_t *buffer;
};

/* Lends the next bytes: none at the end. */
static bool walk_next(struct walk *walk, struct slice *bytes, const struct cancel *cancel,
                      struct error *err)
{
    struct archive_input *input = walk->input;
    ssize_t n;

    if (!cancel_check(cancel, err))
        return false;
    *bytes = (struct slice){0};
    if (input->reader != NULL) {
        enum reader_status status = reader_next(input->reader, bytes, err);

        if (status == READER_END)
            bytes->len = 0;
        return status != READER_FAILED;
    }
    do
        n = pread(input->fd, walk->buffer, READ_SIZE, (off_t)walk->position);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return error_set_errno(err, errno, "cannot read %s", input->name);
    walk->position += (uint64_t)n;
    *bytes = slice_make(walk->buffer, (size_t)n);
    return true;
}

static bool load_contents(struct walk *walk, const struct cancel *cancel, struct error *err)
{
    struct archive_input *input = walk->input;
    bool complete = false;

    input->contents = archive_contents_new(ARCHIVE_FORM_CUSTOM, err);
    if (input->contents == NULL)
        return false;
    while (!complete) {
        struct slice bytes;

        if (!walk_next(walk, &bytes, cancel, err))
            return false;
        if (bytes.len == 0) {
            error_set(err, ERROR_CORRUPT, "the archive ends too early");
            return error_prefix(err, "%s", input->name);
        }
        if (!archive_contents_feed(input->contents, &bytes, &complete, err))
            return error_prefix(err, "%s", input->name);
        input->rest = bytes;
    }
    return true;
}

/* ---- Opening ---- */

static bool open_file(struct archive_input *input, const struct cancel *cancel, struct error *err)
{
    struct walk walk = {.input = input};
    bool done;

    input->fd = open(input->name, O_RDONLY | O_CLOEXEC);
    if (input->fd < 0)
        return error_set_errno(err, errno, "cannot open %s", input->name);
    walk.buffer = malloc(READ_SIZE);
    if (walk.buffer == NULL)
        return error_set_memory(err);
    done = load_contents(&walk, cancel, err);
    free(walk.buffer);
    return done;
}

struct archive_input *archive_input_open(const struct record_place *place, const char *record,
                                         const struct cancel *cancel, struct error *err)
{
    char path[2 * RECORD_PATH_MAX];
    struct archive_input *input;

    if ((place->kind == PLACE_DIRECTORY) != (record != NULL)) {
        error_set(err, ERROR_UNSUPPORTED, "%s: an archive is not read from there",
                  place->kind == PLACE_TAR_STREAM ? "a stream" : place->path);
        return NULL;
    }
    snprintf(path, sizeof(path), "%s%s", place->path, record == NULL ? "" : record);
    input = input_new(path, err);
    if (input == NULL || open_file(input, cancel, err))
        return input;
    archive_input_free(input);
    return NULL;
}

struct archive_input *archive_input_of_reader(const char *name, struct reader *reader,
                                              const struct cancel *cancel, struct error *err)
{
    struct archive_input *input = input_new(name, err);
    struct walk walk = {.input = input};

    if (input == NULL)
        return NULL;
    input->reader = reader;
    if (load_contents(&walk, cancel, err))
        return input;
    archive_input_free(input);
    return NULL;
}

/* ---- Data ---- */

static bool feed_all(struct walk *walk, struct archive_blocks *blocks, const struct cancel *cancel,
                     struct error *err)
{
    struct slice bytes = walk->input->rest;

    if (walk->input->reader == NULL)
        bytes.len = 0;
    do {
        if (!archive_blocks_feed(blocks, bytes, err) || !walk_next(walk, &bytes, cancel, err))
            return false;
    } while (bytes.len > 0);
    return archive_blocks_finish(blocks, err);
}

static bool read_blocks(struct archive_input *input, const struct archive_data_handler *handler,
                        const struct cancel *cancel, struct error *err)
{
    struct archive_blocks *blocks = archive_blocks_new(input->contents, handler, err);
    struct walk walk = {input, archive_contents_size(input->contents), malloc(READ_SIZE)};
    bool done = false;

    if (walk.buffer == NULL)
        error_set_memory(err);
    else if (blocks != NULL)
        done = feed_all(&walk, blocks, cancel, err);
    free(walk.buffer);
    archive_blocks_free(blocks);
    return done;
}

bool archive_input_read_all(struct archive_input *input, const struct archive_data_handler *handler,
                            const struct cancel *cancel, struct error *err)
{
    if (input->used)
        return error_set(err, ERROR_USAGE, "%s was read already", input->name);
    input->used = input->reader != NULL;
    return read_blocks(input, handler, cancel, err);
}

/* One entry of all. */
struct choice {
    const struct archive_data_handler *handler;
    uint32_t number;
};

static bool choose(void *context, uint32_t number, bool *wanted, struct error *err)
{
    const struct choice *choice = context;
    const struct archive_data_handler *handler = choice->handler;

    *wanted = number == choice->number;
    return !*wanted || handler->begin == NULL ||
           handler->begin(handler->context, number, wanted, err);
}

static bool choice_object(void *context, uint32_t number, uint32_t oid, struct error *err)
{
    const struct archive_data_handler *handler = ((const struct choice *)context)->handler;

    return handler->object == NULL || handler->object(handler->context, number, oid, err);
}

static bool choice_bytes(void *context, uint32_t number, struct slice bytes, struct error *err)
{
    const struct archive_data_handler *handler = ((const struct choice *)context)->handler;

    return handler->bytes == NULL || handler->bytes(handler->context, number, bytes, err);
}

static bool choice_object_end(void *context, uint32_t number, struct error *err)
{
    const struct archive_data_handler *handler = ((const struct choice *)context)->handler;

    return handler->object_end == NULL || handler->object_end(handler->context, number, err);
}

static bool choice_end(void *context, uint32_t number, uint64_t rows, struct error *err)
{
    const struct archive_data_handler *handler = ((const struct choice *)context)->handler;

    return handler->end == NULL || handler->end(handler->context, number, rows, err);
}

bool archive_input_read_entry(struct archive_input *input, uint32_t number,
                              const struct archive_data_handler *handler,
                              const struct cancel *cancel, struct error *err)
{
    struct choice choice = {handler, number};
    const struct archive_data_handler chosen = {
        &choice, choose, choice_object, choice_bytes, choice_object_end, choice_end};

    if (!archive_input_can_seek(input))
        return error_set(err, ERROR_USAGE, "%s cannot be read an entry at a time", input->name);
    return read_blocks(input, &chosen, cancel, err);
}
