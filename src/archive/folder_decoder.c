/*
 * A directory archive, file by file. What a file is, its name says; which files there must be, the
 * table of contents and the lists of large objects say, which are files themselves: so all but the
 * first may come in any order, and what is missing is known at the end. The table of contents may
 * have a copy, "0.toc", whose name sorts before all others: whichever comes first is taken, and the
 * other must be the same.
 */
#include "archive/archive_data.h"
#include "archive/decoder_internal.h"

#include "base/array.h"
#include "base/bytes.h"
#include "base/digest.h"

#include <stdio.h>
#include <stdlib.h>

enum file_kind {
    FILE_CONTENTS, /* toc.dat or 0.toc, whichever comes first … */
    FILE_COPY,     /* … and the other */
    FILE_ROWS,     /* 123.dat */
    FILE_BLOB,     /* blob_70001.dat */
    FILE_BLOB_LIST /* blobs.toc, blobs_123.toc */
};

/* Numbers of large objects. */
struct blob_set {
    uint32_t *oids;
    size_t count, capacity;
};

struct archive_folder {
    struct archive_handler handler;
    struct archive_decoder *decoder;
    uint64_t rows;
    bool contents_read;
    bool copied, proper; /* 0.toc has come; toc.dat has */
    struct digest *digest;
    uint8_t contents_digest[DIGEST_MAX];
    struct blob_set listed, seen;

    /* The file being read. */
    char name[64];
    enum file_kind kind;
    struct expected *entry;                             /* of rows, or of a list of large objects */
    uint32_t oid;                                       /* of a large object */
    struct data_checker checkers[COMPRESSION_ZSTD + 1]; /* made when first needed */
    struct data_checker *checker;
    bool empty; /* so far */
    struct object_list list;
};

struct archive_folder *archive_folder_new(const struct archive_handler *handler, struct error *err)
{
    struct archive_folder *folder = calloc(1, sizeof(*folder));

    if (folder == NULL) {
        error_set_memory(err);
        return NULL;
    }
    folder->handler = *handler;
    folder->decoder = archive_toc_decoder_new(handler, err);
    folder->digest = folder->decoder == NULL ? NULL : digest_new(DIGEST_XXH3_128, err);
    if (folder->digest != NULL)
        return folder;
    archive_folder_free(folder);
    return NULL;
}

void archive_folder_free(struct archive_folder *folder)
{
    if (folder == NULL)
        return;
    archive_decoder_free(folder->decoder);
    digest_free(folder->digest);
    for (size_t i = 0; i <= COMPRESSION_ZSTD; i++)
        data_checker_reset(&folder->checkers[i]);
    free(folder->listed.oids);
    free(folder->seen.oids);
    free(folder);
}

uint64_t archive_folder_rows(const struct archive_folder *folder)
{
    return folder->rows;
}

static bool add_blob(struct blob_set *set, uint64_t oid, struct error *err)
{
    if (set->count == set->capacity) {
        uint32_t *grown = array_grow(set->oids, &set->capacity, sizeof(*grown), err);

        if (grown == NULL)
            return false;
        set->oids = grown;
    }
    set->oids[set->count++] = (uint32_t)oid;
    return true;
}

/* ---- What a file is, by its name ---- */

static bool take_prefix(struct slice *text, const char *prefix)
{
    size_t len = strlen(prefix);

    if (text->len < len || memcmp(text->data, prefix, len) != 0)
        return false;
    slice_take(text, len);
    return true;
}

static bool take_suffix(struct slice *text, const char *suffix)
{
    size_t len = strlen(suffix);

    if (text->len < len || memcmp(text->data + text->len - len, suffix, len) != 0)
        return false;
    text->len -= len;
    return true;
}

static enum compression take_compression(struct slice *name)
{
    if (take_suffix(name, ".gz"))
        return COMPRESSION_GZIP;
    if (take_suffix(name, ".lz4"))
        return COMPRESSION_LZ4;
    return take_suffix(name, ".zst") ? COMPRESSION_ZSTD : COMPRESSION_NONE;
}

static bool not_of_archive(struct error *err)
{
    return error_set(err, ERROR_CORRUPT,
                     "an unexpected file: the table of contents does not name it");
}

static bool find_rows(struct archive_folder *folder, struct slice number, struct error *err)
{
    uint64_t dump_id;

    folder->kind = FILE_ROWS;
    if (!bytes_parse_u64(number, &dump_id) || dump_id > INT32_MAX)
        return not_of_archive(err);
    folder->entry = expected_find(archive_decoder_expected(folder->decoder), (int64_t)dump_id);
    if (folder->entry == NULL || folder->entry->blobs)
        return not_of_archive(err);
    if (folder->entry->seen)
        return error_set(err, ERROR_CORRUPT, "the data of its entry comes twice");
    folder->entry->seen = true;
    return true;
}

static bool find_blob(struct archive_folder *folder, struct slice number, struct error *err)
{
    uint64_t oid;

    folder->kind = FILE_BLOB;
    if (!bytes_parse_u64(number, &oid) || oid > UINT32_MAX)
        return not_of_archive(err);
    folder->oid = (uint32_t)oid;
    return add_blob(&folder->seen, oid, err);
}

/* "blobs.toc" up to 1.15, of all large objects; since then one list an entry. */
static bool find_blob_list(struct archive_folder *folder, struct slice number, struct error *err)
{
    struct expected_set *set = archive_decoder_expected(folder->decoder);
    uint64_t dump_id = 0;

    folder->kind = FILE_BLOB_LIST;
    folder->entry = NULL;
    if (take_prefix(&number, "_")) {
        if (!bytes_parse_u64(number, &dump_id) || dump_id > INT32_MAX)
            return not_of_archive(err);
        folder->entry = expected_find(set, (int64_t)dump_id);
        if (folder->entry == NULL || !folder->entry->blobs)
            return not_of_archive(err);
        folder->entry->seen = true;
        return true;
    }
    if (number.len > 0)
        return not_of_archive(err);
    for (size_t i = 0; i < set->count; i++)
        set->items[i].seen = set->items[i].seen || set->items[i].blobs;
    return true;
}

/* Each once. */
static bool find_contents(struct archive_folder *folder, bool *come, struct error *err)
{
    folder->kind = folder->contents_read ? FILE_COPY : FILE_CONTENTS;
    if (*come)
        return error_set(err, ERROR_CORRUPT, "there is another table of contents");
    *come = true;
    digest_begin(folder->digest);
    return true;
}

static bool find_file(struct archive_folder *folder, enum compression *compression,
                      struct error *err)
{
    struct slice name = slice_string(folder->name);

    folder->entry = NULL;
    if (slice_equals(name, slice_string(ARCHIVE_CONTENTS_COPY))) {
        *compression = COMPRESSION_NONE;
        return find_contents(folder, &folder->copied, err);
    }
    if (take_prefix(&name, "blobs") && take_suffix(&name, ".toc")) {
        *compression = COMPRESSION_NONE;
        return find_blob_list(folder, name, err);
    }
    name = slice_string(folder->name);
    *compression = take_compression(&name);
    if (!take_suffix(&name, ".dat"))
        return not_of_archive(err);
    if (slice_equals(name, slice_string("toc")))
        return find_contents(folder, &folder->proper, err);
    return take_prefix(&name, "blob_") ? find_blob(folder, name, err)
                                       : find_rows(folder, name, err);
}

bool archive_folder_is_contents(const char *name)
{
    struct slice text = slice_string(name);

    (void)take_compression(&text);
    return slice_equals(text, slice_string("toc.dat")) || strcmp(name, ARCHIVE_CONTENTS_COPY) == 0;
}

bool archive_folder_begin(struct archive_folder *folder, const char *name, struct error *err)
{
    enum compression compression;

    if (strlen(name) >= sizeof(folder->name))
        return not_of_archive(err);
    snprintf(folder->name, sizeof(folder->name), "%s", name);
    if (!find_file(folder, &compression, err))
        return false;
    if (!folder->contents_read && folder->kind != FILE_CONTENTS)
        return error_set(err, ERROR_CORRUPT, "there is no table of contents before it");
    folder->list = (struct object_list){.len = 0};
    folder->empty = true;
    folder->checker = &folder->checkers[compression];
    if (folder->checker->decompressor == NULL &&
        !data_checker_init(folder->checker, compression, err))
        return false;
    /* As pg_restore has it: somebody may have compressed a file by himself, in parts. */
    decompressor_join(folder->checker->decompressor, true);
    return data_checker_begin(
        folder->checker, folder->kind == FILE_ROWS && folder->entry != NULL && folder->entry->copy,
        err);
}

void archive_folder_file(const struct archive_folder *folder, int32_t *dump_id, uint32_t *oid)
{
    *dump_id = folder->kind == FILE_ROWS ? folder->entry->dump_id : 0;
    *oid = folder->kind == FILE_BLOB ? folder->oid : 0;
}

/* ---- Lists of large objects ---- */

static bool take_lines(struct archive_folder *folder, struct slice bytes, struct error *err)
{
    for (;;) {
        uint32_t oid;
        bool found;

        if (!object_list_next(&folder->list, &bytes, &oid, &found, err))
            return false;
        if (!found)
            return true;
        if (!add_blob(&folder->listed, oid, err))
            return false;
    }
}

/* ---- Content ---- */

static bool take_unpacked(void *context, struct slice bytes, struct error *err)
{
    struct archive_folder *folder = context;
    int32_t dump_id = folder->entry == NULL ? 0 : folder->entry->dump_id;

    switch (folder->kind) {
    case FILE_CONTENTS:
        digest_update(folder->digest, bytes);
        return archive_decoder_feed(folder->decoder, bytes, err);
    case FILE_COPY:
        digest_update(folder->digest, bytes);
        return true;
    case FILE_BLOB_LIST:
        return take_lines(folder, bytes, err);
    case FILE_ROWS:
    case FILE_BLOB:
        break;
    }
    return folder->handler.data == NULL ||
           folder->handler.data(folder->handler.context, dump_id, bytes, err);
}

/* For who restores: less what only an archive needs. */
static bool give_data(void *context, struct slice bytes, struct error *err)
{
    const struct archive_folder *folder = context;
    const struct archive_handler *handler = &folder->handler;

    if (handler->content == NULL || (folder->kind != FILE_ROWS && folder->kind != FILE_BLOB))
        return true;
    return handler->content(handler->context, folder->entry == NULL ? 0 : folder->entry->dump_id,
                            bytes, err);
}

bool archive_folder_feed(struct archive_folder *folder, struct slice bytes, struct error *err)
{
    const struct data_taker taker = {folder, take_unpacked, give_data};

    folder->empty = folder->empty && bytes.len == 0;
    return data_checker_feed(folder->checker, bytes, &taker, err);
}

static bool check_copy(struct archive_folder *folder, struct error *err)
{
    uint8_t digest[DIGEST_MAX];

    digest_end(folder->digest, digest);
    return memcmp(digest, folder->contents_digest, digest_size(DIGEST_XXH3_128)) == 0 ||
           error_set(err, ERROR_CORRUPT,
                     "toc.dat and " ARCHIVE_CONTENTS_COPY ", its copy, are not the same");
}

bool archive_folder_end(struct archive_folder *folder, struct error *err)
{
    uint64_t rows = 0;

    /* An empty large object is an empty file under lz4 and zstd: pg_dump begins a frame with the
     * first bytes that there are. */
    if (folder->kind == FILE_BLOB && folder->empty &&
        folder->checker != &folder->checkers[COMPRESSION_GZIP])
        return true;
    if (!data_checker_finish(folder->checker, &rows, err))
        return false;
    folder->rows += rows;
    if (folder->kind == FILE_CONTENTS) {
        folder->contents_read = true;
        digest_end(folder->digest, folder->contents_digest);
        return archive_decoder_finish(folder->decoder, err);
    }
    if (folder->kind == FILE_COPY)
        return check_copy(folder, err);
    if (folder->kind == FILE_BLOB_LIST)
        return object_list_finish(&folder->list, err);
    return folder->kind != FILE_ROWS || folder->handler.data_end == NULL ||
           folder->handler.data_end(folder->handler.context, folder->entry->dump_id, rows, err);
}

/* ---- The end ---- */

static int compare(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

    return (left > right) - (left < right);
}

/* The first that one of the two has and the other has not. */
static bool check_blobs(struct archive_folder *folder, struct error *err)
{
    const struct blob_set *listed = &folder->listed, *seen = &folder->seen;
    size_t i = 0;

    if (listed->count > 1)
        qsort(listed->oids, listed->count, sizeof(uint32_t), compare);
    if (seen->count > 1)
        qsort(seen->oids, seen->count, sizeof(uint32_t), compare);
    while (i < listed->count && i < seen->count && listed->oids[i] == seen->oids[i])
        i++;
    if (i == listed->count && i == seen->count)
        return true;
    if (i == seen->count || (i < listed->count && listed->oids[i] < seen->oids[i]))
        return error_set(err, ERROR_CORRUPT, "the data of large object %lu is missing",
                         (unsigned long)listed->oids[i]);
    return error_set(err, ERROR_CORRUPT,
                     "large object %lu is unexpected: the table of contents does not list it",
                     (unsigned long)seen->oids[i]);
}

bool archive_folder_finish(struct archive_folder *folder, struct error *err)
{
    if (!folder->contents_read)
        return error_set(err, ERROR_CORRUPT, "the archive has no table of contents");
    if (!folder->proper)
        return error_set(err, ERROR_CORRUPT, "the archive has no toc.dat, which pg_restore reads");
    return expected_finish(archive_decoder_expected(folder->decoder), err) &&
           check_blobs(folder, err);
}

bool archive_folder_lacks_data(const struct archive_folder *folder)
{
    struct error ignored;

    return folder->contents_read &&
           (!expected_finish(archive_decoder_expected(folder->decoder), &ignored) ||
            folder->listed.count > folder->seen.count);
}
