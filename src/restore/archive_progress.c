/* How far the restore of an archive is: what somebody looks at now and then, while it goes on. */
#include "restore/archive_restore_internal.h"

static void add(_Atomic uint64_t *to, uint64_t count)
{
    atomic_fetch_add_explicit(to, count, memory_order_relaxed);
}

void archive_job_expect_objects(const struct archive_job *job)
{
    size_t count;
    const uint32_t *order = restore_selection_order(job->selection, &count);
    uint64_t objects = 0;

    if (job->request->progress == NULL)
        return;
    for (size_t i = 0; i < count; i++)
        objects += !archive_contents_node(job->contents, order[i]).has_data;
    add(&job->request->progress->all_objects, objects);
}

bool archive_job_locate(const struct archive_job *job, struct error *err)
{
    struct restore_progress *progress = job->request->progress;
    bool done;

    if (progress != NULL)
        atomic_store(&progress->checking, true);
    done = archive_input_locate(job->input, &job->cancel, err);
    if (progress == NULL)
        return done;
    atomic_store(&progress->bytes, 0);
    atomic_store(&progress->checking, false);
    return done;
}

void archive_job_expect_data(const struct archive_job *job, bool whole)
{
    struct restore_progress *progress = job->request->progress;
    uint64_t bytes = 0;

    if (progress == NULL || job->options->of_several || !archive_input_can_seek(job->input))
        return;
    for (uint32_t i = 0; i < archive_contents_count(job->contents); i++) {
        if (whole || (restore_selection_parts(job->selection, i) & SELECTED_DATA) != 0)
            bytes += archive_contents_node(job->contents, i).data_bytes;
    }
    atomic_store(&progress->total_bytes, bytes);
}

void archive_job_mark(struct archive_job *job, uint32_t number, uint8_t marks)
{
    const uint8_t over = IS_DONE | HAS_FAILED;

    if (job->request->progress != NULL && (job->marks[number] & over) == 0 && (marks & over) != 0 &&
        !archive_contents_node(job->contents, number).has_data)
        add(&job->request->progress->objects, 1);
    job->marks[number] |= marks;
}
