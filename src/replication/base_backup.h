/*
 * BASE_BACKUP as a stream of events: which archive, its bytes (unpacked where the server
 * compressed them), the manifest, the end. Both command syntaxes and both stream forms: up to
 * PostgreSQL 14 one COPY an archive, from 15 on one COPY of typed messages.
 *
 * Source: PostgreSQL documentation, "Streaming Replication Protocol", BASE_BACKUP (13 to 18).
 */
#ifndef PGCASK_REPLICATION_BASE_BACKUP_H
#define PGCASK_REPLICATION_BASE_BACKUP_H

#include "base/decompress.h"
#include "base/digest.h"
#include "base/lsn.h"
#include "wire/wire.h"

struct base_backup_options {
    const char *label;
    bool spread_checkpoint;
    uint32_t max_rate_kib; /* 0: no limit */
    bool no_verify_checksums;
    bool tablespace_map; /* a file of that name describes tablespaces, instead of links */
    enum digest_algorithm manifest_checksums; /* CRC-32C or one of the SHA-2 family */
    enum compression compression;             /* by the server; 15 and later */
    const char *compression_level;            /* NULL: the server's default */
};

/* The command's text for a server of that version. Always with WAL, PROGRESS, a manifest, and
 * without waiting for the archiver. */
bool base_backup_command(struct buffer *sql, int server_version_num,
                         const struct base_backup_options *options, struct error *err);

struct base_backup_tablespace {
    char *name;     /* its OID, or up to PostgreSQL 14 the name of any link that somebody put into
                       pg_tblspc; NULL: the base directory, which always comes last */
    uint32_t oid;   /* 0: the name is none */
    char *location; /* on the server; relative for an in-place tablespace; NULL for the base */
    bool in_place;  /* part of the data directory: so are links that are no tablespace's */
    uint64_t bytes; /* the server's estimate */
};

struct base_backup;

/* Sends the command and reads up to the first archive: returns when the checkpoint is done. The
 * connection is borrowed until base_backup_free. */
bool base_backup_start(struct base_backup **backup, struct wire_conn *conn,
                       const struct base_backup_options *options, struct error *err);
void base_backup_free(struct base_backup *backup);

enum base_backup_event_type {
    BASE_BACKUP_ARCHIVE,      /* event.tablespace begins: a tar stream */
    BASE_BACKUP_ARCHIVE_DATA, /* event.data */
    BASE_BACKUP_ARCHIVE_END,
    BASE_BACKUP_MANIFEST,      /* the manifest begins */
    BASE_BACKUP_MANIFEST_DATA, /* event.data */
    BASE_BACKUP_END            /* everything was sent and the server says so */
};

struct base_backup_event {
    enum base_backup_event_type type;
    const struct base_backup_tablespace *tablespace;
    struct slice data; /* never empty; valid until the next call */
};

/* After BASE_BACKUP_END nothing more may be asked. */
bool base_backup_next(struct base_backup *backup, struct base_backup_event *event,
                      struct error *err);

/* True if the next call gives more data of the archive, received already, and leaves valid what was
 * lent before. */
bool base_backup_has_data_ahead(const struct base_backup *backup);

/* Known after base_backup_start. */
uint64_t base_backup_start_lsn(const struct base_backup *backup);
uint32_t base_backup_start_timeline(const struct base_backup *backup);
size_t base_backup_tablespace_count(const struct base_backup *backup); /* the base included */
const struct base_backup_tablespace *base_backup_tablespace(const struct base_backup *backup,
                                                            size_t index);

/* The location of a tablespace that is too long for a link in the server's tar, or NULL. */
const char *base_backup_long_location(const struct base_backup *backup);

/* Known after BASE_BACKUP_END. */
uint64_t base_backup_stop_lsn(const struct base_backup *backup);
uint32_t base_backup_stop_timeline(const struct base_backup *backup);

/* True if the server found page checksum failures; its words. */
bool base_backup_checksum_failure(const struct base_backup *backup, const char **message);

#endif
