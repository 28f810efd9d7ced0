/*
 * The first two records tell: if manifest.json and the globals, or the one script that has them,
 * come first, nothing need be kept. Else every file is written behind the last one, and the index
 * of them is sorted: a few hundred bytes of memory a record.
 */
#include "restore/spooled_source.h"

#include "base/array.h"
#include "base/error_names.h"
#include "base/nameless_file.h"
#include "manifest/logical_layout.h"
#include "manifest/physical_layout.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum mode { AT_BEGIN, BEHIND_MANIFEST, GOING_BY, KEPT };

struct kept_record {
    struct record record; /* its texts are the index's own */
    char *path, *link_target;
    int rank;
    uint64_t offset, size;
};

struct spooled {
    struct record_source base;
    struct record_source *inner;
    const char *directory;
    const struct cancel *cancel;
    enum mode mode;
    int fd; /* -1: nothing is kept */
    uint64_t end;
    struct kept_record *items;
    size_t count, capacity, given;
};

/* ---- What is kept, read again ---- */

#define PIECE ((size_t)64 * 1024)

struct kept_reader {
    struct reader base;
    int fd;
    uint64_t offset, left;
    uint8_t piece[PIECE];
};

static enum reader_status kept_next(struct reader *base, struct slice *data, struct error *err)
{
    struct kept_reader *reader = (struct kept_reader *)base;
    size_t wanted = reader->left < PIECE ? (size_t)reader->left : PIECE;
    ssize_t len;

    if (wanted == 0)
        return READER_END;
    do {
        len = pread(reader->fd, reader->piece, wanted, (off_t)reader->offset);
    } while (len < 0 && errno == EINTR);
    if (len <= 0) {
        error_set_errno(err, len < 0 ? errno : EIO, "cannot read what was kept of the backup");
        return READER_FAILED;
    }
    reader->offset += (uint64_t)len;
    reader->left -= (uint64_t)len;
    *data = slice_make(reader->piece, (size_t)len);
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
    reader->fd = spooled->fd;
    reader->offset = kept->offset;
    reader->left = kept->size;
    return &reader->base;
}

/* ---- Keeping ---- */

static bool open_file(struct spooled *spooled, struct error *err)
{
    spooled->fd = nameless_file_open(spooled->directory, err);
    return spooled->fd >= 0 ||
           error_hint(err, "The backup does not come in the order in which it was written, and is "
                           "kept there meanwhile. Another place: " OPTION_SPOOL_DIR);
}

static bool write_bytes(struct spooled *spooled, struct slice bytes, struct error *err)
{
    while (bytes.len > 0) {
        ssize_t len = pwrite(spooled->fd, bytes.data, bytes.len, (off_t)spooled->end);

        if (len < 0 && errno == EINTR)
            continue;
        if (len < 0) {
            error_set_errno(err, errno, "cannot keep the backup in \"%s\"", spooled->directory);
            return error_hint(err, "Another place: " OPTION_SPOOL_DIR);
        }
        slice_take(&bytes, (size_t)len);
        spooled->end += (uint64_t)len;
    }
    return true;
}

static bool keep_content(struct spooled *spooled, struct reader *reader, struct error *err)
{
    enum reader_status status;
    struct slice bytes;

    while ((status = reader_next(reader, &bytes, err)) == READER_DATA) {
        if (!cancel_check(spooled->cancel, err) || !write_bytes(spooled, bytes, err))
            return false;
    }
    return status == READER_END;
}

static int rank_of(const struct record *record)
{
    switch (logical_layout_part(record->path)) {
    case LOGICAL_PART_MANIFEST:
        return 0;
    case LOGICAL_PART_GLOBALS:
        return 1;
    case LOGICAL_PART_SUMMARY:
        return 3;
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
    return 2;
}

static bool keep(struct spooled *spooled, const struct record *record, struct error *err)
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

static int compare(const void *a, const void *b)
{
    const struct kept_record *x = a, *y = b;

    return x->rank != y->rank ? x->rank - y->rank : strcmp(x->path, y->path);
}

/* From this record on. */
static bool keep_all(struct spooled *spooled, struct record *record, struct error *err)
{
    enum source_status status;

    if (!open_file(spooled, err)) {
        reader_close(record->reader);
        return false;
    }
    do {
        bool done = keep(spooled, record, err);

        reader_close(record->reader);
        if (!done)
            return false;
        *record = (struct record){0};
    } while ((status = source_next(spooled->inner, record, err)) == SOURCE_RECORD);
    if (status == SOURCE_FAILED)
        return false;
    qsort(spooled->items, spooled->count, sizeof(*spooled->items), compare);
    spooled->mode = KEPT;
    return true;
}

static enum source_status give_kept(struct spooled *spooled, struct record *record,
                                    struct error *err)
{
    struct kept_record *kept;

    if (spooled->given == spooled->count)
        return SOURCE_END;
    kept = &spooled->items[spooled->given++];
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

static bool may_go_by(enum mode mode, const struct record *record)
{
    if (is_below(record->path, "/data") || is_below(record->path, "/config") ||
        is_below(record->path, "/tablespaces"))
        return true;
    return mode == AT_BEGIN ? rank_of(record) == 0
                            : rank_of(record) == 1 || rank_of(record) == 3 ||
                                  logical_layout_part(record->path) == LOGICAL_PART_SCRIPT;
}

static enum source_status next(struct record_source *base, struct record *record, struct error *err)
{
    struct spooled *spooled = (struct spooled *)base;
    enum source_status status;

    if (spooled->mode == KEPT)
        return give_kept(spooled, record, err);
    status = source_next(spooled->inner, record, err);
    if (status != SOURCE_RECORD || spooled->mode == GOING_BY)
        return status;
    if (may_go_by(spooled->mode, record)) {
        spooled->mode =
            spooled->mode == AT_BEGIN && rank_of(record) == 0 ? BEHIND_MANIFEST : GOING_BY;
        return SOURCE_RECORD;
    }
    return keep_all(spooled, record, err) ? give_kept(spooled, record, err) : SOURCE_FAILED;
}

static void close_source(struct record_source *base)
{
    struct spooled *spooled = (struct spooled *)base;

    for (size_t i = 0; i < spooled->count; i++) {
        free(spooled->items[i].path);
        free(spooled->items[i].link_target);
    }
    free(spooled->items);
    if (spooled->fd >= 0)
        close(spooled->fd);
    source_close(spooled->inner);
    free(spooled);
}

struct record_source *spooled_source_new(struct record_source *source, const char *directory,
                                         const struct cancel *cancel, struct error *err)
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
    spooled->directory = nameless_file_directory(directory);
    spooled->cancel = cancel;
    spooled->fd = -1;
    return &spooled->base;
}
