/*
 * Service files: sections "[name]" of lines "key=value". Source: PostgreSQL documentation, "The
 * Connection Service File". What the connection string says wins over the section, and the section
 * over the environment.
 */
#include "wire/settings_internal.h"
#include "base/error_names.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SERVICE_FILE_MAX ((size_t)1024 * 1024)

/* Where PostgreSQL's packages have it, of which the first that is there counts. */
static const char *const system_folders[] = {"/etc/postgresql-common", "/etc/sysconfig/pgsql",
                                             "/etc", "/usr/local/etc"};

/* "[name]", with anything behind it. */
static bool is_section(struct slice line, const char *name)
{
    size_t len = strlen(name);

    return line.len >= len + 2 && memcmp(line.data + 1, name, len) == 0 &&
           line.data[len + 1] == ']';
}

static bool begins_with(struct slice line, const char *text)
{
    return line.len >= strlen(text) && memcmp(line.data, text, strlen(text)) == 0;
}

static bool refuse_line(const char *path, unsigned number, const char *why, const char *hint,
                        struct error *err)
{
    error_set(err, ERROR_USAGE, "service file \"%.300s\", line %u: %s", path, number, why);
    return error_hint(err, ERROR_OURS("%s"), hint);
}

/* A line of the section. A piece of a password may stand anywhere in it, so that nothing but a
 * parameter's name is ever repeated. */
static bool take_setting(struct wire_settings *settings, struct slice line, const char *path,
                         unsigned number, struct error *err)
{
    const uint8_t *equals = memchr(line.data, '=', line.len);
    char name[64] = "";
    char *value;
    size_t len;
    bool done;
    int index;

    if (begins_with(line, "ldap"))
        return refuse_line(path, number, "settings from LDAP are not supported",
                           "Write the settings themselves into the file.", err);
    if (equals == NULL)
        return refuse_line(path, number, "there is no \"=\"", "A line is key=value.", err);
    len = (size_t)(equals - line.data);
    if (len < sizeof(name))
        memcpy(name, line.data, len);
    if (strcmp(name, "service") == 0 || strcmp(name, "servicefile") == 0)
        return refuse_line(path, number, "a service cannot name another service",
                           "Copy that service's settings.", err);
    index = settings_find(name);
    if (index < 0)
        return refuse_line(path, number, "unknown connection setting",
                           "A line is key=value, without blanks around the equals sign.", err);
    if (settings->values[index] != NULL)
        return true;
    value = strndup((const char *)equals + 1, line.len - len - 1);
    if (value == NULL)
        return error_set_memory(err);
    done = settings_put(settings, (size_t)index, value, err);
    explicit_bzero(value, strlen(value));
    free(value);
    return done;
}

bool settings_read_service(struct wire_settings *settings, struct slice text, const char *path,
                           const char *service, bool *found, struct error *err)
{
    *found = false;
    for (unsigned number = 1; text.len > 0; number++) {
        struct slice line = slice_trim(slice_take_line(&text), " \t\n\v\f\r");

        if (line.len == 0 || line.data[0] == '#')
            continue;
        if (line.data[0] == '[') {
            if (*found)
                return true;
            *found = is_section(line, service);
        } else if (*found && !take_setting(settings, line, path, number, err)) {
            return false;
        }
    }
    return true;
}

/* ---- Files ---- */

static bool read_text(int fd, struct buffer *text, struct error *err)
{
    while (text->len <= SERVICE_FILE_MAX) {
        ssize_t n;

        if (!buffer_reserve(text, 16 * 1024, err))
            return false;
        n = read(fd, text->data + text->len, 16 * 1024);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_set_errno(err, errno, "cannot read");
        if (n == 0)
            return true;
        text->len += (size_t)n;
    }
    return error_set(err, ERROR_USAGE, "it is larger than 1 MiB");
}

static bool read_service_file(struct wire_settings *settings, const char *path, const char *service,
                              bool *found, struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct buffer text = {0};
    bool done;

    *found = false;
    if (fd < 0) {
        error_set(err, ERROR_USAGE, "cannot open the service file \"%.300s\": %s", path,
                  strerror(errno));
        return error_hint(err, "Check " SETTING_SERVICEFILE
                               " and PGSERVICEFILE, or put the file at ~/.pg_service.conf.");
    }
    done = read_text(fd, &text, err);
    if (!done)
        error_prefix(err, "service file \"%.300s\"", path);
    done = done && settings_read_service(settings, buffer_slice(&text), path, service, found, err);
    close(fd);
    buffer_free_secret(&text);
    return done;
}

static const char *variable(const struct wire_settings *settings, const char *name)
{
    return settings->ignores_environment ? NULL : getenv(name);
}

static bool file_exists(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0;
}

/* The user's own file: what is named has to be there, ~/.pg_service.conf need not. */
static bool read_user_file(struct wire_settings *settings, const char *service, bool *found,
                           struct error *err)
{
    const char *named = wire_settings_get(settings, "servicefile");
    char home[PATH_MAX], path[PATH_MAX + 32];

    *found = false;
    if (named == NULL)
        named = variable(settings, "PGSERVICEFILE");
    if (named != NULL)
        return read_service_file(settings, named, service, found, err);
    if (!settings_home(home, sizeof(home)))
        return true;
    snprintf(path, sizeof(path), "%s/.pg_service.conf", home);
    return !file_exists(path) || read_service_file(settings, path, service, found, err);
}

static bool read_system_file(struct wire_settings *settings, const char *service, bool *found,
                             struct error *err)
{
    const char *folder = variable(settings, "PGSYSCONFDIR");
    char path[PATH_MAX];

    *found = false;
    if (folder != NULL) {
        snprintf(path, sizeof(path), "%.4000s/pg_service.conf", folder);
        return !file_exists(path) || read_service_file(settings, path, service, found, err);
    }
    for (size_t i = 0; i < sizeof(system_folders) / sizeof(system_folders[0]); i++) {
        snprintf(path, sizeof(path), "%s/pg_service.conf", system_folders[i]);
        if (file_exists(path))
            return read_service_file(settings, path, service, found, err);
    }
    return true;
}

bool settings_from_service(struct wire_settings *settings, struct error *err)
{
    const char *service = wire_settings_get(settings, "service");
    bool found;

    if (service == NULL)
        service = variable(settings, "PGSERVICE");
    if (service == NULL)
        return true;
    if (!read_user_file(settings, service, &found, err))
        return false;
    if (!found && !read_system_file(settings, service, &found, err))
        return false;
    if (found)
        return true;
    error_set(err, ERROR_USAGE, "there is no service \"%.100s\" in a service file", service);
    return error_hint(err,
                      "Its settings go under [%.100s] in ~/.pg_service.conf, the file that "
                      "PGSERVICEFILE names, or PGSYSCONFDIR/pg_service.conf.",
                      service);
}
