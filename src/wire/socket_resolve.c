/*
 * Names to addresses. getaddrinfo knows no deadline and cannot be interrupted, and a dead name
 * server holds it for many seconds. So it runs in a detached thread, and whoever waits may give up:
 * the last of the two to let go frees what they share.
 *
 * In a static program too it is the C library's own: /etc/hosts, search domains, ndots, truncated
 * answers and several name servers are all dealt with there. What it cannot have is the modules
 * that nsswitch.conf names: see wire_use_files_and_dns.
 */
#include "wire/socket_internal.h"

#include "base/clock.h"
#include "base/error_names.h"

#include <errno.h>
#include <netdb.h>
#include <nss.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct lookup {
    atomic_int holders;
    int done_fd; /* readable once the answer is there */
    char *host;
    char *port;
    struct addrinfo *answer;
    int failure;          /* EAI_… */
    int system_failure;   /* errno, for EAI_SYSTEM */
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
    lookup->system_failure = errno;
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

/* ---- What went wrong ---- */

#define SERVERS_TEXT_SIZE 256

/* "127.0.0.53, ::1": whom the C library asks, which takes the first three. "" if the file has none;
 * false if there is no file. */
static bool name_servers(char out[SERVERS_TEXT_SIZE])
{
    FILE *file = fopen("/etc/resolv.conf", "re");
    char line[256], address[64];
    size_t len = 0;

    out[0] = '\0';
    if (file == NULL)
        return false;
    for (int count = 0; count < 3 && fgets(line, sizeof(line), file) != NULL;) {
        if (sscanf(line, "nameserver %63s", address) != 1)
            continue;
        len += (size_t)snprintf(out + len, SERVERS_TEXT_SIZE - len, "%s%s", count > 0 ? ", " : "",
                                address);
        count++;
    }
    fclose(file);
    return true;
}

/* For a name service that did not answer; one that did knows no such name. */
static bool blame_name_servers(struct error *err)
{
    char servers[SERVERS_TEXT_SIZE];

    if (!name_servers(servers))
        error_detail(err, "There is no /etc/resolv.conf that says which name server to ask.");
    else if (servers[0] == '\0')
        error_detail(err, "/etc/resolv.conf names no name server.");
    else
        error_detail(err, "The name servers of /etc/resolv.conf are %s.", servers);
    return error_hint(err, "Mend /etc/resolv.conf or the network to the name server, put the name "
                           "into /etc/hosts, or give the IP address.");
}

static bool resolve_failed(const struct lookup *lookup, bool answered, struct error *err)
{
    const char *reason = "no answer in time";

    if (answered && lookup->failure == EAI_SYSTEM)
        reason = strerror(lookup->system_failure);
    else if (answered)
        reason = lookup->failure == 0 ? "it has no address" : gai_strerror(lookup->failure);
    error_set(err, ERROR_CONNECT, "cannot resolve the host name \"%s\": %s", lookup->host, reason);
    error_reason(err, "host_unknown");
    if (!answered || lookup->failure == EAI_AGAIN || lookup->failure == EAI_SYSTEM)
        return blame_name_servers(err);
    return error_hint(err, "Check the spelling and the name service, or give the IP address.");
}

/* ---- Resolving ---- */

void wire_use_files_and_dns(void)
{
#ifdef __GLIBC__
    /* AT_BASE is where the dynamic loader lies: a static program has none. */
    if (getauxval(AT_BASE) != 0)
        return;
    __nss_configure_lookup("hosts", "files dns");
    __nss_configure_lookup("passwd", "files");
#endif
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

bool socket_parse_address(const char *address, const char *port, struct socket_address_list *list,
                          struct error *err)
{
    struct lookup *lookup = lookup_new(address, port, err);
    int failure, system_failure;

    if (lookup == NULL)
        return false;
    failure = lookup_now(lookup, AI_NUMERICHOST);
    system_failure = failure == EAI_MEMORY ? ENOMEM : errno;
    if (failure == 0)
        list_fill(list, lookup->answer);
    else
        lookup->answer = NULL;
    lookup_release(lookup);
    if (failure == 0)
        return true;
    if (failure == EAI_MEMORY || failure == EAI_SYSTEM)
        return error_set_errno(err, system_failure, "cannot read the IP address \"%s\"", address);
    error_set(err, ERROR_CONNECT, "\"%s\" is no IP address", address);
    return error_hint(err, SETTING_HOSTADDR " takes an address; a name goes into host.");
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
            resolve_failed(lookup, false, err);
        else if (err->code != ERROR_CANCELLED)
            error_prefix(err, "cannot resolve the host name \"%s\"", host);
        goto cleanup;
    }
    if (!atomic_load(&lookup->answered) || lookup->failure != 0) {
        resolve_failed(lookup, true, err);
        goto cleanup;
    }
    list_fill(list, lookup->answer);
    ok = list->count > 0 ? true : resolve_failed(lookup, true, err);
cleanup:
    lookup_release(lookup);
    return ok;
}
