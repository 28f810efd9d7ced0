/*
 * People name the data folder of a backup, the folder above it, a copy by pg_basebackup, a half-
 * made backup. Each is told by what lies in it, and the hint says what to type instead. Nothing is
 * opened that is not needed for that.
 */
#include "cli/near_miss.h"

#include "base/error_names.h"
#include "manifest/logical_layout.h"
#include "manifest/manifest_stream.h"
#include "manifest/summary.h"
#include "record/record.h"
#include "record/run_lock.h"
#include "restore/surroundings.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool has(const char *folder, const char *path)
{
    char name[RECORD_PATH_MAX];
    struct stat info;
    int len = snprintf(name, sizeof(name), "%s%s", folder, path);

    return len > 0 && (size_t)len < sizeof(name) && lstat(name, &info) == 0;
}

static bool is_empty(const char *folder)
{
    DIR *listing = opendir(folder);
    const struct dirent *entry;
    bool empty = listing != NULL;

    while (empty && (entry = readdir(listing)) != NULL)
        empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    if (listing != NULL)
        closedir(listing);
    return empty;
}

static bool is_backup(const char *folder)
{
    return has(folder, MANIFEST_PATH) || has(folder, SUMMARY_PATH) || has(folder, "/data");
}

/* Where a folder inside a backup was given: the backup. */
static bool find_backup_above(const char *folder, char out[PATH_MAX])
{
    bool found = false;

    if (realpath(folder, out) == NULL)
        return false;
    for (char *slash = strrchr(out, '/'); slash != NULL && slash != out && !found;
         slash = strrchr(out, '/')) {
        *slash = '\0';
        found = has(out, MANIFEST_PATH) && has(out, SUMMARY_PATH);
    }
    return found;
}

static bool has_tar_of_pg_basebackup(const char *folder)
{
    return has(folder, "/base.tar") || has(folder, "/base.tar.gz") ||
           has(folder, "/base.tar.lz4") || has(folder, "/base.tar.zst");
}

bool near_miss_is_copy(const char *folder)
{
    return has(folder, "/backup_manifest") && !has(folder, MANIFEST_PATH) &&
           !has(folder, SUMMARY_PATH) && !has_tar_of_pg_basebackup(folder);
}

bool near_miss_find_backup_above(const char *folder, char quoted[QUOTE_PATH_SIZE])
{
    char above[PATH_MAX];

    if (!find_backup_above(folder, above))
        return false;
    quote_shell(above, quoted, QUOTE_PATH_SIZE);
    return true;
}

bool near_miss_is_data_of_backup(const char *folder)
{
    char above[PATH_MAX], *slash;

    if (realpath(folder, above) == NULL)
        return false;
    slash = strrchr(above, '/');
    if (slash == NULL || slash == above || strcmp(slash, "/data") != 0)
        return false;
    *slash = '\0';
    return surroundings_is_backup(above);
}

bool near_miss_was_started(const char *folder)
{
    return has(folder, "/postmaster.pid") || has(folder, "/postmaster.opts") ||
           has(folder, "/backup_label.old");
}

/* Tablespaces outside: a copy of the tree would lead to the same ones. */
static bool has_tablespace_links(const char *folder)
{
    char name[RECORD_PATH_MAX];
    int len = snprintf(name, sizeof(name), "%s/pg_tblspc", folder);

    return len > 0 && (size_t)len < sizeof(name) && has(name, "") && !is_empty(name);
}

#define RESTORED_CONFIGURATION "/pgcask.config/postgresql.conf"

static void hint_copy(const char *folder, const char *quoted, struct error *err)
{
    char start[2 * QUOTE_PATH_SIZE] = "A server starts on it as it is.", copy[QUOTE_PATH_SIZE + 96];
    char absolute[PATH_MAX];
    bool configured = has(folder, RESTORED_CONFIGURATION) && realpath(folder, absolute) != NULL;

    if (configured)
        snprintf(start, sizeof(start),
                 "A server starts on it with the settings that \"pgcask restore\" has named, "
                 "among them config_file=%.1024s" RESTORED_CONFIGURATION ".",
                 absolute);
    snprintf(copy, sizeof(copy), ", copy it first:  cp -a %s DIR", quoted);
    error_hint(err, "It is verified by:  pgcask verify %s\n%s Where it shall stay as it is%s",
               quoted, start,
               has_tablespace_links(folder)
                   ? ", copy it and what the links in its pg_tblspc lead to, and change them."
               : configured ? ", restore it again elsewhere."
                            : copy);
}

static bool fail_copy(const char *folder, const char *quoted, struct error *err)
{
    error_set(err, ERROR_CORRUPT,
              "%s is a copy of a data directory with a backup_manifest, as pg_basebackup makes "
              "one, not a backup of pgcask",
              folder);
    hint_copy(folder, quoted, err);
    return false;
}

/* ---- Unfinished ---- */

static bool fail_unfinished(const char *name, enum run_lock_state state, int pid, struct error *err)
{
    if (state == RUN_LOCK_ALIVE && pid > 0)
        error_set(err, ERROR_REFUSED, "%s is being written by process %d", name, pid);
    else if (state == RUN_LOCK_ALIVE)
        error_set(err, ERROR_REFUSED, "%s is being written by another run", name);
    else if (state == RUN_LOCK_UNKNOWN)
        error_set(err, ERROR_CORRUPT,
                  "%s is being written, or what a run left that was interrupted", name);
    else
        error_set(err, ERROR_CORRUPT, "%s is what a run left that was interrupted", name);
    if (state == RUN_LOCK_ALIVE)
        return error_hint(err, "Wait until it has ended: the backup has another name then.");
    return error_hint(err, "It is no backup and never becomes one: make another.");
}

static bool ends_in_partial(const char *name)
{
    static const char end[] = ".partial";
    size_t len = strlen(name);

    while (len > 1 && name[len - 1] == '/')
        len--;
    return len > strlen(end) && strncmp(name + len - strlen(end), end, strlen(end)) == 0;
}

bool near_miss_check_finished(const char *name, bool is_folder, struct error *err)
{
    enum run_lock_state state;
    int fd, pid;

    if (!ends_in_partial(name) && !(is_folder && has(name, "/" RUN_LOCK_NAME)))
        return true;
    state = is_folder ? run_lock_probe_folder(name, &fd, &pid) : run_lock_probe(name, &fd, &pid);
    if (fd >= 0)
        close(fd);
    return fail_unfinished(name, state, pid, err);
}

/* ---- A backup below ---- */

#define BELOW_DEPTH 6
#define BELOW_ENTRIES 2000

/* Where a tree was restored by Plakar or copied, the backup lies somewhere below. */
static bool find_backup_below(const char *folder, int depth, int *left, char out[PATH_MAX])
{
    DIR *listing = depth == 0 ? NULL : opendir(folder);
    const struct dirent *entry;
    bool found = false;

    while (listing != NULL && !found && (entry = readdir(listing)) != NULL && (*left)-- > 0) {
        char path[PATH_MAX];
        struct stat info;
        int len = snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);

        if (entry->d_name[0] == '.' || len < 0 || (size_t)len >= sizeof(path) ||
            lstat(path, &info) != 0 || !S_ISDIR(info.st_mode))
            continue;
        found = has(path, MANIFEST_PATH) && has(path, SUMMARY_PATH);
        if (found)
            memcpy(out, path, (size_t)len + 1);
        else
            found = find_backup_below(path, depth - 1, left, out);
    }
    if (listing != NULL)
        closedir(listing);
    return found;
}

static bool fail_below(const char *folder, const char *below, struct error *err)
{
    char quoted[QUOTE_PATH_SIZE];

    error_set(err, ERROR_CORRUPT, "%s is no backup, but there is one in it", folder);
    return error_hint(err, "Name the backup itself:  %s",
                      quote_shell(below, quoted, sizeof(quoted)));
}

/* ---- What others put together ---- */

static bool is_of_stock_tools(const char *name)
{
    char path[NAME_MAX + 2];
    enum logical_part part;

    snprintf(path, sizeof(path), "/%s", name);
    part = logical_layout_part(path);
    return part == LOGICAL_PART_GLOBALS || part == LOGICAL_PART_SCRIPT ||
           part == LOGICAL_PART_ARCHIVE;
}

static bool holds_of_stock_tools(const char *folder)
{
    DIR *listing = opendir(folder);
    const struct dirent *entry;
    bool found = false;

    while (listing != NULL && !found && (entry = readdir(listing)) != NULL)
        found = is_of_stock_tools(entry->d_name);
    if (listing != NULL)
        closedir(listing);
    return found;
}

bool near_miss_is_of_stock_tools(const char *folder)
{
    char databases[PATH_MAX];
    int len = snprintf(databases, sizeof(databases), "%s/db", folder);

    return holds_of_stock_tools(folder) ||
           (len > 0 && (size_t)len < sizeof(databases) && holds_of_stock_tools(databases));
}

bool near_miss_lacks_manifest(const char *folder)
{
    return !is_backup(folder) && near_miss_is_of_stock_tools(folder);
}

/* ---- All of it ---- */

static bool fail_data_directory(const char *folder, struct error *err)
{
    if (has(folder, "/postmaster.pid")) {
        error_set(err, ERROR_CORRUPT, "%s is the data directory of a server that runs, or crashed",
                  folder);
        return error_hint(
            err,
            "A backup is made from the server:  pgcask backup postgres+bin://USER@HOST/ " OPTION_TO
            " DIR");
    }
    error_set(err, ERROR_CORRUPT,
              "%s is a data directory, not a backup: nothing in it says what it "
              "should hold",
              folder);
    return error_hint(err, "If a server of its own is stopped there, start it and back it up:  "
                           "pgcask backup postgres+bin://USER@HOST/ " OPTION_TO " DIR");
}

bool near_miss_check(const char *folder, struct error *err)
{
    char quoted[QUOTE_PATH_SIZE], above[PATH_MAX];
    int left = BELOW_ENTRIES;

    if (!near_miss_check_finished(folder, true, err))
        return false;
    quote_shell(folder, quoted, sizeof(quoted));
    if (is_backup(folder))
        return true;
    if (find_backup_above(folder, above)) {
        error_set(err, ERROR_CORRUPT, "%s is a part of the backup %s", folder, above);
        return error_hint(err, "Name the backup itself:  %s",
                          quote_shell(above, quoted, sizeof(quoted)));
    }
    if (near_miss_is_copy(folder))
        return fail_copy(folder, quoted, err);
    if (has(folder, "/PG_VERSION") && has(folder, "/global"))
        return fail_data_directory(folder, err);
    if (has_tar_of_pg_basebackup(folder)) {
        error_set(err, ERROR_CORRUPT,
                  "%s is a backup in tars, as pg_basebackup -Ft makes one, not a backup of pgcask",
                  folder);
        return error_hint(
            err, "It is verified by:  pg_verifybackup -Ft %s  (PostgreSQL 18 and later)", quoted);
    }
    if (is_empty(folder)) {
        error_set(err, ERROR_CORRUPT, "%s is an empty folder", folder);
        return error_hint(err, "Name the folder of a backup: it has a manifest.json and a "
                               "summary.json.");
    }
    if (find_backup_below(folder, BELOW_DEPTH, &left, above))
        return fail_below(folder, above, err);
    error_set(err, ERROR_CORRUPT, "%s is no backup: it has neither manifest.json nor summary.json",
              folder);
    return error_hint(err, "Name the folder of a backup, a .tar file or an archive of pg_dump.");
}
