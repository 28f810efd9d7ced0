/*
 * The tar decoder. The first byte chooses the pieces, the rest is the archive. If it is odd,
 * headers get the checksum that they should have: no mutation would ever hit it.
 *
 * Holds: the pieces do not matter; no more content than was put in; every member has the bytes it
 * announced, numbers in range and names without their slashes; what the encoder makes of a member
 * is decoded to the same member.
 *
 * An extended header is held in memory, 1 MiB at most, in a buffer that doubles.
 * Limits: -malloc_limit_mb=4 -max_len=32768
 */
#include "record/tar.h"
#include "support/feed.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text)
{
    size_t len = strnlen(text, RECORD_PATH_MAX);

    must(len < RECORD_PATH_MAX);
    must(len == 0 || text[len - 1] != '/' || strspn(text, "/") == len);
}

static void check_member(const struct tar_member *member)
{
    check_text(member->path);
    check_text(member->link_target);
    must(strncmp(member->path, "./", 2) != 0);
    must((member->type == RECORD_LINK) == (member->link_target[0] != '\0'));
    must(member->type == RECORD_FILE || member->size == 0);
    must(member->mode <= 07777 && member->size <= INT64_MAX);
    must(member->modified.tv_nsec >= 0 && member->modified.tv_nsec < 1000000000);
}

static void check_same(const struct tar_member *a, const struct tar_member *b)
{
    int64_t seconds = a->modified.tv_sec < 0 ? 0 : a->modified.tv_sec;

    must(a->type == b->type && strcmp(a->path, b->path) == 0);
    must(strcmp(a->link_target, b->link_target) == 0);
    must(a->mode == b->mode && a->size == b->size);
    must(a->owner == b->owner && a->group == b->group && seconds == b->modified.tv_sec);
}

/* Paths are checked before they are written: the encoder meets none but clean ones. */
static void check_round_trip(const struct tar_member *member)
{
    char absolute[RECORD_PATH_MAX + 1] = "/";
    struct tar_decoder decoder;
    struct buffer out = {0};
    struct slice in, data;
    struct error err;

    memcpy(absolute + 1, member->path, strlen(member->path) + 1);
    if (!record_path_check(absolute, &err))
        return;
    must(tar_encode_header(member, &out, &err));
    must(out.len > 0 && out.len % TAR_BLOCK == 0);
    tar_decoder_init(&decoder);
    in = buffer_slice(&out);
    must(tar_decoder_next(&decoder, &in, &data, &err) == TAR_MEMBER && in.len == 0);
    check_same(member, &decoder.member);
    tar_decoder_reset(&decoder);
    buffer_free(&out);
}

static void trace_member(struct trace *trace, const struct tar_member *member)
{
    trace_number(trace, member->type);
    trace_text(trace, member->path);
    trace_text(trace, member->link_target);
    trace_number(trace, member->mode);
    trace_number(trace, member->owner);
    trace_number(trace, member->group);
    trace_number(trace, member->size);
    trace_number(trace, (uint64_t)member->modified.tv_sec);
    trace_number(trace, (uint64_t)member->modified.tv_nsec);
}

static bool decode(struct feed *feed, struct tar_decoder *decoder, struct trace *trace,
                   struct error *err)
{
    struct slice piece = {0}, content;
    uint64_t member_bytes = 0;

    for (;;) {
        enum tar_event event = tar_decoder_next(decoder, &piece, &content, err);

        if (event == TAR_FAILED || event == TAR_ARCHIVE_END)
            return event == TAR_ARCHIVE_END;
        if (event == TAR_NEED_INPUT && !feed_next(feed, &piece))
            return tar_decoder_finish(decoder, true, err);
        if (event == TAR_MEMBER) {
            member_bytes = 0;
            check_member(&decoder->member);
            trace_member(trace, &decoder->member);
            if (feed->piece == 0)
                check_round_trip(&decoder->member);
        } else if (event == TAR_DATA) {
            must(content.len > 0);
            member_bytes += content.len;
            trace_data(trace, content);
        } else if (event == TAR_MEMBER_END) {
            must(member_bytes == decoder->member.size);
            trace_number(trace, event);
        }
    }
}

static struct trace run(struct slice input, size_t piece)
{
    struct feed feed = {.rest = input, .piece = piece};
    struct tar_decoder decoder;
    struct trace trace = {0};
    struct error err;

    tar_decoder_init(&decoder);
    trace_end(&trace, decode(&feed, &decoder, &trace, &err), &err);
    must(trace.data_bytes <= input.len);
    tar_decoder_reset(&decoder);
    feed_end(&feed);
    return trace;
}

/* Every block that says "ustar" where a header does. */
static void mend_checksums(uint8_t *archive, size_t size)
{
    enum { MAGIC = 257, CHECKSUM = 148, CHECKSUM_LEN = 8 };

    for (uint8_t *header = archive; size >= TAR_BLOCK; header += TAR_BLOCK, size -= TAR_BLOCK) {
        char text[CHECKSUM_LEN];
        unsigned sum = 0;

        if (memcmp(header + MAGIC, "ustar", 5) != 0)
            continue;
        memset(header + CHECKSUM, ' ', CHECKSUM_LEN);
        for (size_t i = 0; i < TAR_BLOCK; i++)
            sum += header[i];
        snprintf(text, sizeof(text), "%06o", sum);
        memcpy(header + CHECKSUM, text, CHECKSUM_LEN - 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size + 1);
    struct slice input = {copy, size};
    struct trace whole, pieces;
    uint8_t choice;

    must(copy != NULL);
    memcpy(copy, data, size);
    choice = feed_choice(&input);
    if (choice % 2 == 1)
        mend_checksums(copy + 1, input.len);
    whole = run(input, 0);
    pieces = run(input, (size_t)choice * 3 + 1);
    must(trace_equals(&whole, &pieces));
    free(copy);
    return 0;
}
