/*
 * The physical job from the inside. physical_backup.c steps from record to record, physical_start.c
 * gets the server to send, physical_stream.c makes records of what it sends, physical_links.c those
 * of tablespaces' links and folders, physical_configuration.c those of configuration files;
 * physical_complete.c judges what is missing, physical_summary.c writes summary.json, and
 * physical_records.c has what all of them do with a record.
 */
#ifndef PGCASK_BACKUP_PHYSICAL_INTERNAL_H
#define PGCASK_BACKUP_PHYSICAL_INTERNAL_H

#include "backup/job_internal.h"
#include "backup/configuration.h"
#include "base/failure.h"
#include "manifest/backup_manifest.h"
#include "manifest/file_ledger.h"
#include "manifest/manifest_stream.h"
#include "manifest/path_set.h"
#include "manifest/physical_layout.h"
#include "manifest/record_proof.h"
#include "manifest/summary.h"
#include "record/tar.h"
#include "replication/base_backup.h"
#include "replication/slot_keeper.h"

#define NOTICES_KEPT 100 /* warnings of the server that go into summary.json */

#define PHYSICAL_UNDIGESTED_MAX 32

/* What comes next. */
enum physical_step {
    PHYSICAL_MANIFEST,      /* /manifest.json */
    PHYSICAL_START,         /* configuration files, slot, BASE_BACKUP, checkpoint */
    PHYSICAL_FOLDERS,       /* /data, /tablespaces/… */
    PHYSICAL_STREAM,        /* what the server sends */
    PHYSICAL_FINISH,        /* stop position, sessions closed */
    PHYSICAL_CONFIGURATION, /* /config/… */
    PHYSICAL_SUMMARY,       /* /summary.json */
    PHYSICAL_DONE
};

/* What the reader that was handed out last reads. */
enum physical_reading { READING_NOTHING, READING_INNER, READING_MEMBER, READING_BACKUP_MANIFEST };

struct physical_backup {
    struct backup_source source;
    struct reader reader; /* the one reader of a sequential job */
    struct backup_request request;
    struct backup_report report;
    enum physical_step step;
    struct failure failure;

    /* What ends this job: the caller's request, or until all has come the keeper's, which the
     * caller and the store do not see: they are told why by the job's own failure. */
    struct cancel own_cancel;
    struct cancel *cancel;

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
    bool leftovers_told; /* what a killed restore left in the data directory */

    /* The archive being read. */
    const struct base_backup_tablespace *tablespace;
    struct slice input; /* received bytes of the archive, not yet decoded */
    bool archive_ended; /* its end blocks were read */
    bool backup_manifest_begun;
    size_t next_folder;
    size_t links_made, next_link;
    bool links_by_us, links_due; /* the server was asked for tablespace_map, and sends no links */
    bool links_folder_made;      /* /data/pg_tblspc stands in for in-place tablespaces */

    /* The record being read. */
    enum physical_reading reading;
    enum reader_status reader_state; /* READER_DATA while there may be more */
    char path[RECORD_PATH_MAX];
    char link_target[48];
    enum layout_class record_class;
    /* Lent and not yet digested: that is done when the reader is asked for more, after the store
     * has written it, because by then the processor has it at hand. */
    struct slice undigested[PHYSICAL_UNDIGESTED_MAX];
    size_t undigested_count;
    bool looking_ahead;   /* more is asked for while what was lent stays valid */
    bool reading_label;   /* it is backup_label … */
    struct buffer label;  /* … whose text is kept */
    struct reader *inner; /* READING_INNER: /manifest.json or /summary.json */

    struct record_proof *proof;
    struct file_ledger *ledger;
    struct path_set *folders; /* that came: nothing comes without the one it lies in */
    struct backup_manifest_decoder *backup_manifest_decoder;
    struct summary_writer *summary;
    uint64_t wal_first, wal_last, wal_count; /* segment numbers that came */

    struct configuration configuration;
    size_t next_item; /* of it */

    json_t *notices; /* the server's warnings */
    size_t notices_dropped;
    char lost[1001]; /* the first part of the cluster that the server says it leaves out, or "" */
    size_t lost_count;
    bool control_came, version_came; /* global/pg_control, PG_VERSION */
    uint64_t last_warning_number;    /* the only number in the last warning; 0: not one */
};

/* physical_records.c */

/* Makes a record of a file that summary.json lists, and that is no member of an archive. */
void physical_give_file(struct physical_backup *job, struct record *record,
                        enum physical_reading reading, const char *path, int64_t size);

/* Gives a folder that no archive has. */
enum source_status physical_give_folder(struct physical_backup *job, struct record *record,
                                        struct error *err);

/* The record's last byte has come: summary.json lists it. */
bool physical_list_file(struct physical_backup *job, struct error *err);

/* "the server sent …, which <what>"; false. */
bool physical_bad_member(const struct physical_backup *job, const char *what, struct error *err);

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

/* physical_links.c */

/* Where the files of an archive go: "/data", "/tablespaces/16384", … */
void physical_tablespace_path(const struct base_backup_tablespace *tablespace,
                              char path[RECORD_PATH_MAX]);

/* Judges a member of pg_tblspc. */
bool physical_check_tablespace_entry(struct physical_backup *job, const char *entry, bool *skip,
                                     struct error *err);

/* Asked for a map because of the path `longest`, a server before 16 sends nothing below pg_tblspc:
 * false if an in-place tablespace lies there. */
bool physical_check_beside_map(const struct physical_backup *job, const char *longest,
                               struct error *err);

/* Gives the links that the server does not send with tablespace_map; SOURCE_END after the last. */
enum source_status physical_links_next(struct physical_backup *job, struct record *record,
                                       struct error *err);

/* Gives the folders that stand in for what no archive has a member of; SOURCE_END after the last.
 */
enum source_status physical_folders_next(struct physical_backup *job, struct record *record,
                                         struct error *err);

/* physical_complete.c */

/* A warning of the server: perhaps it leaves out what the cluster cannot do without. */
void physical_note_lost(struct physical_backup *job, const char *warning);
/* False if it left out such a thing. */
bool physical_check_lost(struct physical_backup *job, struct error *err);
/* A file of the base directory has come. */
void physical_note_needed_file(struct physical_backup *job);
/* All archives have come: is there what every cluster has, and a folder for each database? */
bool physical_check_complete(struct physical_backup *job, struct error *err);

/* physical_start.c */

bool physical_connect(struct physical_backup *job, struct error *err);
bool physical_learn_about_server(struct physical_backup *job, struct error *err);
/* Reads the configuration, makes the slot and starts BASE_BACKUP. */
bool physical_start(struct physical_backup *job, struct error *err);
bool physical_enter(struct physical_backup *job, enum backup_phase phase, struct error *err);

/* physical_configuration.c */

/* Gives the next file of /config, or a folder for it; SOURCE_END after the last. */
enum source_status physical_configuration_next(struct physical_backup *job, struct record *record,
                                               struct error *err);
/* Adds up for the report what is kept and what is missing. */
bool physical_configuration_settle(struct physical_backup *job, struct error *err);

/* physical_summary.c */

/* Counts the pages whose checksum the server found wrong. */
void physical_count_checksum_failures(struct physical_backup *job);

/* Lays out summary.json. */
bool physical_summary_content(struct physical_backup *job, struct slice *content,
                              struct error *err);

#endif
