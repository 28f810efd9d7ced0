/*
 * The physical job from the inside. physical_backup.c steps from record to record,
 * physical_stream.c makes records out of the base backup stream, physical_summary.c writes
 * summary.json.
 */
#ifndef PGCASK_BACKUP_PHYSICAL_INTERNAL_H
#define PGCASK_BACKUP_PHYSICAL_INTERNAL_H

#include "backup/backup.h"
#include "manifest/manifest.h"
#include "manifest/summary.h"
#include "record/tar.h"
#include "replication/backup_manifest.h"
#include "replication/base_backup.h"
#include "replication/file_ledger.h"
#include "replication/path_set.h"
#include "replication/physical_layout.h"
#include "replication/slot_keeper.h"

#define NOTICES_KEPT 100 /* warnings of the server that go into summary.json */

#define PHYSICAL_UNDIGESTED_MAX 32

/* What comes next. */
enum physical_step {
    PHYSICAL_MANIFEST, /* /manifest.json */
    PHYSICAL_START,    /* slot, BASE_BACKUP, checkpoint */
    PHYSICAL_FOLDERS,  /* /data, /tablespaces/… */
    PHYSICAL_STREAM,   /* what the server sends */
    PHYSICAL_FINISH,   /* stop position, sessions closed */
    PHYSICAL_SUMMARY,  /* /summary.json */
    PHYSICAL_DONE
};

/* What the reader that was handed out last reads. */
enum physical_reading { READING_NOTHING, READING_INNER, READING_MEMBER, READING_BACKUP_MANIFEST };

struct physical_backup {
    struct record_source source;
    struct reader reader; /* the one reader of a sequential job */
    struct physical_backup_options options;
    struct physical_backup_report report;
    enum physical_step step;
    bool failed;
    struct error error; /* why, once failed */

    struct wire_conn *conn;
    struct wire_settings *pinned; /* to the server of the first session, for all that follow */
    struct system_identity identity;
    uint64_t wal_segment_size;
    struct slot_keeper *keeper;
    struct base_backup *backup;
    struct tar_decoder tar;
    time_t started_at;
    bool newer_server;
    bool in_recovery;

    /* The archive being read. */
    const struct base_backup_tablespace *tablespace;
    struct slice input; /* received bytes of the archive, not yet decoded */
    bool archive_ended; /* its end blocks were read */
    bool manifest_begun;
    size_t next_folder;
    size_t links_made;
    bool links_folder_made; /* /data/pg_tblspc stands in for in-place tablespaces */

    /* The record being read. */
    enum physical_reading reading;
    enum reader_status reader_state; /* READER_DATA while there may be more */
    char path[RECORD_PATH_MAX];
    char link_target[48];
    enum layout_class record_class;
    uint64_t record_bytes;
    /* Lent and not yet digested: that is done when the reader is asked for more, after the store
     * has written it, because by then the processor has it at hand. */
    struct slice undigested[PHYSICAL_UNDIGESTED_MAX];
    size_t undigested_count;
    bool looking_ahead;   /* more is asked for while what was lent stays valid */
    bool reading_label;   /* it is backup_label … */
    struct buffer label;  /* … whose text is kept */
    struct reader *inner; /* READING_INNER: /manifest.json or /summary.json */

    struct digest *listed_digest;  /* as backup_manifest has it */
    struct digest *summary_digest; /* as summary.json has it */
    struct file_ledger *ledger;
    struct path_set *folders; /* that came: nothing comes without the one it lies in */
    struct backup_manifest_reader *manifest_reader;
    struct summary_writer *summary;
    uint64_t wal_first, wal_last, wal_count; /* segment numbers that came */

    json_t *notices; /* the server's warnings */
    size_t notices_dropped;
};

/* physical_stream.c */

/* Gives the next record of the base backup stream; SOURCE_END when the stream ended well. */
enum source_status physical_stream_next(struct physical_backup *job, struct record *record,
                                        struct error *err);

/* The next bytes of the record that physical_stream_next gave last. */
enum reader_status physical_stream_read(struct physical_backup *job, struct slice *data,
                                        struct error *err);

/* True if more of that record was received already, or its end: physical_stream_read then leaves
 * valid what it lent before. */
bool physical_stream_has_more_ahead(const struct physical_backup *job);

/* Gives the folders that stand in for what no archive has a member of; SOURCE_END after the last.
 */
enum source_status physical_folders_next(struct physical_backup *job, struct record *record,
                                         struct error *err);

/* physical_summary.c */

/* Lays out summary.json. */
bool physical_summary_content(struct physical_backup *job, struct slice *content,
                              struct error *err);

#endif
