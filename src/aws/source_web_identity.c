/* A web identity, as EKS gives one to a service account: a token in a file, which the token service
 * (STS) takes for keys of a role. Source: AWS Security Token Service API Reference,
 * AssumeRoleWithWebIdentity. */
#include "aws/search.h"
#include "aws/shared_file.h"
#include "aws/sigv4.h"

#include <stdio.h>

#define FILE_NAME "AWS_WEB_IDENTITY_TOKEN_FILE"
#define CONNECT_MS 3000
#define ANSWER_MS 10000

/* The partitions that have a domain of their own. */
static const char *domain_of(const char *region)
{
    return strncmp(region, "cn-", 3) == 0 ? "amazonaws.com.cn" : "amazonaws.com";
}

static bool find_url(const struct aws_search *search, struct http_url *url, struct error *err)
{
    const char *name = "AWS_ENDPOINT_URL_STS";
    const char *endpoint = aws_variable(&search->environment, name);
    char text[256];

    if (endpoint == NULL) {
        snprintf(text, sizeof(text), "https://sts.%.64s.%s/", search->region,
                 domain_of(search->region));
        return http_url_parse(url, text, "the token service", err);
    }
    if (!http_url_parse(url, endpoint, name, err))
        return false;
    if (url->tls)
        return true;
    return error_set(err, ERROR_REFUSED, "%s is not https://", name);
}

static bool append_field(struct buffer *form, const char *name, const char *value,
                         struct error *err)
{
    return buffer_printf(form, err, "&%s=", name) && sigv4_append_encoded(form, value, err);
}

static bool append_form(struct buffer *form, const struct aws_search *search, const char *role,
                        const struct buffer *token, struct error *err)
{
    const char *session = aws_variable(&search->environment, "AWS_ROLE_SESSION_NAME");

    /* In one piece, because growing would leave copies of the token behind. */
    return buffer_reserve(form, 3 * (token->len + strlen(role)) + 1024, err) &&
           buffer_append_string(form, "Action=AssumeRoleWithWebIdentity&Version=2011-06-15", err) &&
           append_field(form, "RoleArn", role, err) &&
           append_field(form, "RoleSessionName", session == NULL ? "pgcask" : session, err) &&
           append_field(form, "WebIdentityToken", buffer_text(token), err);
}

/* <Code>AccessDenied</Code>, which is a word of the service's own. */
static bool fail_status(const struct http_answer *answer, struct error *err)
{
    struct slice code = {0};
    size_t len = 0;

    if (aws_xml_find(buffer_slice(&answer->body), "Code", &code)) {
        while (len < code.len && len < 60 && code.data[len] > ' ' && code.data[len] < 0x7f)
            len++;
    }
    return error_set(err, ERROR_AUTHENTICATION, "it answered with status %u%s%.*s", answer->status,
                     len > 0 ? ": " : "", (int)len, (const char *)code.data);
}

static bool ask(const struct aws_search *search, const char *form, struct aws_keys *keys,
                struct error *err)
{
    struct http_url url;
    struct http_request request = {
        .method = "POST",
        .url = &url,
        .body = form,
        .ca_file = aws_variable(&search->environment, "AWS_CA_BUNDLE"),
        .connect_by = aws_search_limit(search, CONNECT_MS),
        .deadline = aws_search_limit(search, ANSWER_MS),
        .cancel = search->cancel,
    };
    struct http_answer answer = {.status = 0};
    bool done = find_url(search, &url, err) && http_ask(&request, &answer, err);

    if (done && answer.status != 200)
        done = fail_status(&answer, err);
    done = done && aws_keys_parse_xml(keys, buffer_slice(&answer.body), err);
    http_answer_reset(&answer);
    return done;
}

bool aws_source_web_identity(struct aws_search *search, struct aws_keys *keys, bool *found,
                             struct error *err)
{
    const char *path = aws_variable(&search->environment, FILE_NAME);
    const char *role = aws_variable(&search->environment, "AWS_ROLE_ARN");
    struct buffer token = {0}, form = {0};
    bool there, done;

    if (path == NULL)
        return aws_search_pass(search, err, FILE_NAME " is not set");
    if (role == NULL)
        return error_set(err, ERROR_AUTHENTICATION, FILE_NAME " is set, and AWS_ROLE_ARN is not");
    done = shared_file_read(path, &token, &there, err);
    if (done && !there)
        done = error_set(err, ERROR_AUTHENTICATION, FILE_NAME ": there is no file %s", path);
    while (done && token.len > 0 && token.data[token.len - 1] <= ' ')
        buffer_truncate(&token, token.len - 1);
    done = done && append_form(&form, search, role, &token, err);
    if (done && !ask(search, buffer_text(&form), keys, err)) {
        done = false;
        if (err->code != ERROR_CANCELLED)
            error_prefix(err, "the token service (STS), for %s", role);
    }
    snprintf(keys->source, sizeof(keys->source), "the web identity of %s", path);
    buffer_free_secret(&token);
    buffer_free_secret(&form);
    *found = done;
    return done;
}
