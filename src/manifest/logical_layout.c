/*
 * The one place that knows what a logical backup calls its records: the job that writes them,
 * verify, list and restore ask here, so that another layout is another table and not another
 * search.
 */
#include "manifest/logical_layout.h"

#include "base/bytes.h"
#include "manifest/manifest_stream.h"
#include "manifest/summary.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NUMBER_DIGITS 5

static const char archive_suffix[] = ".dump";

static const struct {
    const char *name, *globals;
} layouts[] = {
    [LOGICAL_CLASSIC] = {LOGICAL_LAYOUT_CLASSIC, "/globals.sql"},
    [LOGICAL_NUMBERED] = {LOGICAL_LAYOUT_NUMBERED, "/00000-globals.sql"},
    [LOGICAL_TABLES] = {LOGICAL_LAYOUT_TABLES, "/00000-globals.sql"},
};

#define LAYOUT_COUNT (sizeof(layouts) / sizeof(layouts[0]))

const char *logical_layout_name(enum logical_layout layout)
{
    return layouts[layout].name;
}

bool logical_layout_find(const char *name, enum logical_layout *layout)
{
    for (size_t i = 0; i < LAYOUT_COUNT; i++) {
        if (strcmp(name, layouts[i].name) != 0)
            continue;
        *layout = (enum logical_layout)i;
        return true;
    }
    return false;
}

/* ---- Paths ---- */

const char *logical_layout_globals_path(enum logical_layout layout)
{
    return layouts[layout].globals;
}

static bool fits(int len)
{
    return len > 0 && len < RECORD_PATH_MAX;
}

bool logical_layout_archive_path(enum logical_layout layout, uint32_t number, const char *database,
                                 char out[RECORD_PATH_MAX])
{
    const char *suffix = layout == LOGICAL_TABLES ? "" : archive_suffix;
    char name[RECORD_PATH_MAX];

    if (!record_path_encode(database, name, sizeof(name)))
        return false;
    if (layout == LOGICAL_CLASSIC)
        return fits(snprintf(out, RECORD_PATH_MAX, "/%s%s", name, suffix));
    return fits(
        snprintf(out, RECORD_PATH_MAX, "/%0*" PRIu32 "-%s%s", NUMBER_DIGITS, number, name, suffix));
}

bool logical_layout_file_path(const char *folder, const char *file, char out[RECORD_PATH_MAX])
{
    return fits(snprintf(out, RECORD_PATH_MAX, "%s/%s", folder, file));
}

/* ---- Parts of a name ---- */

static struct slice text_from(const char *start, const char *end)
{
    return slice_make(start, (size_t)(end - start));
}

/* Takes "00001-" off the front; without it nothing is taken. */
static bool take_number(struct slice *name, uint32_t *number)
{
    size_t digits = 0;
    uint64_t value;

    while (digits < name->len && name->data[digits] >= '0' && name->data[digits] <= '9')
        digits++;
    if (digits < NUMBER_DIGITS || digits == name->len || name->data[digits] != '-' ||
        (digits > NUMBER_DIGITS && name->data[0] == '0') ||
        !bytes_parse_u64(slice_make(name->data, digits), &value) || value == 0 ||
        value > UINT32_MAX)
        return false;
    *number = (uint32_t)value;
    slice_take(name, digits + 1);
    return true;
}

/* The number between the two, without zeros in front; behind it may be what data are compressed
 * with. */
static bool is_numbered(const char *file, const char *before, const char *after, bool compressed,
                        uint32_t *id)
{
    static const char *const suffixes[] = {"", ".gz", ".lz4", ".zst"};
    size_t len = strlen(before), digits;
    uint64_t number;

    if (strncmp(file, before, len) != 0)
        return false;
    file += len;
    digits = strspn(file, "0123456789");
    if (digits == 0 || file[0] == '0' || !bytes_parse_u64(slice_make(file, digits), &number) ||
        number > UINT32_MAX || strncmp(file + digits, after, strlen(after)) != 0)
        return false;
    *id = (uint32_t)number;
    file += digits + strlen(after);
    for (size_t i = 0; i < (compressed ? sizeof(suffixes) / sizeof(suffixes[0]) : 1); i++) {
        if (strcmp(file, suffixes[i]) == 0)
            return true;
    }
    return false;
}

/* ---- Parts ---- */

static enum logical_part part_of_file(const char *file, uint32_t *id)
{
    *id = 0;
    if (strcmp(file, LOGICAL_FIRST_TOC) == 0)
        return LOGICAL_PART_FIRST_TOC;
    if (strcmp(file, LOGICAL_TOC) == 0)
        return LOGICAL_PART_TOC;
    if (strcmp(file, "blobs.toc") == 0 || is_numbered(file, "blobs_", ".toc", false, id))
        return LOGICAL_PART_BLOBS_TOC;
    if (is_numbered(file, "blob_", ".dat", true, id))
        return LOGICAL_PART_BLOB;
    return is_numbered(file, "", ".dat", true, id) ? LOGICAL_PART_DATA : LOGICAL_PART_FOREIGN;
}

/* "/00001-app/toc.dat" */
static struct logical_place place_in_folder(const char *path, const char *slash)
{
    struct logical_place place = {.database = text_from(path + 1, slash),
                                  .folder = text_from(path, slash),
                                  .file = slash + 1};

    place.part = part_of_file(place.file, &place.id);
    if (place.part == LOGICAL_PART_FOREIGN || !take_number(&place.database, &place.number) ||
        place.database.len == 0)
        return (struct logical_place){.part = LOGICAL_PART_FOREIGN};
    return place;
}

/* "/app.dump": with a name. */
static struct logical_place place_of_archive(enum logical_layout layout, const char *path)
{
    struct logical_place place = {.part = LOGICAL_PART_FOREIGN};
    size_t len = strlen(path), suffix = sizeof(archive_suffix) - 1;

    if (len <= 1 + suffix || strcmp(path + len - suffix, archive_suffix) != 0)
        return place;
    place.database = text_from(path + 1, path + len - suffix);
    if (layout != LOGICAL_CLASSIC)
        take_number(&place.database, &place.number);
    if (place.database.len > 0)
        place.part = LOGICAL_PART_ARCHIVE;
    return place;
}

struct logical_place logical_layout_place(enum logical_layout layout, const char *record_path)
{
    static const struct {
        const char *path;
        enum logical_part part;
    } fixed[] = {
        {MANIFEST_PATH, LOGICAL_PART_MANIFEST},
        {LOGICAL_SCRIPT_PATH, LOGICAL_PART_SCRIPT},
        {SUMMARY_PATH, LOGICAL_PART_SUMMARY},
    };
    const char *slash = strchr(record_path + 1, '/');

    for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
        if (strcmp(record_path, fixed[i].path) == 0)
            return (struct logical_place){.part = fixed[i].part};
    }
    for (size_t i = 0; i < LAYOUT_COUNT; i++) {
        if (strcmp(record_path, layouts[i].globals) == 0)
            return (struct logical_place){.part = LOGICAL_PART_GLOBALS};
    }
    return slash != NULL ? place_in_folder(record_path, slash)
                         : place_of_archive(layout, record_path);
}

bool logical_layout_is_folder(const char *record_path)
{
    char path[RECORD_PATH_MAX];

    return logical_layout_file_path(record_path, LOGICAL_TOC, path) &&
           logical_layout_part(path) == LOGICAL_PART_TOC;
}

enum logical_part logical_layout_part(const char *record_path)
{
    /* Where the name of a database begins does not matter. */
    return logical_layout_place(LOGICAL_CLASSIC, record_path).part;
}
