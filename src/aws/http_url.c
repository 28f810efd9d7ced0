/* URLs of endpoints: of what a URL may have, the little that an endpoint needs. */
#include "aws/http.h"

#include "base/bytes.h"

#include <stdio.h>

static bool fail(const char *name, const char *why, struct error *err)
{
    return error_set(err, ERROR_USAGE, "%s is no URL that can be asked: %s", name, why);
}

/* Copies a part that fits. */
static bool put(char *out, size_t size, struct slice text)
{
    if (text.len >= size)
        return false;
    memcpy(out, text.data, text.len);
    out[text.len] = '\0';
    return true;
}

static bool is_plain(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text <= ' ' || *text >= 0x7f)
            return false;
    }
    return true;
}

/* "host", "host:port", "[address]:port". */
static const char *take_authority(struct http_url *url, struct slice text)
{
    const uint8_t *end;
    struct slice host;
    uint64_t port;

    if (text.len > 0 && text.data[0] == '[') {
        end = memchr(text.data, ']', text.len);
        if (end == NULL)
            return "\"[\" without \"]\"";
        host = slice_take(&text, (size_t)(end - text.data) + 1);
        host = slice_make(host.data + 1, host.len - 2);
    } else {
        end = text.len == 0 ? NULL : memchr(text.data, ':', text.len);
        host = slice_take(&text, end == NULL ? text.len : (size_t)(end - text.data));
    }
    if (host.len == 0 || !put(url->host, sizeof(url->host), host))
        return "it has no host, or one that is too long";
    snprintf(url->port, sizeof(url->port), "%s", url->tls ? "443" : "80");
    if (text.len == 0)
        return NULL;
    slice_take(&text, 1);
    if (!bytes_parse_u64(text, &port) || port == 0 || port > 65535)
        return "its port is no number from 1 to 65535";
    snprintf(url->port, sizeof(url->port), "%u", (unsigned)port);
    return NULL;
}

bool http_url_parse(struct http_url *url, const char *text, const char *name, struct error *err)
{
    const char *rest, *path, *wrong;

    *url = (struct http_url){.tls = strncmp(text, "https://", 8) == 0};
    if (!url->tls && strncmp(text, "http://", 7) != 0)
        return fail(name, "it begins with neither http:// nor https://", err);
    if (!is_plain(text))
        return fail(name, "it has a blank or a character that is not ASCII", err);
    if (strpbrk(text, "@#\\") != NULL)
        return fail(name, "it has a user, a fragment or a backslash", err);
    rest = text + (url->tls ? 8 : 7);
    path = rest + strcspn(rest, "/?");
    wrong = take_authority(url, slice_make(rest, (size_t)(path - rest)));
    if (wrong != NULL)
        return fail(name, wrong, err);
    if (strlen(path) + 2 > sizeof(url->path))
        return fail(name, "it is too long", err);
    snprintf(url->path, sizeof(url->path), "%s%s", path[0] == '/' ? "" : "/", path);
    return true;
}
