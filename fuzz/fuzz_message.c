/* Backend messages: a stream of type, length and body, as a server sends them. */
#include "wire/message_internal.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void parse_text(char type, struct slice body)
{
    struct message_report report;
    const char *name, *value;
    struct slice names;
    uint32_t number;
    struct error err;
    char status;

    switch (type) {
    case 'E':
    case 'N':
        if (message_parse_report(body, &report, &err))
            message_report_is_fatal(&report);
        break;
    case 'C':
        message_parse_command_complete(body, &name, &err);
        break;
    case 'S':
        message_parse_parameter_status(body, &name, &value, &err);
        break;
    case 'K':
        message_parse_backend_key(body, &number, &names, &err);
        break;
    case 'v':
        message_parse_negotiate_version(body, &number, &names, &err);
        break;
    case 'R':
        message_parse_authentication(body, &number, &names, &err);
        break;
    case 'Z':
        message_parse_ready(body, &status, &err);
        break;
    case 'G':
    case 'H':
    case 'W':
        message_parse_copy_response(body, &err);
        break;
    case 't':
        message_parse_parameter_description(body, &err);
        break;
    default:
        message_parse_empty(type, body, &err);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice rest = {data, size}, head, body;
    struct message_column *columns = NULL;
    struct slice *values = NULL;
    size_t column_capacity = 0, value_capacity = 0, count;
    struct message_header header;
    struct error err;

    while (rest.len >= MESSAGE_HEADER_SIZE) {
        head = slice_take(&rest, MESSAGE_HEADER_SIZE);
        if (!message_parse_header(head.data, &header, &err))
            break;
        body = slice_take(&rest, header.body_len < rest.len ? header.body_len : rest.len);
        if (header.type == 'T')
            message_parse_row_description(body, &columns, &column_capacity, &count, &err);
        else if (header.type == 'D')
            message_parse_data_row(body, &values, &value_capacity, &count, &err);
        else
            parse_text(header.type, body);
    }
    free(columns);
    free(values);
    return 0;
}
