/*
 * Names to addresses. getaddrinfo knows no deadline and cannot be interrupted, and a dead name
 * server holds it for many seconds. So it runs in a detached thread, and whoever waits may give up:
 * the last of the two to let go frees what they share.
 */
#include "wire/transport_internal.h"

#include "base/clock.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct lookup {
    atomic_int holders;
    int done_fd; /* readable once the answer is there */
    char *host;
    char *port;
    struct addrinfo *answer;
    int failure;          /* EAI_… */
    atomic_bool answered; /* orders what the thread wrote before what is read of it */
};

static void lookup_release(struct lookup *lookup)
{
    if (lookup == NULL || atomic_fetch_sub(&lookup->holders, 1) > 1)
        return;
    if (lookup->answer != NULL)
        freeaddrinfo(lookup->answer);
    if (lookup->done_fd >= 0)
        close(lookup->done_fd);
    free(lookup->host);
    free(lookup->port);
    free(lookup);
}

static struct lookup *lookup_new(const char *host, const char *port, struct error *err)
{
    struct lookup *lookup = calloc(1, sizeof(*lookup));

    if (lookup == NULL) {
        error_set_memory(err);
        return NULL;
    }
    atomic_init(&lookup->holders, 1);
    atomic_init(&lookup->answered, false);
    lookup->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    lookup->host = strdup(host);
    lookup->port = strdup(port);
    if (lookup->done_fd >= 0 && lookup->host != NULL && lookup->port != NULL)
        return lookup;
    error_set_errno(err, errno, "cannot prepare to resolve a name");
    lookup_release(lookup);
    return NULL;
}

static int lookup_now(struct lookup *lookup, int flags)
{
    struct addrinfo wanted = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV | flags};

    return getaddrinfo(lookup->host, lookup->port, &wanted, &lookup->answer);
}

static void *lookup_run(void *argument)
{
    struct lookup *lookup = argument;
    uint64_t one = 1;
    ssize_t written;

    lookup->failure = lookup_now(lookup, 0);
    atomic_store(&lookup->answered, true);
    written = write(lookup->done_fd, &one, sizeof(one));
    (void)written; /* an eventfd at 0 takes 1 */
    lookup_release(lookup);
    return NULL;
}

static bool lookup_start(struct lookup *lookup, struct error *err)
{
    pthread_t thread;
    pthread_attr_t attributes;
    sigset_t all, before;
    int failure;

    /* Signals belong to the program's own threads. */
    sigfillset(&all);
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    atomic_fetch_add(&lookup->holders, 1);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    failure = pthread_create(&thread, &attributes, lookup_run, lookup);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    if (failure == 0)
        return true;
    atomic_fetch_sub(&lookup->holders, 1);
    return error_set_errno(err, failure, "cannot start a thread to resolve a name");
}

static bool resolve_failed(const char *host, const char *reason, struct error *err)
{
    error_set(err, ERROR_CONNECT, "cannot resolve the host name \"%s\": %s", host, reason);
    return error_hint(err, "Check the spelling and the name service, or give the IP address.");
}

static void list_fill(struct socket_address_list *list, const struct addrinfo *answer)
{
    list->count = 0;
    for (; answer != NULL && list->count < SOCKET_ADDRESSES_MAX; answer = answer->ai_next) {
        struct socket_address *item = &list->items[list->count];

        if (answer->ai_addrlen > sizeof(item->storage))
            continue;
        memcpy(&item->storage, answer->ai_addr, answer->ai_addrlen);
        item->len = answer->ai_addrlen;
        list->count++;
    }
}

bool socket_resolve(const char *host, const char *port, int64_t deadline,
                    const struct cancel *cancel, struct socket_address_list *list,
                    struct error *err)
{
    struct lookup *lookup = lookup_new(host, port, err);
    unsigned ready;
    bool ok = false;

    if (lookup == NULL)
        return false;
    /* An address as text needs neither a name service nor a thread. */
    if (lookup_now(lookup, AI_NUMERICHOST) == 0) {
        list_fill(list, lookup->answer);
        lookup_release(lookup);
        return true;
    }
    lookup->answer = NULL;
    if (!lookup_start(lookup, err))
        goto cleanup;
    if (!socket_wait(lookup->done_fd, SOCKET_READ, deadline, cancel, &ready, err)) {
        if (err->code == ERROR_TIMEOUT)
            resolve_failed(host, "no answer in time", err);
        goto cleanup;
    }
    if (!atomic_load(&lookup->answered) || lookup->failure != 0) {
        resolve_failed(host, gai_strerror(lookup->failure), err);
        goto cleanup;
    }
    list_fill(list, lookup->answer);
    ok = list->count > 0 ? true : resolve_failed(host, "it has no address", err);
cleanup:
    lookup_release(lookup);
    return ok;
}
