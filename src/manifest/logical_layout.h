/*
 * What the records of a logical backup are called, and what they are. summary.json names the layout
 * under "layout"; there is one so far:
 *
 *     classic   /manifest.json
 *               /globals.sql     roles, tablespaces and privileges, for psql
 *               /DATABASE.dump   an archive in the custom format, all of the database; the name
 *                                percent-encoded (record_path_encode)
 *               /summary.json    last: what was written is complete
 */
#ifndef PGCASK_MANIFEST_LOGICAL_LAYOUT_H
#define PGCASK_MANIFEST_LOGICAL_LAYOUT_H

#include "record/record.h"

#define LOGICAL_LAYOUT_CLASSIC "classic"
#define LOGICAL_GLOBALS_PATH "/globals.sql"

enum logical_part {
    LOGICAL_PART_MANIFEST,
    LOGICAL_PART_GLOBALS,
    LOGICAL_PART_ARCHIVE,
    LOGICAL_PART_SUMMARY,
    LOGICAL_PART_FOREIGN /* nothing that belongs into a logical backup */
};

/* Which of them a record is, by its path. */
enum logical_part logical_layout_part(const char *record_path);

/* The path of a database's archive; false if it does not fit. */
bool logical_layout_archive_path(const char *database, char out[RECORD_PATH_MAX]);

#endif
