/* Names and literals as SQL has them. struct sql (sql.h) appends them without a check at each. */
#ifndef PGCASK_CATALOG_NAMES_H
#define PGCASK_CATALOG_NAMES_H

#include "base/buffer.h"

/* Quoted only if it must be: not of the form [a-z_][a-z0-9_]*, or a keyword of any version that is
 * not unreserved. */
bool name_append(struct buffer *out, const char *name, struct error *err);
/* schema.name, or name alone if schema is NULL. */
bool name_append_qualified(struct buffer *out, const char *schema, const char *name,
                           struct error *err);
/* 'text' with quotes doubled; with standard_conforming_strings = on. */
bool literal_append(struct buffer *out, const char *text, struct error *err);
/* $$text$$ with a delimiter that does not occur in it. */
bool dollar_quote_append(struct buffer *out, const char *text, struct error *err);

/* SET's "name TO 'value'" of a setting as the catalogs keep it ("name=value"): those that hold
 * lists of names keep them quoted already. */
bool setting_append(struct buffer *out, const char *setting, struct error *err);

#endif
