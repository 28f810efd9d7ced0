/*
 * What a restore has to know from /manifest.json, picked out while the file streams past: the
 * system identifier and the tablespaces (name, OID, original location). The rest, which grows with
 * the number of tables, is not held.
 */
#ifndef PGCASK_RESTORE_MANIFEST_FACTS_H
#define PGCASK_RESTORE_MANIFEST_FACTS_H

#include "base/buffer.h"

#define MANIFEST_FACTS_MAX (4 * 1024 * 1024) /* bytes of the "tablespaces" array */

struct manifest_tablespace {
    char *name;
    char *location; /* "" for what lies inside the data directory */
    uint32_t oid;   /* 0: the manifest does not say */
};

struct manifest_facts {
    /* Filled by manifest_facts_finish. */
    bool complete; /* a manifest was seen */
    bool has_identifier;
    uint64_t system_identifier;
    bool has_tablespaces; /* false: the manifest could not gather them */
    struct manifest_tablespace *tablespaces;
    size_t tablespace_count;

    /* private */
    int state;
    size_t nested; /* brackets open inside the value of a top-level member */
    bool in_string, escaped;
    char key[32];
    size_t key_length;
    struct buffer *target; /* where the present value is kept, or NULL */
    struct buffer identifier_text, tablespaces_text;
};

void manifest_facts_init(struct manifest_facts *facts);
void manifest_facts_reset(struct manifest_facts *facts);

/* Takes the file in pieces of any size. What is not JSON gives no facts; that the file is the one
 * which was written is for its digest to say. */
bool manifest_facts_feed(struct manifest_facts *facts, struct slice piece, struct error *err);
bool manifest_facts_finish(struct manifest_facts *facts, struct error *err);

#endif
