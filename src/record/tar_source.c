/*
 * Reading tar. One reader at a time lends content straight out of the input buffer. The header
 * behind a part has to be read before the reader can say whether the record goes on; it is then
 * kept in the decoder until the next record is asked for.
 */
#include "record/tar_part_internal.h"
#include "record/record_internal.h"
#include "record/tar.h"
#include "record/tar_input_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Larger rests of a member are seeked over. */
#define SEEK_WORTH ((uint64_t)1024 * 1024)

enum tar_source_state {
    AT_HEADER,  /* the next thing is a member, or the end */
    HAS_MEMBER, /* decoder.member is a member that nobody was told of yet */
    IN_MEMBER,  /* inside the content of the record that was given out */
    AT_END,
    BROKEN
};

struct tar_source {
    struct record_source source;
    struct reader reader; /* of the current record; sequential, so one is enough */
    bool reader_open;
    enum reader_status reader_status;
    enum tar_source_state state;
    struct reader raw; /* of everything, if it turned out to be no tar */
    struct tar_decoder decoder;
    struct tar_input from;
    struct slice input; /* not yet decoded */
    bool input_ended;
    uint8_t *gathered;              /* what was peeked at, if it came in pieces */
    unsigned part;                  /* number of the current part; 0: not in parts */
    char name[RECORD_PATH_MAX + 2]; /* of the archive, for messages */
    char path[RECORD_PATH_MAX + 1]; /* of the current record */
    char link_target[RECORD_PATH_MAX];
};

static struct tar_source *source_of(struct reader *reader)
{
    return (struct tar_source *)((char *)reader - offsetof(struct tar_source, reader));
}

/* ---- Input ---- */

/* The next thing of interest; TAR_FAILED also where the input ends too early. */
static enum tar_event input_next(struct tar_source *source, struct slice *data, struct error *err)
{
    for (;;) {
        enum tar_event event = tar_decoder_next(&source->decoder, &source->input, data, err);

        if (event == TAR_FAILED)
            error_prefix(err, "%s", source->name);
        if (event != TAR_NEED_INPUT)
            return event;
        if (!tar_input_next(&source->from, &source->input, err))
            return TAR_FAILED;
        if (source->input.len > 0)
            continue;
        source->input_ended = true;
        if (tar_decoder_finish(&source->decoder, true, err))
            error_set(err, ERROR_CORRUPT, "the archive ended unexpectedly");
        error_prefix(err, "%s", source->name);
        return TAR_FAILED;
    }
}

static bool is_zeros(struct slice piece)
{
    return piece.len == 0 ||
           (piece.data[0] == 0 && memcmp(piece.data, piece.data + 1, piece.len - 1) == 0);
}

/* Whoever writes the pipe may still be padding it to a whole tape record, and would be killed by
 * our leaving. What is compressed has its checksum at the end. Nothing but that padding follows a
 * tar: another one would be passed over in silence. */
static bool input_drain(struct tar_source *source, struct error *err)
{
    struct slice piece = source->input;

    source->input.len = 0;
    do {
        if (!is_zeros(piece)) {
            error_set(err, ERROR_CORRUPT, "%s: something follows the end of the tar", source->name);
            return error_hint(err, "Was something appended to the file, or another tar? The tar "
                                   "alone ends with zeros.");
        }
        if (!tar_input_next(&source->from, &piece, err))
            return false;
    } while (piece.len > 0);
    return true;
}

/* Passes over most of the current member's content without reading it. What may lie beyond the end
 * of a truncated file is not: the padding and header behind it have to be read. */
static bool input_seek(struct tar_source *source, struct error *err)
{
    uint64_t left = tar_decoder_content_left(&source->decoder);

    if (!source->from.seekable || left < source->input.len + SEEK_WORTH)
        return true;
    tar_decoder_skip(&source->decoder, left);
    left -= source->input.len;
    source->input.len = 0;
    if (lseek(source->from.fd, (off_t)left, SEEK_CUR) < 0)
        return error_set_errno(err, errno, "cannot seek in %s", source->name);
    return true;
}

/* ---- Members ---- */

/* Goes on to the next member or the end of the archive. */
static bool read_header(struct tar_source *source, struct error *err)
{
    struct slice data;
    enum tar_event event;

    source->state = BROKEN;
    do
        event = input_next(source, &data, err);
    while (event == TAR_DATA || event == TAR_MEMBER_END);
    if (event == TAR_FAILED || (event == TAR_ARCHIVE_END && !input_drain(source, err)))
        return false;
    source->state = event == TAR_ARCHIVE_END ? AT_END : HAS_MEMBER;
    return true;
}

/* True if the member that was just read continues the current record. */
static bool member_continues(const struct tar_source *source)
{
    const struct tar_member *member = &source->decoder.member;
    size_t name_len;
    unsigned number;

    return member->type == RECORD_FILE && tar_part_parse(member->path, &name_len, &number) &&
           number == source->part + 1 && strlen(source->path + 1) == name_len &&
           memcmp(source->path + 1, member->path, name_len) == 0;
}

/* Called at the end of a member's content: is there another part? */
static bool next_part(struct tar_source *source, bool *more, struct error *err)
{
    *more = false;
    source->state = AT_HEADER;
    if (source->part == 0)
        return true;
    if (!read_header(source, err))
        return false;
    *more = source->state == HAS_MEMBER && member_continues(source);
    if (*more) {
        source->part++;
        source->state = IN_MEMBER;
    }
    return true;
}

/* ---- The reader ---- */

static enum reader_status read_content(struct tar_source *source, struct slice *data,
                                       struct error *err)
{
    for (;;) {
        enum tar_event event = input_next(source, data, err);
        bool more;

        if (event == TAR_DATA)
            return READER_DATA;
        if (event == TAR_FAILED) {
            source->state = BROKEN;
            return READER_FAILED;
        }
        if (!next_part(source, &more, err))
            return READER_FAILED;
        if (!more)
            return READER_END;
    }
}

static enum reader_status tar_reader_next(struct reader *reader, struct slice *data,
                                          struct error *err)
{
    struct tar_source *source = source_of(reader);

    if (source->reader_status == READER_FAILED)
        error_set(err, ERROR_CORRUPT, "%s could not be read", source->name);
    if (source->reader_status == READER_DATA)
        source->reader_status = read_content(source, data, err);
    return source->reader_status;
}

static void tar_reader_close(struct reader *reader)
{
    source_of(reader)->reader_open = false;
}

/* Reads past what is left of the current record. */
static bool skip_rest(struct tar_source *source, struct error *err)
{
    while (source->state == IN_MEMBER) {
        struct slice data;
        enum tar_event event;
        bool more;

        if (!input_seek(source, err))
            return false;
        event = input_next(source, &data, err);
        if (event == TAR_FAILED)
            return false;
        if (event == TAR_MEMBER_END && !next_part(source, &more, err))
            return false;
    }
    return true;
}

/* ---- The source ---- */

/* Takes the record's path from the member; parts lose their ending. */
static bool take_path(struct tar_source *source, struct error *err)
{
    const struct tar_member *member = &source->decoder.member;
    size_t len = strlen(member->path);

    source->part = 0;
    if (member->type == RECORD_FILE && tar_part_parse(member->path, &len, &source->part) &&
        source->part != 1)
        return error_set(err, ERROR_CORRUPT, "%s: \"%.300s\" is not preceded by part %u",
                         source->name, member->path, source->part - 1);
    source->path[0] = '/';
    memcpy(source->path + 1, member->path, len);
    source->path[1 + len] = '\0';
    if (!record_path_check(source->path, err))
        return error_prefix(err, "%s", source->name);
    return true;
}

static bool take_member(struct tar_source *source, struct record *record, struct error *err)
{
    const struct tar_member *member = &source->decoder.member;

    if (!take_path(source, err))
        return false;
    memcpy(source->link_target, member->link_target, strlen(member->link_target) + 1);
    *record = (struct record){
        .type = member->type,
        .path = source->path,
        .mode = member->mode,
        .owner = member->owner,
        .group = member->group,
        .modified = member->modified,
        .link_target = member->type == RECORD_LINK ? source->link_target : NULL,
    };
    source->state = IN_MEMBER;
    if (member->type != RECORD_FILE)
        return true;
    record->size = source->part > 0 ? RECORD_SIZE_UNKNOWN : (int64_t)member->size;
    record->reader = &source->reader;
    source->reader_open = true;
    source->reader_status = READER_DATA;
    return true;
}

static bool next_member(struct tar_source *source, struct error *err)
{
    if (!skip_rest(source, err))
        return false;
    for (;;) {
        if (source->state == AT_HEADER && !read_header(source, err))
            return false;
        /* "./", the folder that was packed, is no record. */
        if (source->state != HAS_MEMBER || source->decoder.member.path[0] != '\0' ||
            source->decoder.member.type != RECORD_DIRECTORY)
            return true;
        source->state = AT_HEADER;
    }
}

static enum source_status tar_source_next(struct record_source *base, struct record *record,
                                          struct error *err)
{
    struct tar_source *source = (struct tar_source *)base;

    if (source->state == BROKEN) {
        error_set(err, ERROR_CORRUPT, "%s could not be read", source->name);
        return SOURCE_FAILED;
    }
    if (source->reader_open) {
        error_set(err, ERROR_USAGE, "%s: the reader of \"%s\" is still open", source->name,
                  source->path);
        return SOURCE_FAILED;
    }
    if (!next_member(source, err) ||
        (source->state == HAS_MEMBER && !take_member(source, record, err))) {
        source->state = BROKEN;
        return SOURCE_FAILED;
    }
    return source->state == AT_END ? SOURCE_END : SOURCE_RECORD;
}

static void tar_source_close(struct record_source *base)
{
    struct tar_source *source = (struct tar_source *)base;

    tar_decoder_reset(&source->decoder);
    tar_input_reset(&source->from);
    free(source->gathered);
    free(source);
}

/* Takes fd over if owns_fd, also on failure. */
static struct record_source *tar_source_new(int fd, bool owns_fd, const char *name,
                                            struct error *err)
{
    static const struct record_source_ops ops = {tar_source_next, tar_source_close};
    static const struct reader_ops reader_ops = {.next = tar_reader_next,
                                                 .close = tar_reader_close};
    struct tar_source *source = calloc(1, sizeof(*source));

    if (source == NULL) {
        if (owns_fd)
            close(fd);
        error_set_memory(err);
        return NULL;
    }
    snprintf(source->name, sizeof(source->name), "%s", name);
    if (!tar_input_init(&source->from, fd, owns_fd, source->name, err)) {
        free(source);
        return NULL;
    }
    source->source.ops = &ops;
    source->source.sequential = true;
    source->reader.ops = &reader_ops;
    source->state = AT_HEADER;
    tar_decoder_init(&source->decoder);
    return &source->source;
}

struct record_source *tar_source_new_file(const char *file, struct error *err)
{
    char name[RECORD_PATH_MAX + 2];
    int fd = open(file, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        error_set_errno(err, errno, "cannot open \"%s\"", file);
        return NULL;
    }
    snprintf(name, sizeof(name), "\"%s\"", file);
    return tar_source_new(fd, true, name, err);
}

struct record_source *tar_source_new_fd(int fd, struct error *err)
{
    if (isatty(fd)) {
        error_set(err, ERROR_REFUSED, "a tar archive is not read from a terminal");
        error_hint(err, "Give it as standard input:  … - < backup.tar");
        return NULL;
    }
    return tar_source_new(fd, false, "the tar input", err);
}

void tar_source_set_cancel(struct record_source *base, const struct cancel *cancel)
{
    ((struct tar_source *)base)->from.cancel = cancel;
}

uint64_t tar_source_expected(const struct record_source *base)
{
    return tar_input_expected(&((const struct tar_source *)base)->from);
}

/* ---- What may be no tar ---- */

/* Appends the next piece of input to what is there, which must stay in one piece. */
static bool gather(struct tar_source *source, struct error *err)
{
    size_t have = source->input.len;
    struct slice piece;

    if (have > 0) {
        if (source->gathered == NULL)
            source->gathered = malloc(TAR_BLOCK + RECORD_READ_SIZE);
        if (source->gathered == NULL)
            return error_set_memory(err);
        memmove(source->gathered, source->input.data, have);
    }
    if (!tar_input_next(&source->from, &piece, err))
        return false;
    source->input_ended = piece.len == 0;
    if (have == 0) {
        source->input = piece;
        return true;
    }
    memcpy(source->gathered + have, piece.data, piece.len);
    source->input = slice_make(source->gathered, have + piece.len);
    return true;
}

bool tar_source_peek(struct record_source *base, size_t len, struct slice *bytes, struct error *err)
{
    struct tar_source *source = (struct tar_source *)base;

    while (source->input.len < len && !source->input_ended) {
        if (!gather(source, err))
            return false;
    }
    *bytes = source->input;
    return true;
}

enum compression tar_source_compression(const struct record_source *base)
{
    return ((const struct tar_source *)base)->from.compression;
}

static enum reader_status raw_next(struct reader *reader, struct slice *data, struct error *err)
{
    struct tar_source *source =
        (struct tar_source *)((char *)reader - offsetof(struct tar_source, raw));

    if (source->input.len > 0) {
        *data = source->input;
        source->input.len = 0;
        return READER_DATA;
    }
    if (!tar_input_next(&source->from, data, err))
        return READER_FAILED;
    return data->len > 0 ? READER_DATA : READER_END;
}

static void raw_close(struct reader *reader)
{
    (void)reader;
}

struct reader *tar_source_raw_reader(struct record_source *base)
{
    static const struct reader_ops ops = {.next = raw_next, .close = raw_close};
    struct tar_source *source = (struct tar_source *)base;

    source->state = BROKEN; /* as a source of records */
    source->raw.ops = &ops;
    return &source->raw;
}
