/*
 * Somebody who restores into a backup, or backs up into a data directory, has mostly mistaken a
 * path. It is told before anything is made there.
 */
#include "restore/surroundings.h"

#include "base/quote.h"
#include "manifest/manifest_stream.h"
#include "manifest/summary.h"
#include "record/run_lock.h"
#include "restore/cluster_files.h"
#include "restore/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool has_data_file(const char *folder, const char *name)
{
    char data[PATH_MAX];
    struct error ignored;

    return folder_join(data, folder, "data", &ignored) && folder_has(data, name);
}

/* Other programs have files of these names, too: ours says who made it at its beginning. */
static bool is_our_summary(const char *folder)
{
    char path[PATH_MAX], head[256];
    struct error ignored;
    ssize_t got = -1;
    int fd;

    if (!folder_join(path, folder, &SUMMARY_PATH[1], &ignored))
        return false;
    fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) /* who may not read it cannot tell */
        return errno == EACCES;
    got = read(fd, head, sizeof(head) - 1);
    close(fd);
    if (got < 0)
        return false;
    head[got] = '\0';
    return strstr(head, "\"pgcask ") != NULL;
}

bool surroundings_is_backup(const char *folder)
{
    return folder_has(folder, &MANIFEST_PATH[1]) && folder_has(folder, &SUMMARY_PATH[1]) &&
           is_our_summary(folder) && !has_data_file(folder, "postmaster.opts") &&
           !has_data_file(folder, "postmaster.pid") && !has_data_file(folder, "backup_label.old");
}

static bool is_data_directory(const char *folder)
{
    return folder_has(folder, "PG_VERSION") && folder_has(folder, CONTROL_FILE);
}

/* A lock that is not this user's, nor root's, says nothing: anybody may have made it, as in /tmp.
 */
static bool check_lock(const char *folder, const char *target, struct error *err)
{
    char path[PATH_MAX], quoted[QUOTE_PATH_SIZE];
    enum run_lock_state state;
    struct error ignored;
    struct stat st;
    int fd, pid;

    if (!folder_join(path, folder, RUN_LOCK_NAME, &ignored) || lstat(path, &st) != 0 ||
        (st.st_uid != geteuid() && st.st_uid != 0))
        return true;
    state = run_lock_probe_folder(folder, &fd, &pid);
    if (fd >= 0)
        close(fd);
    if (state == RUN_LOCK_NONE)
        return true;
    error_set(err, ERROR_REFUSED, "%s lies in %s, which another run %s", target, folder,
              state == RUN_LOCK_ALIVE  ? "is writing"
              : state == RUN_LOCK_DEAD ? "was interrupted in"
                                       : "is writing or was interrupted in");
    if (state == RUN_LOCK_ALIVE)
        return error_hint(err, "Choose a place outside it.");
    return error_hint(err,
                      "Choose a place outside it, or, if no other run is at work and the folder "
                      "shall be kept, remove what marks it:  rm %s",
                      quote_shell(path, quoted, sizeof(quoted)));
}

static bool check_folder(const char *folder, const char *target, struct error *err)
{
    const char *elsewhere = "Choose a place outside it.";
    char quoted[QUOTE_PATH_SIZE];

    /* A copy that is whole, but whose cluster runs, is both: the nearer one is said. */
    if (is_data_directory(folder)) {
        error_set(err, ERROR_REFUSED, "%s lies in the data directory %s", target, folder);
        return error_hint(err, "%s", elsewhere);
    }
    if (surroundings_is_backup(folder)) {
        error_set(err, ERROR_REFUSED, "%s lies in the backup %s, which would be damaged by it",
                  target, folder);
        return error_hint(err, "Choose a place outside it. What is in it says:  pgcask list %s",
                          quote_shell(folder, quoted, sizeof(quoted)));
    }
    return check_lock(folder, target, err);
}

bool surroundings_check(const char *target, struct error *err)
{
    char folder[PATH_MAX], *slash;

    if (!folder_foresee(target, folder))
        return true; /* whoever opens it says why not */
    while ((slash = strrchr(folder, '/')) != NULL && slash != folder) {
        *slash = '\0';
        if (!check_folder(folder, target, err))
            return false;
    }
    return true;
}
