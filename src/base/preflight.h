/* What is found before a backup or a restore begins, all at once. */
#ifndef PGCASK_BASE_PREFLIGHT_H
#define PGCASK_BASE_PREFLIGHT_H

#include "base/error.h"

#include <stdint.h>

/* Something that would make the work fail or hurt the server, found before any work. */
struct preflight_finding {
    bool fatal;          /* false: a warning */
    char database[256];  /* of several: the one that it is about; "" if about none */
    char message[768];   /* "wal_level is minimal"; it begins with the database, if there is one */
    char remedy[1024];   /* the command or line that mends it */
    char **objects;      /* that it is about, where the message names the first few: "table s.t" */
    size_t object_count; /* PREFLIGHT_OBJECTS_MAX at most */
};

#define PREFLIGHT_OBJECTS_MAX 1000

struct preflight_report {
    size_t count;
    struct preflight_finding *findings;
    const char *database;     /* what is added is about that one of several; NULL: about none */
    uint64_t estimated_bytes; /* size of the cluster without WAL, or of the databases; 0 if it
                                 cannot be asked */
    uint64_t least_bytes;     /* of a logical backup: it will hardly be smaller than this */
};

/* Frees what it holds. */
void preflight_reset(struct preflight_report *report);

/* Adds a finding; the remedy is our own text and may have marks (base/error.h). What is beyond
 * some thousand, and that for which there is no memory, is left out. */
void preflight_add(struct preflight_report *report, bool fatal, const char *remedy,
                   const char *format, ...) ERROR_PRINTF(4, 5);

/* One more object that the finding added last is about. What is beyond the limit, and that for
 * which there is no memory, is left out. */
void preflight_add_object(struct preflight_report *report, const char *object);

#endif
