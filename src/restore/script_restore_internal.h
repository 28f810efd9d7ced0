/* What the files of script_restore.h share: the sessions of a script, and what its server has. */
#ifndef PGCASK_RESTORE_SCRIPT_RESTORE_INTERNAL_H
#define PGCASK_RESTORE_SCRIPT_RESTORE_INTERNAL_H

#include "archive/sql_script.h"
#include "base/failure.h"
#include "restore/long_statement.h"
#include "restore/name_pattern.h"
#include "restore/restore_globals.h"
#include "restore/script_names.h"
#include "restore/script_restore.h"
#include "restore/script_trial.h"
#include "restore/target_interim.h"
#include "restore/target_session.h"

#define SCRIPT_ENCODING_SIZE 64

struct script_session {
    struct target_session *target;       /* NULL: none is open */
    char encoding[SCRIPT_ENCODING_SIZE]; /* the last that was SET there; "": UTF8 */
};

struct script_patterns {
    char **texts; /* a name as it is matches itself, whatever the pattern makes of it */
    struct name_pattern *items;
    size_t count;
};

struct script_restore {
    const struct restore_request *request;
    struct logical_restore_report *told; /* of failures */
    struct sql_script *script;
    struct sql_script *look; /* the same, looked over before … */
    bool look_placed;        /* … up to its place … */
    bool look_plain;         /* … which was a statement for the database that was named … */
    bool looked;             /* … and nothing was in the way */
    bool any;                /* statement has come, or \connect */
    struct failure failure;
    struct script_report report; /* without what open sessions have counted */
    char *database;              /* that it is for, where it names none; may be NULL */
    char *renamed;               /* the only one that it names, which is that one here; or NULL */
    bool several_told;           /* that it goes into others */
    bool own_met;                /* it was about the one that it is for by its own name */

    struct script_trial *trial;   /* NULL: what is restored stays */
    const char *tried, *tried_as; /* a database of it, as it is called here and in the script */
    struct script_patterns databases,
        not_databases; /* that are wanted; none: all; and that are not */

    /* What is of no database, and what cannot be in a transaction, is done in a session of any
     * database; the rest in that of the database at hand. */
    struct script_session base, section;
    char encoding[SCRIPT_ENCODING_SIZE]; /* of the statements at hand */
    char *user, *acting;      /* who the server says we logged in as, and who we are (SET ROLE) */
    char *bootstrap;          /* its own superuser */
    bool superuser;           /* we are one */
    size_t grantors_left_out; /* of memberships */
    struct restore_globals shared; /* what it makes of roles and tablespaces, for the plan */
    size_t passwords_kept;         /* roles that were there, and have other ones in the script */
    struct script_names names;
    bool names_known;
    struct script_kept *kept; /* those that databases of the script have replaced */
    size_t kept_count;
    uint64_t counted; /* failures that were told, of the restore so far, are of these databases */
    struct script_names tables; /* and sequences, of the database at hand, with into_existing */
    bool tables_made;           /* one, of which the server may not have answered yet */

    bool placed;             /* there was a \connect, or a statement that is for a database */
    struct buffer unmark;    /* makes a database that is dropped next no template any more */
    struct buffer prelude;   /* settings that came before: statements, a NUL behind each */
    bool placed_plain;       /* … and that was it */
    bool globals;            /* of a whole cluster, before the first database */
    bool wanted;             /* the database at hand is */
    bool making;             /* … and the script did more there than to drop things */
    bool again;              /* … and was before */
    bool matched;            /* one of them was */
    bool in_unit;            /* between BEGIN and COMMIT */
    uint64_t unit_line;      /* of that BEGIN */
    uint64_t failed_line;    /* of the last statement that failed */
    struct buffer connected; /* the database at hand */

    bool copying;     /* a COPY's rows come */
    bool copy_open;   /* they are sent as they come; else they are held */
    bool copy_passes; /* they are not wanted */
    uint64_t copy_line;
    struct buffer copy_statement, rows;

    struct long_statement more; /* of the statement at hand: what is not held of it */
    struct buffer object;       /* what the statement at hand is of */
    struct buffer changed;      /* a statement that is another than the script's */
    struct buffer regranted;    /* a membership without its grantor */
    struct buffer here;         /* a statement that names its database as it is called here */
};

/* ---- script_roles.c ---- */

/* Whether it fails for a role that the server lacks, and the script may have made. */
bool script_lacks_role(const struct script_restore *restore, const struct target_failure *failure);

/* ---- script_sessions.c ---- */

/* The session in which statements are run now; NULL: the database at hand is not wanted. */
struct script_session *script_session_now(struct script_restore *restore);

/* Opens a session of that database. in_transactions: of the size that the request has for them.
 * Closing counts what it did. */
bool script_session_open(struct script_restore *restore, struct script_session *session,
                         const char *database, bool in_transactions, struct error *err);
void script_session_close(struct script_restore *restore, struct script_session *session);

/* Opens the session of any database, if it is not open, and lets it know the encoding. */
bool script_open_base(struct script_restore *restore, struct error *err);

/* Queues a statement. more: what follows the text, see script_more_of. flags: as in struct
 * target_statement. */
bool script_execute(struct script_restore *restore, struct script_session *session,
                    const char *text, struct long_statement *more, uint64_t line, unsigned flags,
                    struct error *err);

/* What is not held of the script's statement at hand; NULL: nothing. */
struct long_statement *script_more_of(struct script_restore *restore,
                                      const struct sql_statement *statement);

/* Does a statement of any database, which is none for a transaction. *done: the server took it. */
bool script_run_alone(struct script_restore *restore, const char *text, struct long_statement *more,
                      uint64_t line, bool *done, struct error *err);

/* A failure that no statement had. False if it ends the work. */
bool script_tell(struct script_restore *restore, uint64_t line, const char *object,
                 const char *sqlstate, const char *message, struct error *err);

/* The same of what was asked beside the queue. */
bool script_tell_error(struct script_restore *restore, uint64_t line, const char *object,
                       const struct error *why, struct error *err);

/* Awaits all that is queued, and opens the session of any database. */
bool script_settle(struct script_restore *restore, struct error *err);

/* ---- script_tables.c ---- */

/* Whether it has rows of a table, or the value of a sequence, that was there before the script. */
bool script_tables_pass(struct script_restore *restore, struct script_session *session,
                        const struct sql_statement *statement, bool *passes, struct error *err);
void script_tables_failed(struct script_restore *restore, const struct target_failure *failure);

/* ---- script_members.c ---- */

/* The text of a statement, in which a membership has no grantor whom the server would refuse. */
bool script_members_text(struct script_restore *restore, const struct sql_statement *statement,
                         const char **text, struct error *err);
void script_members_tell(const struct script_restore *restore);

/* ---- script_server.c: roles, tablespaces, databases ---- */

/* Asks for all of them, if they are not known. */
bool script_know_names(struct script_restore *restore, struct error *err);

/* The one of that kind ('r', 't', 'd') as the server has it. NULL with *err set on failure. */
struct script_name *script_find(struct script_restore *restore, char kind, const char *name,
                                struct error *err);

/* ---- script_databases.c ---- */

bool script_patterns_parse(struct script_patterns *patterns, const struct option_list *list,
                           const char *option, struct error *err);
void script_patterns_reset(struct script_patterns *patterns);

/* Whether the request wants that database of the script. */
bool script_wants(const struct script_restore *restore, const char *database);

/* Fails if the database holds objects that nobody allowed to be there, or cannot be used, or
 * dropped. definition: the script makes it anew so, now; or NULL. */
bool script_check_database(struct script_restore *restore, struct script_name *database,
                           const char *definition, struct error *err);

/* None of those that the request names is in the script. */
bool script_fail_unmatched(struct error *err);

/* The first that is in the way. */
bool script_refuse(const struct preflight_report *report, struct error *err);

/* Of a script that names no database: the one that it is for is there, or is made. */
bool script_prepare_plain(struct script_restore *restore, uint64_t line, struct error *err);

bool script_create_database(struct script_restore *restore, const struct sql_statement *statement,
                            struct script_name *database, struct error *err);
bool script_alter_database(struct script_restore *restore, const struct sql_statement *statement,
                           struct script_name *database, struct error *err);
bool script_drop_database(struct script_restore *restore, const struct sql_statement *statement,
                          struct script_name *database, struct error *err);
/* Of a role or a tablespace, too. */
bool script_drop(struct script_restore *restore, const struct sql_statement *statement,
                 struct script_name *item, struct error *err);

/* ---- script_kept.c: databases whose place others have taken ---- */

/* What *old says is taken over. */
bool script_kept_add(struct script_restore *restore, const char *name, uint64_t line,
                     struct target_kept *old, struct error *err);

/* What has failed since the last time was for that database. Before: for that at hand, once all is
 * done that was queued. */
void script_kept_count(struct script_restore *restore, const char *name);
bool script_kept_before(struct script_restore *restore, struct error *err);

/* What follows is for that database; NULL: nothing follows. Those that the script has replaced and
 * filled otherwise go, or get their names back. */
bool script_kept_leave(struct script_restore *restore, const char *to, struct error *err);

/* *err has ended the work: those that are still kept get their names back. */
void script_kept_give_up(struct script_restore *restore, struct error *err);
void script_kept_reset(struct script_restore *restore);

/* ---- script_place.c ---- */

enum script_place {
    SCRIPT_PRELUDE, /* a setting: it may be for a database whose name comes after it */
    SCRIPT_APART,   /* about a database: a plain script may make its own before it goes there */
    SCRIPT_GLOBALS, /* of a whole cluster, before the first database */
    SCRIPT_PLAIN    /* for the database that was named for the script */
};

/* Where a statement goes that stands before the first \connect. script: as far as it was read. */
enum script_place script_place_of(const struct script_restore *restore,
                                  const struct sql_script *script,
                                  const struct sql_statement *statement);
bool script_is_of_database(enum sql_kind kind);
bool script_is_global(enum sql_kind kind);

bool script_needs_database(const struct script_restore *restore, struct error *err);

/* What a script makes or connects to is called otherwise here if it is the only one, and the
 * request names another. Of a script that was not looked over that is settled by the first.
 * *here: its name. False: it is of several, so that nobody can say which one is meant. */
bool script_meet(struct script_restore *restore, const char *database, uint64_t line,
                 const char **here, struct error *err);
bool script_rename(struct script_restore *restore, const char *database, struct error *err);
bool script_refuse_several(struct script_restore *restore, struct error *err);
void script_tell_several(struct script_restore *restore);
void script_tell_no_database(struct script_restore *restore);

/* Nothing is called as a database that every server has, which an address often names for want of
 * another, unless --database says so. */
bool script_keeps_name(const struct script_restore *restore);
void script_tell_own_name(struct script_restore *restore, const char *database);

/* The statement as it is here. *passes: it is about a database that was there, and is another's. */
bool script_translate(struct script_restore *restore, const struct sql_statement *statement,
                      struct sql_statement *here, bool *passes, struct error *err);

/* ---- script_sections.c ---- */

/* Ends the database at hand: what was queued is done and on disk. */
bool script_leave_section(struct script_restore *restore, struct error *err);

/* What follows is for that database. line: of the \connect, or of the first statement. */
bool script_enter_section(struct script_restore *restore, const char *database, uint64_t line,
                          struct error *err);

/* ---- script_globals.c ---- */

/* At the end: of which roles what is left as it was. */
void script_tell_roles(const struct script_restore *restore);

/* A statement about a role, a tablespace or a database. */
bool script_run_global(struct script_restore *restore, const struct sql_statement *statement,
                       struct error *err);

#endif
