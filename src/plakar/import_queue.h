/* What the threads of an import job share, under one lock. */
#ifndef PGCASK_PLAKAR_IMPORT_QUEUE_H
#define PGCASK_PLAKAR_IMPORT_QUEUE_H

#include "base/failure.h"
#include "plakar/import_job.h"

#include <pthread.h>

#define CHUNK_HEAD 16              /* room for the prefixes of a full chunk */
#define CHUNK_CONTENT (256 * 1024) /* bytes of content in a message */
#define CHUNKS_OF_RECORD 4         /* that are filled and not yet sent */
#define RECORDS_IN_FLIGHT 1        /* announced and not yet acknowledged */

#define IMPORT_PATH_SHOWN 600

/* A message on its way from a reader to Plakar. */
struct content_chunk {
    struct grpc_chunk base;
    struct import_entry *entry;
    size_t len;
    uint8_t storage[CHUNK_HEAD + CHUNK_CONTENT];
};

/* A record from its announcement until Plakar has acknowledged it and nothing of it is left. */
struct import_entry {
    struct import_entry *next;
    struct import_job *job;
    char *path;
    struct reader *reader;  /* the reading thread's */
    struct grpc_call *call; /* the I/O thread's */
    bool regular;
    bool opened, cut;      /* by Plakar; it gave up reading */
    bool delivered, acked; /* all content was sent; Plakar is done with it */
    bool content_ready;    /* everything was read */
    bool idle;             /* no thread of the job uses it any more */
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

    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct import_entry *entries, **entries_last;
    struct import_message *messages, **messages_last;
    struct grpc_chunk *spare;
    size_t spare_count;
    size_t unacknowledged;
    bool sequential;
    size_t readers;            /* threads that read records of an independent source */
    uint64_t opened, left_out; /* the latter as a pattern says */
    /* The first record that was left out although it is needed, and the first that was not opened
     * for no reason; "" if there is none. */
    char needed[IMPORT_PATH_SHOWN], unopened[IMPORT_PATH_SHOWN];
    struct failure failure;
    bool over;
    bool finished_sent; /* the I/O thread's */
};

/* Each takes and gives back the lock, but those with "locked" in their name, which need it held. */

void import_wake(const struct import_job *job);

/* Keeps the first failure and tells everybody. */
void import_fail(struct import_job *job, const struct error *error);
void import_fail_locked(struct import_job *job, const struct error *error);

/* Plakar is done with the record and did not open it. */
void import_note_unopened_locked(struct import_job *job, const char *path);

/* Whether it is fine that these were not opened. *ends: Plakar does not want content at all
 * (plakar backup -dry-run). */
bool import_judge_unopened(struct import_job *job, bool *ends, struct error *err);

/* Waits until at most that many records are on their way. False: the job failed. */
bool import_wait_for_acknowledged(struct import_job *job, size_t most);

/* Announces a record; takes over its reader in any case. NULL: failed. */
struct import_entry *import_announce(struct import_job *job, const struct record *record,
                                     const struct record_source *source, struct error *err);

/* An empty chunk; waits while the record has enough of them. NULL: the job failed. */
struct content_chunk *import_take_chunk(struct import_entry *entry);
void import_give_chunk(struct content_chunk *chunk); /* with content: to be sent */
void import_drop_chunk(struct content_chunk *chunk); /* unused */

/* Reads the record's content to its end; closes its reader. */
void import_read_content(struct import_entry *entry);

#endif
