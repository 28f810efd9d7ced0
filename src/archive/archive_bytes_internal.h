/*
 * The primitive encodings of an archive. Int: a sign byte, then the magnitude in 4 bytes, least
 * significant first. Str: an Int length, then the bytes; length -1 for NULL. Offset: a flag byte,
 * then 8 bytes, least significant first.
 */
#ifndef PGCASK_ARCHIVE_ARCHIVE_BYTES_INTERNAL_H
#define PGCASK_ARCHIVE_ARCHIVE_BYTES_INTERNAL_H

#include "archive/archive.h"
#include "base/buffer.h"

#define ARCHIVE_INT_SIZE 5
#define ARCHIVE_OFFSET_SIZE 9

enum archive_format { FORMAT_CUSTOM = 1, FORMAT_TAR = 3, FORMAT_DIRECTORY = 5 };
enum archive_block { BLOCK_DATA = 1, BLOCK_BLOBS = 3 };
enum archive_offset { OFFSET_UNSET = 1, OFFSET_SET = 2, OFFSET_NO_DATA = 3 };

void archive_put_int(uint8_t out[ARCHIVE_INT_SIZE], int64_t value);
void archive_put_offset(uint8_t out[ARCHIVE_OFFSET_SIZE], enum archive_offset flag,
                        uint64_t position);

bool archive_append_int(struct buffer *out, int64_t value, struct error *err);
bool archive_append_string(struct buffer *out, const char *text, struct error *err);
bool archive_append_offset(struct buffer *out, enum archive_offset flag, struct error *err);

/* The header with the number of entries at its end. */
bool archive_append_header(struct buffer *out, const struct archive_header *header,
                           enum archive_format format, struct error *err);

/* An entry up to and without what only its format has (offset, file name). */
bool archive_append_entry(struct buffer *out, const struct archive_entry *entry, int minor,
                          struct error *err);

/* What ends COPY text inside an archive: the line "\." and two empty ones. */
#define ARCHIVE_COPY_END "\\.\n\n\n"

#endif
