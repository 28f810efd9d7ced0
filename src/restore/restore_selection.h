/*
 * Which entries of an archive are wanted, in what order, and in which pass: the rules are those of
 * pg_restore (18's, where versions differ), but that names are patterns (name_pattern.h), that a
 * pattern which matches nothing is an error, and that a name may say its schema. No I/O.
 *
 * tables       TABLE, TABLE DATA, VIEW, FOREIGN TABLE, MATERIALIZED VIEW and its data, SEQUENCE and
 *              its value, and the statistics of these. Nothing else of a table comes with it but
 *              its comments, labels and privileges: no index, constraint, default or trigger.
 * indexes      INDEX alone.
 * functions    FUNCTION, PROCEDURE, AGGREGATE: "f" is each of that name, "f(int, text)" the one of
 *              these argument types, written as in SQL.
 * triggers     TRIGGER: "trigger", "table.trigger", or pg_restore's "table trigger".
 * schemas      what lies in these, and nothing that lies in none.
 *
 * Several lists are alternatives among tables, functions, indexes and triggers; schemas narrow
 * them.
 */
#ifndef PGCASK_RESTORE_RESTORE_SELECTION_H
#define PGCASK_RESTORE_RESTORE_SELECTION_H

#include "archive/archive.h"
#include "restore/restore_request.h"

/* ---- What is asked for ---- */

/* What of a request counts: its lists, sections, schema_only, data_only, create_db or recreate (the
 * database itself), no_… Of functions only commas outside of brackets part a text. */
struct selection_lists;

struct selection_wishes {
    const struct restore_request *request;
    /* The request's lists (selection_lists.h), for several archives of which one has what another
     * lacks: who has them checks in the end that all have matched. NULL: each is checked here. */
    struct selection_lists *lists;
    struct slice list;     /* the text of its list file; data NULL: there is none */
    const char *list_name; /* for messages */
};

/* ---- The archive ---- */

struct selection_archive {
    size_t count;
    const char *database; /* as its header names it; NULL: it does not */
    void *context;
    /* Borrowed until the next call. They are asked for once each, from the first to the last. */
    bool (*entry)(void *context, uint32_t number, struct archive_entry *entry, struct error *err);
};

/* ---- What is wanted ---- */

enum selected_part {
    SELECTED_DEFINITION = 1, /* the entry's SQL, whatever it does: a table's, or setval() */
    SELECTED_DATA = 2,       /* its rows, its large objects */
    SELECTED_SETTING = 4     /* ENCODING, STDSTRINGS, SEARCHPATH: says how all others are read */
};

enum restore_pass { RESTORE_PASS_MAIN, RESTORE_PASS_ACL, RESTORE_PASS_POST_ACL, RESTORE_PASSES };

struct restore_selection;

/* An error of usage names what matches nothing, a line of the list that names no entry, or options
 * that do not go together. Wishes and archive are borrowed for the call. */
struct restore_selection *restore_selection_new(const struct selection_wishes *wishes,
                                                const struct selection_archive *archive,
                                                struct error *err);
void restore_selection_free(struct restore_selection *selection); /* NULL is allowed */

/* What of the entry with that number is wanted: of enum selected_part; 0: nothing. */
unsigned restore_selection_parts(const struct restore_selection *selection, uint32_t number);
enum restore_pass restore_selection_pass(const struct restore_selection *selection,
                                         uint32_t number);

/* DATABASE, DATABASE PROPERTIES, and comments, labels and privileges of the database: wanted with
 * create_db or recreate alone. A target database's own code (target_databases.h) restores them. */
bool restore_selection_is_of_database(const struct restore_selection *selection, uint32_t number);

/* Numbers of the wanted entries but settings, in the order in which they are to be restored: all of
 * a pass, then those of the next. Objects are dropped in the reverse order of
 * restore_selection_file_order(). Borrowed. */
const uint32_t *restore_selection_order(const struct restore_selection *selection, size_t *count);

/* The same without regard to passes: of a list file, or as they stand in the archive. Data of a
 * stream come in the archive's own order whatever a list says. */
const uint32_t *restore_selection_file_order(const struct restore_selection *selection,
                                             size_t *count);

/* Schemas, tables or others were named, and nothing here is one of them, or in one. */
bool restore_selection_names_nothing(const struct restore_selection *selection);

/* Nothing is defined, rows alone are wanted: by data_only, or because of what was selected. */
bool restore_selection_is_data_only(const struct restore_selection *selection);

/* Of the entries that something is wanted of, those that were left out; 0: it is whole. */
size_t restore_selection_left_out(const struct restore_selection *selection);

#endif
