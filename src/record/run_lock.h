/*
 * Telling what a run that was killed left behind from what another run is writing: a file that is
 * locked (flock) while its run lives. The lock goes with the process, however that ends.
 *
 * A folder that is being filled holds the file RUN_LOCK_NAME until it is complete; a .tar.partial
 * is locked itself. Where the file system has no locks, or one is not seen from everywhere (network
 * file systems, FUSE), nothing can be told, and what is there stays.
 */
#ifndef PGCASK_RECORD_RUN_LOCK_H
#define PGCASK_RECORD_RUN_LOCK_H

#include "base/error.h"

#define RUN_LOCK_NAME "pgcask.lock"

enum run_lock_state {
    RUN_LOCK_NONE,   /* there is no such file, or it is none that a run of this user left */
    RUN_LOCK_DEAD,   /* its run has ended; *fd holds the lock now */
    RUN_LOCK_ALIVE,  /* *pid has it; 0: a process that cannot be seen from here */
    RUN_LOCK_UNKNOWN /* the file cannot be opened, or its file system's locks are not to be trusted
                      */
};

/* Looks at the lock in the file `path`. Close *fd (-1 unless dead) when done. */
enum run_lock_state run_lock_probe(const char *path, int *fd, int *pid);

/* The same for the lock file in a folder. */
enum run_lock_state run_lock_probe_folder(const char *folder, int *fd, int *pid);

/* Makes the lock file in a folder of ours and locks it. -1: failed. */
int run_lock_make(const char *folder, struct error *err);

/* Locks a file that was just made; a file system without locks is none of the caller's. False:
 * another run was faster, or took it for a dead one's and has removed it. */
bool run_lock_take(int fd, const char *path);

/* Before the content of a folder goes with a dead lock, which may be older than what lies beside
 * it: refuses, naming it, if there is anything but the lock and what `known` says a run makes. */
bool run_lock_check_names(const char *folder, bool (*known)(const char *name), struct error *err);

/* Removes the lock file from a folder that has become complete, and closes *fd, which becomes -1.
 */
bool run_lock_remove(const char *folder, int *fd, bool no_sync, struct error *err);

/* "another run (process 4711) writes …"; false. */
bool run_lock_refuse(const char *path, int pid, struct error *err);

#endif
