/* What backups and archives say of themselves. */
#include "library/library_internal.h"

#include "base/clock.h"
#include "manifest/manifest_stream.h"
#include "restore/backup_source.h"
#include "restore/listing.h"

#include <stdio.h>
#include <stdlib.h>

#define SAME_SECTION(name)                                                                         \
    _Static_assert((int)PGCASK_SECTION_##name == (int)SECTION_##name, "the sections differ")

SAME_SECTION(NONE);
SAME_SECTION(PRE_DATA);
SAME_SECTION(DATA);
SAME_SECTION(POST_DATA);

struct list {
    struct pgcask_source *source;
    struct pgcask_list_callbacks callbacks;
    struct pgcask_listing found;
    struct listing listing;
    const char *archive; /* the record being read, NULL: none */
    struct record_source *own, *records;
    enum archive_kind kind;
    struct pgcask_archive_report report;
    int32_t data_of;
    uint64_t data_bytes;
};

const char *pgcask_listing_kind_name(enum pgcask_listing_kind kind)
{
    static const char *const names[] = {"unknown", "physical", "logical", "archive"};

    return kind > PGCASK_LISTING_UNKNOWN && kind <= PGCASK_LISTING_ARCHIVE ? names[kind] : names[0];
}

/* ---- Telling ---- */

static void tell_problem(void *context, enum verify_problem kind, const char *path,
                         const char *text)
{
    struct list *list = context;

    list->found.problems++;
    list->report.missing += kind == VERIFY_MISSING;
    list->report.unexpected += kind == VERIFY_UNEXPECTED;
    list->report.damaged += kind != VERIFY_MISSING && kind != VERIFY_UNEXPECTED;
    library_problem_tell(list->callbacks.problem, list->callbacks.context,
                         (enum pgcask_problem_kind)kind, path, text);
}

static void note_unsound(void *context, const char *path, const struct error *err)
{
    tell_problem(context, VERIFY_DAMAGED, path, err->message);
}

static bool tell_record(void *context, const struct record *record, struct error *err)
{
    struct list *list = context;
    struct pgcask_error error = {.struct_size = sizeof(error)};
    struct pgcask_record published;

    library_record_publish(record, &published);
    return list->callbacks.record(list->callbacks.context, &published, &error) ||
           library_fail_by_callback(err, &error, "record");
}

static bool tell_entry(void *context, uint32_t number, const struct archive_entry *entry,
                       struct error *err)
{
    struct list *list = context;
    struct pgcask_error error = {.struct_size = sizeof(error)};
    bool known = entry->section >= SECTION_NONE && entry->section <= SECTION_POST_DATA;
    const struct pgcask_entry told = {
        .struct_size = sizeof(told),
        .archive = list->archive,
        .dump_id = entry->dump_id,
        .desc = entry->desc,
        .schema = entry->schema,
        .tag = entry->tag,
        .owner = entry->owner,
        .section = known ? (enum pgcask_section)entry->section : PGCASK_SECTION_OTHER,
        .dependencies = entry->dependencies,
        .dependency_count = entry->dependency_count,
        .has_data = entry->has_data,
        .tablespace = entry->tablespace,
        .definition = entry->definition,
        .catalog_oid = entry->catalog_oid,
        .object_oid = entry->object_oid,
    };

    (void)number;
    return list->callbacks.entry == NULL ||
           list->callbacks.entry(list->callbacks.context, &told, &error) ||
           library_fail_by_callback(err, &error, "entry");
}

static bool take_data(void *context, int32_t dump_id, struct slice bytes, struct error *err)
{
    struct list *list = context;

    (void)err;
    if (dump_id != list->data_of)
        list->data_bytes = 0;
    list->data_of = dump_id;
    list->data_bytes += bytes.len;
    return true;
}

static bool tell_data(void *context, int32_t dump_id, uint64_t rows, struct error *err)
{
    struct list *list = context;
    struct pgcask_error error = {.struct_size = sizeof(error)};
    const struct pgcask_entry_data told = {
        .struct_size = sizeof(told),
        .dump_id = dump_id,
        .bytes = dump_id == list->data_of ? list->data_bytes : 0,
        .rows = rows,
    };

    list->data_bytes = 0;
    return list->callbacks.entry_data == NULL ||
           list->callbacks.entry_data(list->callbacks.context, &told, &error) ||
           library_fail_by_callback(err, &error, "entry_data");
}

/* ---- Facts ---- */

static void take_text(char *out, size_t size, const char *text)
{
    snprintf(out, size, "%s", text == NULL ? "" : text);
}

static void take_member(char *out, size_t size, const json_t *object, const char *name)
{
    take_text(out, size, json_string_value(json_object_get(object, name)));
}

#define TAKE(member, object, name) take_member(found->member, sizeof(found->member), object, name)

static uint64_t number_of(const json_t *object, const char *name)
{
    json_int_t number = json_integer_value(json_object_get(object, name));

    return number < 0 ? 0 : (uint64_t)number;
}

static bool take_header(void *context, const struct archive_header *header, struct error *err)
{
    struct list *list = context;
    struct pgcask_listing *found = &list->found;

    (void)err;
    snprintf(found->archive_version, sizeof(found->archive_version), "1.%d", header->minor);
    take_text(found->compression, sizeof(found->compression),
              compression_name(header->compression));
    if (found->kind != PGCASK_LISTING_ARCHIVE)
        return true;
    found->entries = header->entry_count;
    clock_format_utc(header->created, found->started_at);
    take_text(found->database, sizeof(found->database), header->database);
    take_text(found->server_version, sizeof(found->server_version), header->server_version);
    take_text(found->producer, sizeof(found->producer), header->dumper_version);
    return true;
}

static void take_summary(struct pgcask_listing *found, const json_t *summary)
{
    TAKE(started_at, summary, "started_at");
    TAKE(finished_at, summary, "finished_at");
    TAKE(label, json_object_get(summary, "options"), "label");
    TAKE(start_lsn, summary, "start_lsn");
    TAKE(stop_lsn, summary, "stop_lsn");
    TAKE(wal_lsn, summary, "wal_lsn");
    TAKE(compression, summary, "compression");
    found->start_timeline = (uint32_t)number_of(summary, "start_timeline");
    found->stop_timeline = (uint32_t)number_of(summary, "stop_timeline");
    found->wal_bytes = number_of(summary, "wal_bytes");
    found->checksum_failures = number_of(summary, "checksum_failure_count");
    found->files = number_of(summary, "files");
    found->bytes = number_of(summary, "bytes");
    found->entries = number_of(summary, "entries");
    found->tables = number_of(summary, "tables");
    found->rows = number_of(summary, "rows");
}

static void take_description(struct list *list)
{
    struct pgcask_listing *found = &list->found;
    const json_t *object = list->listing.description.object;
    const json_t *summary = json_object_get(object, "summary");
    const json_t *first = summary != NULL ? summary : object;
    const char *kind = listing_kind(&list->listing);

    take_summary(found, summary);
    found->kind = strcmp(kind, "physical") == 0  ? PGCASK_LISTING_PHYSICAL
                  : strcmp(kind, "logical") == 0 ? PGCASK_LISTING_LOGICAL
                                                 : PGCASK_LISTING_UNKNOWN;
    found->complete = list->listing.complete && list->listing.manifest_seen;
    TAKE(producer, first, "producer");
    TAKE(database, first, "database");
    take_text(found->server_version, sizeof(found->server_version),
              listing_server_version(&list->listing));
    found->server_version_num = (int)number_of(first, "server_version_num");
    TAKE(system_identifier, summary, "system_identifier");
    if (found->system_identifier[0] == '\0')
        TAKE(system_identifier, object, "cluster_system_identifier");
    TAKE(layout, first, "layout");
    found->databases_backed = number_of(summary, "database_count");
    found->partial = json_is_true(json_object_get(object, "partial"));
    found->without_verifiers = json_is_false(json_object_get(object, "verifiers"));
    found->in_recovery = json_is_true(json_object_get(first, "in_recovery"));
    found->databases = json_array_size(json_object_get(object, "databases"));
    found->tablespaces = json_array_size(json_object_get(object, "tablespaces"));
    found->manifest_unavailable = json_array_size(json_object_get(object, "unavailable"));
}

static bool tell_databases(struct list *list, struct error *err)
{
    const json_t *databases = json_object_get(list->listing.description.object, "databases");
    struct pgcask_error error = {.struct_size = sizeof(error)};

    for (size_t i = 0; list->callbacks.database != NULL && i < json_array_size(databases); i++) {
        const json_t *database = json_array_get(databases, i);
        const json_t *rows = json_object_get(database, "row_estimate");
        const char *name = json_string_value(json_object_get(database, "name"));
        const struct pgcask_database told = {
            .struct_size = sizeof(told),
            .name = name == NULL ? "" : name,
            .relations = number_of(database, "relations"),
            .tables = number_of(database, "tables"),
            .not_analysed = number_of(database, "tables_not_analysed"),
            .row_estimate = rows == NULL ? -1 : json_integer_value(rows),
            .backed_up = json_is_true(json_object_get(database, "backed_up")),
            .same_snapshot = json_is_true(json_object_get(database, "same_snapshot")),
        };

        if (!list->callbacks.database(list->callbacks.context, &told, &error))
            return library_fail_by_callback(err, &error, "database");
    }
    return true;
}

static bool tell_tablespaces(struct list *list, struct error *err)
{
    const json_t *tablespaces = json_object_get(list->listing.description.object, "tablespaces");
    struct pgcask_error error = {.struct_size = sizeof(error)};

    for (size_t i = 0; list->callbacks.tablespace != NULL && i < json_array_size(tablespaces);
         i++) {
        const json_t *tablespace = json_array_get(tablespaces, i);
        const char *name = json_string_value(json_object_get(tablespace, "name"));
        const char *location = json_string_value(json_object_get(tablespace, "location"));
        const struct pgcask_tablespace told = {
            .struct_size = sizeof(told),
            .name = name == NULL ? "" : name,
            .location = location == NULL ? "" : location,
        };

        if (!list->callbacks.tablespace(list->callbacks.context, &told, &error))
            return library_fail_by_callback(err, &error, "tablespace");
    }
    return true;
}

/* ---- Reading ---- */

/* A directory is opened once more: what describes it comes first. */
static bool open_directory(struct list *list, struct error *err)
{
    const struct pgcask_source *source = list->source;

    list->kind = archive_kind_of_directory(source->path);
    list->own = backup_source_open_for_listing(&source->place, &source->job.cancel, err);
    list->records = list->own;
    return list->own != NULL;
}

static bool open_records(struct list *list, struct error *err)
{
    struct pgcask_source *source = list->source;

    if (source->kind == LIBRARY_BACKUP || source->kind == LIBRARY_LOGICAL_BACKUP)
        return error_set(err, ERROR_USAGE, "a backup that is being made cannot be listed");
    if (!library_source_lend(source, &list->records, err))
        return false;
    if (source->kind == LIBRARY_DIRECTORY)
        return open_directory(list, err);
    return source->kind == LIBRARY_CALLBACKS ||
           archive_kind_of_tar(source->inner, &list->kind, err);
}

static bool scan_archive(struct list *list, struct archive_scan *scan, struct error *err)
{
    const struct archive_handler handler = {.context = list,
                                            .header = take_header,
                                            .entry = tell_entry,
                                            .data = take_data,
                                            .data_end = tell_data};
    struct pgcask_source *source = list->source;
    const char *name = source->path == NULL ? "-" : source->path;
    struct pgcask_listing *found = &list->found;
    bool done;

    found->kind = PGCASK_LISTING_ARCHIVE;
    scan->own = &handler;
    scan->observer = &source->job.observer;
    scan->cancel = &source->job.cancel;
    done = list->kind == ARCHIVE_CUSTOM
               ? archive_scan_custom(scan, name, tar_source_raw_reader(source->inner), err)
               : archive_scan_files(scan, list->records, err);
    take_text(found->archive_format, sizeof(found->archive_format), scan->format);
    found->entries_with_data = scan->entries_with_data;
    return done;
}

/* An archive in a backup: damage is a problem of it, and the list goes on. */
static bool take_archive(void *context, const struct record *record, const char *archive,
                         bool folder, struct error *err)
{
    struct list *list = context;
    const struct archive_handler handler = {
        .context = list, .header = take_header, .entry = tell_entry};
    struct archive_scan scan = {
        .only_contents = true,
        .own = &handler,
        .cancel = &list->source->job.cancel,
        .problem = tell_problem,
        .context = list,
    };
    bool done;

    list->archive = archive;
    done = (folder ? archive_scan_contents : archive_scan_custom)(&scan, record->path,
                                                                  record->reader, err);
    list->archive = NULL;
    take_text(list->found.archive_format, sizeof(list->found.archive_format), scan.format);
    list->found.entries_with_data += scan.entries_with_data;
    return done;
}

static bool list_backup(struct list *list, struct error *err)
{
    const struct listing_options options = {
        .context = list,
        .cancel = &list->source->job.cancel,
        .record = list->callbacks.record == NULL ? NULL : tell_record,
        .archive = list->callbacks.entry == NULL ? NULL : take_archive,
        .unsound = note_unsound,
    };
    bool done = listing_init(&list->listing, err) &&
                listing_read(&list->listing, list->records, &options, err) &&
                listing_check_found(&list->listing, err);

    if (list->listing.manifest_seen || list->listing.summary_seen)
        take_description(list);
    done = done && tell_databases(list, err) && tell_tablespaces(list, err);
    listing_reset(&list->listing);
    return done;
}

static bool list_source(struct list *list, struct error *err)
{
    struct archive_scan scan = {.only_contents = true};

    if (!open_records(list, err))
        return false;
    return list->kind == ARCHIVE_NONE ? list_backup(list, err) : scan_archive(list, &scan, err);
}

static bool verify_archive(struct list *list, struct error *err)
{
    struct archive_scan scan = {.problem = tell_problem, .context = list};
    bool done;

    if (!open_records(list, err))
        return false;
    if (list->kind == ARCHIVE_NONE) {
        error_set(err, ERROR_USAGE, "it is no archive");
        return error_hint(err, "A backup is verified by pgcask_verify.");
    }
    done = scan_archive(list, &scan, err) && archive_scan_check(&scan, err);
    list->report.entries = scan.entries;
    list->report.entries_with_data = scan.entries_with_data;
    list->report.data_bytes = scan.data_bytes;
    list->report.rows = scan.rows;
    list->report.files = scan.files;
    list->report.problems = scan.problems;
    return done;
}

/* ---- The public functions ---- */

typedef bool list_work(struct list *list, struct error *err);

/* A structure that cannot be filled is known before the work. */
static bool run(struct pgcask_source *source, const struct pgcask_list_callbacks *callbacks,
                list_work *work, void *out, size_t offset, size_t size, const char *name,
                struct pgcask_error *error)
{
    static const size_t nothing = 0;
    struct list *list = calloc(1, sizeof(*list)); /* large for a stack */
    struct error err, ignored;
    bool done;

    if (list == NULL) {
        error_set_memory(&err);
        return library_fail(error, &err);
    }
    list->source = source;
    done = library_give(out, &nothing, sizeof(nothing), name, &err) &&
           library_take(&list->callbacks, sizeof(list->callbacks), callbacks,
                        "pgcask_list_callbacks", &err) &&
           work(list, &err);
    if (done)
        library_job_tell(&source->job);
    library_give(out, (const char *)list + offset, size, name, &ignored);
    source_close(list->own);
    free(list);
    return done || library_fail(error, &err);
}

bool pgcask_list(struct pgcask_source *source, const struct pgcask_list_callbacks *callbacks,
                 struct pgcask_listing *listing, struct pgcask_error *error)
{
    return run(source, callbacks, list_source, listing, offsetof(struct list, found),
               sizeof(struct pgcask_listing), "pgcask_listing", error);
}

bool pgcask_archive_verify(struct pgcask_source *source,
                           const struct pgcask_list_callbacks *callbacks,
                           struct pgcask_archive_report *report, struct pgcask_error *error)
{
    return run(source, callbacks, verify_archive, report, offsetof(struct list, report),
               sizeof(struct pgcask_archive_report), "pgcask_archive_report", error);
}
