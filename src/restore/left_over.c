#include "restore/left_over.h"

#include "record/run_lock.h"
#include "record/store.h"

#include <unistd.h>

bool left_over_clear(const char *folder, bool also_folder, bool *cleared, struct error *err)
{
    int fd, pid;

    *cleared = false;
    switch (run_lock_probe_folder(folder, &fd, &pid)) {
    case RUN_LOCK_ALIVE:
        return run_lock_refuse(folder, pid, err);
    case RUN_LOCK_DEAD:
        *cleared = directory_remove_tree(folder, also_folder, err);
        close(fd);
        return *cleared;
    case RUN_LOCK_NONE:
    case RUN_LOCK_UNKNOWN:
        break;
    }
    return true;
}
