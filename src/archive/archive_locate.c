/*
 * Where the data of each entry are in a custom archive. pg_dump notes that in the table of contents
 * if it can go back to it. Otherwise it is found by going over the blocks: from length to length,
 * without unpacking anything.
 */
#include "archive/archive_contents_internal.h"
#include "archive/archive_data.h"

#include "base/failure.h"

#include <stdlib.h>

/* ---- By offsets ---- */

struct located {
    uint64_t position;
    uint32_t number;
};

static int compare(const void *a, const void *b)
{
    const struct located *left = a, *right = b;

    if (left->position != right->position)
        return left->position < right->position ? -1 : 1;
    return (left->number > right->number) - (left->number < right->number);
}

static bool wrong_place(struct archive_contents *contents, uint32_t number, const char *what,
                        struct error *err)
{
    error_set(err, ERROR_CORRUPT, "the table of contents says that its data are %s", what);
    return archive_contents_blame(contents, number, err);
}

/* They lie behind each other, from the end of the table of contents to that of the archive. */
static bool settle(struct archive_contents *contents, const struct located *all, size_t count,
                   uint64_t archive_size, struct error *err)
{
    if (count > 0 && all[0].position != archive_contents_size(contents))
        return wrong_place(contents, all[0].number, "where they cannot be", err);
    for (size_t i = 0; i < count; i++) {
        uint64_t next = i + 1 < count ? all[i + 1].position : archive_size;

        if (all[i].position >= archive_size)
            return wrong_place(contents, all[i].number, "behind the end of the archive", err);
        if (next == all[i].position)
            return wrong_place(contents, all[i + 1].number, "where those of another entry are",
                               err);
        if (next > archive_size)
            next = archive_size;
        archive_contents_set_bytes(contents, all[i].number, next - all[i].position);
    }
    return true;
}

bool archive_contents_locate(struct archive_contents *contents, uint64_t archive_size, bool *all,
                             struct error *err)
{
    uint32_t count = archive_contents_count(contents);
    struct located *found = calloc((size_t)count + 1, sizeof(*found));
    size_t with_data = 0, known = 0;
    bool done;

    if (found == NULL)
        return error_set_memory(err);
    for (uint32_t i = 0; i < count; i++) {
        const struct contents_place *place = archive_contents_place(contents, i);

        if (!archive_contents_node(contents, i).has_data)
            continue;
        with_data++;
        if (place->known)
            found[known++] = (struct located){place->position, i};
    }
    *all = known == with_data;
    if (*all && known > 1)
        qsort(found, known, sizeof(*found), compare);
    done = !*all || settle(contents, found, known, archive_size, err);
    free(found);
    return done;
}

/* ---- By going over the blocks ---- */

struct archive_skim {
    struct archive_contents *contents;
    struct failure failure;
    struct block_decoder decoder;
    uint64_t archive_size;
    bool in_block;
    uint32_t number;
};

static bool begin(void *context, int64_t dump_id, bool objects, bool *copy, struct error *err)
{
    struct archive_skim *skim = context;
    const struct contents_place *place;
    uint64_t position = skim->decoder.head_position;

    (void)objects;
    *copy = false;
    if (!archive_contents_find(skim->contents, dump_id, &skim->number))
        return archive_corrupt(err, "a block belongs to no entry", dump_id);
    skim->in_block = true;
    place = archive_contents_place(skim->contents, skim->number);
    if (place->bytes > 0)
        return error_set(err, ERROR_CORRUPT, "its data come twice");
    if (place->known && place->position != position)
        return error_set(err, ERROR_CORRUPT,
                         "its data are not where the table of contents says they are");
    archive_contents_set_position(skim->contents, skim->number, position);
    return true;
}

static bool end(void *context, uint64_t rows, struct error *err)
{
    struct archive_skim *skim = context;

    (void)rows;
    (void)err;
    archive_contents_set_bytes(skim->contents, skim->number,
                               skim->decoder.position - skim->decoder.head_position);
    skim->in_block = false;
    return true;
}

struct archive_skim *archive_skim_new(struct archive_contents *contents, uint64_t archive_size,
                                      struct error *err)
{
    struct archive_skim *skim = calloc(1, sizeof(*skim));
    const struct block_client client = {.context = skim, .begin = begin, .end = end};

    if (skim == NULL) {
        error_set_memory(err);
        return NULL;
    }
    skim->contents = contents;
    skim->archive_size = archive_size;
    block_decoder_init(&skim->decoder, &client, archive_contents_widths(contents),
                       archive_contents_sum(contents), archive_contents_size(contents));
    skim->decoder.skim = true;
    return skim;
}

struct archive_skim *archive_skim_last(struct archive_contents *contents, uint64_t archive_size,
                                       uint64_t *position, struct error *err)
{
    struct archive_skim *skim = archive_skim_new(contents, archive_size, err);
    uint32_t count = archive_contents_count(contents), last = count;

    *position = archive_contents_size(contents);
    for (uint32_t i = 0; i < count; i++) {
        const struct contents_place *place = archive_contents_place(contents, i);

        if (!archive_contents_node(contents, i).has_data || place->position < *position)
            continue;
        *position = place->position;
        last = i;
    }
    if (skim == NULL || last == count)
        return skim;
    archive_contents_set_bytes(contents, last, 0);
    skim->decoder.position = *position;
    return skim;
}

void archive_skim_free(struct archive_skim *skim)
{
    if (skim != NULL)
        block_decoder_reset(&skim->decoder);
    free(skim);
}

static bool fail(struct archive_skim *skim, struct error *err)
{
    if (skim->in_block && err->code == ERROR_CORRUPT)
        archive_contents_blame(skim->contents, skim->number, err);
    return failure_keep(&skim->failure, err);
}

bool archive_skim_feed(struct archive_skim *skim, struct slice bytes, uint64_t *skip,
                       struct error *err)
{
    uint64_t left;

    *skip = 0;
    if (!failure_check(&skim->failure, err))
        return false;
    if (!block_decoder_feed(&skim->decoder, bytes, err))
        return fail(skim, err);
    left = skim->archive_size - skim->decoder.position;
    if (skim->decoder.position > skim->archive_size)
        left = 0;
    *skip = block_decoder_skip(&skim->decoder, left);
    return true;
}

bool archive_skim_finish(struct archive_skim *skim, struct error *err)
{
    uint32_t count = archive_contents_count(skim->contents);

    if (!failure_check(&skim->failure, err))
        return false;
    if (!block_decoder_is_between(&skim->decoder)) {
        error_set(err, ERROR_CORRUPT, "the archive ends too early");
        return fail(skim, err);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!archive_contents_node(skim->contents, i).has_data ||
            archive_contents_place(skim->contents, i)->bytes > 0)
            continue;
        error_set(err, ERROR_CORRUPT, "its data are missing");
        archive_contents_blame(skim->contents, i, err);
        return failure_keep(&skim->failure, err);
    }
    return true;
}
