/* What is found before a backup of either kind begins. */
#ifndef PGCASK_BACKUP_PREFLIGHT_H
#define PGCASK_BACKUP_PREFLIGHT_H

#include "base/error.h"

#include <stdint.h>

/* Something that would make the backup fail or hurt the server, found before any work. */
struct preflight_finding {
    bool fatal;        /* false: a warning */
    char message[512]; /* "wal_level is minimal" */
    char remedy[1024]; /* the command or line that mends it */
};

#define PREFLIGHT_MAX 32

struct preflight_report {
    size_t count;
    struct preflight_finding findings[PREFLIGHT_MAX];
    uint64_t estimated_bytes; /* size of the cluster without WAL, or of the database; 0 if it cannot
                                 be asked */
    uint64_t least_bytes;     /* of a logical backup: it will hardly be smaller than this */
};

/* Adds a finding; the remedy is our own text and may have marks (base/error.h). What is beyond
 * PREFLIGHT_MAX is left out. */
void preflight_add(struct preflight_report *report, bool fatal, const char *remedy,
                   const char *format, ...) ERROR_PRINTF(4, 5);

#endif
