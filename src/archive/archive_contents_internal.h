/* What the parts that read data ask of a table of contents beside its face. */
#ifndef PGCASK_ARCHIVE_ARCHIVE_CONTENTS_INTERNAL_H
#define PGCASK_ARCHIVE_ARCHIVE_CONTENTS_INTERNAL_H

#include "archive/archive_contents.h"
#include "archive/decoder_internal.h"

/* How integers look in this archive. */
const struct archive_widths *archive_contents_widths(const struct archive_contents *contents);

/* Puts the entry's name before the message. */
bool archive_contents_blame(struct archive_contents *contents, uint32_t number, struct error *err);

#endif
