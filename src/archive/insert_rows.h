/*
 * Rows that are INSERT statements, as pg_dump --inserts writes them, turned into the text that COPY
 * has of the same rows: what is between VALUES and the semicolon, one line a row. What is DEFAULT
 * has no field: these are generated columns, which COPY does not have either.
 */
#ifndef PGCASK_ARCHIVE_INSERT_ROWS_H
#define PGCASK_ARCHIVE_INSERT_ROWS_H

#include "base/error.h"
#include "base/slice.h"

#define INSERT_WORD_MAX 16

struct insert_rows {
    int state; /* private, as is what follows up to the counts */
    int after; /* what a comment or a quoted name goes back to */
    char word[INSERT_WORD_MAX];
    size_t word_len;
    bool may_end, default_values, first_field, backslashes, escaped;
    unsigned depth;

    uint64_t rows;
    bool odd;       /* a value was no constant: what the rows hold is not known */
    bool uncounted; /* … nor how many: INSERT … SELECT, or another statement */
};

/* {0} is before the first byte. put: takes COPY's text, cut anywhere; false ends it. */
bool insert_rows_feed(struct insert_rows *rows, struct slice bytes,
                      bool (*put)(void *context, struct slice bytes, struct error *err),
                      void *context, struct error *err);

#endif
