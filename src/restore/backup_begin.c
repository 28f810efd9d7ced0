/* Whoever gives something else than a backup has nearly always given it in another form: that is
 * what can be told. */
#include "restore/backup_begin.h"

#include "base/error_names.h"
#include "base/quote.h"
#include "manifest/logical_layout.h"
#include "manifest/manifest_stream.h"
#include "record/record.h"
#include "restore/backup_restore.h"
#include "restore/db_source.h"

#include <stdio.h>
#include <string.h>

const char *const backup_restore_first[] = {
    MANIFEST_PATH,         DB_SOURCE_FOLDER MANIFEST_PATH,         GLOBALS_PATH,
    NUMBERED_GLOBALS_PATH, DB_SOURCE_FOLDER NUMBERED_GLOBALS_PATH, NULL,
};

/* Where the backup begins: it may lie in a folder of a folder. */
static const char *folder_end(const char *path)
{
    const char *first = strchr(path + 1, '/');

    for (const char *end = first; end != NULL; end = strchr(end + 1, '/')) {
        if (logical_layout_part(end) != LOGICAL_PART_FOREIGN)
            return end;
    }
    return first;
}

/* Whoever packed the folder itself, and not what is in it. */
static bool refuse_packed_folder(const char *name, const char *path, struct error *err)
{
    char folder[RECORD_PATH_MAX], in[QUOTE_PATH_SIZE], tar[QUOTE_PATH_SIZE];
    const char *end = folder_end(path);

    snprintf(folder, sizeof(folder), "%.*s", (int)(end - path - 1), path + 1);
    error_set(err, ERROR_CORRUPT,
              "%s is no backup and no archive as it is: what it has lies in a folder, %s", name,
              quote_shell(folder, in, sizeof(in)));
    return error_hint(
        err,
        "Unpack it, and name that folder:  tar -xf %s && pgcask restore ./%s " OPTION_TO
        " postgres://HOST/DATABASE",
        quote_shell(name, tar, sizeof(tar)), in);
}

bool backup_begin_refuse_cluster(const char *name, struct error *err)
{
    error_set(err, ERROR_UNSUPPORTED, "%s is a physical backup: it is restored to a data directory",
              name);
    return error_hint(err, "Name a directory as the target: a server starts on it then.");
}

/* Where names sort, its files come before manifest.json. */
static bool is_of_cluster(const char *path)
{
    static const char *const folders[] = {"/data/", "/config/", "/tablespaces/"};

    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        if (strncmp(path, folders[i], strlen(folders[i])) == 0)
            return true;
    }
    return false;
}

bool backup_begin_refuse(const char *name, const struct record_place *place, const char *path,
                         struct error *err)
{
    bool in_folder = strchr(path + 1, '/') != NULL;

    if (place == NULL && is_of_cluster(path))
        return backup_begin_refuse_cluster(name, err);
    if (in_folder && place != NULL && place->kind != PLACE_DIRECTORY)
        return refuse_packed_folder(name, path, err);
    error_set(err, ERROR_CORRUPT, "%s is no backup of pgcask: there is no manifest.json in it",
              name);
    return error_hint(err, "A backup of pgcask has it at its top. An archive of pg_dump or an SQL "
                           "script needs none, but has nothing beside it.");
}
