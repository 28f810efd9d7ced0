/*
 * Connection strings: "postgres://user:password@host:port/dbname?key=value&…" and
 * "key=value key='another value'". Source: PostgreSQL documentation, "Connection Strings".
 *
 * Any part of a string that does not parse may be a piece of a password that was not quoted as it
 * should have been. Errors therefore say where, and not what.
 */
#include "wire/settings_internal.h"

#include "base/bytes.h"
#include "base/error_names.h"

static bool put_buffer(struct wire_settings *settings, const char *name, struct buffer *value,
                       struct error *err)
{
    if (memchr(buffer_text(value), '\0', value->len) != NULL)
        return error_set(err, ERROR_USAGE, "a connection setting contains a zero byte");
    /* The predecessor of sslmode. */
    if (strcmp(name, "requiressl") == 0)
        return wire_settings_set(settings, "sslmode",
                                 buffer_text(value)[0] == '1' ? "require" : "prefer", err);
    return wire_settings_set(settings, name, buffer_text(value), err);
}

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

static void skip_blanks(struct slice *text)
{
    while (text->len > 0 && is_blank(text->data[0]))
        slice_take(text, 1);
}

/* ---- URIs ---- */

/* Blanks around a part do not count, as where a URI was pasted; inside it they do. */
static bool percent_decode(struct slice text, struct buffer *out, struct error *err)
{
    skip_blanks(&text);
    while (text.len > 0 && is_blank(text.data[text.len - 1]))
        text.len--;
    while (text.len > 0) {
        uint8_t byte = text.data[0];

        if (is_blank(byte)) {
            error_set(err, ERROR_USAGE, "the connection URI has a blank inside a part of it");
            return error_hint(err, "In a URI a blank is written %%20.");
        }
        if (byte == '%') {
            if (text.len < 3 || !bytes_from_hex(slice_make(text.data + 1, 2), &byte, 1) ||
                byte == 0) {
                error_set(err, ERROR_USAGE, "bad percent-encoding in the connection URI");
                return error_hint(err, "A percent sign is followed by two hexadecimal digits, not "
                                       "00; itself it is written %%25.");
            }
            slice_take(&text, 2);
        }
        slice_take(&text, 1);
        if (!buffer_append_byte(out, byte, err))
            return false;
    }
    return true;
}

static bool put_decoded(struct wire_settings *settings, const char *name, struct slice text,
                        struct error *err)
{
    struct buffer value = {0};
    bool done = buffer_reserve(&value, text.len, err) && percent_decode(text, &value, err) &&
                put_buffer(settings, name, &value, err);

    buffer_free_secret(&value);
    return done;
}

/* Takes everything before the first byte that is in `stop`, or all. */
static struct slice take_until(struct slice *text, const char *stop)
{
    size_t n = 0;

    while (n < text->len && strchr(stop, text->data[n]) == NULL)
        n++;
    return slice_take(text, n);
}

static bool begins_with(struct slice text, char byte)
{
    return text.len > 0 && text.data[0] == (uint8_t)byte;
}

/* "user:password@", if there is an @ before the first slash. */
static bool uri_credentials(struct wire_settings *settings, struct slice *rest, struct error *err)
{
    struct slice text = *rest;
    struct slice credentials = take_until(&text, "@/");
    struct slice user;

    if (!begins_with(text, '@'))
        return true;
    slice_take(&text, 1);
    *rest = text;
    user = take_until(&credentials, ":");
    if (user.len > 0 && !put_decoded(settings, "user", user, err))
        return false;
    if (credentials.len <= 1)
        return true;
    slice_take(&credentials, 1);
    return put_decoded(settings, "password", credentials, err);
}

static bool refuse_ipv6(const char *why, struct error *err)
{
    error_set(err, ERROR_USAGE, "bad IPv6 address in the connection URI: %s", why);
    return error_hint(err, "Write it as in postgres://USER@[2001:db8::7]:5432/DATABASE.");
}

/* One "host", "[IPv6]", with or without ":port". */
static bool uri_host(struct slice *rest, struct buffer *hosts, struct buffer *ports,
                     struct error *err)
{
    struct slice host, port = {0};

    if (begins_with(*rest, '[')) {
        slice_take(rest, 1);
        host = take_until(rest, "]");
        if (rest->len == 0 || host.len == 0)
            return refuse_ipv6("\"[\" without address and \"]\"", err);
        slice_take(rest, 1);
        if (rest->len > 0 && strchr(":,/?", rest->data[0]) == NULL)
            return refuse_ipv6("something follows \"]\"", err);
    } else {
        host = take_until(rest, ":,/?");
    }
    if (begins_with(*rest, ':')) {
        slice_take(rest, 1);
        port = take_until(rest, ",/?");
    }
    return buffer_append(hosts, host.data, host.len, err) &&
           buffer_append(ports, port.data, port.len, err);
}

static bool check_at_sign(const struct buffer *hosts, const struct buffer *ports, struct error *err)
{
    if (strchr(buffer_text(hosts), '@') == NULL && strchr(buffer_text(ports), '@') == NULL)
        return true;
    error_set(err, ERROR_USAGE, "the connection URI has an @ too many");
    return error_hint(err, "Inside a user name or password @ is written %%40.");
}

/* The comma list of hosts; hosts and ports are kept as lists of equal length. */
static bool uri_hosts(struct wire_settings *settings, struct slice *rest, struct error *err)
{
    struct buffer hosts = {0}, ports = {0};
    bool done = uri_host(rest, &hosts, &ports, err);

    while (done && begins_with(*rest, ',')) {
        slice_take(rest, 1);
        done = buffer_append_byte(&hosts, ',', err) && buffer_append_byte(&ports, ',', err) &&
               uri_host(rest, &hosts, &ports, err);
    }
    done = done && check_at_sign(&hosts, &ports, err);
    /* A list of nothing but commas is as many defaults. */
    if (done && hosts.len > 0)
        done = put_decoded(settings, "host", buffer_slice(&hosts), err);
    if (done && ports.len > 0)
        done = put_decoded(settings, "port", buffer_slice(&ports), err);
    settings->port_from_uri = settings->port_from_uri || (done && ports.len > 0);
    buffer_free_secret(&hosts);
    buffer_free_secret(&ports);
    return done;
}

static bool uri_parameter(struct wire_settings *settings, struct slice text, struct error *err)
{
    struct slice key = take_until(&text, "=");
    struct buffer name = {0};
    bool done;

    if (text.len == 0) {
        error_set(err, ERROR_USAGE, "a parameter in the connection URI has no \"=\" and value");
        return error_hint(err, "Behind the question mark stand pairs: ?key=value&key=value.");
    }
    slice_take(&text, 1);
    if (text.len > 0 && memchr(text.data, '=', text.len) != NULL) {
        error_set(err, ERROR_USAGE, "a parameter in the connection URI has two \"=\"");
        return error_hint(err, "In a value an equals sign is written %%3D.");
    }
    done = percent_decode(key, &name, err);
    /* As JDBC says it. */
    if (done && strcmp(buffer_text(&name), "ssl") == 0 && slice_equals(text, slice_string("true")))
        done = wire_settings_set(settings, "sslmode", "require", err);
    else if (done)
        done = put_decoded(settings, buffer_text(&name), text, err);
    buffer_free_secret(&name);
    return done;
}

static bool uri_parameters(struct wire_settings *settings, struct slice rest, struct error *err)
{
    while (rest.len > 0) {
        struct slice parameter = take_until(&rest, "&");

        if (!uri_parameter(settings, parameter, err))
            return false;
        if (rest.len > 0)
            slice_take(&rest, 1);
    }
    return true;
}

static bool parse_uri(struct wire_settings *settings, struct slice rest, struct error *err)
{
    struct slice database;

    if (!uri_credentials(settings, &rest, err) || !uri_hosts(settings, &rest, err))
        return false;
    if (begins_with(rest, '/')) {
        slice_take(&rest, 1);
        database = take_until(&rest, "?");
        if (database.len > 0 && !put_decoded(settings, "dbname", database, err))
            return false;
    }
    if (!begins_with(rest, '?'))
        return true;
    slice_take(&rest, 1);
    return uri_parameters(settings, rest, err);
}

/* ---- key=value ---- */

/* A value in quotes goes to the next quote, another to the next blank; a backslash takes the byte
 * behind it as it is. False without an error: the closing quote is missing. */
static bool take_value(struct slice *text, struct buffer *value, struct error *err)
{
    bool quoted = begins_with(*text, '\'');

    if (quoted)
        slice_take(text, 1);
    while (text->len > 0) {
        uint8_t byte = text->data[0];

        if (quoted ? byte == '\'' : is_blank(byte))
            break;
        slice_take(text, 1);
        if (byte == '\\') {
            if (text->len == 0)
                break;
            byte = text->data[0];
            slice_take(text, 1);
        }
        if (!buffer_append_byte(value, byte, err))
            return false;
    }
    if (!quoted)
        return true;
    if (text->len == 0) {
        error_set(err, ERROR_USAGE, "the connection string has a quote that is not closed");
        return error_hint(err, "A quote inside a quoted value is written \\'.");
    }
    slice_take(text, 1);
    return true;
}

static bool refuse_word(size_t position, struct error *err)
{
    error_set(err, ERROR_USAGE,
              "at character %zu of the connection string stands no known "
              "setting",
              position);
    return error_hint(err, "Write key=value; a value with blanks is quoted: key='the value'.");
}

static bool parse_pair(struct wire_settings *settings, struct slice *rest, size_t position,
                       bool *after_secret, struct error *err)
{
    struct buffer name = {0}, value = {0};
    struct slice key = take_until(rest, "= \t\n\v\f\r");
    size_t count;
    int index;
    bool done;

    skip_blanks(rest);
    if (!begins_with(*rest, '='))
        return refuse_word(position, err);
    slice_take(rest, 1);
    skip_blanks(rest);
    done = buffer_append(&name, key.data, key.len, err) && buffer_reserve(&value, rest->len, err) &&
           take_value(rest, &value, err);
    index = done ? settings_find(buffer_text(&name)) : -1;
    /* Behind an unquoted password an unknown word is likely its second half. */
    if (done && index < 0 && *after_secret)
        done = refuse_word(position, err);
    else if (done)
        done = put_buffer(settings, buffer_text(&name), &value, err);
    if (index >= 0 && settings_table(&count)[index].secret)
        *after_secret = true;
    buffer_free_secret(&name);
    buffer_free_secret(&value);
    return done;
}

static bool parse_pairs(struct wire_settings *settings, struct slice text, struct error *err)
{
    const uint8_t *begin = text.data;
    bool after_secret = false;

    for (;;) {
        skip_blanks(&text);
        if (text.len == 0)
            return true;
        if (!parse_pair(settings, &text, (size_t)(text.data - begin) + 1, &after_secret, err))
            return false;
    }
}

/* ---- As a whole ---- */

bool wire_settings_parse(struct wire_settings *settings, const char *conninfo, struct error *err)
{
    static const struct {
        const char *scheme;
        bool wants_tokens;
    } schemes[] = {
        {"postgresql://", false},
        {"postgres://", false},
        {"postgresql+aws://", true},
        {"postgres+aws://", true},
    };

    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        size_t len = strlen(schemes[i].scheme);

        if (strncmp(conninfo, schemes[i].scheme, len) != 0)
            continue;
        settings->wants_tokens = schemes[i].wants_tokens;
        return parse_uri(settings, slice_string(conninfo + len), err);
    }
    return parse_pairs(settings, slice_string(conninfo), err);
}
