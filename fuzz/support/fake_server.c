#include "support/fake_server.h"

#include "base/clock.h"
#include "wire/auth_scram_internal.h"
#include "wire/transport_internal.h"

#include <stdio.h>
#include <stdlib.h>

#define FAKE_FD 1000000
#define TOLD_MAX (1024 * 1024)
#define NAPS_MAX 100000 /* waits of one run: more is a loop */

/* The linker's --wrap leaves no way to hand a context through: the server that is asked now. */
static struct fake_server *current;

void fake_server_begin(struct fake_server *server)
{
    current = server;
}

void fake_server_end(struct fake_server *server)
{
    buffer_free(&server->told);
    current = NULL;
}

/* ---- In place of src/wire's own ---- */

bool __wrap_socket_connect(const struct socket_address *address,
                           const struct wire_settings *settings, int64_t deadline,
                           const struct cancel *cancel, int *fd, struct error *err);
bool __wrap_socket_wait(int fd, unsigned interest, int64_t deadline, const struct cancel *cancel,
                        unsigned *ready, struct error *err);
enum io_status __wrap_transport_read(struct transport *transport, uint8_t *data, size_t len,
                                     size_t *got, struct error *err);
enum io_status __wrap_transport_write(struct transport *transport, const struct iovec *parts,
                                      int count, size_t *sent, struct error *err);
void __wrap_transport_close(struct transport *transport);
bool __wrap_scram_make_nonce(char out[SCRAM_NONCE_SIZE], struct error *err);

bool __wrap_socket_connect(const struct socket_address *address,
                           const struct wire_settings *settings, int64_t deadline,
                           const struct cancel *cancel, int *fd, struct error *err)
{
    (void)address;
    (void)settings;
    (void)deadline;
    must(current != NULL);
    *fd = -1;
    if (!cancel_check(cancel, err))
        return false;
    *fd = FAKE_FD + (int)current->connections++;
    return true;
}

bool __wrap_socket_wait(int fd, unsigned interest, int64_t deadline, const struct cancel *cancel,
                        unsigned *ready, struct error *err)
{
    (void)deadline;
    must(fd >= FAKE_FD && interest != 0);
    must(current->naps++ < NAPS_MAX);
    if (!cancel_check(cancel, err))
        return false;
    *ready = interest;
    return true;
}

enum io_status __wrap_transport_read(struct transport *transport, uint8_t *data, size_t len,
                                     size_t *got, struct error *err)
{
    struct slice part;

    (void)err;
    must(transport->fd >= FAKE_FD && len > 0);
    *got = 0;
    if (transport->fd != FAKE_FD || current->says.len == 0)
        return IO_END;
    if (current->piece > 0 && len > current->piece)
        len = current->piece;
    part = slice_take(&current->says, len < current->says.len ? len : current->says.len);
    memcpy(data, part.data, part.len);
    *got = part.len;
    return IO_OK;
}

static void hear(const struct transport *transport, const struct iovec *part)
{
    struct error err;

    if (transport->fd == FAKE_FD && current->told.len < TOLD_MAX)
        must(buffer_append(&current->told, part->iov_base, part->iov_len, &err));
}

enum io_status __wrap_transport_write(struct transport *transport, const struct iovec *parts,
                                      int count, size_t *sent, struct error *err)
{
    (void)err;
    must(transport->fd >= FAKE_FD);
    *sent = 0;
    if (current->stubborn > 0 && current->writes++ % current->stubborn == 0)
        return IO_WANT_WRITE;
    for (int i = 0; i < count; i++) {
        if (parts[i].iov_len > 0)
            hear(transport, &parts[i]);
        *sent += parts[i].iov_len;
    }
    return IO_OK;
}

void __wrap_transport_close(struct transport *transport)
{
    *transport = TRANSPORT_CLOSED;
}

bool __wrap_scram_make_nonce(char out[SCRAM_NONCE_SIZE], struct error *err)
{
    (void)err;
    snprintf(out, SCRAM_NONCE_SIZE, "%s", FAKE_NONCE);
    return true;
}

/* ---- A session that is there already ---- */

const struct wire_settings *fake_server_settings(void)
{
    static struct wire_settings *settings; /* made once: completing them looks at the system */
    struct error err;

    if (settings != NULL)
        return settings;
    settings = wire_settings_new(&err);
    must(settings != NULL);
    must(wire_settings_parse(settings,
                             "host=" FAKE_HOST " user=fuzz dbname=fuzz sslmode=disable "
                             "passfile=/nonexistent",
                             &err));
    must(wire_settings_complete(settings, &err));
    return settings;
}

static size_t write_login(uint8_t *out, size_t size, int version_num)
{
    uint8_t *at = out;
    char version[16];
    int len = snprintf(version, sizeof(version), "%d.%d", version_num / 10000, version_num % 100);

    must(size >= 128);
    memcpy(at, "R\0\0\0\10\0\0\0\0S\0\0\0", 13);
    at += 13;
    *at++ = (uint8_t)(4 + 15 + len + 1);
    memcpy(at, "server_version", 15);
    at += 15;
    memcpy(at, version, (size_t)len + 1);
    at += len + 1;
    memcpy(at, "K\0\0\0\14\0\0\0\7\1\2\3\4Z\0\0\0\5I", 19);
    return (size_t)(at + 19 - out);
}

struct wire_conn *fake_server_log_in(struct fake_server *server, int version_num)
{
    const struct wire_connect_options options = {.kind = WIRE_SESSION_REPLICATION};
    uint8_t login[128];
    struct slice says = server->says;
    size_t piece = server->piece;
    struct wire_conn *conn;
    struct error err;

    server->says = slice_make(login, write_login(login, sizeof(login), version_num));
    server->piece = 0;
    must(wire_connect(&conn, fake_server_settings(), &options, &err));
    server->says = says;
    server->piece = piece;
    return conn;
}
