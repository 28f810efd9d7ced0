/*
 * What a logical backup's manifest.json is asked to say: of which databases, in which snapshots,
 * and what only the job knows of itself. The three options that Plakar's integration has are there
 * always, and are switches: how something is compressed has another name.
 */
#include "backup/logical_internal.h"

#include "manifest/logical_layout.h"

#include <stdlib.h>

static const char *dump_format(const struct logical_backup *job)
{
    if (job->request.layout == LOGICAL_TABLES)
        return "directory";
    return logical_is_script(job) ? "plain" : "custom";
}

static struct manifest_snapshot *snapshots_of(const struct logical_backup *job, struct error *err)
{
    struct manifest_snapshot *snapshots = calloc(job->database_count, sizeof(*snapshots));

    if (snapshots == NULL) {
        error_set_memory(err);
        return NULL;
    }
    for (size_t i = 0; i < job->database_count; i++) {
        const struct logical_database *database = &job->databases[i];

        snapshots[i] = (struct manifest_snapshot){
            .database = database->name,
            .snapshot = database->conn == NULL ? NULL : database->snapshot,
            .same = database->same_snapshot,
        };
    }
    return snapshots;
}

static void set_databases(const struct logical_backup *job,
                          const struct manifest_snapshot *snapshots,
                          struct manifest_request *request)
{
    if (job->request.all_databases) {
        request->snapshots = snapshots;
        request->snapshot_count = job->database_count;
    } else {
        request->database = job->databases[0].name;
        request->snapshot = job->databases[0].snapshot;
    }
}

static bool insert_name(json_t *names, const struct logical_database *database)
{
    size_t at = database->number - 1;
    char name[RECORD_PATH_MAX];

    if (at > json_array_size(names)) /* those before it come later */
        at = json_array_size(names);
    return record_path_encode(database->name, name, sizeof(name)) &&
           json_array_insert_new(names, at, json_string(name)) == 0;
}

/* In the order of their numbers, of which only the first database's may be out of turn. */
static json_t *archive_names(const struct logical_backup *job)
{
    json_t *names = json_array();

    for (size_t i = 1; i <= job->database_count; i++) {
        if (!insert_name(names, &job->databases[i % job->database_count])) {
            json_decref(names);
            return NULL;
        }
    }
    return names;
}

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
        .dump_format = dump_format(job),
        .wal_position = job->report.logical.wal_lsn[0] == '\0' ? NULL : job->report.logical.wal_lsn,
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .settings = job->pinned,
        .cancel = job->request.cancel,
        .log = job->request.log,
    };
    json_t *members = json_pack(
        "{s:s, s:b, s:b, s:o, s:o, s:o}", "layout", logical_layout_name(job->request.layout),
        "partial", logical_is_partial(&job->request, job->filter), "verifiers", job->verifiers,
        "filters", logical_filters_json(&job->request, job->filter), "left_out",
        logical_left_out_json(job), MANIFEST_ARCHIVE_NAMES, archive_names(job));
    struct manifest_snapshot *snapshots = snapshots_of(job, err);
    struct reader *reader = NULL;

    if (job->request.without_summary &&
        json_object_set_new(members, MANIFEST_WITHOUT_SUMMARY, json_true()) != 0) {
        json_decref(members);
        members = NULL;
    }
    request.members = members;
    set_databases(job, snapshots, &request);
    if (members == NULL)
        error_set_memory(err);
    else if (snapshots != NULL)
        reader = manifest_stream_new(&request, err);
    free(snapshots);
    json_decref(members);
    return reader;
}
