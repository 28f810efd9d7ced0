/*
 * Passfiles. The first five lines are host, port, database, user and password; the rest is a file.
 *
 * Holds: in that file, a password is found or not, and is no longer than the file; in the line that
 * is made of the five, with backslashes where they are needed, the password is found as it was.
 *
 * A file has 1 MiB at most.
 * Limits: -malloc_limit_mb=2 -max_len=8192
 */
#include "support/feed.h"
#include "wire/auth_password_internal.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FIELDS 5

/* As C strings, so up to a NUL. */
static char *take_field(struct slice *input)
{
    const uint8_t *feed = input->len == 0 ? NULL : memchr(input->data, '\n', input->len);
    struct slice field =
        slice_take(input, feed == NULL ? input->len : (size_t)(feed - input->data));
    char *text = malloc(field.len + 1);

    must(text != NULL);
    if (field.len > 0)
        memcpy(text, field.data, field.len);
    text[field.len] = '\0';
    if (feed != NULL)
        slice_take(input, 1);
    return text;
}

static void append_escaped(struct buffer *line, const char *text)
{
    struct error err;

    for (; *text != '\0'; text++) {
        if (*text == ':' || *text == '\\')
            must(buffer_append_byte(line, '\\', &err));
        must(buffer_append_byte(line, (uint8_t)*text, &err));
    }
}

static struct wire_password_request request_of(char *const fields[FIELDS])
{
    return (struct wire_password_request){
        .host = fields[0], .port = fields[1], .database = fields[2], .user = fields[3]};
}

/* What a search gives; its text must have memory of its own. */
static bool search(struct slice text, const struct wire_password_request *request,
                   struct buffer *password)
{
    struct feed feed = {.rest = text};
    struct slice copy = {0};
    struct error err;
    bool found;

    feed_next(&feed, &copy);
    must(passfile_search(copy, request, password, &found, &err));
    feed_end(&feed);
    must(password->len <= text.len && (found || password->len == 0));
    return found;
}

static bool can_be_written(char *const fields[FIELDS])
{
    for (size_t i = 0; i < FIELDS; i++) {
        if (fields[i][0] == '\0' || strchr(fields[i], '\r') != NULL)
            return false;
    }
    return fields[0][0] != '#';
}

static void check_round_trip(char *const fields[FIELDS])
{
    struct wire_password_request request = request_of(fields);
    struct buffer line = {0}, password = {0};
    struct error err;

    for (size_t i = 0; i < FIELDS; i++) {
        if (i > 0)
            must(buffer_append_byte(&line, ':', &err));
        append_escaped(&line, fields[i]);
    }
    must(search(buffer_slice(&line), &request, &password));
    must(strcmp(buffer_text(&password), fields[FIELDS - 1]) == 0);
    buffer_free(&line);
    buffer_free(&password);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = {data, size};
    struct wire_password_request request;
    struct buffer password = {0};
    char *fields[FIELDS];

    for (size_t i = 0; i < FIELDS; i++)
        fields[i] = take_field(&input);
    request = request_of(fields);
    search(input, &request, &password);
    buffer_free(&password);
    if (can_be_written(fields))
        check_round_trip(fields);
    for (size_t i = 0; i < FIELDS; i++)
        free(fields[i]);
    return 0;
}
