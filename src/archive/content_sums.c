/*
 * Rows are hashed whole: what of one lies at the end of a piece is kept until the rest has come. Of
 * one that is too long for that the hash goes on from piece to piece, which gives the same; points
 * in time are not looked for in it.
 */
#include "archive/content_sums.h"

#include "archive/insert_rows.h"
#include "archive/instant_text.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* Longer rows are not kept. */
#define ROW_KEPT ((size_t)256 * 1024)

struct content_sums {
    struct archive_contents *contents;
    uint64_t key;
    struct content_sum *sums;
    size_t count;
};

struct content_summer {
    struct content_sums *sums;
    struct content_sum *sum; /* of the entry at hand */
    bool rows;               /* its data are COPY text … */
    bool objects;            /* … or large objects: this is within one */
    bool streaming;          /* the hash of a long row, or of a large object, has begun */
    struct insert_rows inserts;
    bool looked, ambiguous; /* a backslash in INSERTs may be more than one; once that is known */
    XXH3_state_t *state;
    struct buffer row, utc;
};

/* ---- Sums ---- */

struct content_sums *content_sums_new(struct archive_contents *contents, uint64_t key,
                                      struct error *err)
{
    struct content_sums *sums = calloc(1, sizeof(*sums));

    if (sums == NULL) {
        error_set_memory(err);
        return NULL;
    }
    *sums = (struct content_sums){.contents = contents, .key = key};
    sums->count = (size_t)archive_contents_count(contents) + 1;
    sums->sums = calloc(sums->count, sizeof(*sums->sums));
    if (sums->sums != NULL)
        return sums;
    error_set_memory(err);
    content_sums_free(sums);
    return NULL;
}

void content_sums_free(struct content_sums *sums)
{
    if (sums == NULL)
        return;
    free(sums->sums);
    free(sums);
}

const struct content_sum *content_sums_of(const struct content_sums *sums, uint32_t number)
{
    static const struct content_sum none = {.known = false};

    return number < sums->count ? &sums->sums[number] : &none;
}

/* For an entry that came later. */
static bool reach(struct content_sums *sums, uint32_t number, struct error *err)
{
    size_t count = sums->count;
    struct content_sum *grown;

    if (number < count)
        return true;
    while (count <= number)
        count *= 2;
    grown = realloc(sums->sums, count * sizeof(*grown));
    if (grown == NULL)
        return error_set_memory(err);
    memset(grown + sums->count, 0, (count - sums->count) * sizeof(*grown));
    sums->sums = grown;
    sums->count = count;
    return true;
}

static void add_hash(struct content_hash *sum, struct content_hash hash)
{
    sum->low += hash.low;
    sum->high += hash.high;
}

void content_sum_add(struct content_sum *sum, const struct content_sum *other)
{
    sum->known = sum->known && other->known;
    sum->statements = sum->statements || other->statements;
    sum->uncounted = sum->uncounted || other->uncounted;
    sum->count += other->count;
    add_hash(&sum->text, other->text);
    add_hash(&sum->instants, other->instants);
}

/* ---- Hashing ---- */

struct content_summer *content_summer_new(struct content_sums *sums, struct error *err)
{
    struct content_summer *summer = calloc(1, sizeof(*summer));

    if (summer != NULL) {
        *summer = (struct content_summer){.sums = sums, .state = XXH3_createState()};
        if (summer->state != NULL)
            return summer;
    }
    free(summer);
    error_set_memory(err);
    return NULL;
}

void content_summer_free(struct content_summer *summer)
{
    if (summer == NULL)
        return;
    XXH3_freeState(summer->state);
    buffer_free(&summer->row);
    buffer_free(&summer->utc);
    free(summer);
}

static struct content_hash hash_of(XXH128_hash_t hash)
{
    return (struct content_hash){.low = hash.low64, .high = hash.high64};
}

static struct content_hash hash_text(const struct content_summer *summer, struct slice text)
{
    return hash_of(XXH3_128bits_withSeed(text.data, text.len, summer->sums->key));
}

static bool add_row(struct content_summer *summer, struct slice row, struct error *err)
{
    struct content_hash hash = hash_text(summer, row);
    bool changed;

    summer->sum->count++;
    add_hash(&summer->sum->text, hash);
    if (!instant_text_to_utc(row, &summer->utc, &changed, err))
        return false;
    add_hash(&summer->sum->instants,
             changed ? hash_text(summer, buffer_slice(&summer->utc)) : hash);
    return true;
}

static void begin_streaming(struct content_summer *summer)
{
    XXH3_128bits_reset_withSeed(summer->state, summer->sums->key);
    summer->streaming = true;
}

static void end_streaming(struct content_summer *summer)
{
    struct content_hash hash = hash_of(XXH3_128bits_digest(summer->state));

    summer->streaming = false;
    summer->sum->count++;
    add_hash(&summer->sum->text, hash);
    add_hash(&summer->sum->instants, hash);
}

/* Bytes of a row whose end is not among them. */
static bool keep_part(struct content_summer *summer, struct slice part, struct error *err)
{
    if (!summer->streaming && summer->row.len + part.len <= ROW_KEPT)
        return buffer_append(&summer->row, part.data, part.len, err);
    if (!summer->streaming) {
        begin_streaming(summer);
        XXH3_128bits_update(summer->state, summer->row.data, summer->row.len);
        buffer_clear(&summer->row);
    }
    XXH3_128bits_update(summer->state, part.data, part.len);
    return true;
}

/* Its last bytes, with the line feed. */
static bool end_row(struct content_summer *summer, struct slice part, struct error *err)
{
    bool done;

    if (summer->row.len == 0 && !summer->streaming)
        return add_row(summer, part, err);
    if (!keep_part(summer, part, err))
        return false;
    if (summer->streaming) {
        end_streaming(summer);
        return true;
    }
    done = add_row(summer, buffer_slice(&summer->row), err);
    buffer_clear(&summer->row);
    return done;
}

/* ---- As data come ---- */

/* Backslashes that escape, or are the second half of a character: such INSERTs are counted alone.
 */
static bool is_ambiguous(const char *setting)
{
    static const char *const words[] = {"= 'off'", "'SJIS'", "'SHIFT_JIS_2004'", "'BIG5'",
                                        "'GBK'",   "'UHC'",  "'GB18030'",        "'JOHAB'"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strstr(setting, words[i]) != NULL)
            return true;
    }
    return false;
}

static bool look_at_settings(struct content_summer *summer, struct error *err)
{
    struct archive_contents *contents = summer->sums->contents;
    struct buffer texts = {0};
    struct archive_entry entry;
    bool done = true;

    for (uint32_t i = 0; done && !summer->looked && i < archive_contents_count(contents); i++) {
        enum entry_kind kind = archive_contents_node(contents, i).kind;

        if (kind != ENTRY_ENCODING && kind != ENTRY_STDSTRINGS)
            continue;
        done = archive_contents_entry_into(contents, i, &texts, &entry, err);
        summer->ambiguous |= done && entry.definition != NULL && is_ambiguous(entry.definition);
    }
    summer->looked = true;
    buffer_free(&texts);
    return done;
}

bool content_summer_begin(struct content_summer *summer, uint32_t number, struct error *err)
{
    struct contents_node node = archive_contents_node(summer->sums->contents, number);

    if (!reach(summer->sums, number, err))
        return false;
    summer->sum = &summer->sums->sums[number];
    summer->rows = node.has_copy;
    summer->objects = node.kind == ENTRY_BLOBS;
    summer->streaming = false;
    if (!summer->objects) /* they may come once more: what was summed of them did not stay */
        *summer->sum = (struct content_sum){0};
    summer->inserts = (struct insert_rows){0};
    buffer_clear(&summer->row);
    if (summer->rows || summer->objects)
        return true;
    if (!look_at_settings(summer, err))
        return false;
    summer->inserts.odd = summer->ambiguous;
    return true;
}

static bool take_rows(void *context, struct slice bytes, struct error *err)
{
    struct content_summer *summer = context;

    while (bytes.len > 0) {
        const uint8_t *end = memchr(bytes.data, '\n', bytes.len);
        size_t len = end == NULL ? bytes.len : (size_t)(end + 1 - bytes.data);

        if (!(end == NULL ? keep_part : end_row)(summer, slice_make(bytes.data, len), err))
            return false;
        slice_take(&bytes, len);
    }
    return true;
}

bool content_summer_bytes(struct content_summer *summer, struct slice bytes, struct error *err)
{
    if (summer->objects) {
        if (summer->streaming)
            XXH3_128bits_update(summer->state, bytes.data, bytes.len);
        return true;
    }
    return summer->rows ? take_rows(summer, bytes, err)
                        : insert_rows_feed(&summer->inserts, bytes, take_rows, summer, err);
}

void content_summer_object(struct content_summer *summer, uint32_t oid)
{
    begin_streaming(summer);
    XXH3_128bits_update(summer->state, &oid, sizeof(oid));
}

void content_summer_object_end(struct content_summer *summer)
{
    end_streaming(summer);
}

void content_summer_end(struct content_summer *summer)
{
    summer->sum->known = true;
    summer->sum->statements = summer->inserts.odd;
    summer->sum->uncounted = summer->inserts.uncounted;
}
