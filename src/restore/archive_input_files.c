/*
 * The files of a directory archive, or of pg_dump's tar, at a place that can be opened again. What
 * a file is compressed with, its suffix says, whatever the table of contents does.
 */
#include "restore/archive_input_internal.h"

#include <inttypes.h>
#include <stdio.h>

#define NAME_SIZE 64

static const struct {
    const char *suffix;
    enum compression compression;
} suffixes[] = {{"", COMPRESSION_NONE},
                {".gz", COMPRESSION_GZIP},
                {".lz4", COMPRESSION_LZ4},
                {".zst", COMPRESSION_ZSTD}};

/* ---- Reading a file ---- */

/* A file that is read. */
struct reading {
    struct archive_input *input;
    struct archive_worker *worker;
    const struct cancel *cancel;
    char name[NAME_SIZE]; /* of the file at hand, for messages */
};

static bool find_file(struct reading *reading, const char *name, struct archive_file *file,
                      enum compression *compression, bool *there, struct error *err)
{
    *there = false;
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]) && !*there; i++) {
        snprintf(reading->name, sizeof(reading->name), "%s%s", name, suffixes[i].suffix);
        *compression = suffixes[i].compression;
        if (!archive_files_find(&reading->input->files, reading->name, file, there, err))
            return false;
    }
    if (!*there)
        snprintf(reading->name, sizeof(reading->name), "%s", name);
    return true;
}

/* "/srv/dump/123.dat.gz: …" */
static bool blame_file(const struct reading *reading, struct error *err)
{
    return error_prefix(err, "%s/%s", reading->input->name, reading->name);
}

static bool open_file(struct reading *reading, const char *name, struct archive_file *file,
                      enum compression *compression, struct error *err)
{
    bool there;

    if (!find_file(reading, name, file, compression, &there, err))
        return false;
    return there || error_set(err, ERROR_CORRUPT, "%s/%s is missing", reading->input->name, name);
}

static bool next_bytes(const struct reading *reading, const struct archive_file *file,
                       uint64_t *position, struct slice *bytes, struct error *err)
{
    size_t got = 0;
    uint64_t left = *position < file->size ? file->size - *position : 0;
    size_t size = left < ARCHIVE_READ_SIZE ? (size_t)left : ARCHIVE_READ_SIZE;

    *bytes = (struct slice){0};
    if (!cancel_check(reading->cancel, err))
        return false;
    if (!archive_file_read(file, *position, reading->worker->buffer, size, &got, err))
        return blame_file(reading, err);
    if (got == 0 && size > 0) {
        error_set(err, ERROR_CORRUPT, "it became shorter while it was read");
        return blame_file(reading, err);
    }
    *position += got;
    archive_input_note_read(reading->input, got);
    *bytes = slice_make(reading->worker->buffer, got);
    return true;
}

/* All of it, through the checker; what a taker fails with is left as it is. */
static bool read_stream(const struct reading *reading, const struct archive_file *file,
                        struct data_checker *checker, bool copy, const struct data_taker *taker,
                        uint64_t *rows, struct error *err)
{
    uint64_t position = 0;
    struct slice bytes;

    if (!data_checker_begin(checker, copy, err))
        return false;
    do {
        if (!next_bytes(reading, file, &position, &bytes, err))
            return false;
        if (!data_checker_feed(checker, bytes, taker, err))
            return err->code == ERROR_CORRUPT ? blame_file(reading, err) : false;
    } while (bytes.len > 0);
    return data_checker_finish(checker, rows, err) || blame_file(reading, err);
}

static bool read_file(struct reading *reading, const char *name, bool copy, bool may_be_empty,
                      const struct data_taker *taker, uint64_t *rows, struct error *err)
{
    struct archive_file file;
    enum compression compression;
    struct data_checker *checker;
    bool done;

    *rows = 0;
    if (!open_file(reading, name, &file, &compression, err))
        return false;
    checker = archive_worker_checker(reading->worker, compression, err);
    /* As pg_restore has it: somebody may have compressed a file by himself, in parts. */
    if (checker != NULL)
        decompressor_join(checker->decompressor, true);
    /* pg_dump begins a frame of lz4 or zstd with the first bytes that there are. */
    if (may_be_empty && file.size == 0 && compression != COMPRESSION_GZIP)
        done = true;
    else
        done = checker != NULL && read_stream(reading, &file, checker, copy, taker, rows, err);
    archive_file_close(&file);
    return done;
}

/* ---- Table of contents ---- */

/* What it is being loaded into. */
struct loading {
    struct archive_contents *contents;
    bool complete;
};

static bool take_contents(void *context, struct slice bytes, struct error *err)
{
    struct loading *loading = context;

    if (!archive_contents_feed(loading->contents, &bytes, &loading->complete, err))
        return false;
    return bytes.len == 0 ||
           error_set(err, ERROR_CORRUPT, "something follows the table of contents");
}

bool files_load(struct archive_input *input, const struct cancel *cancel, struct error *err)
{
    struct reading reading = {input, archive_worker_take(input, err), cancel, ""};
    struct loading loading = {.contents = archive_contents_new(ARCHIVE_FORM_FILES, err)};
    const struct data_taker taker = {&loading, take_contents, NULL};
    uint64_t rows;
    bool done = reading.worker != NULL && loading.contents != NULL &&
                read_file(&reading, "toc.dat", false, false, &taker, &rows, err);

    input->contents = loading.contents;
    if (done && !loading.complete) {
        done = error_set(err, ERROR_CORRUPT, "the table of contents ends too early");
        blame_file(&reading, err);
    }
    archive_worker_give_back(input, reading.worker);
    return done;
}

/* ---- How many bytes there are ---- */

static void name_rows(int32_t dump_id, char out[NAME_SIZE])
{
    snprintf(out, NAME_SIZE, "%" PRId32 ".dat", dump_id);
}

#define BYTES_A_LINE 1024 /* of large objects: a guess, for the order */

bool files_locate(struct archive_input *input, const struct cancel *cancel, struct error *err)
{
    struct reading reading = {.input = input};
    uint32_t count = archive_contents_count(input->contents);

    for (uint32_t i = 0; i < count; i++) {
        const struct contents_node node = archive_contents_node(input->contents, i);
        bool objects = node.kind == ENTRY_BLOBS, there;
        enum compression compression;
        struct archive_file file;
        char name[NAME_SIZE];

        if (!node.has_data)
            continue;
        if (objects)
            directory_object_list_name(node.dump_id,
                                       archive_contents_header(input->contents)->minor, name);
        else
            name_rows(node.dump_id, name);
        if (!cancel_check(cancel, err) ||
            !find_file(&reading, name, &file, &compression, &there, err))
            return false;
        if (!there)
            return error_set(err, ERROR_CORRUPT, "%s/%s is missing", input->name, name) ||
                   archive_contents_blame(input->contents, i, err);
        archive_contents_set_bytes(input->contents, i,
                                   objects ? file.size * BYTES_A_LINE : file.size);
        archive_file_close(&file);
    }
    return true;
}

/* ---- Data ---- */

/* The entry being read. */
struct giving {
    const struct archive_data_handler *handler;
    uint32_t number;
    bool wanted;
};

static bool give(void *context, struct slice bytes, struct error *err)
{
    const struct giving *giving = context;
    const struct archive_data_handler *handler = giving->handler;

    return !giving->wanted || handler->bytes == NULL ||
           handler->bytes(handler->context, giving->number, bytes, err);
}

static bool read_object(struct reading *reading, struct giving *giving, uint32_t oid,
                        struct error *err)
{
    const struct archive_data_handler *handler = giving->handler;
    const struct data_taker taker = {giving, NULL, give};
    char name[NAME_SIZE];
    uint64_t rows;

    snprintf(name, sizeof(name), "blob_%" PRIu32 ".dat", oid);
    if (giving->wanted && handler->object != NULL &&
        !handler->object(handler->context, giving->number, oid, err))
        return false;
    if (!read_file(reading, name, false, true, &taker, &rows, err))
        return false;
    return !giving->wanted || handler->object_end == NULL ||
           handler->object_end(handler->context, giving->number, err);
}

/* The list is read a piece at a time: the buffer belongs to the objects. */
static bool read_listed(struct reading *reading, struct giving *giving,
                        const struct archive_file *file, struct error *err)
{
    uint8_t piece[4096];
    struct object_list list = {.len = 0};
    uint64_t position = 0;
    size_t got;

    do {
        struct slice bytes;

        if (!archive_file_read(file, position, piece, sizeof(piece), &got, err))
            return false;
        position += got;
        bytes = slice_make(piece, got);
        while (bytes.len > 0) {
            uint32_t oid;
            bool found;

            if (!object_list_next(&list, &bytes, &oid, &found, err) ||
                (found && !read_object(reading, giving, oid, err)))
                return false;
        }
    } while (got > 0);
    return object_list_finish(&list, err);
}

static bool read_objects(struct reading *reading, struct giving *giving,
                         const struct contents_node *node, struct error *err)
{
    struct archive_input *input = reading->input;
    struct archive_file file;
    char name[NAME_SIZE];
    bool there, done;

    directory_object_list_name(node->dump_id, archive_contents_header(input->contents)->minor,
                               name);
    if (!archive_files_find(&input->files, name, &file, &there, err))
        return false;
    if (!there)
        return error_set(err, ERROR_CORRUPT, "%s/%s is missing", input->name, name);
    done = read_listed(reading, giving, &file, err);
    archive_file_close(&file);
    return done;
}

static bool read_entry(struct reading *reading, struct giving *giving, struct error *err)
{
    const struct archive_data_handler *handler = giving->handler;
    const struct contents_node node =
        archive_contents_node(reading->input->contents, giving->number);
    const struct data_taker taker = {giving, NULL, give};
    char name[NAME_SIZE];
    uint64_t rows = 0;

    if (handler->begin != NULL &&
        !handler->begin(handler->context, giving->number, &giving->wanted, err))
        return false;
    name_rows(node.dump_id, name);
    if (node.kind == ENTRY_BLOBS
            ? !read_objects(reading, giving, &node, err)
            : !read_file(reading, name, node.has_copy, false, &taker, &rows, err))
        return err->code == ERROR_CORRUPT
                   ? archive_contents_blame(reading->input->contents, giving->number, err)
                   : false;
    return !giving->wanted || handler->end == NULL ||
           handler->end(handler->context, giving->number, rows, err);
}

bool files_read_entry(struct archive_input *input, uint32_t number,
                      const struct archive_data_handler *handler, const struct cancel *cancel,
                      struct error *err)
{
    struct reading reading = {input, archive_worker_take(input, err), cancel, ""};
    struct giving giving = {handler, number, true};
    bool done = reading.worker != NULL && read_entry(&reading, &giving, err);

    archive_worker_give_back(input, reading.worker);
    return done;
}

bool files_read_all(struct archive_input *input, const struct archive_data_handler *handler,
                    const struct cancel *cancel, struct error *err)
{
    uint32_t count = archive_contents_count(input->contents);

    for (uint32_t i = 0; i < count; i++) {
        if (archive_contents_node(input->contents, i).has_data &&
            !files_read_entry(input, i, handler, cancel, err))
            return false;
    }
    return true;
}
