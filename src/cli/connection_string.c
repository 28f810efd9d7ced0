/* Whoever knows psql may name a server by a connection string, which would be the name of a folder
 * here: it is read to say the same as a URI. */
#include "cli/connection_string.h"

#include "base/buffer.h"
#include "base/error_names.h"
#include "wire/wire.h"

#include <ctype.h>
#include <string.h>

static bool append_part(struct buffer *out, const char *before, const char *text, const char *after,
                        struct error *err)
{
    bool done = text == NULL || buffer_append_string(out, before, err);

    for (; done && text != NULL && *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;

        done = isalnum(byte) || strchr("-._~,", byte) != NULL
                   ? buffer_append_byte(out, byte, err)
                   : buffer_printf(out, err, "%%%02X", byte);
    }
    return done && (text == NULL || buffer_append_string(out, after, err));
}

static bool append_uri(struct buffer *out, const struct wire_settings *settings, struct error *err)
{
    const char *database = wire_settings_get(settings, "dbname");
    const char *host = wire_settings_get(settings, "host");
    const char *service = wire_settings_get(settings, "service");

    if (host == NULL)
        host = wire_settings_get(settings, "hostaddr");
    return buffer_append_string(out, "postgres://", err) &&
           append_part(out, "", wire_settings_get(settings, "user"), "@", err) &&
           append_part(out, "", host, "", err) &&
           append_part(out, ":", wire_settings_get(settings, "port"), "", err) &&
           append_part(out, "/", database == NULL ? "" : database, "", err) &&
           append_part(out, "?service=", service, "", err);
}

static bool names_server(const struct wire_settings *settings)
{
    static const char *const names[] = {"host", "hostaddr", "port", "dbname", "user", "service"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (wire_settings_get(settings, names[i]) != NULL)
            return true;
    }
    return false;
}

bool connection_string_refuse(const char *target, struct error *err)
{
    struct wire_settings *settings = strchr(target, '=') == NULL ? NULL : wire_settings_new(err);
    struct buffer uri = {0};
    struct error ignored;
    bool is_one = settings != NULL && wire_settings_parse(settings, target, &ignored) &&
                  names_server(settings) && append_uri(&uri, settings, &ignored);

    if (is_one) {
        error_set(err, ERROR_USAGE,
                  OPTION_TO " has a connection string, and a server is named by a URI");
        error_hint(err,
                   "Type " OPTION_TO " %s (a password is better kept in ~/.pgpass); a folder "
                   "of that name is ./NAME.",
                   buffer_text(&uri));
    }
    buffer_free(&uri);
    wire_settings_free(settings);
    return !is_one;
}
