/* The origin of a source from its settings: hosts and ports in canonical form, sorted, with the
 * machine's name where an address means another cluster on each machine. */
#include "plakar/identity.h"

#include "base/utf8.h"
#include "record/record.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define HOST_SIZE 256
#define ADDRESSES_MAX 64

/* ---- One address ---- */

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

static bool is_socket(struct slice host)
{
    return host.len > 0 && (host.data[0] == '/' || host.data[0] == '@');
}

/* Names of hosts do not care about case and a last dot; an IPv6 address has many forms. */
static void make_canonical(struct slice host, char out[HOST_SIZE])
{
    struct in6_addr address;
    size_t len = host.len < HOST_SIZE ? host.len : HOST_SIZE - 1;

    for (size_t i = 0; i < len; i++) {
        char byte = (char)host.data[i];

        out[i] = byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte;
    }
    out[len] = '\0';
    if (inet_pton(AF_INET6, out, &address) == 1)
        inet_ntop(AF_INET6, &address, out, HOST_SIZE);
    else if (len > 1 && out[len - 1] == '.')
        out[len - 1] = '\0';
}

static bool is_loopback(const char *host)
{
    return host[0] == '\0' || strcmp(host, "localhost") == 0 || strcmp(host, "::1") == 0 ||
           (strncmp(host, "127.", 4) == 0 && host[strspn(host, "0123456789.")] == '\0');
}

/* /var/run is a link to /run. */
static bool append_socket(struct buffer *out, struct slice folder, const char *machine,
                          struct error *err)
{
    if (folder.len > 9 && memcmp(folder.data, "/var/run/", 9) == 0)
        slice_take(&folder, 4);
    while (folder.len > 1 && folder.data[folder.len - 1] == '/')
        folder.len--;
    return buffer_printf(out, err, "%s:%.*s", machine, (int)folder.len, (const char *)folder.data);
}

static bool append_host(struct buffer *out, struct slice host, const char *machine,
                        struct error *err)
{
    char name[HOST_SIZE];

    if (is_socket(host))
        return append_socket(out, host, machine, err);
    make_canonical(host, name);
    if (is_loopback(name))
        return buffer_append_string(out, machine, err);
    return buffer_printf(out, err, strchr(name, ':') != NULL ? "[%s]" : "%s", name);
}

/* An own string: "host:port". */
static char *make_address(struct slice host, struct slice port, const char *machine,
                          struct error *err)
{
    struct buffer text = {0};
    char number[16];
    char *copy = NULL;

    snprintf(number, sizeof(number), "%.*s", (int)port.len, (const char *)port.data);
    if (append_host(&text, host, machine, err) &&
        buffer_printf(&text, err, ":%ld", number[0] == '\0' ? 5432 : strtol(number, NULL, 10)) &&
        (copy = strdup(buffer_text(&text))) == NULL)
        error_set_memory(err);
    buffer_free(&text);
    return copy;
}

/* ---- All of them ---- */

static int compare_addresses(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorted, each once. */
static bool append_sorted(struct buffer *out, char **addresses, size_t count, struct error *err)
{
    qsort(addresses, count, sizeof(*addresses), compare_addresses);
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && strcmp(addresses[i], addresses[i - 1]) == 0)
            continue;
        if (!buffer_printf(out, err, "%s%s", i > 0 ? "," : "", addresses[i]))
            return false;
    }
    return true;
}

static const char *setting(const struct wire_settings *settings, const char *name)
{
    const char *value = wire_settings_get(settings, name);

    return value == NULL ? "" : value;
}

static size_t count_items(const char *list)
{
    size_t count = 1;

    for (; *list != '\0'; list++)
        count += *list == ',';
    return count;
}

/* As in connecting: a list of hosts may share one port, and a host that has only an address goes by
 * that. */
static bool append_addresses(struct buffer *out, const struct wire_settings *settings,
                             const char *machine, struct error *err)
{
    struct slice hosts = slice_string(setting(settings, "host")), port = {0};
    struct slice numeric = slice_string(setting(settings, "hostaddr"));
    struct slice ports = slice_string(setting(settings, "port"));
    bool one_port = count_items(setting(settings, "port")) == 1;
    size_t wanted = count_items(setting(settings, hosts.len > 0 ? "host" : "hostaddr"));
    char *addresses[ADDRESSES_MAX];
    size_t count = 0;
    bool done = wanted <= ADDRESSES_MAX ||
                error_set(err, ERROR_USAGE, "there are more than %d hosts", ADDRESSES_MAX);

    while (done && count < wanted) {
        struct slice host = take_item(&hosts), address = take_item(&numeric);

        if (count == 0 || !one_port)
            port = take_item(&ports);
        addresses[count] = make_address(host.len > 0 ? host : address, port, machine, err);
        done = addresses[count] != NULL;
        count += done;
    }
    done = done && append_sorted(out, addresses, count, err);
    while (count > 0)
        free(addresses[--count]);
    return done;
}

static bool append_database(struct buffer *out, const char *database, struct error *err)
{
    char name[RECORD_PATH_MAX];

    if (!record_path_encode(database, name, sizeof(name)))
        return error_set(err, ERROR_USAGE, "the database's name is too long");
    return buffer_printf(out, err, "/%s", name);
}

bool identity_make(const struct wire_settings *settings, enum identity_of of, const char *hostname,
                   struct connector_identity *identity, struct error *err)
{
    struct buffer raw = {0}, clean = {0};
    char machine[HOST_SIZE] = "localhost";
    bool escaped = false, done;

    if (hostname[0] != '\0')
        snprintf(machine, sizeof(machine), "%s", hostname);
    else if (gethostname(machine, sizeof(machine) - 1) != 0)
        snprintf(machine, sizeof(machine), "localhost");
    identity->type = of == IDENTITY_CLUSTER                ? "postgres+bin"
                     : wire_settings_want_tokens(settings) ? "postgresql+aws"
                                                           : "postgresql";
    done = append_addresses(&raw, settings, machine, err) &&
           (of != IDENTITY_DATABASE || append_database(&raw, setting(settings, "dbname"), err)) &&
           (of != IDENTITY_ALL_DATABASES || buffer_append_byte(&raw, '/', err)) &&
           utf8_append_escaped(&clean, buffer_slice(&raw), UTF8_IN_TEXT, false, &escaped, err);
    if (done && clean.len >= CONNECTOR_ORIGIN_SIZE)
        done = error_set(err, ERROR_USAGE, "the list of hosts is too long");
    else if (done)
        snprintf(identity->origin, CONNECTOR_ORIGIN_SIZE, "%s", buffer_text(&clean));
    buffer_free(&raw);
    buffer_free(&clean);
    return done;
}
