#include "cli/server_uri.h"

#include "base/text.h"

#include <string.h>

static const struct {
    const char *scheme;
    bool physical;
} schemes[] = {
    {"postgres+bin", true},
    {"postgresql+bin", true},
    {"postgres", false},
    {"postgresql", false},
};

#define SCHEME_COUNT (sizeof(schemes) / sizeof(schemes[0]))

static bool fail_unknown_scheme(const char *shown, struct error *err)
{
    const char *colon = strstr(shown, "://");
    size_t len = colon == NULL ? strlen(shown) : (size_t)(colon - shown);
    const char *names[SCHEME_COUNT];
    char scheme[64];
    const char *nearest;

    len = len < sizeof(scheme) ? len : sizeof(scheme) - 1;
    memcpy(scheme, shown, len);
    scheme[len] = '\0';
    for (size_t i = 0; i < SCHEME_COUNT; i++)
        names[i] = schemes[i].scheme;
    nearest = text_nearest(scheme, names, SCHEME_COUNT);
    error_set(err, ERROR_USAGE, "unknown scheme \"%s://\"", scheme);
    if (nearest != NULL)
        return error_hint(err, "Did you mean %s://?", nearest);
    return error_hint(err, "A server is named by postgres+bin:// or postgres://.");
}

/* What src/wire takes: the scheme without "+bin". Appends to out. */
static bool strip_scheme(struct server_uri *server, const char *uri, const char *shown,
                         struct buffer *out, struct error *err)
{
    const char *colon = strstr(uri, "://");
    size_t len = colon == NULL ? 0 : (size_t)(colon - uri);

    /* In a key=value string "://" may occur in a value. */
    if (colon == NULL || memchr(uri, '=', len) != NULL) {
        if (strchr(uri, '=') != NULL)
            return buffer_append_string(out, uri, err);
        error_set(err, ERROR_USAGE, "\"%s\" names no server", shown);
        return error_hint(err, "A server is named by a URI: postgres+bin://USER@HOST:PORT");
    }
    for (size_t i = 0; i < SCHEME_COUNT; i++) {
        if (strlen(schemes[i].scheme) != len || strncmp(schemes[i].scheme, uri, len) != 0)
            continue;
        server->physical = schemes[i].physical;
        return buffer_append_string(out, "postgres", err) && buffer_append_string(out, colon, err);
    }
    return fail_unknown_scheme(shown, err);
}

bool server_uri_parse(struct server_uri *server, const char *uri, const char *shown,
                      struct error *err)
{
    struct buffer conninfo = {0};
    bool done;

    *server = (struct server_uri){0};
    /* In one piece, because growing would leave copies of the password behind. */
    done = buffer_reserve(&conninfo, strlen(uri) + 16, err) &&
           strip_scheme(server, uri, shown, &conninfo, err) &&
           (server->settings = wire_settings_new(err)) != NULL &&
           wire_settings_parse(server->settings, buffer_text(&conninfo), err) &&
           wire_settings_complete(server->settings, err);
    buffer_free_secret(&conninfo);
    if (!done)
        server_uri_reset(server);
    return done;
}

void server_uri_reset(struct server_uri *server)
{
    wire_settings_free(server->settings);
    server->settings = NULL;
}
