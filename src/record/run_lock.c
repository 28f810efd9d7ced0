/*
 * flock(2) on a file inside what is being written, and who holds it, from /proc/locks. The
 * difficulty is all in what cannot be known: file systems whose locks are not seen from everywhere,
 * and files that go and come while they are looked at.
 */
#include "record/run_lock.h"

#include "record/record_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
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

/* Where another host, or a container with a mount of its own, may hold a lock that is not seen
 * here. */
static bool locks_are_local(int fd)
{
    static const unsigned elsewhere[] = {NFS_SUPER_MAGIC,  V9FS_MAGIC,      FUSE_SUPER_MAGIC,
                                         CIFS_SUPER_MAGIC, SMB_SUPER_MAGIC, SMB2_SUPER_MAGIC,
                                         CEPH_SUPER_MAGIC, AFS_SUPER_MAGIC, AFS_FS_MAGIC};
    struct statfs info;

    if (fstatfs(fd, &info) != 0)
        return false;
    for (size_t i = 0; i < sizeof(elsewhere) / sizeof(elsewhere[0]); i++) {
        if ((unsigned)info.f_type == elsewhere[i])
            return false;
    }
    return true;
}

static bool is_same_file(const char *path, const struct stat *opened)
{
    struct stat named;

    return lstat(path, &named) == 0 && named.st_ino == opened->st_ino &&
           named.st_dev == opened->st_dev;
}

/* Of a file that nobody has locked: anybody may have made one of the name. */
static enum run_lock_state judge_unlocked(int fd, const struct stat *opened)
{
    if (opened->st_uid != geteuid() || opened->st_nlink != 1)
        return RUN_LOCK_NONE;
    return locks_are_local(fd) ? RUN_LOCK_DEAD : RUN_LOCK_UNKNOWN;
}

enum run_lock_state run_lock_probe(const char *path, int *fd, int *pid)
{
    *pid = 0;
    for (int i = 0; i < PROBES_MAX; i++) {
        enum run_lock_state state = RUN_LOCK_DEAD;
        struct stat opened;

        *fd = open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        if (*fd < 0)
            return errno == ENOENT || errno == ENOTDIR || errno == ELOOP ? RUN_LOCK_NONE
                                                                         : RUN_LOCK_UNKNOWN;
        if (fstat(*fd, &opened) != 0 || !S_ISREG(opened.st_mode))
            state = RUN_LOCK_NONE;
        else if (flock(*fd, LOCK_EX | LOCK_NB) != 0)
            state = errno == EWOULDBLOCK ? RUN_LOCK_ALIVE : RUN_LOCK_UNKNOWN;
        /* Whoever had it may have removed it and made a new one since it was opened. */
        if (state == RUN_LOCK_DEAD && is_same_file(path, &opened)) {
            state = judge_unlocked(*fd, &opened);
            if (state == RUN_LOCK_DEAD)
                return state;
        }
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
    enum run_lock_state state;
    struct error ignored;
    struct stat st;

    *fd = -1;
    if (!path_with_suffix(folder, "/" RUN_LOCK_NAME, path, &ignored))
        return RUN_LOCK_NONE;
    state = run_lock_probe(path, fd, pid);
    if (state != RUN_LOCK_DEAD || (fstat(*fd, &st) == 0 && st.st_size == 0))
        return state;
    close(*fd); /* ours is empty */
    *fd = -1;
    return RUN_LOCK_NONE;
}

bool run_lock_take(int fd, const char *path)
{
    struct stat opened, named = {0};

    if (flock(fd, LOCK_EX | LOCK_NB) != 0)
        return errno != EWOULDBLOCK;
    /* Lost only if the name is surely another's by now: not where looking at it fails. */
    if (fstat(fd, &opened) != 0)
        return true;
    if (lstat(path, &named) != 0)
        return errno != ENOENT;
    return named.st_ino == opened.st_ino && named.st_dev == opened.st_dev;
}

bool run_lock_check_names(const char *folder, bool (*known)(const char *name), struct error *err)
{
    DIR *listing = opendir(folder);
    const struct dirent *entry = NULL;
    bool ours = true;
    int failure;

    if (listing == NULL)
        return error_set_errno(err, errno, "cannot open folder \"%s\"", folder);
    while (ours && (errno = 0, entry = readdir(listing)) != NULL)
        ours = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
               strcmp(entry->d_name, RUN_LOCK_NAME) == 0 || known(entry->d_name);
    failure = ours ? errno : 0;
    if (!ours) {
        error_set(err, ERROR_REFUSED,
                  "\"%s\" holds what an interrupted run left, and \"%s\", which may be of another "
                  "origin",
                  folder, entry->d_name);
        error_reason(err, "target_not_empty");
        error_hint(err, "Nothing was removed. Look at it, and move it elsewhere, or choose another "
                        "place.");
    }
    closedir(listing);
    if (failure != 0)
        error_set_errno(err, failure, "cannot read folder \"%s\"", folder);
    return ours && failure == 0;
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
    if (run_lock_take(fd, path))
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
