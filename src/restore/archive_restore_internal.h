/*
 * The restore of one archive from the inside: archive_restore.c goes through its stages over one
 * session, archive_parallel.c does the data and what stands behind them over several. Below both is
 * archive_job.c.
 */
#ifndef PGCASK_RESTORE_ARCHIVE_RESTORE_INTERNAL_H
#define PGCASK_RESTORE_ARCHIVE_RESTORE_INTERNAL_H

#include "restore/archive_restore.h"
#include "restore/parallel_restore.h"
#include "restore/restore_selection.h"

#include <pthread.h>

/* Of each entry. */
#define IS_UNMADE 1U /* the statement that makes it failed */
#define HAS_FAILED 2U
#define IS_DONE 4U
#define HAS_ROWS 8U   /* rows were put into the table */
#define IS_FIRST 16U  /* these rows, of their table */
#define IS_MADE 32U   /* the statement that makes it succeeded */
#define IS_SHARED 64U /* several sessions put these rows in */

/* Where an entry stands against what its section says. */
#define PLACE_LATE 1U  /* it depends on what comes behind the data, or is that */
#define PLACE_EARLY 2U /* before the data all the same, because data need it */
#define PLACE_KEYED 4U /* a table with a key that is early */

struct archive_job {
    const struct restore_request *request;
    const struct archive_restore_options *options;
    const char *database;
    const char *name_now; /* of the database, for sessions; borrowed from the plan */
    struct archive_input *input;
    struct archive_contents *contents;
    struct logical_restore_report *report;
    struct restore_selection *selection;
    struct restore_plan *plan;
    struct content_sums *sums; /* of a trial; else NULL */
    bool began;                /* the trial: its end is told */
    uint64_t failed_before;    /* failures of what else is restored */
    struct buffer list;        /* what its list file says */
    bool undone;               /* the one transaction, and all with it */
    struct restore_worker main;
    struct cancel cancel;
    pthread_mutex_t lock; /* of the report, and of what follows, where workers tell failures */
    uint8_t *marks;       /* of each entry; under the lock where workers are */
    uint8_t *places;      /* of each entry; NULL: all are where their sections say */
    uint32_t *lost;       /* large objects that could not be made */
    size_t lost_count, lost_sorted, lost_capacity;
    bool triggers_told; /* that they are on */
    char encoding[64];
    bool plain_backslashes, has_search_path;
    bool wants_data;            /* any: else those of what can be read by position are not read */
    bool said_order;            /* that rows do not keep it */
    struct entry_orders orders; /* of entries of rows, by foreign keys that are there */
};

/* ---- archive_job.c ---- */

/* The archive's encoding and its like, before a session is opened. */
bool archive_job_read_settings(struct archive_job *job, struct error *err);

/* Who is told what became of each statement. */
struct target_listener archive_job_listener(struct archive_job *job);

/* Opens a session and sets all of the worker. Closing counts what it did. */
bool archive_job_open(struct archive_job *job, struct restore_worker *worker, struct error *err);
bool archive_job_say_search_path(struct archive_job *job, struct restore_worker *worker,
                                 struct error *err);
void archive_job_close(struct archive_job *job, struct restore_worker *worker);

/* Queues an entry's statements. */
bool archive_job_define(struct archive_job *job, struct restore_worker *worker, uint32_t number,
                        struct error *err);

/* Which part of the work an entry belongs to. */
enum stage { STAGE_BEFORE_DATA, STAGE_BEHIND_DATA, STAGE_AFTER_DATA, STAGE_LATER_PASSES };

/* Asked in the order of the archive: *section is SECTION_PRE_DATA at first. */
enum stage archive_job_stage(const struct archive_job *job, uint32_t number,
                             enum archive_section *section);

/* ---- archive_late.c ---- */

/* Fills job->places. */
bool archive_job_find_late(struct archive_job *job, struct error *err);

/* ---- archive_progress.c ---- */

void archive_job_expect_objects(const struct archive_job *job);
/* Finds out where the data are (archive_input_locate): what is read for that is not restored. */
bool archive_job_locate(const struct archive_job *job, struct error *err);
/* Of an archive that is read by position: whole, or what is wanted of it. Where its data are has
 * been found out, or they are read without that. */
void archive_job_expect_data(const struct archive_job *job, bool whole);
/* Of the entry with that number, with job->lock held. */
void archive_job_mark(struct archive_job *job, uint32_t number, uint8_t marks);

/* ---- archive_rows.c: for restore_data ---- */

bool archive_job_wants(void *context, uint32_t number, bool *wanted, struct error *err);
bool archive_job_is_fresh(void *context, uint32_t number, const struct archive_entry *rows);
/* Whether several sessions may put in these rows; from then on they do. Where the table has, or may
 * have, an index or a trigger, one of them could wait for another's end, which waits for it. */
bool archive_job_shares(void *context, uint32_t number);

/* The table of an entry of rows is the first of those that it depends on. */
bool archive_job_find_table(const struct archive_job *job, const struct contents_node *node,
                            uint32_t *number);

/* ---- archive_order.c ---- */

/* Where rows go into tables that this restore does not make: fills job->orders. The session has
 * nothing queued. */
bool archive_job_order_rows(struct archive_job *job, struct error *err);

/* ---- archive_left.c: what was there already, and so was not made ---- */

/* Whether that is what a statement is about: then it is left undone, and counted. */
enum target_made archive_job_made(void *context, uint64_t subject);

/* Before the first statement: marks what an archive takes for granted. */
bool archive_job_note_schemas(struct archive_job *job, struct error *err);

/* The large object could not be made. With job->lock held: */
bool archive_job_lacks(struct archive_job *job, uint32_t oid);
bool archive_job_lacks_object(void *context, uint32_t oid);
/* The same of something that is not said of it, which is counted. */
bool archive_job_leaves_object(void *context, uint32_t oid);

/* ---- archive_parallel.c ---- */

bool archive_parallel_can(const struct archive_job *job);
bool archive_parallel_restore(struct archive_job *job, struct error *err);
/* What stands behind the data, which one session alone has put in if they streamed by. */
bool archive_parallel_can_behind(const struct archive_job *job);
bool archive_parallel_behind(struct archive_job *job, struct error *err);

/* How a session of several is opened. */
struct parallel_restore archive_parallel_sessions(struct archive_job *job, unsigned jobs);

/* Over as many sessions as are worth it: each(), or what restores an entry, for these entries. */
bool archive_parallel_run(struct archive_job *job, const uint32_t *numbers, uint32_t count,
                          bool (*each)(void *context, struct restore_worker *worker,
                                       uint32_t number, struct error *err),
                          struct error *err);

/* ---- archive_stream.c ---- */

/* The same for what streams by, if several sessions were asked for: unasked, rows keep their order,
 * which they have in one session alone. */
bool archive_stream_can(const struct archive_job *job);
/* The data alone. */
bool archive_stream_restore(struct archive_job *job, struct error *err);

/* ---- archive_analyze.c ---- */

/* Gathers the planner's statistics of what has got rows, if the request wants them. */
bool archive_analyze(struct archive_job *job, struct error *err);

#endif
