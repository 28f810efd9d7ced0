/*
 * The base backup's archives become records. The server is not believed: each member must have a
 * name that belongs there, come once, after the folder that it lies in, and be what backup_manifest
 * says.
 */
#include "backup/physical_internal.h"

#include "base/bytes.h"
#include "base/error_names.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define LABEL_MAX 4096 /* bytes of backup_label; a label has at most 1024 */

/* ---- Members of archives ---- */

static bool member_path(struct physical_backup *job, struct error *err)
{
    const char *name = job->tar.member.path;
    char prefix[RECORD_PATH_MAX];
    int len;

    physical_tablespace_path(job->tablespace, prefix);
    len = snprintf(job->path, sizeof(job->path), "%s/%s", prefix, name);
    if (len < 0 || (size_t)len >= sizeof(job->path))
        return physical_bad_member(job, "is too long a name", err);
    return record_path_check(job->path, err) || error_prefix(err, "the server sent a bad name");
}

/* Judges a member of the base directory. */
static bool check_base_member(struct physical_backup *job, bool *skip, struct error *err)
{
    static const char links[] = LAYOUT_TABLESPACE_LINKS "/";

    *skip = false;
    if (strcmp(job->path, LAYOUT_TABLESPACE_LINKS) == 0) {
        if (job->tar.member.type != RECORD_DIRECTORY)
            return physical_bad_member(job, "should be a directory", err);
        *skip = job->links_folder_made;
        job->links_due = job->links_by_us;
        return true;
    }
    if (strcmp(job->path, LAYOUT_BACKUP_MANIFEST) == 0)
        return physical_bad_member(job, "should not be among the files", err);
    if (strncmp(job->path, links, sizeof(links) - 1) == 0)
        return physical_check_tablespace_entry(job, job->path + sizeof(links) - 1, skip, err);
    if (job->tar.member.type == RECORD_LINK)
        return physical_bad_member(job, "is a link outside of pg_tblspc", err);
    return true;
}

static void count_wal_segment(struct physical_backup *job)
{
    uint64_t per_id = UINT64_C(0x100000000) / job->wal_segment_size;
    unsigned long high, low;
    const char *name;
    char part[9] = {0};
    uint64_t number;

    if (!layout_is_wal_segment(job->path, &name))
        return;
    memcpy(part, name + 8, 8);
    high = strtoul(part, NULL, 16);
    memcpy(part, name + 16, 8);
    low = strtoul(part, NULL, 16);
    number = high * per_id + low;
    if (job->wal_count == 0 || number < job->wal_first)
        job->wal_first = number;
    if (job->wal_count == 0 || number > job->wal_last)
        job->wal_last = number;
    job->wal_count++;
    job->report.physical.wal_bytes += job->tar.member.size;
}

static void warn_of_leftover(struct physical_backup *job)
{
    if (job->leftovers_told || !layout_is_leftover(job->path))
        return;
    job->leftovers_told = true;
    log_message(job->request.log, LOG_WARNING,
                "the server's data directory has what a restore with " OPTION_REPLACE
                " left that did not end (" FOLDER_STAGING ", " FOLDER_REPLACED
                "): it is in the backup, and no restore brings it back. Remove it from the server "
                "if nothing in it is needed any more");
}

static bool begin_file(struct physical_backup *job, struct record *record, struct error *err)
{
    job->record_class = layout_classify(job->path);
    if (job->record_class != LAYOUT_LISTED && job->record_class != LAYOUT_SUMMARY)
        return physical_bad_member(job, "is unexpected in a data directory", err);
    count_wal_segment(job);
    configuration_note_file(&job->configuration, job->path);
    warn_of_leftover(job);
    physical_note_needed_file(job);
    job->reading = READING_MEMBER;
    job->reading_label = strcmp(job->path, LAYOUT_DATA "/backup_label") == 0;
    job->reader_state = READER_DATA;
    record_proof_begin(job->proof, job->record_class);
    record->reader = &job->reader;
    record->size = (int64_t)job->tar.member.size;
    return true;
}

/* A store would make up a folder that is missing, and nothing would list it. */
static bool check_folder(struct physical_backup *job, struct error *err)
{
    const char *end = strrchr(job->path, '/');

    if (path_set_has(job->folders, slice_make(job->path, (size_t)(end - job->path))))
        return true;
    return physical_bad_member(job, "came without the folder it lies in", err);
}

/* What backup_manifest does not list may come only once, too. */
static bool note_unlisted(struct physical_backup *job, struct error *err)
{
    char path[RECORD_PATH_MAX];

    layout_backup_manifest_path(job->path, path, sizeof(path));
    return file_ledger_add_unlisted(job->ledger, path, err);
}

/* Makes a record of the member that the decoder has just met. *skip: it is nobody's business. */
static bool give_member(struct physical_backup *job, struct record *record, bool *skip,
                        struct error *err)
{
    const struct tar_member *member = &job->tar.member;

    *skip = member->path[0] == '\0'; /* the archive's root */
    if (*skip)
        return member->type == RECORD_DIRECTORY ||
               physical_bad_member(job, "should be a folder", err);
    if (!member_path(job, err))
        return false;
    if (job->tablespace->name == NULL) {
        if (!check_base_member(job, skip, err))
            return false;
    } else if (member->type == RECORD_LINK) {
        return physical_bad_member(job, "is a link inside a tablespace", err);
    }
    if (*skip)
        return true;
    if (!check_folder(job, err))
        return false;
    *record = (struct record){
        .type = member->type,
        .path = job->path,
        .mode = member->mode,
        .owner = member->owner,
        .group = member->group,
        .modified = member->modified,
        .link_target = member->type == RECORD_LINK ? job->link_target : NULL,
    };
    if (member->type == RECORD_FILE)
        return begin_file(job, record, err);
    if (member->type == RECORD_DIRECTORY &&
        !path_set_add(job->folders, slice_string(job->path), err))
        return false;
    return note_unlisted(job, err) && summary_writer_add(job->summary, record, 0, NULL, err);
}

/* The label tells, on every version, whether a standby was backed up. */
static bool take_label(struct physical_backup *job, struct slice data, struct error *err)
{
    if (job->label.len + data.len > LABEL_MAX)
        return physical_bad_member(job, "is too long", err);
    if (!buffer_append(&job->label, data.data, data.len, err))
        return false;
    job->in_recovery = strstr(buffer_text(&job->label), "\nBACKUP FROM: standby\n") != NULL;
    return true;
}

static void digest_lent(struct physical_backup *job)
{
    for (size_t i = 0; i < job->undigested_count; i++)
        record_proof_feed(job->proof, job->undigested[i]);
    job->undigested_count = 0;
}

/* A member's last byte has come: what was seen goes into the ledger or the summary. */
static bool end_file(struct physical_backup *job, struct error *err)
{
    uint8_t digest[DIGEST_MAX];
    char listed_path[RECORD_PATH_MAX];
    size_t size;

    digest_lent(job);
    job->report.files++;
    if (job->record_class == LAYOUT_SUMMARY)
        return note_unlisted(job, err) && physical_list_file(job, err);
    size = record_proof_end(job->proof, digest);
    layout_backup_manifest_path(job->path, listed_path, sizeof(listed_path));
    return file_ledger_add(job->ledger, listed_path, record_proof_bytes(job->proof), digest, size,
                           err);
}

/* ---- The stream ---- */

/* Fetches the next bytes of the archive into job->input. *ended: it has no more. */
static bool fetch_archive_data(struct physical_backup *job, bool *ended, struct error *err)
{
    struct base_backup_event event;

    *ended = false;
    if (!base_backup_next(job->backup, &event, err))
        return false;
    if (event.type == BASE_BACKUP_ARCHIVE_DATA) {
        job->input = event.data;
        return true;
    }
    if (event.type != BASE_BACKUP_ARCHIVE_END)
        return error_set(err, ERROR_PROTOCOL, "an archive ends without its end");
    *ended = true;
    job->tablespace = NULL;
    /* Up to PostgreSQL 14 archives have no end blocks. */
    return tar_decoder_finish(&job->tar, wire_server_version(job->conn) >= 150000, err);
}

/* Decodes on until something else than "more input, please" happens. TAR_NEED_INPUT: the archive
 * has ended. */
static enum tar_event decode(struct physical_backup *job, struct slice *data, struct error *err)
{
    for (;;) {
        enum tar_event event = TAR_NEED_INPUT;
        bool ended;

        if (job->archive_ended) /* zeros that fill up a last block of the sender */
            job->input.len = 0;
        else
            event = tar_decoder_next(&job->tar, &job->input, data, err);
        if (event == TAR_ARCHIVE_END) {
            job->archive_ended = true;
            continue;
        }
        if (event != TAR_NEED_INPUT)
            return event;
        if (!fetch_archive_data(job, &ended, err))
            return TAR_FAILED;
        if (ended)
            return TAR_NEED_INPUT;
    }
}

static enum source_status begin_backup_manifest(struct physical_backup *job, struct record *record)
{
    size_t duplicates;

    file_ledger_seal(job->ledger, &duplicates);
    job->backup_manifest_begun = true;
    physical_give_file(job, record, READING_BACKUP_MANIFEST, LAYOUT_BACKUP_MANIFEST,
                       RECORD_SIZE_UNKNOWN);
    return duplicates == 0 ? SOURCE_RECORD : SOURCE_FAILED;
}

/* What comes between archives. */
static enum source_status next_archive(struct physical_backup *job, struct record *record,
                                       struct error *err)
{
    struct base_backup_event event;

    if (!base_backup_next(job->backup, &event, err))
        return SOURCE_FAILED;
    switch (event.type) {
    case BASE_BACKUP_ARCHIVE:
        job->tablespace = event.tablespace;
        job->archive_ended = false;
        job->input = (struct slice){0};
        tar_decoder_reset(&job->tar);
        return SOURCE_END;
    case BASE_BACKUP_MANIFEST:
        if (begin_backup_manifest(job, record) == SOURCE_RECORD)
            return SOURCE_RECORD;
        error_set(err, ERROR_PROTOCOL, "the server sent a file twice");
        return SOURCE_FAILED;
    case BASE_BACKUP_END:
        job->step = PHYSICAL_FINISH;
        return SOURCE_END;
    case BASE_BACKUP_ARCHIVE_DATA:
    case BASE_BACKUP_ARCHIVE_END:
    case BASE_BACKUP_MANIFEST_DATA:
        break;
    }
    error_set(err, ERROR_PROTOCOL, "the base backup stream is out of order");
    return SOURCE_FAILED;
}

static enum reader_status read_member(struct physical_backup *job, struct slice *data,
                                      struct error *err)
{
    enum tar_event event;

    if (!job->looking_ahead)
        digest_lent(job);
    event = decode(job, data, err);

    if (event == TAR_DATA) {
        if (job->undigested_count == PHYSICAL_UNDIGESTED_MAX)
            digest_lent(job);
        job->undigested[job->undigested_count++] = *data;
        if (job->reading_label && !take_label(job, *data, err))
            return READER_FAILED;
        return READER_DATA;
    }
    if (event == TAR_MEMBER_END)
        return end_file(job, err) ? READER_END : READER_FAILED;
    if (event != TAR_FAILED)
        error_set(err, ERROR_PROTOCOL, "the archive ends inside %s", job->path);
    return READER_FAILED;
}

/* tablespace_map is read, because backup_manifest lists it, and not kept: a server that finds it
 * makes links to the places of the original tablespaces. */
static bool pass_over_map(struct physical_backup *job, struct error *err)
{
    enum reader_status status = READER_END;
    struct slice data;

    if (job->tar.member.type != RECORD_FILE)
        return physical_bad_member(job, "should be a file", err);
    do
        status = read_member(job, &data, err);
    while (status == READER_DATA);
    job->reading = READING_NOTHING;
    job->report.files--;
    return status == READER_END;
}

enum source_status physical_stream_next(struct physical_backup *job, struct record *record,
                                        struct error *err)
{
    while (job->step == PHYSICAL_STREAM) {
        enum source_status status;
        enum tar_event event;
        struct slice data;
        bool skip;

        if (job->tablespace == NULL) {
            status = next_archive(job, record, err);
            if (status != SOURCE_END)
                return status;
            continue;
        }
        if (job->links_due) {
            status = physical_links_next(job, record, err);
            if (status != SOURCE_END)
                return status;
            job->links_due = false;
        }
        event = decode(job, &data, err);
        if (event == TAR_FAILED)
            return SOURCE_FAILED;
        if (event != TAR_MEMBER)
            continue; /* the end of a folder or link, or of the archive */
        if (!give_member(job, record, &skip, err))
            return SOURCE_FAILED;
        if (job->links_by_us && strcmp(job->path, LAYOUT_DATA "/tablespace_map") == 0) {
            if (!pass_over_map(job, err))
                return SOURCE_FAILED;
            continue;
        }
        if (!skip)
            return SOURCE_RECORD;
        if (job->tar.member.size > 0) {
            physical_bad_member(job, "has content where none belongs", err);
            return SOURCE_FAILED;
        }
    }
    return SOURCE_END;
}

static bool end_backup_manifest(struct physical_backup *job, struct error *err)
{
    if (!backup_manifest_decoder_finish(job->backup_manifest_decoder, err))
        return false;
    if (file_ledger_unexpected(job->ledger) > 0)
        return error_set(err, ERROR_PROTOCOL,
                         "the server sent %zu files that its backup_manifest does not list",
                         file_ledger_unexpected(job->ledger));
    job->report.files++;
    return physical_list_file(job, err);
}

/* The manifest's end shows only in the event that follows it. */
static enum reader_status read_backup_manifest(struct physical_backup *job, struct slice *data,
                                               struct error *err)
{
    struct base_backup_event event;

    if (!base_backup_next(job->backup, &event, err))
        return READER_FAILED;
    if (event.type == BASE_BACKUP_MANIFEST_DATA) {
        *data = event.data;
        record_proof_feed(job->proof, *data);
        return backup_manifest_decoder_feed(job->backup_manifest_decoder, *data, err)
                   ? READER_DATA
                   : READER_FAILED;
    }
    if (event.type != BASE_BACKUP_END) {
        error_set(err, ERROR_PROTOCOL, "something follows backup_manifest");
        return READER_FAILED;
    }
    job->step = PHYSICAL_FINISH;
    return end_backup_manifest(job, err) ? READER_END : READER_FAILED;
}

enum reader_status physical_stream_read(struct physical_backup *job, struct slice *data,
                                        struct error *err)
{
    if (job->reading == READING_BACKUP_MANIFEST)
        return read_backup_manifest(job, data, err);
    return read_member(job, data, err);
}

bool physical_stream_has_more_ahead(const struct physical_backup *job)
{
    if (job->reading != READING_MEMBER)
        return false;
    return job->input.len > 0 || base_backup_has_data_ahead(job->backup);
}
