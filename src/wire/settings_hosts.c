/*
 * The lists of host, hostaddr and port as servers to try, one element each: which belongs to which,
 * what stands in for an empty one, and what is wrong with lists that do not fit together.
 */
#include "wire/settings_hosts_internal.h"

#include "wire/settings_internal.h"

#include <stdio.h>
#include <stdlib.h>

static const char *setting_or_empty(const struct wire_settings *settings, const char *name)
{
    const char *value = wire_settings_get(settings, name);

    return value == NULL ? "" : value;
}

static size_t count_elements(const char *list)
{
    size_t count = 1;

    for (; *list != '\0'; list++)
        count += *list == ',';
    return count;
}

/* The next element of a comma list; past its end elements are empty. */
static struct slice take_element(const char **list)
{
    size_t len = strcspn(*list, ",");
    struct slice element = slice_make(*list, len);

    *list += len;
    if (**list == ',')
        (*list)++;
    return element;
}

/* A text that is no number may be a piece of a password: "postgres://user:secret" without an @ puts
 * the secret where the port is. It is not shown. */
static bool bad_port(const char *text, bool from_uri, struct error *err)
{
    bool digits = text[0] != '\0' && strspn(text, "0123456789") == strlen(text);

    error_set(err, ERROR_USAGE, "bad port%s%.20s: it must be a number from 1 to 65535",
              digits ? " " : "", digits ? text : "");
    if (digits || !from_uri)
        return error_hint(err, "The usual one is 5432; the server's own: SHOW port;");
    return error_hint(err, "Write postgres://USER@HOST:5432/DATABASE. If that text is a piece of a "
                           "password: in a URI its bytes other than letters and digits are written "
                           "as %%XX, and @ stands behind it.");
}

static bool set_port(struct host *host, struct slice text, bool from_uri, struct error *err)
{
    char copy[32];
    int number;

    if (text.len == 0) {
        snprintf(host->port, sizeof(host->port), "5432");
        return true;
    }
    if (text.len >= sizeof(copy))
        return bad_port("", from_uri, err);
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    if (!settings_parse_integer(copy, &number) || number < 1 || number > 65535)
        return bad_port(copy, from_uri, err);
    snprintf(host->port, sizeof(host->port), "%u", (unsigned)number & 0xffff);
    return true;
}

static bool fill_host(struct host *host, struct slice name, struct slice address, struct slice port,
                      bool from_uri, struct error *err)
{
    if (!set_port(host, port, from_uri, err))
        return false;
    if (name.len == 0 && address.len == 0)
        name = slice_string(settings_default_host(host->port));
    host->name = strndup((const char *)name.data, name.len);
    host->address = strndup((const char *)address.data, address.len);
    return host->name != NULL && host->address != NULL ? true : error_set_memory(err);
}

static bool check_counts(size_t hosts, size_t addresses, size_t ports, struct error *err)
{
    if (hosts > 0 && addresses > 0 && hosts != addresses) {
        error_set(err, ERROR_USAGE,
                  "host and hostaddr are lists of %zu and %zu: which belongs to which?", hosts,
                  addresses);
        return error_hint(err, "host and hostaddr are lists of equal length; an element may be "
                               "empty.");
    }
    if (ports > 1 && ports != (addresses > 0 ? addresses : hosts > 0 ? hosts : 1)) {
        error_set(err, ERROR_USAGE, "port and %s are lists of %zu and %zu: which belongs to which?",
                  addresses > 0 ? "hostaddr" : "host", ports,
                  addresses > 0 ? addresses
                  : hosts > 0   ? hosts
                                : (size_t)1);
        return error_hint(err, "Give one port for all hosts, or one for each; an empty one is "
                               "5432.");
    }
    return true;
}

bool host_list_read(struct host_list *list, const struct wire_settings *settings, struct error *err)
{
    const char *names = setting_or_empty(settings, "host");
    const char *addresses = setting_or_empty(settings, "hostaddr");
    const char *ports = setting_or_empty(settings, "port");
    size_t name_count = names[0] == '\0' ? 0 : count_elements(names);
    size_t address_count = addresses[0] == '\0' ? 0 : count_elements(addresses);
    size_t port_count = count_elements(ports);
    const char *all_ports = ports;

    *list = (struct host_list){0};
    if (!check_counts(name_count, address_count, port_count, err))
        return false;
    list->count = address_count > 0 ? address_count : name_count > 0 ? name_count : 1;
    list->items = calloc(list->count, sizeof(*list->items));
    if (list->items == NULL) {
        list->count = 0;
        return error_set_memory(err);
    }
    for (size_t i = 0; i < list->count; i++) {
        struct slice name = take_element(&names), address = take_element(&addresses);
        struct slice port = take_element(&ports);

        if (port_count == 1)
            port = slice_string(all_ports);
        if (!fill_host(&list->items[i], name, address, port, settings->port_from_uri, err)) {
            host_list_free(list);
            return false;
        }
    }
    return true;
}

void host_list_free(struct host_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i].name);
        free(list->items[i].address);
    }
    free(list->items);
    *list = (struct host_list){0};
}
