/*
 * One rule for where the files of a cluster lie in a backup and which list names them: it is asked
 * when a backup is made and when it is checked, and both must answer alike.
 */
#include "manifest/physical_layout.h"

#include "base/lsn.h"

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

bool layout_backup_manifest_path(const char *record_path, char *out, size_t out_size)
{
    int len;

    if (is_below(record_path, LAYOUT_TABLESPACES))
        len = snprintf(out, out_size, "pg_tblspc%s", record_path + sizeof(LAYOUT_TABLESPACES) - 1);
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

/* ---- What the server leaves out ---- */

/* What no server can do without, or not as it was. Folders whose content the server leaves out of
 * every backup, and pg_wal, may be links: it sends them as folders. Configuration is kept from
 * elsewhere. */
static bool is_needed(const char *path)
{
    static const char *const with_content[] = {
        "base", "global", "pg_xact", "pg_multixact", "pg_logical", "pg_commit_ts", "pg_twophase"};
    static const char *const alone[] = {"PG_VERSION", "pg_tblspc", "pg_stat",
                                        "postgresql.auto.conf"};
    static const char in_place[] = "pg_tblspc/";

    for (size_t i = 0; i < sizeof(with_content) / sizeof(with_content[0]); i++) {
        if (strcmp(path, with_content[i]) == 0 || is_below(path, with_content[i]))
            return true;
    }
    for (size_t i = 0; i < sizeof(alone) / sizeof(alone[0]); i++) {
        if (strcmp(path, alone[i]) == 0)
            return true;
    }
    if (strncmp(path, in_place, sizeof(in_place) - 1) != 0)
        return false;
    path += sizeof(in_place) - 1;
    path += strspn(path, "0123456789");
    return strncmp(path, "/PG_", 4) == 0;
}

/* Behind the path come a quotation mark and whatever the language puts there. */
static void cut_after_path(char *path)
{
    char *quote = strrchr(path, '"');
    size_t len = quote != NULL ? (size_t)(quote - path) : strlen(path);

    while (quote == NULL && len > 0 &&
           ((unsigned char)path[len - 1] >= 0x80 || strchr(" ?'.", path[len - 1]) != NULL))
        len--;
    path[len] = '\0';
}

bool layout_says_skipped(const char *warning)
{
    return strncmp(warning, "skipping special file", sizeof("skipping special file") - 1) == 0;
}

bool layout_lost_part(const char *warning, char *out, size_t out_size)
{
    const char *path = strstr(warning, "./");
    bool inside = path != NULL;

    if (!inside)
        path = strstr(warning, "pg_tblspc/");
    if (!inside && (path == NULL || (path > warning && path[-1] == '/')))
        path = strchr(warning, '/');
    if (path == NULL)
        return false;
    snprintf(out, out_size, "%s", inside ? path + 2 : path);
    cut_after_path(out);
    return out[0] == '/' || is_needed(out);
}

bool layout_is_leftover(const char *record_path)
{
    static const char *const folders[] = {LAYOUT_DATA "/" FOLDER_STAGING,
                                          LAYOUT_DATA "/" FOLDER_REPLACED};

    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        size_t len = strlen(folders[i]);

        if (strncmp(record_path, folders[i], len) == 0 &&
            (record_path[len] == '\0' || record_path[len] == '/'))
            return true;
    }
    return false;
}
