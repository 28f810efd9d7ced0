/*
 * A worker takes some steps, of small ones many, and does them in transactions that they share as
 * they would in one session; with all of them done it comes for more. That nobody waits for a lock
 * of another's transaction is restore_graph's promise: what a worker has not reported is held.
 */
#include "restore/parallel_restore.h"

#include "base/failure.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* As many steps are taken at a time, or fewer if their rows are this many bytes. */
#define STEPS_AT_ONCE 256
#define ENOUGH_BYTES ((uint64_t)1 << 20)

struct crew {
    const struct parallel_restore *restore;
    struct restore_steps *steps;
    uint32_t members;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint32_t busy;          /* who have taken steps */
    struct failure failure; /* of the first that failed */
};

struct member {
    struct crew *crew;
    uint32_t number;
    struct restore_worker *worker;
    pthread_t thread;
};

/* ---- Steps ---- */

static bool define(struct member *member, uint32_t number, struct error *err)
{
    struct archive_entry entry;

    return archive_contents_entry_into(member->crew->restore->contents, number,
                                       &member->worker->data.texts, &entry, err) &&
           entry_sql_define(&member->worker->sql, number, &entry, err) &&
           entry_sql_flush(&member->worker->sql, err);
}

static bool restore_rows(struct member *member, uint32_t number, struct error *err)
{
    const struct parallel_restore *restore = member->crew->restore;
    struct archive_data_handler handler = restore_data_handler(&member->worker->data);
    const char *broken;

    if (archive_input_read_entry(restore->input, number, &handler, restore->cancel, err) &&
        restore_data_do_again(&member->worker->data, restore->input, restore->cancel, err))
        return true;
    broken = restore_data_give_up(&member->worker->data);
    if (broken != NULL && err->code != ERROR_CANCELLED && strstr(err->message, broken) == NULL)
        error_prefix(err, "%s", broken);
    return false;
}

static bool do_step(struct member *member, uint32_t number, struct error *err)
{
    const struct parallel_restore *restore = member->crew->restore;

    if (!cancel_check(restore->cancel, err))
        return false;
    if (number == STEP_IS_NOTHING)
        return true;
    if (restore->each != NULL)
        return restore->each(restore->context, member->worker, number, err);
    return archive_contents_node(restore->contents, number).has_data
               ? restore_rows(member, number, err)
               : define(member, number, err);
}

static bool do_steps(struct member *member, const uint32_t *taken, size_t count, struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        if (!do_step(member, member->crew->steps->numbers[taken[i]], err))
            return false;
    }
    return target_settle(member->worker->session, err);
}

/* ---- A worker ---- */

/* What was queued before it failed stays, if its session can still say so. */
static void fail(struct member *member, const struct error *err)
{
    struct crew *crew = member->crew;
    struct error ignored;

    target_settle(member->worker->session, &ignored);
    pthread_mutex_lock(&crew->lock);
    failure_keep(&crew->failure, err);
    pthread_cond_broadcast(&crew->changed);
    pthread_mutex_unlock(&crew->lock);
    cancel_request(crew->restore->cancel);
}

/* No more than is fair to the others. */
static size_t room_for(const struct crew *crew)
{
    size_t room = restore_graph_left(crew->steps->graph) / (2 * (size_t)crew->members) + 1;

    return room < STEPS_AT_ONCE ? room : STEPS_AT_ONCE;
}

/* 0: there is nothing more to do. */
static size_t take_steps(struct member *member, uint32_t *taken)
{
    struct crew *crew = member->crew;
    size_t count = 0;

    pthread_mutex_lock(&crew->lock);
    while (!crew->failure.failed && restore_graph_left(crew->steps->graph) > 0) {
        count = restore_graph_take(crew->steps->graph, member->number, taken, room_for(crew),
                                   ENOUGH_BYTES);
        if (count > 0 || crew->busy == 0)
            break;
        pthread_cond_wait(&crew->changed, &crew->lock);
    }
    if (count > 0)
        crew->busy++;
    pthread_mutex_unlock(&crew->lock);
    return count;
}

static void report_steps(struct member *member, const uint32_t *taken, size_t count)
{
    struct crew *crew = member->crew;

    pthread_mutex_lock(&crew->lock);
    restore_graph_done(crew->steps->graph, taken, count);
    crew->busy--;
    pthread_cond_broadcast(&crew->changed);
    pthread_mutex_unlock(&crew->lock);
}

static void *work(void *context)
{
    struct member *member = context;
    uint32_t taken[STEPS_AT_ONCE];
    struct error err;
    size_t count;

    while ((count = take_steps(member, taken)) > 0) {
        if (!do_steps(member, taken, count, &err)) {
            fail(member, &err);
            break;
        }
        report_steps(member, taken, count);
    }
    return NULL;
}

/* ---- All of them ---- */

static bool has_no_room(const struct error *err)
{
    return strncmp(err->sqlstate, "53", 2) == 0;
}

bool parallel_restore_open(const struct parallel_restore *restore, struct restore_worker *others,
                           uint32_t *count, struct error *err)
{
    for (*count = 1; *count < restore->jobs; ++*count) {
        struct restore_worker *worker = &others[*count - 1];

        if (restore->open(restore->context, worker, err))
            continue;
        restore->close(restore->context, worker);
        if (!has_no_room(err))
            return false;
        log_message(restore->log, LOG_WARNING, "%u sessions instead of %u: %s", *count,
                    restore->jobs, err->message);
        return true;
    }
    return true;
}

/* Threads that could not be started are not missed: the first worker is there in any case. */
static void run_members(struct member *members, uint32_t count)
{
    uint32_t started = 1;

    while (started < count &&
           pthread_create(&members[started].thread, NULL, work, &members[started]) == 0)
        started++;
    work(&members[0]);
    for (uint32_t i = 1; i < started; i++)
        pthread_join(members[i].thread, NULL);
}

static bool run(struct crew *crew, struct member *members, struct restore_worker *others,
                struct error *err)
{
    if (!parallel_restore_open(crew->restore, others, &crew->members, err))
        return false;
    for (uint32_t i = 0; i < crew->members; i++)
        members[i] = (struct member){
            .crew = crew, .number = i, .worker = i == 0 ? crew->restore->first : &others[i - 1]};
    run_members(members, crew->members);
    if (!failure_check(&crew->failure, err))
        return false;
    if (restore_graph_left(crew->steps->graph) == 0)
        return true;
    return error_set(err, ERROR_CORRUPT, "entries of the archive wait for each other");
}

static void say_circles(const struct parallel_restore *restore, const struct restore_steps *steps)
{
    if (steps->circles > 0)
        log_message(restore->log, LOG_WARNING,
                    "entries of the archive depend on each other in a circle (%zu): they are "
                    "restored in its order",
                    steps->circles);
}

bool parallel_restore_run(const struct parallel_restore *restore, struct restore_steps *steps,
                          struct error *err)
{
    struct crew crew = {.restore = restore, .steps = steps};
    struct member *members = calloc(restore->jobs + 1, sizeof(*members));
    struct restore_worker *others = calloc(restore->jobs + 1, sizeof(*others));
    bool done = members != NULL && others != NULL;

    if (!done)
        error_set_memory(err);
    say_circles(restore, steps);
    pthread_mutex_init(&crew.lock, NULL);
    pthread_cond_init(&crew.changed, NULL);
    done = done && run(&crew, members, others, err);
    for (uint32_t i = 1; i < crew.members; i++)
        restore->close(restore->context, &others[i - 1]);
    pthread_cond_destroy(&crew.changed);
    pthread_mutex_destroy(&crew.lock);
    free(members);
    free(others);
    return done;
}
