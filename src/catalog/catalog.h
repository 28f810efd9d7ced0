/*
 * A database's catalogs as the entries of an archive: every schema object with its SQL, in an order
 * that PostgreSQL can execute.
 *
 * Everything is read by queries over whole sets; nothing is asked once per object. What is kept of
 * an object is its identity and what it depends on; texts are kept compressed.
 */
#ifndef PGCASK_CATALOG_CATALOG_H
#define PGCASK_CATALOG_CATALOG_H

#include "archive/archive.h"
#include "base/error_names.h"
#include "base/log.h"
#include "wire/wire.h"

struct catalog;
struct catalog_filter;
struct catalog_watch;

struct catalog_options {
    const struct catalog_filter *filter; /* what is wanted; NULL: everything. Borrowed */
    bool schema_only;                    /* no rows, values of sequences or large objects */
    bool data_only;                      /* these alone */
    bool no_unlogged_table_data;
    bool large_objects;            /* also where the filter chooses schemas, tables or extensions */
    bool no_large_objects;         /* never */
    int64_t lock_timeout_ms;       /* for each batch of tables; required */
    int64_t lock_timeout_total_ms; /* for all of them; 0: 10 min, or the former if that is longer */
    int64_t *lock_spent_ms; /* how much of that earlier reads took; this one adds its own. May be
                               NULL */
    struct catalog_watch *watch; /* of this and other tries (watch.h); NULL: whatever changed is a
                                    reason to read again */
    bool statistics;             /* what the planner knows, too; of servers from 18 on */
    const struct log *log;
};

/* Reads everything, locks the tables in ACCESS SHARE mode, puts the entries in order, and looks
 * whether all of it is of one moment. If something changed since the snapshot, *changed is true and
 * the error names it: after ROLLBACK and a new snapshot_begin it can be read again. The session is
 * in the transaction of snapshot_begin, and borrowed until catalog_free. An object of a kind that
 * cannot be dumped yet is an error that names it. */
bool catalog_read(struct catalog **catalog, struct wire_conn *conn,
                  const struct catalog_options *options, bool *changed, struct error *err);

/* Only finds out what is wanted, and reads nothing: for catalog_expand and catalog_is_whole. */
bool catalog_select(struct catalog **catalog, struct wire_conn *conn,
                    const struct catalog_options *options, struct error *err);

/* Appends a query in which {relation c.oid} stands for whether a table, view or sequence is wanted,
 * {rows c.oid} whether its rows are, {schema n.oid} whether all in a schema is, and {server s.oid}
 * whether rows of its foreign tables are. NULL: everything is, but no foreign rows. */
bool catalog_expand(const struct catalog *catalog, const char *sql, struct buffer *out,
                    struct error *err);

/* Whether what lies in no schema is wanted, too: large objects, subscriptions. */
bool catalog_is_whole(const struct catalog *catalog);

/* For when globals.sql was gathered: the server prints privileges on tablespaces with the names
 * that roles have by then. */
bool catalog_check_roles(struct catalog *catalog, struct error *err);

/* For when the rows were copied. The tables are locked all the while, and what their rows are
 * printed by cannot be altered while a table uses it; but an enum's label can be renamed, what a
 * value of regclass or its like names, and a schema, behind whose name COPY may then have found
 * another table. */
bool catalog_check_copied(struct catalog *catalog, struct error *err);
void catalog_free(struct catalog *catalog);

/* What to do where definitions changed meanwhile. */
#define CATALOG_CHANGED_HINT                                                                       \
    "Definitions change while the backup begins: run it again, when nobody creates, alters or "    \
    "drops objects of this database."

/* For catalog_expand. One row: how many tables, views and sequences a backup locks, how many locks
 * others hold, for how many there is room, what max_locks_per_transaction is, what it should be at
 * least, and whether that is more. */
extern const char catalog_lock_room_query[];
enum {
    LOCK_ROOM_RELATIONS,
    LOCK_ROOM_HELD,
    LOCK_ROOM,
    LOCK_ROOM_SETTING,
    LOCK_ROOM_WANTED,
    LOCK_ROOM_IS_SMALL,
    LOCK_ROOM_COLUMNS
};

#define LOCK_ROOM_CATALOGS 200 /* locks on catalogs and their indexes */

#define CATALOG_LOCK_ROOM_HINT                                                                     \
    "ALTER SYSTEM SET max_locks_per_transaction = %s;  and restart the server"

/* What of the database is not in the archive, and why: a line each, which were warnings when they
 * were found. NULL: there are no more than `number`. */
const char *catalog_left_out(const struct catalog *catalog, size_t number);

uint32_t catalog_entry_count(const struct catalog *catalog);

/* The entry with that number (from 0), in the order of the archive. Borrowed until the next call.
 */
bool catalog_entry(struct catalog *catalog, uint32_t number, struct archive_entry *entry,
                   struct error *err);

/* Whether it has rows. */
bool catalog_entry_has_data(const struct catalog *catalog, uint32_t number);

/* The COPY … TO STDOUT that gives the data of an entry that has any. Borrowed until the next call.
 */
bool catalog_data_query(struct catalog *catalog, uint32_t number, const char **query,
                        struct error *err);

/* "schema.table" of such an entry, for messages. */
const char *catalog_data_table(const struct catalog *catalog, uint32_t number);

/* ---- Large objects ---- */

/* Whether it has the bytes of large objects: *count of all, from the index *first on. Such entries
 * have them in their order. */
bool catalog_entry_large_objects(const struct catalog *catalog, uint32_t number, uint32_t *first,
                                 uint32_t *count);

uint32_t catalog_large_object_count(const struct catalog *catalog);
uint32_t catalog_large_object_oid(const struct catalog *catalog, uint32_t index);

/* They are read in pieces of at most a thousand: that one begins with the large object of that
 * index, and the one behind the last where there are no more. */
uint32_t catalog_large_object_pieces(const struct catalog *catalog);
uint32_t catalog_large_object_piece(const struct catalog *catalog, uint32_t piece);

/* The COPY … TO STDOUT (FORMAT binary) of a piece: rows of a large object's number (oid), where in
 * it these bytes begin (int8), and the bytes (bytea), in ascending order of both. What no row has
 * are zeros; what has no row is empty. Borrowed until the next call. */
bool catalog_large_object_query(struct catalog *catalog, uint32_t piece, const char **query,
                                struct error *err);

#endif
