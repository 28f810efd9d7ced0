/*
 * A trial from the inside.
 *
 *     trial.c             the run: a restore with what is done around each of its databases
 *     trial_words.c       what is told, by any of them
 *     trial_database.c    their names, what earlier runs left, and how they are dropped
 *     trial_compare.c     a backup of what was restored, whose archive is held against the other
 *     trial_entries.c     … entry by entry
 *     trial_definition.c  … of which each is put into a form that can be compared
 *     trial_rows.c        … the rows of each table, and large objects
 *     trial_columns.c     … rows of a table whose columns have another order
 */
#ifndef PGCASK_TRIAL_TRIAL_INTERNAL_H
#define PGCASK_TRIAL_TRIAL_INTERNAL_H

#include "archive/content_sums.h"
#include "restore/name_set.h"
#include "restore/restore_trial.h"
#include "trial/trial.h"

#include <pthread.h>

#define TRIAL_NAME_SIZE 64
#define TRIAL_OBJECT_SIZE 512

struct trial {
    const struct trial_request *request;
    struct trial_report *report;
    struct wire_settings *settings; /* of the server that the first session came to */
    struct restore_request restore;
    struct restore_trial hooks;
    char run[13];         /* of the names of its databases */
    pthread_mutex_t lock; /* of what is told */

    /* Of the database at hand. */
    char database[256]; /* as the archive calls it */
    struct archive_contents *contents;
    char encoding[64];       /* of its texts; "": it does not say */
    struct name_set schemas; /* that its entries are in, and that it does not make */
    struct name_set missing; /* roles that the archive names and the server lacks */
    const struct restore_trial_script *script; /* NULL: it is of an archive */
};

/* ---- trial_words.c ---- */

void trial_tell(struct trial *trial, enum trial_problem kind, const char *object,
                const char *problem);
void trial_note(struct trial *trial, const char *format, ...) ERROR_PRINTF(2, 3);

struct restore_needs;

/* What the entry's definition needs of a server. */
bool trial_add_needs(struct restore_needs *needs, const struct trial *trial,
                     const struct archive_entry *entry, struct error *err);
/* Whether the entry names a role that the server lacks: as its owner, or in what it says. */
bool trial_names_missing(const struct trial *trial, const struct archive_entry *entry, bool owner,
                         bool *names, struct error *err);

/* "TABLE public.orders". */
void trial_object_name(const struct archive_entry *entry, char out[TRIAL_OBJECT_SIZE]);
/* The PostgreSQL that a version is of: "15.18 (Debian …)" is 15; 0: unknown. */
int trial_major(const char *version);

/* ---- trial_database.c ---- */

/* Which server it is, and what earlier runs left there. */
bool trial_server_open(struct trial *trial, struct error *err);
void trial_database_name(const struct trial *trial, const char *database,
                         char out[TRIAL_NAME_SIZE]);
/* Those of trial->missing. */
bool trial_find_missing(struct trial *trial, struct error *err);
/* Makes those of trial->schemas. */
bool trial_make_schemas(const struct trial *trial, const char *name, struct error *err);
/* Whatever happened: err is kept, and says so if it fails. */
void trial_database_drop(struct trial *trial, const char *name, struct error *err);

/* ---- Comparing ---- */

/* An archive: ours, or the one that a backup of the new database gives. */
struct trial_side {
    struct archive_contents *contents;
    const struct content_sums *sums;
    const char *database; /* as it is called there */
};

struct trial_sides {
    struct trial_side archive, made;
    bool exact; /* entries say the same by the same words */
};

bool trial_compare(struct trial *trial, const char *name, const struct content_sums *sums,
                   struct error *err);
/* Appends what the definition says, in a form that is the same on both sides if they say the same:
 * of a table that inherits, its lines in an order of their own, because a column that the parent
 * got later comes first once it is restored. */
bool trial_append_definition(struct buffer *out, const struct archive_entry *entry,
                             struct error *err);
/* Whether it has SQL in it that the server has parsed and prints again: not always in words that
 * it prints likewise once it has read them. */
bool trial_is_printed(const struct archive_entry *entry);

bool trial_compare_entries(struct trial *trial, const struct trial_sides *sides, struct error *err);
/* The rows of one table once more, by the archive's COPY: with its columns in the order that they
 * have there. */
bool trial_read_again(struct trial *trial, const struct trial_side *made, uint32_t number,
                      const char *copy, struct content_sum *sum, struct error *err);
bool trial_compare_rows(struct trial *trial, const struct trial_sides *sides, struct error *err);

#endif
