/*
 * What comes before the first archive tells. Until then globals are held, and whatever else there
 * is: a few hundred bytes of memory a record, and its content in a file without a name. Then either
 * the rest goes by, behind what was held, or all of it is kept, sorted, and given at the end.
 */
#include "restore/spooled_source.h"

#include "base/array.h"
#include "base/buffer.h"
#include "base/error_names.h"
#include "base/nameless_file.h"
#include "manifest/logical_layout.h"
#include "manifest/physical_layout.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum mode { HOLDING, GOING_BY, KEPT };

/* In this order they are restored. */
enum rank { RANK_MANIFEST, RANK_GLOBALS, RANK_CONTENT, RANK_SUMMARY };

struct kept_record {
    struct record record; /* its texts are the index's own */
    char *path, *link_target;
    enum rank rank;
    uint64_t offset, size;
};

struct spooled {
    struct record_source base;
    struct record_source *inner;
    struct spooled_options options;
    enum mode mode;
    bool has_manifest, has_globals; /* it came */
    bool as_written;                /* manifest.json was the first of all */
    bool descends;                  /* the names do not sort */
    char last[RECORD_PATH_MAX];     /* record of the top folder */
    bool physical;
    int fd;               /* -1: nothing is kept */
    struct buffer memory; /* … but this, as long as there is little */
    uint64_t end;
    struct kept_record *items;
    size_t count, capacity;
    size_t given, to_give; /* of items: the next one, and behind the last to be given now */
    struct record pending; /* comes behind those */
    bool has_pending;
};

/* ---- What is kept, read again ---- */

#define PIECE ((size_t)64 * 1024)
#define WHAT "the backup"
#define MEMORY_MOST ((uint64_t)1024 * 1024)

struct kept_reader {
    struct reader base;
    const struct spooled *spooled;
    uint64_t offset, left;
    uint8_t piece[PIECE];
};

static bool read_at(const struct spooled *spooled, uint8_t *out, size_t len, uint64_t offset,
                    struct error *err)
{
    if (spooled->fd >= 0)
        return nameless_file_read(spooled->fd, out, len, offset, WHAT, spooled->options.directory,
                                  err);
    memcpy(out, spooled->memory.data + offset, len);
    return true;
}

static enum reader_status kept_next(struct reader *base, struct slice *data, struct error *err)
{
    struct kept_reader *reader = (struct kept_reader *)base;
    size_t wanted = reader->left < PIECE ? (size_t)reader->left : PIECE;

    if (wanted == 0)
        return READER_END;
    if (!read_at(reader->spooled, reader->piece, wanted, reader->offset, err))
        return READER_FAILED;
    reader->offset += wanted;
    reader->left -= wanted;
    *data = slice_make(reader->piece, wanted);
    return READER_DATA;
}

static void kept_close(struct reader *base)
{
    free(base);
}

static struct reader *read_again(const struct spooled *spooled, const struct kept_record *kept,
                                 struct error *err)
{
    static const struct reader_ops ops = {.next = kept_next, .close = kept_close};
    struct kept_reader *reader = malloc(sizeof(*reader));

    if (reader == NULL) {
        error_set_memory(err);
        return NULL;
    }
    reader->base.ops = &ops;
    reader->spooled = spooled;
    reader->offset = kept->offset;
    reader->left = kept->size;
    return &reader->base;
}

/* ---- Keeping ---- */

static bool open_file(struct spooled *spooled, struct error *err)
{
    spooled->fd = nameless_file_open(spooled->options.directory, err);
    return spooled->fd >= 0 ||
           error_hint(err, "The backup does not come in the order in which it was written, and is "
                           "kept there meanwhile. Another place: " OPTION_SPOOL_DIR);
}

static bool write_to_file(struct spooled *spooled, struct slice bytes, uint64_t offset,
                          struct error *err)
{
    return nameless_file_write(spooled->fd, bytes, offset, WHAT, spooled->options.directory, err) ||
           error_hint(err, "Another place: " OPTION_SPOOL_DIR);
}

/* What is little needs no room on a disk. */
static bool write_bytes(struct spooled *spooled, struct slice bytes, struct error *err)
{
    uint64_t offset = spooled->end;

    spooled->end += bytes.len;
    if (spooled->fd < 0 && spooled->end <= MEMORY_MOST)
        return buffer_append(&spooled->memory, bytes.data, bytes.len, err);
    if (spooled->fd < 0 && (!open_file(spooled, err) ||
                            !write_to_file(spooled, buffer_slice(&spooled->memory), 0, err)))
        return false;
    buffer_free(&spooled->memory);
    return write_to_file(spooled, bytes, offset, err);
}

static bool keep_content(struct spooled *spooled, struct reader *reader, struct error *err)
{
    enum reader_status status;
    struct slice bytes;

    while ((status = reader_next(reader, &bytes, err)) == READER_DATA) {
        if (!cancel_check(spooled->options.cancel, err) || !write_bytes(spooled, bytes, err))
            return false;
    }
    return status == READER_END;
}

static enum rank rank_of(const struct record *record)
{
    switch (logical_layout_part(record->path)) {
    case LOGICAL_PART_MANIFEST:
        return RANK_MANIFEST;
    case LOGICAL_PART_GLOBALS:
        return RANK_GLOBALS;
    case LOGICAL_PART_SUMMARY:
        return RANK_SUMMARY;
    case LOGICAL_PART_SCRIPT:
    case LOGICAL_PART_ARCHIVE:
    case LOGICAL_PART_FIRST_TOC:
    case LOGICAL_PART_TOC:
    case LOGICAL_PART_DATA:
    case LOGICAL_PART_BLOBS_TOC:
    case LOGICAL_PART_BLOB:
    case LOGICAL_PART_FOREIGN:
        break;
    }
    return RANK_CONTENT;
}

static bool add(struct spooled *spooled, const struct record *record, struct error *err)
{
    struct kept_record *kept;

    if (spooled->count == spooled->capacity) {
        struct kept_record *grown =
            array_grow(spooled->items, &spooled->capacity, sizeof(*grown), err);

        if (grown == NULL)
            return false;
        spooled->items = grown;
    }
    kept = &spooled->items[spooled->count];
    *kept = (struct kept_record){
        .record = *record,
        .path = strdup(record->path),
        .link_target = record->link_target == NULL ? NULL : strdup(record->link_target),
        .rank = rank_of(record),
        .offset = spooled->end,
    };
    spooled->count++;
    if (kept->path == NULL || (record->link_target != NULL && kept->link_target == NULL))
        return error_set_memory(err);
    kept->record.reader = NULL;
    if (record->reader != NULL && !keep_content(spooled, record->reader, err))
        return false;
    spooled->items[spooled->count - 1].size = spooled->end - kept->offset;
    return true;
}

static bool is_contents(const char *path)
{
    enum logical_part part = logical_layout_part(path);

    return part == LOGICAL_PART_FIRST_TOC || part == LOGICAL_PART_TOC;
}

/* By path, but the table of contents is the first of its folder's files. */
static int compare(const void *a, const void *b)
{
    const struct kept_record *x = a, *y = b;
    size_t folder = (size_t)(strrchr(x->path, '/') - x->path);

    if (x->rank != y->rank)
        return (int)x->rank - (int)y->rank;
    if (strncmp(x->path, y->path, folder + 1) == 0 && strchr(y->path + folder + 1, '/') == NULL &&
        is_contents(x->path) != is_contents(y->path))
        return is_contents(x->path) ? -1 : 1;
    return strcmp(x->path, y->path);
}

static bool keep(struct spooled *spooled, const struct record *record, struct error *err)
{
    bool done = add(spooled, record, err);

    reader_close(record->reader);
    return done;
}

static void sort(struct spooled *spooled)
{
    qsort(spooled->items, spooled->count, sizeof(*spooled->items), compare);
}

/* From this record on. */
static bool keep_all(struct spooled *spooled, struct record *record, struct error *err)
{
    enum source_status status;

    do {
        if (!keep(spooled, record, err))
            return false;
        *record = (struct record){0};
    } while ((status = source_next(spooled->inner, record, err)) == SOURCE_RECORD);
    if (status == SOURCE_FAILED)
        return false;
    spooled->mode = KEPT;
    spooled->to_give = spooled->count;
    sort(spooled);
    return true;
}

static enum source_status give_kept(struct spooled *spooled, struct record *record,
                                    struct error *err)
{
    struct kept_record *kept = &spooled->items[spooled->given++];

    *record = kept->record;
    record->path = kept->path;
    record->link_target = kept->link_target;
    if (record->type == RECORD_FILE && (record->reader = read_again(spooled, kept, err)) == NULL)
        return SOURCE_FAILED;
    return SOURCE_RECORD;
}

/* ---- The source ---- */

static bool is_below(const char *path, const char *folder)
{
    size_t len = strlen(folder);

    return strncmp(path, folder, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

static bool is_physical(const struct record *record)
{
    return is_below(record->path, "/data") || is_below(record->path, "/config") ||
           is_below(record->path, "/tablespaces");
}

static void note_order(struct spooled *spooled, const struct record *record)
{
    if (strchr(record->path + 1, '/') != NULL)
        return;
    spooled->as_written |= spooled->last[0] == '\0' && rank_of(record) == RANK_MANIFEST;
    spooled->descends |= !spooled->as_written && strcmp(record->path, spooled->last) < 0;
    snprintf(spooled->last, sizeof(spooled->last), "%s", record->path);
}

/* No globals follow: as it was written they come first, and where names sort, before this one. */
static bool is_behind_globals(const struct spooled *spooled, const struct logical_place *place,
                              const char *path)
{
    if (spooled->has_globals || spooled->as_written)
        return true;
    return !spooled->descends &&
           (place->number > 0 || strcmp(path, logical_layout_globals_path(LOGICAL_CLASSIC)) > 0);
}

/* The first archive or script: whether it can be restored as it comes. */
static bool may_go_by(const struct spooled *spooled, const struct record *record)
{
    struct logical_place place = logical_layout_place(LOGICAL_NUMBERED, record->path);
    const char *database = spooled->options.database;

    if (place.part == LOGICAL_PART_SCRIPT || is_physical(record))
        return true;
    if ((place.part != LOGICAL_PART_ARCHIVE && place.part != LOGICAL_PART_FIRST_TOC &&
         place.part != LOGICAL_PART_TOC) ||
        !is_behind_globals(spooled, &place, record->path))
        return false;
    return spooled->has_manifest || database == NULL ||
           record_path_stands_for(place.database, database);
}

/* What was held goes before it: globals, and nothing else yet. */
static void begin_to_go_by(struct spooled *spooled, const struct record *record)
{
    sort(spooled);
    while (spooled->to_give < spooled->count &&
           spooled->items[spooled->to_give].rank <= RANK_GLOBALS)
        spooled->to_give++;
    spooled->mode = GOING_BY;
    spooled->physical = is_physical(record);
    spooled->pending = *record;
    spooled->has_pending = true;
}

/* The record is kept, or becomes the pending one, or *give it now. */
static bool take(struct spooled *spooled, struct record *record, bool *give, struct error *err)
{
    enum rank rank = rank_of(record);

    *give = false;
    if (rank == RANK_SUMMARY && spooled->physical)
        return *give = true;
    if (rank == RANK_SUMMARY)
        return keep(spooled, record, err);
    if (rank == RANK_MANIFEST || spooled->mode == GOING_BY ||
        (rank == RANK_GLOBALS && spooled->has_manifest)) {
        spooled->has_manifest |= rank == RANK_MANIFEST;
        return *give = true;
    }
    spooled->has_globals |= rank == RANK_GLOBALS;
    if (rank == RANK_GLOBALS || (record->type != RECORD_FILE && !is_physical(record)))
        return keep(spooled, record, err);
    if (!may_go_by(spooled, record))
        return keep_all(spooled, record, err);
    begin_to_go_by(spooled, record);
    return true;
}

/* What was held is left: of those that go by, the folders alone are not. */
static void give_the_rest(struct spooled *spooled)
{
    bool went_by = spooled->mode == GOING_BY;

    sort(spooled);
    spooled->mode = KEPT;
    spooled->to_give = spooled->count;
    while (went_by && spooled->given < spooled->count &&
           spooled->items[spooled->given].record.type == RECORD_DIRECTORY)
        spooled->given++;
}

/* The folders of archives: a folder is there for its files, which may come later. */
static bool is_passed_over(const struct spooled *spooled, const struct record *record)
{
    return spooled->mode == GOING_BY && record->type == RECORD_DIRECTORY &&
           logical_layout_is_folder(record->path);
}

static enum source_status next(struct record_source *base, struct record *record, struct error *err)
{
    struct spooled *spooled = (struct spooled *)base;
    enum source_status status;
    bool give;

    for (;;) {
        if (spooled->given < spooled->to_give)
            return give_kept(spooled, record, err);
        if (spooled->has_pending) {
            spooled->has_pending = false;
            *record = spooled->pending;
            return SOURCE_RECORD;
        }
        if (spooled->mode == KEPT)
            return SOURCE_END;
        status = source_next(spooled->inner, record, err);
        if (status == SOURCE_FAILED)
            return status;
        if (status == SOURCE_END) {
            give_the_rest(spooled);
        } else if (!is_passed_over(spooled, record)) {
            note_order(spooled, record);
            if (!take(spooled, record, &give, err))
                return SOURCE_FAILED;
            if (give)
                return SOURCE_RECORD;
        }
    }
}

static void close_source(struct record_source *base)
{
    struct spooled *spooled = (struct spooled *)base;

    for (size_t i = 0; i < spooled->count; i++) {
        free(spooled->items[i].path);
        free(spooled->items[i].link_target);
    }
    free(spooled->items);
    buffer_free(&spooled->memory);
    if (spooled->fd >= 0)
        close(spooled->fd);
    source_close(spooled->inner);
    free(spooled);
}

struct record_source *spooled_source_new(struct record_source *source,
                                         const struct spooled_options *options, struct error *err)
{
    static const struct record_source_ops ops = {next, close_source};
    struct spooled *spooled = calloc(1, sizeof(*spooled));

    if (spooled == NULL) {
        error_set_memory(err);
        source_close(source);
        return NULL;
    }
    spooled->base = (struct record_source){&ops, true};
    spooled->inner = source;
    spooled->options = *options;
    spooled->options.directory = nameless_file_directory(options->directory);
    spooled->fd = -1;
    return &spooled->base;
}
