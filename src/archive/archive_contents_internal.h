/* What the parts that read data ask of a table of contents beside its face. */
#ifndef PGCASK_ARCHIVE_ARCHIVE_CONTENTS_INTERNAL_H
#define PGCASK_ARCHIVE_ARCHIVE_CONTENTS_INTERNAL_H

#include "archive/archive_contents.h"
#include "archive/decoder_internal.h"

/* How integers look in this archive. */
const struct archive_widths *archive_contents_widths(const struct archive_contents *contents);
/* Once all of it has been read. */
const struct contents_sum *archive_contents_sum(const struct archive_contents *contents);

/* Where an entry's data are in a custom archive. */
struct contents_place {
    bool known;
    uint64_t position;
    uint64_t bytes; /* 0: not known */
};

const struct contents_place *archive_contents_place(const struct archive_contents *contents,
                                                    uint32_t number);
void archive_contents_set_position(struct archive_contents *contents, uint32_t number,
                                   uint64_t position);

#endif
