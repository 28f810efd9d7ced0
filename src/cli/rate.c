/* A ring of samples half a second apart: the rate is that between now and the oldest of them, so
 * that a stall shows within seconds and a burst does not. */
#include "cli/rate.h"

/* Where other bytes are counted from then on, nothing is known. */
void rate_note(struct rate *rate, int64_t ms, uint64_t bytes)
{
    if (rate->count > 0 && bytes < rate->samples[rate->newest].bytes)
        *rate = (struct rate){0};
    if (rate->count > 0 && ms - rate->samples[rate->newest].ms < RATE_SPACING_MS)
        return;
    if (rate->count > 0)
        rate->newest = (rate->newest + 1) % RATE_SAMPLES;
    if (rate->count < RATE_SAMPLES)
        rate->count++;
    rate->samples[rate->newest].ms = ms;
    rate->samples[rate->newest].bytes = bytes;
}

uint64_t rate_per_second(const struct rate *rate, int64_t ms, uint64_t bytes)
{
    size_t oldest = rate->count < RATE_SAMPLES ? 0 : (rate->newest + 1) % RATE_SAMPLES;
    int64_t passed;

    if (rate->count == 0 || bytes < rate->samples[oldest].bytes)
        return 0;
    passed = ms - rate->samples[oldest].ms;
    if (passed < RATE_SPACING_MS)
        return 0;
    return (uint64_t)((double)(bytes - rate->samples[oldest].bytes) * 1000.0 / (double)passed);
}
