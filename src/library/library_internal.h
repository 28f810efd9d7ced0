/*
 * What src/library keeps to itself: the objects behind the public names, and the ways between
 * public structures and those of the floors below.
 *
 * Public structures that may grow begin with struct_size, which tells how much of one the caller
 * knows. They are read and written through library_take and library_give, never directly.
 */
#ifndef PGCASK_LIBRARY_INTERNAL_H
#define PGCASK_LIBRARY_INTERNAL_H

#include <pgcask/pgcask.h>

#include "base/cancel.h"
#include "base/digest.h"
#include "base/failure.h"
#include "base/log.h"
#include "library/members_internal.h"
#include "library/options.h"
#include "record/place.h"
#include "restore/restore_request.h"
#include "wire/wire.h"

#include <pthread.h>
#include <signal.h>

/* ---- Structures that may grow (structures.c) ---- */

/* Copies what the caller knows of its structure and zeroes the rest. NULL gives all zero. Fails if
 * struct_size was not set; `name` is the structure's, for the message. */
bool library_take(void *ours, size_t our_size, const void *theirs, const char *name,
                  struct error *err);

/* Copies as much as the caller knows of; its struct_size stays. NULL is passed over. */
bool library_give(void *theirs, const void *ours, size_t our_size, const char *name,
                  struct error *err);

/* ---- Errors (error.c) ---- */

/* How the library calls options and settings (spelling.c). */
extern const struct error_speller library_speller;

/* Gives the error to the caller, who may not want it; false. */
bool library_fail(struct pgcask_error *error, const struct error *err);

/* What a callback of the caller left in `error`, which was cleared before; false. `what` is the
 * callback, for one that said nothing. */
bool library_fail_by_callback(struct error *err, struct pgcask_error *error, const char *what);

void library_error_clear(struct pgcask_error *error);

/* Copies what both have; NULL is passed over. */
void library_error_copy(struct pgcask_error *to, const struct pgcask_error *from);

/* ---- A job's control (control.c) ---- */

struct pgcask_cancel {
    struct cancel cancel;
};

/* What every source and every question to a server has. */
struct library_job {
    struct pgcask_control control;
    struct cancel cancel; /* the job's own: requested with the caller's, not the other way round */
    struct log log;
    struct record_observer observer; /* moves the progress */
    pthread_mutex_t log_lock;        /* a job's log is written from two threads */
    struct pgcask_progress progress;
    int64_t next_call;            /* of control.progress, on base/clock.h's clock */
    char *lists[LIBRARY_MEMBERS]; /* copies of the texts that the request's lists have */
};

bool library_job_init(struct library_job *job, const struct pgcask_control *control,
                      struct error *err);
void library_job_reset(struct library_job *job);

/* Tells the caller at once. */
void library_job_tell(struct library_job *job);
/* The same if the phase, a literal, is a new one. */
void library_job_set_phase(struct library_job *job, const char *phase);
/* Adds, and tells the caller if it is time. */
void library_job_move(struct library_job *job, size_t bytes);

/* ---- Settings (settings.c) ---- */

/* Fails unless they are complete. */
bool library_settings_check(const struct pgcask_settings *settings,
                            const struct wire_settings **wire, struct error *err);

/* ---- Requests (options.c) ---- */

struct backup_request;
struct restore_request;

/* What the caller asks for: `given` is the public structure of the command's options, or NULL.
 * Texts are borrowed. */
bool library_request(struct backup_request *request, enum library_command command,
                     const struct pgcask_settings *settings, const void *given,
                     struct library_job *job, struct error *err);

/* The same for a restore into a server. `given` is filled, and to be freed when the request is no
 * longer needed; it borrows the texts of `options`, which were taken. */
bool library_restore_request(struct restore_request *request, struct options *given,
                             struct pgcask_logical_restore_options *options,
                             const struct pgcask_settings *settings, struct library_job *job,
                             struct error *err);

/* ---- Sources (source.c) ---- */

enum library_source_kind {
    LIBRARY_BACKUP,
    LIBRARY_LOGICAL_BACKUP,
    LIBRARY_DIRECTORY,
    LIBRARY_TAR,
    LIBRARY_STREAM, /* a tar, too */
    LIBRARY_CALLBACKS
};

struct pgcask_source {
    struct library_job job;
    enum library_source_kind kind;
    struct record_source *inner;
    bool begun; /* records were taken */
    bool ended; /* all of them */
    struct failure failure;
    struct reader *reader; /* of the record that pgcask_source_next gave last; NULL: it has none */
    bool content_ended;    /* of that record */
    struct record_place place;                        /* of a stored backup */
    char *path;                                       /* of a directory or tar file */
    char *label, *transfer_compression, *compression; /* copies of the options' texts */

    /* The same records for the floors below, which close what they are given: this one is not. */
    struct record_source lent;
};

/* An empty one with its job; NULL with *error filled. */
struct pgcask_source *library_source_new(const struct pgcask_control *control,
                                         struct pgcask_error *error);

/* The last step of opening one: gives it, or if it was not opened tells why and frees it. */
struct pgcask_source *library_source_opened(struct pgcask_source *source, bool opened,
                                            const struct error *err, struct pgcask_error *error);

/* For a function that takes all records: the source to hand down. Fails if some were taken. */
bool library_source_lend(struct pgcask_source *source, struct record_source **lent,
                         struct error *err);

void library_record_publish(const struct record *record, struct pgcask_record *published);

/* ---- Problems (restore.c) ---- */

/* Tells the caller, who may not want to know, in the library's words. */
void library_problem_tell(pgcask_problem_fn *problem, void *context, enum pgcask_problem_kind kind,
                          const char *path, const char *text);

/* ---- Signals (quiet_signals.c) ---- */

/* A pipe whose reader went away and a file that reached RLIMIT_FSIZE raise a signal that ends the
 * process. Between these two calls the calling thread does not get it. */
struct quiet_signals {
    sigset_t before;
    bool was_pending[2];
};

void quiet_signals_begin(struct quiet_signals *quiet);
void quiet_signals_end(const struct quiet_signals *quiet);

/* ---- Restores into a server (logical_restore.c, meter.c) ---- */

struct restore_input;
struct restore_request;

/* Of a stream what was opened is taken; it has ended for the caller. */
bool library_restore_input(struct pgcask_source *source, struct restore_input *input,
                           struct error *err);

/* Tells the job's progress of a restore about ten times a second, from a thread of its own, for the
 * one that called is in the restore. */
struct library_meter {
    struct library_job *job;
    struct restore_progress counts;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool running, stopping;
};

bool library_meter_start(struct library_meter *meter, struct library_job *job,
                         struct restore_request *request, struct error *err);
void library_meter_stop(struct library_meter *meter);

#endif
