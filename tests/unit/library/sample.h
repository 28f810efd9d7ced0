/* A source of records that an array holds, through the public callbacks. */
#ifndef PGCASK_TESTS_LIBRARY_SAMPLE_H
#define PGCASK_TESTS_LIBRARY_SAMPLE_H

#include <pgcask/pgcask.h>

struct sample_record {
    enum pgcask_record_type type;
    const char *path;
    const char *content; /* of a file, or the target of a link */
};

struct sample {
    const struct sample_record *records; /* up to one without a path */
    size_t piece;                        /* bytes a read; 0: all at once */
    int64_t lie;                         /* added to the size of each file */
    unsigned fail_at;                    /* the call that fails, from 1; 0: none */
    bool silent;                         /* a failure leaves the error alone */

    /* What happened. */
    size_t next, offset;
    unsigned calls, closed;
};

/* A folder, two files and a link, then /summary.json. */
extern const struct sample_record sample_backup[];

/* The sample is borrowed until the source is closed. Never NULL. */
struct pgcask_source *sample_open(struct sample *sample, const struct pgcask_control *control);

#endif
