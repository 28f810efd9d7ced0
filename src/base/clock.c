/*
 * Deadlines count on the monotonic clock: somebody who sets the machine's time must neither end a
 * backup nor make it wait. Only texts have the wall clock's.
 */
#include "base/clock.h"

#include <limits.h>

int64_t clock_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t deadline_after_ms(int64_t ms)
{
    return ms <= 0 ? DEADLINE_NONE : clock_now_ms() + ms;
}

int deadline_poll_ms(int64_t deadline)
{
    int64_t left;

    if (deadline == DEADLINE_NONE)
        return -1;
    left = deadline - clock_now_ms();
    if (left < 0)
        return 0;
    return left > INT_MAX ? INT_MAX : (int)left;
}

void clock_format_utc(time_t when, char out[CLOCK_TEXT_SIZE])
{
    struct tm parts;

    gmtime_r(&when, &parts);
    strftime(out, CLOCK_TEXT_SIZE, "%Y-%m-%dT%H:%M:%SZ", &parts);
}
