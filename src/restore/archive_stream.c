/*
 * The data of an archive that streams by, over several sessions: the caller's thread reads and
 * cuts, a thread for each session puts in what it is given. A session that has nothing to do has
 * committed what it did, so that whoever waits for one of its locks does not wait for whoever
 * reads.
 */
#include "restore/archive_restore_internal.h"

#include "restore/stream_splitter.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct stream_crew {
    struct archive_job *job;
    struct packet_queues queues;
};

struct stream_worker {
    struct stream_crew *crew;
    uint32_t number;
    struct restore_worker *worker;
    struct shared_rows *shared; /* of which it has a share */
    bool begun;                 /* … that the server has got some of */
    pthread_t thread;
};

/* ---- Entries ---- */

/* Whoever reads has asked. */
static bool take_all(void *context, uint32_t number, bool *wanted, struct error *err)
{
    const struct archive_job *job = context;

    (void)number;
    *wanted = true;
    return cancel_check(&job->cancel, err);
}

static bool replay(const struct archive_data_handler *handler, const struct packet_event *event,
                   uint32_t number, struct slice bytes, struct error *err)
{
    bool wanted;

    switch (event->kind) {
    case EVENT_BEGIN:
        return handler->begin(handler->context, number, &wanted, err);
    case EVENT_BYTES:
        return handler->bytes(handler->context, number, bytes, err);
    case EVENT_OBJECT:
        return handler->object(handler->context, number, event->number, err);
    case EVENT_OBJECT_END:
        return handler->object_end(handler->context, number, err);
    case EVENT_END:
        return handler->end(handler->context, number, event->amount, err);
    }
    return true;
}

static bool restore_entries(struct stream_worker *worker, const struct packet *packet,
                            struct error *err)
{
    struct archive_data_handler handler = restore_data_handler(&worker->worker->data);
    struct slice rest = slice_make(packet->bytes, packet->len), bytes = {0};

    for (size_t i = 0; i < packet->count; i++) {
        const struct packet_event *event = &packet->events[i];
        uint32_t number = event->kind == EVENT_BEGIN ? event->number : worker->worker->data.number;

        if (event->kind == EVENT_BYTES)
            bytes = slice_take(&rest, (size_t)event->amount);
        if (!replay(&handler, event, number, bytes, err))
            return false;
    }
    return true;
}

/* ---- Rows of several sessions ---- */

static bool restore_share(struct stream_worker *worker, const struct packet *packet,
                          struct error *err)
{
    struct restore_data *data = &worker->worker->data;
    bool refused;

    if (worker->shared == NULL || worker->shared != packet->shared) {
        worker->shared = packet->shared;
        worker->begun = false;
    }
    if (shared_rows_are_lost(packet->shared))
        return true;
    if (!worker->begun && !restore_data_begin_share(data, packet->shared->number, err))
        return false;
    worker->begun = true;
    if (!restore_data_add_to_share(data, slice_make(packet->bytes, packet->len), &refused, err))
        return false;
    if (refused)
        shared_rows_lose(packet->shared);
    return true;
}

static bool say_partial(const struct stream_worker *worker, const struct shared_rows *shared,
                        struct error *err)
{
    char name[256];

    archive_contents_name(worker->crew->job->contents, shared->number, name, sizeof(name));
    if (err->code == ERROR_NONE)
        error_set(err, ERROR_SERVER, "not every session could commit its rows");
    error_prefix(err, "%s", name);
    return error_hint(err, "A part of this table's rows may be in it. Empty it before they are "
                           "restored again.");
}

/* All have done what the verdict was. */
static bool leave_share(struct stream_worker *worker, struct shared_rows *shared, bool kept,
                        struct error *err)
{
    uint64_t expected = shared->expected, rows;

    switch (shared_rows_leave(shared, kept, &rows)) {
    case SHARED_PARTIAL:
        *err = (struct error){.code = ERROR_NONE};
        return say_partial(worker, shared, err);
    case SHARED_COMPLETE:
        return rows == expected ||
               restore_data_tell_lacking(&worker->worker->data, expected, rows, err);
    case SHARED_OTHERS_GO_ON:
    case SHARED_NOTHING:
        break;
    }
    return true;
}

static bool end_share(struct stream_worker *worker, struct shared_rows *shared, struct error *err)
{
    struct restore_data *data = &worker->worker->data;
    bool taken = false, kept = false, stays;
    uint64_t rows = 0;

    if (worker->begun && !shared_rows_are_lost(shared) &&
        !restore_data_close_share(data, &rows, &taken, err))
        return false;
    stays = shared_rows_vote(shared, taken, rows);
    if (worker->begun && !restore_data_end_share(data, stays, &kept, err))
        return stays ? say_partial(worker, shared, err) : false;
    worker->begun = false;
    if (!leave_share(worker, shared, kept, err))
        return false;
    worker->shared = NULL;
    return true;
}

static void give_up(struct stream_worker *worker)
{
    restore_data_give_up(&worker->worker->data);
    worker->shared = NULL;
    worker->begun = false;
}

/* ---- A worker ---- */

static bool restore_packet(struct stream_worker *worker, const struct packet *packet,
                           struct error *err)
{
    switch (packet->kind) {
    case PACKET_ENTRIES:
        return restore_entries(worker, packet, err);
    case PACKET_ROWS:
        return restore_share(worker, packet, err);
    case PACKET_ROWS_END:
        return end_share(worker, packet->shared, err);
    case PACKET_GIVE_UP:
        give_up(worker);
        break;
    }
    return true;
}

static bool next_packet(struct stream_worker *worker, struct packet **packet, struct error *err)
{
    struct packet_queues *queues = &worker->crew->queues;

    *packet = packet_get(queues, worker->number, false);
    if (*packet != NULL)
        return true;
    if (!worker->worker->data.running && !target_settle(worker->worker->session, err))
        return false;
    *packet = packet_get(queues, worker->number, true);
    return true;
}

/* What was queued before it failed stays, if its session can still say so. */
static void fail(struct stream_worker *worker, const struct error *err)
{
    struct error ignored;

    give_up(worker);
    target_settle(worker->worker->session, &ignored);
    packet_queues_fail(&worker->crew->queues, err);
    cancel_request(&worker->crew->job->cancel);
}

static void *work(void *context)
{
    struct stream_worker *worker = context;
    struct packet *packet;
    struct error err;
    bool done;

    while ((done = next_packet(worker, &packet, &err)) && packet != NULL) {
        done = restore_packet(worker, packet, &err);
        packet_done(&worker->crew->queues, worker->number, packet);
        if (!done)
            break;
    }
    if (!done)
        fail(worker, &err);
    return NULL;
}

/* ---- Whoever reads ---- */

/* *broken: the entry that could not be read to its end, if that is why it fails. */
static bool read_all(struct stream_crew *crew, struct stream_splitter *splitter, uint32_t *broken,
                     struct error *err)
{
    struct archive_job *job = crew->job;
    struct archive_data_handler handler = stream_splitter_handler(splitter);
    bool done = archive_input_read_all(job->input, &handler, &job->cancel, err) &&
                stream_splitter_finish(splitter, err);

    *broken = done ? UINT32_MAX : stream_splitter_give_up(splitter);
    packet_queues_end(&crew->queues);
    return done;
}

static bool blame(const struct stream_crew *crew, uint32_t broken, struct error *err)
{
    char name[512];
    char *number;

    archive_contents_name(crew->job->contents, broken, name, sizeof(name));
    if (strstr(err->message, name) != NULL)
        return false;
    number = strrchr(name, '(');
    if (number != NULL && number > name)
        number[-1] = '\0';
    return strstr(err->message, name) != NULL ? false : error_prefix(err, "%s", name);
}

/* A worker's failure comes first, unless the archive has one of its own. */
static bool judge(const struct stream_crew *crew, bool done, uint32_t broken, struct error *err)
{
    if (!done && err->code != ERROR_CANCELLED && !crew->queues.failure.failed)
        return broken == UINT32_MAX ? false : blame(crew, broken, err);
    if (!done && err->code != ERROR_CANCELLED)
        return false;
    return failure_check(&crew->queues.failure, err) && done;
}

static unsigned start(struct stream_crew *crew, struct stream_worker *workers, unsigned count,
                      struct restore_worker *others)
{
    for (unsigned i = 0; i < count; i++) {
        workers[i] = (struct stream_worker){
            .crew = crew, .number = i, .worker = i == 0 ? &crew->job->main : &others[i - 1]};
        workers[i].worker->data.wanted = take_all;
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
            return i;
    }
    return count;
}

static bool run_crew(struct stream_crew *crew, struct stream_worker *workers, unsigned count,
                     struct restore_worker *others, struct error *err)
{
    struct stream_splitter splitter = {
        .queues = &crew->queues,
        .contents = crew->job->contents,
        .context = crew->job,
        .wanted = archive_job_wants,
        .may_share = archive_job_shares,
    };
    uint32_t broken;
    bool done;

    crew->queues.count = start(crew, workers, count, others);
    if (crew->queues.count == 0)
        return error_set(err, ERROR_MEMORY, "cannot start a thread");
    done = read_all(crew, &splitter, &broken, err);
    for (unsigned i = 0; i < crew->queues.count; i++)
        pthread_join(workers[i].thread, NULL);
    stream_splitter_reset(&splitter);
    return judge(crew, done, broken, err);
}

static bool run(struct archive_job *job, struct stream_worker *workers, unsigned count,
                struct restore_worker *others, struct error *err)
{
    struct stream_crew crew = {.job = job};
    bool done = packet_queues_init(&crew.queues, count, err) &&
                run_crew(&crew, workers, count, others, err);

    packet_queues_reset(&crew.queues);
    return done;
}

/* Of a trial, which sums up what comes, the rows of a table stay with one worker. */
bool archive_stream_can(const struct archive_job *job)
{
    return job->orders.count == 0 && job->request->jobs > 1 && job->request->trial == NULL &&
           !job->request->single_transaction && !archive_input_can_seek(job->input);
}

bool archive_stream_restore(struct archive_job *job, struct error *err)
{
    const struct parallel_restore sessions = archive_parallel_sessions(job, job->request->jobs);
    struct restore_worker *others = calloc(sessions.jobs, sizeof(*others));
    struct stream_worker *workers = calloc(sessions.jobs, sizeof(*workers));
    uint32_t count = 0;
    bool done = others != NULL && workers != NULL;

    if (!done)
        error_set_memory(err);
    done = done && parallel_restore_open(&sessions, others, &count, err) &&
           run(job, workers, count, others, err);
    for (uint32_t i = 1; i < count; i++)
        archive_job_close(job, &others[i - 1]);
    free(others);
    free(workers);
    return done;
}
