/* What a file is that was given for a tar and is none: by its first bytes, unpacked. */
#include "cli/near_miss.h"

#include <stdio.h>
#include <string.h>

#define TAR_HEADER 512
#define TAR_CHECKSUM_AT 148
#define TAR_CHECKSUM_SIZE 8
#define TAR_MAGIC_AT 257

struct kind {
    const char *start, *what, *hint;
};

#define RESTORE_SCRIPT "restore - --to postgres://HOST/DATABASE"
#define HINT_SQL "It is restored by:  pgcask restore FILE --to postgres://HOST/DATABASE"
#define HINT_UNPACK "Unpack it, and name what was in it."
#define HINT_MEMBER "Name the folder of the backup, not a file in it."

static const struct kind kinds[] = {
    {"{ \"PostgreSQL-Backup-Manifest-Version\"", "a backup_manifest", HINT_MEMBER},
    {"{", "JSON", HINT_MEMBER},
    {"--\n-- PostgreSQL database", "the plain SQL of pg_dump", HINT_SQL},
    {"--", "plain SQL, as it seems", HINT_SQL},
    {"SET ", "plain SQL, as it seems", HINT_SQL},
    {"PK\3\4", "a zip archive", HINT_UNPACK},
    {"PK\5\6", "an empty zip archive", ""},
    {"\xfd"
     "7zXZ",
     "something that xz compressed", HINT_UNPACK},
    {"BZh", "something that bzip2 compressed", HINT_UNPACK},
    {"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", HINT_UNPACK},
    {"Rar!", "a rar archive", HINT_UNPACK},
    {"\x1f\x9d", "something that compress compressed", HINT_UNPACK},
    {"\xff\xfe", "text in UTF-16", HINT_SQL},
    {"\xfe\xff", "text in UTF-16", HINT_SQL},
    {"\x1f\x8b", "something that gzip compressed", HINT_UNPACK},
    {"\x04\x22\x4d\x18", "something that lz4 compressed", HINT_UNPACK},
    {"\x28\xb5\x2f\xfd", "something that zstd compressed", HINT_UNPACK},
    {"070701", "a cpio archive", HINT_UNPACK},
    {"070707", "a cpio archive", HINT_UNPACK},
    {"PGDMP", "an archive of pg_dump", ""},
    {"PGCOPY\n\xff", "the rows of a binary COPY", ""},
    {"\x7f"
     "ELF",
     "a program", ""},
    {"#!", "a script", ""},
    {"SQLite format 3", "an SQLite database", ""},
    {"-----BEGIN ", "a PEM file", ""},
    {"<", "XML or HTML", ""},
};

/* What they are turned into something else with, on the way. */
static const struct {
    const char *start, *tool;
} tools[] = {
    {"PK\3\4", "unzip -p"},
    {"\xfd"
     "7zXZ",
     "xz -dc"},
    {"BZh", "bzip2 -dc"},
    {"\x1f\x9d", "gzip -dc"},
    {"\xff\xfe", "iconv -f UTF-16 -t UTF-8"},
    {"\xfe\xff", "iconv -f UTF-16 -t UTF-8"},
};

static bool begins_with(struct slice start, const char *with)
{
    size_t len = strlen(with);

    return start.len >= len && memcmp(start.data, with, len) == 0;
}

static const char *tool_of(struct slice start)
{
    for (size_t i = 0; i < sizeof(tools) / sizeof(tools[0]); i++) {
        if (begins_with(start, tools[i].start))
            return tools[i].tool;
    }
    return NULL;
}

static bool is_zeros(struct slice start)
{
    for (size_t i = 0; i < start.len; i++) {
        if (start.data[i] != 0)
            return false;
    }
    return true;
}

static bool is_text(struct slice start)
{
    for (size_t i = 0; i < start.len; i++) {
        uint8_t c = start.data[i];

        if (c == 0x7f || (c < 0x20 && c != '\n' && c != '\r' && c != '\t' && c != '\f'))
            return false;
    }
    return true;
}

/* The sum of a header's bytes, its own field taken as spaces, is in it in octal digits. */
static bool has_tar_checksum(struct slice start)
{
    unsigned long stated = 0, sum = 0;

    for (size_t i = 0; i < TAR_HEADER; i++) {
        bool own = i >= TAR_CHECKSUM_AT && i < TAR_CHECKSUM_AT + TAR_CHECKSUM_SIZE;

        sum += own ? ' ' : start.data[i];
        if (own && start.data[i] >= '0' && start.data[i] <= '7')
            stated = stated * 8 + (start.data[i] - '0');
    }
    return sum == stated;
}

/* A damaged header is still one: what is wrong with it says who reads it. */
static bool may_be_tar(struct slice start)
{
    static const char magic[] = "ustar";
    size_t equal = 0;

    if (start.len < TAR_HEADER)
        return false;
    for (size_t i = 0; i < strlen(magic); i++)
        equal += start.data[TAR_MAGIC_AT + i] == (uint8_t)magic[i];
    return equal + 1 >= strlen(magic) || has_tar_checksum(start);
}

static struct kind kind_of(struct slice start)
{
    if (start.len == 0)
        return (struct kind){.what = "empty", .hint = ""};
    if (is_zeros(start))
        return (struct kind){.what = start.len < TAR_HEADER ? "nothing but zeros"
                                                            : "an empty tar, or nothing but zeros",
                             .hint = ""};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (begins_with(start, kinds[i].start))
            return kinds[i];
    }
    if (is_text(start))
        return (struct kind){.what = "text", .hint = ""};
    return (struct kind){.what = "of a format that pgcask does not know", .hint = ""};
}

/* What to type. tool: NULL: it cannot be turned into what is wanted on the way. */
static bool hint_at(const char *name, const struct kind *kind, const char *tool, const char *words,
                    struct error *err)
{
    static const char all[] = "A backup is a folder, a tar, or an archive of pg_dump; a server is "
                              "restored from an SQL script, too.";
    bool is_file = strcmp(name, "-") != 0, is_text = strcmp(kind->hint, HINT_SQL) == 0;
    char quoted[QUOTE_PATH_SIZE] = "";

    if (tool == NULL)
        return error_hint(err, "%s%s%s", kind->hint, *kind->hint == '\0' ? "" : "\n", all);
    if (is_file)
        quote_shell(name, quoted, sizeof(quoted));
    return error_hint(err, "%s on the way:  %s%s%s | pgcask %s\n%s",
                      is_text ? "Have it in UTF-8" : "Unpack it", tool, is_file ? " " : "", quoted,
                      is_text ? RESTORE_SCRIPT : words, all);
}

static bool check_file(const char *name, struct record_source *source, const char *words,
                       struct error *err)
{
    const char *said = strcmp(name, "-") == 0 ? "standard input" : name;
    char above[QUOTE_PATH_SIZE];
    enum compression compression;
    struct kind kind;
    struct slice start;

    if (!near_miss_check_finished(name, false, err) ||
        !tar_source_peek(source, TAR_HEADER, &start, err))
        return false;
    if (may_be_tar(start))
        return true;
    if (near_miss_find_backup_above(name, above)) {
        error_set(err, ERROR_CORRUPT, "%s is a part of the backup %s", said, above);
        return error_hint(err, "Name the backup itself:  %s", above);
    }
    if (start.len > TAR_HEADER)
        start.len = TAR_HEADER;
    kind = kind_of(start);
    compression = tar_source_compression(source);
    if (compression == COMPRESSION_NONE)
        error_set(err, ERROR_CORRUPT, "%s is no tar: it is %s", said, kind.what);
    else
        error_set(err, ERROR_CORRUPT, "%s is no tar: what %s compressed in it is %s", said,
                  compression_name(compression), kind.what);
    return hint_at(name, &kind, compression == COMPRESSION_NONE ? tool_of(start) : NULL, words,
                   err);
}

bool near_miss_check_source(const char *name, bool is_folder, struct record_source *source,
                            const char *words, struct error *err)
{
    return is_folder ? near_miss_check(name, err) : check_file(name, source, words, err);
}
