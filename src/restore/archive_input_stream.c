/*
 * The files of a directory archive, or of pg_dump's tar, as they stream by: the table of contents
 * first, the others in any order. Which entry a large object is of, its name does not say, and the
 * list that does may come behind it: but the entry that made it does, in the table of contents.
 */
#include "restore/archive_input_internal.h"

#include "base/array.h"

#include <stdio.h>
#include <stdlib.h>

/* Which entry's data a large object is among. */
struct owner {
    uint32_t oid, number;
};

struct folder_stream {
    struct archive_input *input;
    struct archive_folder *folder;
    struct owner *owners; /* by oid; NULL: one entry has all */
    size_t owner_count, owner_capacity;
    bool owners_known, has_objects;
    uint32_t objects_number; /* of the entry that has all */

    /* The data being read. */
    const struct archive_data_handler *handler;
    bool in_entry, wanted;
    uint32_t number;
    uint64_t rows;
};

/* ---- What the folder finds ---- */

static bool take_header(void *context, const struct archive_header *header, struct error *err)
{
    const struct folder_stream *stream = context;

    return archive_contents_begin(stream->input->contents, header, err);
}

static bool take_entry(void *context, uint32_t number, const struct archive_entry *entry,
                       struct error *err)
{
    const struct folder_stream *stream = context;

    (void)number;
    return archive_contents_add(stream->input->contents, entry, err);
}

static bool take_content(void *context, int32_t dump_id, struct slice bytes, struct error *err)
{
    const struct folder_stream *stream = context;
    const struct archive_data_handler *handler = stream->handler;

    (void)dump_id;
    return !stream->wanted || handler->bytes == NULL ||
           handler->bytes(handler->context, stream->number, bytes, err);
}

static bool take_end(void *context, int32_t dump_id, uint64_t rows, struct error *err)
{
    struct folder_stream *stream = context;

    (void)dump_id;
    (void)err;
    stream->rows = rows;
    return true;
}

void folder_stream_free(struct folder_stream *stream)
{
    if (stream == NULL)
        return;
    archive_folder_free(stream->folder);
    free(stream->owners);
    free(stream);
}

static struct folder_stream *stream_new(struct archive_input *input, struct error *err)
{
    struct folder_stream *stream = calloc(1, sizeof(*stream));
    const struct archive_handler handler = {.context = stream,
                                            .header = take_header,
                                            .entry = take_entry,
                                            .content = take_content,
                                            .data_end = take_end};

    if (stream == NULL) {
        error_set_memory(err);
        return NULL;
    }
    stream->input = input;
    stream->folder = archive_folder_new(&handler, err);
    if (stream->folder != NULL)
        return stream;
    folder_stream_free(stream);
    return NULL;
}

/* ---- Files ---- */

static bool blame_file(const struct folder_stream *stream, const char *name, struct error *err)
{
    return error_prefix(err, "%s/%s", stream->input->name, name);
}

static bool next_file(struct folder_stream *stream, const char **name, struct reader **reader,
                      struct error *err)
{
    const struct archive_file_source *source = &stream->input->file_source;

    do {
        if (!source->next(source->context, name, reader, err))
            return false;
    } while (*name != NULL && strcmp(*name, "restore.sql") == 0); /* psql's, in a tar */
    return true;
}

/* What is wrong with the file is told with its name; what a handler fails with as it is. */
static bool feed_file(struct folder_stream *stream, const char *name, struct reader *reader,
                      const struct cancel *cancel, struct error *err)
{
    for (;;) {
        struct slice bytes = {0};
        enum reader_status status;

        if (!cancel_check(cancel, err))
            return false;
        status = reader_next(reader, &bytes, err);
        if (status == READER_FAILED)
            return false;
        if (status == READER_END)
            return archive_folder_end(stream->folder, err) || blame_file(stream, name, err);
        archive_input_note_read(stream->input, bytes.len);
        if (!archive_folder_feed(stream->folder, bytes, err))
            return err->code == ERROR_CORRUPT ? blame_file(stream, name, err) : false;
    }
}

bool folder_stream_load(struct archive_input *input, const struct cancel *cancel, struct error *err)
{
    const char *name;
    struct reader *reader;
    struct folder_stream *stream = stream_new(input, err);

    input->folder_stream = stream;
    input->contents = stream == NULL ? NULL : archive_contents_new(ARCHIVE_FORM_FILES, err);
    if (input->contents == NULL || !next_file(stream, &name, &reader, err))
        return false;
    if (name == NULL || !archive_folder_is_contents(name)) {
        error_set(err, ERROR_CORRUPT, "%s: the archive does not begin with its table of contents",
                  input->name);
        return error_hint(err, "Restore it from a file or a directory: what streams by cannot be "
                               "gone back in.");
    }
    return (archive_folder_begin(stream->folder, name, err) || blame_file(stream, name, err)) &&
           feed_file(stream, name, reader, cancel, err);
}

/* ---- Whose a large object is ---- */

static bool add_owner(struct folder_stream *stream, uint32_t oid, uint32_t number,
                      struct error *err)
{
    if (stream->owner_count == stream->owner_capacity) {
        struct owner *grown =
            array_grow(stream->owners, &stream->owner_capacity, sizeof(*grown), err);

        if (grown == NULL)
            return false;
        stream->owners = grown;
    }
    stream->owners[stream->owner_count++] = (struct owner){oid, number};
    return true;
}

/* The definition of BLOB METADATA is the numbers of its objects, a line each. */
static bool add_owners(struct folder_stream *stream, uint32_t metadata, uint32_t number,
                       struct error *err)
{
    struct archive_entry entry;
    const char *at;

    if (!archive_contents_entry(stream->input->contents, metadata, &entry, err))
        return false;
    for (at = entry.definition == NULL ? "" : entry.definition; *at != '\0';) {
        char *end;
        unsigned long oid = strtoul(at, &end, 10);

        if (end == at || oid > UINT32_MAX)
            return error_set(err, ERROR_CORRUPT, "it does not say which large objects it is of") ||
                   archive_contents_blame(stream->input->contents, metadata, err);
        if (!add_owner(stream, (uint32_t)oid, number, err))
            return false;
        at = end + strspn(end, "\n");
    }
    return true;
}

static bool add_owners_of(struct folder_stream *stream, uint32_t number, struct error *err)
{
    struct archive_contents *contents = stream->input->contents;
    const struct contents_node node = archive_contents_node(contents, number);

    for (size_t i = 0; i < node.dependency_count; i++) {
        uint32_t other;

        if (archive_contents_find(contents, node.dependencies[i], &other) &&
            archive_contents_node(contents, other).kind == ENTRY_BLOB_METADATA &&
            !add_owners(stream, other, number, err))
            return false;
    }
    return true;
}

static int compare_owners(const void *a, const void *b)
{
    const struct owner *left = a, *right = b;

    return (left->oid > right->oid) - (left->oid < right->oid);
}

static bool learn_owners(struct folder_stream *stream, struct error *err)
{
    struct archive_contents *contents = stream->input->contents;
    uint32_t count = archive_contents_count(contents), entries = 0;

    for (uint32_t i = 0; i < count; i++) {
        const struct contents_node node = archive_contents_node(contents, i);

        if (node.kind != ENTRY_BLOBS || !node.has_data)
            continue;
        stream->objects_number = i;
        entries++;
    }
    stream->owners_known = true;
    stream->has_objects = entries > 0;
    for (uint32_t i = 0; entries > 1 && i < count; i++) {
        const struct contents_node node = archive_contents_node(contents, i);

        if (node.kind == ENTRY_BLOBS && node.has_data && !add_owners_of(stream, i, err))
            return false;
    }
    if (stream->owner_count > 1)
        qsort(stream->owners, stream->owner_count, sizeof(*stream->owners), compare_owners);
    stream->has_objects = entries == 1 || stream->owner_count > 0;
    return true;
}

static bool find_owner(struct folder_stream *stream, uint32_t oid, uint32_t *number,
                       struct error *err)
{
    const struct owner key = {.oid = oid};
    const struct owner *found;

    if (!stream->owners_known && !learn_owners(stream, err))
        return false;
    *number = stream->objects_number;
    if (stream->has_objects && stream->owners == NULL)
        return true;
    found = stream->owner_count == 0
                ? NULL
                : bsearch(&key, stream->owners, stream->owner_count, sizeof(key), compare_owners);
    if (found == NULL)
        return error_set(err, ERROR_CORRUPT,
                         "large object %lu is of no entry of the table of contents",
                         (unsigned long)oid);
    *number = found->number;
    return true;
}

/* ---- Data ---- */

static bool end_entry(struct folder_stream *stream, struct error *err)
{
    const struct archive_data_handler *handler = stream->handler;

    if (!stream->in_entry)
        return true;
    stream->in_entry = false;
    return !stream->wanted || handler->end == NULL ||
           handler->end(handler->context, stream->number, stream->rows, err);
}

static bool begin_entry(struct folder_stream *stream, uint32_t number, struct error *err)
{
    const struct archive_data_handler *handler = stream->handler;

    if (!end_entry(stream, err))
        return false;
    stream->in_entry = true;
    stream->wanted = true;
    stream->number = number;
    stream->rows = 0;
    return handler->begin == NULL || handler->begin(handler->context, number, &stream->wanted, err);
}

/* Large objects of one entry that come behind each other are given together. */
static bool read_object(struct folder_stream *stream, uint32_t oid, const char *name,
                        struct reader *reader, const struct cancel *cancel, struct error *err)
{
    const struct archive_data_handler *handler = stream->handler;
    uint32_t number;

    if (!find_owner(stream, oid, &number, err))
        return blame_file(stream, name, err);
    if ((!stream->in_entry || stream->number != number) && !begin_entry(stream, number, err))
        return false;
    if (stream->wanted && handler->object != NULL &&
        !handler->object(handler->context, number, oid, err))
        return false;
    return feed_file(stream, name, reader, cancel, err) &&
           (!stream->wanted || handler->object_end == NULL ||
            handler->object_end(handler->context, number, err));
}

static bool read_rows(struct folder_stream *stream, int32_t dump_id, const char *name,
                      struct reader *reader, const struct cancel *cancel, struct error *err)
{
    uint32_t number;

    if (!archive_contents_find(stream->input->contents, dump_id, &number) ||
        !begin_entry(stream, number, err))
        return false;
    if (feed_file(stream, name, reader, cancel, err))
        return end_entry(stream, err);
    return err->code == ERROR_CORRUPT ? archive_contents_blame(stream->input->contents, number, err)
                                      : false;
}

static bool read_file(struct folder_stream *stream, const char *name, struct reader *reader,
                      const struct cancel *cancel, struct error *err)
{
    int32_t dump_id;
    uint32_t oid;

    if (!archive_folder_begin(stream->folder, name, err))
        return blame_file(stream, name, err);
    archive_folder_file(stream->folder, &dump_id, &oid);
    if (oid != 0)
        return read_object(stream, oid, name, reader, cancel, err);
    if (!end_entry(stream, err))
        return false;
    return dump_id != 0 ? read_rows(stream, dump_id, name, reader, cancel, err)
                        : feed_file(stream, name, reader, cancel, err);
}

bool folder_stream_read_all(struct archive_input *input, const struct archive_data_handler *handler,
                            const struct cancel *cancel, struct error *err)
{
    struct folder_stream *stream = input->folder_stream;

    stream->handler = handler;
    for (;;) {
        const char *name;
        struct reader *reader;

        if (!next_file(stream, &name, &reader, err))
            return false;
        if (name == NULL)
            break;
        if (!read_file(stream, name, reader, cancel, err))
            return false;
    }
    if (!end_entry(stream, err))
        return false;
    return archive_folder_finish(stream->folder, err) || error_prefix(err, "%s", input->name);
}
