/* A library must not end its host because a pipe's reader went away: both signals that a write may
 * raise are blocked for the thread and taken off it again, as if they had not been raised. */
#include "library/library_internal.h"

#include <errno.h>
#include <time.h>

static const int numbers[] = {SIGPIPE, SIGXFSZ};

#define COUNT (sizeof(numbers) / sizeof(numbers[0]))

void quiet_signals_begin(struct quiet_signals *quiet)
{
    sigset_t set, pending;

    sigemptyset(&set);
    for (size_t i = 0; i < COUNT; i++)
        sigaddset(&set, numbers[i]);
    pthread_sigmask(SIG_BLOCK, &set, &quiet->before);
    sigpending(&pending);
    for (size_t i = 0; i < COUNT; i++)
        quiet->was_pending[i] = sigismember(&pending, numbers[i]) == 1;
}

/* A write raises them for the thread that wrote. One that was pending before is not ours to take.
 */
void quiet_signals_end(const struct quiet_signals *quiet)
{
    static const struct timespec no_time = {0};
    int saved_errno = errno;
    sigset_t one;

    for (size_t i = 0; i < COUNT; i++) {
        sigemptyset(&one);
        sigaddset(&one, numbers[i]);
        if (quiet->was_pending[i])
            continue;
        while (sigtimedwait(&one, NULL, &no_time) < 0 && errno == EINTR)
            ;
    }
    pthread_sigmask(SIG_SETMASK, &quiet->before, NULL);
    errno = saved_errno;
}
