/* The restore's thread, and what the I/O thread does with what comes and what has become of it. */
#include "plakar/export_job.h"

#include "base/failure.h"
#include "base/utf8.h"
#include "plakar/export_message.h"
#include "plakar/export_queue.h"
#include "plakar/export_results.h"
#include "plakar/spelling.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define STATUS_SIZE 1024 /* of the line that Plakar shows at the end */
#define PATH_SHOWN 300

struct export_job {
    struct service_options options;
    struct cancel cancel; /* the job's own */
    struct export_queue *queue;
    struct export_results *results;
    pthread_t thread;
    bool thread_started;

    /* The restore's thread's, until it is over. */
    bool restored;
    struct error error;
    atomic_bool over;

    /* The I/O thread's. */
    struct grpc_call *call; /* NULL once it is gone */
    bool half_closed, at_once, settled, told;
    bool in_content; /* an empty chunk is still to come */
    bool any_file;   /* has come */
    char path[PATH_SHOWN];
    struct failure stopped; /* why it was stopped, or what of Plakar's makes no sense */
};

/* ---- The restore's thread ---- */

static void on_begun(void *context, const char *path)
{
    export_results_begun(((struct export_job *)context)->results, path);
}

static void on_failed(void *context, const char *path, const char *text)
{
    export_results_failed(((struct export_job *)context)->results, path, text);
}

static void on_done(void *context, const char *path)
{
    export_results_done(((struct export_job *)context)->results, path);
}

static bool restore(struct export_job *job, struct error *err)
{
    const struct connector *connector = job->options.connector;
    const struct connector_outcome outcome = {job, on_begun, on_failed, on_done};
    struct record_source *source = export_queue_source(job->queue, &job->cancel, err);

    if (source == NULL ||
        !connector->restore(connector->context, &job->cancel, source, &outcome, err))
        return false;
    return export_queue_was_taken(job->queue) ||
           error_set(err, ERROR_PROTOCOL, "the restore ended before everything had come");
}

static void *run(void *argument)
{
    struct export_job *job = argument;
    const uint64_t one = 1;
    ssize_t written;

    error_clear(&job->error);
    job->restored = restore(job, &job->error);
    export_queue_drop(job->queue);
    atomic_store(&job->over, true);
    written = write(job->options.wake_fd, &one, sizeof(one));
    (void)written;
    return NULL;
}

/* ---- What comes ---- */

/* What Plakar sent makes no sense, or there is no memory: the restore fails at this place. */
static void fail(struct export_job *job, const struct error *error)
{
    struct error ignored;

    if (job->stopped.failed)
        return;
    failure_keep(&job->stopped, error);
    if (!export_queue_end(job->queue, error, &ignored))
        cancel_request(&job->cancel);
}

static bool check_record(const struct export_job *job, const struct export_record *record,
                         struct error *err)
{
    if (job->in_content)
        return error_set(err, ERROR_CORRUPT, "Plakar sent %s before the end of %s", record->path,
                         job->path);
    if (record->record.type == RECORD_FILE && !record->has_content && !record->is_attribute)
        return error_set(err, ERROR_CORRUPT, "Plakar sent %.300s without its content",
                         record->path);
    return true;
}

static bool take_record(struct export_job *job, struct slice bytes, struct error *err)
{
    struct export_record record;
    bool done, plain;

    if (!export_record_read(&record, bytes, err))
        return false;
    plain = record.record.type != RECORD_FILE || record.is_attribute;
    done = check_record(job, &record, err) &&
           export_results_add(job->results, bytes, record.path, plain, err);
    if (done) {
        job->in_content = record.has_content;
        job->any_file = job->any_file || !plain;
        snprintf(job->path, sizeof(job->path), "%s", record.path);
        utf8_cut(job->path, sizeof(job->path) - 4);
        done = export_queue_put_record(job->queue, &record, err);
    }
    export_record_reset(&record);
    return done;
}

static bool take_chunk(struct export_job *job, struct slice bytes, struct error *err)
{
    if (!job->in_content)
        return error_set(err, ERROR_PROTOCOL, "Plakar sent content that is of no file");
    if (bytes.len > 0)
        return export_queue_put_content(job->queue, bytes, err);
    job->in_content = false;
    return export_queue_put_content_end(job->queue, err);
}

void export_job_message(struct export_job *job, struct slice message)
{
    enum export_packet packet;
    struct slice bytes;
    struct error err;

    error_clear(&err);
    if (!job->stopped.failed &&
        (!export_message_read(message, &packet, &bytes, &err) ||
         !(packet == EXPORT_RECORD ? take_record(job, bytes, &err) : take_chunk(job, bytes, &err))))
        fail(job, &err);
    export_job_pump(job);
}

void export_job_half_closed(struct export_job *job)
{
    struct error err;

    job->half_closed = true;
    error_clear(&err);
    if (job->in_content) {
        error_set(&err, ERROR_CORRUPT, "Plakar stopped in the middle of %s", job->path);
        error_hint(&err, "Its own messages say why. \"plakar check\" tells whether the snapshot "
                         "can be read.");
        fail(job, &err);
    } else if (!job->any_file && !job->stopped.failed) {
        error_set(&err, ERROR_CORRUPT, "Plakar sent no file");
        error_hint(&err, "Look at what is in the snapshot, or in that part of it:  plakar ls");
        fail(job, &err);
    } else if (!job->stopped.failed && !export_queue_end(job->queue, NULL, &err)) {
        fail(job, &err);
    }
    export_job_pump(job);
}

/* ---- What is said ---- */

static void say_results(struct export_job *job)
{
    struct buffer message = {0};
    struct error err;

    while (export_results_next(job->results, &message, &err)) {
        if (job->call != NULL && !grpc_call_send(job->call, buffer_slice(&message), &err))
            break;
        buffer_clear(&message);
    }
    if (err.code != ERROR_NONE)
        fail(job, &err);
    buffer_free(&message);
}

/* Why it failed; NULL: it did not. */
static const struct error *failure_of(const struct export_job *job)
{
    /* What was asked for by name is the reason for what followed. */
    if (job->stopped.failed && (job->restored || job->error.code == ERROR_CANCELLED))
        return &job->stopped.error;
    return job->restored ? NULL : &job->error;
}

static void fill_status(struct buffer *text, const struct error *failure)
{
    struct error ignored;

    if (!grpc_error_text(text, failure, &ignored))
        buffer_clear(text);
    if (text->len >= STATUS_SIZE) {
        buffer_truncate(text, utf8_fitting(buffer_slice(text), STATUS_SIZE - 1));
    }
}

static void settle(struct export_job *job)
{
    const struct error *failure = failure_of(job);
    char why[1200];

    if (job->settled)
        return;
    job->settled = true;
    if (failure == NULL) {
        export_results_settle(job->results, NULL);
        return;
    }
    snprintf(why, sizeof(why), "not restored: %s", failure->message);
    error_spell_text(why, sizeof(why), &plakar_speller);
    export_results_settle(job->results, why);
}

static void say_end(struct export_job *job)
{
    const struct error *failure = failure_of(job);
    struct buffer text = {0};

    if (job->call == NULL || job->told)
        return;
    job->told = true;
    if (failure != NULL)
        fill_status(&text, failure);
    grpc_call_end(job->call, failure == NULL ? GRPC_OK : GRPC_UNKNOWN, buffer_text(&text));
    buffer_free(&text);
}

void export_job_pump(struct export_job *job)
{
    bool over = export_job_over(job);

    if (over)
        settle(job);
    say_results(job);
    if (job->call != NULL && (over || !export_queue_full(job->queue)))
        grpc_call_give_window(job->call);
    if (over && (job->half_closed || job->at_once))
        say_end(job);
}

/* ---- Its life ---- */

bool export_job_over(struct export_job *job)
{
    return atomic_load(&job->over);
}

bool export_job_told(const struct export_job *job)
{
    return job->told || job->call == NULL;
}

void export_job_stop(struct export_job *job, const char *why, bool at_once)
{
    struct error err;

    job->at_once = job->at_once || at_once;
    if (!export_job_over(job)) {
        error_clear(&err);
        error_set(&err, ERROR_CANCELLED, "%s", why);
        failure_keep(&job->stopped, &err);
    }
    cancel_request(&job->cancel);
}

void export_job_ended(struct export_job *job)
{
    job->call = NULL;
    export_job_stop(job, "Plakar cancelled the restore", true);
}

struct export_job *export_job_start(const struct service_options *options, struct grpc_call *call,
                                    struct error *err)
{
    struct export_job *job = calloc(1, sizeof(*job));
    int code;

    if (job == NULL) {
        error_set_memory(err);
        return NULL;
    }
    job->options = *options;
    job->call = call;
    if (!cancel_init_child(&job->cancel, options->cancel, err)) {
        free(job);
        return NULL;
    }
    job->queue = export_queue_new(options->wake_fd, err);
    job->results = job->queue == NULL ? NULL : export_results_new(options->wake_fd, err);
    if (job->results == NULL) {
        export_job_free(job);
        return NULL;
    }
    code = pthread_create(&job->thread, NULL, run, job);
    if (code != 0) {
        error_set_errno(err, code, "cannot start a thread");
        export_job_free(job);
        return NULL;
    }
    job->thread_started = true;
    grpc_call_hold_window(call);
    return job;
}

void export_job_free(struct export_job *job)
{
    if (job == NULL)
        return;
    cancel_request(&job->cancel);
    if (job->thread_started)
        pthread_join(job->thread, NULL);
    export_results_free(job->results);
    export_queue_free(job->queue);
    cancel_reset(&job->cancel);
    free(job);
}
