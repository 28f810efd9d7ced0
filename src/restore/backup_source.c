/* A tar has its records in the order in which they were written; a directory gives them in that
 * order only if it is told what came first and last. */
#include "restore/backup_source.h"

#include "manifest/manifest_stream.h"
#include "manifest/physical_layout.h"
#include "manifest/summary.h"

struct record_source *backup_source_open(const struct record_place *place,
                                         const struct cancel *cancel, struct error *err)
{
    static const char *const first[] = {MANIFEST_PATH, ARCHIVE_TOC_PATHS, NULL};

    return record_place_open(place, first, layout_last, cancel, err);
}

struct record_source *backup_source_open_for_listing(const struct record_place *place,
                                                     const struct cancel *cancel, struct error *err)
{
    static const char *const first[] = {MANIFEST_PATH, SUMMARY_PATH, ARCHIVE_TOC_PATHS, NULL};

    return record_place_open(place, first, NULL, cancel, err);
}

bool backup_source_find_archive(const struct record_place *place, struct record_source *source,
                                enum archive_kind *archive, struct error *err)
{
    if (place->kind != PLACE_DIRECTORY)
        return archive_kind_of_tar(source, archive, err);
    *archive = archive_kind_of_directory(place->path);
    return true;
}
