/*
 * What changed in the catalogs since the snapshot was taken.
 *
 * Rows of catalogs are read as the snapshot sees them, but much of what a dump needs looks at what
 * is committed now: pg_get_…def(), format_type(), the output of regclass and its like, of aclitem
 * and of enums, pg_get_userbyid(). And a table that was truncated or rewritten looks empty to an
 * older snapshot. So what was read belongs together only if nothing of that has changed.
 *
 * A row that the snapshot sees has an xmax if somebody deleted or updated it afterwards; if that
 * transaction is committed, the row is of the past. What was only added is no matter: nothing that
 * the snapshot sees refers to it. What is updated in place (by VACUUM, ANALYZE, CREATE INDEX) has
 * no xmax.
 */
#ifndef PGCASK_CATALOG_CHANGES_H
#define PGCASK_CATALOG_CHANGES_H

#include "catalog/catalog.h"

#define CHANGED_TEXT_SIZE 400

/* Names one object that has changed, "function public.f(integer)"; "" if there is none. The session
 * is idle in the snapshot's transaction. */
bool changes_find(struct catalog *catalog, char what[CHANGED_TEXT_SIZE], struct error *err);

/* The same of the names of roles in globals.sql. */
bool changes_find_roles(struct catalog *catalog, char what[CHANGED_TEXT_SIZE], struct error *err);

/* The same of what is still looked at while rows are copied. */
bool changes_find_late(struct catalog *catalog, char what[CHANGED_TEXT_SIZE], struct error *err);

#endif
