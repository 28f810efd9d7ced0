/* What socket, TLS and transport do for a session, for anything else: an endpoint on the web. */
#include "wire/link.h"

#include "base/clock.h"
#include "wire/settings_internal.h"
#include "wire/transport_internal.h"

#include <stdlib.h>

struct wire_link {
    struct transport transport;
    int64_t deadline;
    const struct cancel *cancel;
};

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* The first address that takes a connection. */
static bool connect_some(struct wire_link *link, const struct wire_link_options *options,
                         const struct wire_settings *settings, struct error *err)
{
    struct socket_address_list *list = calloc(1, sizeof(*list));
    int64_t deadline = earlier(options->connect_by, options->deadline);
    bool done;

    if (list == NULL)
        return error_set_memory(err);
    done = socket_resolve(options->host, options->port, deadline, link->cancel, list, err);
    for (size_t i = 0; done && i < list->count; i++) {
        if (socket_connect(&list->items[i], settings, deadline, link->cancel, &link->transport.fd,
                           err)) {
            free(list);
            return true;
        }
    }
    free(list);
    return false;
}

/* What TLS takes from settings: nothing of it is this machine's for PostgreSQL, such as a
 * certificate of ours. */
static struct wire_settings *make_settings(const struct wire_link_options *options,
                                           struct error *err)
{
    const char *roots = options->ca_file == NULL ? "system" : options->ca_file;
    struct wire_settings *settings = wire_settings_new(err);

    if (settings == NULL || (wire_settings_set(settings, "sslmode", "verify-full", err) &&
                             wire_settings_set(settings, "sslrootcert", roots, err) &&
                             wire_settings_set(settings, "sslcertmode", "disable", err)))
        return settings;
    wire_settings_free(settings);
    return NULL;
}

bool wire_link_open(struct wire_link **link, const struct wire_link_options *options,
                    struct error *err)
{
    struct wire_settings *settings = make_settings(options, err);
    bool done;

    *link = settings == NULL ? NULL : calloc(1, sizeof(**link));
    if (*link == NULL) {
        wire_settings_free(settings);
        return settings == NULL ? false : error_set_memory(err);
    }
    **link = (struct wire_link){
        .transport = TRANSPORT_CLOSED, .deadline = options->deadline, .cancel = options->cancel};
    done =
        connect_some(*link, options, settings, err) &&
        (!options->tls || tls_start_http(&(*link)->transport.tls, (*link)->transport.fd, settings,
                                         options->host, options->deadline, options->cancel, err));
    wire_settings_free(settings);
    if (done)
        return true;
    wire_link_close(*link);
    *link = NULL;
    return false;
}

bool wire_link_send(struct wire_link *link, struct slice data, struct error *err)
{
    return transport_send_all(&link->transport, data, link->deadline, link->cancel, err);
}

bool wire_link_receive(struct wire_link *link, uint8_t *data, size_t len, size_t *got,
                       struct error *err)
{
    for (;;) {
        enum io_status status = transport_read(&link->transport, data, len, got, err);
        unsigned ready;

        if (status == IO_FAILED)
            return false;
        if (status == IO_END)
            *got = 0;
        if (status == IO_OK || status == IO_END)
            return cancel_check(link->cancel, err);
        if (!socket_wait(link->transport.fd, status == IO_WANT_READ ? SOCKET_READ : SOCKET_WRITE,
                         link->deadline, link->cancel, &ready, err))
            return false;
    }
}

void wire_link_close(struct wire_link *link)
{
    if (link == NULL)
        return;
    transport_close(&link->transport);
    free(link);
}
