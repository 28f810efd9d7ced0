/*
 * What a restore that was killed left may be cleared away only if nobody's data can be in it: its
 * lock says whose it is and that nobody is at work, and its names are those that a restore makes.
 */
#include "restore/left_over.h"

#include "record/run_lock.h"
#include "record/store.h"

#include <string.h>
#include <unistd.h>

bool left_over_is_data_name(const char *name)
{
    static const char *const names[] = {"PG_VERSION",
                                        "backup_label",
                                        "backup_label.old",
                                        "backup_manifest",
                                        "base",
                                        "global",
                                        "current_logfiles",
                                        "log",
                                        "pg_commit_ts",
                                        "pg_dynshmem",
                                        "pg_hba.conf",
                                        "pg_ident.conf",
                                        "pg_log",
                                        "pg_logical",
                                        "pg_multixact",
                                        "pg_notify",
                                        "pg_replslot",
                                        "pg_serial",
                                        "pg_snapshots",
                                        "pg_stat",
                                        "pg_stat_tmp",
                                        "pg_subtrans",
                                        "pg_tblspc",
                                        "pg_twophase",
                                        "pg_wal",
                                        "pg_xact",
                                        "postgresql.auto.conf",
                                        "postgresql.conf",
                                        "recovery.signal",
                                        "recovery.done",
                                        "standby.signal",
                                        "tablespace_map",
                                        "tablespace_map.old"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(name, names[i]) == 0)
            return true;
    }
    return strncmp(name, "pgcask.", 7) == 0;
}

/* "PG_15_202209061" */
bool left_over_is_tablespace_name(const char *name)
{
    static const char digits[] = "0123456789";
    size_t major;

    if (strncmp(name, "PG_", 3) != 0)
        return false;
    name += 3;
    major = strspn(name, digits);
    if (major == 0 || name[major] != '_')
        return false;
    name += major + 1;
    return *name != '\0' && name[strspn(name, digits)] == '\0';
}

bool left_over_clear(const char *folder, bool also_folder, bool (*known)(const char *name),
                     const struct log *log, bool *cleared, struct error *err)
{
    int fd, pid;

    *cleared = false;
    switch (run_lock_probe_folder(folder, &fd, &pid)) {
    case RUN_LOCK_ALIVE:
        return run_lock_refuse(folder, pid, err);
    case RUN_LOCK_DEAD:
        if (known == NULL || run_lock_check_names(folder, known, err)) {
            log_message(log, LOG_WARNING, "replacing what an interrupted restore left in %s",
                        folder);
            *cleared = directory_remove_tree(folder, also_folder, err);
        }
        close(fd);
        return *cleared;
    case RUN_LOCK_NONE:
    case RUN_LOCK_UNKNOWN:
        break;
    }
    return true;
}

bool left_over_clear_place(struct folder *place, const struct log *log, struct error *err)
{
    char staging[PATH_MAX];
    bool cleared;

    if (!left_over_clear(place->path, false, left_over_is_tablespace_name, log, &place->empty,
                         err) ||
        !folder_join(staging, place->path, FOLDER_STAGING, err))
        return false;
    return place->empty || left_over_clear(staging, true, NULL, log, &cleared, err);
}
