/* What is told of a statement that failed: nothing that is secret. */
#ifndef PGCASK_RESTORE_TARGET_WORDS_H
#define PGCASK_RESTORE_TARGET_WORDS_H

#include "restore/target_session_internal.h"

struct target_words {
    struct buffer statement; /* to be freed */
    struct outcome outcome;
};

/* Fills it with what may be told of them: without passwords and connection strings, be they in the
 * statement or in what the server says of it. */
void target_words_hide(struct target_words *words, const char *statement,
                       const struct outcome *outcome);

#endif
