#include "replication/physical_layout.h"

#include "replication/lsn.h"

#include <stdio.h>
#include <string.h>

const char *const layout_first[] = {"/manifest.json", NULL};
const char *const layout_last[] = {LAYOUT_BACKUP_MANIFEST, "/summary.json", NULL};

static const char wal_folder[] = LAYOUT_DATA "/pg_wal/";

static bool is_below(const char *path, const char *folder)
{
    size_t len = strlen(folder);

    return strncmp(path, folder, len) == 0 && path[len] == '/';
}

bool layout_is_wal_segment(const char *record_path, const char **name)
{
    if (strncmp(record_path, wal_folder, sizeof(wal_folder) - 1) != 0)
        return false;
    *name = record_path + sizeof(wal_folder) - 1;
    return wal_file_name_is_segment(*name);
}

enum layout_class layout_classify(const char *record_path)
{
    const char *name;

    if (strcmp(record_path, "/summary.json") == 0)
        return LAYOUT_THE_SUMMARY;
    if (strcmp(record_path, "/manifest.json") == 0 ||
        strcmp(record_path, LAYOUT_BACKUP_MANIFEST) == 0 ||
        layout_is_wal_segment(record_path, &name) || is_below(record_path, LAYOUT_CONFIG))
        return LAYOUT_SUMMARY;
    if (is_below(record_path, LAYOUT_DATA) || is_below(record_path, LAYOUT_TABLESPACES))
        return LAYOUT_LISTED;
    return LAYOUT_FOREIGN;
}

bool layout_manifest_path(const char *record_path, char *out, size_t out_size)
{
    int len;

    if (is_below(record_path, LAYOUT_TABLESPACES))
        len = snprintf(out, out_size, "pg_tblspc%s",
                       record_path + sizeof(LAYOUT_TABLESPACES) - 1);
    else
        len = snprintf(out, out_size, "%s", record_path + sizeof(LAYOUT_DATA));
    return len > 0 && (size_t)len < out_size;
}

bool layout_config_path(const char *path, char out[RECORD_PATH_MAX])
{
    char name[RECORD_PATH_MAX];
    size_t used = sizeof(LAYOUT_CONFIG) - 1;

    memcpy(out, LAYOUT_CONFIG, sizeof(LAYOUT_CONFIG));
    while (*path != '\0') {
        size_t len = strcspn(path, "/");

        if (len >= sizeof(name) || used + 2 >= RECORD_PATH_MAX)
            return false;
        if (len > 0) {
            memcpy(name, path, len);
            name[len] = '\0';
            out[used++] = '/';
            if (!record_path_encode(name, out + used, RECORD_PATH_MAX - used))
                return false;
            used += strlen(out + used);
        }
        path += len + (path[len] == '/');
    }
    return true;
}

void layout_link_target(uint32_t oid, char out[48])
{
    snprintf(out, 48, "../..%s/%u", LAYOUT_TABLESPACES, oid);
}
