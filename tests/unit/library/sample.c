#include "sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

const struct sample_record sample_backup[] = {
    {PGCASK_DIRECTORY, "/data", NULL},     {PGCASK_FILE, "/data/first", "the first file"},
    {PGCASK_FILE, "/data/empty", ""},      {PGCASK_LINK, "/data/link", "first"},
    {PGCASK_FILE, "/summary.json", "all"}, {PGCASK_FILE, NULL, NULL},
};

static bool is_to_fail(struct sample *sample, struct pgcask_error *error)
{
    if (++sample->calls != sample->fail_at)
        return false;
    if (!sample->silent)
        pgcask_error_set(error, PGCASK_ERROR_TIMEOUT, "call %u failed", sample->calls);
    return true;
}

static enum pgcask_step sample_next(void *context, struct pgcask_record *record,
                                    struct pgcask_error *error)
{
    struct sample *sample = context;
    const struct sample_record *given = &sample->records[sample->next];

    if (is_to_fail(sample, error))
        return PGCASK_FAILED;
    if (given->path == NULL)
        return PGCASK_END;
    sample->next++;
    sample->offset = 0;
    record->type = given->type;
    record->path = given->path;
    record->mode = given->type == PGCASK_DIRECTORY ? 0700 : 0600;
    record->modified_seconds = 1700000000;
    if (given->type == PGCASK_FILE)
        record->size = (int64_t)strlen(given->content) + sample->lie;
    if (given->type == PGCASK_LINK)
        record->link_target = given->content;
    return PGCASK_MORE;
}

static enum pgcask_step sample_read(void *context, const void **data, size_t *len,
                                    struct pgcask_error *error)
{
    struct sample *sample = context;
    const char *content = sample->records[sample->next - 1].content + sample->offset;

    if (is_to_fail(sample, error))
        return PGCASK_FAILED;
    if (*content == '\0')
        return PGCASK_END;
    *data = content;
    *len = strlen(content);
    if (sample->piece > 0 && *len > sample->piece)
        *len = sample->piece;
    sample->offset += *len;
    return PGCASK_MORE;
}

static void sample_close(void *context)
{
    struct sample *sample = context;

    sample->closed++;
}

struct pgcask_source *sample_open(struct sample *sample, const struct pgcask_control *control)
{
    struct pgcask_source_callbacks callbacks;
    struct pgcask_source *source;

    PGCASK_INIT(callbacks);
    callbacks.context = sample;
    callbacks.next = sample_next;
    callbacks.read = sample_read;
    callbacks.close = sample_close;
    source = pgcask_source_open_callbacks(&callbacks, control, NULL);
    assert_non_null(source);
    return source;
}
