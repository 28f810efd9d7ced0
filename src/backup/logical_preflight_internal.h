/*
 * Preflight of a logical backup from the inside.
 *
 *     logical_preflight.c           one check after the other, of one database after the other
 *     logical_preflight_ask.c       their questions, and what cannot be asked
 *     logical_preflight_catalogs.c  catalogs that the role may not read, and what is left out then
 *     logical_preflight_rights.c    what else it may read
 *     logical_preflight_server.c    what the server and whatever is between here and it would do to
 *                                   a long session
 */
#ifndef PGCASK_BACKUP_LOGICAL_PREFLIGHT_INTERNAL_H
#define PGCASK_BACKUP_LOGICAL_PREFLIGHT_INTERNAL_H

#include "backup/logical_internal.h"
#include "base/quote.h"

/* Locks of the databases that are open together. */
struct lock_room {
    size_t databases;
    uint64_t relations, held; /* to be locked; by others */
    uint64_t each, all;       /* max_locks_per_transaction, and what comes of it */
};

/* What the transaction goes back to where a question fails. */
#define PREFLIGHT_SAVEPOINT "preflight"

struct logical_preflight {
    const struct backup_request *request;
    const struct wire_settings *settings; /* of its sessions */
    enum compression compression;
    struct preflight_report *report;
    struct wire_conn *conn; /* in a transaction of the database that is looked at */
    int version;
    char role[QUOTE_NAME_SIZE]; /* in quotes where it needs them, as it can be pasted */
    char role_oid[16];
    bool inherits, is_member; /* of pg_read_all_data */
    struct error denied;      /* the first query that it may not ask */
    size_t findings_before;   /* of this database */
    bool knows_server;        /* what is not about one database was looked at */
    struct lock_room locks;
    struct catalog_filter *filter;
    struct catalog *wanted; /* of the database at hand: what the filter comes to */
};

/* The only row of a query (in which {relation c.oid} and its like stand for what is wanted, see
 * catalog_expand), or NULL: what cannot be asked is left to the backup itself, but a right
 * that the role lacks for it, which the backup needs as well, is a finding. */
struct wire_result *logical_preflight_ask(struct logical_preflight *preflight, const char *sql);

/* Names to the finding added last what it is about: a query's first column, as many rows as it has
 * (PREFLIGHT_OBJECTS_MAX of a kind will do). */
void logical_preflight_name_all(struct logical_preflight *preflight, const char *sql);

/* For what the backup does not ask. */
struct wire_result *logical_preflight_ask_more(struct logical_preflight *preflight,
                                               const char *sql);

/* Columns of such a row; "" and 0 for an SQL null. */
const char *preflight_text(const struct wire_result *row, size_t column);
uint64_t preflight_number(const struct wire_result *row, size_t column);
bool preflight_flag(const struct wire_result *row, size_t column);

/* "3 tables (a, b, c)", behind a comma if something is there already: a count, and the column
 * behind it, which has the first names. Nothing for a count of 0. */
bool preflight_append_counted(struct buffer *out, const struct wire_result *row, size_t column,
                              const char *what, struct error *err);

/* Catalogs that it may not read, and what will be left out. */
void logical_preflight_catalogs(struct logical_preflight *preflight);
void logical_preflight_left_out(struct logical_preflight *preflight);
void logical_preflight_passwords(struct logical_preflight *preflight);

void logical_preflight_rights(struct logical_preflight *preflight);

void logical_preflight_pooler(struct logical_preflight *preflight);
void logical_preflight_standby(struct logical_preflight *preflight);
void logical_preflight_count_locks(struct logical_preflight *preflight);
void logical_preflight_judge_locks(struct logical_preflight *preflight);
void logical_preflight_locks(struct logical_preflight *preflight);

#endif
