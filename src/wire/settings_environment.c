/*
 * What stands in for settings that nobody gave: PG* variables, and what this machine suggests. The
 * user and the home come from /etc/passwd by hand, because the C library's way loads modules that a
 * static program cannot.
 */
#include "wire/settings_internal.h"

#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- Variables ---- */

bool settings_from_environment(struct wire_settings *settings, struct error *err)
{
    size_t count;
    const struct setting_parameter *table = settings_table(&count);
    const char *require_tls;

    if (settings->ignores_environment)
        return true;
    for (size_t i = 0; i < count; i++) {
        const char *value;

        if (settings->values[i] != NULL || table[i].environment == NULL)
            continue;
        value = getenv(table[i].environment);
        if (value != NULL && !settings_put(settings, i, value, err))
            return false;
    }
    /* The predecessor of PGSSLMODE. To ignore it would be to connect in clear where somebody asked
     * for TLS. */
    require_tls = getenv("PGREQUIRESSL");
    if (require_tls != NULL && require_tls[0] == '1' &&
        wire_settings_get(settings, "sslmode") == NULL)
        return wire_settings_set(settings, "sslmode", "require", err);
    return true;
}

/* ---- The system ---- */

/* A user's line of /etc/passwd. getpwuid would load the name service's shared libraries, which a
 * static program cannot; users from elsewhere (LDAP) have $USER and $HOME. */
static bool passwd_entry(uid_t uid, struct passwd *entry, char *text, size_t text_size)
{
    FILE *file = fopen("/etc/passwd", "re");
    bool found = false;

    if (file == NULL)
        return false;
    for (;;) {
        struct passwd *result;

        if (fgetpwent_r(file, entry, text, text_size, &result) != 0)
            break;
        found = entry->pw_uid == uid;
        if (found)
            break;
    }
    fclose(file);
    return found;
}

static const char *variable(const char *name)
{
    const char *value = getenv(name);

    return value != NULL && value[0] != '\0' ? value : NULL;
}

bool settings_home(char *out, size_t out_size)
{
    const char *home = variable("HOME");
    struct passwd entry;
    char text[4096];

    if (home == NULL && passwd_entry(geteuid(), &entry, text, sizeof(text)))
        home = entry.pw_dir;
    if (home == NULL || home[0] == '\0' || strlen(home) >= out_size)
        return false;
    memcpy(out, home, strlen(home) + 1);
    return true;
}

bool wire_home_folder(char *out, size_t out_size)
{
    return settings_home(out, out_size);
}

bool settings_user_name(uid_t uid, char *out, size_t out_size)
{
    struct passwd entry;
    char text[4096];

    if (!passwd_entry(uid, &entry, text, sizeof(text)) || strlen(entry.pw_name) >= out_size)
        return false;
    memcpy(out, entry.pw_name, strlen(entry.pw_name) + 1);
    return true;
}

static bool default_user(struct wire_settings *settings, struct error *err)
{
    struct passwd entry;
    char text[4096];
    const char *user = NULL;

    if (passwd_entry(geteuid(), &entry, text, sizeof(text)))
        user = entry.pw_name;
    if (user == NULL)
        user = variable("LOGNAME");
    if (user == NULL)
        user = variable("USER");
    if (user != NULL)
        return wire_settings_set(settings, "user", user, err);
    error_set(err, ERROR_USAGE, "no user to connect as: uid %u has no name in /etc/passwd",
              (unsigned)geteuid());
    return error_hint(err, "Name the user in the URI (postgres://USER@host/db) or in PGUSER.");
}

/* Debian's folder if there is one, upstream's if a server listens there. */
const char *settings_default_host(const char *port)
{
    static const char *const folders[] = {"/var/run/postgresql", "/tmp"};
    char socket_path[64];
    struct stat st;

    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        snprintf(socket_path, sizeof(socket_path), "%s/.s.PGSQL.%.5s", folders[i], port);
        if (stat(socket_path, &st) == 0 && S_ISSOCK(st.st_mode))
            return folders[i];
    }
    return stat(folders[0], &st) == 0 && S_ISDIR(st.st_mode) ? folders[0] : "localhost";
}

bool settings_from_system(struct wire_settings *settings, struct error *err)
{
    if (wire_settings_get(settings, "host") == NULL &&
        wire_settings_get(settings, "hostaddr") == NULL &&
        !wire_settings_set(settings, "host",
                           settings_default_host(wire_settings_get(settings, "port")), err))
        return false;
    if (wire_settings_get(settings, "user") == NULL && !default_user(settings, err))
        return false;
    if (wire_settings_get(settings, "dbname") != NULL)
        return true;
    return wire_settings_set(settings, "dbname", wire_settings_get(settings, "user"), err);
}
