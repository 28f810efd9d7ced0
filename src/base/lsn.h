/* Log sequence numbers and the names of WAL files. Source: PostgreSQL documentation, "WAL
 * Internals"; access/xlog_internal.h for the file name layout. */
#ifndef PGCASK_BASE_LSN_H
#define PGCASK_BASE_LSN_H

#include "base/slice.h"

#define LSN_TEXT_SIZE 20

/* "16/B374D848": two halves in hexadecimal. False, with *lsn untouched, if it is none. */
bool lsn_parse(const char *text, uint64_t *lsn);
void lsn_format(uint64_t lsn, char out[LSN_TEXT_SIZE]);

#define WAL_FILE_NAME_LEN 24

/* 24 upper-case hexadecimal digits: timeline, then the segment number in two halves. segment_size
 * is in bytes, lsn anywhere inside the segment. */
bool wal_file_name_is_segment(const char *name);
void wal_file_name(uint32_t timeline, uint64_t lsn, uint64_t segment_size,
                   char out[WAL_FILE_NAME_LEN + 1]);

#endif
