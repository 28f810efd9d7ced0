/* What the threads of an import job share, under one lock. */
#ifndef PGCASK_PLAKAR_IMPORT_QUEUE_H
#define PGCASK_PLAKAR_IMPORT_QUEUE_H

#include "base/failure.h"
#include "base/digest.h"
#include "plakar/import_job.h"
#include "plakar/record_message.h"

#include <pthread.h>
#include <stdatomic.h>

#define CHUNK_HEAD 16              /* room for the prefixes of a full chunk */
#define CHUNK_CONTENT (256 * 1024) /* most bytes of content in a message */

/* Chunks of a record that are filled and not yet sent: while it is open; and at most, within what
 * is read ahead. */
#define CHUNKS_OF_RECORD 4
#define CHUNKS_AHEAD 8

/* Of a sequential source: bytes of content that are read ahead of what Plakar takes, and records
 * that are announced and not yet acknowledged. Once there are so many, reading goes on when a
 * quarter is done with, so that the threads do not wake each other for every record. */
#define READ_AHEAD ((size_t)32 * 1024 * 1024)
#define RECORDS_AHEAD 512
#define GO_ON_AT(most) ((most) - (most) / 4)

/* A file of at most that size may be read whole before it is announced: see import_reuse.c. */
#define REUSABLE_MAX ((int64_t)16 * 1024 * 1024)

#define IMPORT_PATH_SHOWN 600

/* A message on its way from a reader to Plakar. */
struct content_chunk {
    struct grpc_chunk base;
    struct import_entry *entry;
    size_t len, size; /* bytes of content that are there, and that there is room for */
    uint8_t storage[];
};

/* A record from its announcement until Plakar has acknowledged it and nothing of it is left. */
struct import_entry {
    struct import_entry *previous, *next;
    struct import_entry *next_due;
    struct import_job *job;
    char *path;
    struct reader *reader;  /* the reading thread's */
    struct grpc_call *call; /* the I/O thread's */
    int64_t left;           /* bytes to come, as announced; the reading thread's */
    bool regular;
    bool reusable;         /* it is read whole before it is announced, */
    struct digest *digest; /* with its digest; the reading thread's */
    bool by_itself;        /* it is read in a thread of its own, once it is opened */
    bool opened, cut;      /* by Plakar; it gave up reading */
    bool delivered, acked; /* all content was sent; Plakar is done with it */
    bool content_ready;    /* everything was read */
    bool idle;             /* no thread of the job uses it any more */
    bool due;              /* the I/O thread is to look at it */
    size_t chunks;         /* in use */
    struct grpc_chunk *ready, **ready_last;
};

/* An encoded announcement on its way. */
struct import_message {
    struct import_message *next;
    struct buffer bytes;
};

struct import_job {
    struct import_job_options options;
    uint64_t backup; /* see struct record_stamp */
    pthread_t thread;
    atomic_bool woken; /* the I/O thread was, and has not come yet */

    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct import_entry *first, *last; /* in the order they were announced in */
    struct import_entry *due, **due_last;
    struct import_message *messages, **messages_last;
    struct grpc_chunk *spare; /* of full size */
    size_t spare_count;
    size_t unacknowledged;
    size_t held; /* bytes of content in chunks, of a sequential source */
    bool sequential;
    /* What the job's own thread waits for: so few records on their way (SIZE_MAX: for none), and
     * room for so much more content of a record (NULL: for none). */
    size_t awaited_records, awaited_room;
    struct import_entry *awaited_entry;
    size_t readers;                    /* threads that read records of an independent source */
    size_t unread;                     /* of those: acknowledged, not opened, not yet put down */
    uint64_t opened, left_out, reused; /* left out as a pattern says; from the last snapshot */
    char unopened[IMPORT_PATH_SHOWN];  /* the first record of those for no reason; "": none */
    char folder[RECORD_PATH_MAX];      /* of the last file: see import_reuse.c */
    struct failure failure;
    bool over;
    bool finished_sent; /* the I/O thread's */
};

/* Each takes and gives back the lock, but those with "locked" in their name, which need it held. */

void import_wake(struct import_job *job);

/* Keeps the first failure and tells everybody. */
void import_fail(struct import_job *job, const struct error *error);
void import_fail_locked(struct import_job *job, const struct error *error);

/* Plakar is done with the record and did not open it: fails the job unless that is fine, or may be
 * a dry run. */
void import_note_unopened_locked(const struct import_entry *entry);

/* *ends: Plakar does not want content at all (plakar backup -dry-run). False: it did not open a
 * record that it should. */
bool import_judge_unopened(struct import_job *job, bool *ends, struct error *err);

/* Waits until at most that many records are on their way, or one of them was not opened. False: the
 * job failed. */
bool import_wait_for_acknowledged(struct import_job *job, size_t most);

/* An entry that is not announced yet; takes over the record's reader in any case. NULL: failed. */
struct import_entry *import_entry_new(struct import_job *job, const struct record *record,
                                      struct error *err);

/* Announces it, with that stamp (NULL: the backup's own). False: failed, and the entry is freed. */
bool import_announce(struct import_entry *entry, const struct record *record,
                     const struct record_source *source, const struct record_stamp *stamp,
                     struct error *err);

/* Whether the record is to be read before it is announced; does both. */
bool import_may_reuse(struct import_job *job, const struct record *record);
bool import_announce_read(struct import_job *job, struct record *record,
                          const struct record_source *source, struct error *err);

/* The I/O thread is to look at the entry. */
void import_make_due_locked(struct import_entry *entry);

/* Frees the entry if nobody needs it any more; the I/O thread's. */
void import_settle_locked(struct import_entry *entry);
void import_free_entry(struct import_entry *entry);

/* An empty chunk; waits while there are enough of them. NULL: the job failed, or Plakar is done
 * with the record. */
struct content_chunk *import_take_chunk(struct import_entry *entry, size_t size);
void import_give_chunk(struct content_chunk *chunk); /* with content: to be sent */
void import_drop_chunk(struct content_chunk *chunk); /* unused */

/* Takes off what is ready, for whoever drops it. */
struct grpc_chunk *import_take_ready_locked(struct import_entry *entry);
void import_drop_chunks(struct grpc_chunk *chunks);

/* Reads the record's content to its end, unless Plakar is done with it before; closes its reader.
 */
void import_read_content(struct import_entry *entry);

#endif
