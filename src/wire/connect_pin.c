/*
 * Settings that lead to one server only, made of the address a session has. The name stays:
 * certificates and the passfile go by it.
 */
#include "wire/conn_internal.h"
#include "wire/settings_internal.h"

#include <netdb.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/un.h>

struct place {
    char host[256]; /* "" for none */
    char address[SOCKET_TEXT_SIZE];
    char port[8];
};

/* FOLDER/.s.PGSQL.PORT, as socket_unix_address made it. */
static bool place_of_unix(const struct socket_address *address, struct place *place)
{
    struct sockaddr_un name;
    char path[sizeof(name.sun_path) + 1] = "";
    char *file;
    size_t len = address->len - offsetof(struct sockaddr_un, sun_path);

    memcpy(&name, &address->storage, sizeof(name));
    memcpy(path, name.sun_path, len < sizeof(name.sun_path) ? len : sizeof(name.sun_path));
    if (path[0] == '\0')
        path[0] = '@';
    file = strstr(path, "/.s.PGSQL.");
    for (char *at = file; at != NULL; at = strstr(at + 1, "/.s.PGSQL."))
        file = at;
    if (file == NULL)
        return false;
    snprintf(place->port, sizeof(place->port), "%.7s", file + strlen("/.s.PGSQL."));
    *file = '\0';
    snprintf(place->host, sizeof(place->host), "%s", path);
    return true;
}

static bool place_of(const struct wire_conn *conn, struct place *place)
{
    const struct socket_address *address = &conn->address;

    *place = (struct place){.host = ""};
    if (address->storage.ss_family == AF_UNIX)
        return place_of_unix(address, place);
    snprintf(place->host, sizeof(place->host), "%s", conn->host);
    return getnameinfo((const struct sockaddr *)&address->storage, address->len, place->address,
                       sizeof(place->address), place->port, sizeof(place->port),
                       NI_NUMERICHOST | NI_NUMERICSERV) == 0;
}

static const char *or_null(const char *text)
{
    return text[0] == '\0' ? NULL : text;
}

struct wire_settings *wire_settings_pin(const struct wire_settings *settings,
                                        const struct wire_conn *conn, struct error *err)
{
    struct wire_settings *pinned;
    struct place place;

    if (!place_of(conn, &place)) {
        error_set(err, ERROR_CONNECT, "cannot tell the address of %s", conn->peer);
        return NULL;
    }
    pinned = wire_settings_clone(settings, err);
    if (pinned == NULL)
        return NULL;
    if (wire_settings_set(pinned, "host", or_null(place.host), err) &&
        wire_settings_set(pinned, "hostaddr", or_null(place.address), err) &&
        wire_settings_set(pinned, "port", place.port, err) &&
        wire_settings_set(pinned, "target_session_attrs", NULL, err) &&
        wire_settings_set(pinned, "load_balance_hosts", NULL, err))
        return pinned;
    wire_settings_free(pinned);
    return NULL;
}
