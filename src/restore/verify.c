/*
 * Verifying is restoring without keeping anything: the checking source is drained, and has seen it
 * all.
 */
#include "restore/checking_source.h"

#include "base/text.h"

const char *verify_problem_name(enum verify_problem kind)
{
    static const char *const names[] = {
        [VERIFY_OTHER] = "other",     [VERIFY_MISSING] = "missing",
        [VERIFY_CHANGED] = "changed", [VERIFY_UNEXPECTED] = "unexpected",
        [VERIFY_DAMAGED] = "damaged", [VERIFY_ORDER] = "order",
    };

    return names[kind];
}

/* Reads everything; what the records are is the checking source's business. */
static bool drain(struct record_source *source, const struct verify_options *options,
                  struct error *err)
{
    const struct record_observer *observer = options->observer;
    enum source_status status;
    struct record record;

    while ((status = source_next(source, &record, err)) == SOURCE_RECORD) {
        enum reader_status reading = READER_END;
        struct slice data;

        if (record.type != RECORD_FILE)
            continue;
        while ((reading = reader_next(record.reader, &data, err)) == READER_DATA) {
            if (observer != NULL && observer->bytes_moved != NULL)
                observer->bytes_moved(observer->context, data.len);
        }
        reader_close(record.reader);
        if (reading == READER_FAILED)
            return false;
    }
    return status == SOURCE_END;
}

bool backup_verify(struct record_source *source, const struct verify_options *options,
                   struct verify_report *report, struct error *err)
{
    struct record_source *check = checking_source_new(source, options, err);
    bool whole;

    *report = (struct verify_report){0};
    if (check == NULL)
        return false;
    if (!drain(check, options, err)) {
        checking_source_report(check, report);
        source_close(check);
        return false;
    }
    whole = checking_source_whole(check);
    checking_source_report(check, report);
    source_close(check);
    if (!whole)
        error_set(err, ERROR_CORRUPT, "the backup is damaged or incomplete: %zu problem%s",
                  report->problems, TEXT_S(report->problems));
    return whole;
}
