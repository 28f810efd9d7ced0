/* An archive's data and what stands behind them as steps for several workers. */
#include "restore/archive_restore_internal.h"

#include <stdlib.h>
#include <unistd.h>

#define MOST_JOBS_UNASKED 4

/* A session more is worth its beginning if it has this much to do. */
#define STEPS_OF_A_SESSION 32
#define BYTES_OF_A_SESSION ((uint64_t)4 << 20)

static unsigned jobs_asked(const struct archive_job *job)
{
    long processors;

    if (job->request->single_transaction)
        return 1;
    if (job->request->jobs > 0)
        return job->request->jobs;
    processors = sysconf(_SC_NPROCESSORS_ONLN);
    if (processors < 1)
        return 1;
    return processors < MOST_JOBS_UNASKED ? (unsigned)processors : MOST_JOBS_UNASKED;
}

/* What has streamed by and is in: what indexes are built of. */
static uint64_t bytes_that_are_in(const struct archive_job *job)
{
    return job->main.data.bytes + target_session_counts(job->main.session)->row_bytes;
}

/* Who asks for a number gets it, as far as there are steps. */
static unsigned jobs_worth_it(const struct archive_job *job, const uint32_t *numbers,
                              uint32_t count)
{
    uint64_t bytes = bytes_that_are_in(job), worth = count;

    for (uint32_t i = 0; job->request->jobs == 0 && i < count; i++)
        bytes += archive_contents_node(job->contents, numbers[i]).data_bytes;
    if (job->request->jobs == 0)
        worth = 1 + count / STEPS_OF_A_SESSION + bytes / BYTES_OF_A_SESSION;
    return worth < jobs_asked(job) ? (unsigned)worth : jobs_asked(job);
}

bool archive_parallel_can(const struct archive_job *job)
{
    return (jobs_asked(job) > 1 || job->orders.count > 0) && archive_input_can_seek(job->input);
}

bool archive_parallel_can_behind(const struct archive_job *job)
{
    return jobs_asked(job) > 1;
}

/* ---- Steps ---- */

static void add_stage(const struct archive_job *job, enum stage stage, uint32_t *numbers,
                      uint32_t *found)
{
    enum archive_section section = SECTION_PRE_DATA;
    const uint32_t *order;
    size_t count;

    order = restore_selection_order(job->selection, &count);
    for (size_t i = 0; i < count; i++) {
        if (archive_job_stage(job, order[i], &section) == stage &&
            (restore_selection_parts(job->selection, order[i]) & SELECTED_DEFINITION) != 0 &&
            !restore_selection_is_of_database(job->selection, order[i]))
            numbers[(*found)++] = order[i];
    }
}

static void add_data(const struct archive_job *job, uint32_t *numbers, uint32_t *found)
{
    const uint32_t *order;
    size_t count;

    order = restore_selection_order(job->selection, &count);
    for (size_t i = 0; i < count; i++) {
        if ((restore_selection_parts(job->selection, order[i]) & SELECTED_DATA) != 0)
            numbers[(*found)++] = order[i];
    }
}

/* ---- Workers ---- */

static bool open_worker(void *context, struct restore_worker *worker, struct error *err)
{
    return archive_job_open(context, worker, err) &&
           archive_job_say_search_path(context, worker, err);
}

static void close_worker(void *context, struct restore_worker *worker)
{
    archive_job_close(context, worker);
}

struct parallel_restore archive_parallel_sessions(struct archive_job *job, unsigned jobs)
{
    return (struct parallel_restore){
        .input = job->input,
        .contents = job->contents,
        .jobs = jobs,
        .first = &job->main,
        .cancel = &job->cancel,
        .log = job->request->log,
        .open = open_worker,
        .close = close_worker,
        .context = job,
    };
}

bool archive_parallel_run(struct archive_job *job, const uint32_t *numbers, uint32_t count,
                          bool (*each)(void *context, struct restore_worker *worker,
                                       uint32_t number, struct error *err),
                          struct error *err)
{
    struct parallel_restore parallel =
        archive_parallel_sessions(job, jobs_worth_it(job, numbers, count));
    struct restore_steps steps = {0};
    bool done;

    parallel.each = each;
    done = restore_steps_make(&steps, job->contents, numbers, count, &job->orders, err) &&
           parallel_restore_run(&parallel, &steps, err);

    restore_steps_reset(&steps);
    return done;
}

/* Of what streams by the data are in. */
static bool restore(struct archive_job *job, bool data, struct error *err)
{
    uint32_t *numbers = calloc((size_t)archive_contents_count(job->contents) + 1, sizeof(*numbers));
    uint32_t count = 0;
    bool done;

    if (numbers == NULL)
        return error_set_memory(err);
    if (data)
        add_data(job, numbers, &count);
    add_stage(job, STAGE_BEHIND_DATA, numbers, &count);
    add_stage(job, STAGE_AFTER_DATA, numbers, &count);
    done = archive_parallel_run(job, numbers, count, NULL, err);
    free(numbers);
    return done;
}

bool archive_parallel_restore(struct archive_job *job, struct error *err)
{
    if (job->wants_data && !archive_job_locate(job, err))
        return false;
    archive_job_expect_data(job, false);
    return restore(job, true, err);
}

bool archive_parallel_behind(struct archive_job *job, struct error *err)
{
    return restore(job, false, err);
}
