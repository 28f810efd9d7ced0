/*
 * An archive as a restore reads it: what is at a place is found out here, and who knows its form is
 * asked.
 */
#include "restore/archive_input_internal.h"

#include "restore/backup_source.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static struct archive_input *input_new(const char *place, const char *record, struct error *err)
{
    struct archive_input *input = calloc(1, sizeof(*input));
    size_t size = strlen(place) + (record == NULL ? 0 : strlen(record)) + 1;

    if (input != NULL) {
        pthread_mutex_init(&input->location_lock, NULL);
        pthread_mutex_init(&input->idle_lock, NULL);
        input->file.fd = input->files.fd = -1;
        input->name = malloc(size);
        if (input->name != NULL) {
            snprintf(input->name, size, "%s%s", place, record == NULL ? "" : record);
            return input;
        }
    }
    archive_input_free(input);
    error_set_memory(err);
    return NULL;
}

void archive_input_free(struct archive_input *input)
{
    if (input == NULL)
        return;
    archive_workers_free(input);
    folder_stream_free(input->folder_stream);
    archive_contents_free(input->contents);
    archive_file_close(&input->file);
    archive_files_close(&input->files);
    archive_place_free(input->own_place);
    if (input->records.open)
        reader_close(input->records.record.reader);
    if (input->owns_reader)
        reader_close(input->reader);
    source_close(input->source);
    pthread_mutex_destroy(&input->location_lock);
    pthread_mutex_destroy(&input->idle_lock);
    free(input->name);
    free(input);
}

/* If it could be loaded. */
static struct archive_input *loaded(struct archive_input *input, bool done)
{
    if (done)
        return input;
    archive_input_free(input);
    return NULL;
}

struct archive_contents *archive_input_contents(const struct archive_input *input)
{
    return input->contents;
}

void archive_input_count(struct archive_input *input, _Atomic uint64_t *bytes)
{
    input->read = bytes;
}

bool archive_input_can_seek(const struct archive_input *input)
{
    return input->place != NULL;
}

/* ---- What streams by ---- */

struct archive_input *archive_input_of_reader(const char *name, struct reader *reader,
                                              const struct cancel *cancel, struct error *err)
{
    struct archive_input *input = input_new(name, NULL, err);

    if (input == NULL)
        return NULL;
    input->reader = reader;
    input->is_custom = true;
    return loaded(input, custom_load(input, cancel, err));
}

struct archive_input *archive_input_of_files(const char *name,
                                             const struct archive_file_source *files,
                                             const struct cancel *cancel, struct error *err)
{
    struct archive_input *input = input_new(name, NULL, err);

    if (input == NULL)
        return NULL;
    input->file_source = *files;
    return loaded(input, folder_stream_load(input, cancel, err));
}

/* The members of pg_dump's tar. */
static bool next_record(void *context, const char **name, struct reader **reader, struct error *err)
{
    struct archive_records *records = context;
    enum source_status status;

    if (records->open)
        reader_close(records->record.reader);
    records->open = false;
    *name = NULL;
    *reader = NULL;
    status = source_next(records->source, &records->record, err);
    if (status != SOURCE_RECORD)
        return status == SOURCE_END;
    if (records->record.type != RECORD_FILE)
        return error_set(err, ERROR_CORRUPT, "\"%s\" is not a file", records->record.path);
    records->open = true;
    *name = records->record.path + 1;
    *reader = records->record.reader;
    return true;
}

struct archive_input *archive_input_of_source(const char *name, struct record_source *source,
                                              enum archive_kind kind, const struct cancel *cancel,
                                              struct error *err)
{
    struct archive_input *input;

    if (kind == ARCHIVE_NONE) {
        error_set(err, ERROR_CORRUPT, "%s is no archive of pg_dump", name);
        return NULL;
    }
    input = input_new(name, NULL, err);
    if (input == NULL)
        return NULL;
    if (kind == ARCHIVE_CUSTOM) {
        input->is_custom = input->owns_reader = true;
        input->reader = tar_source_raw_reader(source);
        return loaded(input, custom_load(input, cancel, err));
    }
    input->records.source = source;
    input->file_source = (struct archive_file_source){&input->records, next_record};
    return loaded(input, folder_stream_load(input, cancel, err));
}

/* ---- What lies at a place ---- */

bool archive_input_place_can_seek(const struct record_place *place)
{
    return place->kind == PLACE_DIRECTORY ||
           (place->kind == PLACE_TAR_FILE && archive_place_is_tar(place->path));
}

/* The place itself: its folder, its tar, or the one file that it is. */
static bool open_itself(struct archive_input *input, const struct cancel *cancel, struct error *err)
{
    input->is_custom = archive_place_alone(input->place, &input->file);
    if (input->is_custom)
        return custom_load(input, cancel, err);
    return archive_files_open(&input->files, input->place, NULL, err) &&
           files_load(input, cancel, err);
}

/* A record of it: a file, or the folder of files. */
static bool open_record(struct archive_input *input, const char *record,
                        const struct cancel *cancel, struct error *err)
{
    const struct archive_place *place = input->place;
    char folder[RECORD_PATH_MAX];
    const char *slash = strrchr(record, '/');
    struct archive_file alone;
    bool there = false;

    if (archive_place_alone(place, &alone)) {
        error_set(err, ERROR_UNSUPPORTED, "%s: records cannot be looked up in it",
                  archive_place_name(place));
        return error_hint(err, "It is compressed, or no tar. Unpack it first.");
    }
    if (!record_path_check(record, err))
        return false;
    if (archive_place_has_folder(place, record))
        return archive_files_open(&input->files, place, record, err) &&
               files_load(input, cancel, err);
    snprintf(folder, sizeof(folder), "%.*s", (int)(slash - record), record);
    if (!archive_files_open(&input->files, place, folder, err) ||
        !archive_files_find(&input->files, slash + 1, &input->file, &there, err))
        return false;
    input->is_custom = true;
    return there ? custom_load(input, cancel, err)
                 : error_set(err, ERROR_CORRUPT, "%s is missing", input->name);
}

struct archive_input *archive_input_open_in(const struct archive_place *place, const char *record,
                                            const struct cancel *cancel, struct error *err)
{
    struct archive_input *input = input_new(archive_place_name(place), record, err);

    if (input == NULL)
        return NULL;
    input->place = place;
    return loaded(input, record == NULL ? open_itself(input, cancel, err)
                                        : open_record(input, record, cancel, err));
}

/* The same for an input that has the place for itself. */
static struct archive_input *open_at(const char *path, const char *record,
                                     const struct cancel *cancel, struct error *err)
{
    struct archive_place *place = archive_place_open(path, cancel, err);
    struct archive_input *input =
        place == NULL ? NULL : archive_input_open_in(place, record, cancel, err);

    if (input == NULL)
        archive_place_free(place);
    else
        input->own_place = place;
    return input;
}

static bool is_regular(const struct record_place *place)
{
    struct stat st;

    return place->kind == PLACE_TAR_FILE && stat(place->path, &st) == 0 && S_ISREG(st.st_mode);
}

/* One of our backups begins with its manifest.json, and is not looked through. */
bool archive_input_find_packed(const struct record_place *place, struct record_source *source,
                               enum archive_kind *kind, const struct cancel *cancel,
                               struct error *err)
{
    static const char ours[] = "manifest.json";
    struct archive_place *opened;
    struct slice bytes;

    if (*kind != ARCHIVE_NONE || place->kind != PLACE_TAR_FILE ||
        !archive_place_is_tar(place->path))
        return true;
    if (!tar_source_peek(source, sizeof(ours), &bytes, err))
        return false;
    if (bytes.len >= sizeof(ours) && memcmp(bytes.data, ours, sizeof(ours)) == 0)
        return true;
    opened = archive_place_open(place->path, cancel, err);
    if (opened == NULL)
        return false;
    if (archive_place_has_folder(opened, NULL))
        *kind = ARCHIVE_FILES;
    archive_place_free(opened);
    return true;
}

/* What a file or a stream is, its first bytes tell. */
static struct archive_input *open_alone(const struct record_place *place,
                                        const struct cancel *cancel, struct error *err)
{
    const char *name = place->kind == PLACE_TAR_STREAM ? "the archive" : place->path;
    struct record_source *source = record_place_open(place, NULL, NULL, cancel, err);
    enum archive_kind kind = ARCHIVE_NONE;
    struct archive_input *input = NULL;

    if (source == NULL)
        return NULL;
    if (archive_kind_of_tar(source, &kind, err) &&
        archive_input_find_packed(place, source, &kind, cancel, err)) {
        if (kind != ARCHIVE_NONE && is_regular(place) &&
            tar_source_compression(source) == COMPRESSION_NONE) {
            source_close(source);
            return open_at(place->path, NULL, cancel, err);
        }
        input = archive_input_of_source(name, source, kind, cancel, err);
    }
    if (input == NULL)
        source_close(source);
    else
        input->source = source;
    return input;
}

struct archive_input *archive_input_open(const struct record_place *place, const char *record,
                                         const struct cancel *cancel, struct error *err)
{
    if (place->kind == PLACE_TAR_STREAM && record != NULL) {
        error_set(err, ERROR_USAGE, "records cannot be looked up in a stream");
        return NULL;
    }
    if (place->kind != PLACE_DIRECTORY && record == NULL)
        return open_alone(place, cancel, err);
    return open_at(place->path, record, cancel, err);
}

/* ---- Data ---- */

/* A failure is about the archive, and stays; a job that was cancelled says nothing of it. */
static bool locate(struct archive_input *input, const struct cancel *cancel, struct error *err)
{
    if (!failure_check(&input->location_failure, err))
        return false;
    if (input->located)
        return true;
    input->located =
        input->is_custom ? custom_locate(input, cancel, err) : files_locate(input, cancel, err);
    if (!input->located && err->code != ERROR_CANCELLED)
        failure_keep(&input->location_failure, err);
    return input->located;
}

bool archive_input_locate(struct archive_input *input, const struct cancel *cancel,
                          struct error *err)
{
    bool done;

    if (!archive_input_can_seek(input))
        return error_set(err, ERROR_USAGE, "%s cannot be read an entry at a time", input->name);
    pthread_mutex_lock(&input->location_lock);
    done = locate(input, cancel, err);
    pthread_mutex_unlock(&input->location_lock);
    return done;
}

bool archive_input_read_all(struct archive_input *input, const struct archive_data_handler *handler,
                            const struct cancel *cancel, struct error *err)
{
    if (archive_input_can_seek(input))
        return input->is_custom ? custom_read_all(input, handler, cancel, err)
                                : files_read_all(input, handler, cancel, err);
    if (input->used)
        return error_set(err, ERROR_USAGE, "%s was read already", input->name);
    input->used = true;
    return input->is_custom ? custom_read_all(input, handler, cancel, err)
                            : folder_stream_read_all(input, handler, cancel, err);
}

bool archive_input_read_entry(struct archive_input *input, uint32_t number,
                              const struct archive_data_handler *handler,
                              const struct cancel *cancel, struct error *err)
{
    if (!archive_input_locate(input, cancel, err))
        return false;
    return input->is_custom ? custom_read_entry(input, number, handler, cancel, err)
                            : files_read_entry(input, number, handler, cancel, err);
}
