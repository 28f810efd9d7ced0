/*
 * A base backup from the inside: base_backup.c has the steps, base_backup_rows.c the rows around
 * the data, base_backup_archive.c what both forms of the stream share, base_backup_copies.c the
 * form up to PostgreSQL 14 and base_backup_typed.c that of 15 and later.
 */
#ifndef PGCASK_REPLICATION_BASE_BACKUP_INTERNAL_H
#define PGCASK_REPLICATION_BASE_BACKUP_INTERNAL_H

#include "replication/base_backup.h"

#define NAME_BYTES_MAX 255

/* Which part of the answer comes next. */
enum part {
    PART_COPY_BEGIN, /* 13, 14: the next archive's COPY; 15 and later: the one COPY */
    PART_COPY_DATA,
    PART_STOP, /* the stop position's row, then the end of the command */
    PART_DONE
};

/* What one message has led to: an error, nothing to tell yet, an event. */
enum step { STEP_FAILED, STEP_AGAIN, STEP_EVENT };

/* What a form of the stream makes of it. */
struct base_backup_form {
    /* A message where a COPY, or the end of all, should begin. */
    enum step (*begin)(struct base_backup *backup, const struct wire_event *wire,
                       struct base_backup_event *event, struct error *err);
    /* A piece of a CopyData message. */
    enum step (*take)(struct base_backup *backup, const struct wire_event *wire,
                      struct base_backup_event *event, struct error *err);
    /* CopyDone. */
    enum step (*done)(struct base_backup *backup, struct base_backup_event *event,
                      struct error *err);
    /* Whether what was received already, of a message from its first byte on or not, is data. */
    bool (*is_data)(const struct base_backup *backup, struct slice ahead, bool first);
};

extern const struct base_backup_form base_backup_copies, base_backup_typed;

struct base_backup {
    struct wire_conn *conn;
    const struct base_backup_form *form;
    bool typed; /* 15 and later: CopyData messages begin with a type byte */
    enum part part;
    uint64_t start_lsn, stop_lsn;
    uint32_t start_timeline, stop_timeline;
    bool start_known, stop_known;

    struct base_backup_tablespace *tablespaces;
    size_t tablespace_count;
    size_t next_tablespace; /* the one whose archive comes next */
    const struct base_backup_tablespace *current;
    bool in_archive, in_backup_manifest, backup_manifest_seen;

    uint8_t message_type;    /* of the typed CopyData message being read */
    struct buffer message;   /* an 'n' message, held whole */
    unsigned empty_messages; /* in a row */
    bool announced;          /* a whole 'n' or 'm' message waits to be acted on */
    bool compressed;         /* by the server */
    struct decompressor *decompressor;
    struct slice packed; /* received, not yet unpacked */
    bool unpacking;      /* the decompressor may have more to give */

    bool checksum_failure;
    char checksum_message[512];
};

/* base_backup_rows.c */

/* Reads the next message; an ErrorResponse ends the backup. */
bool base_backup_next_message(struct base_backup *backup, struct wire_event *event,
                              struct error *err);
/* Reads the start position and the list of tablespaces. */
bool base_backup_read_rows(struct base_backup *backup, struct error *err);
bool base_backup_take_stop_row(struct base_backup *backup, struct error *err);

/* base_backup_archive.c */

/* Sets the error of a stream that is not as it should be; returns false. */
bool base_backup_unexpected(struct error *err, const char *what);

enum step base_backup_event_if(bool ok);

bool base_backup_begin_archive(struct base_backup *backup, struct base_backup_event *event,
                               struct error *err);
bool base_backup_end_archive(struct base_backup *backup, struct base_backup_event *event,
                             struct error *err);
bool base_backup_begin_backup_manifest(struct base_backup *backup, struct base_backup_event *event,
                                       struct error *err);

/* Lends unpacked bytes of the current archive, if there are any in `packed`. */
bool base_backup_unpack(struct base_backup *backup, struct base_backup_event *event,
                        struct error *err);

/* Bytes of the current archive or of the backup_manifest. */
enum step base_backup_take_data(struct base_backup *backup, struct slice data,
                                struct base_backup_event *event, struct error *err);

/* A COPY has ended, and with it what was going on in it. */
enum step base_backup_end_copy(struct base_backup *backup, struct base_backup_event *event,
                               struct error *err);

/* base_backup_typed.c */

/* A whole 'n' or 'm' message has arrived: first the end of what was going on is told, then, when
 * called again, the beginning of what it announces. */
enum step base_backup_announce(struct base_backup *backup, struct base_backup_event *event,
                               struct error *err);

#endif
