/*
 * Headers of a tar as GNU tar, bsdtar, Python and PostgreSQL read them: ustar where it fits, pax
 * records and base-256 numbers where it does not. Without I/O.
 */
#include "record/tar_internal.h"

#include <stdio.h>

#define OCTAL_SIZE_MAX 077777777777ULL /* 11 digits and a NUL */
#define OCTAL_ID_MAX 07777777ULL       /* 7 digits and a NUL */

size_t tar_padding(uint64_t size)
{
    return (size_t)((TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK);
}

uint32_t tar_checksum(const uint8_t header[TAR_BLOCK])
{
    uint32_t sum = (uint32_t)' ' * TAR_CHECKSUM_LEN;

    for (size_t i = 0; i < TAR_CHECKSUM; i++)
        sum += header[i];
    for (size_t i = TAR_CHECKSUM + TAR_CHECKSUM_LEN; i < TAR_BLOCK; i++)
        sum += header[i];
    return sum;
}

/* Octal with a NUL behind it; where that is too short, GNU base-256, which GNU tar, bsdtar, Python
 * and PostgreSQL read whatever the magic says. */
static void number_put(uint8_t *field, size_t len, uint64_t value)
{
    bool octal = value >> (3 * (len - 1)) == 0;

    field[len - 1] = '\0';
    for (size_t i = octal ? len - 1 : len; i > 0; i--) {
        field[i - 1] = octal ? (uint8_t)('0' + (value & 7)) : (uint8_t)value;
        value >>= octal ? 3 : 8;
    }
    if (!octal)
        field[0] |= 0x80; /* the widest value has 64 bits in 12 bytes, 32 in 8: the bit is free */
}

static void checksum_put(uint8_t header[TAR_BLOCK])
{
    char text[TAR_CHECKSUM_LEN];

    /* Six digits, NUL, blank: what every tar writes here. */
    snprintf(text, sizeof(text), "%06o", tar_checksum(header));
    memcpy(header + TAR_CHECKSUM, text, 7);
    header[TAR_CHECKSUM + 7] = ' ';
}

void tar_header_set_size(uint8_t header[TAR_BLOCK], uint64_t size)
{
    number_put(header + TAR_SIZE, TAR_SIZE_LEN, size);
    checksum_put(header);
}

/* Everything but the names. */
static void header_init(uint8_t header[TAR_BLOCK], const struct tar_member *member, uint8_t flag)
{
    uint64_t seconds = member->modified.tv_sec < 0 ? 0 : (uint64_t)member->modified.tv_sec;

    memset(header, 0, TAR_BLOCK);
    number_put(header + TAR_MODE, TAR_MODE_LEN, member->mode & 07777);
    number_put(header + TAR_OWNER, TAR_ID_LEN, member->owner);
    number_put(header + TAR_GROUP, TAR_ID_LEN, member->group);
    number_put(header + TAR_SIZE, TAR_SIZE_LEN, member->size);
    number_put(header + TAR_MTIME, TAR_MTIME_LEN, seconds);
    header[TAR_TYPE] = flag;
    memcpy(header + TAR_MAGIC, "ustar", 6);
    memset(header + TAR_VERSION, '0', 2);
    number_put(header + TAR_DEVICE_MAJOR, TAR_DEVICE_LEN, 0);
    number_put(header + TAR_DEVICE_MINOR, TAR_DEVICE_LEN, 0);
}

/* Puts the path into name, or into prefix and name. False if neither holds it: then name has the
 * beginning of it, for readers that know no pax. */
static bool header_put_path(uint8_t header[TAR_BLOCK], const char *path, size_t len)
{
    size_t split = 0;

    if (len <= TAR_NAME_LEN) {
        memcpy(header + TAR_NAME, path, len);
        return true;
    }
    /* The last slash that leaves a prefix of at most 155 bytes makes the shortest name; the final
     * slash of a directory is no place to split. */
    for (size_t i = 1; i <= TAR_PREFIX_LEN && i + 1 < len; i++) {
        if (path[i] == '/')
            split = i;
    }
    if (split == 0 || len - split - 1 > TAR_NAME_LEN) {
        memcpy(header + TAR_NAME, path, TAR_NAME_LEN);
        return false;
    }
    memcpy(header + TAR_PREFIX, path, split);
    memcpy(header + TAR_NAME, path + split + 1, len - split - 1);
    return true;
}

/* "length keyword=value\n", where length counts its own digits. */
static bool pax_append(struct buffer *text, const char *keyword, const char *value,
                       struct error *err)
{
    size_t base = strlen(keyword) + strlen(value) + 3; /* blank, '=', newline */
    size_t length = base + 1;

    for (;;) {
        char digits[24];
        size_t needed = base + (size_t)snprintf(digits, sizeof(digits), "%zu", length);

        if (needed == length)
            break;
        length = needed;
    }
    return buffer_printf(text, err, "%zu %s=%s\n", length, keyword, value);
}

static bool pax_append_number(struct buffer *text, const char *keyword, uint64_t value,
                              struct error *err)
{
    char digits[24];

    snprintf(digits, sizeof(digits), "%llu", (unsigned long long)value);
    return pax_append(text, keyword, digits, err);
}

/* The member that carries the text; its own name is for readers that know no pax. */
static bool pax_emit(const struct tar_member *member, const struct buffer *text, struct buffer *out,
                     struct error *err)
{
    static const uint8_t zeros[TAR_BLOCK];
    struct tar_member carrier = {.mode = 0644, .size = text->len, .modified = member->modified};
    const char *slash = strrchr(member->path, '/');
    uint8_t header[TAR_BLOCK];
    char name[TAR_NAME_LEN + 1];
    int name_len;

    header_init(header, &carrier, TAR_TYPE_PAX);
    name_len =
        snprintf(name, sizeof(name), "PaxHeaders/%.80s", slash == NULL ? member->path : slash + 1);
    memcpy(header + TAR_NAME, name, (size_t)name_len);
    checksum_put(header);
    return buffer_append(out, header, TAR_BLOCK, err) &&
           buffer_append(out, text->data, text->len, err) &&
           buffer_append(out, zeros, tar_padding(text->len), err);
}

static uint8_t type_flag(enum record_type type)
{
    switch (type) {
    case RECORD_DIRECTORY:
        return TAR_TYPE_DIRECTORY;
    case RECORD_LINK:
        return TAR_TYPE_LINK;
    case RECORD_FILE:
        break;
    }
    return TAR_TYPE_FILE;
}

/* Fills header, and text with what it cannot hold. */
static bool member_put(const struct tar_member *member, const char *path, uint8_t header[TAR_BLOCK],
                       struct buffer *text, struct error *err)
{
    size_t link_len = strlen(member->link_target);

    header_init(header, member, type_flag(member->type));
    if (!header_put_path(header, path, strlen(path)) && !pax_append(text, "path", path, err))
        return false;
    if (member->type == RECORD_LINK) {
        memcpy(header + TAR_LINK, member->link_target,
               link_len < TAR_LINK_LEN ? link_len : TAR_LINK_LEN);
        if (link_len > TAR_LINK_LEN && !pax_append(text, "linkpath", member->link_target, err))
            return false;
    }
    if (member->size > OCTAL_SIZE_MAX && !pax_append_number(text, "size", member->size, err))
        return false;
    if (member->owner > OCTAL_ID_MAX && !pax_append_number(text, "uid", member->owner, err))
        return false;
    if (member->group > OCTAL_ID_MAX && !pax_append_number(text, "gid", member->group, err))
        return false;
    checksum_put(header);
    return true;
}

bool tar_encode_header(const struct tar_member *member, struct buffer *out, struct error *err)
{
    char path[RECORD_PATH_MAX + 1];
    uint8_t header[TAR_BLOCK];
    struct buffer text = {0};
    bool done;

    if (member->path[0] == '\0')
        return error_set(err, ERROR_USAGE, "a tar member needs a name");
    if (member->type != RECORD_FILE && member->size != 0)
        return error_set(err, ERROR_USAGE, "tar member \"%.300s\" has content but is no file",
                         member->path);
    snprintf(path, sizeof(path), "%s%s", member->path, member->type == RECORD_DIRECTORY ? "/" : "");
    done = member_put(member, path, header, &text, err) &&
           (text.len == 0 || pax_emit(member, &text, out, err)) &&
           buffer_append(out, header, TAR_BLOCK, err);
    buffer_free(&text);
    return done;
}
