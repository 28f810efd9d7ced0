/*
 * Records pass through unchanged, so that a restore writes what a check sees. Nothing stops at the
 * first problem: who has a damaged backup wants to know all that is wrong with it.
 */
#include "restore/checking_internal.h"

#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define MANIFEST_RECORD layout_first[0]

static struct checking_source *from_source(struct record_source *source)
{
    return (struct checking_source *)source;
}

/* ---- Which digests ---- */

/* manifest.json, which comes first, names both digests near its beginning; without it they are the
 * default ones. */
static bool settle_digests(struct checking_source *check, struct error *err)
{
    check->digests_settled = true;
    check->digested = check->facts->summary_digest;
    check->logical = check->facts->kind == MANIFEST_LOGICAL;
    return record_proof_choose(check->proof, check->facts->backup_manifest_digest,
                               check->facts->summary_digest, err);
}

/* That manifest.json is not damaged is for its digest to say. */
static bool read_manifest(struct checking_source *check, struct slice data, struct error *err)
{
    if (strcmp(check->path, MANIFEST_RECORD) != 0 || (check->digests_settled && !check->logical))
        return true;
    if (!manifest_decoder_feed(check->manifest, data, err) && err->code == ERROR_MEMORY)
        return false;
    return check->digests_settled || !check->facts->options_known || settle_digests(check, err);
}

/* Where manifest.json does not say of which kind the backup is, its first record does. */
static void settle_kind(struct checking_source *check)
{
    enum logical_part part = logical_layout_part(check->path);

    if (check->facts->kind == MANIFEST_UNKNOWN && part != LOGICAL_PART_FOREIGN &&
        part != LOGICAL_PART_MANIFEST && part != LOGICAL_PART_SUMMARY)
        check->logical = true;
}

/* ---- Records passing through ---- */

/* A logical backup has few files, and all of their digests are in summary.json. */
static enum layout_class classify(const struct checking_source *check, const char *path)
{
    enum logical_part part = logical_layout_part(path);

    if (!check->logical || part == LOGICAL_PART_SUMMARY)
        return layout_classify(path);
    return part == LOGICAL_PART_FOREIGN ? LAYOUT_FOREIGN : LAYOUT_SUMMARY;
}

static void seal(struct checking_source *check, struct file_ledger *ledger, const char *list)
{
    size_t duplicates;

    file_ledger_seal(ledger, &duplicates);
    if (duplicates > 0)
        checking_problem(check, VERIFY_UNEXPECTED, list, "%zu name%s occur%s twice in the backup",
                         duplicates, TEXT_S(duplicates), duplicates == 1 ? "s" : "");
}

static bool begin_file(struct checking_source *check, const struct record *record,
                       struct error *err)
{
    if (!check->digests_settled && strcmp(check->path, MANIFEST_RECORD) != 0 &&
        !settle_digests(check, err))
        return false;
    settle_kind(check);
    check->record_class = classify(check, record->path);
    check->reader_state = READER_DATA;
    check->reading = true;
    record_proof_begin(check->proof, check->record_class);
    if (check->record_class == LAYOUT_FOREIGN)
        checking_problem(check, VERIFY_UNEXPECTED, check->path,
                         "unexpected: a %s backup has nothing of that name",
                         check->logical ? "logical" : "physical");
    if (check->record_class == LAYOUT_LISTED && check->backup_manifest_seen)
        checking_problem(check, VERIFY_CHANGED, check->path,
                         "comes after backup_manifest: the order was changed");
    if (check->record_class != LAYOUT_FOREIGN && check->summary_seen)
        checking_problem(check, VERIFY_CHANGED, check->path,
                         "comes after summary.json: the order was changed");
    if (strcmp(check->path, LAYOUT_BACKUP_MANIFEST) == 0 && !check->backup_manifest_seen) {
        check->backup_manifest_seen = true;
        seal(check, check->listed, LAYOUT_DATA);
    }
    if (check->record_class == LAYOUT_THE_SUMMARY && !check->summary_seen) {
        check->summary_seen = true;
        seal(check, check->others, "/");
    }
    return checking_begin_content(check, err);
}

static void take_bytes(struct checking_source *check, struct slice data)
{
    check->report.bytes += data.len;
    switch (check->record_class) {
    case LAYOUT_SUMMARY:
        checking_feed_content(check, data);
        if (strcmp(check->path, LAYOUT_BACKUP_MANIFEST) == 0)
            checking_feed_backup_manifest(check, data);
        break;
    case LAYOUT_THE_SUMMARY:
        checking_feed_summary(check, data);
        break;
    case LAYOUT_LISTED:
    case LAYOUT_FOREIGN:
        break;
    }
    record_proof_feed(check->proof, data);
}

static bool end_file(struct checking_source *check, struct error *err)
{
    uint8_t digest[DIGEST_MAX];
    char listed_path[RECORD_PATH_MAX];
    size_t size;

    if (!check->digests_settled && !settle_digests(check, err))
        return false;
    check->reading = false;
    check->report.files++;
    if (strcmp(check->path, LAYOUT_BACKUP_MANIFEST) == 0)
        checking_end_backup_manifest(check);
    switch (check->record_class) {
    case LAYOUT_LISTED:
        if (check->backup_manifest_seen)
            return true;
        size = record_proof_end(check->proof, digest);
        layout_backup_manifest_path(check->path, listed_path, sizeof(listed_path));
        return file_ledger_add(check->listed, listed_path, record_proof_bytes(check->proof), digest,
                               size, err);
    case LAYOUT_SUMMARY:
        if (check->summary_seen) {
            checking_drop_content(check);
            return true;
        }
        checking_end_content(check);
        size = record_proof_end(check->proof, digest);
        return file_ledger_add(check->others, check->path, record_proof_bytes(check->proof), digest,
                               size, err);
    case LAYOUT_THE_SUMMARY:
        checking_end_summary(check);
        return true;
    case LAYOUT_FOREIGN:
        break;
    }
    return true;
}

static bool take_other(struct checking_source *check, const struct record *record,
                       struct error *err)
{
    uint8_t digest[DIGEST_MAX];
    size_t size = summary_ledger_digest(record->type, NULL, 0, record->link_target, digest);

    if (check->summary_seen) {
        checking_problem(check, VERIFY_CHANGED, record->path,
                         "comes after summary.json: the order was changed");
        return true;
    }
    if (check->facts->without_summary) {
        checking_problem(check, VERIFY_UNEXPECTED, record->path,
                         "is not part of the backup: manifest.json names no such");
        return true;
    }
    if (check->facts->kind != MANIFEST_PHYSICAL && record->type == RECORD_DIRECTORY &&
        logical_layout_is_folder(record->path)) {
        checking_enter_folder(check, record->path);
        return true;
    }
    return file_ledger_add(check->others, record->path, 0, digest, size, err);
}

static enum reader_status check_read(struct reader *reader, struct slice *data, struct error *err)
{
    struct checking_source *check =
        (struct checking_source *)((char *)reader - offsetof(struct checking_source, reader));

    if (check->reader_state != READER_DATA)
        return check->reader_state;
    if (!cancel_check(check->options.cancel, err))
        check->reader_state = READER_FAILED;
    else
        check->reader_state = reader_next(check->inner_reader, data, err);
    if (check->reader_state == READER_DATA) {
        take_bytes(check, *data);
        if (!read_manifest(check, *data, err))
            check->reader_state = READER_FAILED;
    } else if (check->reader_state == READER_END && !end_file(check, err)) {
        check->reader_state = READER_FAILED;
    }
    if (check->out_of_memory && check->reader_state != READER_FAILED) {
        error_set_memory(err);
        check->reader_state = READER_FAILED;
    }
    return check->reader_state;
}

static void check_reader_close(struct reader *reader)
{
    (void)reader; /* what was not read is read when the next record is asked for */
}

static bool leave_record(struct checking_source *check, struct error *err)
{
    struct slice data;

    while (check->reading) {
        if (check_read(&check->reader, &data, err) == READER_FAILED)
            return false;
    }
    reader_close(check->inner_reader);
    check->inner_reader = NULL;
    return true;
}

/* ---- The end ---- */

static bool is_surplus(const struct checking_source *check, const char *path, bool use_listed,
                       bool use_others)
{
    char listed_path[RECORD_PATH_MAX];

    if (use_others && file_ledger_is_unexpected(check->others, path))
        return true;
    return use_listed && layout_classify(path) == LAYOUT_LISTED &&
           layout_backup_manifest_path(path, listed_path, sizeof(listed_path)) &&
           file_ledger_is_unexpected(check->listed, listed_path);
}

/* The ledgers know no names: the backup's names are gone through once more. */
static bool name_surplus(struct checking_source *check, bool use_listed, bool use_others,
                         struct error *err)
{
    struct record_source *again = check->options.reopen(check->options.context, err);
    struct record record;
    enum source_status status;

    if (again == NULL)
        return false;
    while ((status = source_next(again, &record, err)) == SOURCE_RECORD) {
        reader_close(record.reader);
        if (is_surplus(check, record.path, use_listed, use_others))
            checking_problem(check, VERIFY_UNEXPECTED, record.path, "is not part of the backup");
    }
    source_close(again);
    return status == SOURCE_END;
}

static void check_whole(struct checking_source *check)
{
    const struct verify_report *report = &check->report;

    checking_leave_folder(check);
    if (!check->backup_manifest_seen && !check->logical)
        checking_problem(check, VERIFY_MISSING, LAYOUT_BACKUP_MANIFEST, "is missing");
    if (checking_is_unlisted(check) && !check->summary_seen)
        checking_end_unlisted(check);
    else if (!check->summary_seen)
        checking_problem(check, VERIFY_MISSING, SUMMARY_PATH,
                         "is missing: the backup is not complete");
    if (check->rows_stated && !checking_goes_by_digests(check) && report->problems == 0 &&
        report->rows != check->stated_rows)
        checking_problem(check, VERIFY_CHANGED, SUMMARY_PATH,
                         "says that there are %" PRIu64 " rows, of which %" PRIu64 " were found",
                         check->stated_rows, report->rows);
}

static bool check_end(struct checking_source *check, struct error *err)
{
    bool surplus_listed, surplus_others;

    check_whole(check);
    surplus_listed = check->backup_manifest_whole && file_ledger_unexpected(check->listed) > 0;
    surplus_others = check->summary_whole && file_ledger_unexpected(check->others) > 0;
    if (!surplus_listed && !surplus_others)
        return true;
    if (check->options.reopen != NULL)
        return name_surplus(check, surplus_listed, surplus_others, err);
    if (surplus_listed)
        checking_problem(check, VERIFY_UNEXPECTED, LAYOUT_DATA,
                         "holds %zu unexpected file%s (backup_manifest lists no such)",
                         file_ledger_unexpected(check->listed),
                         TEXT_S(file_ledger_unexpected(check->listed)));
    if (surplus_others)
        checking_problem(check, VERIFY_UNEXPECTED, "/",
                         "holds %zu unexpected file%s (summary.json lists no such)",
                         file_ledger_unexpected(check->others),
                         TEXT_S(file_ledger_unexpected(check->others)));
    return true;
}

static enum source_status check_next(struct record_source *source, struct record *record,
                                     struct error *err)
{
    struct checking_source *check = from_source(source);
    enum source_status status;

    if (check->ended)
        return SOURCE_END;
    if (!leave_record(check, err) || !cancel_check(check->options.cancel, err))
        return SOURCE_FAILED;
    status = source_next(check->inner, record, err);
    if (status == SOURCE_FAILED)
        return status;
    if (status == SOURCE_END) {
        check->ended = true;
        return check_end(check, err) ? SOURCE_END : SOURCE_FAILED;
    }
    if (check->options.observer != NULL && check->options.observer->record_begun != NULL)
        check->options.observer->record_begun(check->options.observer->context, record);
    if (record->type != RECORD_FILE)
        return take_other(check, record, err) ? SOURCE_RECORD : SOURCE_FAILED;
    snprintf(check->path, sizeof(check->path), "%s", record->path);
    check->inner_reader = record->reader;
    record->reader = &check->reader;
    return begin_file(check, record, err) ? SOURCE_RECORD : SOURCE_FAILED;
}

static void check_close(struct record_source *source)
{
    struct checking_source *check = from_source(source);

    reader_close(check->inner_reader);
    source_close(check->inner);
    record_proof_free(check->proof);
    checking_drop_content(check);
    archive_folder_free(check->folder);
    file_ledger_free(check->listed);
    file_ledger_free(check->others);
    backup_manifest_decoder_free(check->backup_manifest_decoder);
    summary_decoder_free(check->summary_decoder);
    manifest_decoder_free(check->manifest);
    free(check);
}

static const struct record_source_ops source_ops = {check_next, check_close};
static const struct reader_ops reader_ops = {.next = check_read, .close = check_reader_close};

struct record_source *checking_source_new(struct record_source *inner,
                                          const struct verify_options *options, struct error *err)
{
    struct checking_source *check = calloc(1, sizeof(*check));

    if (check == NULL) {
        error_set_memory(err);
        source_close(inner);
        return NULL;
    }
    check->source = (struct record_source){.ops = &source_ops, .sequential = true};
    check->reader.ops = &reader_ops;
    check->inner = inner;
    check->options = *options;
    check->manifest = manifest_decoder_new(0, err);
    if (check->manifest != NULL) {
        check->facts = manifest_decoder_facts(check->manifest);
        check->proof = record_proof_new(err);
    }
    if (check->proof == NULL || !checking_begin_lists(check, err)) {
        check_close(&check->source);
        return NULL;
    }
    return &check->source;
}

bool checking_source_whole(const struct record_source *source)
{
    const struct checking_source *check = (const struct checking_source *)source;

    return check->ended && check->report.problems == 0 &&
           (check->backup_manifest_whole || check->logical) &&
           (check->summary_whole || check->report.without_summary);
}

void checking_source_report(const struct record_source *source, struct verify_report *report)
{
    *report = ((const struct checking_source *)source)->report;
}
