/*
 * The passfile: lines "host:port:database:user:password", of which the first that fits counts.
 * Source: PostgreSQL documentation, "The Password File".
 */
#include "wire/auth_password_internal.h"
#include "wire/settings_internal.h"
#include "base/error_names.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PASSFILE_MAX ((off_t)1024 * 1024)

struct passfile_key {
    const char *host, *port, *dbname, *user;
    bool local; /* the host is none at all or a usual socket folder: "localhost" means it, too */
};

/* ---- Lines ---- */

/* Takes a field and the colon behind it off the line; true if it is "*" or the value. A backslash
 * makes the byte behind it an ordinary one. */
static bool take_field(struct slice *line, const char *value, const char *other)
{
    bool any = line->len >= 2 && line->data[0] == '*' && line->data[1] == ':';
    bool value_fits = true, other_fits = other != NULL;
    size_t n = 0;

    while (line->len > 0 && line->data[0] != ':') {
        uint8_t byte = line->data[0];

        slice_take(line, 1);
        if (byte == '\\' && line->len > 0) {
            byte = line->data[0];
            slice_take(line, 1);
        }
        value_fits = value_fits && value[n] != '\0' && (uint8_t)value[n] == byte;
        other_fits = other_fits && other[n] != '\0' && (uint8_t)other[n] == byte;
        n++;
    }
    if (line->len == 0)
        return false; /* no colon: not a line of five fields */
    slice_take(line, 1);
    return any || (value_fits && value[n] == '\0') || (other_fits && other[n] == '\0');
}

static bool line_fits(struct slice *line, const struct passfile_key *key)
{
    if (line->len == 0 || line->data[0] == '#')
        return false;
    return take_field(line, key->host, key->local ? "localhost" : NULL) &&
           take_field(line, key->port, NULL) && take_field(line, key->dbname, NULL) &&
           take_field(line, key->user, NULL);
}

/* What is left of the line, up to a colon that is not escaped. */
static bool append_password(struct slice line, struct buffer *password, struct error *err)
{
    if (!buffer_reserve(password, line.len, err))
        return false;
    while (line.len > 0 && line.data[0] != ':') {
        if (line.data[0] == '\\' && line.len > 1)
            slice_take(&line, 1);
        if (!buffer_append_byte(password, line.data[0], err))
            return false;
        slice_take(&line, 1);
    }
    return true;
}

static struct slice take_line(struct slice *text)
{
    struct slice line = slice_take_line(text);

    while (line.len > 0 && line.data[line.len - 1] == '\r')
        line.len--;
    return line;
}

static bool find_password(struct slice text, const struct passfile_key *key,
                          struct buffer *password, bool *found, struct error *err)
{
    while (text.len > 0) {
        struct slice line = take_line(&text);

        if (!line_fits(&line, key))
            continue;
        *found = line.len > 0;
        return append_password(line, password, err);
    }
    return true;
}

/* ---- The file ---- */

/* Others must not be able to read it. A file of root's that a group may read is how orchestrators
 * hand out secrets. */
static const char *why_unusable(const struct stat *st)
{
    if (!S_ISREG(st->st_mode))
        return "it is not a regular file";
    if (st->st_size > PASSFILE_MAX)
        return "it is larger than 1 MiB";
    if ((st->st_mode & (S_IRWXG | S_IRWXO)) == 0)
        return NULL;
    if (st->st_uid == 0 && (st->st_mode & (S_IWGRP | S_IXGRP | S_IRWXO)) == 0)
        return NULL;
    return "others than its owner may use it; chmod 0600 fixes that";
}

static bool read_open_file(int fd, size_t size, struct buffer *text, struct error *err)
{
    if (!buffer_reserve(text, size, err))
        return false;
    while (text->len < size) {
        ssize_t n = read(fd, text->data + text->len, size - text->len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        text->len += (size_t)n;
    }
    return true;
}

/* Reads the passfile; a missing or unusable one is empty. */
static bool read_passfile(const char *path, struct buffer *text, const struct log *log,
                          struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    const char *why;
    struct stat st;
    bool done = true;

    if (fd < 0) {
        if (errno != ENOENT && errno != ENOTDIR)
            log_message(log, LOG_WARNING, SETTING_PASSFILE " \"%s\" is ignored: %s", path,
                        strerror(errno));
        return true;
    }
    why = fstat(fd, &st) == 0 ? why_unusable(&st) : strerror(errno);
    if (why != NULL)
        log_message(log, LOG_WARNING, SETTING_PASSFILE " \"%s\" is ignored: %s", path, why);
    else
        done = read_open_file(fd, (size_t)st.st_size, text, err);
    close(fd);
    return done;
}

/* Writes where the passfile is; false if there can be none. */
static bool passfile_path(const struct wire_settings *settings, char out[PATH_MAX])
{
    const char *configured = wire_settings_get(settings, "passfile");
    char home[PATH_MAX];
    int len;

    if (configured != NULL && configured[0] != '\0')
        len = snprintf(out, PATH_MAX, "%s", configured);
    else if (settings_home(home, sizeof(home)))
        len = snprintf(out, PATH_MAX, "%s/.pgpass", home);
    else
        return false;
    return len > 0 && len < PATH_MAX;
}

static bool is_usual_socket_folder(const char *host)
{
    return strcmp(host, "/var/run/postgresql") == 0 || strcmp(host, "/run/postgresql") == 0 ||
           strcmp(host, "/tmp") == 0;
}

static const char *text_or(const char *text, const char *otherwise)
{
    return text != NULL && text[0] != '\0' ? text : otherwise;
}

bool passfile_search(struct slice text, const struct wire_password_request *request,
                     struct buffer *password, bool *found, struct error *err)
{
    struct passfile_key key = {
        .host = text_or(request->host, "localhost"),
        .port = text_or(request->port, "5432"),
        .dbname = text_or(request->database, ""),
        .user = text_or(request->user, ""),
    };

    *found = false;
    key.local = is_usual_socket_folder(key.host);
    return find_password(text, &key, password, found, err);
}

bool passfile_find_password(const struct wire_settings *settings,
                            const struct wire_password_request *request, struct buffer *password,
                            bool *found, const struct log *log, struct error *err)
{
    struct buffer text = {0};
    char path[PATH_MAX];
    bool done;

    *found = false;
    if (!passfile_path(settings, path))
        return true;
    done = read_passfile(path, &text, log, err) &&
           passfile_search(buffer_slice(&text), request, password, found, err);
    buffer_free_secret(&text);
    return done;
}
