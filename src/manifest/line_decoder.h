/*
 * The lines of a file that comes in pieces of any size, without I/O: backup_manifest and
 * summary.json have one object a line, so that one line at a time need be held.
 */
#ifndef PGCASK_MANIFEST_LINE_DECODER_H
#define PGCASK_MANIFEST_LINE_DECODER_H

#include "base/buffer.h"

#define LINE_MAX_BYTES (64 * 1024) /* a path is at most 4 KiB, 6 bytes a byte when escaped */

struct line_decoder {
    const char *file; /* to be set by the caller: its name, for errors */
    uint64_t number;  /* of the line that came last */
    /* private */
    struct buffer kept; /* what came of a line so far, or the line that was given last */
    bool given;
};

void line_decoder_reset(struct line_decoder *lines);

enum line_status { LINE_WHOLE, LINE_NEEDS_MORE, LINE_FAILED };

/* Takes the next line off the data; it has its newline, and is borrowed until the next call. */
enum line_status line_decoder_next(struct line_decoder *lines, struct slice *data,
                                   struct slice *line, struct error *err);

/* True if something came behind the last newline. */
bool line_decoder_is_inside(const struct line_decoder *lines);

/* "<file> line <number>: <what>"; false. */
bool line_decoder_malformed(const struct line_decoder *lines, const char *what, struct error *err);

bool line_is(struct slice line, const char *text);
bool line_starts(struct slice line, const char *text);

#endif
