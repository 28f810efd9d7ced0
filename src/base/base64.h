/* Base64 with its padding and without line breaks (RFC 4648, section 4). */
#ifndef PGCASK_BASE_BASE64_H
#define PGCASK_BASE_BASE64_H

#include "base/buffer.h"
#include "base/error.h"
#include "base/slice.h"

bool base64_append(struct buffer *out, struct slice data, struct error *err);

/* False unless all of the text is base64, not empty, and out has room for its groups of three bytes
 * each, of which the last may have less in it: *len says how many bytes there are. */
bool base64_decode(struct slice text, uint8_t *out, size_t out_size, size_t *len);

#endif
