/*
 * Where the parts of a cluster lie among the records of a physical backup, and under which name
 * backup_manifest lists them:
 *
 *     record                              backup_manifest
 *     /data/base/1/1259                   base/1/1259
 *     /tablespaces/16384/PG_15_…/5/16385  pg_tblspc/16384/PG_15_…/5/16385
 *     /data/pg_wal/000000010000000000000003, /data/backup_manifest, /manifest.json: not listed
 *     /config/etc/postgresql/15/main/pg_hba.conf: the server's configuration outside its data
 *         directory, not listed
 */
#ifndef PGCASK_MANIFEST_PHYSICAL_LAYOUT_H
#define PGCASK_MANIFEST_PHYSICAL_LAYOUT_H

#include "record/record.h"

#define LAYOUT_DATA "/data"
#define LAYOUT_TABLESPACES "/tablespaces"
#define LAYOUT_CONFIG "/config"
#define LAYOUT_TABLESPACE_LINKS "/data/pg_tblspc"
#define LAYOUT_BACKUP_MANIFEST "/data/backup_manifest"
#define LAYOUT_PG_CONTROL "/data/global/pg_control"

/* Inside a folder whose content a restore replaces: the new content while it grows, and the old
 * content from the moment of the exchange until it is removed. Inside, not beside, because the
 * folder may be a mount point, and a rename does not leave a file system. */
#define FOLDER_STAGING "pgcask.restore.partial"
#define FOLDER_REPLACED "pgcask.replaced"

/* The record is of one of those two, which a restore that was killed left in the server's data
 * directory: no part of the cluster. */
bool layout_is_leftover(const char *record_path);

/* The order in which a physical backup was written, for directory_source_new. */
extern const char *const layout_first[]; /* /manifest.json */
extern const char *const layout_last[];  /* /data/backup_manifest, /summary.json */

enum layout_class {
    LAYOUT_LISTED,      /* a file that backup_manifest lists */
    LAYOUT_SUMMARY,     /* a file whose digest is in summary.json */
    LAYOUT_THE_SUMMARY, /* /summary.json itself */
    LAYOUT_FOREIGN      /* nothing that belongs into a physical backup */
};

enum layout_class layout_classify(const char *record_path);

/* The name in backup_manifest of a LAYOUT_LISTED file; false if it does not fit. */
bool layout_backup_manifest_path(const char *record_path, char *out, size_t out_size);

/* True for /data/pg_wal/<24 hexadecimal digits>; *name points at the digits. */
bool layout_is_wal_segment(const char *record_path, const char **name);

/* "/config" and the absolute path of a configuration file on the server, each of its components
 * percent-encoded (record_path_encode); false if that is too long. */
bool layout_config_path(const char *path, char out[RECORD_PATH_MAX]);

/* What a server says it skips in a base backup ("skipping special file "./base/16416""; the words
 * are in its language): true if the restored cluster would lack it. out: the path, relative to the
 * data directory, or absolute in a tablespace. */
bool layout_lost_part(const char *warning, char *out, size_t out_size);

/* True if the words are English and say that something is skipped. */
bool layout_says_skipped(const char *warning);

/* "../../tablespaces/<oid>": what /data/pg_tblspc/<oid> links to. */
void layout_link_target(uint32_t oid, char out[48]);

#endif
