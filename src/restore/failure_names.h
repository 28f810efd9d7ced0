/* What the server says of a database that is being filled under another name is told of the one
 * that it is to be. */
#ifndef PGCASK_RESTORE_FAILURE_NAMES_H
#define PGCASK_RESTORE_FAILURE_NAMES_H

#include "base/buffer.h"
#include "restore/target_session.h"

/* The failure in *out, with `to` wherever `from`, a word that nothing else contains, stands in its
 * texts. These are borrowed from `texts`. Without memory it is as it was. */
void failure_rename(struct target_failure *out, const struct target_failure *failure,
                    const char *from, const char *to, struct buffer *texts);

#endif
