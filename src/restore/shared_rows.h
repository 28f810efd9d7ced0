/*
 * The rows of one table, put in by several workers, each in a transaction of its own: all of these
 * are committed, or none. Whoever is done with its share says so and waits for the verdict.
 *
 * Commits are sent when every share is in, and so are all but certain. Should a session be lost in
 * between all the same, a part of the rows stays, and shared_rows_leave() says so.
 */
#ifndef PGCASK_RESTORE_SHARED_ROWS_H
#define PGCASK_RESTORE_SHARED_ROWS_H

#include "restore/packet_queue.h"

enum shared_verdict { SHARED_IS_OPEN, SHARED_STAYS, SHARED_GOES };

struct shared_rows {
    struct packet_queues *queues; /* whose lock it is under */
    uint32_t number;              /* of the entry */
    /* By whoever reads, before the end is told. */
    bool *joined; /* of each worker: it has got some */
    uint32_t members;
    uint64_t expected; /* rows */
    /* By the workers. */
    enum shared_verdict verdict;
    uint32_t voted, left, kept;
    uint64_t rows;
    struct shared_rows *next;
};

struct shared_rows *shared_rows_new(struct packet_queues *queues, uint32_t number,
                                    struct error *err);
void shared_rows_free(struct shared_rows *shared);

/* Whether nobody needs to send any more of them. */
bool shared_rows_are_lost(struct shared_rows *shared);
void shared_rows_lose(struct shared_rows *shared);

/* This worker's share is in, or (taken) not; waits for all others. Whether it stays. */
bool shared_rows_vote(struct shared_rows *shared, bool taken, uint64_t rows);

enum shared_end {
    SHARED_OTHERS_GO_ON, /* others are not done yet */
    SHARED_NOTHING,      /* that was the last: none stay, */
    SHARED_COMPLETE,     /* all stay, */
    SHARED_PARTIAL       /* or a part */
};
/* This worker has done what it was told to: *rows of all. */
enum shared_end shared_rows_leave(struct shared_rows *shared, bool kept, uint64_t *rows);
/* Nobody will ask for it again. */
bool shared_rows_are_over(struct shared_rows *shared);

#endif
