/*
 * The archive of one database, put together: its entries come from the catalogs, its rows by COPY,
 * in the order of the table of contents. What an archive looks like and how rows are asked for is
 * known elsewhere; here the one is handed to the other.
 */
#include "backup/logical_internal.h"

static bool give_entry(void *context, uint32_t number, struct archive_entry *entry,
                       struct error *err)
{
    struct logical_backup *job = context;

    return catalog_entry(job->catalog, number, entry, err);
}

static bool give_data(void *context, uint32_t number, struct slice *bytes, struct error *err)
{
    struct logical_backup *job = context;
    bool done = logical_objects_are_in(job->catalog, number)
                    ? objects_out_next(job->objects, bytes, err)
                    : copy_out_next(&job->copy, number, bytes, err);

    job->report.logical.table = job->copy.table;
    job->report.logical.rows = job->copy.rows;
    job->report.logical.row_bytes = job->copy.bytes + objects_out_bytes(job->objects);
    return done;
}

static bool give_object(void *context, uint32_t number, uint32_t index, uint32_t *oid,
                        struct error *err)
{
    struct logical_backup *job = context;

    (void)err;
    *oid = logical_objects_oid(job->catalog, number, index);
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
static size_t count_tables(struct logical_backup *job)
{
    size_t tables = 0;

    for (uint32_t i = 0; i < job->header.entry_count; i++)
        tables += catalog_entry_has_data(job->catalog, i);
    return tables;
}

bool logical_dump_open(struct logical_backup *job, struct error *err)
{
    const struct copy_out_list list = {
        .context = job->catalog,
        .count = catalog_entry_count(job->catalog),
        .has_rows = has_rows,
        .statement = statement,
        .table = table,
    };
    const char *version;

    version = wire_parameter(job->conn, "server_version");
    job->server_version = strdup(version == NULL ? "" : version);
    if (job->server_version == NULL)
        return error_set_memory(err);
    job->content = (struct archive_content){job, give_entry, give_data, give_object};
    job->header = (struct archive_header){
        .minor = archive_minor_of_server(job->report.server_version_num),
        .compression = job->compression,
        .created = job->started_at,
        .database = job->database,
        .server_version = job->server_version,
        .dumper_version = "pgcask " PGCASK_VERSION,
        .entry_count = list.count,
    };
    job->report.logical.entries = job->header.entry_count;
    job->report.logical.tables = count_tables(job);
    copy_out_init(&job->copy, job->conn, &list, wire_settings_get(job->request.settings, "user"));
    job->objects = logical_objects_new(job->conn, job->catalog,
                                       wire_settings_get(job->request.settings, "user"), err);
    if (job->objects == NULL)
        return false;
    job->inner = custom_stream_new(&job->header, &job->content, job->compression_level, err);
    job->ended = false;
    record_proof_begin_archive(job->proof);
    return job->inner != NULL;
}
