/* The refusal is worth a question to the server: whoever reads it is told how many databases there
 * are, which, and the location to type for one of them. */
#include "plakar/unnamed_database.h"

#include "backup/server.h"

#include <stdlib.h>

bool unnamed_database(const struct configuration *configuration)
{
    return !configuration->physical &&
           wire_settings_database_from(configuration->settings) != WIRE_DATABASE_NAMED;
}

/* As a part of a URI. */
static bool append_encoded(struct buffer *out, const char *name, struct error *err)
{
    for (; *name != '\0'; name++) {
        uint8_t byte = (uint8_t)*name;
        bool plain = (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
                     (byte >= 'a' && byte <= 'z') || strchr("-._~", byte) != NULL;

        if (!(plain ? buffer_append_byte(out, byte, err) : buffer_printf(out, err, "%%%02X", byte)))
            return false;
    }
    return true;
}

/* The location with the database in it; of user:password@host, the password is left out. Parameters
 * may hold one as well, and are only hinted at. */
static bool append_location(struct buffer *out, const char *location, const char *database,
                            struct error *err)
{
    const char *start = location == NULL ? NULL : strstr(location, "//");
    const char *authority = start == NULL ? "" : start + 2;
    size_t len = strcspn(authority, "/?");
    size_t scheme = start == NULL ? 0 : (size_t)(start - location);
    const char *query = strchr(authority, '?');
    const char *at = memrchr(authority, '@', len);
    size_t user = at == NULL ? 0 : strcspn(authority, ":@");
    size_t host = at == NULL ? 0 : (size_t)(at - authority) + 1;

    return buffer_printf(out, err, "%.*s//%.*s%s%.*s/", scheme > 0 ? (int)scheme : 9,
                         scheme > 0 ? location : "postgres:", (int)user, authority,
                         at == NULL ? "" : "@", (int)(len - host), authority + host) &&
           append_encoded(out, database, err) &&
           (query == NULL || buffer_append_string(out, query[1] == '\0' ? "" : "?…", err));
}

static void set_hint(const struct configuration *configuration,
                     const struct server_databases *databases, struct error *err)
{
    const char *location = options_text(&configuration->options, "location");
    const char *example = databases->first[0] != '\0' ? databases->first : "DATABASE";
    struct buffer text = {0};
    struct error ignored;

    if (append_location(&text, location, example, &ignored))
        error_hint(err,
                   "Name one, at the location's end: %s  or by a key: database=%s  Each database "
                   "is a source of its own. A location with postgres+bin: copies the whole "
                   "cluster.",
                   buffer_text(&text), example);
    buffer_free(&text);
}

bool unnamed_database_refuse(const struct configuration *configuration, struct cancel *cancel,
                             const struct log *log, struct error *err)
{
    bool environment =
        wire_settings_database_from(configuration->settings) == WIRE_DATABASE_OF_ENVIRONMENT;
    const char *how = environment ? " (PGDATABASE does not choose one for a source)" : "";
    struct server_databases databases;
    struct error why;

    if (server_count_databases(configuration->settings, cancel, log, &databases, &why))
        error_set(err, ERROR_UNSUPPORTED,
                  "the source names no database%s; the server has %llu that allow connections "
                  "(%s%s), and one backup takes one of them",
                  how, (unsigned long long)databases.count, databases.names,
                  databases.count > 5 ? ", …" : "");
    else if (!error_set(err, ERROR_UNSUPPORTED, "the source names no database%s", how))
        error_detail(err, "which the server has could not be asked: %.800s", why.message);
    set_hint(configuration, &databases, err);
    return false;
}
