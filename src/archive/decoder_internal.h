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
#include "archive/data_checker.h"

enum decode_status {
    DECODE_DONE, /* a unit was taken off the input */
    DECODE_MORE, /* it is not all there yet */
    DECODE_FAILED
};

#define UNIT_MAX 16 /* more bytes than any number, or what a number is taken together with */

/* ---- Numbers that were cut ---- */

struct held_unit {
    uint8_t bytes[UNIT_MAX];
    size_t len;
};

/* Takes all units that are whole off the front of `in`: DECODE_DONE behind the last that there will
 * be, whatever follows. */
typedef enum decode_status take_units_fn(void *context, struct slice *in, struct error *err);

/* The same for input that may be cut anywhere: DECODE_MORE once all of it was taken. */
enum decode_status units_feed(struct held_unit *held, struct slice *in, take_units_fn *take,
                              void *context, struct error *err);

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

/* What a table of contents comes to, but for the places of data: pg_dump may write it twice. */
struct contents_sum {
    uint32_t count; /* entries */
    uint64_t digest;
};

struct contents_decoder {
    enum archive_format format; /* FORMAT_TAR: a toc.dat */
    struct contents_sum sum;    /* of the entries so far */
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
/* For entries alone, which come without a header. */
void contents_decoder_init_entries(struct contents_decoder *contents,
                                   const struct archive_widths *widths);
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

/* ---- Blocks of a custom archive ---- */

/* Who knows what the blocks are. `object` and `object_end` may be NULL. */
struct block_client {
    void *context;
    /* A block is of that entry, or claims to be. *copy: its data are COPY text. */
    bool (*begin)(void *context, int64_t dump_id, bool objects, bool *copy, struct error *err);
    bool (*object)(void *context, uint32_t oid, struct error *err);
    bool (*object_end)(void *context, struct error *err);
    bool (*end)(void *context, uint64_t rows, struct error *err);
    struct data_taker taker;
};

enum block_step {
    BLOCK_STEP_HEAD,
    BLOCK_STEP_OBJECT,
    BLOCK_STEP_LENGTH,
    BLOCK_STEP_DATA,
    BLOCK_STEP_OVER,  /* behind the only one that was wanted */
    BLOCK_STEP_AGAIN, /* in the table of contents, which comes once more behind the last one … */
    BLOCK_STEP_END    /* … and nothing behind that */
};

struct block_decoder {
    struct block_client client;
    const struct archive_widths *widths;
    const struct contents_sum *contents;
    uint64_t position;            /* in the archive, of what was not taken yet */
    bool only_one;                /* to be set: nothing behind the first block is taken */
    bool skim;                    /* to be set: data are not looked at … */
    struct data_checker *checker; /* … else to be set: the caller's */
    uint64_t head_position;       /* of the block */
    enum block_step step;
    struct held_unit held;
    bool objects; /* the block's kind */
    uint64_t piece_left;
    struct contents_decoder again;
    bool counted; /* the entries that come again */
};

/* contents: of the table of contents before the blocks; borrowed, as widths are. */
void block_decoder_init(struct block_decoder *blocks, const struct block_client *client,
                        const struct archive_widths *widths, const struct contents_sum *contents,
                        uint64_t position);
void block_decoder_reset(struct block_decoder *blocks);
bool block_decoder_feed(struct block_decoder *blocks, struct slice in, struct error *err);
/* Skimming, within a piece of data: passes over so many of its bytes without being fed. */
uint64_t block_decoder_skip(struct block_decoder *blocks, uint64_t most);
/* Whether what was fed ends where a block may begin. */
bool block_decoder_is_between(const struct block_decoder *blocks);

/* ---- Decoding ---- */

/* The entries that have data, sealed once the table of contents was read. */
const struct archive_header *archive_decoder_header(const struct archive_decoder *decoder);
struct expected_set *archive_decoder_expected(struct archive_decoder *decoder);

/* "the archive is damaged: … (entry 7)"; DECODE_FAILED. */
enum decode_status decode_corrupt(struct error *err, const char *what);
bool archive_corrupt(struct error *err, const char *what, int64_t dump_id);

#endif
