/*
 * What all streams that make an archive's bytes have in common: they are readers, pulled a piece at
 * a time; entries come in their order, from the same source; the first failure stays. A kind of
 * stream is a struct that begins with a struct archive_stream, and what it does differently is in
 * its struct archive_stream_kind.
 */
#ifndef PGCASK_ARCHIVE_ARCHIVE_STREAM_INTERNAL_H
#define PGCASK_ARCHIVE_ARCHIVE_STREAM_INTERNAL_H

#include "archive/archive_bytes_internal.h"
#include "base/failure.h"

struct archive_stream;

struct archive_stream_kind {
    struct reader_ops reader; /* next and close are archive_stream_next and _close */
    /* Lends more bytes, which may be none; sets stream->ended with the last of them, or after. */
    bool (*more)(struct archive_stream *stream, struct slice *lend, struct error *err);
    /* NULL, or: frees what the kind has of its own. */
    void (*reset)(struct archive_stream *stream);
};

struct archive_stream {
    struct reader reader;
    const struct archive_stream_kind *kind;
    const struct archive_header *header; /* NULL in a stream that has none */
    const struct archive_content *content;
    struct failure failure;
    bool begun, ended;
    uint32_t next_entry;
    uint64_t lent;     /* bytes before those that are lent now */
    struct buffer out; /* for what is put together here */
};

/* size: of the kind's struct, which comes zeroed. Header and content are borrowed until the close.
 */
void *archive_stream_new(const struct archive_stream_kind *kind, size_t size,
                         const struct archive_header *header, const struct archive_content *content,
                         struct error *err);

enum reader_status archive_stream_next(struct reader *reader, struct slice *data,
                                       struct error *err);
void archive_stream_close(struct reader *reader);

/* Borrowed until the next call. */
bool archive_stream_entry(const struct archive_stream *stream, uint32_t number,
                          struct archive_entry *entry, struct error *err);

/* Whether its data are large objects. */
bool archive_entry_has_objects(const struct archive_entry *entry);

/* The large object with that index of that entry; *oid is 0 behind the last. */
bool archive_stream_object(const struct archive_stream *stream, uint32_t number, uint32_t index,
                           uint32_t *oid, struct error *err);

/* Fills `out` with more of header and table of contents, some 64 KiB. rest appends what the format
 * has behind each entry; next_entry is that entry's number then, and header->entry_count once all
 * are there. */
bool archive_stream_fill_contents(struct archive_stream *stream, enum archive_format format,
                                  bool (*rest)(struct archive_stream *stream,
                                               const struct archive_entry *entry,
                                               struct error *err),
                                  struct error *err);

#endif
