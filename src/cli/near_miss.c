#include "cli/near_miss.h"

#include "base/quote.h"
#include "manifest/manifest.h"
#include "manifest/summary.h"
#include "record/record.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

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

static bool fail_data_directory(const char *folder, const char *quoted, struct error *err)
{
    if (has(folder, "/postmaster.pid")) {
        error_set(err, ERROR_CORRUPT, "%s is the data directory of a server that runs, or crashed",
                  folder);
        return error_hint(err, "A backup is made from the server:  pgcask backup "
                               "postgres+bin://USER@HOST/ " ERROR_OPTION("to") " DIR");
    }
    if (has(folder, "/backup_manifest")) {
        error_set(err, ERROR_CORRUPT,
                  "%s is a copy of a data directory with a backup_manifest, as pg_basebackup makes "
                  "one, not a backup of pgcask",
                  folder);
        return error_hint(err,
                          "It is verified by:  pg_verifybackup %s\nA server starts on it as it "
                          "is.",
                          quoted);
    }
    error_set(err, ERROR_CORRUPT,
              "%s is a data directory, not a backup: nothing in it says what it "
              "should hold",
              folder);
    return error_hint(err,
                      "If a server of its own is stopped there, start it and back it up:  pgcask "
                      "backup postgres+bin://USER@HOST/ " ERROR_OPTION("to") " DIR");
}

static bool has_tar_of_pg_basebackup(const char *folder)
{
    return has(folder, "/base.tar") || has(folder, "/base.tar.gz") ||
           has(folder, "/base.tar.lz4") || has(folder, "/base.tar.zst");
}

bool near_miss_check(const char *folder, struct error *err)
{
    char quoted[QUOTE_PATH_SIZE], above[PATH_MAX];

    if (is_backup(folder))
        return true;
    quote_shell(folder, quoted, sizeof(quoted));
    if (find_backup_above(folder, above)) {
        error_set(err, ERROR_CORRUPT, "%s is a part of the backup %s", folder, above);
        return error_hint(err, "Name the backup itself:  %s",
                          quote_shell(above, quoted, sizeof(quoted)));
    }
    if (has(folder, "/PG_VERSION") && has(folder, "/global"))
        return fail_data_directory(folder, quoted, err);
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
    error_set(err, ERROR_CORRUPT, "%s is no backup: it has neither manifest.json nor summary.json",
              folder);
    return error_hint(err, "Name the folder of a backup, a .tar file or an archive of pg_dump.");
}
