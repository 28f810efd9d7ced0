/*
 * A backup that Plakar pulls: a thread asks a record source for records, which the I/O thread
 * announces; content is read when Plakar opens a record, never before.
 *
 * The job is over when every record was dealt with and the source is closed, so that a failure can
 * still be told: Plakar hears of the end only then. It fails if anything is not as it should be:
 * the source, a record that Plakar did not open or did not read to its end.
 *
 * All functions but the job's own threads are the I/O thread's.
 */
#ifndef PGCASK_PLAKAR_IMPORT_JOB_H
#define PGCASK_PLAKAR_IMPORT_JOB_H

#include "plakar/connector.h"
#include "plakar/excludes.h"
#include "plakar/grpc.h"

struct import_job_options {
    const struct connector *connector;
    struct cancel *cancel;
    const struct log *log;
    const struct excludes *excludes; /* what Plakar was told to leave out */
    size_t concurrency;              /* readers at a time, of an independent source */
    /* NULL, or names the signal that requested cancel; NULL if none did. Any thread calls it. */
    const char *(*stopped_by)(void);
    int wake_fd; /* an eventfd that makes the I/O thread call import_job_pump */
};

struct import_job;

struct import_job *import_job_start(const struct import_job_options *options, struct error *err);

/* Stops the job if it still runs, and waits for its end. NULL is allowed. */
void import_job_free(struct import_job *job);

/* Moves what the job has ready into its calls. */
void import_job_pump(struct import_job *job, struct grpc_call *import);

/* Plakar opens a record; the call is ended here or by import_job_pump. */
void import_job_open(struct import_job *job, struct grpc_call *call, const char *path);
/* That call is gone. */
void import_job_open_ended(struct import_job *job, const struct grpc_call *call, bool complete);

/* Plakar is done with a record. */
void import_job_acknowledge(struct import_job *job, const char *path);

/* The job shall fail, and soon: why. */
void import_job_stop(struct import_job *job, const char *why);

/* True once nothing of the job runs any more; *failure is NULL if all went well, and else borrowed
 * from the job. */
bool import_job_over(const struct import_job *job, const struct error **failure);

#endif
