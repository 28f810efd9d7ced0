/*
 * A backup as a folder that is either whole or not there: it is filled as DIR.partial and renamed
 * at the end, or, where DIR is there and empty, filled in place with the record that says
 * "complete" last. A lock tells a run that lives from what a killed one left.
 */
#include "record/record_internal.h"
#include "record/run_lock.h"

#include "base/quote.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#define PARTIAL ".partial"

/* One run of directory_store_write. */
struct directory_store {
    const struct store_options *options;
    struct directory_writer *writer;
    char target[RECORD_PATH_MAX]; /* DIR without trailing slashes */
    char folder[RECORD_PATH_MAX]; /* what is being filled: DIR or DIR.partial */
    char parent[RECORD_PATH_MAX]; /* the folder that holds DIR */
    bool in_place;
    int lock_fd; /* in place: DIR itself, locked against a second run; else -1 */
    int run_fd;  /* of the lock file in the folder, see run_lock.h; -1: none */
};

/* ---- The target ---- */

static bool folder_is_empty(const char *folder, bool *empty, struct error *err)
{
    struct tree_walk *walk = tree_walk_new(folder, err);
    struct tree_entry entry;
    enum tree_event event;

    if (walk == NULL)
        return false;
    event = tree_walk_next(walk, &entry, err);
    tree_walk_free(walk);
    *empty = event == TREE_LEAVE;
    return event != TREE_FAILED;
}

/* Whether what a killed run left in the folder may go. *fd holds its lock then. */
static bool is_left_over(const char *folder, int *fd, struct error *err)
{
    int pid;

    switch (run_lock_probe_folder(folder, fd, &pid)) {
    case RUN_LOCK_DEAD:
        return true;
    case RUN_LOCK_ALIVE:
        return run_lock_refuse(folder, pid, err);
    case RUN_LOCK_NONE:
    case RUN_LOCK_UNKNOWN:
        break;
    }
    error_clear(err);
    return false;
}

/* The top of what a backup makes. */
static bool is_name_of_backup(const char *name)
{
    static const char *const names[] = {
        "manifest.json", "summary.json", "summary.json.partial", "data",
        "tablespaces",   "config",       "globals.sql",
    };
    size_t len = strlen(name);

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(name, names[i]) == 0)
            return true;
    }
    return len > 5 && strcmp(name + len - 5, ".dump") == 0;
}

static bool refuse_partial(const char *partial, struct error *err)
{
    char quoted[QUOTE_PATH_SIZE];

    error_set(err, ERROR_REFUSED, "\"%s\" exists: another run writes it, or was interrupted",
              partial);
    error_reason(err, "partial_exists");
    return error_hint(err, "If no other run is at work, remove it:  rm -r %s",
                      quote_shell(partial, quoted, sizeof(quoted)));
}

/* What is there already may only be what a killed run left. */
static bool check_left_over(const char *partial, struct error *err)
{
    int fd;

    if (is_left_over(partial, &fd, err)) {
        bool ours = run_lock_check_names(partial, is_name_of_backup, err);

        close(fd);
        return ours;
    }
    return err->code == ERROR_NONE ? refuse_partial(partial, err) : false;
}

/* Removes what a killed run left; only whoever has its lock may. */
static bool remove_left_over(const char *folder, bool also_folder, const struct log *log,
                             struct error *err)
{
    int fd;
    bool removed;

    if (!is_left_over(folder, &fd, err))
        return err->code == ERROR_NONE ? refuse_partial(folder, err) : false;
    removed = run_lock_check_names(folder, is_name_of_backup, err);
    if (removed) {
        log_message(log, LOG_WARNING, "replacing what an interrupted run left in %s", folder);
        removed = directory_remove_tree(folder, also_folder, err);
    }
    close(fd);
    return removed;
}

/* Finds out whether DIR is absent or an empty folder; everything else is refused. */
static bool inspect_target(const char *target, bool *exists, struct error *err)
{
    struct stat st;
    bool empty;

    *exists = stat(target, &st) == 0;
    if (!*exists && errno == ENOENT && lstat(target, &st) != 0 && errno == ENOENT)
        return true;
    if (!*exists)
        return error_set_errno(err, errno, "cannot look at \"%s\"", target);
    if (!S_ISDIR(st.st_mode)) {
        error_set(err, ERROR_REFUSED, "\"%s\" exists and is not a folder", target);
        error_reason(err, "target_exists");
        return error_hint(err, "Choose a path that does not exist yet.");
    }
    if (!folder_is_empty(target, &empty, err))
        return false;
    if (!empty) {
        int fd;

        if (is_left_over(target, &fd, err)) {
            bool ours = run_lock_check_names(target, is_name_of_backup, err);

            close(fd);
            return ours; /* begin_in_place empties it */
        }
        if (err->code != ERROR_NONE)
            return false;
        error_set(err, ERROR_REFUSED, "folder \"%s\" is not empty", target);
        error_reason(err, "target_not_empty");
        return error_hint(err, "Choose an empty folder or a path that does not exist yet.");
    }
    return true;
}

bool directory_store_check(const char *directory, uint64_t *free_bytes, struct error *err)
{
    char target[RECORD_PATH_MAX], partial[RECORD_PATH_MAX], parent[RECORD_PATH_MAX];
    struct stat st;
    bool exists;

    if (!path_with_suffix(directory, "", target, err) || !path_parent(target, parent, err) ||
        !path_with_suffix(target, PARTIAL, partial, err) || !inspect_target(target, &exists, err))
        return false;
    if (!path_check_writable(exists ? target : parent, err))
        return false;
    if (!exists && lstat(partial, &st) == 0 && !check_left_over(partial, err))
        return false;
    *free_bytes = path_free_bytes(exists ? target : parent);
    return true;
}

/* ---- Beginning ---- */

static bool lock_folder(struct directory_store *store, struct error *err)
{
    store->run_fd = run_lock_make(store->folder, err);
    return store->run_fd >= 0;
}

/* An empty folder is filled in place. The lock keeps a second run out, which would find the folder
 * empty too. File systems that cannot lock do without. */
static bool begin_in_place(struct directory_store *store, struct error *err)
{
    bool empty;

    store->lock_fd = open(store->target, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (store->lock_fd < 0)
        return error_set_errno(err, errno, "cannot open folder \"%s\"", store->target);
    if (flock(store->lock_fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        return error_set(err, ERROR_REFUSED, "another process is writing into \"%s\"",
                         store->target);
    if (!folder_is_empty(store->target, &empty, err))
        return false;
    if (!empty && !remove_left_over(store->target, false, store->options->log, err))
        return false;
    return path_with_suffix(store->target, "", store->folder, err) && lock_folder(store, err);
}

/* A folder that was just made. */
static bool lock_new_folder(struct directory_store *store, struct error *err)
{
    if (lock_folder(store, err))
        return true;
    /* Not if another run was faster, and has something in it. */
    if (rmdir(store->folder) != 0 && errno != ENOTEMPTY && errno != EEXIST)
        error_detail(err, "The empty folder \"%.300s\" could not be removed: %s", store->folder,
                     strerror(errno));
    return false;
}

static bool begin_partial(struct directory_store *store, struct error *err)
{
    int failure;

    if (!path_with_suffix(store->target, PARTIAL, store->folder, err))
        return false;
    if (mkdir(store->folder, 0700) == 0)
        return lock_new_folder(store, err);
    failure = errno;
    if (failure == EEXIST) {
        if (!remove_left_over(store->folder, true, store->options->log, err))
            return false;
        if (mkdir(store->folder, 0700) == 0)
            return lock_new_folder(store, err);
        failure = errno;
    }
    error_set_errno(err, failure, "cannot make folder \"%s\"", store->folder);
    if (failure == ENOENT)
        error_hint_mkdir(err, store->parent);
    return false;
}

static bool store_begin(struct directory_store *store, const char *directory, struct error *err)
{
    if (!path_with_suffix(directory, "", store->target, err) ||
        !path_parent(store->target, store->parent, err) ||
        !inspect_target(store->target, &store->in_place, err))
        return false;
    return store->in_place ? begin_in_place(store, err) : begin_partial(store, err);
}

/* ---- Filling and finishing ---- */

static bool store_add(void *context, const struct record *record, struct error *err)
{
    struct directory_store *store = context;
    const char *last = store->options->last_path;
    char temporary[RECORD_PATH_MAX];

    if (!store->in_place || last == NULL || strcmp(record->path, last) != 0)
        return directory_writer_add(store->writer, record, NULL, err);
    return path_with_suffix(last, PARTIAL, temporary, err) &&
           directory_writer_add(store->writer, record, temporary, err);
}

/* The record that says "complete" gets its name when all else is on disk. */
static bool rename_last(const struct directory_store *store, struct error *err)
{
    char from[RECORD_PATH_MAX], to[RECORD_PATH_MAX], folder[RECORD_PATH_MAX];

    if (store->options->last_path == NULL)
        return true;
    if (!path_with_suffix(store->folder, store->options->last_path, to, err) ||
        !path_with_suffix(to, PARTIAL, from, err) || !path_parent(to, folder, err) ||
        !path_rename_new(from, to, err))
        return false;
    return store->options->no_sync || path_sync_directory(folder, err);
}

static bool rename_folder(struct directory_store *store, struct error *err)
{
    if (!path_rename_new(store->folder, store->target, err))
        return false;
    memcpy(store->folder, store->target, sizeof(store->folder));
    return store->options->no_sync || path_sync_directory(store->parent, err);
}

static bool store_fill(struct directory_store *store, struct record_source *source,
                       struct error *err)
{
    const struct directory_writer_options options = {
        .observer = store->options->observer,
        .cancel = store->options->cancel,
        .no_sync = store->options->no_sync,
    };

    store->writer = directory_writer_new(store->folder, &options, err);
    if (store->writer == NULL)
        return false;
    if (!store_run(source, store->options, store_add, store, err) ||
        !directory_writer_sync(store->writer, err) || !cancel_check(options.cancel, err) ||
        !run_lock_remove(store->folder, &store->run_fd, options.no_sync, err))
        return false;
    return store->in_place ? rename_last(store, err) : rename_folder(store, err);
}

/* Leaves nothing behind; a folder that was there before stays. */
static void store_remove(const struct directory_store *store, struct error *err)
{
    struct error removing;

    error_clear(&removing);
    if (directory_remove_tree(store->folder, !store->in_place, &removing))
        return;
    log_message(store->options->log, LOG_WARNING, "the incomplete backup stays behind: %s",
                removing.message);
    error_detail(err, "The incomplete backup in \"%.300s\" could not be removed: %.300s",
                 store->folder, removing.message);
}

bool directory_store_write(const char *directory, struct record_source *source,
                           const struct store_options *options, struct error *err)
{
    struct directory_store *store = calloc(1, sizeof(*store));
    bool done = false;

    if (store == NULL)
        return error_set_memory(err);
    store->options = options;
    store->lock_fd = -1;
    store->run_fd = -1;
    if (store_begin(store, directory, err)) {
        done = store_fill(store, source, err);
        if (!done)
            store_remove(store, err);
    }
    directory_writer_free(store->writer);
    if (store->lock_fd >= 0)
        close(store->lock_fd);
    if (store->run_fd >= 0)
        close(store->run_fd);
    free(store);
    return done;
}
