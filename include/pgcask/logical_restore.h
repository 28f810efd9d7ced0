/*
 * Restoring into databases of a server: logical backups of any layout, archives of pg_dump and of
 * pgcask in any format, SQL scripts of pg_dump and pg_dumpall. Of psql's commands in scripts only
 * \connect, \restrict and \unrestrict are known; any other one is refused by its name.
 */
#ifndef PGCASK_LOGICAL_RESTORE_H
#define PGCASK_LOGICAL_RESTORE_H

#include "backup.h"
#include "settings.h"
#include "source.h"

PGCASK_C_BEGIN

/* A statement that failed; lent for the call. Texts are as the server sent them; one that is not
 * known is NULL. */
struct pgcask_restore_failure {
    size_t struct_size; /* of what the library knows: later members may be missing from it */
    const char *database;
    const char *object;   /* "TABLE public.orders" */
    const char *sqlstate; /* "42P07" */
    const char *message, *detail, *hint, *context;
    const char *statement; /* or its beginning */
    unsigned position;     /* the character of it at which it failed, from 1; 0: not known */
    const char *harmless;  /* why nothing is missing for it, as a word; NULL: something is */
};

typedef void pgcask_restore_failure_fn(void *context, const struct pgcask_restore_failure *failure);

/* NULL and false are what happens if nothing is said. Lists are of pg_dump's patterns with commas
 * between several; one that matches nothing is an error. */
struct pgcask_logical_restore_options {
    size_t struct_size; /* see PGCASK_INIT */

    /* Told of each failure, from a thread of the restore, never from two at once. */
    pgcask_restore_failure_fn *failure;
    /* Told of what is in the way, before anything is done. */
    pgcask_finding_fn *finding;
    void *context; /* of both */

    /* Where to. */
    const char *database; /* that an archive goes into; NULL: the one that the settings name, else
                             the archive's own. Of a script of several databases the one to restore
                             */
    const char *databases, *exclude_databases; /* which of several */
    bool no_globals;     /* without roles and tablespaces, and what is granted and set on them */
    bool role_passwords; /* roles that are there get the backup's passwords, too */
    bool create_db; /* makes a database that is not there; it has its name once it is complete */
    bool into_existing; /* objects that a database holds stay; else such a one is refused */
    bool clean;         /* what is to be restored is dropped first, where it is there */
    bool recreate;      /* the database is dropped, once another is complete to take its place */
    const char *role;   /* SET ROLE */
    const char *search_path;

    /* What. */
    const char *schemas, *exclude_schemas;
    const char *tables;    /* and views, sequences */
    const char *functions; /* "total(int, text)" */
    const char *triggers, *indexes;
    const char *sections;  /* of "pre-data,data,post-data" */
    const char *list_file; /* the path of a list as pg_restore has it */
    bool schema_only, data_only;
    bool no_owner, no_privileges, no_comments, no_security_labels;
    bool no_publications, no_subscriptions, no_policies;
    bool no_tablespaces, no_table_access_method, no_statistics;

    /* How. */
    uint32_t jobs;               /* sessions; 0: one for each processor, at most 4 */
    bool exit_on_error;          /* the first failure ends it */
    bool single_transaction;     /* all of a database or nothing */
    uint32_t transaction_size;   /* objects after which to commit; 0: as it fits */
    bool disable_triggers;       /* with data_only */
    bool row_security;           /* policies hold for the role while rows are put in by INSERT */
    bool analyze;                /* gathers statistics of the tables that got rows, afterwards */
    const char *spool_directory; /* for what cannot be restored as it comes: records in another
                                    order than they were written in, rows that wait for others,
                                    long statements; NULL: TMPDIR, else /tmp */
    bool dry_run;                /* what is in the way is told, and nothing done */
};

/* As pgcask_backup_options_set: "single-transaction", "on"; "tables", "shop.*". */
bool pgcask_logical_restore_options_set(struct pgcask_logical_restore_options *options,
                                        const char *name, const char *value,
                                        struct pgcask_error *error);

struct pgcask_logical_restore_report {
    size_t struct_size;     /* see PGCASK_INIT */
    char format[16];        /* of a lone archive: "custom", "directory", "tar"; "script"; or "" */
    char layout[16];        /* of a backup */
    char database[256];     /* the last that was restored into */
    uint64_t databases;     /* that were */
    uint64_t objects;       /* entries, or a script's statements, that were restored */
    uint64_t rows, bytes;   /* that the server took; of rows and large objects as they came */
    uint64_t large_objects; /* that came to their ends */
    uint64_t failures;      /* statements that failed */
    uint64_t harmless;      /* … and are not counted there, because nothing is missing for it */
    uint64_t passed_over;   /* tables whose rows were not put in: they could not be made */
    uint64_t left;          /* changes of objects that were there already, passed over */
    double seconds;
    uint64_t left_out; /* statements of scripts that were not wanted, or not known there */
};

/* Restores all of a source from which nothing has been taken yet; it is still to be closed
 * afterwards. pgcask_source_open_tar and pgcask_source_open_tar_fd open an archive of one file or a
 * script, too. True: it came to its end, and report->failures says whether anything failed on the
 * way. False: it ended before, with the first failure if options->exit_on_error; with
 * PGCASK_ERROR_REFUSED nothing was begun, because something is in the way. options and report (NULL
 * is allowed) as in restore.h; the report is filled either way. */
bool pgcask_logical_restore(struct pgcask_source *source, const struct pgcask_settings *settings,
                            const struct pgcask_logical_restore_options *options,
                            struct pgcask_logical_restore_report *report,
                            struct pgcask_error *error);

/* ---- Trying a backup by a restore ---- */

enum pgcask_difference {
    PGCASK_NOT_RESTORED, /* a statement failed */
    PGCASK_NOT_THERE,    /* what the source has was not restored */
    PGCASK_NOT_EXPECTED, /* what was restored the source does not have */
    PGCASK_OTHERWISE,    /* a definition, or an owner */
    PGCASK_OTHER_ROWS    /* rows or large objects */
};

struct pgcask_trial_options {
    size_t struct_size; /* see PGCASK_INIT */

    /* Told of each difference, from a thread of the restore, never from two at once. database: ""
     * where a script does not name it. object: "TABLE public.orders". Texts are lent. */
    void (*difference)(void *context, enum pgcask_difference kind, const char *database,
                       const char *object, const char *message);
    /* Told what could not be compared, and why: a sentence. database: "" for all of it. */
    void (*not_compared)(void *context, const char *database, const char *what);
    pgcask_finding_fn *finding; /* told of what is in the way, before anything is done */
    void *context;              /* of all three */

    const char *databases, *exclude_databases; /* which of several */
    bool no_owner, no_privileges;
    uint32_t jobs;
    const char *spool_directory;
};

struct pgcask_trial_report {
    size_t struct_size; /* see PGCASK_INIT */
    char format[16], layout[16];
    uint64_t databases;                            /* that were restored, compared and dropped */
    uint64_t entries, tables, rows, large_objects; /* that were compared */
    uint64_t differences;
    bool by_name;    /* definitions were compared by kind, schema and name alone */
    char left[2048]; /* the statements that drop databases which could not be dropped; "": none */
    double seconds;
};

/* Restores the source, as pgcask_logical_restore would, into databases that are made for it on that
 * server, compares what is in them with what the source says, and drops them. Nothing else of the
 * server is touched: no roles and no tablespaces are made. True: it was compared to its end, and
 * report->differences says whether it is equal. False: it could not be done. */
bool pgcask_verify_by_restore(struct pgcask_source *source, const struct pgcask_settings *settings,
                              const struct pgcask_trial_options *options,
                              struct pgcask_trial_report *report, struct pgcask_error *error);

PGCASK_C_END

#endif
