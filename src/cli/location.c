#include "cli/location.h"

#include "base/error_names.h"
#include "base/quote.h"
#include "manifest/manifest_stream.h"
#include "manifest/summary.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text), end_len = strlen(end);

    return len > end_len && strcmp(text + len - end_len, end) == 0;
}

static const struct {
    const char *end;
    enum compression compression;
} tar_ends[] = {
    {".tar", COMPRESSION_NONE},      {".tar.gz", COMPRESSION_GZIP},  {".tgz", COMPRESSION_GZIP},
    {".tar.lz4", COMPRESSION_LZ4},   {".tar.zst", COMPRESSION_ZSTD}, {".tzst", COMPRESSION_ZSTD},
    {".tar.zstd", COMPRESSION_ZSTD}, {".tlz4", COMPRESSION_LZ4},     {".tzstd", COMPRESSION_ZSTD},
};

static const char *base_name(const char *name)
{
    const char *slash = strrchr(name, '/');

    return slash == NULL ? name : slash + 1;
}

static bool is_tar_name(const char *name, enum compression *compression)
{
    name = base_name(name);
    for (size_t i = 0; i < sizeof(tar_ends) / sizeof(tar_ends[0]); i++) {
        if (!ends_with(name, tar_ends[i].end))
            continue;
        *compression = tar_ends[i].compression;
        return true;
    }
    return false;
}

/* Nobody means a folder by these; in capitals, those above are meant, which other programs would
 * not know. */
static const char *other_format(const char *name)
{
    static const char *const ends[] = {
        ".tar",      ".tgz",  ".tzst", ".gz",     ".lz4",  ".zst",     ".zstd",   ".bz2",
        ".tbz",      ".tbz2", ".xz",   ".txz",    ".lz",   ".lzma",    ".z",      ".zip",
        ".7z",       ".rar",  ".cpio", ".dump",   ".dmp",  ".sql",     ".json",   ".txt",
        ".csv",      ".img",  ".iso",  ".pgdump", ".ptar", ".tlz4",    ".tzstd",  ".backup",
        ".bak",      ".bkp",  ".bck",  ".tz",     ".taz",  ".tb2",     ".tz2",    ".tlz",
        ".tlzma",    ".tbz3", ".bz",   ".bz3",    ".br",   ".sz",      ".lzo",    ".tzo",
        ".tlzo",     ".cab",  ".ar",   ".a",      ".deb",  ".wim",     ".sqfs",   ".squashfs",
        ".gpg",      ".pgp",  ".enc",  ".age",    ".pgd",  ".pg_dump", ".custom", ".copy",
        ".xbstream", ".conf", ".md",   ".log",
    };

    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        size_t len = strlen(base_name(name)), end_len = strlen(ends[i]);

        if (len > end_len && strcasecmp(base_name(name) + len - end_len, ends[i]) == 0)
            return ends[i];
    }
    return NULL;
}

static bool fail_other_format(const char *name, const char *end, struct error *err)
{
    char file[QUOTE_PATH_SIZE], folder[QUOTE_PATH_SIZE], stem_text[RECORD_PATH_MAX];
    int stem = (int)(strlen(name) - strlen(end));

    if (stem > 4 && strncasecmp(name + stem - 4, ".tar", 4) == 0)
        stem -= 4;
    error_set(err, ERROR_USAGE, "no backup is written in the format that the name \"%s\" promises",
              name);
    snprintf(stem_text, sizeof(stem_text), "%.*s.tar", stem, name);
    return error_hint(err,
                      "One file:  " OPTION_TO
                      " %s  (or .tar.gz, .tar.lz4, .tar.zst: compressed)\nA folder of that name, "
                      "with DATABASE.dump in it if the backup is a logical one:  " OPTION_TO " %s/",
                      quote_shell(stem_text, file, sizeof(file)),
                      quote_shell(name, folder, sizeof(folder)));
}

bool location_of_target(const char *name, enum location_kind *kind, enum compression *compression,
                        struct error *err)
{
    struct stat info;
    const char *end;

    *compression = COMPRESSION_NONE;
    if (*name == '\0')
        return error_set(err, ERROR_USAGE, "the target is an empty name");
    if (strstr(name, "://") != NULL)
        return error_set(err, ERROR_USAGE,
                         "a backup goes to a directory, a .tar file or -, not to "
                         "a URI");
    *kind = LOCATION_DIRECTORY;
    if (strcmp(name, "-") == 0)
        *kind = LOCATION_STREAM;
    else if (is_tar_name(name, compression))
        *kind = LOCATION_TAR_FILE;
    else if ((end = other_format(name)) != NULL &&
             (stat(name, &info) != 0 || !S_ISDIR(info.st_mode)))
        return fail_other_format(name, end, err);
    return true;
}

static bool fail_absent(const char *name, int errno_value, struct error *err)
{
    char partial[4096];
    struct stat info;

    error_set_errno(err, errno_value, "cannot open the backup %s", name);
    snprintf(partial, sizeof(partial), "%s.partial", name);
    if (errno_value == ENOENT && stat(partial, &info) == 0)
        error_hint(err, "%s is there: a backup that is still running or was interrupted.", partial);
    return false;
}

bool location_of_source(const char *name, enum location_kind *kind, uint64_t *bytes,
                        struct error *err)
{
    struct stat info;

    *bytes = 0;
    if (strstr(name, "://") != NULL) {
        error_set(err, ERROR_USAGE, "a backup is a directory, a .tar file or -, not a URI");
        return error_hint(err, "\"pgcask backup\" makes one from a server.");
    }
    if (strcmp(name, "-") == 0) {
        *kind = LOCATION_STREAM;
        if (!isatty(STDIN_FILENO))
            return true;
        error_set(err, ERROR_USAGE, "standard input is a terminal, not a backup");
        return error_hint(err, "Pipe a tar into it, or name a directory or .tar file.");
    }
    if (stat(name, &info) != 0)
        return fail_absent(name, errno, err);
    *kind = S_ISDIR(info.st_mode) ? LOCATION_DIRECTORY : LOCATION_TAR_FILE;
    if (S_ISREG(info.st_mode))
        *bytes = (uint64_t)info.st_size;
    return true;
}

static struct record_source *open_source(const char *name, enum location_kind kind,
                                         const char *const *first, const char *const *last,
                                         const struct cancel *cancel, struct error *err)
{
    struct record_source *source;

    if (kind == LOCATION_DIRECTORY)
        return directory_source_new(name, first, last, err);
    source = kind == LOCATION_TAR_FILE ? tar_source_new_file(name, err)
                                       : tar_source_new_fd(STDIN_FILENO, err);
    if (source != NULL)
        tar_source_set_cancel(source, cancel);
    return source;
}

struct record_source *location_open_backup(const char *name, enum location_kind kind,
                                           const struct cancel *cancel, struct error *err)
{
    static const char *const first[] = {MANIFEST_PATH, ARCHIVE_TOC_PATHS, NULL};
    static const char *const last[] = {"/data/backup_manifest", SUMMARY_PATH, NULL};

    return open_source(name, kind, first, last, cancel, err);
}

struct record_source *location_open_for_listing(const char *name, enum location_kind kind,
                                                const struct cancel *cancel, struct error *err)
{
    static const char *const first[] = {MANIFEST_PATH, SUMMARY_PATH, ARCHIVE_TOC_PATHS, NULL};

    return open_source(name, kind, first, NULL, cancel, err);
}

bool location_find_archive(const char *name, enum location_kind kind, struct record_source *source,
                           enum archive_kind *archive, struct error *err)
{
    if (kind != LOCATION_DIRECTORY)
        return archive_kind_of_tar(source, archive, err);
    *archive = archive_kind_of_directory(name);
    return true;
}

uint64_t location_directory_bytes(const char *name, const struct cancel *cancel)
{
    struct error ignored;
    struct record_source *source = directory_source_new(name, NULL, NULL, &ignored);
    enum source_status status = SOURCE_FAILED;
    uint64_t bytes = 0;
    struct record record;

    while (source != NULL && !cancel_requested(cancel) &&
           (status = source_next(source, &record, &ignored)) == SOURCE_RECORD) {
        if (record.type == RECORD_FILE && record.size > 0)
            bytes += (uint64_t)record.size;
        reader_close(record.reader);
    }
    source_close(source);
    return status == SOURCE_END ? bytes : 0;
}
