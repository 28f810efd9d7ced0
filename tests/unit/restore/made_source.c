#include "made_source.h"

static enum source_status give_record(struct made_source *made, struct record *record,
                                      struct error *err)
{
    const struct made_record *from = &made->records[made->next++];

    *record = (struct record){
        .type = from->type,
        .path = from->path,
        .mode = from->type == RECORD_DIRECTORY ? 0777 : 0666,
        .modified = {.tv_sec = 1000000000},
    };
    if (from->type == RECORD_LINK)
        record->link_target = from->content;
    if (from->type == RECORD_FILE) {
        size_t size = from->content_size > 0 ? from->content_size : strlen(from->content);

        record->size = (int64_t)size;
        record->reader = reader_from_memory(slice_make(from->content, size), err);
        if (record->reader == NULL)
            return SOURCE_FAILED;
    }
    return SOURCE_RECORD;
}

static enum source_status made_next(struct record_source *source, struct record *record,
                                    struct error *err)
{
    struct made_source *made = (struct made_source *)source;

    if (made->fail_at > 0 && made->next == made->fail_at) {
        error_set(err, ERROR_CONNECTION_LOST, "the made source broke off");
        return SOURCE_FAILED;
    }
    if (made->records[made->next].path != NULL)
        return give_record(made, record, err);
    if (made->at_end != NULL)
        made->at_end(made->context);
    made->at_end = NULL;
    return SOURCE_END;
}

static void made_close(struct record_source *source)
{
    ((struct made_source *)source)->closed = true;
}

void made_source_init(struct made_source *made, const struct made_record *records)
{
    static const struct record_source_ops ops = {made_next, made_close};

    memset(made, 0, sizeof(*made));
    made->source.ops = &ops;
    made->source.sequential = true;
    made->records = records;
}
