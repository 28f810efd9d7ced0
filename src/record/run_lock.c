#include "record/run_lock.h"

#include "record/record_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define PROBES_MAX 5 /* while others make and remove the file */

/* Who has the lock, from /proc/locks: "1: FLOCK ADVISORY WRITE 4711 fe:01:393221 0 EOF". 0: not
 * told, as for a process in another container or on another host. */
static int find_holder(const struct stat *st)
{
    FILE *locks = fopen("/proc/locks", "re");
    char line[256];
    int holder = 0;

    while (locks != NULL && holder == 0 && fgets(line, sizeof(line), locks) != NULL) {
        unsigned major_number, minor_number;
        unsigned long long inode;
        int pid;

        if (sscanf(line, "%*s %*s %*s %*s %d %x:%x:%llu", &pid, &major_number, &minor_number,
                   &inode) == 4 &&
            inode == st->st_ino && major_number == major(st->st_dev) &&
            minor_number == minor(st->st_dev) && pid > 0)
            holder = pid;
    }
    if (locks != NULL)
        fclose(locks);
    return holder;
}

enum run_lock_state run_lock_probe(const char *path, int *fd, int *pid)
{
    *pid = 0;
    for (int i = 0; i < PROBES_MAX; i++) {
        enum run_lock_state state = RUN_LOCK_DEAD;
        struct stat opened, named;

        *fd = open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        if (*fd < 0)
            return RUN_LOCK_NONE;
        if (fstat(*fd, &opened) != 0 || !S_ISREG(opened.st_mode))
            state = RUN_LOCK_NONE;
        else if (flock(*fd, LOCK_EX | LOCK_NB) != 0)
            state = errno == EWOULDBLOCK ? RUN_LOCK_ALIVE : RUN_LOCK_UNKNOWN;
        /* Whoever had it may have removed it and made a new one since it was opened. */
        if (state == RUN_LOCK_DEAD && lstat(path, &named) == 0 && named.st_ino == opened.st_ino &&
            named.st_dev == opened.st_dev)
            return state;
        if (state == RUN_LOCK_ALIVE)
            *pid = find_holder(&opened);
        close(*fd);
        *fd = -1;
        if (state != RUN_LOCK_DEAD)
            return state;
    }
    return RUN_LOCK_ALIVE;
}

enum run_lock_state run_lock_probe_folder(const char *folder, int *fd, int *pid)
{
    char path[RECORD_PATH_MAX];
    struct error ignored;

    *fd = -1;
    if (!path_with_suffix(folder, "/" RUN_LOCK_NAME, path, &ignored))
        return RUN_LOCK_NONE;
    return run_lock_probe(path, fd, pid);
}

bool run_lock_take(int fd)
{
    return flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK;
}

int run_lock_make(const char *folder, struct error *err)
{
    char path[RECORD_PATH_MAX];
    int fd;

    if (!path_with_suffix(folder, "/" RUN_LOCK_NAME, path, err))
        return -1;
    fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        error_set_errno(err, errno, "cannot create \"%s\"", path);
        return -1;
    }
    if (run_lock_take(fd))
        return fd;
    close(fd);
    run_lock_refuse(folder, 0, err);
    return -1;
}

bool run_lock_remove(const char *folder, int *fd, bool no_sync, struct error *err)
{
    char path[RECORD_PATH_MAX];
    bool removed;

    if (*fd < 0)
        return true;
    removed = path_with_suffix(folder, "/" RUN_LOCK_NAME, path, err) &&
              (unlink(path) == 0 || error_set_errno(err, errno, "cannot remove \"%s\"", path)) &&
              (no_sync || path_sync_directory(folder, err));
    close(*fd);
    *fd = -1;
    return removed;
}

bool run_lock_refuse(const char *path, int pid, struct error *err)
{
    char process[64] = "a process that cannot be seen from here";

    if (pid > 0)
        snprintf(process, sizeof(process), "process %d", pid);
    error_set(err, ERROR_REFUSED, "another run is writing \"%s\": %s", path, process);
    return error_hint(err, "Wait until it has ended, or choose another name.");
}
