#include "plakar/fake_connector.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#define PIECE 10000

struct fake_source {
    struct record_source base;
    struct fake_connector *fake;
    size_t next;
};

struct fake_reader {
    struct reader base;
    struct fake_connector *fake;
    const struct fake_record *record;
    size_t at;
    uint8_t piece[PIECE];
};

uint8_t fake_byte(size_t at)
{
    return (uint8_t)(at * 11 + at / 251);
}

static enum reader_status reader_step(struct reader *base, struct slice *data, struct error *err)
{
    struct fake_reader *reader = (struct fake_reader *)base;
    size_t left = reader->record->size - reader->at;
    size_t part = left < PIECE ? left : PIECE;

    if (reader->record->fails_after > 0 && reader->at >= reader->record->fails_after) {
        error_set(err, ERROR_CONNECTION_LOST, "the server went away");
        return READER_FAILED;
    }
    if (part == 0)
        return READER_END;
    for (size_t i = 0; i < part; i++)
        reader->piece[i] = fake_byte(reader->at + i);
    reader->at += part;
    atomic_fetch_add(&reader->fake->read, part);
    *data = slice_make(reader->piece, part);
    return READER_DATA;
}

static void reader_drop(struct reader *base)
{
    atomic_fetch_sub(&((struct fake_reader *)base)->fake->open_readers, 1);
    free(base);
}

static enum source_status source_step(struct record_source *base, struct record *record,
                                      struct error *err)
{
    static const struct reader_ops ops = {.next = reader_step, .close = reader_drop};
    struct fake_source *source = (struct fake_source *)base;
    const struct fake_record *next = &source->fake->records[source->next];
    struct fake_reader *reader;

    (void)err;
    if (next->path == NULL)
        return SOURCE_END;
    source->next++;
    *record = (struct record){.type = next->type,
                              .path = next->path,
                              .mode = 0600,
                              .size = (int64_t)next->size,
                              .link_target = "../target"};
    if (next->type == RECORD_FILE) {
        reader = calloc(1, sizeof(*reader));
        reader->base.ops = &ops;
        reader->fake = source->fake;
        reader->record = next;
        record->reader = &reader->base;
        atomic_fetch_add(&source->fake->open_readers, 1);
    }
    atomic_fetch_add(&source->fake->given, 1);
    return SOURCE_RECORD;
}

static void source_drop(struct record_source *base)
{
    atomic_fetch_sub(&((struct fake_source *)base)->fake->open_sources, 1);
    free(base);
}

static bool configure(void *context, const struct connector_request *request,
                      struct connector_identity *identity, struct error *err)
{
    (void)context;
    if (request->setting_count > 0 && strcmp(request->settings[0].key, "bad") == 0)
        return error_set(err, ERROR_USAGE, "unknown option \"bad\"");
    snprintf(identity->origin, sizeof(identity->origin), "%s/%s", request->hostname,
             request->scheme);
    identity->type = "fake";
    return true;
}

static bool ping(void *context, struct cancel *cancel, struct error *err)
{
    (void)cancel;
    return !((struct fake_connector *)context)->ping_fails ||
           error_set(err, ERROR_CONNECT, "nobody is there");
}

static bool start(void *context, struct cancel *cancel, struct record_source **out,
                  struct error *err)
{
    static const struct record_source_ops ops = {source_step, source_drop};
    struct fake_connector *fake = context;
    struct fake_source *source;

    if (fake->endless_start) {
        struct pollfd event = {.fd = cancel->event_fd, .events = POLLIN};

        poll(&event, 1, -1);
        return cancel_check(cancel, err);
    }
    if (fake->start_fails)
        return error_set(err, ERROR_CONNECT, "cannot connect to nowhere");
    source = calloc(1, sizeof(*source));
    source->base = (struct record_source){.ops = &ops, .sequential = fake->sequential};
    source->fake = fake;
    atomic_fetch_add(&fake->open_sources, 1);
    *out = &source->base;
    return true;
}

static uint64_t position(void *context, const struct record_source *source)
{
    (void)context;
    (void)source;
    return 4711;
}

static bool reusable(void *context, const struct record *record)
{
    return ((struct fake_connector *)context)->reuses && strstr(record->path, ".json") == NULL;
}

static bool needs(void *context, const char *path)
{
    (void)path;
    return ((struct fake_connector *)context)->needs_all;
}

static void completed(void *context, const struct record_source *source)
{
    (void)source;
    atomic_fetch_add(&((struct fake_connector *)context)->completed, 1);
}

void fake_connector_init(struct fake_connector *fake, const struct fake_record *records,
                         struct connector *connector)
{
    *fake = (struct fake_connector){.records = records, .sequential = true};
    *connector = (struct connector){.context = fake,
                                    .configure = configure,
                                    .ping = ping,
                                    .start = start,
                                    .position = position,
                                    .reusable = reusable,
                                    .needs = needs,
                                    .completed = completed};
}
