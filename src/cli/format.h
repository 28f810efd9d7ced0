/* Numbers and foreign text made readable. Every function here is pure. */
#ifndef PGCASK_CLI_FORMAT_H
#define PGCASK_CLI_FORMAT_H

#include "base/buffer.h"

#define FORMAT_SIZE 32

/* "17 B", "1.5 KiB", "340 MiB": three significant digits, rounded down. */
void format_size(uint64_t bytes, char out[FORMAT_SIZE]);

/* "45s", "3m20s", "1h02m", "2d03h". */
void format_duration(uint64_t seconds, char out[FORMAT_SIZE]);

/* The same to a tenth of a second while it is short: "0.4s". */
void format_seconds(double seconds, char out[FORMAT_SIZE]);

enum format_escape {
    FORMAT_FOR_TERMINAL, /* control characters and direction overrides too; '\n' stays */
    FORMAT_FOR_JSON      /* only bytes that are no UTF-8 */
};

/* Appends text with whatever could do harm there written as \xHH. Texts of servers and archives
 * go to a terminal through this only. */
bool format_escape(struct buffer *out, struct slice text, enum format_escape what,
                   struct error *err);

#endif
