/* What an endpoint sent is looked at once, byte by byte, and wiped: no copy of a secret stays in
 * the memory of a parser. */
#include "aws/keys.h"

#include "base/json_walk.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define VALUE_MAX ((size_t)16 * 1024) /* of a session token at the most */

void aws_keys_reset(struct aws_keys *keys)
{
    buffer_free_secret(&keys->access_key);
    buffer_free_secret(&keys->secret_key);
    buffer_free_secret(&keys->session_token);
    *keys = (struct aws_keys){.expires = 0};
}

bool aws_keys_put(struct buffer *value, const char *text, const char *what, struct error *err)
{
    size_t len = strlen(text);

    buffer_free_secret(value);
    if (len == 0 || len > VALUE_MAX)
        return error_set(err, ERROR_AUTHENTICATION, "%s is empty or too long", what);
    for (size_t i = 0; i < len; i++) {
        if (text[i] <= ' ' || text[i] >= 0x7f)
            return error_set(err, ERROR_AUTHENTICATION,
                             "%s has a blank or a character that is not ASCII", what);
    }
    return buffer_append(value, text, len, err);
}

/* ---- Time ---- */

bool aws_parse_time(const char *text, int64_t *seconds)
{
    struct tm parts = {0};
    const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &parts);

    if (end != NULL && *end == '.')
        end += 1 + strspn(end + 1, "0123456789");
    if (end == NULL || (strcmp(end, "Z") != 0 && strcmp(end, "+00:00") != 0))
        return false;
    *seconds = (int64_t)timegm(&parts);
    return true;
}

/* ---- Both forms ---- */

static bool put_member(struct aws_keys *keys, const char *name, const char *text, struct error *err)
{
    if (strcmp(name, "AccessKeyId") == 0)
        return aws_keys_put(&keys->access_key, text, name, err);
    if (strcmp(name, "SecretAccessKey") == 0)
        return aws_keys_put(&keys->secret_key, text, name, err);
    if (strcmp(name, "Token") == 0 || strcmp(name, "SessionToken") == 0)
        return text[0] == '\0' || aws_keys_put(&keys->session_token, text, name, err);
    if (strcmp(name, "Expiration") == 0 && !aws_parse_time(text, &keys->expires))
        return error_set(err, ERROR_PROTOCOL, "its Expiration is no time");
    return true;
}

static bool check_whole(const struct aws_keys *keys, struct error *err)
{
    if (keys->access_key.len > 0 && keys->secret_key.len > 0)
        return true;
    return error_set(err, ERROR_PROTOCOL, "the answer has no %s",
                     keys->access_key.len == 0 ? "AccessKeyId" : "SecretAccessKey");
}

/* ---- JSON ---- */

struct walking {
    struct aws_keys *keys;
    bool failed, is_object;
    struct error error;
};

static void take(void *context, enum json_walk_type type, const char *path, const char *text)
{
    struct walking *walking = context;

    walking->is_object = walking->is_object || (type == JSON_WALK_OBJECT && path[0] == '\0');
    if (walking->failed || type != JSON_WALK_STRING)
        return;
    if (strlen(text) + 1 >= JSON_WALK_TEXT) /* it may have been cut */
        walking->failed = !error_set(&walking->error, ERROR_PROTOCOL, "%.40s is too long", path);
    else if (strcmp(path, "Code") == 0 && strcmp(text, "Success") != 0)
        walking->failed =
            !error_set(&walking->error, ERROR_AUTHENTICATION, "it says: %.100s", text);
    else
        walking->failed = !put_member(walking->keys, path, text, &walking->error);
}

bool aws_keys_parse_json(struct aws_keys *keys, struct slice text, struct error *err)
{
    struct walking walking = {.keys = keys};
    struct json_walk walk;
    bool done;

    keys->expires = AWS_KEYS_NEVER_EXPIRE;
    json_walk_init(&walk, take, &walking);
    done = json_walk_feed(&walk, text, err) && json_walk_finish(&walk, err);
    explicit_bzero(&walk, sizeof(walk));
    if (!done) {
        err->code = ERROR_PROTOCOL;
        return error_prefix(err, "the answer is no JSON");
    }
    if (walking.failed) {
        *err = walking.error;
        return false;
    }
    if (!walking.is_object)
        return error_set(err, ERROR_PROTOCOL, "the answer is no JSON object");
    return check_whole(keys, err);
}

/* ---- XML ---- */

static const uint8_t *find(struct slice text, const char *word)
{
    return text.len == 0 ? NULL : memmem(text.data, text.len, word, strlen(word));
}

bool aws_xml_find(struct slice text, const char *element, struct slice *content)
{
    char tag[64];
    const uint8_t *at;

    snprintf(tag, sizeof(tag), "<%s>", element);
    at = find(text, tag);
    if (at == NULL)
        return false;
    slice_take(&text, (size_t)(at - text.data) + strlen(tag));
    snprintf(tag, sizeof(tag), "</%s>", element);
    at = find(text, tag);
    if (at == NULL)
        return false;
    *content = slice_make(text.data, (size_t)(at - text.data));
    return true;
}

bool aws_keys_parse_xml(struct aws_keys *keys, struct slice text, struct error *err)
{
    static const char *const elements[] = {"AccessKeyId", "SecretAccessKey", "SessionToken",
                                           "Expiration"};
    bool done = true;

    keys->expires = AWS_KEYS_NEVER_EXPIRE;
    for (size_t i = 0; done && i < sizeof(elements) / sizeof(elements[0]); i++) {
        struct buffer value = {0};
        struct slice content;

        if (!aws_xml_find(text, elements[i], &content))
            continue;
        done = buffer_append(&value, content.data, content.len, err);
        if (done && strpbrk(buffer_text(&value), "<&") != NULL)
            done = error_set(err, ERROR_PROTOCOL, "its %s is no plain text", elements[i]);
        done = done && put_member(keys, elements[i], buffer_text(&value), err);
        buffer_free_secret(&value);
    }
    return done && check_whole(keys, err);
}
