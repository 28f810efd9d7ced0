/*
 * A physical backup becomes a data directory again.
 *
 * Every byte passes through the checking source on its way to the disk. global/pg_control, without
 * which no server starts, is held in memory until the source has ended, the check has found the
 * backup whole and everything else is on disk. An empty target is filled in place; a cluster that
 * is to be replaced stays as it is until the new one lies complete in a staging folder inside it.
 */
#include "manifest/summary.h"
#include "record/run_lock.h"
#include "replication/physical_layout.h"
#include "restore/checking_source.h"
#include "restore/cluster_files.h"
#include "restore/cluster_swap.h"
#include "restore/configuration.h"
#include "restore/left_over.h"
#include "restore/tablespace_links.h"

#include "base/quote.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PROBLEMS_LOGGED 20

struct restore {
    const struct physical_restore_options *options;
    struct physical_restore_report *report;
    struct folder data;
    bool replacing;
    struct control_facts old; /* of the cluster that is being replaced */
    char build[PATH_MAX];     /* where /data goes: the data directory, or the staging in it */
    bool prepared;            /* build is ours, to be removed again on failure */
    int lock_fd;              /* of the lock file in it; -1: none */
    bool mixture;             /* an exchange could not be undone: nothing may be removed */
    struct directory_writer *writer;
    struct record_observer counting; /* adds up bytes, then tells options->observer */
    struct tablespace_set tablespaces;
    struct manifest_facts facts;
    struct summary_reader *summary;
    json_t *configuration; /* that of summary.json */
    struct buffer control;
    bool has_control;
    char problem[RECORD_PATH_MAX + 512]; /* the first one that the check found */
    size_t problem_count;
};

/* ---- Before anything is read ---------------------------------------------------------------- */

static bool refuse_not_empty(const char *data_directory, struct error *err)
{
    char beside[PATH_MAX + 16], quoted[QUOTE_PATH_SIZE], quoted_beside[QUOTE_PATH_SIZE];
    bool with_tablespaces;

    snprintf(beside, sizeof(beside), "%s.tablespaces", data_directory);
    with_tablespaces = access(beside, F_OK) == 0;
    error_set(err, ERROR_REFUSED, "data directory %s is not empty", data_directory);
    error_reason(err, "target_not_empty");
    if (folder_has(data_directory, CONTROL_FILE))
        return error_hint(err, "It holds a cluster. To replace it by the backup, which must be of "
                               "the same cluster: " ERROR_OPTION("replace"));
    error_hint(
        err,
        "Without a %s it is no cluster; a restore that was killed leaves such a directory. If "
        "nothing in it is needed:  rm -r %s%s%s",
        CONTROL_FILE, quote_shell(data_directory, quoted, sizeof(quoted)),
        with_tablespaces ? " " : "",
        with_tablespaces ? quote_shell(beside, quoted_beside, sizeof(quoted_beside)) : "");
    return false;
}

static bool check_target(struct restore *restore, const char *given, struct error *err)
{
    struct folder *data = &restore->data;

    if (!folder_resolve(given, &restore->data, err))
        return false;
    if (!data->empty && !folder_has(data->path, CONTROL_FILE) &&
        !left_over_clear(data->path, false, &data->empty, err))
        return false;
    if (data->empty)
        return true;
    if (!cluster_check_stopped(data->path, err))
        return false;
    if (!restore->options->replace && !folder_has(data->path, FOLDER_REPLACED))
        return refuse_not_empty(data->path, err);
    if (!cluster_swap_check(data->path, err) ||
        !cluster_read_control(data->path, &restore->old, err))
        return false;
    if (!control_state_is_clean(restore->old.state))
        log_message(restore->options->log, LOG_WARNING,
                    "the cluster in %s was not shut down in order", data->path);
    restore->replacing = true;
    return true;
}

static void count_bytes(void *context, size_t bytes)
{
    struct restore *restore = context;
    const struct record_observer *observer = restore->options->observer;

    restore->report->bytes += bytes;
    if (observer != NULL && observer->bytes_moved != NULL)
        observer->bytes_moved(observer->context, bytes);
}

static bool lock_build(struct restore *restore, struct error *err)
{
    restore->lock_fd = run_lock_make(restore->build, err);
    return restore->lock_fd >= 0;
}

static bool make_build(struct restore *restore, struct error *err)
{
    memcpy(restore->build, restore->data.path, sizeof(restore->build));
    if (!restore->replacing) {
        restore->prepared = folder_prepare(&restore->data, err);
        return restore->prepared && lock_build(restore, err);
    }
    if (!folder_join(restore->build, restore->data.path, FOLDER_STAGING, err))
        return false;
    if (mkdir(restore->build, 0700) != 0)
        return error_set_errno(err, errno, "cannot make directory %s", restore->build);
    restore->prepared = true;
    return lock_build(restore, err);
}

static bool prepare(struct restore *restore, const char *given, struct error *err)
{
    const struct directory_writer_options writing = {
        .observer = &restore->counting,
        .cancel = restore->options->cancel,
        .no_sync = restore->options->no_sync,
        .private_modes = true,
    };

    restore->counting = (struct record_observer){.context = restore, .bytes_moved = count_bytes};
    if (!check_target(restore, given, err) ||
        !tablespace_set_init(&restore->tablespaces, &restore->data, restore->replacing,
                             restore->options, &writing, err) ||
        !make_build(restore, err))
        return false;
    restore->writer = directory_writer_new(restore->build, &writing, err);
    return restore->writer != NULL;
}

/* ---- Records -------------------------------------------------------------------------------- */

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
        count_bytes(restore, piece.len);
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

static bool take_manifest(struct restore *restore, struct slice piece, struct error *err)
{
    return manifest_facts_feed(&restore->facts, piece, err);
}

/* What is wrong with summary.json is for the checking source to say. */
static bool take_summary(struct restore *restore, struct slice piece, struct error *err)
{
    if (restore->summary != NULL && !summary_reader_feed(restore->summary, piece, err)) {
        summary_reader_free(restore->summary);
        restore->summary = NULL;
        return err->code != ERROR_MEMORY;
    }
    return true;
}

static bool take_summary_head(void *context, const json_t *head, struct error *err)
{
    struct restore *restore = context;
    const json_t *configuration = json_object_get(head, "configuration");

    if (!json_is_object(configuration) || restore->configuration != NULL)
        return true;
    restore->configuration = json_deep_copy(configuration);
    return restore->configuration != NULL || error_set_memory(err);
}

static bool pass_summary_entry(void *context, const struct summary_entry *entry, struct error *err)
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
    if (restore->facts.complete)
        return error_set(err, ERROR_CORRUPT, "%s comes twice", record->path);
    if (!pull_content(restore, record, take_manifest, err) ||
        !manifest_facts_finish(&restore->facts, err))
        return false;
    if (restore->facts.has_identifier &&
        !check_same_cluster(restore, restore->facts.system_identifier, err))
        return false;
    return tablespace_set_resolve(&restore->tablespaces, &restore->facts, err);
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

/* `path` is what follows "/data". */
static bool restore_data(struct restore *restore, const struct record *record, const char *path,
                         struct error *err)
{
    static const char tblspc[] = "/pg_tblspc/";
    const char *name = NULL, *rest;
    uint32_t oid;

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
    if (is_or_below(path, "/" FOLDER_STAGING) || is_or_below(path, "/" FOLDER_REPLACED) ||
        strcmp(path, "/postmaster.pid") == 0)
        return error_set(err, ERROR_CORRUPT, "%s has no place in a backup", record->path);
    if (name != NULL && split_oid(name, &oid, &rest) &&
        !tablespace_set_in_place(&restore->tablespaces, oid, err))
        return false;
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

static bool refuse_record(const struct record *record, struct error *err)
{
    size_t len = strlen(record->path);
    bool logical = strcmp(record->path, "/globals.sql") == 0 ||
                   (len > 5 && strcmp(record->path + len - 5, ".dump") == 0);

    error_set(err, ERROR_CORRUPT, "%s is not part of a physical backup", record->path);
    if (logical)
        return error_hint(err, "This is a logical backup. Its globals.sql is run by psql, and its "
                               "archive restored by PostgreSQL's own pg_restore:  pg_restore -d "
                               "DATABASE FILE.dump");
    return error_hint(err, "This is no backup that pgcask made. A data directory, or a copy that "
                           "pg_basebackup made, needs no restore: copy it as it is (cp -a), and "
                           "start the server on the copy.");
}

static bool restore_record(struct restore *restore, const struct record *record, struct error *err)
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

/* ---- The stream ----------------------------------------------------------------------------- */

static void note_problem(void *context, enum verify_problem kind, const char *path,
                         const char *problem)
{
    struct restore *restore = context;

    (void)kind;
    if (restore->problem_count++ == 0)
        snprintf(restore->problem, sizeof(restore->problem), "%s: %s", path, problem);
    if (restore->problem_count <= PROBLEMS_LOGGED)
        log_message(restore->options->log, LOG_WARNING, "%s: %s", path, problem);
}

static bool fail_not_whole(const struct restore *restore, struct error *err)
{
    if (restore->problem_count == 0)
        error_set(err, ERROR_CORRUPT, "the backup is damaged or incomplete");
    else
        error_set(err, ERROR_CORRUPT, "the backup is damaged or incomplete: %s", restore->problem);
    if (restore->problem_count > 1)
        error_detail(err, "%zu problems were found.", restore->problem_count);
    return error_hint(err, "pgcask verify names all of them. Restore another copy or an earlier "
                           "backup; nothing of this one was kept.");
}

static bool receive_records(struct restore *restore, struct record_source *source,
                            struct error *err)
{
    const struct record_observer *observer = restore->options->observer;

    for (;;) {
        struct record record = {0};
        enum source_status status;
        bool ok;

        if (!cancel_check(restore->options->cancel, err))
            return false;
        status = source_next(source, &record, err);
        if (status == SOURCE_END)
            return true;
        if (status == SOURCE_FAILED)
            return false;
        if (observer != NULL && observer->record_begun != NULL)
            observer->record_begun(observer->context, &record);
        ok = restore_record(restore, &record, err);
        reader_close(record.reader);
        if (!ok)
            return false;
    }
}

/* Takes over the source. */
static bool receive(struct restore *restore, struct record_source *source, struct error *err)
{
    const struct verify_options checking = {
        .problem = note_problem,
        .context = restore,
        .cancel = restore->options->cancel,
        .log = restore->options->log,
    };
    struct record_source *checked = checking_source_new(source, &checking, err);
    bool ok;

    if (checked == NULL)
        return false;
    ok = receive_records(restore, checked, err);
    if (ok && (!checking_source_whole(checked) || restore->problem_count > 0))
        ok = fail_not_whole(restore, err);
    checking_source_report(checked, &restore->report->verify);
    source_close(checked);
    if (ok && !restore->has_control)
        ok = error_set(err, ERROR_CORRUPT, "the backup has no %s", LAYOUT_PG_CONTROL);
    return ok && tablespace_set_check_used(&restore->tablespaces, err);
}

/* ---- The end -------------------------------------------------------------------------------- */

/* True for DATA-DIRECTORY.tablespaces/OID, whose folder above is ours too. */
static bool is_default_place(const struct restore *restore, const char *place)
{
    size_t len = strlen(restore->data.path);

    return strncmp(place, restore->data.path, len) == 0 &&
           strncmp(place + len, ".tablespaces/", 13) == 0;
}

/* What was restored and where, as words for a shell: the data directory and its tablespaces. */
static bool append_places(const struct restore *restore, struct buffer *out, struct error *err)
{
    const struct tablespace_set *set = &restore->tablespaces;
    bool default_told = false;

    if (!buffer_append_shell_word(out, restore->data.path, err))
        return false;
    for (size_t i = 0; i < set->count; i++) {
        const char *place = set->items[i].place.path;
        char parent[PATH_MAX + sizeof(".tablespaces")];

        if (set->items[i].in_place || (default_told && is_default_place(restore, place)))
            continue;
        snprintf(parent, sizeof(parent), "%s.tablespaces", restore->data.path);
        if (is_default_place(restore, place)) {
            default_told = true;
            place = parent;
        }
        if (!buffer_append_byte(out, ' ', err) || !buffer_append_shell_word(out, place, err))
            return false;
    }
    return true;
}

/* PostgreSQL does not start as root, nor on files of root's. */
static void note_owner(const struct restore *restore, struct physical_restore_report *report)
{
    struct buffer places = {0};
    struct error ignored;

    if (geteuid() == 0 && append_places(restore, &places, &ignored)) {
        if (places.len < sizeof(report->root_owns))
            memcpy(report->root_owns, buffer_text(&places), places.len + 1);
        log_message(restore->options->log, LOG_WARNING,
                    "the files belong to root, as whom PostgreSQL does not start:  "
                    "chown -R postgres: %s",
                    buffer_text(&places));
    }
    buffer_free(&places);
}

static bool exchange(struct restore *restore, struct error *err)
{
    const struct physical_restore_options *options = restore->options;
    bool undone = false;

    /* A server may have been started since we looked. */
    if (!cluster_check_stopped(restore->data.path, err))
        return false;
    if (!cluster_swap_run(restore->data.path, &restore->tablespaces,
                          buffer_slice(&restore->control), options->log, options->no_sync, &undone,
                          err)) {
        restore->mixture = !undone;
        return false;
    }
    cluster_swap_remove_old(restore->data.path, &restore->tablespaces, options->log);
    tablespace_set_warn_before(&restore->tablespaces, options->log);
    return true;
}

static bool restore_configuration(struct restore *restore, struct error *err)
{
    const struct restored_configuration restored = {
        .build = restore->build,
        .data_directory = restore->data.path,
        .original = restore->configuration,
        .writer = restore->writer,
        .log = restore->options->log,
    };

    return restore->configuration == NULL ||
           configuration_restore(&restored, restore->report->start_options,
                                 sizeof(restore->report->start_options), err);
}

static bool finish(struct restore *restore, struct error *err)
{
    const struct physical_restore_options *options = restore->options;

    if (!restore_configuration(restore, err) || !cancel_check(options->cancel, err) ||
        !tablespace_set_sync(&restore->tablespaces, err) ||
        !directory_writer_sync(restore->writer, err) ||
        !tablespace_set_link(&restore->tablespaces, restore->build, options->no_sync, err) ||
        !cancel_check(options->cancel, err) ||
        !tablespace_set_unlock(&restore->tablespaces, err) ||
        !run_lock_remove(restore->build, &restore->lock_fd, options->no_sync, err))
        return false;
    if (restore->replacing)
        return exchange(restore, err);
    return cluster_write_control(restore->data.path, buffer_slice(&restore->control),
                                 options->no_sync, err);
}

/* Leaves the target as it was found. The error that led here stays the one that is reported. */
static void undo(struct restore *restore, struct error *err)
{
    const struct folder *data = &restore->data;
    struct error later;

    if (restore->mixture)
        return;
    if (!tablespace_set_undo(&restore->tablespaces, &later))
        error_detail(err, "What was written could not be removed again: " ERROR_OURS("%s") ".",
                     later.message);
    if (!restore->prepared)
        return;
    if (!directory_remove_tree(restore->build, restore->replacing || !data->exists, &later))
        error_detail(err, "What was written could not be removed again: " ERROR_OURS("%s") ".",
                     later.message);
    if (!restore->replacing && data->exists && data->mode != 0700 &&
        chmod(data->path, data->mode) != 0)
        log_message(restore->options->log, LOG_WARNING, "cannot give %s its mode back: %s",
                    data->path, strerror(errno));
}

bool physical_restore(struct record_source *source, const char *data_directory,
                      const struct physical_restore_options *options,
                      struct physical_restore_report *report, struct error *err)
{
    struct restore *restore = calloc(1, sizeof(*restore));
    const struct summary_handler summary = {restore, take_summary_head, pass_summary_entry};
    bool ok;

    memset(report, 0, sizeof(*report));
    if (restore == NULL) {
        source_close(source);
        return error_set_memory(err);
    }
    restore->options = options;
    restore->report = report;
    restore->lock_fd = -1;
    manifest_facts_init(&restore->facts);
    restore->summary = summary_reader_new(&summary, err);
    ok = restore->summary != NULL && prepare(restore, data_directory, err);
    if (ok)
        ok = receive(restore, source, err) && finish(restore, err);
    else
        source_close(source);
    directory_writer_free(restore->writer);
    if (ok)
        note_owner(restore, report);
    else
        undo(restore, err);
    if (restore->lock_fd >= 0)
        close(restore->lock_fd);
    report->tablespaces = restore->tablespaces.count;
    tablespace_set_reset(&restore->tablespaces);
    manifest_facts_reset(&restore->facts);
    summary_reader_free(restore->summary);
    json_decref(restore->configuration);
    buffer_free(&restore->control);
    free(restore);
    return ok;
}
