/*
 * list stops reading as soon as both descriptions were seen, which in a folder and at the front of
 * a stream is long before the data: asking what a backup is must not cost reading it.
 */
#include "restore/listing.h"

#include "manifest/logical_layout.h"
#include "manifest/manifest_stream.h"

#include <stdio.h>
#include <string.h>

typedef bool feed_function(struct description *description, struct slice piece, struct error *err);

/* False if the file cannot be read. *sound is whether what it says could be understood; if not,
 * the rest of it is left unread. */
static bool read_file(struct listing *listing, const struct listing_options *options,
                      struct reader *reader, feed_function *feed, bool *sound, struct error *err)
{
    struct slice piece;

    *sound = true;
    while (*sound) {
        switch (reader_next(reader, &piece, err)) {
        case READER_DATA:
            *sound = feed(&listing->description, piece, err);
            break;
        case READER_END:
            return true;
        case READER_FAILED:
            return false;
        }
        if (!cancel_check(options->cancel, err))
            return false;
    }
    return true;
}

static bool read_manifest(struct listing *listing, const struct listing_options *options,
                          const struct record *record, struct error *err)
{
    bool sound;

    listing->manifest_seen = true;
    if (!read_file(listing, options, record->reader, description_feed_manifest, &sound, err)) {
        struct error ignored;

        (void)description_finish_manifest(&listing->description, &ignored); /* shows what came */
        return false;
    }
    if (!sound || !description_finish_manifest(&listing->description, err))
        options->unsound(options->context, record->path, err);
    return true;
}

static bool read_summary(struct listing *listing, const struct listing_options *options,
                         const struct record *record, struct error *err)
{
    struct description *description = &listing->description;
    bool sound;

    listing->summary_seen = true;
    description->summary_bytes = record->size > 0 ? (uint64_t)record->size : 0;
    if (!read_file(listing, options, record->reader, description_feed_summary, &sound, err))
        return false;
    listing->complete = sound && description_finish_summary(description, err);
    if (!listing->complete)
        options->unsound(options->context, record->path, err);
    return true;
}

static bool take_archive(struct listing *listing, const struct listing_options *options,
                         const struct record *record, struct error *err)
{
    /* Where the name of a database begins does not matter. */
    struct logical_place place = logical_layout_place(LOGICAL_CLASSIC, record->path);

    if (place.part == LOGICAL_PART_ARCHIVE)
        return options->archive(options->context, record, record->path, false, err);
    if ((place.part != LOGICAL_PART_FIRST_TOC && place.part != LOGICAL_PART_TOC) ||
        slice_equals(place.folder, slice_string(listing->folder)))
        return true;
    snprintf(listing->folder, sizeof(listing->folder), "%.*s", (int)place.folder.len,
             (const char *)place.folder.data);
    return options->archive(options->context, record, listing->folder, true, err);
}

static bool take_record(struct listing *listing, const struct listing_options *options,
                        const struct record *record, struct error *err)
{
    if (options->record != NULL && !options->record(options->context, record, err))
        return false;
    if (record->type != RECORD_FILE)
        return true;
    if (strcmp(record->path, MANIFEST_PATH) == 0)
        return read_manifest(listing, options, record, err);
    if (strcmp(record->path, SUMMARY_PATH) == 0)
        return read_summary(listing, options, record, err);
    return options->archive == NULL || take_archive(listing, options, record, err);
}

bool listing_read(struct listing *listing, struct record_source *source,
                  const struct listing_options *options, struct error *err)
{
    bool all = options->record != NULL || options->archive != NULL;
    struct record record;

    while (all || !listing->manifest_seen || !listing->summary_seen) {
        enum source_status status;
        bool done;

        if (!cancel_check(options->cancel, err))
            return false;
        status = source_next(source, &record, err);
        if (status != SOURCE_RECORD)
            return status == SOURCE_END;
        done = take_record(listing, options, &record, err);
        reader_close(record.reader);
        if (!done)
            return false;
    }
    return true;
}

bool listing_check_found(const struct listing *listing, struct error *err)
{
    if (listing->manifest_seen || listing->summary_seen)
        return true;
    error_set(err, ERROR_CORRUPT, "it holds neither manifest.json nor summary.json");
    return error_hint(err, "It is no backup made by pgcask, or only a part of one.");
}

static const char *text_of(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

/* manifest.json's connector is "postgresql+bin" for a physical one. */
const char *listing_kind(const struct listing *listing)
{
    const json_t *object = listing->description.object;
    const char *kind = text_of(json_object_get(object, "summary"), "kind");
    const char *connector = text_of(object, "connector");

    if (kind != NULL)
        return kind;
    if (connector == NULL)
        return "";
    return strstr(connector, "+bin") != NULL ? "physical" : "logical";
}

/* manifest.json says "PostgreSQL 15.18". */
const char *listing_server_version(const struct listing *listing)
{
    static const char product[] = "PostgreSQL ";
    const char *text = text_of(listing->description.object, "server_version");

    if (text != NULL && strncmp(text, product, strlen(product)) == 0)
        text += strlen(product);
    return text;
}

bool listing_init(struct listing *listing, struct error *err)
{
    memset(listing, 0, sizeof(*listing));
    return description_init(&listing->description, err);
}

void listing_reset(struct listing *listing)
{
    description_reset(&listing->description);
}
