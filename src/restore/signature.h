/* "name(types)", as the table of contents of an archive calls a function, and as people type it. */
#ifndef PGCASK_RESTORE_SIGNATURE_H
#define PGCASK_RESTORE_SIGNATURE_H

#include "base/buffer.h"

/* Where the types begin: the length of the name before "(", or all of it if there are none. */
size_t signature_name_length(const char *text);

/* The types of "(int, my_type [])", of which it is all, in one spelling: "(integer, my_type[])".
 * Letters outside of quotes are folded, blanks are single, and other names of the same type in SQL
 * become the one that servers print. */
bool signature_append_types(struct buffer *out, const char *types, struct error *err);

#endif
