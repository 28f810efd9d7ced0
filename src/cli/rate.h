/* How fast it goes: bytes a second over the last few seconds. Time comes from the caller. */
#ifndef PGCASK_CLI_RATE_H
#define PGCASK_CLI_RATE_H

#include <stddef.h>
#include <stdint.h>

#define RATE_SAMPLES 12
#define RATE_SPACING_MS 500 /* the window is six seconds */

struct rate {
    struct {
        int64_t ms;
        uint64_t bytes;
    } samples[RATE_SAMPLES];
    size_t count, newest;
};

/* Notes that `bytes` in all had been moved at that moment. */
void rate_note(struct rate *rate, int64_t ms, uint64_t bytes);

/* Bytes a second from the oldest sample to that moment; 0 while it is too early to say. */
uint64_t rate_per_second(const struct rate *rate, int64_t ms, uint64_t bytes);

#endif
