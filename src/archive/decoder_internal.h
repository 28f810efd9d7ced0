/* The decoder's two halves: decoder_contents.c reads header and table of contents, decoder.c blocks
 * of data. */
#ifndef PGCASK_ARCHIVE_DECODER_INTERNAL_H
#define PGCASK_ARCHIVE_DECODER_INTERNAL_H

#include "archive/archive_bytes.h"

enum decode_status {
    DECODE_DONE, /* a unit was taken off the input */
    DECODE_MORE, /* it is not all there yet */
    DECODE_FAILED
};

/* How integers look in this archive; its header says so. */
struct archive_widths {
    uint8_t integer, offset;
    uint8_t minor;
};

/* A unit that is looked at: bytes are taken off `in` until it is complete or found lacking. */
enum decode_status decode_int(struct slice *in, const struct archive_widths *widths, int64_t *value,
                              struct error *err);

/* Everything up to the number of entries. Strings are copied into `strings`, which must live as
 * long as the header. */
enum decode_status decode_header(struct slice *in, struct archive_header *header,
                                 struct archive_widths *widths, struct buffer *strings,
                                 struct error *err);

/* An entry with its offset. dependencies is grown as needed. */
struct decoded_entry {
    struct archive_entry entry;
    struct buffer strings;
    int32_t *dependencies;
    size_t dependency_capacity;
};
enum decode_status decode_entry(struct slice *in, const struct archive_widths *widths,
                                struct decoded_entry *decoded, struct error *err);
void decoded_entry_reset(struct decoded_entry *decoded);

#endif
