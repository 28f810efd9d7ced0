/*
 * A stand-in for the checking source, which has tests of its own: a program that includes this file
 * (once) does not get the real one from the library.
 */
#ifndef PGCASK_TESTS_RESTORE_STAND_IN_CHECK_H
#define PGCASK_TESTS_RESTORE_STAND_IN_CHECK_H

#include "base/buffer.h"
#include "restore/checking_source.h"

#include <stdlib.h>

/* The backup is whole if it ends with a /summary.json that does not say "broken". */
struct stand_in {
    struct record_source source;
    struct record_source *inner;
    struct verify_options options;
    struct buffer summary;
    bool whole;
};

static bool read_summary(struct stand_in *check, struct record *record, struct error *err)
{
    struct slice piece;

    while (reader_next(record->reader, &piece, err) == READER_DATA) {
        if (!buffer_append(&check->summary, piece.data, piece.len, err))
            return false;
    }
    reader_close(record->reader);
    record->reader = reader_from_memory(buffer_slice(&check->summary), err);
    check->whole = strcmp(buffer_text(&check->summary), "broken") != 0;
    if (!check->whole) {
        check->options.problem(check->options.context, VERIFY_CHANGED, "/data/base/1/1",
                               "was changed");
        check->options.problem(check->options.context, VERIFY_MISSING, "/data/base/1/2",
                               "is missing");
    }
    return record->reader != NULL;
}

static enum source_status stand_in_next(struct record_source *source, struct record *record,
                                        struct error *err)
{
    struct stand_in *check = (struct stand_in *)source;
    enum source_status status = source_next(check->inner, record, err);

    if (status == SOURCE_RECORD && record->type == RECORD_FILE &&
        strcmp(record->path, "/summary.json") == 0 && !read_summary(check, record, err))
        return SOURCE_FAILED;
    return status;
}

static void stand_in_close(struct record_source *source)
{
    struct stand_in *check = (struct stand_in *)source;

    source_close(check->inner);
    buffer_free(&check->summary);
    free(check);
}

struct record_source *checking_source_new(struct record_source *inner,
                                          const struct verify_options *options, struct error *err)
{
    static const struct record_source_ops ops = {stand_in_next, stand_in_close};
    struct stand_in *check = calloc(1, sizeof(*check));

    (void)err;
    if (check == NULL)
        abort();
    check->source = (struct record_source){.ops = &ops, .sequential = true};
    check->inner = inner;
    check->options = *options;
    return &check->source;
}

bool checking_source_whole(const struct record_source *source)
{
    return ((const struct stand_in *)source)->whole;
}

void checking_source_report(const struct record_source *source, struct verify_report *report)
{
    *report = (struct verify_report){.problems = checking_source_whole(source) ? 0 : 2};
}

#endif
