/*
 * Backend messages: a stream of type, length and body, as a server sends them.
 *
 * Holds: whatever a parser gives lies inside the body, which has memory of its own; texts end
 * there; counts are those of the message.
 *
 * Columns and values: at most 65,535, of 16 bytes each, whatever the body's length.
 * Limits: -malloc_limit_mb=2 -max_len=16384
 */
#include "wire/message_internal.h"
#include "support/feed.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct parser {
    struct message_column *columns;
    struct slice *values;
    size_t column_capacity, value_capacity;
};

static void must_lie_in(struct slice body, struct slice part)
{
    must(part.len == 0 || (part.data >= body.data && part.data + part.len <= body.data + body.len));
}

/* With the NUL that ends it. */
static void must_be_text_in(struct slice body, const char *text)
{
    if (text[0] != '\0' || (const uint8_t *)text >= body.data)
        must_lie_in(body, slice_make(text, strlen(text) + 1));
}

static void check_report(struct slice body)
{
    struct message_report report;
    struct error err;

    if (!message_parse_report(body, &report, &err))
        return;
    must(strlen(report.severity) + strlen(report.sqlstate) + strlen(report.message) +
             strlen(report.detail) + strlen(report.hint) + strlen(report.where) <
         body.len);
    message_report_is_fatal(&report);
}

static void check_columns(struct parser *parser, struct slice body)
{
    struct error err;
    size_t count;

    if (!message_parse_row_description(body, &parser->columns, &parser->column_capacity, &count,
                                       &err))
        count = 0;
    must(count <= UINT16_MAX && count <= body.len);
    for (size_t i = 0; i < count; i++)
        must_be_text_in(body, parser->columns[i].name);
}

static void check_row(struct parser *parser, struct slice body)
{
    size_t count, total = 2;
    struct error err;

    if (!message_parse_data_row(body, &parser->values, &parser->value_capacity, &count, &err))
        return;
    for (size_t i = 0; i < count; i++) {
        must_lie_in(body, parser->values[i]);
        total += 4 + parser->values[i].len;
    }
    must(total == body.len);
}

static bool parse_text(char type, struct slice body, struct error *err)
{
    const char *name, *value;

    if (type == 'C') {
        if (!message_parse_command_complete(body, &name, err))
            return false;
        must_be_text_in(body, name);
        return true;
    }
    if (!message_parse_parameter_status(body, &name, &value, err))
        return false;
    must_be_text_in(body, name);
    must_be_text_in(body, value);
    return true;
}

static bool parse_number(char type, struct slice body, struct error *err)
{
    struct slice rest = {0};
    uint32_t number;
    bool ok;

    if (type == 'K')
        ok = message_parse_backend_key(body, &number, &rest, err);
    else if (type == 'v')
        ok = message_parse_negotiate_version(body, &number, &rest, err);
    else
        ok = message_parse_authentication(body, &number, &rest, err);
    if (ok)
        must_lie_in(body, rest);
    return ok;
}

static void parse(struct parser *parser, char type, struct slice body)
{
    struct error err;
    char status;
    bool ok = true;

    if (type == 'E' || type == 'N')
        check_report(body);
    else if (type == 'T')
        check_columns(parser, body);
    else if (type == 'D')
        check_row(parser, body);
    else if (type == 'C' || type == 'S')
        ok = parse_text(type, body, &err);
    else if (type == 'K' || type == 'v' || type == 'R')
        ok = parse_number(type, body, &err);
    else if (type == 'Z')
        ok = message_parse_ready(body, &status, &err);
    else if (type == 'G' || type == 'H' || type == 'W')
        ok = message_parse_copy_response(body, &err);
    else if (type == 't')
        ok = message_parse_parameter_description(body, &err);
    else
        ok = message_parse_empty(type, body, &err);
    if (!ok)
        must_be_told(&err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice rest = {data, size};
    struct parser parser = {0};
    struct message_header header;
    struct error err;

    while (rest.len >= MESSAGE_HEADER_SIZE) {
        struct feed feed = {0};
        struct slice body = {0};

        if (!message_parse_header(slice_take(&rest, MESSAGE_HEADER_SIZE).data, &header, &err))
            break;
        must(message_type_name(header.type) != NULL);
        feed.rest = slice_take(&rest, header.body_len < rest.len ? header.body_len : rest.len);
        feed_next(&feed, &body);
        parse(&parser, header.type, body);
        feed_end(&feed);
    }
    free(parser.columns);
    free(parser.values);
    return 0;
}
