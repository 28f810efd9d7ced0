/*
 * SIGINT, SIGTERM and SIGHUP request the job's cancel and do nothing else: every wait ends, and the
 * job takes back what it has begun. SIGPIPE and SIGXFSZ are ignored, so that write(2) says what
 * happened.
 */
#include "process/signals.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>

/* A handler has no argument of its own: this is the one global of the program that changes. */
static struct {
    struct cancel *cancel;
    atomic_int first;
} state;

static void handle(int number)
{
    int none = 0;

    atomic_compare_exchange_strong(&state.first, &none, number);
    cancel_request(state.cancel);
}

bool signals_install(struct cancel *cancel, struct error *err)
{
    static const int stops[] = {SIGINT, SIGTERM, SIGHUP};
    static const int ignored[] = {SIGPIPE, SIGXFSZ};
    struct sigaction action = {.sa_handler = handle}; /* no SA_RESTART: a wait shall end */
    struct sigaction ignore = {.sa_handler = SIG_IGN};

    state.cancel = cancel;
    sigemptyset(&action.sa_mask);
    sigemptyset(&ignore.sa_mask);
    for (size_t i = 0; i < sizeof(stops) / sizeof(stops[0]); i++) {
        struct sigaction inherited;

        if (sigaction(stops[i], NULL, &inherited) != 0)
            return error_set_errno(err, errno, "cannot handle signals");
        /* nohup(1) means it. */
        if (stops[i] == SIGHUP && inherited.sa_handler == SIG_IGN)
            continue;
        if (sigaction(stops[i], &action, NULL) != 0)
            return error_set_errno(err, errno, "cannot handle signals");
    }
    for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++) {
        if (sigaction(ignored[i], &ignore, NULL) != 0)
            return error_set_errno(err, errno, "cannot ignore signals");
    }
    return true;
}

const char *signals_received(void)
{
    switch (atomic_load(&state.first)) {
    case 0:
        return NULL;
    case SIGINT:
        return "SIGINT";
    case SIGTERM:
        return "SIGTERM";
    default:
        return "SIGHUP";
    }
}
