/*
 * What a stored backup says about itself, in manifest.json and summary.json. Nothing else is read,
 * but for the archives of a logical backup where somebody asks for them.
 */
#ifndef PGCASK_RESTORE_LISTING_H
#define PGCASK_RESTORE_LISTING_H

#include "base/cancel.h"
#include "manifest/description.h"
#include "record/record.h"

struct listing_options {
    void *context;
    const struct cancel *cancel;

    /* Each record; and each that has the table of contents of a database's archive, whose reader it
     * may read from: a custom archive, or the first of a folder's two. `archive` is the path of
     * either: "/app.dump", "/00001-app". Without both, reading ends as soon as both descriptions
     * were seen. False with *err set to stop. */
    bool (*record)(void *context, const struct record *record, struct error *err);
    bool (*archive)(void *context, const struct record *record, const char *archive, bool folder,
                    struct error *err);

    /* A description that makes no sense; the other one may still say something. Required. */
    void (*unsound)(void *context, const char *path, const struct error *err);
};

struct listing {
    struct description description;
    bool manifest_seen, summary_seen;
    bool complete;                /* the summary was read to its end and matches its own checksum */
    char folder[RECORD_PATH_MAX]; /* whose table of contents was told; private */
};

bool listing_init(struct listing *listing, struct error *err);
void listing_reset(struct listing *listing);

/* The records of a directory best come with both descriptions first. */
bool listing_read(struct listing *listing, struct record_source *source,
                  const struct listing_options *options, struct error *err);

/* "physical", "logical" or ""; summary.json says it, or else manifest.json. */
const char *listing_kind(const struct listing *listing);

/* As the server says it: "15.18"; NULL if that is not known. */
const char *listing_server_version(const struct listing *listing);

/* Fails if there was no description: this is no backup. */
bool listing_check_found(const struct listing *listing, struct error *err);

#endif
