/* What is signed for a login: the right to connect as that role, at that host and port, for a
 * quarter of an hour. */
#include "aws/rds_token.h"

/* Names of hosts do not care about case, signatures do: AWS has them in small letters. */
static void make_small(struct buffer *host)
{
    for (size_t i = 0; i < host->len; i++) {
        if (host->data[i] >= 'A' && host->data[i] <= 'Z')
            host->data[i] = (uint8_t)(host->data[i] - 'A' + 'a');
    }
}

bool rds_token_append(struct buffer *out, const struct rds_token_request *request,
                      const struct sigv4_keys *keys, struct error *err)
{
    const struct sigv4_parameter parameters[] = {{"Action", "connect"}, {"DBUser", request->user}};
    struct sigv4_request signed_request = {
        .path = "/",
        .region = request->region,
        .service = "rds-db",
        .payload_hash = SIGV4_EMPTY_HASH,
        .expires_s = RDS_TOKEN_SECONDS,
        .now = request->now,
        .parameters = parameters,
        .parameter_count = sizeof(parameters) / sizeof(parameters[0]),
    };
    struct buffer host = {0};
    bool done = buffer_printf(&host, err, strchr(request->host, ':') != NULL ? "[%s]:%s" : "%s:%s",
                              request->host, request->port);

    make_small(&host);
    signed_request.host = buffer_text(&host);
    done = done && buffer_printf(out, err, "%s/?", buffer_text(&host)) &&
           sigv4_append_query(out, &signed_request, keys, err);
    buffer_free(&host);
    return done;
}
