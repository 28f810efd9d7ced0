/* The metadata service of an instance of EC2, in its second version: a token of a session first,
 * then the role's name, then its keys. Where there is none, packets get lost, so it has a second.
 */
#include "aws/search.h"

#include <stdio.h>
#include <strings.h>

#define ENDPOINT "http://169.254.169.254"
#define ENDPOINT_NAME "AWS_EC2_METADATA_SERVICE_ENDPOINT"
#define ROLES "/latest/meta-data/iam/security-credentials/"
#define CONNECT_MS 1000
#define ANSWER_MS 5000

struct instance {
    struct aws_search *search;
    struct http_url base;
    struct buffer token;
    char role[128];
};

static bool ask(const struct instance *instance, const char *method, const char *path,
                const char *header, const char *value, struct http_answer *answer,
                struct error *err)
{
    struct http_url url = instance->base;
    const struct http_request request = {
        .method = method,
        .url = &url,
        .header = header,
        .header_value = value,
        .ca_file = aws_variable(&instance->search->environment, "AWS_CA_BUNDLE"),
        .connect_by = aws_search_limit(instance->search, CONNECT_MS),
        .deadline = aws_search_limit(instance->search, ANSWER_MS),
        .cancel = instance->search->cancel,
    };
    size_t len = strlen(url.path);

    if (url.path[len - 1] == '/')
        len--;
    *answer = (struct http_answer){.status = 0};
    if (len + strlen(path) >= sizeof(url.path))
        return error_set(err, ERROR_USAGE, ENDPOINT_NAME " is too long");
    snprintf(url.path + len, sizeof(url.path) - len, "%s", path);
    return http_ask(&request, answer, err);
}

static bool is_header_text(const struct buffer *text)
{
    for (size_t i = 0; i < text->len; i++) {
        if (text->data[i] <= ' ' || text->data[i] >= 0x7f)
            return false;
    }
    return text->len > 0;
}

/* Without an answer there is no such service: *found stays false. */
static bool begin(struct instance *instance, bool *there, struct error *err)
{
    struct http_answer answer;
    bool done = ask(instance, "PUT", "/latest/api/token", "X-aws-ec2-metadata-token-ttl-seconds",
                    "21600", &answer, err);

    *there = false;
    if (!done && (err->code == ERROR_CONNECT || err->code == ERROR_TIMEOUT))
        return aws_search_pass(instance->search, err, "no instance endpoint: %.200s", err->message);
    if (done && answer.status != 200) {
        error_set(err, ERROR_AUTHENTICATION, "it gave no token: status %u", answer.status);
        done =
            error_hint(err, "In a container on an instance, the hop limit of its metadata service "
                            "has to be 2 or more (aws ec2 modify-instance-metadata-options).");
    }
    if (done && !is_header_text(&answer.body))
        done = error_set(err, ERROR_PROTOCOL, "its token is no single word");
    *there = done = done && buffer_append(&instance->token, answer.body.data, answer.body.len, err);
    http_answer_reset(&answer);
    return done;
}

static bool get(const struct instance *instance, const char *path, struct http_answer *answer,
                struct error *err)
{
    return ask(instance, "GET", path, "X-aws-ec2-metadata-token", buffer_text(&instance->token),
               answer, err);
}

static bool take_role(struct instance *instance, const struct buffer *body, struct error *err)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                "+=,.@_-";
    size_t len = strcspn(buffer_text(body), "\r\n");

    if (len == 0 || len >= sizeof(instance->role) || strspn(buffer_text(body), plain) != len)
        return error_set(err, ERROR_PROTOCOL, "it names no role that could be one");
    snprintf(instance->role, sizeof(instance->role), "%.*s", (int)len, buffer_text(body));
    return true;
}

static bool find_role(struct instance *instance, bool *there, struct error *err)
{
    struct http_answer answer;
    bool done = get(instance, ROLES, &answer, err);

    *there = false;
    if (done && answer.status == 404) {
        http_answer_reset(&answer);
        return aws_search_pass(instance->search, err, "the instance has no role");
    }
    if (done && answer.status != 200)
        done = error_set(err, ERROR_AUTHENTICATION, "it named no role: status %u", answer.status);
    *there = done = done && take_role(instance, &answer.body, err);
    http_answer_reset(&answer);
    return done;
}

static bool take_keys(const struct instance *instance, struct aws_keys *keys, struct error *err)
{
    struct http_answer answer;
    char path[sizeof(ROLES) + sizeof(instance->role)];
    bool done;

    snprintf(path, sizeof(path), ROLES "%s", instance->role);
    done = get(instance, path, &answer, err);
    if (done && answer.status != 200)
        done = error_set(err, ERROR_AUTHENTICATION, "it gave no keys of the role %s: status %u",
                         instance->role, answer.status);
    done = done && aws_keys_parse_json(keys, buffer_slice(&answer.body), err);
    http_answer_reset(&answer);
    snprintf(keys->source, sizeof(keys->source), "the instance's role %s", instance->role);
    return done;
}

bool aws_source_instance(struct aws_search *search, struct aws_keys *keys, bool *found,
                         struct error *err)
{
    const char *disabled = aws_variable(&search->environment, "AWS_EC2_METADATA_DISABLED");
    const char *endpoint = aws_variable(&search->environment, ENDPOINT_NAME);
    struct instance instance = {.search = search};
    bool there = false, done;

    if (disabled != NULL && strcasecmp(disabled, "true") == 0)
        return aws_search_pass(search, err, "AWS_EC2_METADATA_DISABLED is true");
    if (!http_url_parse(&instance.base, endpoint == NULL ? ENDPOINT : endpoint, ENDPOINT_NAME, err))
        return false;
    done = begin(&instance, &there, err) && (!there || find_role(&instance, &there, err)) &&
           (!there || take_keys(&instance, keys, err));
    buffer_free_secret(&instance.token);
    *found = done && there;
    if (!done && err->code != ERROR_CANCELLED)
        error_prefix(err, "the instance's endpoint");
    return done;
}
