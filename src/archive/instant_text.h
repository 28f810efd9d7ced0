/*
 * Points in time within the text of rows. A server prints a timestamptz in the time zone of the
 * session, so that two texts of one row may differ where the rows do not.
 *
 * Source: PostgreSQL documentation, "Date/Time Output" (style ISO).
 */
#ifndef PGCASK_ARCHIVE_INSTANT_TEXT_H
#define PGCASK_ARCHIVE_INSTANT_TEXT_H

#include "base/buffer.h"

/* Puts the text into `out` with each "2026-01-31 23:59:59.5+05:30" in it as it is in UTC,
 * "2026-01-31 18:29:59.5+00", wherever it stands: in an array, in a range. *changed is false, and
 * `out` of no use, where none is other than it was. */
bool instant_text_to_utc(struct slice text, struct buffer *out, bool *changed, struct error *err);

#endif
