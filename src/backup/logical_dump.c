/* The archive of one database: its entries from the catalogs, its data by COPY, in the order of the
 * table of contents. */
#include "backup/logical_internal.h"

#include "base/quote.h"

#include <stdio.h>
#include <stdlib.h>

/* What is sent ahead has to fit into what lies between: a server that sends rows does not read. */
#define AHEAD_MAX 16
#define AHEAD_QUERY_MAX 512

static bool give_entry(void *context, uint32_t number, struct archive_entry *entry,
                       struct error *err)
{
    struct logical_backup *job = context;

    return catalog_entry(job->catalog, number, entry, err);
}

static uint32_t next_with_data(const struct logical_backup *job, uint32_t number)
{
    while (number < job->header.entry_count && !catalog_entry_has_data(job->catalog, number))
        number++;
    return number;
}

static bool ask(struct logical_backup *job, uint32_t number, struct error *err)
{
    const char *query;

    if (number < job->asked) {
        job->ahead--;
        return true;
    }
    job->asked = number + 1;
    return catalog_data_query(job->catalog, number, &query, err) &&
           wire_queue_query(job->conn, query, err);
}

/* The rows of the next few entries are asked for as well, so that small tables do not each cost the
 * way to the server and back. A long query waits for its turn. */
static bool ask_ahead(struct logical_backup *job, struct error *err)
{
    uint32_t number;
    const char *query;

    while (job->ahead < AHEAD_MAX &&
           (number = next_with_data(job, job->asked)) < job->header.entry_count) {
        if (!catalog_data_query(job->catalog, number, &query, err))
            return false;
        if (strlen(query) > AHEAD_QUERY_MAX)
            break;
        if (!wire_queue_query(job->conn, query, err))
            return false;
        job->asked = number + 1;
        job->ahead++;
    }
    return true;
}

static bool begin_copy(struct logical_backup *job, uint32_t number, struct error *err)
{
    job->report.table = catalog_data_table(job->catalog, number);
    job->rows_ended = false;
    job->counted = false;
    job->copying = ask(job, number, err) && ask_ahead(job, err);
    return job->copying;
}

/* "COPY 123" */
static bool count_rows(struct logical_backup *job, const char *tag)
{
    if (strncmp(tag, "COPY ", 5) != 0)
        return false;
    job->report.rows += strtoull(tag + 5, NULL, 10);
    return true;
}

/* An answer that lacks one of its parts may lack rows, too. */
static bool end_copy(struct logical_backup *job, struct error *err)
{
    job->copying = false;
    if (job->rows_ended && job->counted)
        return true;
    error_set(err, ERROR_PROTOCOL, "cannot read table %s: the server's answer is not complete",
              job->report.table);
    return error_hint(err, CATALOG_LOSS_HINT);
}

static bool copy_failed(struct logical_backup *job, struct error *err)
{
    char role[QUOTE_NAME_SIZE];

    quote_identifier(wire_settings_get(job->options.settings, "user"), role, sizeof(role));
    if (strcmp(err->sqlstate, "42501") == 0 && strstr(err->message, "row-level") != NULL)
        error_hint(err, "A policy would hide rows: ALTER ROLE %s BYPASSRLS;", role);
    else if (strcmp(err->sqlstate, "42501") == 0)
        error_hint(err,
                   "GRANT SELECT ON %s TO %s;  or, from PostgreSQL 14 on, for all tables: "
                   "GRANT pg_read_all_data TO %s;",
                   job->report.table, role, role);
    else if (strcmp(err->sqlstate, "42P01") == 0 || strcmp(err->sqlstate, "3F000") == 0 ||
             strcmp(err->sqlstate, "42703") == 0) /* the tables are locked, their schemas are not */
        error_hint(err, "Its schema was renamed meanwhile: run it again, when nobody does that.");
    else if (strcmp(err->sqlstate, "40001") == 0)
        error_hint(err, "The standby had to replay what the backup was reading. Let it wait: "
                        "max_standby_streaming_delay, or hot_standby_feedback = on, on the "
                        "standby; or back up the primary.");
    return error_prefix(err, "cannot read table %s", job->report.table);
}

static bool give_data(void *context, uint32_t number, struct slice *bytes, struct error *err)
{
    struct logical_backup *job = context;
    struct wire_event event;

    *bytes = (struct slice){0};
    if (!job->copying && !begin_copy(job, number, err))
        return false;
    for (;;) {
        if (!wire_next(job->conn, &event, err) || event.type == WIRE_SERVER_ERROR)
            return copy_failed(job, err);
        wire_join_copy_data(job->conn, &event);
        if (event.type == WIRE_COPY_DATA && event.data.len > 0) {
            *bytes = event.data;
            job->report.row_bytes += event.data.len;
            return true;
        }
        if (event.type == WIRE_COPY_DONE)
            job->rows_ended = true;
        if (event.type == WIRE_COMMAND_COMPLETE)
            job->counted = count_rows(job, event.tag);
        if (event.type == WIRE_READY)
            return end_copy(job, err);
    }
}

/* How many tables there are to read, for progress. */
static size_t count_tables(struct logical_backup *job)
{
    size_t tables = 0;

    for (uint32_t i = 0; i < job->header.entry_count; i++)
        tables += catalog_entry_has_data(job->catalog, i);
    return tables;
}

bool logical_dump_open(struct logical_backup *job, struct error *err)
{
    const char *version;

    version = wire_parameter(job->conn, "server_version");
    job->server_version = strdup(version == NULL ? "" : version);
    if (job->server_version == NULL)
        return error_set_memory(err);
    job->content = (struct archive_content){job, give_entry, give_data};
    job->header = (struct archive_header){
        .minor = archive_minor_of_server(job->report.server_version_num),
        .compression = job->options.compression,
        .created = job->started_at,
        .database = job->database,
        .server_version = job->server_version,
        .dumper_version = "pgcask " PGCASK_VERSION,
        .entry_count = catalog_entry_count(job->catalog),
    };
    job->report.entries = job->header.entry_count;
    job->report.tables = count_tables(job);
    job->inner =
        custom_archive_reader_new(&job->header, &job->content, job->options.compression_level, err);
    job->asked = 0;
    job->ahead = 0;
    job->ended = false;
    job->record_bytes = 0;
    digest_begin(job->digest);
    digest_begin(job->contents_digest);
    return job->inner != NULL;
}
