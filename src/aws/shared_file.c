/* Reads the files of ~/.aws as AWS's own tools do: a line at a time, without quotes and escapes. */
#include "aws/shared_file.h"

#include <errno.h>
#include <fcntl.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLANKS " \t\r"

#define FILE_MAX ((size_t)1024 * 1024)

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r';
}

/* "[profile x]": any blanks between its words, and a name that may be quoted. */
static bool is_section(struct slice line, const char *section)
{
    const uint8_t *end = memchr(line.data, ']', line.len);

    if (end == NULL)
        return false;
    slice_take(&line, 1);
    line = slice_trim(slice_make(line.data, (size_t)(end - line.data)), BLANKS);
    if (strncmp(section, "profile ", 8) == 0) {
        if (line.len < 9 || memcmp(line.data, "profile", 7) != 0 || !is_blank(line.data[7]))
            return false;
        slice_take(&line, 8);
        section += 8;
        line = slice_trim(line, BLANKS);
    }
    if (line.len >= 2 && (line.data[0] == '"' || line.data[0] == '\'') &&
        line.data[line.len - 1] == line.data[0])
        line = slice_make(line.data + 1, line.len - 2);
    return slice_equals(line, slice_string(section));
}

/* What stands behind a blank and a # or ; is a comment. */
static struct slice without_comment(struct slice value)
{
    for (size_t i = 1; i < value.len; i++) {
        if ((value.data[i] == '#' || value.data[i] == ';') && is_blank(value.data[i - 1]))
            value.len = i;
    }
    return slice_trim(value, BLANKS);
}

static bool is_key(struct slice line, const char *key, struct slice *value)
{
    const uint8_t *equals = memchr(line.data, '=', line.len);
    struct slice name;

    if (equals == NULL)
        return false;
    name = slice_trim(slice_make(line.data, (size_t)(equals - line.data)), BLANKS);
    if (name.len != strlen(key) || strncasecmp((const char *)name.data, key, name.len) != 0)
        return false;
    *value = without_comment(slice_make(equals + 1, line.len - (size_t)(equals + 1 - line.data)));
    return true;
}

static bool search(struct slice text, const char *section, const char *key, struct slice *value)
{
    bool inside = false, found = false;

    while (text.len > 0) {
        struct slice line = slice_take_line(&text);

        if (line.len == 0 || is_blank(line.data[0]) || line.data[0] == '#' || line.data[0] == ';')
            continue;
        if (line.data[0] == '[') {
            inside = is_section(line, section);
            found = found || (inside && key == NULL);
        } else if (inside && key != NULL && is_key(line, key, value)) {
            found = true;
        }
    }
    return found;
}

bool shared_file_has(struct slice text, const char *section)
{
    return search(text, section, NULL, NULL);
}

bool shared_file_find(struct slice text, const char *section, const char *key, struct slice *value)
{
    return search(text, section, key, value) && value->len > 0;
}

static bool read_all(int fd, const char *path, struct buffer *text, struct error *err)
{
    struct stat info;
    ssize_t count;

    if (fstat(fd, &info) != 0)
        return error_set_errno(err, errno, "cannot read %s", path);
    if (!S_ISREG(info.st_mode) || info.st_size > (off_t)FILE_MAX)
        return error_set(err, ERROR_IO, "%s is no file, or has more than 1 MiB", path);
    /* In one piece, because growing would leave copies of a secret behind. */
    if (!buffer_reserve(text, (size_t)info.st_size + 1, err))
        return false;
    while (text->len < (size_t)info.st_size) {
        count = read(fd, text->data + text->len, (size_t)info.st_size - text->len);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return error_set_errno(err, errno, "cannot read %s", path);
        if (count == 0)
            break;
        text->len += (size_t)count;
    }
    if (text->data != NULL)
        text->data[text->len] = '\0';
    return true;
}

bool shared_file_read(const char *path, struct buffer *text, bool *found, struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    bool done;

    *found = fd >= 0;
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return true;
    if (fd < 0)
        return error_set_errno(err, errno, "cannot open %s", path);
    done = read_all(fd, path, text, err);
    close(fd);
    return done;
}
