/*
 * Reading tar. The decoder is a state machine that is handed input in pieces of any size: it
 * gathers a header block (or the text of an extended header) in its own memory, and lends content
 * straight out of the input.
 *
 * An extended header (pax 'x', GNU 'L' and 'K') is a member of its own in front of the one that it
 * describes; what it says is kept in the pax_ fields until that member's header is complete.
 */
#include "record/tar_internal.h"

enum tar_state {
    STATE_HEADER,           /* gathering a header block */
    STATE_EXTENDED,         /* gathering the text of an extended header */
    STATE_EXTENDED_PADDING, /* the zeros behind it */
    STATE_SKIP,             /* passing over a global extended header */
    STATE_CONTENT,          /* lending content */
    STATE_PADDING,          /* the zeros behind it */
    STATE_END,
    STATE_FAILED
};

#define EXTENDED_MAX ((uint64_t)1024 * 1024)
#define EXTENDED_IN_A_ROW_MAX 32 /* of one member; three or four have been seen */

static void extended_forget(struct tar_decoder *decoder)
{
    decoder->has_pax_path = false;
    decoder->has_pax_link = false;
    decoder->has_pax_size = false;
    decoder->has_pax_mtime = false;
    decoder->has_pax_owner = false;
    decoder->has_pax_group = false;
    decoder->extended_pending = false;
    decoder->extended_count = 0;
}

void tar_decoder_init(struct tar_decoder *decoder)
{
    buffer_init(&decoder->extended);
    tar_decoder_reset(decoder);
}

void tar_decoder_reset(struct tar_decoder *decoder)
{
    buffer_free(&decoder->extended);
    decoder->state = STATE_HEADER;
    decoder->left = 0;
    decoder->padding = 0;
    decoder->header_used = 0;
    decoder->extended_type = 0;
    decoder->zero_block_seen = false;
    decoder->member.path[0] = '\0';
    extended_forget(decoder);
}

/* ---- Numbers ---- */

/* GNU base-256: the first byte's high bit is the mark, the rest a big-endian two's complement. */
static bool base256_parse(const uint8_t *field, size_t len, int64_t *value)
{
    bool negative = (field[0] & 0x40) != 0;
    uint64_t result = negative ? UINT64_MAX : 0;

    for (size_t i = 0; i < len; i++) {
        uint8_t byte = field[i];

        if (i == 0)
            byte = negative ? (uint8_t)(byte | 0x80) : (uint8_t)(byte & 0x7f);
        /* What is shifted out has to be nothing but sign. */
        if ((result >> 55) != (negative ? 0x1ff : 0))
            return false;
        result = (result << 8) | byte;
    }
    *value = (int64_t)result;
    return true;
}

/* Octal digits, blanks allowed before them, ended by a blank, a NUL or the field. No digits are
 * zero: some writers leave a field blank. */
static bool octal_parse(const uint8_t *field, size_t len, int64_t *value)
{
    uint64_t result = 0;
    size_t i = 0;

    while (i < len && field[i] == ' ')
        i++;
    for (; i < len && field[i] >= '0' && field[i] <= '7'; i++)
        result = result * 8 + (uint64_t)(field[i] - '0'); /* at most 12 digits: 36 bits */
    if (i < len && field[i] != ' ' && field[i] != '\0')
        return false;
    *value = (int64_t)result;
    return true;
}

static bool number_parse(const struct tar_decoder *decoder, size_t offset, size_t len,
                         int64_t *value)
{
    const uint8_t *field = decoder->header + offset;

    if ((field[0] & 0x80) != 0)
        return base256_parse(field, len, value);
    return octal_parse(field, len, value);
}

/* ---- Headers ---- */

static bool block_is_zero(const uint8_t *block)
{
    return block[0] == 0 && memcmp(block, block + 1, TAR_BLOCK - 1) == 0;
}

static bool checksum_check(const struct tar_decoder *decoder, struct error *err)
{
    int64_t recorded;

    if (!octal_parse(decoder->header + TAR_CHECKSUM, TAR_CHECKSUM_LEN, &recorded) ||
        recorded != (int64_t)tar_checksum(decoder->header)) {
        if (decoder->member.path[0] == '\0')
            return error_set(err, ERROR_CORRUPT, "not a tar archive: bad header checksum");
        return error_set(err, ERROR_CORRUPT, "bad tar header checksum after member \"%.300s\"",
                         decoder->member.path);
    }
    return true;
}

static void strip_trailing_slashes(char *text)
{
    size_t len = strlen(text);

    while (len > 0 && text[len - 1] == '/')
        text[--len] = '\0';
}

static void strip_leading_dot(char *path)
{
    size_t skip = 0;

    while (path[skip] == '.' && path[skip + 1] == '/') {
        skip += 2;
        while (path[skip] == '/')
            skip++;
    }
    if (strcmp(path + skip, ".") == 0)
        skip++;
    memmove(path, path + skip, strlen(path + skip) + 1);
}

/* Joins the fields "prefix" and "name"; neither need end with a NUL. */
static void header_name(const struct tar_decoder *decoder, char out[RECORD_PATH_MAX])
{
    const char *name = (const char *)decoder->header + TAR_NAME;
    const char *prefix = (const char *)decoder->header + TAR_PREFIX;
    size_t name_len = strnlen(name, TAR_NAME_LEN);
    size_t prefix_len = 0;

    /* GNU's own format ("ustar  ") has other things where ustar has the prefix. */
    if (memcmp(decoder->header + TAR_MAGIC, "ustar\0", 6) == 0)
        prefix_len = strnlen(prefix, TAR_PREFIX_LEN);
    if (prefix_len > 0) {
        memcpy(out, prefix, prefix_len);
        out[prefix_len++] = '/';
    }
    memcpy(out + prefix_len, name, name_len);
    out[prefix_len + name_len] = '\0';
}

static bool header_names(struct tar_decoder *decoder, bool *trailing_slash)
{
    struct tar_member *member = &decoder->member;
    size_t len;

    if (decoder->has_pax_path)
        memcpy(member->path, decoder->pax_path, strlen(decoder->pax_path) + 1);
    else
        header_name(decoder, member->path);
    len = strlen(member->path);
    if (len == 0)
        return false;
    *trailing_slash = member->path[len - 1] == '/';
    strip_trailing_slashes(member->path);
    strip_leading_dot(member->path);

    if (decoder->has_pax_link) {
        memcpy(member->link_target, decoder->pax_link, strlen(decoder->pax_link) + 1);
    } else {
        const char *link = (const char *)decoder->header + TAR_LINK;
        size_t link_len = strnlen(link, TAR_LINK_LEN);

        memcpy(member->link_target, link, link_len);
        member->link_target[link_len] = '\0';
    }
    /* The target "/" is only slashes, and stays. */
    if (strspn(member->link_target, "/") != strlen(member->link_target))
        strip_trailing_slashes(member->link_target);
    return true;
}

static bool header_id(struct tar_decoder *decoder, size_t offset, bool has_pax, uint32_t pax,
                      uint32_t *id)
{
    int64_t value;

    if (has_pax) {
        *id = pax;
        return true;
    }
    if (!number_parse(decoder, offset, TAR_ID_LEN, &value) || value < 0 || value > UINT32_MAX)
        return false;
    *id = (uint32_t)value;
    return true;
}

static bool header_numbers(struct tar_decoder *decoder, struct error *err)
{
    struct tar_member *member = &decoder->member;
    const char *bad = NULL;
    int64_t mode, size, mtime;

    if (!number_parse(decoder, TAR_MODE, TAR_MODE_LEN, &mode) || mode < 0)
        bad = "mode";
    else if (!number_parse(decoder, TAR_SIZE, TAR_SIZE_LEN, &size) || size < 0 ||
             (uint64_t)size > TAR_CONTENT_MAX)
        bad = "size";
    else if (!number_parse(decoder, TAR_MTIME, TAR_MTIME_LEN, &mtime))
        bad = "modification time";
    else if (!header_id(decoder, TAR_OWNER, decoder->has_pax_owner, decoder->pax_owner,
                        &member->owner))
        bad = "owner";
    else if (!header_id(decoder, TAR_GROUP, decoder->has_pax_group, decoder->pax_group,
                        &member->group))
        bad = "group";
    if (bad != NULL)
        return error_set(err, ERROR_CORRUPT, "bad %s in the tar header of \"%.300s\"", bad,
                         member->path);
    member->mode = (uint32_t)mode & 07777;
    member->size = decoder->has_pax_size ? decoder->pax_size : (uint64_t)size;
    member->modified = (struct timespec){.tv_sec = (time_t)mtime};
    if (decoder->has_pax_mtime)
        member->modified = decoder->pax_mtime;
    return true;
}

static bool header_type(struct tar_decoder *decoder, bool trailing_slash, struct error *err)
{
    struct tar_member *member = &decoder->member;
    uint8_t flag = decoder->header[TAR_TYPE];

    if (flag == TAR_TYPE_LINK) {
        member->type = RECORD_LINK;
        if (member->link_target[0] == '\0')
            return error_set(err, ERROR_CORRUPT, "link \"%.300s\" in the tar has no target",
                             member->path);
    } else if (flag == TAR_TYPE_DIRECTORY) {
        member->type = RECORD_DIRECTORY;
    } else if (flag == TAR_TYPE_FILE || flag == TAR_TYPE_OLD_FILE || flag == TAR_TYPE_CONTIGUOUS) {
        /* Before POSIX a directory was a file whose name ended with a slash. */
        member->type = trailing_slash ? RECORD_DIRECTORY : RECORD_FILE;
    } else {
        return error_set(err, ERROR_UNSUPPORTED,
                         "tar member \"%.300s\" is neither file, directory nor symbolic link "
                         "(type 0x%02x)",
                         member->path, flag);
    }
    if (member->type != RECORD_LINK)
        member->link_target[0] = '\0';
    if (member->type != RECORD_FILE && member->size != 0)
        return error_set(err, ERROR_CORRUPT, "tar member \"%.300s\" has content but is no file",
                         member->path);
    return true;
}

static enum tar_event member_begin(struct tar_decoder *decoder, struct error *err)
{
    bool trailing_slash;

    if (!header_names(decoder, &trailing_slash)) {
        error_set(err, ERROR_CORRUPT, "a tar member has no name");
        return TAR_FAILED;
    }
    if (!header_numbers(decoder, err) || !header_type(decoder, trailing_slash, err))
        return TAR_FAILED;
    extended_forget(decoder);
    decoder->left = decoder->member.size;
    decoder->padding = tar_padding(decoder->member.size);
    decoder->state = STATE_CONTENT;
    return TAR_MEMBER;
}

static bool extended_begin(struct tar_decoder *decoder, uint8_t flag, struct error *err)
{
    int64_t size;

    if (!number_parse(decoder, TAR_SIZE, TAR_SIZE_LEN, &size) || size < 0 ||
        (uint64_t)size > EXTENDED_MAX)
        return error_set(err, ERROR_CORRUPT, "tar extended header: bad size");
    if (decoder->extended_count++ == EXTENDED_IN_A_ROW_MAX)
        return error_set(err, ERROR_CORRUPT, "tar extended header: more than %d in a row",
                         EXTENDED_IN_A_ROW_MAX);
    decoder->left = (uint64_t)size;
    decoder->padding = tar_padding((uint64_t)size);
    decoder->extended_type = flag;
    buffer_clear(&decoder->extended);
    decoder->state = flag == TAR_TYPE_GLOBAL ? STATE_SKIP : STATE_EXTENDED;
    return true;
}

/* A zero block begins the end; the second one is the end. */
static enum tar_event zero_block(struct tar_decoder *decoder, struct error *err)
{
    if (decoder->extended_pending) {
        error_set(err, ERROR_CORRUPT, "the tar ends after an extended header");
        return TAR_FAILED;
    }
    if (!decoder->zero_block_seen) {
        decoder->zero_block_seen = true;
        return TAR_NEED_INPUT;
    }
    decoder->state = STATE_END;
    return TAR_ARCHIVE_END;
}

/* TAR_NEED_INPUT stands for "nothing to tell, go on". */
static enum tar_event header_complete(struct tar_decoder *decoder, struct error *err)
{
    uint8_t flag = decoder->header[TAR_TYPE];

    decoder->header_used = 0;
    if (block_is_zero(decoder->header))
        return zero_block(decoder, err);
    if (decoder->zero_block_seen) {
        error_set(err, ERROR_CORRUPT, "the tar goes on after a block of zeros");
        return TAR_FAILED;
    }
    if (!checksum_check(decoder, err))
        return TAR_FAILED;
    if (flag == TAR_TYPE_PAX || flag == TAR_TYPE_GLOBAL || flag == TAR_TYPE_GNU_NAME ||
        flag == TAR_TYPE_GNU_LINK)
        return extended_begin(decoder, flag, err) ? TAR_NEED_INPUT : TAR_FAILED;
    return member_begin(decoder, err);
}

/* ---- The machine ---- */

static enum tar_event step_header(struct tar_decoder *decoder, struct slice *input,
                                  struct error *err)
{
    size_t missing = TAR_BLOCK - decoder->header_used;
    struct slice part = slice_take(input, input->len < missing ? input->len : missing);

    memcpy(decoder->header + decoder->header_used, part.data, part.len);
    decoder->header_used += part.len;
    if (decoder->header_used < TAR_BLOCK)
        return TAR_NEED_INPUT;
    return header_complete(decoder, err);
}

static struct slice take_up_to(struct slice *input, uint64_t limit)
{
    return slice_take(input, input->len < limit ? input->len : (size_t)limit);
}

static enum tar_event step_extended(struct tar_decoder *decoder, struct slice *input,
                                    struct error *err)
{
    struct slice part = take_up_to(input, decoder->left);

    if (decoder->state == STATE_EXTENDED &&
        !buffer_append(&decoder->extended, part.data, part.len, err))
        return TAR_FAILED;
    decoder->left -= part.len;
    if (decoder->left > 0)
        return TAR_NEED_INPUT;
    if (decoder->state == STATE_EXTENDED && !tar_extended_parse(decoder, err))
        return TAR_FAILED;
    decoder->state = STATE_EXTENDED_PADDING;
    return TAR_NEED_INPUT;
}

static void step_padding(struct tar_decoder *decoder, struct slice *input)
{
    struct slice part = take_up_to(input, decoder->padding);

    decoder->padding -= part.len;
    if (decoder->padding == 0)
        decoder->state = STATE_HEADER;
}

static enum tar_event step(struct tar_decoder *decoder, struct slice *input, struct slice *data,
                           struct error *err)
{
    switch ((enum tar_state)decoder->state) {
    case STATE_HEADER:
        return step_header(decoder, input, err);
    case STATE_EXTENDED:
    case STATE_SKIP:
        return step_extended(decoder, input, err);
    case STATE_CONTENT:
        *data = take_up_to(input, decoder->left);
        decoder->left -= data->len;
        return TAR_DATA;
    case STATE_EXTENDED_PADDING:
    case STATE_PADDING:
        step_padding(decoder, input);
        return TAR_NEED_INPUT;
    case STATE_END:
        return TAR_ARCHIVE_END;
    case STATE_FAILED:
        break;
    }
    error_set(err, ERROR_CORRUPT, "the tar cannot be read on after an error");
    return TAR_FAILED;
}

enum tar_event tar_decoder_next(struct tar_decoder *decoder, struct slice *input,
                                struct slice *data, struct error *err)
{
    for (;;) {
        enum tar_event event;

        if (decoder->state == STATE_CONTENT && decoder->left == 0) {
            decoder->state = STATE_PADDING;
            return TAR_MEMBER_END;
        }
        /* These need no byte to be left. */
        if (decoder->padding == 0 &&
            (decoder->state == STATE_PADDING || decoder->state == STATE_EXTENDED_PADDING))
            decoder->state = STATE_HEADER;
        if (input->len == 0 && decoder->state != STATE_END && decoder->state != STATE_FAILED)
            return TAR_NEED_INPUT;
        event = step(decoder, input, data, err);
        if (event == TAR_FAILED)
            decoder->state = STATE_FAILED;
        if (event != TAR_NEED_INPUT)
            return event;
    }
}

uint64_t tar_decoder_content_left(const struct tar_decoder *decoder)
{
    return decoder->state == STATE_CONTENT ? decoder->left : 0;
}

void tar_decoder_skip(struct tar_decoder *decoder, uint64_t bytes)
{
    if (decoder->state == STATE_CONTENT && bytes <= decoder->left)
        decoder->left -= bytes;
}

bool tar_decoder_finish(const struct tar_decoder *decoder, bool trailer_required, struct error *err)
{
    switch ((enum tar_state)decoder->state) {
    case STATE_END:
        return true;
    case STATE_FAILED:
        return error_set(err, ERROR_CORRUPT, "the tar could not be read to its end");
    case STATE_CONTENT:
    case STATE_PADDING:
        if (decoder->left == 0 && decoder->padding == 0)
            break;
        return error_set(err, ERROR_CORRUPT, "the tar ends inside member \"%.300s\"",
                         decoder->member.path);
    case STATE_EXTENDED:
    case STATE_EXTENDED_PADDING:
    case STATE_SKIP:
        return error_set(err, ERROR_CORRUPT, "the tar ends inside an extended header");
    case STATE_HEADER:
        if (decoder->header_used > 0)
            return error_set(err, ERROR_CORRUPT, "the tar ends inside a header");
        if (decoder->extended_pending)
            return error_set(err, ERROR_CORRUPT, "the tar ends after an extended header");
        break;
    }
    if (trailer_required)
        return error_set(err, ERROR_CORRUPT, "the tar has no end mark: it was cut off%s%.300s",
                         decoder->member.path[0] == '\0' ? "" : " after ", decoder->member.path);
    return true;
}
