/*
 * Reading /manifest.json as it streams by, without I/O: whoever wants to know something of it asks
 * here. What grows with the number of tables is counted, not held; of lists that do not end the
 * beginning is kept. The file may be anybody's: nothing in it is believed to be what it should be.
 *
 * Damage does not end it: the writer begins each member of the outermost object on a line of its
 * own, so that the members behind the damaged one can still be read.
 */
#ifndef PGCASK_MANIFEST_MANIFEST_DECODER_H
#define PGCASK_MANIFEST_MANIFEST_DECODER_H

#include "base/digest.h"
#include "manifest/logical_layout.h"

#include <jansson.h>

/* The lists that are kept, if they are asked for. */
enum manifest_list {
    MANIFEST_DATABASES = 1,
    MANIFEST_TABLESPACES = 2,
    MANIFEST_UNAVAILABLE = 4,
};

enum manifest_kind { MANIFEST_UNKNOWN, MANIFEST_PHYSICAL, MANIFEST_LOGICAL };

struct manifest_database {
    char *name;       /* NULL: it has none */
    bool closed;      /* to all */
    bool looked_into; /* false: a template, or closed to all. What follows says nothing then */
    bool share_known; /* of a backup of several: what follows says something … */
    bool backed_up, same_snapshot; /* … about this one */
    uint64_t relations, tables;
    uint64_t not_analysed; /* tables of which the server knows no rows */
    double rows;           /* of the others */
};

struct manifest_tablespace {
    char *name;     /* NULL: it has none */
    char *location; /* the same; "" for what lies inside the data directory */
    uint32_t oid;   /* 0: the manifest does not say */
};

struct manifest_lack {
    char *field, *reason; /* NULL: not said */
};

struct manifest_facts {
    enum manifest_kind kind;
    bool options_known; /* what follows was said, or else will not be … */
    enum digest_algorithm backup_manifest_digest; /* … CRC-32C or SHA-256: the default is CRC-32C */
    enum digest_algorithm summary_digest;         /* … XXH3-128 or SHA-256: the default is XXH3 */
    bool has_identifier;
    uint64_t system_identifier;
    enum logical_layout layout; /* of a logical one; classic if that was not said */
    bool data_only;             /* no definitions, and where the layout is so, no globals */
    bool without_summary;       /* whoever keeps it says that it is complete */
    json_t *archive_names;      /* an array (MANIFEST_ARCHIVE_NAMES); NULL: that was not said */
    json_t *head; /* an object: "created_at", "host" and the like, as they stand there */

    bool has_tablespaces; /* the list was read to its end, and all of it is kept */
    struct manifest_tablespace *tablespaces;
    size_t tablespace_count;
    struct manifest_database *databases;
    size_t database_count;
    struct manifest_lack *unavailable;
    size_t unavailable_count;
};

struct manifest_decoder;

/* lists: of enum manifest_list. */
struct manifest_decoder *manifest_decoder_new(unsigned lists, struct error *err);
void manifest_decoder_free(struct manifest_decoder *decoder);

/* Takes the next bytes, of any length. False at the first damage (ERROR_CORRUPT), after which more
 * can be fed, or without memory. */
bool manifest_decoder_feed(struct manifest_decoder *decoder, struct slice data, struct error *err);

/* The bytes are at their end: fails if the manifest is not, or was damaged. */
bool manifest_decoder_finish(struct manifest_decoder *decoder, struct error *err);

/* What is known so far; borrowed until more is fed. */
const struct manifest_facts *manifest_decoder_facts(const struct manifest_decoder *decoder);

#endif
