#include "made_data.h"

#include "made_archive.h"

#include <inttypes.h>

static bool begin(void *context, uint32_t number, bool *wanted, struct error *err)
{
    struct pushed *pushed = context;

    assert_true(*wanted);
    *wanted = number != pushed->unwanted;
    return !*wanted || buffer_printf(&pushed->text, err, "begin %" PRIu32 "\n", number);
}

static bool object(void *context, uint32_t number, uint32_t oid, struct error *err)
{
    struct pushed *pushed = context;

    assert_int_not_equal(number, pushed->unwanted);
    return buffer_printf(&pushed->text, err, "object %" PRIu32 " %" PRIu32 " [", number, oid);
}

static bool bytes(void *context, uint32_t number, struct slice bytes, struct error *err)
{
    struct pushed *pushed = context;

    assert_int_not_equal(number, pushed->unwanted);
    assert_true(bytes.len > 0);
    pushed->calls++;
    return buffer_append(&pushed->text, bytes.data, bytes.len, err);
}

static bool object_end(void *context, uint32_t number, struct error *err)
{
    struct pushed *pushed = context;

    (void)number;
    return buffer_append_string(&pushed->text, "]\n", err);
}

static bool end(void *context, uint32_t number, uint64_t rows, struct error *err)
{
    struct pushed *pushed = context;

    return buffer_printf(&pushed->text, err, "end %" PRIu32 " %" PRIu64 "\n", number, rows);
}

struct archive_data_handler pushed_handler(struct pushed *pushed)
{
    return (struct archive_data_handler){pushed, begin, object, bytes, object_end, end};
}

void pushed_reset(struct pushed *pushed)
{
    buffer_free(&pushed->text);
    *pushed = (struct pushed){.unwanted = UINT32_MAX};
}
