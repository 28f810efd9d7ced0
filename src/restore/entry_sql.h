/*
 * The statements that an entry of an archive is restored by, as pg_restore makes them: what its SQL
 * leaves to the session (tablespace, access method), the SQL itself, and its owner. Large objects
 * of a group are made by one statement for all of them.
 */
#ifndef PGCASK_RESTORE_ENTRY_SQL_H
#define PGCASK_RESTORE_ENTRY_SQL_H

#include "archive/archive_contents.h"
#include "base/buffer.h"
#include "restore/restore_request.h"
#include "restore/target_session.h"

/* What the subject of a statement says beside the number of its entry, which is its lower half. */
#define ENTRY_SQL_MAKES (UINT64_C(1) << 32)  /* it is what makes the entry's object */
#define ENTRY_SQL_ALTERS (UINT64_C(1) << 33) /* it says more of that: its owner */
#define ENTRY_SQL_MORE_SHIFT 40              /* how many entries behind that one it is of, too */

struct entry_sql {
    /* To be set by the caller; borrowed. */
    const struct restore_request *request;
    struct archive_contents *contents;
    struct target_session *session;
    bool own_search_path; /* the archive has an entry that sets it, or the request does */
    void *context;
    /* The large object was there already, and nothing is to be said of it. NULL: whatever is said
     * of an object is said, whoever has made it. */
    bool (*leaves)(void *context, uint32_t oid);

    /* Its own. */
    char *tablespace, *access_method, *schema; /* what the session is set to; NULL: not yet said */
    struct buffer label, text, parts;
    struct buffer objects; /* large objects of the group whose privileges are being set */
    struct {
        struct buffer numbers; /* a line each */
        uint32_t number;       /* of the entry of the first … */
        uint32_t oid, last;    /* … and its object, and the last one */
        size_t count;
        char *owner; /* of all of them */
    } single;        /* large objects that have an entry each, of which groups are made */
};

void entry_sql_reset(struct entry_sql *sql);

/* "TABLE public.orders", "COMMENT EXTENSION hstore": what it is called in messages. Borrowed until
 * the next call of any of these. NULL: out of memory. */
const char *entry_sql_label(struct entry_sql *sql, const struct archive_entry *entry,
                            struct error *err);

/* Queues all that its definition takes, owner included. */
bool entry_sql_define(struct entry_sql *sql, uint32_t number, const struct archive_entry *entry,
                      struct error *err);

/* Large objects that have an entry each may wait for more of their kind: queues them. */
bool entry_sql_flush(struct entry_sql *sql, struct error *err);

/* How many entries may be put together. */
#define ENTRY_SQL_TOGETHER 1000

/* Queues what drops it, if it is there. */
bool entry_sql_drop(struct entry_sql *sql, uint32_t number, const struct archive_entry *entry,
                    struct error *err);

/* ALTER TABLE … DISABLE or ENABLE TRIGGER ALL for the rows of that entry. */
bool entry_sql_append_triggers(struct buffer *out, const struct archive_entry *entry, bool enable,
                               struct error *err);

#endif
