#include "support/feed.h"

#include <stdio.h>
#include <stdlib.h>

uint8_t feed_choice(struct slice *input)
{
    return input->len == 0 ? 0 : slice_take(input, 1).data[0];
}

bool feed_next(struct feed *feed, struct slice *piece)
{
    size_t len = feed->piece == 0 || feed->piece > feed->rest.len ? feed->rest.len : feed->piece;
    struct slice from;

    feed_end(feed);
    if (len == 0)
        return false;
    from = slice_take(&feed->rest, len);
    feed->held = malloc(len);
    must(feed->held != NULL);
    memcpy(feed->held, from.data, len);
    *piece = slice_make(feed->held, len);
    return true;
}

void feed_end(struct feed *feed)
{
    free(feed->held);
    feed->held = NULL;
}

/* FNV-1a */
static void add_byte(struct trace *trace, uint8_t byte)
{
    trace->hash = (trace->hash ^ byte) * UINT64_C(0x100000001b3);
}

void trace_data(struct trace *trace, struct slice data)
{
    for (size_t i = 0; i < data.len; i++)
        add_byte(trace, data.data[i]);
    trace->data_bytes += data.len;
}

void trace_number(struct trace *trace, uint64_t number)
{
    add_byte(trace, 0xf0);
    for (int i = 0; i < 8; i++)
        add_byte(trace, (uint8_t)(number >> (8 * i)));
}

void trace_text(struct trace *trace, const char *text)
{
    add_byte(trace, text == NULL ? 0xf1 : 0xf2);
    for (; text != NULL && *text != '\0'; text++)
        add_byte(trace, (uint8_t)*text);
}

void trace_end(struct trace *trace, bool ok, const struct error *err)
{
    if (getenv("FUZZ_TELL") != NULL)
        fprintf(stderr, "%s\n", ok ? "well" : err->message);
    trace_number(trace, ok);
    if (ok)
        return;
    must_be_told(err);
    trace_number(trace, err->code);
    trace_text(trace, err->message);
}

bool trace_equals(const struct trace *a, const struct trace *b)
{
    return a->hash == b->hash && a->data_bytes == b->data_bytes;
}

void must_be_told(const struct error *err)
{
    must(err->code > ERROR_NONE && err->code <= ERROR_REFUSED);
    must(err->message[0] != '\0' && memchr(err->message, '\0', sizeof(err->message)) != NULL);
    must(memchr(err->detail, '\0', sizeof(err->detail)) != NULL);
    must(memchr(err->hint, '\0', sizeof(err->hint)) != NULL);
}

void must_be_clean(const char *text)
{
    for (; *text != '\0'; text++)
        must((uint8_t)*text >= ' ' ? *text != 0x7f : *text == '\n' || *text == '\t');
}

void must_be_shown(const struct error *err)
{
    struct error shown = *err;

    must_be_told(err);
    error_spell(&shown, NULL);
    must_be_clean(shown.message);
    must_be_clean(shown.detail);
    must_be_clean(shown.hint);
}
