#include "support/scripted_server.h"

#include <stdlib.h>

static void add(struct buffer *out, const void *bytes, size_t len)
{
    struct error err;

    if (!buffer_append(out, bytes, len, &err))
        abort();
}

static void add_text(struct buffer *out, const char *text)
{
    add(out, text, strlen(text) + 1);
}

static void add_u16(struct buffer *out, uint16_t value)
{
    uint8_t bytes[2] = {(uint8_t)(value >> 8), (uint8_t)value};

    add(out, bytes, sizeof(bytes));
}

static void add_u32(struct buffer *out, uint32_t value)
{
    add_u16(out, (uint16_t)(value >> 16));
    add_u16(out, (uint16_t)value);
}

static void add_message(struct buffer *out, char type, struct buffer *body)
{
    add(out, &type, 1);
    add_u32(out, (uint32_t)(body->len + 4));
    add(out, body->data, body->len);
    buffer_free(body);
}

void scripted_message(struct buffer *out, char type, const void *body, size_t len)
{
    struct buffer copy = {0};

    add(&copy, body, len);
    add_message(out, type, &copy);
}

void scripted_text_message(struct buffer *out, char type, const char *text)
{
    scripted_message(out, type, text, strlen(text) + 1);
}

void scripted_authentication_ok(struct buffer *out)
{
    scripted_message(out, 'R', "\0\0\0\0", 4);
}

void scripted_parameter(struct buffer *out, const char *name, const char *value)
{
    struct buffer body = {0};

    add_text(&body, name);
    add_text(&body, value);
    add_message(out, 'S', &body);
}

void scripted_backend_key(struct buffer *out, uint32_t pid, const void *key, size_t len)
{
    struct buffer body = {0};

    add_u32(&body, pid);
    add(&body, key, len);
    add_message(out, 'K', &body);
}

void scripted_ready(struct buffer *out, char transaction_status)
{
    scripted_message(out, 'Z', &transaction_status, 1);
}

void scripted_row_description(struct buffer *out, size_t count, const char *const *names)
{
    struct buffer body = {0};

    add_u16(&body, (uint16_t)count);
    for (size_t i = 0; i < count; i++) {
        add_text(&body, names[i]);
        add_u32(&body, 0); /* table */
        add_u16(&body, 0); /* attribute */
        add_u32(&body, 25);
        add_u16(&body, 0xffff);     /* size: variable */
        add_u32(&body, UINT32_MAX); /* modifier: none */
        add_u16(&body, 0);          /* format: text */
    }
    add_message(out, 'T', &body);
}

void scripted_data_row(struct buffer *out, size_t count, const char *const *values)
{
    struct buffer body = {0};

    add_u16(&body, (uint16_t)count);
    for (size_t i = 0; i < count; i++) {
        if (values[i] == NULL) {
            add_u32(&body, UINT32_MAX);
            continue;
        }
        add_u32(&body, (uint32_t)strlen(values[i]));
        add(&body, values[i], strlen(values[i]));
    }
    add_message(out, 'D', &body);
}

void scripted_report(struct buffer *out, char type, const char *severity, const char *sqlstate,
                     const char *message)
{
    struct buffer body = {0};

    add(&body, "S", 1);
    add_text(&body, "translated");
    add(&body, "V", 1);
    add_text(&body, severity);
    add(&body, "C", 1);
    add_text(&body, sqlstate);
    add(&body, "M", 1);
    add_text(&body, message);
    add(&body, "", 1);
    add_message(out, type, &body);
}

void scripted_copy_response(struct buffer *out, char type)
{
    scripted_message(out, type, "\0\0\0", 3);
}

void scripted_session(struct scripted_server *server)
{
    struct buffer reply = {0};

    scripted_authentication_ok(&reply);
    scripted_parameter(&reply, "server_version", "18.4");
    scripted_backend_key(&reply, 4711, "\1\2\3\4", 4);
    scripted_ready(&reply, 'I');
    scripted_accept(server);
    scripted_expect_startup(server, "\0\3\0\0", 4);
    scripted_reply_buffer(server, &reply);
    buffer_free(&reply);
}
