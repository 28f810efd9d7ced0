/*
 * Up to three digests run while a record goes by. Of one that comes before it is known which the
 * backup has (manifest.json, which says it) both are made, so that nothing need be held back; an
 * archive has one for each of its two parts.
 */
#include "manifest/record_proof.h"

#include <stdlib.h>

struct record_proof {
    enum digest_algorithm listed, summary; /* DIGEST_NONE: not chosen yet */
    struct digest *of_listed;              /* … and so these two are not there */
    struct digest *of_contents;
    struct digest *of_summary; /* XXH3-128 until the choice is made … */
    struct digest *of_either;  /* … and SHA-256 beside it */
    enum layout_class record;
    bool archive;
    uint64_t bytes, contents_end;
};

enum digest_algorithm record_proof_listed_beside(enum digest_algorithm summary)
{
    return summary == DIGEST_SHA256 ? DIGEST_SHA256 : DIGEST_CRC32C;
}

struct record_proof *record_proof_new(struct error *err)
{
    struct record_proof *proof = calloc(1, sizeof(*proof));

    if (proof == NULL) {
        error_set_memory(err);
        return NULL;
    }
    proof->record = LAYOUT_FOREIGN;
    proof->of_summary = digest_new(DIGEST_XXH3_128, err);
    proof->of_either = proof->of_summary == NULL ? NULL : digest_new(DIGEST_SHA256, err);
    if (proof->of_either != NULL)
        return proof;
    record_proof_free(proof);
    return NULL;
}

void record_proof_free(struct record_proof *proof)
{
    if (proof == NULL)
        return;
    digest_free(proof->of_listed);
    digest_free(proof->of_contents);
    digest_free(proof->of_summary);
    digest_free(proof->of_either);
    free(proof);
}

bool record_proof_choose(struct record_proof *proof, enum digest_algorithm listed,
                         enum digest_algorithm summary, struct error *err)
{
    struct digest *unused = proof->of_either;

    proof->of_listed = digest_new(listed, err);
    proof->of_contents = proof->of_listed == NULL ? NULL : digest_new(summary, err);
    if (proof->of_contents == NULL)
        return false;
    if (summary == DIGEST_SHA256) {
        unused = proof->of_summary;
        proof->of_summary = proof->of_either;
    }
    digest_free(unused);
    proof->of_either = NULL;
    proof->listed = listed;
    proof->summary = summary;
    return true;
}

void record_proof_begin(struct record_proof *proof, enum layout_class of)
{
    proof->record = of;
    proof->archive = false;
    proof->bytes = proof->contents_end = 0;
    if (of == LAYOUT_LISTED)
        digest_begin(proof->of_listed);
    if (of != LAYOUT_SUMMARY)
        return;
    digest_begin(proof->of_summary);
    if (proof->of_either != NULL)
        digest_begin(proof->of_either);
}

void record_proof_begin_archive(struct record_proof *proof)
{
    record_proof_begin(proof, LAYOUT_SUMMARY);
    proof->archive = true;
    digest_begin(proof->of_contents);
}

void record_proof_contents_end(struct record_proof *proof, uint64_t end)
{
    proof->contents_end = end;
}

/* Takes what belongs to the table of contents off the front: everything, until its end is known. */
static struct slice take_contents(const struct record_proof *proof, struct slice *data)
{
    uint64_t left = proof->contents_end - proof->bytes;

    if (proof->contents_end == 0)
        return slice_take(data, data->len);
    if (proof->contents_end <= proof->bytes)
        return slice_take(data, 0);
    return slice_take(data, left < data->len ? (size_t)left : data->len);
}

void record_proof_feed(struct record_proof *proof, struct slice data)
{
    size_t len = data.len;

    if (proof->record == LAYOUT_LISTED)
        digest_update(proof->of_listed, data);
    if (proof->archive)
        digest_update(proof->of_contents, take_contents(proof, &data));
    if (proof->record == LAYOUT_SUMMARY)
        digest_update(proof->of_summary, data);
    if (proof->record == LAYOUT_SUMMARY && proof->of_either != NULL)
        digest_update(proof->of_either, data);
    proof->bytes += len;
}

bool record_proof_amended(struct record_proof *proof, const struct reader_amender *amender,
                          struct error *err)
{
    uint8_t bytes[16384];

    digest_begin(proof->of_contents);
    for (uint64_t at = 0; at < proof->contents_end;) {
        uint64_t left = proof->contents_end - at;
        size_t len = left < sizeof(bytes) ? (size_t)left : sizeof(bytes);

        if (!amender->read(amender->context, at, bytes, len, err))
            return false;
        digest_update(proof->of_contents, slice_make(bytes, len));
        at += len;
    }
    return true;
}

uint64_t record_proof_bytes(const struct record_proof *proof)
{
    return proof->bytes;
}

/* One digest of the two that an archive has. */
static void join_parts(struct record_proof *proof, uint8_t digest[DIGEST_MAX])
{
    uint8_t parts[2 * DIGEST_MAX];
    size_t size = digest_size(proof->summary);

    digest_end(proof->of_contents, parts);
    memcpy(parts + size, digest, size);
    digest_begin(proof->of_summary);
    digest_update(proof->of_summary, slice_make(parts, 2 * size));
    digest_end(proof->of_summary, digest);
}

size_t record_proof_end(struct record_proof *proof, uint8_t digest[DIGEST_MAX])
{
    switch (proof->record) {
    case LAYOUT_LISTED:
        digest_end(proof->of_listed, digest);
        return digest_size(proof->listed);
    case LAYOUT_SUMMARY:
        digest_end(proof->of_summary, digest);
        if (proof->archive)
            join_parts(proof, digest);
        return digest_size(proof->summary);
    case LAYOUT_THE_SUMMARY:
    case LAYOUT_FOREIGN:
        break;
    }
    return 0;
}
