/* Where things are in a tar header (POSIX.1-2008, pax, "ustar Interchange Format"). */
#ifndef PGCASK_RECORD_TAR_INTERNAL_H
#define PGCASK_RECORD_TAR_INTERNAL_H

#include "record/tar.h"

enum tar_field {
    TAR_NAME = 0,
    TAR_NAME_LEN = 100,
    TAR_MODE = 100,
    TAR_MODE_LEN = 8,
    TAR_OWNER = 108,
    TAR_GROUP = 116,
    TAR_ID_LEN = 8,
    TAR_SIZE = 124,
    TAR_SIZE_LEN = 12,
    TAR_MTIME = 136,
    TAR_MTIME_LEN = 12,
    TAR_CHECKSUM = 148,
    TAR_CHECKSUM_LEN = 8,
    TAR_TYPE = 156,
    TAR_LINK = 157,
    TAR_LINK_LEN = 100,
    TAR_MAGIC = 257,
    TAR_VERSION = 263,
    TAR_DEVICE_MAJOR = 329,
    TAR_DEVICE_MINOR = 337,
    TAR_DEVICE_LEN = 8,
    TAR_PREFIX = 345,
    TAR_PREFIX_LEN = 155
};

enum tar_type {
    TAR_TYPE_OLD_FILE = '\0',
    TAR_TYPE_FILE = '0',
    TAR_TYPE_LINK = '2',
    TAR_TYPE_DIRECTORY = '5',
    TAR_TYPE_CONTIGUOUS = '7',
    TAR_TYPE_PAX = 'x',
    TAR_TYPE_GLOBAL = 'g',
    TAR_TYPE_GNU_NAME = 'L',
    TAR_TYPE_GNU_LINK = 'K'
};

/* Larger sizes are no file's, and adding padding to one must not overflow. */
#define TAR_CONTENT_MAX ((uint64_t)INT64_MAX - TAR_BLOCK)

/* Reads decoder->extended, of decoder->extended_type, into the pax_ fields. */
bool tar_extended_parse(struct tar_decoder *decoder, struct error *err);

/* The sum of the header's bytes, its own field taken as blanks. */
uint32_t tar_checksum(const uint8_t header[TAR_BLOCK]);

#endif
