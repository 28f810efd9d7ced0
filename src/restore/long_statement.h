/*
 * What a statement has behind its beginning, where it is too long to be held: in an unlinked file
 * of the restore's folder until the server has taken it. Of many statements one after the other the
 * file is the same, as large as the largest; it is made for the first of them.
 */
#ifndef PGCASK_RESTORE_LONG_STATEMENT_H
#define PGCASK_RESTORE_LONG_STATEMENT_H

#include "base/error.h"
#include "base/slice.h"

/* All zero but for the directory is one without bytes. */
struct long_statement {
    const char *directory; /* borrowed; NULL: TMPDIR, else /tmp */
    int fd_and_one;        /* 0: there is no file yet */
    uint64_t len;          /* bytes of the statement at hand */
    uint64_t given;        /* of these, while they are read */
    uint8_t *piece;
};

/* Adds bytes. False if the folder is full, or not to be written: the error names it. */
bool long_statement_add(struct long_statement *statement, struct slice bytes, struct error *err);

/* Its bytes from the first one on. */
void long_statement_begin(struct long_statement *statement);

/* The next piece; borrowed until the next call. context: the struct long_statement. */
bool long_statement_next(void *context, struct slice *piece, struct error *err);

/* What comes next is of another statement. */
void long_statement_forget(struct long_statement *statement);

void long_statement_reset(struct long_statement *statement);

#endif
