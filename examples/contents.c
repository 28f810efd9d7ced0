/*
 * Says what a backup of pgcask or an archive of pg_dump holds, without restoring it.
 *
 *     contents list PATH
 *     contents verify ARCHIVE
 *
 * PATH is a directory, a file, or "-" for standard input.
 */
#include <pgcask/pgcask.h>

#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *or_dash(const char *text)
{
    return text == NULL ? "-" : text;
}

static bool print_record(void *context, const struct pgcask_record *record,
                         struct pgcask_error *error)
{
    (void)context;
    (void)error;
    printf("record %" PRId64 " %s\n", record->size, record->path);
    return true;
}

static bool print_database(void *context, const struct pgcask_database *database,
                           struct pgcask_error *error)
{
    (void)context;
    (void)error;
    printf("database %s: %" PRIu64 " tables, about %" PRId64 " rows\n", database->name,
           database->tables, database->row_estimate);
    return true;
}

static bool print_tablespace(void *context, const struct pgcask_tablespace *tablespace,
                             struct pgcask_error *error)
{
    (void)context;
    (void)error;
    printf("tablespace %s: %s\n", tablespace->name, tablespace->location);
    return true;
}

static bool print_entry(void *context, const struct pgcask_entry *entry, struct pgcask_error *error)
{
    static const char *const sections[] = {"?", "none", "pre-data", "data", "post-data"};

    (void)context;
    (void)error;
    printf("entry %" PRId32 " %s|%s|%s|%s section %s dependencies %zu data %d%s%s\n",
           entry->dump_id, entry->desc, or_dash(entry->schema), entry->tag, or_dash(entry->owner),
           sections[entry->section], entry->dependency_count, entry->has_data,
           entry->archive == NULL ? "" : " in ", entry->archive == NULL ? "" : entry->archive);
    return true;
}

static bool print_data(void *context, const struct pgcask_entry_data *data,
                       struct pgcask_error *error)
{
    (void)context;
    (void)error;
    printf("data %" PRId32 ": %" PRIu64 " bytes, %" PRIu64 " rows\n", data->dump_id, data->bytes,
           data->rows);
    return true;
}

static void print_problem(void *context, const struct pgcask_problem *problem)
{
    (void)context;
    printf("problem %s: %s: %s\n", pgcask_problem_kind_name(problem->kind), problem->path,
           problem->text);
}

static void print_listing(const struct pgcask_listing *listing)
{
    printf("kind %s\ncomplete %d\nproducer %s\n", pgcask_listing_kind_name(listing->kind),
           listing->complete, listing->producer);
    printf("server_version %s\nserver_version_num %d\nsystem_identifier %s\n",
           listing->server_version, listing->server_version_num, listing->system_identifier);
    printf("database %s\nlabel %s\n", listing->database, listing->label);
    printf("started_at %s\nfinished_at %s\n", listing->started_at, listing->finished_at);
    printf("start_lsn %s\nstop_lsn %s\nwal_lsn %s\n", listing->start_lsn, listing->stop_lsn,
           listing->wal_lsn);
    printf("start_timeline %" PRIu32 "\nstop_timeline %" PRIu32 "\n", listing->start_timeline,
           listing->stop_timeline);
    printf("files %" PRIu64 "\nbytes %" PRIu64 "\nwal_bytes %" PRIu64 "\n", listing->files,
           listing->bytes, listing->wal_bytes);
    printf("entries %" PRIu64 "\nentries_with_data %" PRIu64 "\ntables %" PRIu64 "\nrows %" PRIu64
           "\n",
           listing->entries, listing->entries_with_data, listing->tables, listing->rows);
    printf("format %s\narchive_version %s\ncompression %s\n", listing->archive_format,
           listing->archive_version, listing->compression);
}

static void print_report(const struct pgcask_archive_report *report)
{
    printf("entries %" PRIu64 "\nentries_with_data %" PRIu64 "\ndata_bytes %" PRIu64
           "\nrows %" PRIu64 "\nfiles %" PRIu64 "\n",
           report->entries, report->entries_with_data, report->data_bytes, report->rows,
           report->files);
    printf("problems %" PRIu64 "\nmissing %" PRIu64 "\nunexpected %" PRIu64 "\ndamaged %" PRIu64
           "\n",
           report->problems, report->missing, report->unexpected, report->damaged);
}

static struct pgcask_source *open_source(const char *path, struct pgcask_error *error)
{
    struct stat st;

    if (strcmp(path, "-") == 0)
        return pgcask_source_open_tar_fd(STDIN_FILENO, NULL, error);
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return pgcask_source_open_directory(path, NULL, error);
    return pgcask_source_open_tar(path, NULL, error);
}

static bool work(bool verify, const char *path, const struct pgcask_list_callbacks *callbacks,
                 struct pgcask_error *error)
{
    struct pgcask_source *source = open_source(path, error);
    struct pgcask_archive_report report;
    struct pgcask_listing listing;
    bool done;

    if (source == NULL)
        return false;
    PGCASK_INIT(report);
    PGCASK_INIT(listing);
    if (verify)
        done = pgcask_archive_verify(source, callbacks, &report, error);
    else
        done = pgcask_list(source, callbacks, &listing, error);
    if (verify)
        print_report(&report);
    else
        print_listing(&listing);
    pgcask_source_close(source);
    return done;
}

int main(int argc, char **argv)
{
    struct pgcask_list_callbacks callbacks;
    struct pgcask_error error;
    bool verify = argc == 3 && strcmp(argv[1], "verify") == 0;

    PGCASK_INIT(error);
    PGCASK_INIT(callbacks);
    if (argc != 3 || (!verify && strcmp(argv[1], "list") != 0))
        return 2;
    callbacks.record = print_record;
    callbacks.database = print_database;
    callbacks.tablespace = print_tablespace;
    callbacks.entry = print_entry;
    callbacks.entry_data = print_data;
    callbacks.problem = print_problem;
    if (work(verify, argv[2], &callbacks, &error))
        return 0;
    fprintf(stderr, "contents: %s: %s\n", pgcask_error_code_name(error.code), error.message);
    if (error.hint[0] != '\0')
        fprintf(stderr, "hint: %s\n", error.hint);
    return 1;
}
