/*
 * SQL scripts for psql, as pg_dump, pg_dumpall and we write them: cut into statements, rows of COPY
 * and \connect, as psql would cut them, without I/O. A script is what somebody else wrote: psql's
 * own commands, which can run programs, are never run. \connect is told of; \restrict, \unrestrict
 * and "\encoding SQL_ASCII" (which pg_dump writes before a name that is not ASCII) are taken; any
 * other one fails the script by its name and line, wherever it stands. Variables (":name") are not
 * replaced.
 */
#ifndef PGCASK_ARCHIVE_SQL_SCRIPT_H
#define PGCASK_ARCHIVE_SQL_SCRIPT_H

#include "base/buffer.h"
#include "base/error.h"
#include "base/slice.h"

/* What a server takes in one message. */
#define SQL_STATEMENT_MOST ((size_t)0x3fffffff - 8)

/* So much of a statement is held where somebody else takes its rest. */
#define SQL_STATEMENT_HELD ((size_t)1 << 20)

enum sql_kind {
    SQL_KIND_OTHER,
    SQL_KIND_SET,
    SQL_KIND_BEGIN,       /* BEGIN, START TRANSACTION */
    SQL_KIND_COMMIT,      /* COMMIT, END */
    SQL_KIND_ROLLBACK,    /* ROLLBACK, ABORT; not TO a savepoint */
    SQL_KIND_TRANSACTION, /* any other that needs a transaction or changes it: SAVEPOINT, … */
    SQL_KIND_COPY_IN,     /* COPY … FROM stdin: rows follow */
    SQL_KIND_COPY_OUT,    /* COPY … TO stdout */
    SQL_KIND_CREATE_ROLE, /* or USER, GROUP */
    SQL_KIND_ALTER_ROLE,
    SQL_KIND_DROP_ROLE,
    SQL_KIND_CREATE_DATABASE,
    SQL_KIND_ALTER_DATABASE,
    SQL_KIND_DROP_DATABASE,
    SQL_KIND_CREATE_TABLESPACE,
    SQL_KIND_ALTER_TABLESPACE,
    SQL_KIND_DROP_TABLESPACE
};

struct sql_statement {
    enum sql_kind kind;
    struct slice text; /* from its first token to its semicolon; a NUL follows */
    uint64_t line;     /* on which it begins, from 1 */
    uint64_t rest;     /* bytes behind the text, which the handler's rest has taken; 0: none */
};

/* The parts of a comment that names an entry as pg_dump does, as it has them: "-" where there is no
 * schema or owner, a blank for what would end the line. The type is "" if the comment was too long
 * to be taken apart. */
struct sql_script_comment {
    uint64_t number; /* from 1; another one for each comment; 0: there was none */
    const char *type, *schema, *name, *owner;
};

/* Each may be NULL; each returns false with *err set to stop. Slices are valid during the call. All
 * that was fed, in its order, is the statements, the rows and what was passed over. */
struct sql_script_handler {
    void *context;
    /* Without this one no statement is held. */
    bool (*statement)(void *context, const struct sql_statement *statement, struct error *err);
    /* Lines behind a SQL_KIND_COPY_IN, cut anywhere. */
    bool (*rows)(void *context, struct slice bytes, struct error *err);
    bool (*rows_end)(void *context, uint64_t rows, struct error *err);
    /* What follows is for that database, in a session of its own. */
    bool (*connect)(void *context, const char *database, uint64_t line, struct error *err);
    /* A comment names what follows. */
    bool (*entry)(void *context, const struct sql_script_comment *comment, struct error *err);
    /* Comments, blanks, psql's commands, the end marks of rows. */
    bool (*passed)(void *context, struct slice bytes, struct error *err);
    /* What a statement has behind its first `held` bytes, as it comes, before the statement itself
     * is told of. No rows of COPY follow such a one, and it makes no role, database or tablespace:
     * else the script fails. NULL: each is held as a whole. */
    bool (*rest)(void *context, struct slice bytes, struct error *err);
    size_t held; /* 0: SQL_STATEMENT_HELD */
};

/* A handler's rest for whom the beginning of a long statement is enough. */
bool sql_script_drop_rest(void *context, struct slice bytes, struct error *err);

/* Memory: what is held of one statement, which without the handler's rest may be SQL_STATEMENT_MOST
 * bytes, and twice that while it grows; without its statement a few KiB. A script that failed, or
 * whose handler did, fails with the same error from then on. */
struct sql_script;

struct sql_script *sql_script_new(const struct sql_script_handler *handler, struct error *err);
void sql_script_free(struct sql_script *script);
bool sql_script_feed(struct sql_script *script, struct slice bytes, struct error *err);

/* Lines of all COPYs so far. */
uint64_t sql_script_rows(const struct sql_script *script);

/* What its comments say it is: the first one, as a rule, or else the last. */
enum sql_script_origin {
    SQL_SCRIPT_UNKNOWN,
    SQL_SCRIPT_OF_DATABASE, /* "-- PostgreSQL database dump" */
    SQL_SCRIPT_OF_CLUSTER   /* "-- PostgreSQL database cluster dump" */
};
enum sql_script_origin sql_script_origin(const struct sql_script *script);

/* What the statement at hand is of, by the last comment that names it as pg_dump does: "TABLE
 * public.orders". "" if none did. Borrowed until the next call. Made of names, so for people. */
const char *sql_script_entry(const struct sql_script *script);

/* The last comment that names an entry. */
const struct sql_script_comment *sql_script_comment(const struct sql_script *script);

/* What its comments say it was dumped from, the last of them: "15.18 (Debian …)"; "": nothing. */
const char *sql_script_server(const struct sql_script *script);

/* Fails unless it ended outside of any statement and, where a comment said what it is, with the
 * comment that says that this was all. One of unknown origin may have been cut off between two
 * statements, which nothing tells. */
bool sql_script_finish(struct sql_script *script, struct error *err);

/* ---- Statements in memory ---- */

/* Takes the first statement with its semicolon off the text, such as one of the INSERTs that are an
 * entry's data. *kind may be NULL. False: there is none, but blanks and comments. What the text
 * ends in without a semicolon is a statement, too. escape_strings: standard_conforming_strings is
 * off. */
bool sql_statement_next(struct slice *text, bool escape_strings, enum sql_kind *kind,
                        struct slice *statement);

/* The name behind the statement's first two words (CREATE ROLE, IF EXISTS passed over), as the
 * server has it. False if there is none. */
bool sql_statement_name(struct slice statement, struct buffer *name, struct error *err);

/* The text's beginning as it stands, up to its last token, without what is secret; that goes to
 * *secrets, each with a NUL behind it, without its quotes. Secret is what stands in quotes behind
 * PASSWORD or CONNECTION, in the options of a user mapping (but for the user), or has the word
 * password in it. */
bool sql_statement_told(struct slice text, size_t most, struct buffer *out, struct buffer *secrets,
                        struct error *err);

/* The same for a line: blanks in a row are one. */
bool sql_statement_excerpt(struct slice statement, size_t most, struct buffer *out,
                           struct error *err);

#endif
