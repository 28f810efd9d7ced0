/*
 * What an archive of one database is made of: its entries come from the catalogs, its rows by COPY,
 * in the order of the table of contents. What an archive looks like and how rows are asked for is
 * known elsewhere; here the one is handed to the other.
 */
#include "backup/logical_internal.h"

#include <stdlib.h>

static bool give_entry(void *context, uint32_t number, struct archive_entry *entry,
                       struct error *err)
{
    struct logical_database *database = context;

    return catalog_entry(database->catalog, number, entry, err);
}

uint64_t logical_dump_bytes(const struct logical_database *database)
{
    return database->copy.bytes + objects_out_bytes(database->objects);
}

static bool give_data(void *context, uint32_t number, struct slice *bytes, struct error *err)
{
    struct logical_database *database = context;
    struct logical_report *report = &database->job->report.logical;
    bool done = logical_objects_are_in(database->catalog, number)
                    ? objects_out_next(database->objects, bytes, err)
                    : copy_out_next(&database->copy, number, bytes, err);

    database->rows = database->copy.rows;
    report->rows = database->job->rows_before + database->copy.rows;
    report->row_bytes = database->job->row_bytes_before + logical_dump_bytes(database);
    return done;
}

static bool give_object(void *context, uint32_t number, uint32_t index, uint32_t *oid,
                        struct error *err)
{
    struct logical_database *database = context;

    (void)err;
    *oid = logical_objects_oid(database->catalog, number, index);
    return true;
}

/* ---- The list of what is copied ---- */

static bool has_rows(void *context, uint32_t number)
{
    return catalog_entry_has_data(context, number);
}

static bool statement(void *context, uint32_t number, const char **text, struct error *err)
{
    return catalog_data_query(context, number, text, err);
}

static const char *table(void *context, uint32_t number)
{
    return catalog_data_table(context, number);
}

/* How many tables there are to read, for progress. */
static size_t count_tables(const struct logical_database *database)
{
    size_t tables = 0;

    for (uint32_t i = 0; i < database->header.entry_count; i++)
        tables += catalog_entry_has_data(database->catalog, i);
    return tables;
}

static bool fill_header(struct logical_database *database, struct error *err)
{
    const struct logical_backup *job = database->job;
    const char *version = wire_parameter(database->conn, "server_version");

    database->server_version = strdup(version == NULL ? "" : version);
    if (database->server_version == NULL)
        return error_set_memory(err);
    database->header = (struct archive_header){
        .minor = archive_minor_of_server(job->report.server_version_num),
        .compression = logical_is_script(job) ? COMPRESSION_NONE : job->compression,
        .created = job->started_at,
        .database = database->name,
        .server_version = database->server_version,
        .dumper_version = "pgcask " PGCASK_VERSION,
        .entry_count = catalog_entry_count(database->catalog),
    };
    return true;
}

bool logical_dump_prepare(struct logical_database *database, struct error *err)
{
    struct logical_backup *job = database->job;
    const struct copy_out_list list = {
        .context = database->catalog,
        .count = catalog_entry_count(database->catalog),
        .has_rows = has_rows,
        .statement = statement,
        .table = table,
    };

    if (!fill_header(database, err))
        return false;
    database->content = (struct archive_content){database, give_entry, give_data, give_object};
    database->entries = database->header.entry_count;
    database->tables = count_tables(database);
    job->report.logical.entries += database->entries;
    job->report.logical.tables += database->tables;
    copy_out_init(&database->copy, database->conn, &list,
                  wire_settings_get(job->request.settings, "user"));
    database->objects = logical_objects_new(database->conn, database->catalog,
                                            wire_settings_get(job->request.settings, "user"), err);
    return database->objects != NULL;
}
