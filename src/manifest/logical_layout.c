/*
 * The one place that knows what a logical backup calls its records: the job that writes them,
 * verify, list and restore ask here, so that another layout is another table and not another
 * search.
 */
#include "manifest/logical_layout.h"

#include "manifest/manifest_stream.h"
#include "manifest/summary.h"

#include <stdio.h>
#include <string.h>

static const char archive_suffix[] = ".dump";

static const struct {
    const char *path;
    enum logical_part part;
} classic[] = {
    {MANIFEST_PATH, LOGICAL_PART_MANIFEST},
    {LOGICAL_GLOBALS_PATH, LOGICAL_PART_GLOBALS},
    {SUMMARY_PATH, LOGICAL_PART_SUMMARY},
};

/* "/app.dump": in no folder, and with a name. */
static bool is_archive(const char *record_path)
{
    size_t len = strlen(record_path), suffix = sizeof(archive_suffix) - 1;

    return len > 1 + suffix && strcmp(record_path + len - suffix, archive_suffix) == 0 &&
           strchr(record_path + 1, '/') == NULL;
}

enum logical_part logical_layout_part(const char *record_path)
{
    for (size_t i = 0; i < sizeof(classic) / sizeof(classic[0]); i++) {
        if (strcmp(record_path, classic[i].path) == 0)
            return classic[i].part;
    }
    return is_archive(record_path) ? LOGICAL_PART_ARCHIVE : LOGICAL_PART_FOREIGN;
}

bool logical_layout_archive_path(const char *database, char out[RECORD_PATH_MAX])
{
    char name[RECORD_PATH_MAX];
    int len;

    if (!record_path_encode(database, name, sizeof(name)))
        return false;
    len = snprintf(out, RECORD_PATH_MAX, "/%s%s", name, archive_suffix);
    return len > 0 && len < RECORD_PATH_MAX;
}
