/* The records are gone through by their names; of an archive its table of contents is read, of one
 * after the other. */
#include "restore/backup_look.h"

#include "restore/backup_source.h"
#include "restore/db_source.h"
#include "restore/restore_plan.h"
#include "restore/script_restore.h"
#include "restore/wanted_databases.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

bool backup_look_can(const struct record_place *place)
{
    struct stat status;

    return place->kind == PLACE_DIRECTORY ||
           (place->kind == PLACE_TAR_FILE && stat(place->path, &status) == 0 &&
            S_ISREG(status.st_mode));
}

bool backup_look_can_open(const struct record_place *place)
{
    return backup_look_can(place) && archive_input_place_can_seek(place);
}

/* ---- Scripts ---- */

bool backup_look_feed(struct script_restore *script, struct reader *reader, struct error *err)
{
    enum reader_status status;
    struct slice bytes;

    while ((status = reader_next(reader, &bytes, err)) == READER_DATA) {
        if (!script_restore_look(script, bytes, err))
            return false;
    }
    return status == READER_END && script_restore_look_finish(script, err);
}

bool backup_look_record(const struct record_place *place, const char *path,
                        bool (*take)(void *context, struct reader *reader, struct error *err),
                        void *context, const struct cancel *cancel, struct error *err)
{
    struct record_source *source = backup_source_open(place, cancel, err);
    enum source_status status = SOURCE_FAILED;
    struct record record;
    bool found = false, done = false;

    while (source != NULL && !found &&
           (status = source_next(source, &record, err)) == SOURCE_RECORD) {
        if (record.type != RECORD_FILE)
            continue;
        found = strcmp(db_source_path(record.path), path) == 0;
        if (found)
            done = take(context, record.reader, err);
        reader_close(record.reader);
    }
    if (!found && status == SOURCE_END)
        error_set(err, ERROR_CORRUPT, "%s is gone", path);
    source_close(source);
    return done;
}

static bool feed_script(void *context, struct reader *reader, struct error *err)
{
    return backup_look_feed(context, reader, err);
}

bool backup_look_script(const struct record_place *place, const char *path,
                        struct script_restore *script, const struct cancel *cancel,
                        struct error *err)
{
    return backup_look_record(place, path, feed_script, script, cancel, err);
}

/* ---- Names ---- */

bool backup_look_names(const struct record_place *place, const struct cancel *cancel,
                       struct backup_names *names, struct error *err)
{
    struct record_source *source;
    enum source_status status;
    struct record record;

    *names = (struct backup_names){0};
    if (!backup_look_can_open(place))
        return true;
    source = backup_source_open(place, cancel, err);
    if (source == NULL)
        return false;
    while ((status = source_next(source, &record, err)) == SOURCE_RECORD) {
        enum logical_part part = logical_layout_part(db_source_path(record.path));

        names->archives += part == LOGICAL_PART_ARCHIVE || part == LOGICAL_PART_TOC;
        names->manifest |= part == LOGICAL_PART_MANIFEST;
        names->summary |= part == LOGICAL_PART_SUMMARY;
        reader_close(record.reader);
    }
    source_close(source);
    return status == SOURCE_END;
}

/* ---- Archives ---- */

struct look {
    const struct archive_place *place;
    enum logical_layout layout;
    struct wanted_databases *wanted;
    const struct archive_restore_options *options;
    const struct restore_request *request;
    struct restore_plan *plan;
};

static bool add_archive(struct look *look, const char *name, struct error *err)
{
    struct archive_restore_options options = *look->options;
    struct archive_input *input =
        archive_input_open_in(look->place, name, look->request->cancel, err);
    const char *database;
    bool done;

    if (input == NULL)
        return false;
    options.name = name;
    database = archive_contents_header(archive_input_contents(input))->database;
    done = !wanted_databases_has(look->wanted, database == NULL ? "" : database) ||
           archive_restore_plan(input, &options, look->request, look->plan, err);
    archive_input_free(input);
    return done ? true : error_prefix(err, "%s", name);
}

static bool add_record(struct look *look, const struct record *record, struct error *err)
{
    const char *path = db_source_path(record->path);
    struct logical_place place = logical_layout_place(look->layout, path);
    char name[RECORD_PATH_MAX];

    if (place.part == LOGICAL_PART_ARCHIVE)
        return add_archive(look, record->path, err);
    if (place.part != LOGICAL_PART_TOC)
        return true;
    snprintf(name, sizeof(name), "%.*s", (int)(place.folder.len + (size_t)(path - record->path)),
             record->path);
    return add_archive(look, name, err);
}

static bool add_records(struct look *look, struct record_source *source, struct error *err)
{
    enum source_status status;
    struct record record;

    while ((status = source_next(source, &record, err)) == SOURCE_RECORD) {
        bool done = record.type != RECORD_FILE || add_record(look, &record, err);

        if (record.type == RECORD_FILE)
            reader_close(record.reader);
        if (!done)
            return false;
    }
    return status == SOURCE_END;
}

static bool check(const struct look *look, struct logical_restore_report *report, struct error *err)
{
    const struct restore_request *request = look->request;

    if (restore_plan_count(look->plan) == 0)
        return true;
    if (!restore_plan_check(look->plan, &report->preflight, err))
        return false;
    if (request->on_plan != NULL)
        request->on_plan(request->context, look->plan);
    return archive_restore_judge(&report->preflight, err);
}

bool backup_look_archives(const struct record_place *place, const struct archive_place *opened,
                          enum logical_layout layout, struct wanted_databases *wanted,
                          const struct archive_restore_options *options,
                          const struct restore_request *request,
                          struct logical_restore_report *report, struct error *err)
{
    struct record_source *source = backup_source_open(place, request->cancel, err);
    struct look look = {.place = opened,
                        .layout = layout,
                        .wanted = wanted,
                        .options = options,
                        .request = request,
                        .plan = source == NULL ? NULL : restore_plan_new(request, err)};
    bool done;

    if (look.plan != NULL && options->globals_are_apart)
        restore_plan_expect_globals(look.plan);
    if (look.plan != NULL)
        restore_plan_tell_globals(look.plan, options->globals);
    done = look.plan != NULL && add_records(&look, source, err) && check(&look, report, err);
    restore_plan_free(look.plan);
    source_close(source);
    return done;
}
