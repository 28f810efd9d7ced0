/*
 * Building and taking apart messages, field by field, with every length checked before it is
 * believed. Nothing here knows which message may come when: that is conn_events.c's.
 */
#include "wire/message_internal.h"

#include "base/bytes.h"

#include <stdlib.h>

#define MESSAGE_LENGTH_MAX ((size_t)INT32_MAX)

/* ---- Building ---- */

/* Writes the type byte (0: the message has none, as at startup) and room for the length. */
static bool message_begin(struct buffer *out, char type, size_t *start, struct error *err)
{
    *start = out->len;
    if (type != 0 && !buffer_append_byte(out, (uint8_t)type, err))
        return false;
    return buffer_append_u32(out, 0, err);
}

/* Fills the length in, or takes the message back: `built` says whether all its parts fitted. */
static bool message_end(struct buffer *out, char type, size_t start, bool built, struct error *err)
{
    size_t length_at = start + (type != 0 ? 1 : 0);

    if (built && out->len - length_at <= MESSAGE_LENGTH_MAX) {
        bytes_put_u32(out->data + length_at, (uint32_t)(out->len - length_at));
        return true;
    }
    if (built)
        error_set(err, ERROR_USAGE, "a message of over 2 GiB cannot be sent");
    out->len = start;
    return false;
}

static bool append_text(struct buffer *out, const char *text, struct error *err)
{
    return buffer_append(out, text, strlen(text) + 1, err);
}

/* A message whose body is one string with its NUL, after an optional leading byte. */
static bool append_text_message(struct buffer *out, char type, char kind, const char *text,
                                struct error *err)
{
    size_t start;
    bool built = message_begin(out, type, &start, err) &&
                 (kind == 0 || buffer_append_byte(out, (uint8_t)kind, err)) &&
                 append_text(out, text, err);

    return message_end(out, type, start, built, err);
}

static bool append_bytes_message(struct buffer *out, char type, struct slice body,
                                 struct error *err)
{
    size_t start;
    bool built =
        message_begin(out, type, &start, err) && buffer_append(out, body.data, body.len, err);

    return message_end(out, type, start, built, err);
}

bool message_append_startup(struct buffer *out, uint32_t version,
                            const struct message_parameter *parameters, size_t count,
                            struct error *err)
{
    size_t start;
    bool built = message_begin(out, 0, &start, err) && buffer_append_u32(out, version, err);

    for (size_t i = 0; built && i < count; i++)
        built =
            append_text(out, parameters[i].name, err) && append_text(out, parameters[i].value, err);
    built = built && buffer_append_byte(out, 0, err);
    return message_end(out, 0, start, built, err);
}

bool message_append_tls_request(struct buffer *out, struct error *err)
{
    size_t start;
    bool built = message_begin(out, 0, &start, err) && buffer_append_u32(out, REQUEST_TLS, err);

    return message_end(out, 0, start, built, err);
}

bool message_append_cancel_request(struct buffer *out, uint32_t pid, struct slice key,
                                   struct error *err)
{
    size_t start;
    bool built = message_begin(out, 0, &start, err) &&
                 buffer_append_u32(out, REQUEST_CANCEL, err) && buffer_append_u32(out, pid, err) &&
                 buffer_append(out, key.data, key.len, err);

    return message_end(out, 0, start, built, err);
}

bool message_append_password(struct buffer *out, const char *text, struct error *err)
{
    return append_text_message(out, 'p', 0, text, err);
}

bool message_append_sasl_initial(struct buffer *out, const char *mechanism, struct slice response,
                                 struct error *err)
{
    size_t start;
    bool built = message_begin(out, 'p', &start, err) && append_text(out, mechanism, err) &&
                 buffer_append_u32(out, (uint32_t)response.len, err) &&
                 buffer_append(out, response.data, response.len, err);

    return message_end(out, 'p', start, built, err);
}

bool message_append_sasl_response(struct buffer *out, struct slice response, struct error *err)
{
    return append_bytes_message(out, 'p', response, err);
}

bool message_append_query(struct buffer *out, const char *sql, struct error *err)
{
    return append_text_message(out, 'Q', 0, sql, err);
}

bool message_append_parse(struct buffer *out, const char *statement, const char *sql,
                          struct error *err)
{
    size_t start;
    bool built = message_begin(out, 'P', &start, err) && append_text(out, statement, err) &&
                 append_text(out, sql, err) &&
                 buffer_append_u16(out, 0, err); /* the server infers all parameter types */

    return message_end(out, 'P', start, built, err);
}

static bool append_bind_value(struct buffer *out, const char *value, struct error *err)
{
    size_t len;

    if (value == NULL)
        return buffer_append_u32(out, UINT32_MAX, err);
    len = strlen(value);
    if (len > MESSAGE_LENGTH_MAX)
        return error_set(err, ERROR_USAGE, "a parameter of over 2 GiB cannot be sent");
    return buffer_append_u32(out, (uint32_t)len, err) && buffer_append(out, value, len, err);
}

bool message_append_bind(struct buffer *out, const char *portal, const char *statement,
                         size_t count, const char *const *values, struct error *err)
{
    size_t start;
    bool built;

    if (count > UINT16_MAX)
        return error_set(err, ERROR_USAGE, "%zu parameters are more than a statement can have",
                         count);
    built = message_begin(out, 'B', &start, err) && append_text(out, portal, err) &&
            append_text(out, statement, err) &&
            buffer_append_u16(out, 0, err) && /* no format codes: every parameter is text */
            buffer_append_u16(out, (uint16_t)count, err);
    for (size_t i = 0; built && i < count; i++)
        built = append_bind_value(out, values[i], err);
    built = built && buffer_append_u16(out, 0, err); /* and so is every result */
    return message_end(out, 'B', start, built, err);
}

bool message_append_describe_portal(struct buffer *out, const char *portal, struct error *err)
{
    return append_text_message(out, 'D', 'P', portal, err);
}

bool message_append_execute(struct buffer *out, const char *portal, uint32_t max_rows,
                            struct error *err)
{
    size_t start;
    bool built = message_begin(out, 'E', &start, err) && append_text(out, portal, err) &&
                 buffer_append_u32(out, max_rows, err);

    return message_end(out, 'E', start, built, err);
}

bool message_append_close_statement(struct buffer *out, const char *statement, struct error *err)
{
    return append_text_message(out, 'C', 'S', statement, err);
}

bool message_append_sync(struct buffer *out, struct error *err)
{
    return append_bytes_message(out, 'S', slice_make(NULL, 0), err);
}

bool message_append_copy_data(struct buffer *out, struct slice data, struct error *err)
{
    return append_bytes_message(out, 'd', data, err);
}

bool message_append_copy_done(struct buffer *out, struct error *err)
{
    return append_bytes_message(out, 'c', slice_make(NULL, 0), err);
}

bool message_append_copy_fail(struct buffer *out, const char *reason, struct error *err)
{
    return append_text_message(out, 'f', 0, reason, err);
}

bool message_append_terminate(struct buffer *out, struct error *err)
{
    return append_bytes_message(out, 'X', slice_make(NULL, 0), err);
}

void message_put_copy_data_header(uint8_t out[MESSAGE_HEADER_SIZE], size_t len)
{
    out[0] = 'd';
    bytes_put_u32(out + 1, (uint32_t)(len + 4));
}

/* ---- Parsing ---- */

const char *message_type_name(char type)
{
    static const char types[] = "1 2 3 A C D E G H I K N R S T V W Z c d n s t v";
    static const char *const names[] = {
        "ParseComplete",
        "BindComplete",
        "CloseComplete",
        "Notification",
        "CommandComplete",
        "DataRow",
        "ErrorResponse",
        "CopyInResponse",
        "CopyOutResponse",
        "EmptyQueryResponse",
        "BackendKeyData",
        "NoticeResponse",
        "Authentication",
        "ParameterStatus",
        "RowDescription",
        "FunctionCallResponse",
        "CopyBothResponse",
        "ReadyForQuery",
        "CopyDone",
        "CopyData",
        "NoData",
        "PortalSuspended",
        "ParameterDescription",
        "NegotiateProtocolVersion",
    };
    const char *at = type > ' ' ? strchr(types, type) : NULL;

    return at == NULL ? NULL : names[(at - types) / 2];
}

static bool malformed(char type, struct error *err)
{
    return error_set(err, ERROR_PROTOCOL, "the server sent a malformed %s message",
                     message_type_name(type));
}

static size_t body_max(char type)
{
    if (type == 'd')
        return MESSAGE_LENGTH_MAX;
    return type == 'D' || type == 'E' ? MESSAGE_ROW_MAX : MESSAGE_BODY_MAX;
}

bool message_parse_header(const uint8_t bytes[MESSAGE_HEADER_SIZE], struct message_header *header,
                          struct error *err)
{
    uint32_t length = bytes_get_u32(bytes + 1);
    const char *name = message_type_name((char)bytes[0]);

    if (name == NULL)
        return error_set(err, ERROR_PROTOCOL,
                         "the server sent a message of the unknown type 0x%02x", bytes[0]);
    if (length < 4 || length > MESSAGE_LENGTH_MAX)
        return error_set(err, ERROR_PROTOCOL, "the server sent a %s message with a length of %u",
                         name, length);
    header->type = (char)bytes[0];
    header->body_len = length - 4;
    if (header->body_len > body_max(header->type))
        return error_set(err, ERROR_PROTOCOL,
                         "the server sent a %s message of %zu bytes; at most %zu are accepted",
                         name, header->body_len, body_max(header->type));
    return true;
}

bool message_is_copy_data(const uint8_t bytes[MESSAGE_HEADER_SIZE], size_t *body_len)
{
    uint32_t length = bytes_get_u32(bytes + 1);

    *body_len = length - 4;
    return bytes[0] == 'd' && length >= 4 && length <= MESSAGE_LENGTH_MAX;
}

static const char **report_field(struct message_report *report, uint8_t code)
{
    switch (code) {
    case 'S':
    case 'V':
        return &report->severity;
    case 'C':
        return &report->sqlstate;
    case 'M':
        return &report->message;
    case 'D':
        return &report->detail;
    case 'H':
        return &report->hint;
    case 'W':
        return &report->where;
    case 'P':
        return &report->position;
    default:
        return NULL;
    }
}

bool message_parse_report(struct slice body, struct message_report *report, struct error *err)
{
    bool untranslated = false; /* 'V' wins over the localised 'S', whichever comes first */
    const char *text;
    uint8_t code;

    *report = (struct message_report){"", "", "", "", "", "", ""};
    for (;;) {
        const char **field;

        if (!bytes_take_u8(&body, &code))
            return malformed('E', err);
        if (code == 0)
            return true;
        if (!bytes_take_string(&body, &text))
            return malformed('E', err);
        field = report_field(report, code);
        if (field != NULL && !(code == 'S' && untranslated))
            *field = text;
        untranslated = untranslated || code == 'V';
    }
}

bool message_report_is_fatal(const struct message_report *report)
{
    return strcmp(report->severity, "FATAL") == 0 || strcmp(report->severity, "PANIC") == 0;
}

/* The arrays only ever grow, and a count is at most 65,535. */
static bool grow(void **array, size_t *capacity, size_t count, size_t size, struct error *err)
{
    void *bigger;

    if (count <= *capacity)
        return true;
    bigger = realloc(*array, count * size);
    if (bigger == NULL)
        return error_set_memory(err);
    *array = bigger;
    *capacity = count;
    return true;
}

bool message_parse_row_description(struct slice body, struct message_column **columns,
                                   size_t *capacity, size_t *count, struct error *err)
{
    /* table OID, attribute number | type OID | type size, type modifier, format */
    enum { BEFORE_TYPE = 6, AFTER_TYPE = 8 };
    struct slice skipped;
    uint16_t announced;
    void *array = *columns;

    *count = 0;
    if (!bytes_take_u16(&body, &announced))
        return malformed('T', err);
    if (!grow(&array, capacity, announced, sizeof(**columns), err))
        return false;
    *columns = array;
    for (size_t i = 0; i < announced; i++) {
        struct message_column *column = &(*columns)[i];

        if (!bytes_take_string(&body, &column->name) || !bytes_take(&body, BEFORE_TYPE, &skipped) ||
            !bytes_take_u32(&body, &column->type) || !bytes_take(&body, AFTER_TYPE, &skipped))
            return malformed('T', err);
    }
    if (body.len != 0)
        return malformed('T', err);
    *count = announced;
    return true;
}

bool message_parse_data_row(struct slice body, struct slice **values, size_t *capacity,
                            size_t *count, struct error *err)
{
    uint16_t announced;
    uint32_t len;
    void *array = *values;

    *count = 0;
    if (!bytes_take_u16(&body, &announced))
        return malformed('D', err);
    if (!grow(&array, capacity, announced, sizeof(**values), err))
        return false;
    *values = array;
    for (size_t i = 0; i < announced; i++) {
        struct slice *value = &(*values)[i];

        if (!bytes_take_u32(&body, &len))
            return malformed('D', err);
        if (len == UINT32_MAX)
            *value = slice_make(NULL, 0);
        else if (!bytes_take(&body, len, value))
            return malformed('D', err);
    }
    if (body.len != 0)
        return malformed('D', err);
    *count = announced;
    return true;
}

bool message_parse_copy_response(struct slice body, struct error *err)
{
    uint8_t format;
    uint16_t columns;

    if (!bytes_take_u8(&body, &format) || !bytes_take_u16(&body, &columns) ||
        body.len != (size_t)columns * 2)
        return malformed('H', err);
    return true;
}

bool message_parse_parameter_description(struct slice body, struct error *err)
{
    uint16_t count;

    if (!bytes_take_u16(&body, &count) || body.len != (size_t)count * 4)
        return malformed('t', err);
    return true;
}

bool message_parse_command_complete(struct slice body, const char **tag, struct error *err)
{
    if (!bytes_take_string(&body, tag) || body.len != 0)
        return malformed('C', err);
    return true;
}

bool message_parse_ready(struct slice body, char *transaction_status, struct error *err)
{
    uint8_t status;

    if (!bytes_take_u8(&body, &status) || body.len != 0 ||
        (status != 'I' && status != 'T' && status != 'E'))
        return malformed('Z', err);
    *transaction_status = (char)status;
    return true;
}

bool message_parse_parameter_status(struct slice body, const char **name, const char **value,
                                    struct error *err)
{
    if (!bytes_take_string(&body, name) || !bytes_take_string(&body, value) || body.len != 0)
        return malformed('S', err);
    return true;
}

bool message_parse_backend_key(struct slice body, uint32_t *pid, struct slice *key,
                               struct error *err)
{
    /* 4 bytes in protocol 3.0, up to 256 later. */
    if (!bytes_take_u32(&body, pid) || body.len < 4 || body.len > 256)
        return malformed('K', err);
    *key = body;
    return true;
}

bool message_parse_negotiate_version(struct slice body, uint32_t *version, struct slice *names,
                                     struct error *err)
{
    struct slice rest;
    const char *name;
    uint32_t count;

    if (!bytes_take_u32(&body, version) || !bytes_take_u32(&body, &count))
        return malformed('v', err);
    *names = body;
    rest = body;
    for (uint32_t i = 0; i < count; i++) {
        if (!bytes_take_string(&rest, &name))
            return malformed('v', err);
    }
    return rest.len == 0 ? true : malformed('v', err);
}

bool message_parse_empty(char type, struct slice body, struct error *err)
{
    return body.len == 0 ? true : malformed(type, err);
}

bool message_parse_authentication(struct slice body, uint32_t *code, struct slice *rest,
                                  struct error *err)
{
    if (!bytes_take_u32(&body, code))
        return malformed('R', err);
    *rest = body;
    return true;
}
