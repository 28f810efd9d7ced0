/*
 * The archives and scripts of a logical backup while they are checked: each is read as what it is
 * while it goes by, so that what is wrong inside it is told of although its digest may be right. An
 * archive of several files is read across their records, which come one after the other.
 */
#include "restore/checking_internal.h"

#include "base/text.h"
#include "manifest/manifest_stream.h"

#include <inttypes.h>
#include <stdio.h>

/* ---- Whose it is ---- */

/* What another program put together out of the archives and scripts of stock tools: our own
 * manifest.json says who made it. */
static bool is_of_others(const struct checking_source *check)
{
    return check->logical && !check->facts->without_summary &&
           json_object_get(check->facts->head, "producer") == NULL &&
           (check->facts->kind == MANIFEST_LOGICAL || check->options.may_lack_manifest);
}

bool checking_is_unlisted(const struct checking_source *check)
{
    return check->logical && (check->facts->without_summary || is_of_others(check));
}

bool checking_goes_by_digests(const struct checking_source *check)
{
    return check->options.digests_do && check->facts->kind == MANIFEST_LOGICAL &&
           !checking_is_unlisted(check);
}

/* ---- What an archive says of itself ---- */

/* That it lies under another database's name could not be told from it otherwise. */
static bool take_header(void *context, const struct archive_header *header, struct error *err)
{
    struct checking_source *check = context;
    struct logical_place named = logical_layout_place(LOGICAL_CLASSIC, check->path);
    struct logical_place numbered = logical_layout_place(LOGICAL_NUMBERED, check->path);

    (void)err;
    /* Whoever else names files may do it as he likes. */
    if (is_of_others(check))
        return true;
    /* Without a manifest the layout is not known. */
    if (header->database != NULL && !record_path_stands_for(named.database, header->database) &&
        !record_path_stands_for(numbered.database, header->database))
        checking_problem(check, VERIFY_CHANGED, check->path, "is the archive of database %s",
                         header->database);
    return true;
}

/* ---- Folders ---- */

static bool begin_folder(struct checking_source *check, struct error *err)
{
    const struct archive_handler handler = {.context = check, .header = take_header};
    struct slice path = check->place.folder;

    if (check->folder != NULL)
        return true;
    check->folder = archive_folder_new(&handler, err);
    check->folder_failed = check->folder_read = false;
    check->folder_skipped = 0;
    snprintf(check->folder_path, sizeof(check->folder_path), "%.*s", (int)path.len,
             (const char *)path.data);
    return check->folder != NULL;
}

static void begin_folder_file(struct checking_source *check)
{
    const char *name = check->place.file;
    struct error err;

    if (check->folder_failed) {
        check->content_failed = true;
    } else if (!check->folder_read && !archive_folder_is_contents(name)) {
        check->folder_skipped++;
        check->content_failed = true;
    } else if (!archive_folder_begin(check->folder, name, &err)) {
        check->content_failed = true;
        checking_failure(check, check->path, &err);
    }
}

static void end_folder_file(struct checking_source *check)
{
    bool contents = archive_folder_is_contents(check->place.file);
    struct error err;

    if (!check->content_failed && !archive_folder_end(check->folder, &err)) {
        check->content_failed = true;
        checking_failure(check, check->path, &err);
    }
    /* Of a table of contents that makes no sense nothing follows for the other files. */
    if (contents && !check->folder_read)
        check->folder_failed = check->content_failed;
    check->folder_read |= contents;
}

void checking_enter_folder(struct checking_source *check, const char *path)
{
    checking_leave_folder(check);
    snprintf(check->empty_folder, sizeof(check->empty_folder), "%s", path);
}

/* What is missing of a folder is known once another record begins. */
void checking_leave_folder(struct checking_source *check)
{
    struct error err;

    if (check->empty_folder[0] != '\0')
        checking_problem(check, VERIFY_UNEXPECTED, check->empty_folder, "is an empty folder");
    check->empty_folder[0] = '\0';
    if (check->folder == NULL)
        return;
    if (check->folder_skipped > 0)
        checking_problem(check, VERIFY_ORDER, check->folder_path,
                         "%zu file%s come%s without a table of contents before: the rows in there "
                         "were not counted",
                         check->folder_skipped, TEXT_S(check->folder_skipped),
                         check->folder_skipped == 1 ? "s" : "");
    else if (!check->folder_failed && !archive_folder_finish(check->folder, &err))
        checking_failure(check, check->folder_path, &err);
    check->report.rows += archive_folder_rows(check->folder);
    archive_folder_free(check->folder);
    check->folder = NULL;
}

/* ---- Without summary.json ---- */

#define MISSING_TOLD 100

static const char *name_at(const struct checking_source *check, uint32_t number)
{
    return json_string_value(json_array_get(check->facts->archive_names, (size_t)number - 1));
}

/* What manifest.json says is there, by its number and name: nothing else may be. */
static bool is_named(const struct checking_source *check)
{
    const struct logical_place *place = &check->place;
    const char *name;

    switch (place->part) {
    case LOGICAL_PART_GLOBALS:
        return !check->globals_seen &&
               strcmp(check->path, logical_layout_globals_path(check->facts->layout)) == 0;
    case LOGICAL_PART_ARCHIVE:
        if (check->facts->archive_names == NULL)
            return true; /* which is a problem of its own */
        name = place->number > check->last_number ? name_at(check, place->number) : NULL;
        return name != NULL && slice_equals(place->database, slice_string(name));
    case LOGICAL_PART_MANIFEST:
    case LOGICAL_PART_SUMMARY: /* holds its own list against the records */
    case LOGICAL_PART_FOREIGN: /* was told of */
        return true;
    case LOGICAL_PART_SCRIPT:
    case LOGICAL_PART_FIRST_TOC:
    case LOGICAL_PART_TOC:
    case LOGICAL_PART_DATA:
    case LOGICAL_PART_BLOBS_TOC:
    case LOGICAL_PART_BLOB:
        break;
    }
    return false;
}

/* Of all archives before that number. */
static void tell_missing(struct checking_source *check, uint32_t number)
{
    for (uint32_t told = 0; told < MISSING_TOLD && check->last_number + 1 + told < number; told++) {
        const char *name = name_at(check, check->last_number + 1 + told);

        checking_problem(check, VERIFY_MISSING, "/",
                         "the archive number %" PRIu32 " is missing%s%s",
                         check->last_number + 1 + told, name == NULL ? "" : ": of database ",
                         name == NULL ? "" : name);
    }
}

/* Nothing says how many there are; numbers that have a gap say that one is lost. */
static void note_of_others(struct checking_source *check)
{
    enum logical_part part = check->place.part;
    uint32_t number = logical_layout_place(LOGICAL_NUMBERED, check->path).number;

    check->contents +=
        part == LOGICAL_PART_ARCHIVE || part == LOGICAL_PART_SCRIPT || part == LOGICAL_PART_TOC;
    if (part == LOGICAL_PART_GLOBALS) {
        check->globals_seen = true;
        check->numbered = strcmp(check->path, logical_layout_globals_path(LOGICAL_NUMBERED)) == 0;
    }
    if (part != LOGICAL_PART_ARCHIVE || !check->numbered || number <= check->last_number)
        return;
    if (check->facts->kind == MANIFEST_LOGICAL)
        tell_missing(check, number);
    else if (check->gap == 0 && number > check->last_number + 1)
        check->gap = check->last_number + 1;
    check->last_number = number;
}

static void note_unlisted(struct checking_source *check)
{
    if (is_of_others(check))
        note_of_others(check);
    if (!check->facts->without_summary)
        return;
    if (!is_named(check)) {
        checking_problem(check, VERIFY_UNEXPECTED, check->path,
                         "is not part of the backup: manifest.json names no such");
        return;
    }
    check->globals_seen |= check->place.part == LOGICAL_PART_GLOBALS;
    if (check->place.part != LOGICAL_PART_ARCHIVE || check->place.number <= check->last_number)
        return;
    tell_missing(check, check->place.number);
    check->last_number = check->place.number;
}

static void tell_unlisted(struct checking_source *check)
{
    const char *database = json_string_value(json_object_get(check->facts->head, "database"));

    check->report.without_summary = true;
    if (database == NULL || database[0] == '\0')
        check->report.databases =
            is_of_others(check) ? check->contents : json_array_size(check->facts->archive_names);
    snprintf(check->report.kind, sizeof(check->report.kind), "logical");
    snprintf(check->report.layout, sizeof(check->report.layout), "%s",
             logical_layout_name(check->numbered ? LOGICAL_NUMBERED : check->facts->layout));
    snprintf(check->report.database, sizeof(check->report.database), "%s",
             database != NULL ? database : "");
}

static void end_of_others(struct checking_source *check)
{
    struct error err;

    if (check->facts->kind == MANIFEST_LOGICAL && !manifest_decoder_finish(check->manifest, &err))
        checking_failure(check, MANIFEST_PATH, &err);
    if (check->facts->kind == MANIFEST_LOGICAL && check->gap > 0)
        checking_problem(check, VERIFY_MISSING, "/", "the archive number %" PRIu32 " is missing",
                         check->gap);
    if (check->contents == 0 && !check->globals_seen)
        checking_problem(check, VERIFY_MISSING, "/", "there is neither an archive nor a script");
}

void checking_end_unlisted(struct checking_source *check)
{
    size_t count = json_array_size(check->facts->archive_names);
    struct error err;

    tell_unlisted(check);
    if (is_of_others(check)) {
        end_of_others(check);
        return;
    }
    if (!manifest_decoder_finish(check->manifest, &err))
        checking_failure(check, MANIFEST_PATH, &err);
    else if (count == 0)
        checking_problem(check, VERIFY_DAMAGED, MANIFEST_PATH,
                         "does not say which databases were backed up");
    if (!check->globals_seen && !check->facts->data_only)
        checking_problem(check, VERIFY_MISSING, logical_layout_globals_path(check->facts->layout),
                         "is missing");
    tell_missing(check, (uint32_t)count + 1);
}

/* ---- Whatever it is ---- */

bool checking_begin_content(struct checking_source *check, struct error *err)
{
    const struct archive_handler archive = {.context = check, .header = take_header};
    const struct sql_script_handler script = {.context = NULL};

    check->content_failed = false;
    check->place = logical_layout_place(check->facts->layout, check->path);
    if (slice_equals(check->place.folder, slice_string(check->empty_folder)))
        check->empty_folder[0] = '\0';
    if (check->folder == NULL ||
        !slice_equals(check->place.folder, slice_string(check->folder_path)))
        checking_leave_folder(check);
    if (!check->logical)
        return true;
    note_unlisted(check);
    if (checking_goes_by_digests(check) && check->place.part != LOGICAL_PART_ARCHIVE)
        return true;
    switch (check->place.part) {
    case LOGICAL_PART_ARCHIVE:
        check->archive = archive_decoder_new(&archive, err);
        record_proof_begin_archive(check->proof);
        return check->archive != NULL;
    case LOGICAL_PART_GLOBALS:
    case LOGICAL_PART_SCRIPT:
        check->script = sql_script_new(&script, err);
        return check->script != NULL;
    case LOGICAL_PART_FIRST_TOC:
    case LOGICAL_PART_TOC:
    case LOGICAL_PART_DATA:
    case LOGICAL_PART_BLOBS_TOC:
    case LOGICAL_PART_BLOB:
        check->in_folder = true;
        if (!begin_folder(check, err))
            return false;
        begin_folder_file(check);
        return true;
    case LOGICAL_PART_MANIFEST:
    case LOGICAL_PART_SUMMARY:
    case LOGICAL_PART_FOREIGN:
        break;
    }
    return true;
}

void checking_feed_content(struct checking_source *check, struct slice data)
{
    struct error err;
    bool sound = true;

    if (check->content_failed)
        sound = true;
    else if (check->archive != NULL)
        sound = archive_decoder_feed(check->archive, data, &err);
    else if (check->script != NULL)
        sound = sql_script_feed(check->script, data, &err);
    else if (check->in_folder)
        sound = archive_folder_feed(check->folder, data, &err);
    if (!sound) {
        check->content_failed = true;
        checking_failure(check, check->path, &err);
    }
    if (check->archive == NULL)
        return;
    record_proof_contents_end(check->proof, archive_decoder_contents_size(check->archive));
    /* Of what follows the digest is all that is wanted. */
    check->content_failed |=
        archive_decoder_contents_size(check->archive) > 0 && checking_goes_by_digests(check);
}

/* Those of a backup are of a whole cluster, and say so. */
static bool finish_script(struct sql_script *script, struct error *err)
{
    return sql_script_finish(script, err) &&
           (sql_script_origin(script) == SQL_SCRIPT_OF_CLUSTER ||
            error_set(err, ERROR_CORRUPT,
                      "the script is damaged: it is not pg_dumpall's, or ours"));
}

void checking_end_content(struct checking_source *check)
{
    struct error err;
    bool whole = true;

    if (check->in_folder)
        end_folder_file(check);
    else if (check->archive != NULL)
        whole = check->content_failed || archive_decoder_finish(check->archive, &err);
    else if (check->script != NULL)
        whole = check->content_failed || finish_script(check->script, &err);
    if (!whole)
        checking_failure(check, check->path, &err);
    if (check->archive != NULL)
        check->report.rows += archive_decoder_rows(check->archive);
    if (check->script != NULL)
        check->report.rows += sql_script_rows(check->script);
    checking_drop_content(check);
}

void checking_drop_content(struct checking_source *check)
{
    archive_decoder_free(check->archive);
    sql_script_free(check->script);
    check->archive = NULL;
    check->script = NULL;
    check->in_folder = false;
}
