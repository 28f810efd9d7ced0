/*
 * One stream of an archive's data, as a file of a directory or a block of a custom archive holds
 * it: unpacked, its rows counted, its end proved. No I/O.
 */
#ifndef PGCASK_ARCHIVE_DATA_CHECKER_H
#define PGCASK_ARCHIVE_DATA_CHECKER_H

#include "base/decompress.h"

struct data_checker {
    struct decompressor *decompressor;
    bool copy;
    uint64_t rows;
    bool line_begins; /* what comes next is at the beginning of a line */
    size_t matched;   /* bytes of the end mark that came last */
};

/* Who gets what comes out. Each function may be NULL, and fails to stop. */
struct data_taker {
    void *context;
    bool (*unpacked)(void *context, struct slice bytes, struct error *err); /* all of it */
    bool (*data)(void *context, struct slice bytes, struct error *err);     /* less the end mark */
};

bool data_checker_init(struct data_checker *checker, enum compression compression,
                       struct error *err);
void data_checker_reset(struct data_checker *checker);

/* Any number of streams, one after the other. copy: rows, with their end mark. */
bool data_checker_begin(struct data_checker *checker, bool copy, struct error *err);

/* Takes packed bytes and gives what comes out. */
bool data_checker_feed(struct data_checker *checker, struct slice packed,
                       const struct data_taker *taker, struct error *err);

/* Fails unless the stream is at its end, and its rows too. *rows is 0 if it is not COPY text. */
bool data_checker_finish(struct data_checker *checker, uint64_t *rows, struct error *err);

#endif
