/*
 * Status line, the few headers that say how long the body is, and the body. What one could read in
 * two ways is refused: two lengths, a length beside chunks, a line without its name.
 */
#include "aws/http_response.h"

#include "base/bytes.h"

#include <strings.h>

#define HEADERS_MAX ((size_t)16 * 1024)

struct head {
    unsigned status;
    bool chunked, has_length;
    uint64_t length;
};

static enum http_progress bad(const char *what, struct error *err)
{
    error_set(err, ERROR_PROTOCOL, "the answer is no HTTP: %s", what);
    return HTTP_BAD;
}

/* Takes a line with its end; false: there is no whole one. */
static bool take_line(struct slice *text, struct slice *line)
{
    const uint8_t *end = text->len == 0 ? NULL : memchr(text->data, '\n', text->len);

    if (end == NULL)
        return false;
    *line = slice_take(text, (size_t)(end - text->data) + 1);
    line->len--;
    if (line->len > 0 && line->data[line->len - 1] == '\r')
        line->len--;
    return true;
}

static bool is_word(struct slice text, const char *word)
{
    return text.len == strlen(word) && strncasecmp((const char *)text.data, word, text.len) == 0;
}

static bool parse_status(struct slice line, unsigned *status)
{
    uint64_t number;

    if (line.len < 12 || memcmp(line.data, "HTTP/1.", 7) != 0 || line.data[8] != ' ' ||
        (line.len > 12 && line.data[12] != ' ') ||
        !bytes_parse_u64(slice_make(line.data + 9, 3), &number) || number < 200)
        return false;
    *status = (unsigned)number;
    return true;
}

static const char *take_header(struct slice line, struct head *head)
{
    const uint8_t *colon = line.len == 0 ? NULL : memchr(line.data, ':', line.len);
    struct slice name, value;

    if (colon == NULL || colon == line.data)
        return "a header without a name";
    name = slice_take(&line, (size_t)(colon - line.data));
    value = slice_trim(slice_make(line.data + 1, line.len - 1), " \t");
    if (is_word(name, "transfer-encoding")) {
        if (!is_word(value, "chunked"))
            return "an unknown transfer encoding";
        head->chunked = true;
    } else if (is_word(name, "content-length")) {
        if (head->has_length || !bytes_parse_u64(value, &head->length))
            return "a length that is no number, or two of them";
        head->has_length = true;
    }
    return head->chunked && head->has_length ? "a length beside chunks" : NULL;
}

/* Takes status and headers off *text. */
static enum http_progress take_head(struct slice *text, struct head *head, struct error *err)
{
    struct slice all = *text, line;
    bool first = true;

    while (take_line(text, &line)) {
        const char *wrong = NULL;

        if (first && !parse_status(line, &head->status))
            return bad("it does not begin with a status", err);
        if (!first && line.len == 0)
            return HTTP_WHOLE;
        if (!first)
            wrong = take_header(line, head);
        if (wrong != NULL)
            return bad(wrong, err);
        first = false;
        if (all.len - text->len > HEADERS_MAX)
            return bad("its headers do not end", err);
    }
    return all.len > HEADERS_MAX ? bad("its headers do not end", err) : HTTP_MORE;
}

static bool parse_size(struct slice line, size_t *size)
{
    size_t n = 0;

    *size = 0;
    for (; n < line.len && line.data[n] != ';' && line.data[n] != ' '; n++) {
        uint8_t pair[2] = {'0', line.data[n]}, digit;

        if (!bytes_from_hex(slice_make(pair, 2), &digit, 1) || *size > HTTP_ANSWER_MAX)
            return false;
        *size = *size * 16 + digit;
    }
    return n > 0 && *size <= HTTP_ANSWER_MAX;
}

/* What comes behind the last chunk does not matter, but has to end. */
static enum http_progress take_trailers(struct slice text)
{
    struct slice line;

    while (take_line(&text, &line)) {
        if (line.len == 0)
            return HTTP_WHOLE;
    }
    return HTTP_MORE;
}

static enum http_progress take_chunks(struct slice text, struct buffer *body, struct error *err)
{
    struct slice line, chunk;
    size_t size;

    while (take_line(&text, &line)) {
        if (!parse_size(line, &size))
            return bad("a chunk of no or too great a size", err);
        if (size == 0)
            return take_trailers(text);
        if (!bytes_take(&text, size, &chunk))
            return HTTP_MORE;
        if (!buffer_append(body, chunk.data, chunk.len, err))
            return HTTP_BAD;
        if (text.len < 2)
            return HTTP_MORE;
        if (!take_line(&text, &line) || line.len != 0)
            return bad("a chunk that does not end where it should", err);
    }
    return HTTP_MORE;
}

static enum http_progress take_body(struct slice text, bool ended, const struct head *head,
                                    struct buffer *body, struct error *err)
{
    if (head->chunked)
        return take_chunks(text, body, err);
    if (head->has_length && head->length > HTTP_ANSWER_MAX)
        return bad("it says that it is too long", err);
    if (head->has_length && text.len < head->length)
        return HTTP_MORE;
    if (!head->has_length && head->status != 204 && !ended)
        return HTTP_MORE;
    if (head->has_length)
        text.len = (size_t)head->length;
    return buffer_append(body, text.data, text.len, err) ? HTTP_WHOLE : HTTP_BAD;
}

enum http_progress http_response_parse(struct slice bytes, bool ended, struct http_answer *answer,
                                       struct error *err)
{
    struct head head = {.status = 0};
    enum http_progress progress = take_head(&bytes, &head, err);

    /* In one piece, because growing would leave copies of a secret behind. */
    if (progress == HTTP_WHOLE && !buffer_reserve(&answer->body, bytes.len + 1, err))
        return HTTP_BAD;
    if (progress == HTTP_WHOLE)
        progress = take_body(bytes, ended, &head, &answer->body, err);
    answer->status = head.status;
    if (progress != HTTP_WHOLE) {
        if (answer->body.data != NULL)
            explicit_bzero(answer->body.data, answer->body.capacity);
        buffer_clear(&answer->body);
    }
    return progress == HTTP_MORE && ended ? bad("it breaks off", err) : progress;
}

void http_answer_reset(struct http_answer *answer)
{
    buffer_free_secret(&answer->body);
    *answer = (struct http_answer){.status = 0};
}
