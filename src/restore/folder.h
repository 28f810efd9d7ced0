/*
 * Folders a restore writes into: what a path names before anything is touched, and small moves
 * within it.
 */
#ifndef PGCASK_RESTORE_FOLDER_H
#define PGCASK_RESTORE_FOLDER_H

#include "base/error.h"
#include "manifest/physical_layout.h" /* FOLDER_STAGING, FOLDER_REPLACED */

#include <limits.h>
#include <sys/types.h>

struct folder {
    char path[PATH_MAX]; /* absolute and without links */
    bool exists, empty;  /* empty is also true where it does not exist */
    mode_t mode;         /* permission bits, if it exists */
};

/* Says what `given` names: an existing writable folder (links to it are resolved once, here), or
 * nothing yet in an existing writable parent. Anything else is refused, "/" too. */
bool folder_resolve(const char *given, struct folder *folder, struct error *err);

/* What the path would name if the folders that lead there were made: without links as far as there
 * is something. False: that cannot be said. */
bool folder_foresee(const char *given, char out[PATH_MAX]);

/* Makes it (mode 0700), or gives what exists that mode. */
bool folder_prepare(const struct folder *folder, struct error *err);

/* Undoes folder_prepare, unless something came into the folder since. What cannot be undone becomes
 * the detail of the error that led here. */
void folder_give_back(const struct folder *folder, struct error *err);

/* Removes a folder that was just made, likewise. */
void folder_unmake(const char *path, struct error *err);

/* True if one is the other or lies inside it. Both as in struct folder. */
bool folder_overlaps(const char *one, const char *other);

/* The same of what the path would name. */
bool folder_would_overlap(const char *given, const char *other);

/* "one/other" into out (PATH_MAX bytes). */
bool folder_join(char *out, const char *one, const char *other, struct error *err);

/* Whether folder/name is there, whatever it is; links are not followed. */
bool folder_has(const char *folder, const char *name);

/* Removes an empty folder; one that is not there is as good. */
bool folder_remove(const char *path, struct error *err);

bool folder_sync(const char *path, struct error *err);

/* Names of the entries, without "." and "..": NULL-terminated, to be freed by folder_names_free.
 * NULL: failed. */
char **folder_names(const char *path, struct error *err);
void folder_names_free(char **names);

/* For qsort: by bytes. */
int folder_compare_names(const void *one, const void *other);

#endif
