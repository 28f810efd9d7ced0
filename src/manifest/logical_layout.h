/*
 * What the records of a logical backup are called, and what they are. summary.json names the layout
 * under "layout". DB is a database's name, percent-encoded (record_path_encode); records come in
 * the order of these lists, but for those of template1, which is read before other databases.
 *
 *     classic   /manifest.json
 *               /globals.sql       roles, tablespaces and privileges, for psql
 *               /DB.dump           an archive in the custom format, all of the database
 *               /summary.json      last: what was written is complete
 *
 *               of all databases:
 *               /manifest.json
 *               /all.sql           one script for psql: globals, then of each database its CREATE
 *                                  DATABASE (but for postgres and template1, which every server
 *                                  has), \connect, and its script, in the order of pg_dumpall:
 *                                  template1 first, then by name
 *               /summary.json
 *
 *     numbered  /manifest.json
 *               /00000-globals.sql not with rows alone
 *               /00001-DB.dump …   databases in the order of their names' bytes, from 1 on without
 *                                  a gap; five digits at least
 *               /summary.json
 *
 *     tables    /manifest.json
 *               /00000-globals.sql
 *               /00001-DB/0.toc …  a folder is an archive in the directory format. 0.toc is byte
 *               /00001-DB/toc.dat  for byte the same as toc.dat: it sorts before all data
 *               /00001-DB/N.dat    of the entry N: with .gz, .lz4 or .zst if compressed; those of
 *                                  a table of contents in its order
 *               /00001-DB/blobs_N.toc, blob_OID.dat
 *                                  large objects: the list of an entry BLOBS and a file each
 *                                  (blobs.toc up to archive 1.15), compressed likewise
 *               /summary.json
 *
 * Which layout a backup of all databases has shows in its records alone: one with all.sql has
 * neither globals.sql nor archives.
 */
#ifndef PGCASK_MANIFEST_LOGICAL_LAYOUT_H
#define PGCASK_MANIFEST_LOGICAL_LAYOUT_H

#include "record/record.h"

enum logical_layout { LOGICAL_CLASSIC, LOGICAL_NUMBERED, LOGICAL_TABLES };

#define LOGICAL_LAYOUT_CLASSIC "classic"
#define LOGICAL_LAYOUT_NUMBERED "numbered"
#define LOGICAL_LAYOUT_TABLES "tables"

#define LOGICAL_SCRIPT_PATH "/all.sql"

/* Files of a folder. */
#define LOGICAL_FIRST_TOC "0.toc"
#define LOGICAL_TOC "toc.dat"

enum logical_part {
    LOGICAL_PART_MANIFEST,
    LOGICAL_PART_GLOBALS,
    LOGICAL_PART_SCRIPT,    /* all.sql */
    LOGICAL_PART_ARCHIVE,   /* in the custom format */
    LOGICAL_PART_FIRST_TOC, /* 0.toc of a folder; the rest lies in folders, too */
    LOGICAL_PART_TOC,       /* toc.dat */
    LOGICAL_PART_DATA,      /* N.dat of an entry */
    LOGICAL_PART_BLOBS_TOC, /* a list of large objects */
    LOGICAL_PART_BLOB,      /* the file of a large object */
    LOGICAL_PART_SUMMARY,
    LOGICAL_PART_FOREIGN /* nothing that belongs into a logical backup */
};

/* "classic", … */
const char *logical_layout_name(enum logical_layout layout);
/* False if there is none of that name. */
bool logical_layout_find(const char *name, enum logical_layout *layout);

/* ---- Paths ---- */

const char *logical_layout_globals_path(enum logical_layout layout);

/* The path of the archive of the database with that number (from 1; classic has none), or of its
 * folder in the layout "tables"; false if it does not fit. */
bool logical_layout_archive_path(enum logical_layout layout, uint32_t number, const char *database,
                                 char out[RECORD_PATH_MAX]);

/* A file of a folder; false if it does not fit. */
bool logical_layout_file_path(const char *folder, const char *file, char out[RECORD_PATH_MAX]);

/* ---- Parts ---- */

/* Which of them a record is, by its path, in whatever layout. */
enum logical_part logical_layout_part(const char *record_path);

/* The same with what the path says else. Pointers are into the path. */
struct logical_place {
    enum logical_part part;
    /* Of archives and folders: the number that the name begins with, and the name without it, as
     * the path has it (percent-encoded). In a classic backup "00001-x" is a database's name like
     * any other: so ask with the backup's layout. */
    uint32_t number;       /* 0: none */
    struct slice database; /* empty: of none */
    struct slice folder;   /* "/00001-app"; empty: in none */
    const char *file;      /* "toc.dat"; NULL: in no folder */
    uint32_t id;           /* the number in the names of DATA, BLOBS_TOC (0: blobs.toc) and BLOB */
};

/* Whether a folder of that path is an archive of the layout "tables". */
bool logical_layout_is_folder(const char *record_path);

struct logical_place logical_layout_place(enum logical_layout layout, const char *record_path);

#endif
