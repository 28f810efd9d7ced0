/*
 * A backup in a folder, or in a tar that is not compressed, can be opened again. So all of it is
 * read once before anything is done, which proves it, and then each of its archives is read by
 * position, as one that lies alone is. What summary.json has digests of is not unpacked for that.
 */
#include "restore/backup_restore_internal.h"

#include "base/error_names.h"
#include "manifest/physical_layout.h"
#include "restore/backup_archives.h"
#include "restore/backup_look.h"
#include "restore/backup_source.h"
#include "restore/db_source.h"
#include "restore/spooled_source.h"
#include "restore/target_databases.h"

#include <stdio.h>
#include <string.h>

/* ---- In order ---- */

struct record_source *backup_restore_arrange(struct record_source *source, bool in_order,
                                             const struct restore_request *request,
                                             struct error *err)
{
    const struct spooled_options options = {
        .directory = request->spool_directory,
        .database = target_database_named(request),
        .cancel = request->cancel,
    };

    source = db_source_new(source, err);
    return source == NULL || in_order ? source : spooled_source_new(source, &options, err);
}

static struct record_source *open_again(void *context, struct error *err)
{
    const struct backup_job *job = context;
    const struct cancel *cancel = job->request->cancel;
    bool in_order = job->place->kind == PLACE_DIRECTORY;
    struct record_source *source =
        in_order ? record_place_open(job->place, backup_restore_first, layout_last, cancel, err)
                 : backup_source_open(job->place, cancel, err);

    return source == NULL ? NULL : backup_restore_arrange(source, in_order, job->request, err);
}

/* ---- The proof ---- */

struct proof {
    struct backup_job *job;
    struct record_source *source;
    struct manifest_decoder *manifest;
    struct backup_archives *came;
    bool has_manifest, of_script;
};

static bool read_record(struct proof *proof, enum logical_part part, struct reader *reader,
                        struct error *err)
{
    struct restore_progress *progress = proof->job->request->progress;
    enum reader_status status;
    struct slice bytes;

    while ((status = reader_next(reader, &bytes, err)) == READER_DATA) {
        if (progress != NULL)
            atomic_fetch_add_explicit(&progress->bytes, bytes.len, memory_order_relaxed);
        if (part == LOGICAL_PART_MANIFEST && !manifest_decoder_feed(proof->manifest, bytes, err))
            return error_prefix(err, "%s: manifest.json", proof->job->name);
    }
    return status == READER_END;
}

static bool prove_record(struct proof *proof, const struct record *record, struct error *err)
{
    const struct manifest_facts *facts = manifest_decoder_facts(proof->manifest);
    struct logical_place place = logical_layout_place(facts->layout, record->path);

    proof->has_manifest |= place.part == LOGICAL_PART_MANIFEST;
    proof->of_script |= place.part == LOGICAL_PART_SCRIPT;
    return backup_archives_came(proof->came, &place, err) &&
           read_record(proof, place.part, record->reader, err);
}

static bool prove_records(struct proof *proof, struct error *err)
{
    const struct backup_job *job = proof->job;
    enum source_status status;
    struct record record;

    while ((status = source_next(proof->source, &record, err)) == SOURCE_RECORD) {
        bool done = record.type != RECORD_FILE || prove_record(proof, &record, err);

        if (record.type == RECORD_FILE)
            reader_close(record.reader);
        if (!done)
            return false;
    }
    return status == SOURCE_END && backup_check_whole(job, proof->source, err) &&
           (!proof->has_manifest || proof->of_script ||
            backup_archives_check(proof->came, manifest_decoder_facts(proof->manifest), job->wanted,
                                  job->name, err));
}

static bool prove(struct backup_job *job, struct error *err)
{
    const struct verify_options options = {
        .problem = backup_note_problem,
        .context = job,
        .cancel = job->request->cancel,
        .log = job->request->log,
        .reopen = open_again,
        .may_lack_manifest = true,
        .digests_do = true,
    };
    struct record_source *again = open_again(job, err);
    struct proof proof = {.job = job};
    bool done;

    proof.source = again == NULL ? NULL : checking_source_new(again, &options, err);
    if (proof.source != NULL)
        proof.manifest = manifest_decoder_new(MANIFEST_DATABASES, err);
    if (proof.manifest != NULL)
        proof.came = backup_archives_new(err);
    done = proof.came != NULL && prove_records(&proof, err);
    backup_archives_free(proof.came);
    manifest_decoder_free(proof.manifest);
    source_close(proof.source);
    return done;
}

static void say_checking(const struct backup_job *job, bool checking)
{
    struct restore_progress *progress = job->request->progress;

    if (progress == NULL)
        return;
    atomic_store(&progress->bytes, 0);
    atomic_store(&progress->checking, checking);
}

bool backup_prove_first(struct backup_job *job, struct error *err)
{
    bool done;

    if (job->opened == NULL || job->proved)
        return true;
    say_checking(job, true);
    done = prove(job, err);
    say_checking(job, false);
    job->proved = done;
    if (!done && err->code == ERROR_CORRUPT)
        error_hint(err, "Nothing was restored. An archive that lies in it can be restored by "
                        "itself, as far as it goes.");
    return done;
}

/* ---- Archives ---- */

/* The records of a snapshot's folder of databases are called as if it were not there. */
struct archive_input *backup_open_archive(const struct backup_job *job, const char *path,
                                          struct error *err)
{
    char below[sizeof(DB_SOURCE_FOLDER) + RECORD_PATH_MAX];
    const struct cancel *cancel = job->request->cancel;

    snprintf(below, sizeof(below), "%s%s", DB_SOURCE_FOLDER, path);
    return archive_input_open_in(job->opened, archive_place_has(job->opened, path) ? path : below,
                                 cancel, err);
}
