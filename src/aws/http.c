/* A request goes out, its answer comes in whole, and the connection is over. */
#include "aws/http_response.h"

#include "base/clock.h"
#include "wire/link.h"

#include <stdio.h>

/* A Host without the port that goes without saying. */
static bool append_host(struct buffer *out, const struct http_url *url, struct error *err)
{
    bool usual = strcmp(url->port, url->tls ? "443" : "80") == 0;

    return buffer_printf(out, err, strchr(url->host, ':') != NULL ? "[%s]%s%s" : "%s%s%s",
                         url->host, usual ? "" : ":", usual ? "" : url->port);
}

static bool append_request(struct buffer *out, const struct http_request *request,
                           struct error *err)
{
    size_t body_len = request->body == NULL ? 0 : strlen(request->body);
    size_t value_len = request->header == NULL ? 0 : strlen(request->header_value);

    /* In one piece, because growing would leave copies of a secret behind. */
    return buffer_reserve(out, sizeof(*request->url) + body_len + value_len + 512, err) &&
           buffer_printf(out, err, "%s %s HTTP/1.1\r\nHost: ", request->method,
                         request->url->path) &&
           append_host(out, request->url, err) &&
           buffer_append_string(
               out, "\r\nUser-Agent: pgcask\r\nAccept: */*\r\nConnection: close\r\n", err) &&
           (request->header == NULL ||
            buffer_printf(out, err, "%s: %s\r\n", request->header, request->header_value)) &&
           (request->body == NULL ||
            buffer_append_string(out, "Content-Type: application/x-www-form-urlencoded\r\n",
                                 err)) &&
           (strcmp(request->method, "GET") == 0 ||
            buffer_printf(out, err, "Content-Length: %zu\r\n", body_len)) &&
           buffer_append_string(out, "\r\n", err) &&
           (request->body == NULL || buffer_append_string(out, request->body, err));
}

static bool receive(struct wire_link *link, struct http_answer *answer, struct error *err)
{
    struct buffer bytes = {0};
    enum http_progress progress = HTTP_MORE;

    if (!buffer_reserve(&bytes, HTTP_ANSWER_MAX + 1, err))
        return false;
    while (progress == HTTP_MORE) {
        size_t got;

        if (bytes.len == HTTP_ANSWER_MAX) {
            error_set(err, ERROR_PROTOCOL, "the answer does not end");
            progress = HTTP_BAD;
            break;
        }
        if (!wire_link_receive(link, bytes.data + bytes.len, HTTP_ANSWER_MAX - bytes.len, &got,
                               err)) {
            progress = HTTP_BAD;
            break;
        }
        bytes.len += got;
        progress = http_response_parse(buffer_slice(&bytes), got == 0, answer, err);
    }
    buffer_free_secret(&bytes);
    return progress == HTTP_WHOLE;
}

static bool ask(const struct http_request *request, struct http_answer *answer, struct error *err)
{
    const struct wire_link_options options = {
        .host = request->url->host,
        .port = request->url->port,
        .tls = request->url->tls,
        .ca_file = request->ca_file,
        .connect_by = request->connect_by,
        .deadline = request->deadline,
        .cancel = request->cancel,
    };
    struct buffer text = {0};
    struct wire_link *link = NULL;
    bool done = append_request(&text, request, err) && wire_link_open(&link, &options, err) &&
                wire_link_send(link, buffer_slice(&text), err) && receive(link, answer, err);

    wire_link_close(link);
    buffer_free_secret(&text);
    return done;
}

bool http_ask(const struct http_request *request, struct http_answer *answer, struct error *err)
{
    const struct http_url *url = request->url;

    *answer = (struct http_answer){.status = 0};
    if (ask(request, answer, err))
        return true;
    http_answer_reset(answer);
    if (err->code == ERROR_CANCELLED)
        return false;
    if (err->code == ERROR_TIMEOUT)
        error_set(err, ERROR_TIMEOUT, "no answer in time");
    return error_prefix(err, strchr(url->host, ':') != NULL ? "%s://[%s]:%s" : "%s://%s:%s",
                        url->tls ? "https" : "http", url->host, url->port);
}
