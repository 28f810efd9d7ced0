/* The restore of a backup from the inside: backup_restore.c goes through its records,
 * backup_proof.c says whether they are what they were. */
#ifndef PGCASK_RESTORE_BACKUP_RESTORE_INTERNAL_H
#define PGCASK_RESTORE_BACKUP_RESTORE_INTERNAL_H

#include "manifest/logical_layout.h"
#include "manifest/manifest_decoder.h"
#include "restore/archive_restore.h"
#include "restore/backup_restore.h"
#include "restore/checking_source.h"
#include "restore/restore_globals.h"

struct backup_job {
    const char *name;
    const struct record_place *place; /* NULL: it is not to be opened once more */
    const struct restore_request *request;
    struct logical_restore_report *report;
    struct record_source *source; /* proves what passes, if it cannot be opened again */
    struct archive_place *opened; /* where archives are read by position; NULL: they stream by */
    bool proved;                  /* all of it, beforehand */
    struct manifest_decoder *manifest;
    const struct manifest_facts *facts;
    struct buffer globals_text; /* until it is known that nothing is in the way */
    char globals_path[RECORD_PATH_MAX];
    struct restore_request of_globals, of_several;
    struct restore_globals found;   /* what is in them, for the first plan */
    struct script_restore *globals; /* what it says last of all is still to be done */
    bool begun;                     /* with manifest.json, or what may be without one */
    bool has_manifest;              /* it has come */
    bool of_script;                 /* all.sql has come */
    size_t files;                   /* archives, scripts and globals that came */
    size_t archives, chosen;        /* that came, and of them those that are wanted */
    struct backup_archives *came;   /* which */
    bool several;                   /* databases are wanted */
    bool planned;                   /* all archives, before the first */
    struct wanted_databases *wanted;
    struct selection_lists *lists; /* one database may have what another lacks */
    size_t problems;
    char problem[512]; /* the first */

    struct record record; /* the next one, if it was asked for already */
    bool pending;
    char folder[RECORD_PATH_MAX]; /* the archive of several files that is being read */
};

/* The next record, or the one that is pending. */
enum source_status backup_next_record(struct backup_job *job, struct error *err);

/* ---- backup_proof.c ---- */

/* Of checking_source.h: what is wrong is told as soon as it is known. */
void backup_note_problem(void *context, enum verify_problem kind, const char *path,
                         const char *problem);

/* All of it has been read, through that source. */
bool backup_check_whole(const struct backup_job *job, const struct record_source *source,
                        struct error *err);

/* The rest of a folder that was restored, or was not wanted. */
bool backup_is_of_folder(const struct backup_job *job, const struct logical_place *place);

/* For archive_restore_options.proved, of a stream of one archive: all else that there is of it is
 * read; what would be restored as well is left for that. */
bool backup_prove(void *context, struct error *err);

/* ---- backup_position.c ---- */

/* Of what can be opened again: reads all of it once, and fails unless it is whole. Done once. */
bool backup_prove_first(struct backup_job *job, struct error *err);

/* The archive whose record, or folder, has that path. */
struct archive_input *backup_open_archive(const struct backup_job *job, const char *path,
                                          struct error *err);

#endif
