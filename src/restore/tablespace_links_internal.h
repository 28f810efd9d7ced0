/*
 * What the files of tablespace_links.h share: tablespace_links.c has the places,
 * tablespace_before.c those of the cluster that is replaced, tablespace_mapping.c the mappings of
 * the user.
 */
#ifndef PGCASK_RESTORE_TABLESPACE_LINKS_INTERNAL_H
#define PGCASK_RESTORE_TABLESPACE_LINKS_INTERNAL_H

#include "restore/tablespace_links.h"

/* Notes where the links in pg_tblspc lead now. */
bool tablespace_set_note_before(struct tablespace_set *set, struct error *err);

/* Whether the tablespace of that OID lay there; 0: whichever. */
bool tablespace_was_at(const struct tablespace_set *set, const char *place, uint32_t oid);

#endif
