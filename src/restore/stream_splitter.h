/*
 * An archive that is read once, by one thread, cut into packets for several workers: small tables
 * and groups of large objects as a whole, many in a packet; a large table's rows at row ends, if
 * it may be shared. What is neither goes to one worker, piece by piece.
 */
#ifndef PGCASK_RESTORE_STREAM_SPLITTER_H
#define PGCASK_RESTORE_STREAM_SPLITTER_H

#include "archive/archive_data.h"
#include "restore/shared_rows.h"

struct stream_splitter {
    /* To be set by the caller; borrowed. */
    struct packet_queues *queues;
    struct archive_contents *contents;
    void *context;
    /* Whether the data of that entry are wanted; told of each in the archive's order. */
    bool (*wanted)(void *context, uint32_t number, bool *wanted, struct error *err);
    /* Whether several may put in the rows of that entry, which has a lot. */
    bool (*may_share)(void *context, uint32_t number);

    /* Its own. */
    struct packet *open;     /* not yet given to anybody */
    struct shared_rows *all; /* that somebody may still ask for */
    bool running, holds_objects;
    uint32_t number;              /* of the entry */
    size_t unit_event, unit_byte; /* where in `open` it begins, or the large object */
    uint32_t worker;              /* who has got the beginning of it, or of the row: must go on */
    struct shared_rows *shared;   /* rows of the entry */
};

/* To be given to archive_input_read_all. */
struct archive_data_handler stream_splitter_handler(struct stream_splitter *splitter);

/* Everything has been read: the rest is given away. */
bool stream_splitter_finish(struct stream_splitter *splitter, struct error *err);

/* It cannot be read on: what is complete is given away, and what is not is given up. The entry
 * that is not, or UINT32_MAX. */
uint32_t stream_splitter_give_up(struct stream_splitter *splitter);

/* When no worker is at work any more. */
void stream_splitter_reset(struct stream_splitter *splitter);

/* How many bytes of `rows`, which may begin anywhere in a row, are whole rows; 0: none is known to
 * end there. */
size_t stream_splitter_cut(struct slice rows);

#endif
