/*
 * A record of a physical backup and where it goes: to the data directory, to a tablespace's place,
 * or, where it leads the restore rather than being restored, into memory.
 */
#include "restore/physical_restore_internal.h"

#include "base/error_names.h"
#include "manifest/logical_layout.h"
#include "manifest/physical_layout.h"
#include "record/run_lock.h"
#include "restore/configuration.h"

#include "base/quote.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define STRAY_LOGGED 20

void physical_restore_count_bytes(void *context, size_t bytes)
{
    struct restore *restore = context;
    const struct record_observer *observer = restore->options->observer;

    restore->report->bytes += bytes;
    if (observer != NULL && observer->bytes_moved != NULL)
        observer->bytes_moved(observer->context, bytes);
}

typedef bool content_fn(struct restore *restore, struct slice piece, struct error *err);

/* Reads a record that is not simply written to disk. */
static bool pull_content(struct restore *restore, const struct record *record, content_fn *take,
                         struct error *err)
{
    uint64_t total = 0;

    if (record->type != RECORD_FILE || record->reader == NULL)
        return error_set(err, ERROR_CORRUPT, "%s is not an ordinary file", record->path);
    for (;;) {
        struct slice piece;
        enum reader_status status;

        if (!cancel_check(restore->options->cancel, err))
            return false;
        status = reader_next(record->reader, &piece, err);
        if (status == READER_FAILED)
            return false;
        if (status == READER_END)
            break;
        total += piece.len;
        physical_restore_count_bytes(restore, piece.len);
        if (!take(restore, piece, err))
            return false;
    }
    if (record->size != RECORD_SIZE_UNKNOWN && total != (uint64_t)record->size)
        return error_set(err, ERROR_CORRUPT, "%s has %" PRIu64 " bytes, not %" PRId64, record->path,
                         total, record->size);
    return true;
}

static bool take_nothing(struct restore *restore, struct slice piece, struct error *err)
{
    (void)restore;
    (void)piece;
    (void)err;
    return true;
}

/* It is only asked for facts: that it is the one which was written is for its digest to say. */
static bool take_manifest(struct restore *restore, struct slice piece, struct error *err)
{
    return manifest_decoder_feed(restore->manifest, piece, err) || err->code != ERROR_MEMORY;
}

/* What is wrong with summary.json is for the checking source to say. */
static bool take_summary(struct restore *restore, struct slice piece, struct error *err)
{
    if (restore->summary != NULL && !summary_decoder_feed(restore->summary, piece, err)) {
        summary_decoder_free(restore->summary);
        restore->summary = NULL;
        return err->code != ERROR_MEMORY;
    }
    return true;
}

bool physical_restore_take_summary_head(void *context, const json_t *head, struct error *err)
{
    struct restore *restore = context;
    const json_t *configuration = json_object_get(head, "configuration");

    if (!json_is_object(configuration) || restore->configuration != NULL)
        return true;
    restore->configuration = json_deep_copy(configuration);
    return restore->configuration != NULL || error_set_memory(err);
}

bool physical_restore_pass_summary_entry(void *context, const struct summary_entry *entry,
                                         struct error *err)
{
    (void)context;
    (void)entry;
    (void)err;
    return true;
}

static bool take_control(struct restore *restore, struct slice piece, struct error *err)
{
    if (piece.len > CONTROL_FILE_MAX - restore->control.len)
        return error_set(err, ERROR_CORRUPT, "%s is longer than %d bytes", CONTROL_FILE,
                         CONTROL_FILE_MAX);
    return buffer_append(&restore->control, piece.data, piece.len, err);
}

static bool check_same_cluster(const struct restore *restore, uint64_t identifier,
                               struct error *err)
{
    if (!restore->replacing || identifier == restore->old.system_identifier)
        return true;
    error_set(err, ERROR_REFUSED, "the backup is of another cluster than the one in %s",
              restore->data.path);
    error_reason(err, "other_cluster");
    error_detail(err, "System identifiers: %" PRIu64 " in the backup, %" PRIu64 " there.",
                 identifier, restore->old.system_identifier);
    return error_hint(err, "Restore it into an empty directory, and compare.");
}

static bool restore_manifest(struct restore *restore, const struct record *record,
                             struct error *err)
{
    if (restore->manifest_came)
        return error_set(err, ERROR_CORRUPT, "%s comes twice", record->path);
    if (!pull_content(restore, record, take_manifest, err))
        return false;
    restore->manifest_came = true;
    if (restore->facts->has_identifier &&
        !check_same_cluster(restore, restore->facts->system_identifier, err))
        return false;
    return tablespace_set_resolve(&restore->tablespaces, restore->facts, err);
}

static bool restore_control(struct restore *restore, const struct record *record, struct error *err)
{
    struct control_facts facts;

    if (restore->has_control)
        return error_set(err, ERROR_CORRUPT, "%s comes twice", record->path);
    restore->has_control = true;
    restore->report->files++;
    return pull_content(restore, record, take_control, err) &&
           control_facts_parse(buffer_slice(&restore->control), &facts, err) &&
           check_same_cluster(restore, facts.system_identifier, err);
}

/* PostgreSQL makes the links that this file names when it starts, to the places on the original
 * server; without the file it takes the links that are there. */
static bool leave_out_tablespace_map(struct restore *restore, const struct record *record,
                                     struct error *err)
{
    uint64_t before = restore->report->bytes;

    if (!pull_content(restore, record, take_nothing, err))
        return false;
    if (restore->report->bytes > before)
        log_message(restore->options->log, LOG_WARNING,
                    "tablespace_map is left out: it leads to the tablespaces of the original "
                    "server");
    return true;
}

/* Takes "OID" or "OID/…" apart: *rest is "" or begins with a slash. */
static bool split_oid(const char *text, uint32_t *oid, const char **rest)
{
    size_t length = strcspn(text, "/");

    *rest = text + length;
    return tablespace_oid_parse(text, length, oid);
}

static bool restore_link(struct restore *restore, const struct record *record, const char *name,
                         struct error *err)
{
    struct tablespace *tablespace;
    char expected[48];
    const char *rest = "";
    uint32_t oid;

    if (name == NULL || !split_oid(name, &oid, &rest) || rest[0] != '\0')
        return error_set(err, ERROR_CORRUPT, "%s is a link, which only a tablespace may be",
                         record->path);
    layout_link_target(oid, expected);
    if (record->link_target == NULL || strcmp(record->link_target, expected) != 0)
        return error_set(err, ERROR_CORRUPT, "%s links to %s instead of %s", record->path,
                         record->link_target == NULL ? "nothing" : record->link_target, expected);
    return tablespace_set_use(&restore->tablespaces, oid, &tablespace, err);
}

static bool add(struct restore *restore, struct directory_writer *writer,
                const struct record *record, const char *path, struct error *err)
{
    if (record->type == RECORD_FILE)
        restore->report->files++;
    return directory_writer_add(writer, record, path, err);
}

static bool is_or_below(const char *path, const char *folder)
{
    size_t length = strlen(folder);

    return strncmp(path, folder, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

static bool is_tablespace(const struct restore *restore, const char *name)
{
    uint32_t oid;

    if (!restore->facts->has_tablespaces)
        return true; /* as far as we know */
    if (!tablespace_oid_parse(name, strlen(name), &oid))
        return false;
    for (size_t i = 0; i < restore->facts->tablespace_count; i++) {
        const struct manifest_tablespace *listed = &restore->facts->tablespaces[i];

        if (listed->oid == oid || listed->oid == 0)
            return true;
    }
    return false;
}

/* What somebody put into pg_tblspc is restored as it was. PostgreSQL wants folders there that can
 * be tablespaces: a file, or a folder of another number, ends its recovery. */
static void warn_of_stray(struct restore *restore, const struct record *record, const char *name)
{
    bool file = record->type == RECORD_FILE;
    bool number = name[0] != '\0' && name[strspn(name, "0123456789")] == '\0';
    char path[PATH_MAX + RECORD_PATH_MAX], quoted[QUOTE_PATH_SIZE];

    if (strchr(name, '/') != NULL || (!file && (!number || is_tablespace(restore, name))) ||
        restore->stray_count++ >= STRAY_LOGGED)
        return;
    snprintf(path, sizeof(path), "%s/pg_tblspc/%s", restore->data.path, name);
    log_message(restore->options->log, LOG_WARNING,
                "pg_tblspc/%s is a %s and no tablespace, with which PostgreSQL does not start. "
                "Before it is started:  rm %s%s",
                name, file ? "file" : "folder", file ? "" : "-r ",
                quote_shell(path, quoted, sizeof(quoted)));
}

/* The folders of a restore --replace that was killed in the source's data directory: the backup has
 * them as it has whatever lies there, and a server needs neither. */
static bool pass_over_leftover(struct restore *restore, const struct record *record,
                               struct error *err)
{
    if (!restore->leftovers_told)
        log_message(
            restore->options->log, LOG_WARNING,
            "%s is left out, as is what else the backup has of a restore with " OPTION_REPLACE
            " that did not end: " FOLDER_STAGING ", " FOLDER_REPLACED,
            record->path);
    restore->leftovers_told = true;
    return record->type != RECORD_FILE || pull_content(restore, record, take_nothing, err);
}

/* `path` is what follows "/data". */
static bool restore_data(struct restore *restore, const struct record *record, const char *path,
                         struct error *err)
{
    static const char tblspc[] = "/pg_tblspc/";
    const char *name = NULL, *rest;
    uint32_t oid;

    if (layout_is_leftover(record->path))
        return pass_over_leftover(restore, record, err);
    if (strncmp(path, tblspc, sizeof(tblspc) - 1) == 0)
        name = path + sizeof(tblspc) - 1;
    if (record->type == RECORD_LINK)
        return restore_link(restore, record, name, err);
    if (strcmp(path, "/" CONTROL_FILE) == 0)
        return restore_control(restore, record, err);
    if (strcmp(path, "/tablespace_map") == 0)
        return leave_out_tablespace_map(restore, record, err);
    if (strcmp(path, "/" RUN_LOCK_NAME) == 0) /* that of a run that had ended: ours is there now */
        return pull_content(restore, record, take_nothing, err);
    if (strcmp(path, "/postmaster.pid") == 0)
        return error_set(err, ERROR_CORRUPT, "%s has no place in a backup", record->path);
    if (name != NULL && split_oid(name, &oid, &rest) &&
        !tablespace_set_in_place(&restore->tablespaces, oid, err))
        return false;
    if (name != NULL)
        warn_of_stray(restore, record, name);
    return add(restore, restore->writer, record, path, err);
}

/* `path` is what follows "/tablespaces". A tablespace holds folders PG_<major>_<catalog version>
 * and nothing else. */
static bool restore_tablespace(struct restore *restore, const struct record *record,
                               const char *path, struct error *err)
{
    struct tablespace *tablespace;
    const char *rest;
    uint32_t oid;

    if (!split_oid(path + 1, &oid, &rest) || record->type == RECORD_LINK ||
        (rest[0] == '\0' && record->type != RECORD_DIRECTORY) ||
        (rest[0] != '\0' && strncmp(rest, "/PG_", 4) != 0))
        return error_set(err, ERROR_CORRUPT, "%s is an unexpected file in a tablespace",
                         record->path);
    if (!tablespace_set_use(&restore->tablespaces, oid, &tablespace, err))
        return false;
    return rest[0] == '\0' || add(restore, tablespace->writer, record, rest, err);
}

static bool restore_configuration_file(struct restore *restore, const struct record *record,
                                       struct error *err)
{
    char path[RECORD_PATH_MAX];
    int len = snprintf(path, sizeof(path), "/" CONFIGURATION_PARTIAL "%s",
                       record->path + sizeof(LAYOUT_CONFIG) - 1);

    if (record->type == RECORD_LINK || len < 0 || (size_t)len >= sizeof(path))
        return error_set(err, ERROR_CORRUPT, "%s is an unexpected file in a backup", record->path);
    return add(restore, restore->writer, record, path, err);
}

static bool is_of_logical_backup(const struct record *record)
{
    if (record->type == RECORD_DIRECTORY)
        return logical_layout_is_folder(record->path);
    switch (logical_layout_part(record->path)) {
    case LOGICAL_PART_SCRIPT:
    case LOGICAL_PART_ARCHIVE:
    case LOGICAL_PART_GLOBALS:
    case LOGICAL_PART_FIRST_TOC:
    case LOGICAL_PART_TOC:
    case LOGICAL_PART_DATA:
    case LOGICAL_PART_BLOBS_TOC:
    case LOGICAL_PART_BLOB:
        return true;
    case LOGICAL_PART_MANIFEST:
    case LOGICAL_PART_SUMMARY:
    case LOGICAL_PART_FOREIGN:
        break;
    }
    return false;
}

static bool refuse_record(const struct record *record, struct error *err)
{
    error_set(err, ERROR_CORRUPT, "%s is not part of a physical backup", record->path);
    if (is_of_logical_backup(record))
        return error_hint(err, "This is a logical backup. It is restored into databases of a "
                               "server: " OPTION_TO " postgres://USER@HOST/DATABASE");
    return error_hint(err, "This is no backup that pgcask made. A data directory, or a copy that "
                           "pg_basebackup made, needs no restore: copy it as it is (cp -a), and "
                           "start the server on the copy.");
}

bool physical_restore_record(struct restore *restore, const struct record *record,
                             struct error *err)
{
    static const char data[] = LAYOUT_DATA, tablespaces[] = LAYOUT_TABLESPACES;
    const char *path = record->path;

    if (!record_path_check(path, err))
        return false;
    if (strcmp(path, "/manifest.json") == 0)
        return restore_manifest(restore, record, err);
    if (strcmp(path, "/summary.json") == 0)
        return pull_content(restore, record, take_summary, err);
    if (is_or_below(path, LAYOUT_CONFIG))
        return restore_configuration_file(restore, record, err);
    if (is_or_below(path, data) && path[sizeof(data) - 1] == '/')
        return restore_data(restore, record, path + sizeof(data) - 1, err);
    if (is_or_below(path, tablespaces) && path[sizeof(tablespaces) - 1] == '/')
        return restore_tablespace(restore, record, path + sizeof(tablespaces) - 1, err);
    if ((strcmp(path, data) == 0 || strcmp(path, tablespaces) == 0) &&
        record->type == RECORD_DIRECTORY)
        return true;
    return refuse_record(record, err);
}
