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

/* ---- What an archive says of itself ---- */

/* That it lies under another database's name could not be told from it otherwise. */
static bool take_header(void *context, const struct archive_header *header, struct error *err)
{
    struct checking_source *check = context;
    struct logical_place named = logical_layout_place(LOGICAL_CLASSIC, check->path);
    struct logical_place numbered = logical_layout_place(LOGICAL_NUMBERED, check->path);
    char name[RECORD_PATH_MAX];

    (void)err;
    /* Without a manifest the layout is not known. */
    if (header->database != NULL && record_path_encode(header->database, name, sizeof(name)) &&
        !slice_equals(named.database, slice_string(name)) &&
        !slice_equals(numbered.database, slice_string(name)))
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

/* Archives are numbered without a gap, which proves that none is missing between two. */
static void note_number(struct checking_source *check)
{
    uint32_t number = check->place.number;

    check->globals_seen |=
        check->place.part == LOGICAL_PART_GLOBALS || check->place.part == LOGICAL_PART_SCRIPT;
    if (number == 0 || !check->facts->without_summary)
        return;
    if (number <= check->last_number && check->place.part == LOGICAL_PART_ARCHIVE)
        checking_problem(check, VERIFY_UNEXPECTED, check->path, "its number was there before");
    for (uint32_t i = check->last_number + 1; i < number && i < check->last_number + 100; i++)
        checking_problem(check, VERIFY_MISSING, "/", "the archive number %" PRIu32 " is missing",
                         i);
    if (number > check->last_number)
        check->last_number = number;
}

void checking_end_unlisted(struct checking_source *check)
{
    bool one = json_is_string(json_object_get(check->facts->head, "database"));
    size_t databases = one ? 1 : check->facts->backed_up;
    struct error err;

    check->report.without_summary = true;
    check->report.databases = one ? 0 : databases;
    snprintf(check->report.kind, sizeof(check->report.kind), "logical");
    snprintf(check->report.layout, sizeof(check->report.layout), "%s",
             logical_layout_name(check->facts->layout));
    if (one)
        snprintf(check->report.database, sizeof(check->report.database), "%s",
                 json_string_value(json_object_get(check->facts->head, "database")));
    if (!manifest_decoder_finish(check->manifest, &err))
        checking_failure(check, MANIFEST_PATH, &err);
    if (!check->globals_seen)
        checking_problem(check, VERIFY_MISSING, logical_layout_globals_path(check->facts->layout),
                         "is missing");
    if (check->last_number != databases)
        checking_problem(check, VERIFY_MISSING, "/",
                         "manifest.json says that %zu database%s backed up, but the last archive "
                         "has the number %" PRIu32,
                         databases, databases == 1 ? " was" : "s were", check->last_number);
}

/* ---- Whatever it is ---- */

bool checking_begin_content(struct checking_source *check, struct error *err)
{
    const struct archive_handler archive = {.context = check, .header = take_header};
    const struct script_handler script = {.context = NULL};

    check->content_failed = false;
    check->place = logical_layout_place(check->facts->layout, check->path);
    if (slice_equals(check->place.folder, slice_string(check->empty_folder)))
        check->empty_folder[0] = '\0';
    if (check->folder == NULL ||
        !slice_equals(check->place.folder, slice_string(check->folder_path)))
        checking_leave_folder(check);
    if (!check->logical)
        return true;
    note_number(check);
    switch (check->place.part) {
    case LOGICAL_PART_ARCHIVE:
        check->archive = archive_decoder_new(&archive, err);
        record_proof_begin_archive(check->proof);
        return check->archive != NULL;
    case LOGICAL_PART_GLOBALS:
    case LOGICAL_PART_SCRIPT:
        check->script = script_decoder_new(&script, err);
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
        sound = script_decoder_feed(check->script, data, &err);
    else if (check->in_folder)
        sound = archive_folder_feed(check->folder, data, &err);
    if (!sound) {
        check->content_failed = true;
        checking_failure(check, check->path, &err);
    }
    if (check->archive != NULL)
        record_proof_contents_end(check->proof, archive_decoder_contents_size(check->archive));
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
        whole = check->content_failed || script_decoder_finish(check->script, &err);
    if (!whole)
        checking_failure(check, check->path, &err);
    if (check->archive != NULL)
        check->report.rows += archive_decoder_rows(check->archive);
    if (check->script != NULL)
        check->report.rows += script_decoder_rows(check->script);
    checking_drop_content(check);
}

void checking_drop_content(struct checking_source *check)
{
    archive_decoder_free(check->archive);
    script_decoder_free(check->script);
    check->archive = NULL;
    check->script = NULL;
    check->in_folder = false;
}
