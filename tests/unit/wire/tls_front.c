#include "wire/tls_front.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS_MAX 8
#define PATIENCE_MS 20000

struct passage {
    struct tls_front *front;
    pthread_t thread;
    int client;
};

struct tls_front {
    struct tls_front_options options;
    SSL_CTX *context;
    int listener, end[2];
    char port[8], server_port[8];
    struct passage passages[CONNECTIONS_MAX];
    size_t count;
    pthread_t thread;
};

static void must(bool condition, const char *what)
{
    if (!condition) {
        perror(what);
        abort();
    }
}

/* ---- Passing on ---- */

static bool write_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t count = send(fd, bytes, len, MSG_NOSIGNAL);

        if (count <= 0)
            return false;
        bytes += count;
        len -= (size_t)count;
    }
    return true;
}

static bool pass_inward(SSL *ssl, int server)
{
    char bytes[16384];

    do {
        int count = SSL_read(ssl, bytes, sizeof(bytes));

        if (count <= 0 || !write_all(server, bytes, (size_t)count))
            return false;
    } while (SSL_pending(ssl) > 0);
    return true;
}

static bool pass_outward(SSL *ssl, int server)
{
    char bytes[16384];
    ssize_t count = recv(server, bytes, sizeof(bytes), 0);

    return count > 0 && SSL_write(ssl, bytes, (int)count) == count;
}

static int connect_server(const struct tls_front *front)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)atoi(front->server_port)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
        close(fd);
        return -1;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return fd;
}

static void pass(const struct tls_front *front, SSL *ssl, int client)
{
    int server = connect_server(front);
    struct pollfd fds[2] = {{.fd = client, .events = POLLIN}, {.fd = server, .events = POLLIN}};
    bool open = server >= 0;

    while (open && poll(fds, 2, PATIENCE_MS) > 0) {
        if (fds[0].revents != 0)
            open = pass_inward(ssl, server);
        if (open && fds[1].revents != 0)
            open = pass_outward(ssl, server);
    }
    if (!front->options.rude)
        SSL_shutdown(ssl);
    close(server);
}

/* True if TLS is to follow. */
static bool answer_request(const struct tls_front *front, int client)
{
    const char *answer = front->options.answer == NULL ? "S" : front->options.answer;
    uint8_t request[8];

    if (front->options.direct)
        return true;
    if (recv(client, request, sizeof(request), MSG_WAITALL) != sizeof(request))
        return false;
    write_all(client, answer, strlen(answer));
    return strcmp(answer, "S") == 0;
}

static void *serve(void *argument)
{
    struct passage *passage = argument;
    SSL *ssl = SSL_new(passage->front->context);

    must(ssl != NULL && SSL_set_fd(ssl, passage->client) == 1, "SSL_set_fd");
    if (answer_request(passage->front, passage->client) && SSL_accept(ssl) == 1)
        pass(passage->front, ssl, passage->client);
    SSL_free(ssl);
    close(passage->client);
    return NULL;
}

static void *listen_on(void *argument)
{
    struct tls_front *front = argument;
    struct pollfd fds[2] = {{.fd = front->listener, .events = POLLIN},
                            {.fd = front->end[0], .events = POLLIN}};

    while (poll(fds, 2, -1) > 0 && fds[1].revents == 0) {
        struct passage *passage = &front->passages[front->count++];
        int on = 1;

        must(front->count <= CONNECTIONS_MAX, "too many connections");
        passage->front = front;
        passage->client = accept(front->listener, NULL, NULL);
        must(passage->client >= 0, "accept");
        setsockopt(passage->client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        must(pthread_create(&passage->thread, NULL, serve, passage) == 0, "pthread_create");
    }
    return NULL;
}

/* ---- Beginning and end ---- */

static int select_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                           const unsigned char *in, unsigned in_len, void *context)
{
    const struct tls_front *front = context;

    (void)ssl;
    (void)in;
    (void)in_len;
    if (front->options.protocol == NULL)
        return SSL_TLSEXT_ERR_NOACK;
    *out = (const unsigned char *)front->options.protocol;
    *out_len = (unsigned char)strlen(front->options.protocol);
    return SSL_TLSEXT_ERR_OK;
}

static void make_context(struct tls_front *front)
{
    const struct tls_front_options *options = &front->options;

    front->context = SSL_CTX_new(TLS_server_method());
    must(front->context != NULL &&
             SSL_CTX_use_certificate(front->context, options->identity->certificate) == 1 &&
             SSL_CTX_use_PrivateKey(front->context, options->identity->key) == 1,
         "certificate");
    SSL_CTX_set_alpn_select_cb(front->context, select_protocol, front);
    SSL_CTX_set_max_proto_version(front->context, options->newest);
    if (options->client_authority == NULL)
        return;
    SSL_CTX_set_verify(front->context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    must(X509_STORE_add_cert(SSL_CTX_get_cert_store(front->context),
                             options->client_authority->certificate) == 1,
         "client authority");
}

struct tls_front *tls_front_new(const char *port, const struct tls_front_options *options)
{
    struct tls_front *front = calloc(1, sizeof(*front));
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);

    must(front != NULL, "calloc");
    signal(SIGPIPE, SIG_IGN); /* OpenSSL's own socket writes raise it */
    front->options = *options;
    snprintf(front->server_port, sizeof(front->server_port), "%s", port);
    make_context(front);
    front->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(front->listener >= 0 && bind(front->listener, (struct sockaddr *)&address, len) == 0 &&
             listen(front->listener, CONNECTIONS_MAX) == 0 &&
             getsockname(front->listener, (struct sockaddr *)&address, &len) == 0 &&
             pipe(front->end) == 0,
         "listen");
    snprintf(front->port, sizeof(front->port), "%d", (int)ntohs(address.sin_port));
    must(pthread_create(&front->thread, NULL, listen_on, front) == 0, "pthread_create");
    return front;
}

const char *tls_front_port(const struct tls_front *front)
{
    return front->port;
}

void tls_front_free(struct tls_front *front)
{
    must(write(front->end[1], "", 1) == 1, "write");
    pthread_join(front->thread, NULL);
    for (size_t i = 0; i < front->count; i++)
        pthread_join(front->passages[i].thread, NULL);
    close(front->listener);
    close(front->end[0]);
    close(front->end[1]);
    SSL_CTX_free(front->context);
    free(front);
}
