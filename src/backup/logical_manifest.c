/*
 * What a logical backup's manifest.json is asked to say: of which databases, in which snapshots,
 * and what only the job knows of itself. The three options that Plakar's integration has are there
 * always, and are switches: how something is compressed has another name.
 */
#include "backup/logical_internal.h"

#include "manifest/logical_layout.h"

struct reader *logical_manifest_new(const struct logical_backup *job, struct error *err)
{
    const struct manifest_option options[] = {
        {.name = "schema_only", .flag = job->request.schema_only},
        {.name = "data_only", .flag = job->request.data_only},
        {.name = "compress", .flag = job->compression != COMPRESSION_NONE},
        {.name = "compression", .text = compression_name(job->compression)},
        {.name = "digest", .text = digest_name(job->request.digest)},
    };
    struct manifest_request request = {
        .connector = "postgresql",
        .dump_format = "custom",
        .database = job->database,
        .snapshot = job->snapshot,
        .wal_position = job->report.logical.wal_lsn[0] == '\0' ? NULL : job->report.logical.wal_lsn,
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .settings = job->pinned,
        .cancel = job->request.cancel,
        .log = job->request.log,
    };
    json_t *members = json_pack("{s:s, s:b, s:o}", "layout", LOGICAL_LAYOUT_CLASSIC, "partial",
                                logical_is_partial(&job->request, job->filter), "filters",
                                logical_filters_json(&job->request, job->filter));
    struct reader *reader = NULL;

    request.members = members;
    if (members == NULL)
        error_set_memory(err);
    else
        reader = manifest_stream_new(&request, err);
    json_decref(members);
    return reader;
}
