/*
 * A restore that Plakar pushes: a thread restores what comes out of a queue, into which the I/O
 * thread puts what Plakar sends; Plakar is given leave to send more as it is taken.
 *
 * The job is over when the connector's sessions are closed. Only then Plakar hears how it ended, by
 * the call's status, and only once it has sent everything: before that it would not show the
 * reason. END_STREAM says nothing of whether everything came: the restore itself judges that.
 *
 * All functions are the I/O thread's.
 */
#ifndef PGCASK_PLAKAR_EXPORT_JOB_H
#define PGCASK_PLAKAR_EXPORT_JOB_H

#include "plakar/service.h"

struct export_job;

/* call: Export's. */
struct export_job *export_job_start(const struct service_options *options, struct grpc_call *call,
                                    struct error *err);

/* Stops the job if it still runs, and waits for its end. NULL is allowed. */
void export_job_free(struct export_job *job);

/* Plakar sent something on the call, or the last of it. */
void export_job_message(struct export_job *job, struct slice message);
void export_job_half_closed(struct export_job *job);

/* The call is gone. */
void export_job_ended(struct export_job *job);

/* Says what is to be said on the call. */
void export_job_pump(struct export_job *job);

/* The job shall fail, and soon; at_once: what Plakar still sends is not awaited. */
void export_job_stop(struct export_job *job, const char *why, bool at_once);

/* True once nothing of the job runs any more. */
bool export_job_over(struct export_job *job);

/* True once the call has ended, too. */
bool export_job_told(const struct export_job *job);

#endif
