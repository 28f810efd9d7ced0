/* Archives made of a few entries, and what a decoder finds in one, as text. */
#ifndef PGCASK_TESTS_MADE_ARCHIVE_H
#define PGCASK_TESTS_MADE_ARCHIVE_H

#include "archive/archive_bytes_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* An entry with its rows (without the end mark), or NULL. */
struct made_entry {
    struct archive_entry entry;
    const char *rows;
};

struct made_content {
    const struct made_entry *entries;
    struct archive_header header;
    struct archive_content content;
    size_t piece; /* bytes that the rows come in; 0: all at once */
    uint32_t number;
    const char *left; /* of the rows of that number */
    bool fails;       /* when asked for data */
};

/* Two tables with rows, a function, privileges: six entries. */
void made_content_init(struct made_content *made, int minor, enum compression compression);

/* Everything that a reader lends; closes it. */
void read_everything(struct reader *reader, struct buffer *out);
void make_custom(int minor, enum compression compression, struct buffer *out);

/* What came out of a decoder: "header …", "entry …", data, "end …". */
struct found {
    struct buffer text;
    int32_t data_of;
};
struct archive_handler found_handler(struct found *found);

/* Feeds an archive in pieces of that size (0: whole), then asks for its end. */
bool decode_pieces(struct slice archive, size_t piece, struct found *found, struct error *err);
void found_reset(struct found *found);

#endif
