/*
 * The data of a custom archive for a restore: all blocks as they stream by, or that of one entry.
 * What is in the table of contents is known here, so that an error can say which table it is about,
 * and what the table of contents says of places is held against where things are.
 */
#include "archive/archive_contents_internal.h"
#include "archive/archive_data.h"

#include "base/failure.h"

#include <stdlib.h>

struct archive_blocks {
    struct archive_contents *contents;
    struct archive_data_handler handler;
    struct failure failure;
    struct block_decoder decoder;
    struct data_checker checker; /* unless there is one that is lent */
    bool only_one;               /* that number; else: */
    uint8_t *seen;               /* a bit an entry */
    uint32_t left;               /* entries whose data have not come */

    bool in_block;
    uint32_t number; /* of the block's entry */
    bool wanted;
};

/* ---- What the blocks say ---- */

static bool is_seen(const struct archive_blocks *blocks, uint32_t number)
{
    return (blocks->seen[number / 8] >> (number % 8) & 1) != 0;
}

/* Where the table of contents says where that is, it is there. */
static bool check_place(const struct archive_blocks *blocks, uint32_t number, struct error *err)
{
    const struct contents_place *place = archive_contents_place(blocks->contents, number);

    return !place->known || place->position == blocks->decoder.head_position ||
           error_set(err, ERROR_CORRUPT,
                     "its data are not where the table of contents says they are");
}

static bool find_entry(struct archive_blocks *blocks, int64_t dump_id, bool objects,
                       struct contents_node *node, struct error *err)
{
    uint32_t number;

    if (!archive_contents_find(blocks->contents, dump_id, &number) ||
        (blocks->only_one && number != blocks->number))
        return blocks->only_one
                   ? error_set(err, ERROR_CORRUPT,
                               "the table of contents says that its data are where others are")
                   : archive_corrupt(err, "a block belongs to no entry", dump_id);
    *node = archive_contents_node(blocks->contents, number);
    blocks->number = number;
    blocks->in_block = true;
    if (!node->has_data)
        return error_set(err, ERROR_CORRUPT, "it has data, but should have none");
    if ((node->kind == ENTRY_BLOBS) != objects)
        return error_set(err, ERROR_CORRUPT, "its data are not of its kind");
    if (blocks->only_one)
        return true;
    if (is_seen(blocks, number))
        return error_set(err, ERROR_CORRUPT, "its data come twice");
    blocks->seen[number / 8] |= (uint8_t)(1u << (number % 8));
    blocks->left--;
    return check_place(blocks, number, err);
}

static bool begin(void *context, int64_t dump_id, bool objects, bool *copy, struct error *err)
{
    struct archive_blocks *blocks = context;
    const struct archive_data_handler *handler = &blocks->handler;
    struct contents_node node = {.has_copy = false};

    if (!find_entry(blocks, dump_id, objects, &node, err))
        return false;
    *copy = node.has_copy;
    blocks->wanted = true;
    return handler->begin == NULL ||
           handler->begin(handler->context, blocks->number, &blocks->wanted, err);
}

static bool object(void *context, uint32_t oid, struct error *err)
{
    const struct archive_blocks *blocks = context;
    const struct archive_data_handler *handler = &blocks->handler;

    return !blocks->wanted || handler->object == NULL ||
           handler->object(handler->context, blocks->number, oid, err);
}

static bool object_end(void *context, struct error *err)
{
    const struct archive_blocks *blocks = context;
    const struct archive_data_handler *handler = &blocks->handler;

    return !blocks->wanted || handler->object_end == NULL ||
           handler->object_end(handler->context, blocks->number, err);
}

static bool data(void *context, struct slice bytes, struct error *err)
{
    const struct archive_blocks *blocks = context;
    const struct archive_data_handler *handler = &blocks->handler;

    return !blocks->wanted || handler->bytes == NULL ||
           handler->bytes(handler->context, blocks->number, bytes, err);
}

/* The block of one entry alone ends where the next one begins, or the archive. */
static bool check_end(const struct archive_blocks *blocks, struct error *err)
{
    const struct contents_place *place = archive_contents_place(blocks->contents, blocks->number);

    return !blocks->only_one || place->bytes == 0 ||
           blocks->decoder.position == place->position + place->bytes ||
           error_set(err, ERROR_CORRUPT,
                     "its data do not end where the table of contents says that others begin");
}

static bool end(void *context, uint64_t rows, struct error *err)
{
    struct archive_blocks *blocks = context;
    const struct archive_data_handler *handler = &blocks->handler;

    if (!check_end(blocks, err) || (blocks->wanted && handler->end != NULL &&
                                    !handler->end(handler->context, blocks->number, rows, err)))
        return false;
    blocks->in_block = false;
    return true;
}

/* ---- Making one ---- */

static struct archive_blocks *blocks_new(struct archive_contents *contents,
                                         const struct archive_data_handler *handler,
                                         uint64_t position, struct error *err)
{
    struct archive_blocks *blocks = calloc(1, sizeof(*blocks));
    const struct block_client client = {blocks,     begin, object,
                                        object_end, end,   {.context = blocks, .data = data}};

    if (blocks == NULL) {
        error_set_memory(err);
        return NULL;
    }
    blocks->contents = contents;
    blocks->handler = *handler;
    block_decoder_init(&blocks->decoder, &client, archive_contents_widths(contents),
                       archive_contents_sum(contents), position);
    return blocks;
}

static bool expect_all(struct archive_blocks *blocks, struct error *err)
{
    uint32_t count = archive_contents_count(blocks->contents);

    blocks->seen = calloc(count / 8 + 1, 1);
    if (blocks->seen == NULL)
        return error_set_memory(err);
    for (uint32_t i = 0; i < count; i++)
        blocks->left += archive_contents_node(blocks->contents, i).has_data;
    blocks->decoder.checker = &blocks->checker;
    return data_checker_init(&blocks->checker,
                             archive_contents_header(blocks->contents)->compression, err);
}

struct archive_blocks *archive_blocks_new(struct archive_contents *contents,
                                          const struct archive_data_handler *handler,
                                          struct error *err)
{
    struct archive_blocks *blocks =
        blocks_new(contents, handler, archive_contents_size(contents), err);

    if (blocks == NULL || expect_all(blocks, err))
        return blocks;
    archive_blocks_free(blocks);
    return NULL;
}

struct archive_blocks *archive_blocks_new_one(struct archive_contents *contents, uint32_t number,
                                              const struct archive_data_handler *handler,
                                              struct data_checker *checker, struct error *err)
{
    uint64_t position = archive_contents_place(contents, number)->position;
    struct archive_blocks *blocks = blocks_new(contents, handler, position, err);

    if (blocks == NULL)
        return NULL;
    blocks->only_one = blocks->decoder.only_one = true;
    blocks->decoder.checker = checker;
    blocks->in_block = true; /* whatever fails is about it */
    blocks->number = number;
    return blocks;
}

void archive_blocks_free(struct archive_blocks *blocks)
{
    if (blocks == NULL)
        return;
    data_checker_reset(&blocks->checker);
    block_decoder_reset(&blocks->decoder);
    free(blocks->seen);
    free(blocks);
}

/* ---- Feeding ---- */

/* Whatever is wrong within a block is about its entry. */
static bool fail(struct archive_blocks *blocks, struct error *err)
{
    if (blocks->in_block && err->code == ERROR_CORRUPT)
        archive_contents_blame(blocks->contents, blocks->number, err);
    return failure_keep(&blocks->failure, err);
}

bool archive_blocks_feed(struct archive_blocks *blocks, struct slice bytes, struct error *err)
{
    if (!failure_check(&blocks->failure, err))
        return false;
    return block_decoder_feed(&blocks->decoder, bytes, err) || fail(blocks, err);
}

bool archive_blocks_over(const struct archive_blocks *blocks)
{
    return blocks->decoder.step == BLOCK_STEP_OVER;
}

static bool find_missing(const struct archive_blocks *blocks, uint32_t *number)
{
    uint32_t count = archive_contents_count(blocks->contents);

    for (*number = 0; blocks->left > 0 && *number < count; ++*number) {
        if (archive_contents_node(blocks->contents, *number).has_data && !is_seen(blocks, *number))
            return true;
    }
    return false;
}

bool archive_blocks_finish(struct archive_blocks *blocks, struct error *err)
{
    uint32_t number;

    if (!failure_check(&blocks->failure, err))
        return false;
    if (archive_blocks_over(blocks))
        return true;
    if (blocks->only_one || !block_decoder_is_between(&blocks->decoder)) {
        error_set(err, ERROR_CORRUPT, "%s",
                  blocks->in_block ? "its data end too early" : "the archive ends too early");
        return fail(blocks, err);
    }
    if (!find_missing(blocks, &number))
        return true;
    error_set(err, ERROR_CORRUPT, "its data are missing");
    archive_contents_blame(blocks->contents, number, err);
    return failure_keep(&blocks->failure, err);
}
