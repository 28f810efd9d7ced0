/* A backup's descriptions are JSON already; the result of list has them under the names that the
 * other commands use, so a table of names is all there is to it. */
#include "cli/listing_result.h"

#include "cli/result.h"

#include <string.h>

/* What is taken over, and under which name. */
struct name {
    const char *from, *to;
};

/* Copies the members that are there and not null, and not yet in the result. */
static void copy(json_t *result, const json_t *from, const struct name *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        json_t *value = json_object_get(from, names[i].from);

        if (value != NULL && !json_is_null(value) && json_object_get(result, names[i].to) == NULL)
            result_set(result, names[i].to, json_incref(value));
    }
}

static void fill_from_summary(json_t *result, const json_t *summary)
{
    static const struct name names[] = {
        {"producer", "producer"},
        {"started_at", "started_at"},
        {"finished_at", "finished_at"},
        {"files", "files"},
        {"bytes", "bytes"},
        {"wal_bytes", "wal_bytes"},
        {"system_identifier", "system_identifier"},
        {"server_version_num", "server_version_num"},
        {"in_recovery", "in_recovery"},
        {"start_lsn", "start_lsn"},
        {"stop_lsn", "stop_lsn"},
        {"start_timeline", "start_timeline"},
        {"stop_timeline", "stop_timeline"},
        {"wal_lsn", "wal_lsn"},
        {"digest", "digest"},
        {"manifest_checksums", "manifest_checksums"},
        {"database", "database"},
        {"layout", "layout"},
        {"database_count", "database_count"},
        {"databases", "backed_up"},
        {"compression", "compression"},
        {"entries", "entries"},
        {"tables", "tables"},
        {"rows", "rows"},
        {"warnings", "backup_warnings"},
        {"server_warnings", "server_warnings"},
        {"checksum_failures", "checksum_failure_messages"},
        {"checksum_failure_count", "checksum_failures"},
        {"configuration", "configuration"},
    };
    static const struct name options[] = {{"label", "label"}};
    json_t *failures = json_object_get(summary, "checksum_failures");
    json_t *tablespaces = json_object_get(summary, "tablespaces");

    copy(result, summary, names, sizeof(names) / sizeof(names[0]));
    copy(result, json_object_get(summary, "options"), options, 1);
    if (failures != NULL && json_object_get(summary, "checksum_failure_count") == NULL)
        result_set_number(result, "checksum_failures", json_array_size(failures));
    if (tablespaces != NULL)
        result_set_number(result, "tablespace_count", json_array_size(tablespaces));
}

void listing_fill_result(json_t *result, const struct listing *listing)
{
    const json_t *described = listing->description.object;
    const char *server_version = listing_server_version(listing);
    static const struct name names[] = {
        {"producer", "producer"},
        {"created_at", "manifest_created_at"},
        {"host", "host"},
        {"port", "port"},
        {"server_version_num", "server_version_num"},
        {"cluster_system_identifier", "system_identifier"},
        {"in_recovery", "in_recovery"},
        {"database", "database"},
        {"layout", "layout"},
        {"partial", "partial"},
        {"filters", "filters"},
        {"verifiers", "verifiers"},
        {"databases", "databases"},
        {"tablespaces", "tablespaces"},
        {"unavailable", "unavailable"},
    };

    if (result == NULL)
        return;
    fill_from_summary(result, json_object_get(described, "summary"));
    result_set_known(result, "kind", listing_kind(listing));
    if (server_version != NULL)
        result_set_text(result, "server_version", server_version);
    copy(result, described, names, sizeof(names) / sizeof(names[0]));
    result_set_number(result, "manifest_unavailable",
                      json_array_size(json_object_get(described, "unavailable")));
}
