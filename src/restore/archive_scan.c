/*
 * An archive is read by the decoder of its format, whichever of pg_dump's it is, from a file, a
 * folder or a record of a backup. That it makes no sense is a finding, that it cannot be read an
 * error.
 */
#include "restore/archive_scan.h"

#include "base/text.h"
#include "manifest/manifest_stream.h"
#include "record/store.h"
#include "restore/folder.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* ---- Finding it ---- */

enum archive_kind archive_kind_of_directory(const char *directory)
{
    static const char *const paths[] = {ARCHIVE_TOC_PATHS};

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        if (folder_has(directory, paths[i] + 1) && !folder_has(directory, &MANIFEST_PATH[1]))
            return ARCHIVE_FILES;
    }
    return ARCHIVE_NONE;
}

bool archive_kind_of_tar(struct record_source *source, enum archive_kind *kind, struct error *err)
{
    static const char magic[] = "PGDMP", member[] = "toc.dat", copy[] = ARCHIVE_CONTENTS_COPY;
    struct slice bytes;

    *kind = ARCHIVE_NONE;
    if (!tar_source_peek(source, sizeof(member), &bytes, err))
        return false;
    if (bytes.len >= strlen(magic) && memcmp(bytes.data, magic, strlen(magic)) == 0)
        *kind = ARCHIVE_CUSTOM;
    else if (bytes.len >= sizeof(member) && (memcmp(bytes.data, member, sizeof(member)) == 0 ||
                                             memcmp(bytes.data, copy, sizeof(copy)) == 0))
        *kind = ARCHIVE_FILES;
    return true;
}

/* ---- What is found ---- */

/* What the caller's handler fails with is no problem of the archive, whatever its code. */
static bool pass_on(struct archive_scan *scan, bool done)
{
    scan->stopped = scan->stopped || !done;
    return done;
}

static bool take_header(void *context, const struct archive_header *header, struct error *err)
{
    struct archive_scan *scan = context;
    const struct archive_handler *own = scan->own;

    return own == NULL || own->header == NULL ||
           pass_on(scan, own->header(own->context, header, err));
}

static bool take_entry(void *context, uint32_t number, const struct archive_entry *entry,
                       struct error *err)
{
    struct archive_scan *scan = context;
    const struct archive_handler *own = scan->own;

    scan->entries++;
    scan->entries_with_data += entry->has_data;
    if (own != NULL && own->entry != NULL &&
        !pass_on(scan, own->entry(own->context, number, entry, err)))
        return false;
    return cancel_check(scan->cancel, err);
}

static bool take_data(void *context, int32_t dump_id, struct slice bytes, struct error *err)
{
    struct archive_scan *scan = context;
    const struct archive_handler *own = scan->own;

    scan->data_bytes += bytes.len;
    return own == NULL || own->data == NULL ||
           pass_on(scan, own->data(own->context, dump_id, bytes, err));
}

static bool take_data_end(void *context, int32_t dump_id, uint64_t rows, struct error *err)
{
    struct archive_scan *scan = context;
    const struct archive_handler *own = scan->own;

    scan->rows += rows;
    return own == NULL || own->data_end == NULL ||
           pass_on(scan, own->data_end(own->context, dump_id, rows, err));
}

static struct archive_handler handler_of(struct archive_scan *scan)
{
    return (struct archive_handler){.context = scan,
                                    .header = take_header,
                                    .entry = take_entry,
                                    .data = take_data,
                                    .data_end = take_data_end};
}

/* What is wrong with the archive itself is a problem; the rest ends the work. */
static bool note(struct archive_scan *scan, enum verify_problem kind, const char *path,
                 struct error *err)
{
    if (scan->stopped)
        return false;
    if (scan->problem == NULL && scan->only_contents)
        return err->code == ERROR_CANCELLED ? false : error_prefix(err, "%s", path);
    if (err->code != ERROR_CORRUPT || scan->problem == NULL)
        return false;
    scan->problems++;
    scan->problem(scan->context, kind, path, err->message);
    return true;
}

static bool next_bytes(const struct archive_scan *scan, struct reader *reader, struct slice *bytes,
                       struct error *err)
{
    enum reader_status status;

    *bytes = (struct slice){0};
    if (!cancel_check(scan->cancel, err))
        return false;
    status = reader_next(reader, bytes, err);
    if (status == READER_FAILED)
        return false;
    if (status == READER_END)
        bytes->len = 0;
    else if (scan->observer != NULL && scan->observer->bytes_moved != NULL)
        scan->observer->bytes_moved(scan->observer->context, bytes->len);
    return true;
}

/* ---- Custom ---- */

/* Of a file by itself, a custom archive or a table of contents, all that there is, or as much of it
 * as is wanted. */
static bool read_one(struct archive_scan *scan, const char *name, struct reader *reader,
                     struct archive_decoder *decoder, struct error *err)
{
    for (;;) {
        struct slice bytes;

        if (!next_bytes(scan, reader, &bytes, err))
            return false;
        if (bytes.len == 0)
            return archive_decoder_finish(decoder, err) || note(scan, VERIFY_DAMAGED, name, err);
        if (!archive_decoder_feed(decoder, bytes, err))
            return note(scan, VERIFY_DAMAGED, name, err);
        if (scan->only_contents && archive_decoder_contents_size(decoder) > 0)
            return true;
    }
}

bool archive_scan_custom(struct archive_scan *scan, const char *name, struct reader *reader,
                         struct error *err)
{
    const struct archive_handler handler = handler_of(scan);
    struct archive_decoder *decoder = archive_decoder_new(&handler, err);
    bool done;

    if (decoder == NULL)
        return false;
    done = read_one(scan, name, reader, decoder, err);
    scan->format = "custom";
    archive_decoder_free(decoder);
    return done;
}

bool archive_scan_contents(struct archive_scan *scan, const char *name, struct reader *reader,
                           struct error *err)
{
    const struct archive_handler handler = handler_of(scan);
    struct archive_decoder *decoder = archive_toc_decoder_new(&handler, err);
    bool done;

    if (decoder == NULL)
        return false;
    scan->files++;
    done = read_one(scan, name, reader, decoder, err);
    scan->format = "directory";
    archive_decoder_free(decoder);
    return done;
}

/* ---- Files ---- */

static bool read_file(struct archive_scan *scan, struct archive_folder *folder,
                      const struct record *record, struct error *err)
{
    const char *name = record->path + 1;

    /* A script for psql that makes use of a tar archive's other members. */
    if (strcmp(name, "restore.sql") == 0)
        return true;
    scan->files++;
    if (record->type != RECORD_FILE) {
        error_set(err, ERROR_CORRUPT, "an unexpected file: the table of contents does not name it");
        return note(scan, VERIFY_UNEXPECTED, name, err);
    }
    if (!archive_folder_begin(folder, name, err))
        return note(scan, scan->entries > 0 ? VERIFY_UNEXPECTED : VERIFY_DAMAGED, name, err);
    for (;;) {
        struct slice bytes;

        if (!next_bytes(scan, record->reader, &bytes, err))
            return false;
        if (bytes.len == 0)
            return archive_folder_end(folder, err) || note(scan, VERIFY_DAMAGED, name, err);
        if (!archive_folder_feed(folder, bytes, err))
            return note(scan, VERIFY_DAMAGED, name, err);
    }
}

static bool read_files(struct archive_scan *scan, struct archive_folder *folder,
                       struct record_source *source, struct error *err)
{
    enum source_status status;
    struct record record;

    while ((status = source_next(source, &record, err)) == SOURCE_RECORD) {
        bool done = read_file(scan, folder, &record, err);

        reader_close(record.reader);
        if (!done)
            return false;
        /* Without a table of contents nothing can be said of the other files. */
        if (scan->only_contents || (scan->files == 1 && scan->problems > 0))
            return true;
    }
    return status == SOURCE_END &&
           (archive_folder_finish(folder, err) ||
            note(scan, archive_folder_lacks_data(folder) ? VERIFY_MISSING : VERIFY_DAMAGED,
                 "toc.dat", err));
}

bool archive_scan_files(struct archive_scan *scan, struct record_source *source, struct error *err)
{
    const struct archive_handler handler = handler_of(scan);
    struct archive_folder *folder = archive_folder_new(&handler, err);
    bool done;

    if (folder == NULL)
        return false;
    done = read_files(scan, folder, source, err);
    scan->format = "directory";
    archive_folder_free(folder);
    return done;
}

bool archive_scan_check(const struct archive_scan *scan, struct error *err)
{
    return scan->problems == 0 ||
           error_set(err, ERROR_CORRUPT,
                     "the archive is damaged or incomplete: %" PRIu64 " problem%s", scan->problems,
                     TEXT_S(scan->problems));
}
