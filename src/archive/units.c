/* Numbers that were cut are put together byte by byte, so that nothing behind them is held. */
#include "archive/decoder_internal.h"

enum decode_status units_feed(struct held_unit *held, struct slice *in, take_units_fn *take,
                              void *context, struct error *err)
{
    for (;;) {
        enum decode_status status;
        struct slice unit;

        if (held->len == 0) {
            status = take(context, in, err);
            if (status != DECODE_MORE)
                return status;
        }
        if (in->len == 0)
            return DECODE_MORE;
        if (held->len == sizeof(held->bytes))
            return decode_corrupt(err, "a number is too long");
        held->bytes[held->len++] = slice_take(in, 1).data[0];
        unit = slice_make(held->bytes, held->len);
        status = take(context, &unit, err);
        if (unit.len == 0)
            held->len = 0;
        if (status != DECODE_MORE)
            return status;
    }
}
