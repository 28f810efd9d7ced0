/*
 * One session of a target server, in which statements are queued: none waits for the way to the
 * server and back. Many share a transaction; if one of them fails, all of these are undone and done
 * again each by itself, so that nothing fails but what fails anyway, exactly as if each had been
 * sent and awaited.
 *
 * A failure of the server's is no error here, it is told to the listener, and the work goes on,
 * unless the options say that it ends it. Then, and if the connection is lost, the functions return
 * false, and the session is good for target_session_close alone.
 *
 * A session belongs to one thread.
 *
 * Sources: PostgreSQL documentation, "Message Flow" (Simple Query, COPY Operations), "pg_restore".
 */
#ifndef PGCASK_RESTORE_TARGET_SESSION_H
#define PGCASK_RESTORE_TARGET_SESSION_H

#include "base/cancel.h"
#include "base/log.h"
#include "base/slice.h"
#include "wire/wire.h"

struct long_statement;
struct target_session;

/* A statement's subject that is none. */
#define TARGET_NO_SUBJECT UINT64_MAX

struct target_failure {
    uint64_t subject;   /* the caller's number of what it was about; TARGET_NO_SUBJECT */
    const char *object; /* "TABLE public.orders" */
    const char *sqlstate;
    const char *message;
    const char *detail, *hint; /* "" if none */
    const char *context;       /* what the server was doing: "COPY t, line 3, …" */
    const char *statement;
    unsigned position;    /* in the statement, in characters from 1; 0: unknown */
    const char *harmless; /* the class of failure, as "extension_comment", that takes nothing from
                             what was restored; NULL: it is a real one */
};

/* Whether what a statement is about was made, by the outcomes that were told so far. */
enum target_made { TARGET_MAY_BE_MADE, TARGET_IS_MADE, TARGET_IS_NOT_MADE };

struct target_listener {
    void *context;
    /* Each may be NULL. Texts are borrowed during the call. */
    void (*failed)(void *context, const struct target_failure *failure);
    /* A statement's outcome stays (but see single_transaction). rows: of COPY. */
    void (*done)(void *context, uint64_t subject, uint64_t rows);
    /* Asked of a statement that is TARGET_IF_MADE; a refusal is the last word on it. */
    enum target_made (*made)(void *context, uint64_t subject);
};

struct target_options {
    const char *database;        /* NULL: the settings' */
    const char *encoding;        /* of all texts and rows, by the server's name; NULL: UTF8 */
    bool plain_backslashes;      /* standard_conforming_strings = off */
    const char *role;            /* SET ROLE; NULL: none */
    const char *search_path;     /* a value of the setting; NULL: as it is */
    bool row_security;           /* on; else what it would hide is an error */
    bool exit_on_error;          /* the first real failure ends the work */
    bool single_transaction;     /* everything, until target_finish; implies exit_on_error */
    unsigned transaction_size;   /* statements in each, implies exit_on_error; 0: as many as fit */
    struct cancel *cancel;       /* may be NULL */
    const struct log *log;       /* may be NULL */
    struct target_listener told; /* of outcomes */
};

/* Opens a session and queues its settings: those that the server knows. */
bool target_session_open(struct target_session **session, const struct wire_settings *settings,
                         const struct target_options *options, struct error *err);

/* Ends it; what was not finished under single_transaction is undone. NULL is allowed. */
void target_session_close(struct target_session *session);

#define TARGET_ALONE 1U   /* the server does not take it within a transaction */
#define TARGET_IF_MADE 2U /* the listener is asked whether it is to be done; it has no parts */
#define TARGET_DROPS 4U   /* what it is about is made anew, and may not be there */

struct target_statement {
    const char *text;            /* copied, unless it is long: then it is sent from where it lies */
    struct long_statement *more; /* what follows the text; NULL, or empty: nothing */
    const char *object;          /* for messages; copied */
    uint64_t subject;            /* the caller's own number, handed back */
    unsigned flags;
    /* The same as several texts, one behind the other, each with its NUL: should `text` fail, each
     * of them is tried. NULL: there is no other way to say it. Copied. */
    const char *parts;
    size_t parts_len;
    const uint64_t *expected; /* rows that a target_copy has; another number of them taken is a
                                 failure. NULL: it is not known */
    /* An SQLSTATE with which this COPY, or this statement of a unit that saves, may be refused
     * without that being told: target_session_was_refused says it. NULL: there is none. A literal.
     */
    const char *untold;
};

/* Whether one was, since this was last asked. */
bool target_session_was_refused(struct target_session *session);

/* Tells of a COPY that has ended with another number of rows than it had. False: that ends it. */
bool target_tell_lacking(struct target_session *session, const struct target_statement *statement,
                         uint64_t expected, uint64_t taken, struct error *err);

/* Queues it. */
bool target_execute(struct target_session *session, const struct target_statement *statement,
                    struct error *err);

/* ---- Rows ---- */

/* The most rows' bytes that target_copy takes. */
#define TARGET_COPY_WHOLE ((size_t)128 * 1024)

/* Queues a COPY … FROM STDIN with all its rows (without an end mark), which are copied. */
bool target_copy(struct target_session *session, const struct target_statement *statement,
                 struct slice rows, struct error *err);

/* Rows of any number: what is queued is awaited first, then this COPY is a transaction of its own.
 * If the server refuses, the listener is told, and what is sent is dropped from then on. */
bool target_copy_begin(struct target_session *session, const struct target_statement *statement,
                       struct error *err);
/* The same into a table that was made by this restore and has no rows yet: it is emptied first, by
 * `truncate`, in the transaction of its rows, so that `frozen`, a COPY … WITH (FREEZE), may write
 * them as vacuum would leave them. Where that cannot be, or is refused, as above. */
bool target_copy_begin_frozen(struct target_session *session,
                              const struct target_statement *statement, const char *truncate,
                              const char *frozen, struct error *err);
/* A share of a table's rows, of which others have theirs: its transaction is open until
 * target_copy_end keeps it, or target_copy_give_up does not. */
bool target_copy_begin_apart(struct target_session *session,
                             const struct target_statement *statement, struct error *err);
bool target_copy_send(struct target_session *session, struct slice rows, struct error *err);
/* Nothing of it stays, whatever else is sent. */
bool target_copy_has_failed(const struct target_session *session);
/* That was the last row, which need not be said: whether all were *taken, and how many. What was
 * begun apart is still undecided. */
bool target_copy_close(struct target_session *session, uint64_t *rows, bool *taken,
                       struct error *err);
/* *rows: as many as the server has taken; *taken: false if it has refused. */
bool target_copy_end(struct target_session *session, uint64_t *rows, bool *taken,
                     struct error *err);
/* There will be no more: nothing of it stays. */
bool target_copy_give_up(struct target_session *session, const char *reason, struct error *err);

/* ---- Statements that belong together ---- */

/* What is executed until target_unit_end is one transaction, that may be of any size and so is not
 * done again: its first failure is told and undoes it all, and the rest is dropped. */
bool target_unit_begin(struct target_session *session, struct error *err);
/* The same, but what fails is told and undone by itself, and the others stay. Where all of it was
 * kept the listener hears that the subject is done. */
bool target_unit_begin_saving(struct target_session *session, uint64_t subject, struct error *err);
/* *kept: false if it failed. */
bool target_unit_end(struct target_session *session, bool *kept, struct error *err);
/* Nothing of it stays. */
bool target_unit_give_up(struct target_session *session, struct error *err);

/* ---- Waiting ---- */

/* Waits for the outcome of all that was queued. */
bool target_settle(struct target_session *session, struct error *err);

/* The same at the end: from here on all of it outlives a crash of the server. */
bool target_finish(struct target_session *session, struct error *err);

struct target_counts {
    uint64_t statements; /* that stay */
    uint64_t failures, harmless;
    uint64_t rows, row_bytes; /* of COPY and INSERT that stay */
};

const struct target_counts *target_session_counts(const struct target_session *session);

/* Who the session is, SET ROLE included: the owner of what it creates. */
const char *target_session_user(const struct target_session *session);
bool target_session_is_superuser(const struct target_session *session);
int target_session_version(const struct target_session *session);

/* For questions, right behind target_settle. */
struct wire_conn *target_session_conn(struct target_session *session);

#endif
