/* The tar codec by bytes: what the encoder makes, whole, split at every byte, one byte at a time,
 * truncated; what other programs make; and what nobody should. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>

struct archive {
    struct buffer bytes;
};

static struct error last_error;

/* ---- Building ---- */

static void add_bytes(struct archive *archive, const void *data, size_t len)
{
    assert_true(buffer_append(&archive->bytes, data, len, &last_error));
}

static void add_zeros(struct archive *archive, size_t len)
{
    static const uint8_t zeros[2048];

    add_bytes(archive, zeros, len);
}

static void add_content(struct archive *archive, const char *content)
{
    add_bytes(archive, content, strlen(content));
    add_zeros(archive, tar_padding(strlen(content)));
}

static void add_member(struct archive *archive, enum record_type type, const char *path,
                       const char *target, const char *content)
{
    struct tar_member *member = calloc(1, sizeof(*member));

    member->type = type;
    member->mode = 0640;
    member->owner = 70;
    member->group = 71;
    member->modified.tv_sec = 1700000000;
    member->size = content == NULL ? 0 : strlen(content);
    snprintf(member->path, sizeof(member->path), "%s", path);
    snprintf(member->link_target, sizeof(member->link_target), "%s", target == NULL ? "" : target);
    assert_true(tar_encode_header(member, &archive->bytes, &last_error));
    free(member);
    if (content != NULL)
        add_content(archive, content);
}

static void set_checksum(uint8_t *header)
{
    unsigned sum = 0;

    memset(header + 148, ' ', 8);
    for (size_t i = 0; i < TAR_BLOCK; i++)
        sum += header[i];
    snprintf((char *)header + 148, 8, "%06o", sum);
}

/* A header by hand: every field as other programs write it. */
static uint8_t *add_raw_header(struct archive *archive, char type, const char *name,
                               const char *size)
{
    uint8_t header[TAR_BLOCK] = {0};

    memcpy(header, name, strlen(name));
    memcpy(header + 100, "000644 ", 8);
    memcpy(header + 108, "000000 ", 8);
    memcpy(header + 116, "000000 ", 8);
    memcpy(header + 124, size, strlen(size));
    memcpy(header + 136, "14524770400 ", 12);
    header[156] = (uint8_t)type;
    memcpy(header + 257,
           "ustar\0"
           "00",
           8);
    set_checksum(header);
    add_bytes(archive, header, TAR_BLOCK);
    return archive->bytes.data + archive->bytes.len - TAR_BLOCK;
}

static void add_trailer(struct archive *archive)
{
    add_zeros(archive, TAR_TRAILER_SIZE);
}

/* ---- Reading ---- */

static void note_member(struct buffer *text, const struct tar_member *member)
{
    assert_true(buffer_printf(text, &last_error, "%d %s -> %s %o %u:%u %llu @%lld.%09ld [",
                              (int)member->type, member->path, member->link_target, member->mode,
                              member->owner, member->group, (unsigned long long)member->size,
                              (long long)member->modified.tv_sec, member->modified.tv_nsec));
}

/* Feeds one piece; false at an error. */
static bool feed(struct tar_decoder *decoder, struct slice input, struct buffer *text, bool *end)
{
    for (;;) {
        struct slice data;
        enum tar_event event = tar_decoder_next(decoder, &input, &data, &last_error);

        if (event == TAR_NEED_INPUT)
            return input.len == 0;
        if (event == TAR_FAILED)
            return false;
        if (event == TAR_MEMBER)
            note_member(text, &decoder->member);
        if (event == TAR_DATA)
            assert_true(buffer_append(text, data.data, data.len, &last_error));
        if (event == TAR_MEMBER_END)
            assert_true(buffer_append_string(text, "]\n", &last_error));
        if (event == TAR_ARCHIVE_END) {
            *end = true;
            return true;
        }
    }
}

/* Decodes in pieces: the first `first` bytes, then `step` bytes at a time (0: the rest). The text
 * is "failed" if the archive does not decode to its end. */
static struct buffer decode(const struct archive *archive, size_t first, size_t step,
                            bool trailer_required)
{
    struct tar_decoder *decoder = malloc(sizeof(*decoder));
    struct slice input = buffer_slice(&archive->bytes);
    struct buffer text = {0};
    bool good = true, end = false;
    size_t take = first;

    tar_decoder_init(decoder);
    while (good && !end && input.len > 0) {
        /* A copy of its own, so that the sanitizer sees a read beyond the piece. */
        struct slice piece = slice_take(&input, take == 0 || take > input.len ? input.len : take);
        uint8_t *copy = malloc(piece.len);

        memcpy(copy, piece.data, piece.len);
        good = feed(decoder, slice_make(copy, piece.len), &text, &end);
        free(copy);
        take = step;
    }
    if (!good || !tar_decoder_finish(decoder, trailer_required, &last_error)) {
        buffer_clear(&text);
        assert_true(buffer_append_string(&text, "failed", &last_error));
    }
    tar_decoder_reset(decoder);
    free(decoder);
    return text;
}

static void assert_decodes_to(const struct archive *archive, const char *expected)
{
    struct buffer text = decode(archive, 0, 0, true);

    assert_string_equal(buffer_text(&text), expected);
    buffer_free(&text);
}

static void assert_refused(struct archive *archive, const char *reason)
{
    struct buffer text = decode(archive, 0, 0, false);

    assert_string_equal(buffer_text(&text), "failed");
    assert_mentions(last_error.message, reason);
    buffer_free(&text);
    buffer_free(&archive->bytes);
}

static char *long_text(size_t len, const char *separator)
{
    char *text = calloc(1, len + 1);

    for (size_t i = 0; i < len; i++)
        text[i] = i % 50 == 49 && i + 1 < len ? separator[0] : (char)('a' + i % 26);
    return text;
}

static struct archive sample_archive(void)
{
    struct archive archive = {0};
    char *name = long_text(300, "/"), *flat = long_text(180, "x"), *target = long_text(150, "/");

    add_member(&archive, RECORD_FILE, "backup_label", NULL, "START WAL LOCATION");
    add_member(&archive, RECORD_DIRECTORY, "base", NULL, NULL);
    add_member(&archive, RECORD_FILE, "base/empty", NULL, NULL);
    add_member(&archive, RECORD_FILE, name, NULL, "long");
    add_member(&archive, RECORD_FILE, flat, NULL, "flat");
    add_member(&archive, RECORD_LINK, "pg_tblspc/1", target, NULL);
    add_member(&archive, RECORD_DIRECTORY, "last", NULL, NULL);
    add_trailer(&archive);
    free(name);
    free(flat);
    free(target);
    return archive;
}

/* ---- Round trip and splitting ---- */

static void what_is_encoded_is_decoded(void **state)
{
    struct archive archive = {0};

    (void)state;
    add_member(&archive, RECORD_FILE, "a/b", NULL, "hello");
    add_member(&archive, RECORD_DIRECTORY, "d", NULL, NULL);
    add_member(&archive, RECORD_LINK, "l", "../x", NULL);
    add_trailer(&archive);
    assert_decodes_to(&archive, "0 a/b ->  640 70:71 5 @1700000000.000000000 [hello]\n"
                                "1 d ->  640 70:71 0 @1700000000.000000000 []\n"
                                "2 l -> ../x 640 70:71 0 @1700000000.000000000 []\n");
    buffer_free(&archive.bytes);
}

static void a_split_at_any_byte_changes_nothing(void **state)
{
    struct archive archive = sample_archive();
    struct buffer whole = decode(&archive, 0, 0, true);

    (void)state;
    assert_string_not_equal(buffer_text(&whole), "failed");
    for (size_t at = 1; at < archive.bytes.len; at++) {
        struct buffer text = decode(&archive, at, 0, true);

        assert_same_text(&text, &whole);
        buffer_free(&text);
    }
    buffer_free(&whole);
    buffer_free(&archive.bytes);
}

static void one_byte_at_a_time_changes_nothing(void **state)
{
    struct archive archive = sample_archive();
    struct buffer whole = decode(&archive, 0, 0, true), text = decode(&archive, 1, 1, true);

    (void)state;
    assert_same_text(&text, &whole);
    buffer_free(&text);
    buffer_free(&whole);
    buffer_free(&archive.bytes);
}

static void a_truncated_archive_is_an_error_at_every_length(void **state)
{
    struct archive archive = sample_archive();
    size_t len = archive.bytes.len;

    (void)state;
    for (size_t at = 0; at < len; at++) {
        struct buffer text;

        archive.bytes.len = at;
        text = decode(&archive, 0, 0, true);
        assert_string_equal(buffer_text(&text), "failed");
        buffer_free(&text);
    }
    buffer_free(&archive.bytes);
}

static void without_a_required_trailer_only_whole_members_are_accepted(void **state)
{
    struct archive archive = {0};
    size_t len;

    (void)state;
    add_member(&archive, RECORD_FILE, "a", NULL, "hello");
    len = archive.bytes.len;
    for (size_t at = 1; at <= len; at++) {
        struct buffer text;

        archive.bytes.len = at;
        text = decode(&archive, 0, 0, false);
        assert_int_equal(strcmp(buffer_text(&text), "failed") != 0, at == len);
        buffer_free(&text);
    }
    buffer_free(&archive.bytes);
}

static void bytes_behind_the_trailer_are_left_alone(void **state)
{
    struct tar_decoder *decoder = malloc(sizeof(*decoder));
    struct archive archive = {0};
    struct slice input, data;

    (void)state;
    add_trailer(&archive);
    add_bytes(&archive, "rest", 4);
    input = buffer_slice(&archive.bytes);
    tar_decoder_init(decoder);
    assert_int_equal(tar_decoder_next(decoder, &input, &data, &last_error), TAR_ARCHIVE_END);
    assert_int_equal(input.len, 4);
    assert_int_equal(tar_decoder_next(decoder, &input, &data, &last_error), TAR_ARCHIVE_END);
    assert_int_equal(input.len, 4);
    tar_decoder_reset(decoder);
    free(decoder);
    buffer_free(&archive.bytes);
}

/* ---- What PostgreSQL and GNU tar write ---- */

static void postgresql_writes_slashes_dots_and_numbers_ended_by_blanks(void **state)
{
    struct archive archive = {0};
    uint8_t *header;

    (void)state;
    add_raw_header(&archive, '5', "./pg_wal/archive_status/", "00000000000 ");
    header = add_raw_header(&archive, '2', "pg_tblspc/16384/", "00000000000 ");
    memcpy(header + 157, "/srv/ts/", 8);
    set_checksum(header);
    add_raw_header(&archive, '0', "base/1/1259", "00000000003 ");
    add_content(&archive, "abc");
    add_trailer(&archive);
    assert_decodes_to(&archive, "1 pg_wal/archive_status ->  644 0:0 0 @1700000000.000000000 []\n"
                                "2 pg_tblspc/16384 -> /srv/ts 644 0:0 0 @1700000000.000000000 []\n"
                                "0 base/1/1259 ->  644 0:0 3 @1700000000.000000000 [abc]\n");
    buffer_free(&archive.bytes);
}

static void the_root_is_the_empty_path(void **state)
{
    struct archive archive = {0};

    (void)state;
    add_raw_header(&archive, '5', "./", "0");
    add_trailer(&archive);
    assert_decodes_to(&archive, "1  ->  644 0:0 0 @1700000000.000000000 []\n");
    buffer_free(&archive.bytes);
}

static void numbers_beyond_octal_are_base_256(void **state)
{
    struct tar_decoder *decoder = malloc(sizeof(*decoder));
    struct archive archive = {0};
    struct slice input, data;
    uint8_t *header = add_raw_header(&archive, '0', "big", "");

    (void)state;
    memcpy(header + 124, "\x80\0\0\0\0\0\0\x02\x80\0\0\x01", 12); /* 10 GiB + 1 */
    memcpy(header + 108, "\x80\0\0\0\xff\xff\xff\xfe", 8);
    memset(header + 136, 0xff, 12); /* one second before 1970 */
    set_checksum(header);
    tar_decoder_init(decoder);
    input = buffer_slice(&archive.bytes);
    assert_int_equal(tar_decoder_next(decoder, &input, &data, &last_error), TAR_MEMBER);
    assert_int_equal(decoder->member.size, 10737418241);
    assert_int_equal(decoder->member.owner, 4294967294);
    assert_int_equal(decoder->member.modified.tv_sec, -1);
    tar_decoder_reset(decoder);
    free(decoder);
    buffer_free(&archive.bytes);
}

static void gnu_long_names_are_read(void **state)
{
    struct archive archive = {0};

    (void)state;
    add_raw_header(&archive, 'K', "././@LongLink", "6");
    add_bytes(&archive, "a/bcd", 6);
    add_zeros(&archive, 506);
    add_raw_header(&archive, 'L', "././@LongLink", "4");
    add_bytes(&archive, "xyz", 4);
    add_zeros(&archive, 508);
    add_raw_header(&archive, '2', "short", "0");
    add_raw_header(&archive, '0', "next", "0");
    add_trailer(&archive);
    assert_decodes_to(&archive, "2 xyz -> a/bcd 644 0:0 0 @1700000000.000000000 []\n"
                                "0 next ->  644 0:0 0 @1700000000.000000000 []\n");
    buffer_free(&archive.bytes);
}

static void add_pax(struct archive *archive, char type, const char *text)
{
    char size[24];

    snprintf(size, sizeof(size), "%011zo", strlen(text));
    add_raw_header(archive, type, "pax", size);
    add_content(archive, text);
}

static void pax_headers_override_the_member_behind_them_only(void **state)
{
    struct archive archive = {0};

    (void)state;
    add_pax(&archive, 'x',
            "12 path=new\n10 size=3\n25 mtime=1234567890.0625\n18 uid=3000000000\n"
            "15 comment=x=y\n");
    add_raw_header(&archive, '0', "old", "0");
    add_content(&archive, "abc");
    add_raw_header(&archive, '0', "old", "0");
    add_trailer(&archive);
    assert_decodes_to(&archive, "0 new ->  644 3000000000:0 3 @1234567890.062500000 [abc]\n"
                                "0 old ->  644 0:0 0 @1700000000.000000000 []\n");
    buffer_free(&archive.bytes);
}

static void global_pax_headers_are_passed_over(void **state)
{
    struct archive archive = {0};

    (void)state;
    add_pax(&archive, 'g', "12 path=new\n");
    add_raw_header(&archive, '0', "old", "0");
    add_trailer(&archive);
    assert_decodes_to(&archive, "0 old ->  644 0:0 0 @1700000000.000000000 []\n");
    buffer_free(&archive.bytes);
}

static void the_prefix_field_is_joined_to_the_name(void **state)
{
    struct archive archive = {0};
    uint8_t *header = add_raw_header(&archive, '0', "name", "0");

    (void)state;
    memcpy(header + 345, "some/prefix", 11);
    set_checksum(header);
    header = add_raw_header(&archive, '0', "name", "0");
    memcpy(header + 257, "ustar  ", 8); /* GNU: other things are there */
    memcpy(header + 345, "14524770400", 11);
    set_checksum(header);
    add_trailer(&archive);
    assert_decodes_to(&archive, "0 some/prefix/name ->  644 0:0 0 @1700000000.000000000 []\n"
                                "0 name ->  644 0:0 0 @1700000000.000000000 []\n");
    buffer_free(&archive.bytes);
}

/* ---- What is refused ---- */

static void a_wrong_checksum_is_an_error(void **state)
{
    struct archive archive = {0};

    (void)state;
    add_member(&archive, RECORD_FILE, "a", NULL, NULL);
    archive.bytes.data[100] ^= 1;
    assert_refused(&archive, "not a tar archive");
}

static void oversized_and_malformed_numbers_are_errors(void **state)
{
    static const struct {
        size_t offset, len;
        const char *bytes, *reason;
    } cases[] = {
        {124, 12, "\x80\0\0\0\x80\0\0\0\0\0\0\0", "bad size"}, /* 2^63 */
        {124, 12, "\x80\1\0\0\0\0\0\0\0\0\0\0", "bad size"},
        {124, 12, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "bad size"},
        {124, 12, "\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff", "bad size"},
        {124, 12, "00000000008\0", "bad size"},
        {124, 12, "0000000000x\0", "bad size"},
        {124, 12, "-0000000001\0", "bad size"},
        {108, 8, "\x80\0\0\1\0\0\0\0", "bad owner"},
        {116, 8, "\x80\0\0\1\0\0\0\0", "bad group"},
        {100, 8, "00064z\0\0", "bad mode"},
        {136, 12, "1452477040z ", "bad modification time"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct archive archive = {0};
        uint8_t *header = add_raw_header(&archive, '0', "a", "0");

        memcpy(header + cases[i].offset, cases[i].bytes, cases[i].len);
        set_checksum(header);
        assert_refused(&archive, cases[i].reason);
    }
}

static void other_member_types_are_refused(void **state)
{
    static const char types[] = "1346SVMDA";

    (void)state;
    for (size_t i = 0; types[i] != '\0'; i++) {
        struct archive archive = {0};

        add_raw_header(&archive, types[i], "a", "0");
        assert_refused(&archive, "neither file, directory nor symbolic link");
    }
}

static void malformed_pax_headers_are_errors(void **state)
{
    static const char *const bad[] = {
        "12 path=new",
        "13 path=new\n",
        "11 path=new\n",
        "path=new\n",
        "999 path=new\n",
        "0 path=new\n",
        " path=new\n",
        "12 path new\n",
        "10 size=x\n",
        "11 size=-1\n",
        "29 size=99999999999999999999\n",
        "28 size=9223372036854775807\n",
        "10 mtime=\n",
        "18 uid=4294967296\n",
        "99999999999999999999999 path=new\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct archive archive = {0};

        add_pax(&archive, 'x', bad[i]);
        assert_refused(&archive, "tar extended header");
    }
}

static void a_sparse_file_is_refused(void **state)
{
    struct archive archive = {0};

    (void)state;
    add_pax(&archive, 'x', "22 GNU.sparse.major=1\n");
    assert_refused(&archive, "sparse");
}

static void an_extended_header_over_a_mebibyte_is_refused(void **state)
{
    struct archive archive = {0};

    (void)state;
    add_raw_header(&archive, 'x', "pax", "00004000001");
    assert_refused(&archive, "bad size");
}

static void a_name_that_is_too_long_is_refused(void **state)
{
    struct archive archive = {0};
    char *name = long_text(RECORD_PATH_MAX, "/");
    char size[24];

    (void)state;
    snprintf(size, sizeof(size), "%011o", RECORD_PATH_MAX + 1);
    add_raw_header(&archive, 'L', "././@LongLink", size);
    add_bytes(&archive, name, RECORD_PATH_MAX + 1);
    add_zeros(&archive, 511);
    free(name);
    assert_refused(&archive, "longer than");
}

static void a_directory_with_content_is_refused(void **state)
{
    struct archive archive = {0};

    (void)state;
    add_raw_header(&archive, '5', "d/", "5");
    assert_refused(&archive, "has content");
}

static void a_lone_zero_block_inside_is_an_error(void **state)
{
    struct archive archive = {0};

    (void)state;
    add_zeros(&archive, TAR_BLOCK);
    add_member(&archive, RECORD_FILE, "a", NULL, NULL);
    assert_refused(&archive, "after a block of zeros");
}

static void an_extended_header_without_member_is_an_error(void **state)
{
    struct archive archive = {0};

    (void)state;
    add_pax(&archive, 'x', "12 path=new\n");
    add_trailer(&archive);
    assert_refused(&archive, "after an extended header");
}

static void nothing_is_decoded_after_an_error(void **state)
{
    struct tar_decoder *decoder = malloc(sizeof(*decoder));
    struct archive archive = {0};
    struct slice input, data;

    (void)state;
    add_bytes(&archive, "not a tar", 9);
    add_zeros(&archive, 1015);
    input = buffer_slice(&archive.bytes);
    tar_decoder_init(decoder);
    assert_int_equal(tar_decoder_next(decoder, &input, &data, &last_error), TAR_FAILED);
    assert_int_equal(tar_decoder_next(decoder, &input, &data, &last_error), TAR_FAILED);
    assert_false(tar_decoder_finish(decoder, false, &last_error));
    tar_decoder_reset(decoder);
    free(decoder);
    buffer_free(&archive.bytes);
}

/* ---- The encoder ---- */

static size_t header_size_of(const char *path)
{
    struct archive archive = {0};
    size_t len;

    add_member(&archive, RECORD_FILE, path, NULL, NULL);
    len = archive.bytes.len;
    buffer_free(&archive.bytes);
    return len;
}

static void pax_is_used_only_where_ustar_is_too_short(void **state)
{
    char *exact = long_text(100, "x"), *split = long_text(250, "/"), *flat = long_text(101, "x");
    char *most = long_text(256, "x");

    (void)state;
    most[155] = '/';
    assert_int_equal(header_size_of(exact), TAR_BLOCK);
    assert_int_equal(header_size_of(split), TAR_BLOCK);
    assert_int_equal(header_size_of(most), TAR_BLOCK);
    assert_int_equal(header_size_of(flat), 3 * TAR_BLOCK);
    free(exact);
    free(split);
    free(flat);
    free(most);
}

static void every_length_of_name_and_link_survives(void **state)
{
    (void)state;
    for (size_t len = 1; len < 600; len++) {
        static const enum record_type types[] = {RECORD_FILE, RECORD_DIRECTORY, RECORD_LINK};

        for (size_t type = 0; type < 3; type++) {
            struct archive archive = {0};
            char *name = long_text(len, len % 2 == 0 ? "/" : "x");
            char expected[2000];

            add_member(&archive, types[type], name, types[type] == RECORD_LINK ? name : NULL, NULL);
            add_trailer(&archive);
            snprintf(expected, sizeof(expected),
                     "%d %s -> %s 640 70:71 0 @1700000000.000000000 []\n", (int)types[type], name,
                     types[type] == RECORD_LINK ? name : "");
            assert_decodes_to(&archive, expected);
            free(name);
            buffer_free(&archive.bytes);
        }
    }
}

static void sizes_on_both_sides_of_8_gib_survive(void **state)
{
    static const uint64_t sizes[] = {0, 1, 8589934591, 8589934592, 1ULL << 40, INT64_MAX - 512};

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct tar_decoder *decoder = malloc(sizeof(*decoder));
        struct tar_member *member = calloc(1, sizeof(*member));
        struct buffer out = {0};
        struct slice input, data;

        member->size = sizes[i];
        member->owner = member->group = UINT32_MAX;
        memcpy(member->path, "big", 4);
        assert_true(tar_encode_header(member, &out, &last_error));
        tar_decoder_init(decoder);
        input = buffer_slice(&out);
        assert_int_equal(tar_decoder_next(decoder, &input, &data, &last_error), TAR_MEMBER);
        assert_int_equal(decoder->member.size, sizes[i]);
        assert_int_equal(decoder->member.owner, UINT32_MAX);
        assert_int_equal(decoder->member.group, UINT32_MAX);
        tar_decoder_reset(decoder);
        free(decoder);
        free(member);
        buffer_free(&out);
    }
}

static void a_size_can_be_filled_in_later(void **state)
{
    static const uint64_t sizes[] = {1, 8589934591, 8589934592, 1ULL << 50};

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct tar_decoder *decoder = malloc(sizeof(*decoder));
        struct archive archive = {0};
        struct slice input, data;

        add_member(&archive, RECORD_FILE, "a", NULL, NULL);
        tar_header_set_size(archive.bytes.data, sizes[i]);
        tar_decoder_init(decoder);
        input = buffer_slice(&archive.bytes);
        assert_int_equal(tar_decoder_next(decoder, &input, &data, &last_error), TAR_MEMBER);
        assert_int_equal(decoder->member.size, sizes[i]);
        tar_decoder_reset(decoder);
        free(decoder);
        buffer_free(&archive.bytes);
    }
}

static void a_member_without_name_is_not_encoded(void **state)
{
    struct tar_member *member = calloc(1, sizeof(*member));
    struct buffer out = {0};

    (void)state;
    assert_false(tar_encode_header(member, &out, &last_error));
    free(member);
    buffer_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_encoded_is_decoded),
        cmocka_unit_test(a_split_at_any_byte_changes_nothing),
        cmocka_unit_test(one_byte_at_a_time_changes_nothing),
        cmocka_unit_test(a_truncated_archive_is_an_error_at_every_length),
        cmocka_unit_test(without_a_required_trailer_only_whole_members_are_accepted),
        cmocka_unit_test(bytes_behind_the_trailer_are_left_alone),
        cmocka_unit_test(postgresql_writes_slashes_dots_and_numbers_ended_by_blanks),
        cmocka_unit_test(the_root_is_the_empty_path),
        cmocka_unit_test(numbers_beyond_octal_are_base_256),
        cmocka_unit_test(gnu_long_names_are_read),
        cmocka_unit_test(pax_headers_override_the_member_behind_them_only),
        cmocka_unit_test(global_pax_headers_are_passed_over),
        cmocka_unit_test(the_prefix_field_is_joined_to_the_name),
        cmocka_unit_test(a_wrong_checksum_is_an_error),
        cmocka_unit_test(oversized_and_malformed_numbers_are_errors),
        cmocka_unit_test(other_member_types_are_refused),
        cmocka_unit_test(malformed_pax_headers_are_errors),
        cmocka_unit_test(a_sparse_file_is_refused),
        cmocka_unit_test(an_extended_header_over_a_mebibyte_is_refused),
        cmocka_unit_test(a_name_that_is_too_long_is_refused),
        cmocka_unit_test(a_directory_with_content_is_refused),
        cmocka_unit_test(a_lone_zero_block_inside_is_an_error),
        cmocka_unit_test(an_extended_header_without_member_is_an_error),
        cmocka_unit_test(nothing_is_decoded_after_an_error),
        cmocka_unit_test(pax_is_used_only_where_ustar_is_too_short),
        cmocka_unit_test(every_length_of_name_and_link_survives),
        cmocka_unit_test(sizes_on_both_sides_of_8_gib_survive),
        cmocka_unit_test(a_size_can_be_filled_in_later),
        cmocka_unit_test(a_member_without_name_is_not_encoded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
