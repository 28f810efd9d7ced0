/* No backup of our own has a folder of these names: so whatever lies in them can be taken for what
 * it is before anything else is known of the backup. */
#include "restore/db_source.h"

#include "manifest/logical_layout.h"

#include <stdlib.h>
#include <string.h>

#define FILES_FOLDER "/fs"
#define LONE_FOLDER "/00001-archive"

struct db_source {
    struct record_source base;
    struct record_source *inner;
    char path[RECORD_PATH_MAX];
};

/* What the path has behind the folder; NULL: it lies elsewhere. */
static const char *behind(const char *path, const char *folder)
{
    size_t len = strlen(folder);

    return strncmp(path, folder, len) == 0 && (path[len] == '/' || path[len] == '\0') ? path + len
                                                                                      : NULL;
}

const char *db_source_path(const char *record_path)
{
    const char *rest = behind(record_path, DB_SOURCE_FOLDER);

    return rest == NULL || rest[0] == '\0' ? record_path : rest;
}

static bool is_passed_over(const char *path)
{
    return strcmp(path, DB_SOURCE_FOLDER) == 0 || behind(path, FILES_FOLDER) != NULL;
}

/* A file of an archive that lies in no folder. */
static const char *in_folder(struct db_source *source, const char *path)
{
    if (strchr(path + 1, '/') != NULL || logical_layout_part(path) != LOGICAL_PART_FOREIGN ||
        !logical_layout_file_path(LONE_FOLDER, path + 1, source->path) ||
        logical_layout_part(source->path) == LOGICAL_PART_FOREIGN)
        return path;
    return source->path;
}

static enum source_status next(struct record_source *base, struct record *record, struct error *err)
{
    struct db_source *source = (struct db_source *)base;
    enum source_status status;

    while ((status = source_next(source->inner, record, err)) == SOURCE_RECORD) {
        if (!is_passed_over(record->path)) {
            record->path = in_folder(source, db_source_path(record->path));
            break;
        }
        if (record->type == RECORD_FILE)
            reader_close(record->reader);
    }
    return status;
}

static void close_source(struct record_source *base)
{
    struct db_source *source = (struct db_source *)base;

    source_close(source->inner);
    free(source);
}

struct record_source *db_source_new(struct record_source *inner, struct error *err)
{
    static const struct record_source_ops ops = {next, close_source};
    struct db_source *source = calloc(1, sizeof(*source));

    if (source == NULL) {
        error_set_memory(err);
        source_close(inner);
        return NULL;
    }
    source->base = (struct record_source){&ops, true};
    source->inner = inner;
    return &source->base;
}
