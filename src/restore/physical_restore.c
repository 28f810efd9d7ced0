/*
 * A physical backup becomes a data directory again.
 *
 * Every byte passes through the checking source on its way to the disk. global/pg_control, without
 * which no server starts, is held in memory until the source has ended, the check has found the
 * backup whole and everything else is on disk. An empty target is filled in place; a cluster that
 * is to be replaced stays as it is until the new one lies complete in a staging folder inside it.
 */
#include "restore/physical_restore_internal.h"

#include "base/error_names.h"
#include "manifest/physical_layout.h"
#include "record/run_lock.h"
#include "restore/checking_source.h"
#include "restore/cluster_swap.h"
#include "restore/configuration.h"
#include "restore/left_over.h"
#include "restore/surroundings.h"

#include "base/quote.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ADVICE_RUNNING "Choose another directory, unless it is this cluster that shall be replaced."

#define PROBLEMS_LOGGED 20

/* ---- Before anything is read ---- */

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
                               "the same cluster: " OPTION_REPLACE);
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

    if (!surroundings_check(given, err) || !folder_resolve(given, &restore->data, err))
        return false;
    if (!data->empty && !folder_has(data->path, CONTROL_FILE) &&
        !left_over_clear(data->path, false, left_over_is_data_name, restore->options->log,
                         &data->empty, err))
        return false;
    if (data->empty)
        return true;
    if (!cluster_check_stopped(data->path, ADVICE_RUNNING, err))
        return false;
    if (!restore->options->replace && !folder_has(data->path, FOLDER_REPLACED))
        return refuse_not_empty(data->path, err);
    if (!cluster_swap_check(data->path, restore->options->log, err) ||
        !cluster_read_control(data->path, &restore->old, err))
        return false;
    if (!control_state_is_clean(restore->old.state))
        log_message(restore->options->log, LOG_WARNING,
                    "the cluster in %s was not shut down in order", data->path);
    restore->replacing = true;
    return true;
}

static bool lock_build(struct restore *restore, struct error *err)
{
    restore->lock_fd = run_lock_make(restore->build, err);
    restore->prepared = restore->lock_fd >= 0; /* what is in it is ours from here on, to undo */
    return restore->prepared;
}

static bool make_build(struct restore *restore, struct error *err)
{
    memcpy(restore->build, restore->data.path, sizeof(restore->build));
    if (!restore->replacing) {
        if (!folder_prepare(&restore->data, err))
            return false;
        if (lock_build(restore, err))
            return true;
        folder_give_back(&restore->data, err);
        return false;
    }
    if (!folder_join(restore->build, restore->data.path, FOLDER_STAGING, err))
        return false;
    if (mkdir(restore->build, 0700) != 0)
        return error_set_errno(err, errno, "cannot make directory %s", restore->build);
    if (lock_build(restore, err))
        return true;
    folder_unmake(restore->build, err);
    return false;
}

static bool prepare(struct restore *restore, const char *given, struct error *err)
{
    const struct directory_writer_options writing = {
        .observer = &restore->counting,
        .cancel = restore->options->cancel,
        .no_sync = restore->options->no_sync,
        .private_modes = true,
    };

    restore->counting =
        (struct record_observer){.context = restore, .bytes_moved = physical_restore_count_bytes};
    if (!check_target(restore, given, err) ||
        !tablespace_set_init(&restore->tablespaces, &restore->data, restore->replacing,
                             restore->options, &writing, err) ||
        !make_build(restore, err))
        return false;
    restore->writer = directory_writer_new(restore->build, &writing, err);
    return restore->writer != NULL;
}

/* ---- The stream ---- */

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
        ok = physical_restore_record(restore, &record, err);
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

/* ---- The end ---- */

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
    if (!cluster_check_stopped(restore->data.path, ADVICE_RUNNING, err))
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

/* A server that recovers takes folders in pg_tblspc only with that setting, which may have been one
 * of a session alone. */
static bool allow_in_place(struct restore *restore, struct error *err)
{
    static const char option[] = "-c allow_in_place_tablespaces=on";
    char *options = restore->report->start_options;
    size_t used = strlen(options), room = sizeof(restore->report->start_options) - used;
    bool needed = false;

    for (size_t i = 0; i < restore->tablespaces.count; i++)
        needed |= restore->tablespaces.items[i].in_place;
    if (!needed)
        return true;
    if (room < sizeof(option) + 1)
        return error_set(err, ERROR_UNSUPPORTED, "the server's options are too long");
    snprintf(options + used, room, "%s%s", used == 0 ? "" : " ", option);
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

    if (restore->configuration != NULL &&
        !configuration_restore(&restored, restore->report->start_options,
                               sizeof(restore->report->start_options), err))
        return false;
    return allow_in_place(restore, err);
}

static bool finish(struct restore *restore, struct error *err)
{
    const struct physical_restore_options *options = restore->options;

    if (!restore_configuration(restore, err) || !cancel_check(options->cancel, err) ||
        !tablespace_set_sync(&restore->tablespaces, err) ||
        !directory_writer_sync(restore->writer, err) ||
        !tablespace_set_link(&restore->tablespaces, restore->build, options->no_sync, err) ||
        !cancel_check(options->cancel, err) || !tablespace_set_unlock(&restore->tablespaces, err) ||
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
    const struct summary_handler summary = {restore, physical_restore_take_summary_head,
                                            physical_restore_pass_summary_entry};
    bool ok;

    memset(report, 0, sizeof(*report));
    if (restore == NULL) {
        source_close(source);
        return error_set_memory(err);
    }
    restore->options = options;
    restore->report = report;
    restore->lock_fd = -1;
    restore->manifest = manifest_decoder_new(MANIFEST_TABLESPACES, err);
    if (restore->manifest != NULL) {
        restore->facts = manifest_decoder_facts(restore->manifest);
        restore->summary = summary_decoder_new(&summary, err);
    }
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
    manifest_decoder_free(restore->manifest);
    summary_decoder_free(restore->summary);
    json_decref(restore->configuration);
    buffer_free(&restore->control);
    free(restore);
    return ok;
}
