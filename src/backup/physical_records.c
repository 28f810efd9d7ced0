/*
 * What every part of the physical job does with a record: gives a file or a folder that the server
 * did not send as a member of an archive, proves it for summary.json, or refuses what was sent.
 */
#include "backup/physical_internal.h"

#include <stdio.h>

void physical_give_file(struct physical_backup *job, struct record *record,
                        enum physical_reading reading, const char *path, int64_t size)
{
    job->reading = reading;
    job->reader_state = READER_DATA;
    job->record_class = LAYOUT_SUMMARY;
    record_proof_begin(job->proof, LAYOUT_SUMMARY);
    snprintf(job->path, sizeof(job->path), "%s", path);
    *record = (struct record){
        .type = RECORD_FILE,
        .path = job->path,
        .mode = 0600,
        .size = size,
        .modified = {.tv_sec = time(NULL)},
        .reader = &job->reader,
    };
}

enum source_status physical_give_folder(struct physical_backup *job, struct record *record,
                                        struct error *err)
{
    *record = (struct record){
        .type = RECORD_DIRECTORY,
        .path = job->path,
        .mode = 0700,
        .modified = {.tv_sec = job->started_at},
    };
    return path_set_add(job->folders, slice_string(job->path), err) &&
                   summary_writer_add(job->summary, record, 0, NULL, err)
               ? SOURCE_RECORD
               : SOURCE_FAILED;
}

bool physical_list_file(struct physical_backup *job, struct error *err)
{
    struct record record = {.type = RECORD_FILE, .path = job->path};
    uint8_t digest[DIGEST_MAX];

    record_proof_end(job->proof, digest);
    return summary_writer_add(job->summary, &record, record_proof_bytes(job->proof), digest, err);
}

bool physical_bad_member(const struct physical_backup *job, const char *what, struct error *err)
{
    error_set(err, ERROR_PROTOCOL, "the server sent \"%.300s\", which %s", job->tar.member.path,
              what);
    return error_hint(err, "This is not how PostgreSQL makes a base backup: check which server "
                           "answers at that address.");
}
