/*
 * What the wanted entries of an archive need of a server: roles, tablespaces, extensions, access
 * methods, schemas, the rights of a superuser. Taken from the entries; nothing is asked here.
 */
#ifndef PGCASK_RESTORE_RESTORE_NEEDS_H
#define PGCASK_RESTORE_RESTORE_NEEDS_H

#include "archive/archive.h"
#include "restore/name_set.h"
#include "restore/restore_request.h"

struct restore_needs {
    struct name_set owners; /* who will own something */
    struct name_set roles;  /* named by privileges, policies, user mappings, settings */
    struct name_set tablespaces;
    struct name_set extensions;
    struct name_set versions; /* "hstore--1.8": of extensions, where the archive says one */
    struct name_set access_methods, made_access_methods;
    struct name_set schemas, made_schemas;
    struct name_set languages, made_languages;
    struct name_set superuser; /* "event triggers": what only a superuser makes, with the first */
    struct name_set subscriptions;
    struct name_set icu, builtin; /* collations of these providers */
    struct name_set kinds;        /* of all entries: "TABLE" */
    size_t entries, with_data;
};

void restore_needs_reset(struct restore_needs *needs);

/* parts: what of the entry is wanted (enum selected_part). */
bool restore_needs_add(struct restore_needs *needs, const struct restore_request *request,
                       const struct archive_entry *entry, unsigned parts, struct error *err);

#endif
