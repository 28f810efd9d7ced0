/*
 * The exchange as a journal of renames: each step is noted before it is done, and undone in reverse
 * when a later one fails. Nothing is copied, so that no disk can become full half-way.
 */
#include "restore/cluster_swap.h"

#include "base/quote.h"

#include "restore/cluster_files.h"
#include "restore/left_over.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONTROL_ASIDE "global/pg_control.pgcask.replaced"

struct swap_step {
    char *from, *to; /* from NULL: the directory `to` was made */
};

struct swap {
    struct swap_step *steps;
    size_t count;
    bool no_sync;
};

bool cluster_swap_check(const char *data_directory, const struct log *log, struct error *err)
{
    struct stat root, info;
    char path[PATH_MAX], quoted[QUOTE_PATH_SIZE], **names;
    bool ok = true, cleared;

    if (folder_has(data_directory, FOLDER_REPLACED)) {
        error_set(err, ERROR_REFUSED, "an earlier restore into %s was interrupted in its last step",
                  data_directory);
        error_reason(err, "restore_interrupted");
        error_detail(err,
                     "The cluster from before it is in %s/%s, the restored one in %s/%s, as "
                     "far as they have not been moved.",
                     data_directory, FOLDER_REPLACED, data_directory, FOLDER_STAGING);
        return error_hint(err, "Move what you need elsewhere, empty the directory, and restore "
                               "again.");
    }
    if (!folder_join(path, data_directory, FOLDER_STAGING, err) ||
        !left_over_clear(path, true, NULL, log, &cleared, err))
        return false;
    if (folder_has(data_directory, FOLDER_STAGING)) {
        error_set(err, ERROR_REFUSED, "%s has a %s: another restore is at work or was killed",
                  data_directory, FOLDER_STAGING);
        error_reason(err, "restore_interrupted");
        return error_hint(err, "If none is running:  rm -r %s/%s",
                          quote_shell(data_directory, quoted, sizeof(quoted)), FOLDER_STAGING);
    }
    names = folder_names(data_directory, err);
    if (names == NULL)
        return false;
    if (stat(data_directory, &root) != 0)
        ok = error_set_errno(err, errno, "cannot look at %s", data_directory);
    for (char **name = names; ok && *name != NULL; name++) {
        ok = folder_join(path, data_directory, *name, err);
        if (ok && lstat(path, &info) == 0 && info.st_dev != root.st_dev) {
            error_set(err, ERROR_REFUSED, "%s is a mount point: it cannot be moved aside", path);
            ok = error_hint(err, "Unmount it for the restore.");
        }
    }
    folder_names_free(names);
    return ok;
}

static void swap_reset(struct swap *swap)
{
    for (size_t i = 0; i < swap->count; i++) {
        free(swap->steps[i].from);
        free(swap->steps[i].to);
    }
    free(swap->steps);
    memset(swap, 0, sizeof(*swap));
}

/* Notes a step before it is done: a step that cannot be noted could not be undone. */
static struct swap_step *note_step(struct swap *swap, const char *from, const char *to,
                                   struct error *err)
{
    struct swap_step *grown = realloc(swap->steps, (swap->count + 1) * sizeof(*grown));
    struct swap_step step = {.from = from == NULL ? NULL : strdup(from), .to = strdup(to)};

    if (grown != NULL)
        swap->steps = grown;
    if (grown == NULL || step.to == NULL || (from != NULL && step.from == NULL)) {
        free(step.from);
        free(step.to);
        error_set_memory(err);
        return NULL;
    }
    grown[swap->count] = step;
    return &grown[swap->count++];
}

static void forget_step(struct swap *swap)
{
    swap->count--;
    free(swap->steps[swap->count].from);
    free(swap->steps[swap->count].to);
}

static bool swap_mkdir(struct swap *swap, const char *path, struct error *err)
{
    if (note_step(swap, NULL, path, err) == NULL)
        return false;
    if (mkdir(path, 0700) != 0) {
        error_set_errno(err, errno, "cannot make directory %s", path);
        forget_step(swap);
        return false;
    }
    return true;
}

/* rename(2), but never over something. */
static bool swap_rename(struct swap *swap, const char *from, const char *to, struct error *err)
{
    struct stat info;

    if (lstat(to, &info) == 0)
        return error_set(err, ERROR_IO, "cannot move %s: %s exists already", from, to);
    if (note_step(swap, from, to, err) == NULL)
        return false;
    if (rename(from, to) != 0) {
        error_set_errno(err, errno, "cannot move %s to %s", from, to);
        forget_step(swap);
        return false;
    }
    return true;
}

static bool swap_sync(const struct swap *swap, const char *path, struct error *err)
{
    return swap->no_sync || folder_sync(path, err);
}

static bool swap_sync_two(const struct swap *swap, const char *path, const char *name,
                          struct error *err)
{
    char inner[PATH_MAX];

    return swap_sync(swap, path, err) && folder_join(inner, path, name, err) &&
           swap_sync(swap, inner, err);
}

static bool swap_between(struct swap *swap, const char *from_folder, const char *to_folder,
                         const char *name, struct error *err)
{
    char from[PATH_MAX], to[PATH_MAX];

    return folder_join(from, from_folder, name, err) && folder_join(to, to_folder, name, err) &&
           swap_rename(swap, from, to, err);
}

static bool swap_control_aside(struct swap *swap, const char *data, struct error *err)
{
    char from[PATH_MAX], to[PATH_MAX], global[PATH_MAX];

    return folder_join(from, data, CONTROL_FILE, err) &&
           folder_join(to, data, CONTROL_ASIDE, err) && folder_join(global, data, "global", err) &&
           swap_rename(swap, from, to, err) && swap_sync(swap, global, err);
}

/* Only entries that the new tree has too are replaced: a tablespace's folder may hold the files of
 * another major version beside ours. */
static bool swap_tablespace(struct swap *swap, const struct tablespace *tablespace,
                            struct error *err)
{
    const char *place = tablespace->place.path;
    char old[PATH_MAX], **names = NULL;
    bool ok = folder_join(old, place, FOLDER_REPLACED, err) && swap_mkdir(swap, old, err) &&
              (names = folder_names(tablespace->build, err)) != NULL;

    for (char **name = names; ok && *name != NULL; name++) {
        if (folder_has(place, *name))
            ok = swap_between(swap, place, old, *name, err);
        ok = ok && swap_between(swap, tablespace->build, place, *name, err);
    }
    folder_names_free(names);
    return ok && swap_sync_two(swap, place, FOLDER_REPLACED, err);
}

static bool stays(const char *name)
{
    return strcmp(name, FOLDER_STAGING) == 0 || strcmp(name, FOLDER_REPLACED) == 0 ||
           strcmp(name, "lost+found") == 0;
}

static bool move_all(struct swap *swap, const char *from, const char *to, struct error *err)
{
    char **names = folder_names(from, err);
    bool ok = names != NULL;

    for (char **name = names; ok && *name != NULL; name++) {
        if (!stays(*name))
            ok = swap_between(swap, from, to, *name, err);
    }
    folder_names_free(names);
    return ok;
}

static bool swap_all(struct swap *swap, const char *data, const struct tablespace_set *tablespaces,
                     struct slice control, const struct log *log, struct error *err)
{
    char old[PATH_MAX], staging[PATH_MAX];

    if (!folder_join(old, data, FOLDER_REPLACED, err) ||
        !folder_join(staging, data, FOLDER_STAGING, err))
        return false;
    if (!swap_mkdir(swap, old, err) || !swap_control_aside(swap, data, err))
        return false;
    for (size_t i = 0; i < tablespaces->count; i++) {
        if (!tablespaces->items[i].in_place && !swap_tablespace(swap, &tablespaces->items[i], err))
            return false;
    }
    log_message(log, LOG_DEBUG, "moving the old cluster to %s", old);
    if (!move_all(swap, data, old, err))
        return false;
    log_message(log, LOG_DEBUG, "moving the restored cluster to %s", data);
    return move_all(swap, staging, data, err) && swap_sync_two(swap, data, FOLDER_REPLACED, err) &&
           cluster_write_control(data, control, swap->no_sync, err);
}

static bool undo_step(const struct swap_step *step)
{
    struct stat info;

    if (step->from == NULL)
        return rmdir(step->to) == 0;
    if (lstat(step->from, &info) == 0) {
        errno = EEXIST;
        return false;
    }
    return rename(step->to, step->from) == 0;
}

/* Stops at the first step that cannot be undone: the steps before it rely on it, and the first of
 * all is the one that lets the old cluster start again. */
static bool swap_undo(struct swap *swap)
{
    while (swap->count > 0) {
        if (!undo_step(&swap->steps[swap->count - 1]))
            return false;
        forget_step(swap);
    }
    return true;
}

/* The old cluster is back whether or not this succeeds; it only makes a power cut harmless. */
static void sync_undone(const char *data, bool no_sync)
{
    char global[PATH_MAX];
    struct error ignored;

    if (!no_sync && folder_join(global, data, "global", &ignored) && folder_sync(data, &ignored))
        folder_sync(global, &ignored);
}

static void describe_mixture(const struct swap *swap, const char *data, int failure,
                             struct error *err)
{
    const struct swap_step *stuck = &swap->steps[swap->count - 1];
    struct error cause = *err;

    error_set(err, cause.code, "%s is left half replaced and will not start: %s", data,
              cause.message);
    if (stuck->from == NULL)
        error_detail(err, "Going back failed at removing %s (%s).", stuck->to, strerror(failure));
    else
        error_detail(err, "Going back failed at moving %s back to %s (%s).", stuck->to, stuck->from,
                     strerror(failure));
    error_hint(err,
               "The old cluster's files are in %s/%s and, where not yet moved, in %s; the restored "
               "ones are in %s/%s and, where moved already, in %s. Tablespaces likewise. To go "
               "back, move the old ones up again, and last rename %s to %s.",
               data, FOLDER_REPLACED, data, data, FOLDER_STAGING, data, CONTROL_ASIDE,
               CONTROL_FILE);
}

bool cluster_swap_run(const char *data_directory, const struct tablespace_set *tablespaces,
                      struct slice control, const struct log *log, bool no_sync, bool *undone,
                      struct error *err)
{
    struct swap swap = {.no_sync = no_sync};
    bool ok = swap_all(&swap, data_directory, tablespaces, control, log, err);

    *undone = false;
    if (!ok) {
        log_message(log, LOG_DEBUG, "restoring the old cluster in %s", data_directory);
        *undone = swap_undo(&swap);
        if (!*undone)
            describe_mixture(&swap, data_directory, errno, err);
        else
            sync_undone(data_directory, no_sync);
    }
    swap_reset(&swap);
    return ok;
}

static void remove_old_in(const char *folder, const struct log *log)
{
    char path[PATH_MAX];
    struct error problem;

    if (!folder_join(path, folder, FOLDER_STAGING, &problem) || !folder_remove(path, &problem))
        log_message(log, LOG_WARNING, ERROR_OURS("%s"), problem.message);
    if (!folder_join(path, folder, FOLDER_REPLACED, &problem) ||
        !directory_remove_tree(path, true, &problem))
        log_message(log, LOG_WARNING, "the old files in %s could not be removed: %s", path,
                    problem.message);
}

/* pg_wal on a disk of its own, for instance: the restored one is an ordinary folder. */
static void warn_about_links(const char *data, const struct log *log)
{
    char old[PATH_MAX], path[PATH_MAX], target[PATH_MAX], **names;
    struct error ignored;
    ssize_t length;

    if (!folder_join(old, data, FOLDER_REPLACED, &ignored))
        return;
    names = folder_names(old, &ignored);
    for (char **name = names; names != NULL && *name != NULL; name++) {
        if (!folder_join(path, old, *name, &ignored))
            continue;
        length = readlink(path, target, sizeof(target) - 1);
        if (length < 0)
            continue;
        target[length] = '\0';
        log_message(log, LOG_WARNING,
                    "%s was a link to %s; it is not one now, and what it led to was left there",
                    *name, target);
    }
    folder_names_free(names);
}

void cluster_swap_remove_old(const char *data_directory, const struct tablespace_set *tablespaces,
                             const struct log *log)
{
    warn_about_links(data_directory, log);
    remove_old_in(data_directory, log);
    for (size_t i = 0; i < tablespaces->count; i++) {
        if (!tablespaces->items[i].in_place)
            remove_old_in(tablespaces->items[i].place.path, log);
    }
}
