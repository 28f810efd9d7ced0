/* What the name of a source or target means: which kind of place it is, by its ending and by what
 * is there. A name that promises another format is refused before anything is written under it. */
#include "cli/location.h"

#include "base/error_names.h"
#include "base/quote.h"

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

bool location_of_target(const char *name, struct record_place *place, enum compression *compression,
                        struct error *err)
{
    struct stat info;
    const char *end;

    *place = (struct record_place){.kind = PLACE_DIRECTORY, .path = name, .fd = STDOUT_FILENO};
    *compression = COMPRESSION_NONE;
    if (*name == '\0')
        return error_set(err, ERROR_USAGE, "the target is an empty name");
    if (strstr(name, "://") != NULL)
        return error_set(err, ERROR_USAGE,
                         "a backup goes to a directory, a .tar file or -, not to "
                         "a URI");
    if (strcmp(name, "-") == 0)
        place->kind = PLACE_TAR_STREAM;
    else if (is_tar_name(name, compression))
        place->kind = PLACE_TAR_FILE;
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

bool location_of_source(struct location *location, const char *name, struct error *err)
{
    struct record_place *place = &location->place;
    struct stat info;

    *location = (struct location){.name = name, .place = {.path = name, .fd = STDIN_FILENO}};
    if (strstr(name, "://") != NULL) {
        error_set(err, ERROR_USAGE, "a backup is a directory, a .tar file or -, not a URI");
        return error_hint(err, "\"pgcask backup\" makes one from a server.");
    }
    if (strcmp(name, "-") == 0) {
        place->kind = PLACE_TAR_STREAM;
        if (!isatty(STDIN_FILENO))
            return true;
        error_set(err, ERROR_USAGE, "standard input is a terminal, not a backup");
        return error_hint(err, "Pipe a tar into it, or name a directory or .tar file.");
    }
    if (stat(name, &info) != 0)
        return fail_absent(name, errno, err);
    place->kind = S_ISDIR(info.st_mode) ? PLACE_DIRECTORY : PLACE_TAR_FILE;
    return true;
}

void location_follow(const struct location *location, const struct command *command,
                     const struct record_source *source, struct progress *progress)
{
    const struct record_place *place = &location->place;
    bool is_directory = place->kind == PLACE_DIRECTORY;

    /* A look at every file is for somebody who sees it only. */
    if (!is_directory || (!command->quiet && command->console->terminal))
        progress_set_total(progress, record_place_bytes(place, command->cancel));
    if (!is_directory)
        progress_follow(progress, source);
}
