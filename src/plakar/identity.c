#include "plakar/identity.h"

#include "manifest/utf8.h"

#include <stdio.h>
#include <unistd.h>

#define HOST_SIZE 256

/* Takes one item off a comma list. */
static struct slice take_item(struct slice *list)
{
    size_t n = 0;
    struct slice item;

    while (n < list->len && list->data[n] != ',')
        n++;
    item = slice_take(list, n);
    if (list->len > 0)
        slice_take(list, 1);
    return item;
}

static bool is_loopback(struct slice host)
{
    return slice_equals(host, slice_string("localhost")) ||
           slice_equals(host, slice_string("::1")) ||
           (host.len > 4 && memcmp(host.data, "127.", 4) == 0);
}

static bool append_host(struct buffer *out, struct slice host, const char *machine,
                        struct error *err)
{
    bool socket = host.len > 0 && (host.data[0] == '/' || host.data[0] == '@');

    if (host.len == 0 || is_loopback(host))
        return buffer_append_string(out, machine, err);
    if (socket)
        return buffer_printf(out, err, "%s:%.*s", machine, (int)host.len, (const char *)host.data);
    if (memchr(host.data, ':', host.len) != NULL)
        return buffer_printf(out, err, "[%.*s]", (int)host.len, (const char *)host.data);
    for (size_t i = 0; i < host.len; i++) { /* names of hosts do not care */
        uint8_t byte = host.data[i];

        if (byte >= 'A' && byte <= 'Z')
            byte = (uint8_t)(byte - 'A' + 'a');
        if (!buffer_append_byte(out, byte, err))
            return false;
    }
    return true;
}

/* As in connecting, a list of hosts may share one port. */
static bool append_addresses(struct buffer *out, const char *host_list, const char *port_list,
                             const char *machine, struct error *err)
{
    struct slice hosts = slice_string(host_list), ports = slice_string(port_list);
    struct slice port = {0};
    bool first = true;

    while (first || hosts.len > 0) {
        struct slice host = take_item(&hosts);

        if (first || strchr(port_list, ',') != NULL)
            port = take_item(&ports);
        if (port.len == 0)
            port = slice_string("5432");
        if ((!first && !buffer_append_byte(out, ',', err)) ||
            !append_host(out, host, machine, err) ||
            !buffer_printf(out, err, ":%.*s", (int)port.len, (const char *)port.data))
            return false;
        first = false;
    }
    return true;
}

bool identity_origin(const struct wire_settings *settings, const char *hostname,
                     char out[CONNECTOR_ORIGIN_SIZE], struct error *err)
{
    const char *host = wire_settings_get(settings, "host");
    const char *port = wire_settings_get(settings, "port");
    struct buffer raw = {0}, clean = {0};
    char machine[HOST_SIZE] = "localhost";
    bool escaped = false, done;

    if (host == NULL || host[0] == '\0')
        host = wire_settings_get(settings, "hostaddr");
    if (hostname[0] != '\0')
        snprintf(machine, sizeof(machine), "%s", hostname);
    else if (gethostname(machine, sizeof(machine) - 1) != 0)
        snprintf(machine, sizeof(machine), "localhost");
    done =
        append_addresses(&raw, host == NULL ? "" : host, port == NULL ? "" : port, machine, err) &&
        utf8_append_escaped(&clean, buffer_slice(&raw), UTF8_IN_TEXT, false, &escaped, err);
    if (done && clean.len >= CONNECTOR_ORIGIN_SIZE)
        done = error_set(err, ERROR_USAGE, "the list of hosts is too long");
    else if (done)
        snprintf(out, CONNECTOR_ORIGIN_SIZE, "%s", buffer_text(&clean));
    buffer_free(&raw);
    buffer_free(&clean);
    return done;
}
