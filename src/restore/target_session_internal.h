/*
 * A target session from the inside: target_session.c opens it, says what it is set to and ends it;
 * target_hold.c holds statements until their outcome is known, and sends them;
 * target_queue.c says when, and does them again;
 * target_rows.c has what is longer than can be held; target_outcome.c tells what came of it, and
 * target_words.c what of that is secret.
 */
#ifndef PGCASK_RESTORE_TARGET_SESSION_INTERNAL_H
#define PGCASK_RESTORE_TARGET_SESSION_INTERNAL_H

#include "base/buffer.h"
#include "base/failure.h"
#include "copy/copy_in.h"
#include "restore/target_session.h"

/* A transaction ends once it has this much: each may lock five relations or so, and a server has
 * room for 64 locks a connection by default, which all share. */
#define BATCH_STATEMENTS 200
#define BATCH_BYTES ((size_t)1 << 20)
/* Statements of many parts lock as many objects, and a server has room for some thousands of locks.
 */
#define BATCH_PARTS 1000

#define NO_TEXT SIZE_MAX

/* Offsets are into target_session.held. */
struct queued_statement {
    uint64_t subject;
    bool if_made, left; /* it may be left undone, and is */
    bool drops;         /* what may not be there */
    size_t object, text;
    const struct target_statement *lent; /* a long one, whose text is not held; else NULL */
    size_t parts, parts_len;             /* NO_TEXT: none */
    size_t rows, rows_len;               /* NO_TEXT: it is no COPY with its rows */
    uint64_t taken;                      /* rows, by the server's answer … */
    uint64_t expected;                   /* … and as many as there are; UINT64_MAX: not known */
    const char *untold;
};

/* How transactions are made. */
enum target_mode {
    TARGET_AS_IT_FITS, /* a failed one is done again, a statement at a time */
    TARGET_CHUNKS,     /* of so many statements; the first failure ends the work */
    TARGET_ONE         /* all of it is one */
};

struct target_session {
    struct wire_conn *conn;
    enum target_mode mode;
    bool exit_on_error;
    unsigned chunk; /* of TARGET_CHUNKS */
    struct target_listener told;
    struct target_counts counts; /* of what stays … */
    struct target_counts open;   /* … and of the transaction at hand, whose end will say so */
    struct failure stopped;      /* what ended the work */
    char *user;
    bool superuser;

    struct buffer held; /* texts of … */
    struct queued_statement *queue;
    size_t queue_count, queue_capacity;
    size_t queued_parts; /* of all statements in it */
    size_t unsent;       /* bytes in the connection's queue */
    bool in_transaction; /* BEGIN was queued, and nothing that ends it */
    bool begun;          /* … but not answered yet */
    unsigned chunked;    /* statements in it so far */
    bool was_refused;    /* a statement, in the way that is not told */
    bool careful;        /* the last batch had a failure: the next is not even tried as one */

    /* Of a unit. */
    bool in_unit, unit_failed;
    bool saving; /* each batch of it has a savepoint */
    bool has_subject;
    uint64_t unit_subject;
    struct target_counts before_unit; /* of what was open then */

    /* Of a COPY whose rows are sent as they come. */
    struct copy_in copy;
    bool copying, copy_refused;
    bool copy_closed; /* its last row was taken */
    bool frozen;
    uint64_t copy_rows;
    const char *copy_untold;
    bool enclosed;                 /* it has a transaction, which ends with it */
    size_t copy_object, copy_text; /* in held */
    uint64_t copy_subject;
};

/* ---- target_outcome.c ---- */

/* What came of one statement. */
struct outcome {
    bool failed;
    bool drops; /* it was a statement that drops what may not be there */
    struct error error;
    unsigned position;
    char context[1024];
    uint64_t rows;
    char status; /* of the transaction */
    bool rolled_back;
    bool had_rows; /* it has taken those that were sent with it */
};

/* Keeps the error: nothing more is done. */
bool target_stop(struct target_session *session, const struct error *err);

/* Reads the answer to one statement. had_rows: it was a COPY that was sent with all its rows.
 * False: the connection is of no use any more. */
bool target_read_outcome(struct target_session *session, bool had_rows, struct outcome *outcome,
                         struct error *err);

/* Sends a statement of our own and reads the answer. */
bool target_ask(struct target_session *session, const char *statement, struct outcome *outcome,
                struct error *err);

/* What was to be kept, and was undone without an error, has failed. */
void target_must_be_kept(struct outcome *end);

/* Tells the listener, and counts. False if that ends the work. */
bool target_tell_failure(struct target_session *session, uint64_t subject, const char *object,
                         const char *text, const struct outcome *outcome, struct error *err);
void target_tell_done(struct target_session *session, uint64_t subject, uint64_t rows,
                      uint64_t bytes);
void target_count(struct target_session *session, uint64_t rows, uint64_t bytes);

/* Notes a refusal of that kind; else false. */
bool target_take_untold(struct target_session *session, const char *untold,
                        const struct error *why);

/* The transaction at hand stays. */
void target_count_open(struct target_session *session);

/* ---- target_hold.c ---- */

/* Keeps a text in session->held. */
bool target_hold(struct target_session *session, const void *text, size_t len, size_t *offset,
                 struct error *err);
const char *target_held_text(const struct target_session *session, size_t offset);

/* It is sent from where it lies, and so is alone in the queue. */
bool target_is_long(const struct target_statement *statement);

/* Puts it into the queue. */
bool target_hold_statement(struct target_session *session, const struct target_statement *statement,
                           const struct slice *rows, struct error *err);

/* Of a long one that is its beginning. */
const char *target_text_of(const struct target_session *session,
                           const struct queued_statement *statement);
uint64_t target_length_of(const struct target_session *session,
                          const struct queued_statement *statement);

bool target_send_text(struct target_session *session, const char *text, struct error *err);
bool target_send_statement(struct target_session *session, const struct queued_statement *statement,
                           struct error *err);

/* ---- target_queue.c ---- */

/* Begins a transaction, if the mode wants one and none has begun. */
bool target_begin(struct target_session *session, struct error *err);

/* Awaits all that is queued. keep_open: the transaction goes on, where the mode says so. */
bool target_drain(struct target_session *session, bool keep_open, struct error *err);

#endif
