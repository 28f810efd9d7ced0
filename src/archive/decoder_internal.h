/*
 * The parts of reading: decoder_contents.c has header and table of contents, data_checker.c the
 * data of one entry, expected.c which data there has to be; decoder.c puts them together for a
 * custom archive, folder_decoder.c for a directory.
 *
 * Functions take what they can off the front of `in`. Only the beginning of a number is left there:
 * nothing of an archive is ever gathered but that, and the strings of one entry.
 */
#ifndef PGCASK_ARCHIVE_DECODER_INTERNAL_H
#define PGCASK_ARCHIVE_DECODER_INTERNAL_H

#include "archive/archive_bytes_internal.h"

enum decode_status {
    DECODE_DONE, /* a unit was taken off the input */
    DECODE_MORE, /* it is not all there yet */
    DECODE_FAILED
};

#define UNIT_MAX 16 /* more bytes than any number, or what a number is taken together with */

/* ---- Header and table of contents ---- */

/* How integers look in this archive; its header says so. */
struct archive_widths {
    uint8_t integer, offset;
    uint8_t minor;
};

enum decode_status decode_int(struct slice *in, const struct archive_widths *widths, int64_t *value,
                              struct error *err);

/* A string among others: where it is in their buffer. */
struct decoded_text {
    bool there; /* false: NULL */
    size_t at;
};

#define TEXTS_MAX 12 /* of the header or of an entry */

struct contents_decoder {
    enum archive_format format; /* FORMAT_TAR: a toc.dat */
    struct archive_widths widths;
    struct archive_header header;
    struct buffer header_strings;

    /* The header or entry that is being read. */
    int field;
    struct decoded_text texts[TEXTS_MAX];
    struct buffer *strings;
    bool in_text;
    size_t text_left;
    int64_t time_parts[7];

    struct archive_entry entry;
    enum archive_offset place; /* of the entry's data in a custom archive … */
    uint64_t offset;           /* … if it is set */
    struct buffer entry_strings;
    int32_t *dependencies;
    size_t dependency_capacity;
};

void contents_decoder_init(struct contents_decoder *contents, enum archive_format format);
void contents_decoder_reset(struct contents_decoder *contents);

/* Everything up to the number of entries: contents->header. Its texts stay. */
enum decode_status decode_header(struct contents_decoder *contents, struct slice *in,
                                 struct error *err);

/* contents->entry, until the next call. */
enum decode_status decode_entry(struct contents_decoder *contents, struct slice *in,
                                struct error *err);

/* ---- Which data there has to be ---- */

/* An entry that has data. */
struct expected {
    int32_t dump_id;
    bool copy;  /* COPY text, which has an end mark */
    bool blobs; /* large objects */
    bool seen;
};

struct expected_set {
    struct expected *items;
    size_t count, capacity;
};

bool expected_add(struct expected_set *set, const struct archive_entry *entry, struct error *err);
/* Once, after the last. Fails if two have the same number. */
bool expected_seal(struct expected_set *set, struct error *err);
struct expected *expected_find(const struct expected_set *set, int64_t dump_id);
/* Fails unless all were seen. */
bool expected_finish(const struct expected_set *set, struct error *err);
void expected_reset(struct expected_set *set);

/* ---- The data of an entry ---- */

struct data_checker {
    struct decompressor *decompressor;
    bool copy;
    uint64_t rows;
    bool line_begins; /* what comes next is at the beginning of a line */
    size_t matched;   /* bytes of the end mark that came last */
};

/* Who gets what comes out. Each function may be NULL, and fails to stop. */
struct data_taker {
    void *context;
    bool (*unpacked)(void *context, struct slice bytes, struct error *err); /* all of it */
    bool (*data)(void *context, struct slice bytes, struct error *err);     /* less the end mark */
};

bool data_checker_init(struct data_checker *checker, enum compression compression,
                       struct error *err);
void data_checker_reset(struct data_checker *checker);

/* Any number of streams, one after the other. copy: rows, with their end mark. */
bool data_checker_begin(struct data_checker *checker, bool copy, struct error *err);

/* Takes packed bytes and gives what comes out. */
bool data_checker_feed(struct data_checker *checker, struct slice packed,
                       const struct data_taker *taker, struct error *err);

/* Fails unless the stream is at its end, and its rows too. *rows is 0 if it is not COPY text. */
bool data_checker_finish(struct data_checker *checker, uint64_t *rows, struct error *err);

/* ---- Decoding ---- */

/* The entries that have data, sealed once the table of contents was read. */
const struct archive_header *archive_decoder_header(const struct archive_decoder *decoder);
struct expected_set *archive_decoder_expected(struct archive_decoder *decoder);

/* "the archive is damaged: … (entry 7)"; DECODE_FAILED. */
enum decode_status decode_corrupt(struct error *err, const char *what);
bool archive_corrupt(struct error *err, const char *what, int64_t dump_id);

#endif
