/*
 * What came is held against the two lists of a backup, line by line as they arrive: backup_manifest
 * for the cluster's files, summary.json for all others. A list that is damaged itself proves
 * nothing.
 */
#include "restore/checking_internal.h"

#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>

struct sizes {
    uint64_t seen, stated;
};

/* Tells what a file is that is not as its list has it; changed: how its content shows that. */
static void tell_verdict(struct checking_source *check, enum ledger_verdict verdict,
                         const char *path, const struct sizes *sizes, const char *list,
                         const char *changed)
{
    switch (verdict) {
    case LEDGER_MATCH:
        break;
    case LEDGER_MISSING:
        checking_problem(check, VERIFY_MISSING, path, "is missing");
        break;
    case LEDGER_SIZE_DIFFERS:
        checking_problem(check, VERIFY_CHANGED, path, "has %" PRIu64 " byte%s instead of %" PRIu64,
                         sizes->seen, TEXT_S(sizes->seen), sizes->stated);
        break;
    case LEDGER_DIGEST_DIFFERS:
        checking_problem(check, VERIFY_CHANGED, path, "was changed: %s", changed);
        break;
    case LEDGER_REPEATED:
        checking_problem(check, VERIFY_DAMAGED, path, "is listed twice in %s", list);
        break;
    }
}

/* ---- backup_manifest ---- */

static bool check_listed(void *context, const struct backup_manifest_file *file, struct error *err)
{
    struct checking_source *check = context;
    char path[RECORD_PATH_MAX];
    enum ledger_verdict verdict;
    uint64_t seen = 0;
    size_t size = 0;

    (void)err;
    snprintf(path, sizeof(path), LAYOUT_DATA "/%s", file->path);
    if (file->algorithm == check->facts->backup_manifest_digest)
        size = digest_size(file->algorithm);
    else if (file->algorithm != DIGEST_NONE)
        checking_problem(
            check, VERIFY_DAMAGED, path, "backup_manifest has its checksum as %s, expected was %s",
            digest_name(file->algorithm), digest_name(check->facts->backup_manifest_digest));
    verdict = file_ledger_check(check->listed, file->path, file->size, file->digest, size, &seen);
    if (verdict == LEDGER_MISSING && strcmp(file->path, "tablespace_map") == 0)
        return true; /* left out of the backup: it would lead a server to the original tablespaces
                      */
    tell_verdict(check, verdict, path, &(struct sizes){seen, file->size}, "backup_manifest",
                 "its checksum differs from backup_manifest's");
    return true;
}

void checking_feed_backup_manifest(struct checking_source *check, struct slice data)
{
    struct error err;

    if (check->backup_manifest_failed)
        return;
    if (!backup_manifest_decoder_feed(check->backup_manifest_decoder, data, &err)) {
        check->backup_manifest_failed = true;
        checking_failure(check, LAYOUT_BACKUP_MANIFEST, &err);
    }
}

void checking_end_backup_manifest(struct checking_source *check)
{
    struct error err;

    if (check->backup_manifest_failed)
        return;
    if (backup_manifest_decoder_finish(check->backup_manifest_decoder, &err))
        check->backup_manifest_whole = true;
    else
        checking_failure(check, LAYOUT_BACKUP_MANIFEST, &err);
}

/* ---- summary.json ---- */

static void copy_member(char *out, size_t out_size, const json_t *head, const char *name)
{
    const char *text = json_string_value(json_object_get(head, name));

    snprintf(out, out_size, "%s", text == NULL ? "" : text);
}

/* What the server left out of its data directory although the cluster needs it: a backup that was
 * made with such a warning alone is not whole. The server warns of checksums, too, in any language:
 * what came was not left out. */
static void tell_of_left_out(struct checking_source *check, const json_t *warnings)
{
    char path[RECORD_PATH_MAX], shown[RECORD_PATH_MAX + sizeof(LAYOUT_DATA)];
    const json_t *warning;
    size_t index;

    json_array_foreach(warnings, index, warning)
    {
        const char *text = json_string_value(warning);

        if (text == NULL || !layout_lost_part(text, path, sizeof(path)) ||
            (check->backup_manifest_seen && file_ledger_has(check->listed, path)) ||
            (path[0] == '/' && check->report.checksum_failures > 0 && !layout_says_skipped(text)))
            continue;
        snprintf(shown, sizeof(shown), "%s%s", path[0] == '/' ? "" : LAYOUT_DATA "/", path);
        checking_problem(check, VERIFY_MISSING, shown,
                         "is not in the backup: it was a link or another special file, which the "
                         "server left out");
    }
}

static void note_rows(struct checking_source *check, const json_t *rows)
{
    check->rows_stated = check->logical && json_is_integer(rows) && json_integer_value(rows) >= 0;
    if (check->rows_stated)
        check->stated_rows = (uint64_t)json_integer_value(rows);
}

static bool take_head(void *context, const json_t *head, struct error *err)
{
    struct checking_source *check = context;
    struct verify_report *report = &check->report;

    (void)err;
    copy_member(report->kind, sizeof(report->kind), head, "kind");
    copy_member(report->system_identifier, sizeof(report->system_identifier), head,
                "system_identifier");
    copy_member(report->start_lsn, sizeof(report->start_lsn), head, "start_lsn");
    copy_member(report->stop_lsn, sizeof(report->stop_lsn), head, "stop_lsn");
    copy_member(report->finished_at, sizeof(report->finished_at), head, "finished_at");
    copy_member(report->database, sizeof(report->database), head, "database");
    copy_member(report->layout, sizeof(report->layout), head, "layout");
    if (json_integer_value(json_object_get(head, "database_count")) > 0)
        report->databases = (size_t)json_integer_value(json_object_get(head, "database_count"));
    note_rows(check, json_object_get(head, "rows"));
    report->stop_timeline = (uint32_t)json_integer_value(json_object_get(head, "stop_timeline"));
    report->checksum_failures = json_array_size(json_object_get(head, "checksum_failures"));
    if (json_integer_value(json_object_get(head, "checksum_failure_count")) > 0)
        report->checksum_failures =
            (size_t)json_integer_value(json_object_get(head, "checksum_failure_count"));
    tell_of_left_out(check, json_object_get(head, "server_warnings"));
    return true;
}

static bool check_entry(void *context, const struct summary_entry *entry, struct error *err)
{
    struct checking_source *check = context;
    uint8_t expected[DIGEST_MAX];
    uint64_t seen = 0;
    size_t size = summary_ledger_digest(entry->type, entry->digest, digest_size(entry->algorithm),
                                        entry->link_target, expected);
    enum ledger_verdict verdict;

    (void)err;
    if (entry->type == RECORD_FILE && entry->algorithm != check->facts->summary_digest) {
        checking_problem(check, VERIFY_DAMAGED, entry->path,
                         "summary.json has its digest as %s, expected was %s",
                         digest_name(entry->algorithm), digest_name(check->facts->summary_digest));
        size = 0;
    }
    if (entry->type == RECORD_FILE && entry->algorithm != check->digested)
        size = 0; /* its length has to do */
    if (check->logical && entry->type == RECORD_DIRECTORY && logical_layout_is_folder(entry->path))
        return true;
    verdict = file_ledger_check(check->others, entry->path, entry->bytes, expected, size, &seen);
    tell_verdict(check, verdict, entry->path, &(struct sizes){seen, entry->bytes}, "summary.json",
                 entry->type == RECORD_FILE ? "its digest differs from summary.json's"
                                            : "summary.json lists something else there");
    return true;
}

void checking_feed_summary(struct checking_source *check, struct slice data)
{
    struct error err;

    if (check->summary_failed)
        return;
    if (!summary_decoder_feed(check->summary_decoder, data, &err)) {
        check->summary_failed = true;
        checking_failure(check, SUMMARY_PATH, &err);
    }
}

void checking_end_summary(struct checking_source *check)
{
    struct error err;

    if (check->summary_failed)
        return;
    if (summary_decoder_finish(check->summary_decoder, &err))
        check->summary_whole = true;
    else
        checking_failure(check, SUMMARY_PATH, &err);
}

/* ---- Both ---- */

bool checking_begin_lists(struct checking_source *check, struct error *err)
{
    const struct backup_manifest_handler listed = {.context = check, .file = check_listed};
    const struct summary_handler summary = {check, take_head, check_entry};

    check->listed = file_ledger_new(err);
    check->others = check->listed == NULL ? NULL : file_ledger_new(err);
    if (check->others == NULL)
        return false;
    check->backup_manifest_decoder = backup_manifest_decoder_new(&listed, err);
    check->summary_decoder =
        check->backup_manifest_decoder == NULL ? NULL : summary_decoder_new(&summary, err);
    return check->summary_decoder != NULL;
}
