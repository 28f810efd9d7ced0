/* Plakar's side of an importer, without processes and sockets. */
#ifndef PGCASK_TESTS_FAKE_HOST_H
#define PGCASK_TESTS_FAKE_HOST_H

#include "plakar/fake_connector.h"
#include "plakar/grpc_peer.h"

#include "plakar/grpc.h"
#include "plakar/importer.pb-c.h"
#include "plakar/service.h"

struct host {
    struct connector connector;
    struct fake_connector fake;
    struct cancel cancel;
    int wake_fd;
    struct service *service;
    struct grpc_connection *connection;
    struct grpc_peer peer;
    size_t import;      /* the call */
    size_t import_read; /* bytes of its data taken */
};

/* window: see peer_init. */
void host_open(struct host *host, const struct fake_record *records, int64_t window);
void host_close(struct host *host);

/* One exchange; waits a little where nothing is to be said. */
void host_step(struct host *host);

/* Steps until the condition holds; fails the test after some seconds. */
#define HOST_WAIT(host, condition)                                                                 \
    do {                                                                                           \
        int host_tries = 0;                                                                        \
        while (!(condition)) {                                                                     \
            assert_true(host_tries++ < 2000);                                                      \
            host_step(host);                                                                       \
        }                                                                                          \
    } while (0)

/* Calls; those that are answered once are waited for. */
size_t host_unary(struct host *host, const char *method, struct slice message);
/* exclude: a pattern of what is left out; NULL: none. key: one of the configuration; NULL: none. */
size_t host_init(struct host *host, const char *exclude, const char *key);
void host_import(struct host *host);
size_t host_open_record(struct host *host, const char *path);
void host_acknowledge(struct host *host, const char *path);
void host_half_close(struct host *host);

/* The next answer on Import that is there already; NULL: none. Freed by the caller. */
Importer__ImportResponse *host_next(struct host *host);

/* Waits for the next record and gives its path; "" is `finished`, NULL the stream's end. */
const char *host_next_path(struct host *host, char out[256]);

const struct peer_stream *host_stream(const struct host *host, size_t call);

/* Opens the record, reads and checks all of it, and acknowledges it. */
void host_take(struct host *host, const char *path, size_t size);

/* Takes the messages off an Open's data and checks that they hold `size` right bytes. */
void host_check_content(const struct host *host, size_t call, size_t size);

#endif
