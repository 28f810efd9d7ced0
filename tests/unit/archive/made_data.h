/* What comes of an archive's data, as text. */
#ifndef PGCASK_TESTS_MADE_DATA_H
#define PGCASK_TESTS_MADE_DATA_H

#include "archive/archive_data.h"

/* "begin 3", bytes, "end 3 2": by the numbers of entries. */
struct pushed {
    struct buffer text;
    uint32_t unwanted; /* number of an entry; UINT32_MAX: none */
    size_t calls;      /* of bytes */
};

struct archive_data_handler pushed_handler(struct pushed *pushed);
void pushed_reset(struct pushed *pushed);

#endif
