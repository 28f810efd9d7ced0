/*
 * Where the tablespaces of a restored cluster go: the mappings the user gave, the default place
 * DATA-DIRECTORY.tablespaces/OID, and the links in pg_tblspc that lead there.
 *
 * Places are claimed one by one as the backup shows its tablespaces, because a stream says no
 * earlier what it holds. The locations the cluster had on its server are never used.
 */
#ifndef PGCASK_RESTORE_TABLESPACE_LINKS_H
#define PGCASK_RESTORE_TABLESPACE_LINKS_H

#include "manifest/manifest_decoder.h"
#include "record/store.h"
#include "restore/folder.h"
#include "restore/restore.h"

/* PostgreSQL reads a link into a buffer of this size (MAXPGPATH). */
#define TABLESPACE_PLACE_MAX 1024

struct tablespace {
    uint32_t oid;
    bool in_place;        /* a plain folder in pg_tblspc: nothing to place or to link */
    struct folder place;  /* as it was found */
    char build[PATH_MAX]; /* where its files are written: the place, or the staging inside it */
    bool prepared;        /* something in it is ours, to be removed again on failure */
    struct directory_writer *writer;
    int lock_fd; /* of the lock file in build; -1: none */
};

/* A mapping, once its place has been looked at. */
struct tablespace_plan {
    const char *old_location; /* borrowed from the options */
    struct folder place;
    uint32_t oid; /* 0: not known yet */
    bool used;
};

/* A tablespace of the cluster that is being replaced. */
struct tablespace_before {
    uint32_t oid;
    char *place;
};

struct tablespace_set {
    struct folder data; /* the data directory */
    bool replace;
    struct directory_writer_options writing;
    const struct log *log;
    struct tablespace_plan *plans;
    size_t plan_count;
    struct tablespace *items;
    size_t count;
    struct tablespace_before *before;
    size_t before_count;
    char default_base[PATH_MAX]; /* DATA-DIRECTORY.tablespaces */
    bool made_base;
};

/* Checks the mappings: absolute, apart from the data directory and from each other, each place
 * free or (with replace) a tablespace of the cluster there. */
bool tablespace_set_init(struct tablespace_set *set, const struct folder *data, bool replace,
                         const struct physical_restore_options *options,
                         const struct directory_writer_options *writing, struct error *err);
void tablespace_set_reset(struct tablespace_set *set);

/* Finds out which OID each mapping means. */
bool tablespace_set_resolve(struct tablespace_set *set, const struct manifest_facts *facts,
                            struct error *err);

/* The tablespace of that OID, its place made ready at the first call. Valid until the next call. */
bool tablespace_set_use(struct tablespace_set *set, uint32_t oid, struct tablespace **tablespace,
                        struct error *err);

/* Notes that this OID is a folder in pg_tblspc. */
bool tablespace_set_in_place(struct tablespace_set *set, uint32_t oid, struct error *err);

/* A mapping that meant nothing in this backup is an error. */
bool tablespace_set_check_used(const struct tablespace_set *set, struct error *err);

/* All is on disk: removes the lock files. */
bool tablespace_set_unlock(struct tablespace_set *set, struct error *err);

bool tablespace_set_sync(struct tablespace_set *set, struct error *err);

/* Makes the links, absolute, in pg_tblspc below `root`. */
bool tablespace_set_link(const struct tablespace_set *set, const char *root, bool no_sync,
                         struct error *err);

/* Removes what was written; false with the first failure, going on nevertheless. */
bool tablespace_set_undo(struct tablespace_set *set, struct error *err);

/* Names the places of the old cluster that the new one does not use. */
void tablespace_set_warn_before(const struct tablespace_set *set, const struct log *log);

/* Text that is an OID in PostgreSQL's spelling: 1 to 4294967295, no leading zero. */
bool tablespace_oid_parse(const char *text, size_t length, uint32_t *oid);

#endif
