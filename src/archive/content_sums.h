/*
 * What the data of an archive's entries come to, so that two archives can be compared without
 * having either at hand: of each entry how many rows, or large objects, and the sum of their keyed
 * hashes. A sum does not depend on the order of rows, and those of two entries can be added.
 */
#ifndef PGCASK_ARCHIVE_CONTENT_SUMS_H
#define PGCASK_ARCHIVE_CONTENT_SUMS_H

#include "archive/archive_contents.h"

/* 128 bits, each half by itself modulo 2^64. */
struct content_hash {
    uint64_t low, high;
};

struct content_sum {
    bool known;                   /* data came, and to their end */
    bool statements;              /* rows are INSERTs with values that are no constants: they are
                                     counted and not summed */
    bool uncounted;               /* … nor counted: INSERT … SELECT */
    uint64_t count;               /* rows, or large objects */
    struct content_hash text;     /* of the rows as they were written; of numbers and bytes */
    struct content_hash instants; /* of the rows with all points in time in UTC */
};

/* Of all entries of an archive, which is borrowed. Each entry is one thread's at a time. Where
 * entries are still to come it grows with them: for one thread. */
struct content_sums;

/* key: of the hashes; sums of different keys have nothing in common. */
struct content_sums *content_sums_new(struct archive_contents *contents, uint64_t key,
                                      struct error *err);
void content_sums_free(struct content_sums *sums);
const struct content_sum *content_sums_of(const struct content_sums *sums, uint32_t number);

/* Adds what is known of both; what only one knows is not known. */
void content_sum_add(struct content_sum *sum, const struct content_sum *other);

/* Sums what comes to an archive_data_handler, whose functions these are: for one thread. */
struct content_summer;

struct content_summer *content_summer_new(struct content_sums *sums, struct error *err);
void content_summer_free(struct content_summer *summer);

bool content_summer_begin(struct content_summer *summer, uint32_t number, struct error *err);
void content_summer_object(struct content_summer *summer, uint32_t oid);
bool content_summer_bytes(struct content_summer *summer, struct slice bytes, struct error *err);
void content_summer_object_end(struct content_summer *summer);
void content_summer_end(struct content_summer *summer);

#endif
