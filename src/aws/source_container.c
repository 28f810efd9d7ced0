/* The endpoint that ECS, EKS and their like give to a container. It says who may ask by a token; an
 * endpoint of another machine would learn that, and is asked under TLS alone. */
#include "aws/search.h"
#include "aws/shared_file.h"

#include <arpa/inet.h>
#include <stdio.h>

#define ECS_ENDPOINT "http://169.254.170.2"
#define ANSWER_MS 5000
#define CONNECT_MS 2000

/* This machine, or an address that no packet leaves it for. */
static bool is_near(const char *host)
{
    static const char *const near[] = {"localhost", "169.254.170.2", "169.254.170.23"};
    uint8_t address[16], eks[16];
    struct in_addr four;

    for (size_t i = 0; i < sizeof(near) / sizeof(near[0]); i++) {
        if (strcmp(host, near[i]) == 0)
            return true;
    }
    if (inet_pton(AF_INET, host, &four) == 1)
        return (ntohl(four.s_addr) >> 24) == 127;
    if (inet_pton(AF_INET6, host, address) != 1)
        return false;
    inet_pton(AF_INET6, "fd00:ec2::23", eks);
    return memcmp(address, eks, sizeof(eks)) == 0 ||
           memcmp(address, &in6addr_loopback, sizeof(address)) == 0;
}

static bool find_url(const struct aws_search *search, struct http_url *url, bool *found,
                     struct error *err)
{
    static const char relative_name[] = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
    static const char full_name[] = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
    const char *relative = aws_variable(&search->environment, relative_name);
    const char *full = aws_variable(&search->environment, full_name);
    char text[HTTP_PATH_SIZE];

    *found = relative != NULL || full != NULL;
    if (relative != NULL) {
        if (relative[0] != '/' || strlen(relative) + sizeof(ECS_ENDPOINT) > sizeof(text))
            return error_set(err, ERROR_USAGE, "%s is no path, or too long", relative_name);
        snprintf(text, sizeof(text), ECS_ENDPOINT "%s", relative);
        return http_url_parse(url, text, relative_name, err);
    }
    if (full == NULL)
        return true;
    if (!http_url_parse(url, full, full_name, err))
        return false;
    if (url->tls || is_near(url->host))
        return true;
    error_set(err, ERROR_REFUSED, "%s leads to another machine in clear", full_name);
    return error_hint(err,
                      "http:// is for the machine itself (127.0.0.1, localhost, [::1]) and the "
                      "addresses of ECS and EKS (169.254.170.2, 169.254.170.23, "
                      "[fd00:ec2::23]); anything else has to be https://.");
}

/* Appends the token to authorize with; nothing where none is set. */
static bool find_authorization(const struct aws_search *search, struct buffer *out,
                               struct error *err)
{
    const char *path = aws_variable(&search->environment, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    const char *text = aws_variable(&search->environment, "AWS_CONTAINER_AUTHORIZATION_TOKEN");
    bool found;

    if (path == NULL)
        return text == NULL || buffer_append_string(out, text, err);
    if (!shared_file_read(path, out, &found, err))
        return false;
    if (!found)
        return error_set(err, ERROR_AUTHENTICATION,
                         "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: there is no file %s", path);
    while (out->len > 0 && (out->data[out->len - 1] == '\n' || out->data[out->len - 1] == '\r'))
        buffer_truncate(out, out->len - 1);
    return true;
}

/* It becomes a header. */
static bool check_authorization(const struct buffer *token, struct error *err)
{
    for (size_t i = 0; i < token->len; i++) {
        if (token->data[i] < ' ' || token->data[i] >= 0x7f)
            return error_set(
                err, ERROR_USAGE,
                "the token of AWS_CONTAINER_AUTHORIZATION_TOKEN has more than one line "
                "or a character that is not ASCII");
    }
    return true;
}

static bool ask(const struct aws_search *search, const struct http_url *url,
                const struct buffer *token, struct aws_keys *keys, struct error *err)
{
    const struct http_request request = {
        .method = "GET",
        .url = url,
        .header = token->len == 0 ? NULL : "Authorization",
        .header_value = buffer_text(token),
        .ca_file = aws_variable(&search->environment, "AWS_CA_BUNDLE"),
        .connect_by = aws_search_limit(search, CONNECT_MS),
        .deadline = aws_search_limit(search, ANSWER_MS),
        .cancel = search->cancel,
    };
    struct http_answer answer;
    bool done = http_ask(&request, &answer, err);

    if (done && answer.status != 200)
        done = error_set(err, ERROR_AUTHENTICATION, "it answered with status %u", answer.status);
    done = done && aws_keys_parse_json(keys, buffer_slice(&answer.body), err);
    http_answer_reset(&answer);
    return done;
}

bool aws_source_container(struct aws_search *search, struct aws_keys *keys, bool *found,
                          struct error *err)
{
    struct buffer token = {0};
    struct http_url url;
    bool named, done;

    if (!find_url(search, &url, &named, err))
        return false;
    if (!named)
        return aws_search_pass(search, err,
                               "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and "
                               "AWS_CONTAINER_CREDENTIALS_FULL_URI are not set");
    done = find_authorization(search, &token, err) && check_authorization(&token, err) &&
           ask(search, &url, &token, keys, err);
    buffer_free_secret(&token);
    snprintf(keys->source, sizeof(keys->source), "the container's endpoint");
    *found = done;
    return done ||
           (err->code != ERROR_CANCELLED ? error_prefix(err, "the container's endpoint") : false);
}
