/* A plan from the inside: restore_plan.c fills it, restore_plan_ask.c asks the server,
 * restore_plan_facts.c takes what it says, restore_plan_there.c asks what is in a database,
 * restore_plan_judge.c says what is in the way, restore_plan_report.c shows it, restore_plan_make.c
 * makes its databases. */
#ifndef PGCASK_RESTORE_RESTORE_PLAN_INTERNAL_H
#define PGCASK_RESTORE_RESTORE_PLAN_INTERNAL_H

#include "archive/archive_contents.h"
#include "restore/database_recipe.h"
#include "restore/name_set.h"
#include "restore/restore_globals.h"
#include "restore/restore_needs.h"
#include "restore/restore_plan.h"
#include "restore/restore_selection.h"

/* What an archive says of its database itself. */
struct own_statement {
    uint32_t number; /* of its entry */
    const char *object, *text;
    bool owner; /* it makes somebody else its owner */
    bool last;  /* it may keep sessions out, or comes last for another reason */
};

struct planned_entry {
    int32_t dump_id;
    uint8_t parts, pass;
    const char *desc, *schema, *tag;
};

struct planned_database {
    char *name;
    char *source;        /* as its archive names it; NULL: it does not */
    char *encoding;      /* of the archive's texts; NULL: UTF8 */
    int archive_version; /* of the server that it was made of; 0: unknown */
    bool of_script, has_recipe;
    bool remade;  /* by its script, under RESTORE_RECREATE */
    bool dropped; /* by its script, under RESTORE_CLEAN, and made anew … */
    bool spared;  /* … or it would be if it were not called otherwise */
    bool kept;    /* although the request is to make it anew */
    bool made;    /* by its script or for it, where it is not there */
    bool named;   /* for what its script says before it names one */
    struct database_recipe recipe;
    struct error recipe_error; /* why it has none, although the archive says something */
    struct own_statement *own;
    size_t own_count, own_capacity;
    struct planned_entry *entries;
    size_t entry_count, entry_capacity;
    uint64_t data_bytes;
    struct restore_needs needs;
    struct arena texts;
    struct name_set children;    /* of wanted tables, and not wanted: partitions */
    struct buffer dropped_names; /* of what RESTORE_CLEAN drops, as rows of SQL */

    /* What the server has said. */
    bool exists, closed, invalid, is_template, may_drop, is_current;
    size_t sessions;
    char *first_session;                  /* "process 71, role app, psql" */
    struct name_set subscriptions, slots; /* in it; slots: logical ones */
    enum restore_action action;

    /* Once it is made. */
    const char *owner; /* that it is to have; NULL: whoever makes it */
    bool owner_later;  /* once it has its name: nobody else may give it that */
    char interim[64];  /* what it is called while it is filled; "": by its name */
};

struct server_facts_of_target {
    int version;
    char *role; /* who acts there */
    bool superuser, createdb, in_recovery, has_icu, may_subscribe;
    uint64_t connections_most, connections_reserved, connections_used;
};

struct restore_plan {
    const struct restore_request *request;
    struct planned_database **databases;
    size_t count, capacity;
    bool globals_expected;
    const struct restore_globals *globals;          /* NULL: nothing is known of them */
    struct name_set roles_there, tablespaces_there; /* of these, as the server has them */
    struct name_set own_roles;                      /* that this restore acts as */
    struct name_set closed_roles;                   /* that are there, and that it may not alter */
    bool may_make_roles;
    struct server_facts_of_target server;
    struct preflight_report *report; /* during a check */
};

/* Asks about the server, and about each database that is there; findings are made as rows come. */
bool restore_plan_ask_server(struct restore_plan *plan, struct wire_conn *conn, struct error *err);
bool restore_plan_ask_database(struct restore_plan *plan, struct planned_database *database,
                               struct error *err);

/* Notes a table, if it is a part of a wanted one, and not wanted; and tells of all of these. */
bool restore_plan_note_child(const struct restore_plan *plan, struct planned_database *database,
                             struct archive_contents *contents,
                             const struct restore_selection *selection, uint32_t number,
                             const struct archive_entry *entry, struct error *err);
void restore_plan_judge_children(struct restore_plan *plan,
                                 const struct planned_database *database);

/* Notes an entry, if it is dropped before it is made; and asks in its database what keeps it. */
bool restore_plan_note_dropped(const struct restore_plan *plan, struct planned_database *database,
                               const struct archive_entry *entry, unsigned parts,
                               struct error *err);
bool restore_plan_ask_dependents(struct restore_plan *plan, const struct planned_database *database,
                                 struct wire_conn *conn, struct error *err);

/* What the archive lacks of one that is to be made. */
void restore_plan_judge_new(struct restore_plan *plan, const struct planned_database *database);

/* A row of what the server was asked; false: out of memory. */
bool restore_plan_take_fact(struct restore_plan *plan, const struct wire_result *rows, size_t row);

/* Of roles and tablespaces, which of those that are known are there: restore_plan_globals.c. */
bool restore_plan_ask_globals(struct restore_plan *plan, struct wire_conn *conn, struct error *err);
void restore_plan_judge_globals(struct restore_plan *plan);
bool restore_plan_append_globals(struct buffer *out, const struct restore_plan *plan,
                                 struct error *err);

/* Of a database that is to be made; the session is of no use for anything else then. */
bool restore_plan_try_locales(struct restore_plan *plan, const struct planned_database *database,
                              struct wire_conn *conn, struct error *err);

/* What follows of what was said about the server. */
void restore_plan_judge_server(struct restore_plan *plan);
void restore_plan_judge_database(struct restore_plan *plan, struct planned_database *database);

#endif
