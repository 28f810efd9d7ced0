/*
 * What gives out credentials: the first byte says whether the rest is an answer of HTTP, JSON, XML,
 * a file of ~/.aws, or a URL.
 *
 * Holds: an answer is whole or not whatever was asked before of a part of it; keys that are found
 * are printable and not empty; a value lies in its file; a URL has a host, a port and a path.
 *
 * An answer has 64 KiB at most.
 * Limits: -malloc_limit_mb=2 -max_len=4096
 */
#include "aws/http_response.h"
#include "aws/keys.h"
#include "aws/shared_file.h"
#include "support/feed.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_response(struct slice text)
{
    struct http_answer answer = {.status = 0}, part = {.status = 0};
    struct error err;
    enum http_progress whole = http_response_parse(text, false, &answer, &err);

    if (whole == HTTP_BAD)
        must_be_told(&err);
    if (whole != HTTP_WHOLE)
        must(answer.body.len == 0);
    must(answer.body.len <= text.len);
    if (text.len > 0 && whole == HTTP_MORE) { /* less of it is no more */
        must(http_response_parse(slice_make(text.data, text.len / 2), false, &part, &err) ==
             HTTP_MORE);
    }
    http_answer_reset(&part);
    http_answer_reset(&answer);
}

static void must_be_printable(const struct buffer *value)
{
    for (size_t i = 0; i < value->len; i++)
        must(value->data[i] > ' ' && value->data[i] < 0x7f);
}

static void try_keys(struct slice text, bool json)
{
    struct aws_keys keys = {.expires = 0};
    struct error err;

    if (json ? aws_keys_parse_json(&keys, text, &err) : aws_keys_parse_xml(&keys, text, &err))
        must(keys.access_key.len > 0 && keys.secret_key.len > 0);
    else
        must_be_told(&err);
    must_be_printable(&keys.access_key);
    must_be_printable(&keys.secret_key);
    must_be_printable(&keys.session_token);
    aws_keys_reset(&keys);
}

static void try_file(struct slice text)
{
    struct slice value;

    if (!shared_file_find(text, "profile a", "key", &value))
        return;
    must(shared_file_has(text, "profile a"));
    must(value.len > 0 && value.data >= text.data &&
         value.data + value.len <= text.data + text.len);
    must(memchr(value.data, '\n', value.len) == NULL);
}

static void try_url(struct slice text)
{
    char *copy = calloc(text.len + 1, 1);
    struct http_url url;
    struct error err;

    must(copy != NULL);
    if (text.len > 0)
        memcpy(copy, text.data, text.len);
    if (http_url_parse(&url, copy, "URL", &err))
        must(url.host[0] != '\0' && url.port[0] != '\0' && url.path[0] == '/');
    else
        must_be_told(&err);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = slice_make(data, size);
    uint8_t choice = feed_choice(&input);
    /* Exactly as long as it is: a byte read past its end is seen. */
    uint8_t *copy = malloc(input.len == 0 ? 1 : input.len);

    must(copy != NULL);
    if (input.len > 0)
        memcpy(copy, input.data, input.len);
    input = slice_make(copy, input.len);
    if (choice % 5 == 0)
        try_response(input);
    else if (choice % 5 <= 2)
        try_keys(input, choice % 5 == 1);
    else if (choice % 5 == 3)
        try_file(input);
    else
        try_url(input);
    free(copy);
    return 0;
}
