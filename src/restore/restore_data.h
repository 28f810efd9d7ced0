/*
 * The data of an archive's entries, from whoever reads the archive into a session of the target:
 * rows of tables, rows as INSERTs, large objects. A small table is one message to the server, and
 * nothing waits for its answer; of small large objects many go in one statement.
 */
#ifndef PGCASK_RESTORE_RESTORE_DATA_H
#define PGCASK_RESTORE_RESTORE_DATA_H

#include "archive/archive_data.h"
#include "archive/content_sums.h"
#include "archive/sql_script.h"
#include "restore/entry_sql.h"
#include "restore/long_statement.h"

struct archive_input;

struct restore_data {
    /* To be set by the caller; borrowed. */
    struct entry_sql *sql;
    void *context;
    /* Whether the data of that entry are wanted; told of each in the archive's order, and once more
     * of one that is done again. */
    bool (*wanted)(void *context, uint32_t number, bool *wanted, struct error *err);
    /* The large object is one that could not be made: it is passed over. May be NULL. */
    bool (*lacks)(void *context, uint32_t oid);
    /* Whether the table of these rows was made by this restore and has none yet. May be NULL. */
    bool (*is_fresh)(void *context, uint32_t number, const struct archive_entry *entry);
    /* The rows are put in under the table's triggers, which the role may not disable. */
    void (*triggers_stay)(void *context, const char *label);
    struct content_summer *summer; /* of what comes; freed with it. May be NULL */
    bool disable_triggers;
    bool escape_strings;    /* standard_conforming_strings is off */
    bool can_again;         /* restore_data_do_again can be called */
    uint64_t bytes;         /* of large objects that came */
    uint64_t large_objects; /* that came to their ends */

    /* Its own. */
    uint32_t number;
    bool running; /* between begin and end of an entry */
    struct archive_entry entry;
    struct buffer texts; /* of the entry */
    struct buffer label; /* what it is called */
    struct buffer copy;  /* what puts its rows in */
    struct buffer rows;  /* of a table that may be small */
    bool streaming;
    bool under_triggers; /* that could not be disabled */
    bool plain;          /* nothing is frozen */
    uint32_t *again;     /* entries that a deadlock has undone */
    size_t again_count, again_capacity;
    struct sql_script *script; /* INSERTs … */
    struct long_statement
        more;     /* … of which one may be long: its folder is the caller's to set … */
    char last[2]; /* … and the last bytes of them */
    /* Large objects. */
    uint32_t oid;
    bool skipping;         /* this one */
    uint64_t offset;       /* bytes of it that were sent, if it is a large one */
    bool in_unit;          /* it, or the INSERTs, have a transaction of their own */
    struct buffer object;  /* its bytes */
    struct buffer numbers; /* of a group: 1,2,3 */
    struct buffer values;  /* … and their bytes */
    struct buffer parts;   /* the same one by one */
    size_t grouped;
};

/* To be given to archive_input_read_all and its like. */
struct archive_data_handler restore_data_handler(struct restore_data *data);

/* Whether the rows are those of a COPY into the table itself, as pg_dump says it: not by way of the
 * table that it is a partition of, and with no options. */
bool restore_data_is_plain_copy(const struct archive_entry *entry);

/* ---- A share of a table's rows, of which other sessions have theirs ---- */

bool restore_data_begin_share(struct restore_data *data, uint32_t number, struct error *err);
/* *refused: the server takes no more of it. */
bool restore_data_add_to_share(struct restore_data *data, struct slice rows, bool *refused,
                               struct error *err);
/* How many the server has taken, all of them or none; whether they stay is open. */
bool restore_data_close_share(struct restore_data *data, uint64_t *rows, bool *taken,
                              struct error *err);
/* keep: as all others do. *kept: they stay. */
bool restore_data_end_share(struct restore_data *data, bool keep, bool *kept, struct error *err);
/* Of all shares together the server has taken another number than there are. */
bool restore_data_tell_lacking(struct restore_data *data, uint64_t rows, uint64_t taken,
                               struct error *err);
/* Rows that were frozen hold more locks: those that a deadlock has undone are put in once more,
 * plainly, once all others are read. */
bool restore_data_do_again(struct restore_data *data, struct archive_input *input,
                           const struct cancel *cancel, struct error *err);

/* The archive could not be read on: nothing stays of the entry that was being read. Its name, or
 * NULL if none was. */
const char *restore_data_give_up(struct restore_data *data);

void restore_data_reset(struct restore_data *data);

#endif
