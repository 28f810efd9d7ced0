/*
 * A database gets its name once what it was made of is proved, as far as that can be known by then.
 * A backup that can be opened again was proved before; of a stream of one database all of it is
 * read to its end; of one of several summary.json comes last, and each has its name when its own
 * archive has come to its end.
 */
#include "restore/backup_restore_internal.h"

#include <stdio.h>
#include <string.h>

/* ---- What is wrong ---- */

void backup_note_problem(void *context, enum verify_problem kind, const char *path,
                         const char *problem)
{
    struct backup_job *job = context;

    (void)kind;
    if (job->problems++ == 0)
        snprintf(job->problem, sizeof(job->problem), "%s: %s", path, problem);
    if (job->begun) /* else it is no backup, which is said */
        log_message(job->request->log, LOG_WARNING, "%s: %s", path, problem);
}

bool backup_check_whole(const struct backup_job *job, const struct record_source *source,
                        struct error *err)
{
    if (checking_source_whole(source))
        return true;
    error_set(err, ERROR_CORRUPT, "%s is damaged or incomplete: %s", job->name,
              job->problems > 0 ? job->problem : "it does not end as a backup does");
    if (job->problems > 1)
        error_detail(err, "That is the first of %zu problems.", job->problems);
    return error_hint(err, "What was restored of it cannot be relied on.");
}

/* ---- Records ---- */

enum source_status backup_next_record(struct backup_job *job, struct error *err)
{
    if (job->pending) {
        job->pending = false;
        return SOURCE_RECORD;
    }
    return source_next(job->source, &job->record, err);
}

bool backup_is_of_folder(const struct backup_job *job, const struct logical_place *place)
{
    return place->folder.len > 0 && strlen(job->folder) == place->folder.len &&
           memcmp(job->folder, place->folder.data, place->folder.len) == 0;
}

/* ---- Proofs ---- */

bool backup_prove(void *context, struct error *err)
{
    struct backup_job *job = context;
    enum source_status status;

    while ((status = backup_next_record(job, err)) == SOURCE_RECORD) {
        struct logical_place place = logical_layout_place(job->facts->layout, job->record.path);

        job->pending = job->record.type == RECORD_FILE && place.part != LOGICAL_PART_SUMMARY &&
                       place.part != LOGICAL_PART_FOREIGN && !backup_is_of_folder(job, &place);
        if (job->pending)
            return true;
    }
    if (status != SOURCE_END || backup_check_whole(job, job->source, err))
        return status == SOURCE_END;
    err->hint[0] = '\0'; /* nothing stays that could be relied on */
    return false;
}
