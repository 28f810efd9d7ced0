/* Time: a monotonic clock in milliseconds for deadlines, and UTC text for people. */
#ifndef PGCASK_BASE_CLOCK_H
#define PGCASK_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

#define DEADLINE_NONE INT64_MAX

/* Milliseconds since some fixed moment; never goes back. */
int64_t clock_now_ms(void);

/* The moment `ms` from now; ms <= 0 means DEADLINE_NONE. */
int64_t deadline_after_ms(int64_t ms);

/* For poll(2): milliseconds left, 0 if passed, -1 for DEADLINE_NONE. */
int deadline_poll_ms(int64_t deadline);

#define CLOCK_TEXT_SIZE 32

/* RFC 3339 UTC to the second: "2026-11-22T17:03:08Z". */
void clock_format_utc(time_t when, char out[CLOCK_TEXT_SIZE]);

#endif
