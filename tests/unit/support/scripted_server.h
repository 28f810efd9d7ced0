/*
 * A server that plays a script: it accepts, expects messages, replies whole, in pieces or a byte at
 * a time, waits and closes. A thread plays it on a socket of the loopback interface, so that the
 * code under test connects as it would to a real server.
 *
 * Steps are added first, then the script is started; scripted_server_finish joins the thread and
 * says what went wrong. What the peer does not do within 20 s counts as wrong too.
 */
#ifndef PGCASK_TESTS_SCRIPTED_SERVER_H
#define PGCASK_TESTS_SCRIPTED_SERVER_H

#include "base/buffer.h"

#define SCRIPTED_ANY_TYPE '\0'

struct scripted_server;

/* Listens at once; nothing is accepted before scripted_server_start. Aborts if it cannot. */
struct scripted_server *scripted_server_new(void);
const char *scripted_server_port(const struct scripted_server *server); /* on 127.0.0.1 */

/* Takes the next connection. It is numbered 0, 1, … and becomes the one that steps act on. After
 * the last of them nothing listens any more. */
void scripted_accept(struct scripted_server *server);

/* Goes back to an earlier connection. */
void scripted_use(struct scripted_server *server, int connection);

/* One message of the startup kind: a length word, then bytes; they must begin with these. */
void scripted_expect_startup(struct scripted_server *server, const void *bytes, size_t len);

/* One message of a type, whatever it holds. */
void scripted_expect(struct scripted_server *server, char type);

/* One message of a type with exactly this body. */
void scripted_expect_body(struct scripted_server *server, char type, const void *body, size_t len);

/* Messages of a type until one of another comes, which must be of type `last`. */
void scripted_expect_until(struct scripted_server *server, char type, char last);

/* The peer closes; what it sends before is ignored. */
void scripted_expect_close(struct scripted_server *server);

/* Bytes as they are; copied. */
void scripted_reply(struct scripted_server *server, const void *bytes, size_t len);
void scripted_reply_buffer(struct scripted_server *server, const struct buffer *buffer);

/* A byte at a time, each in a segment of its own. */
void scripted_reply_slowly(struct scripted_server *server, const void *bytes, size_t len);

/* The same bytes again and again; it is no failure if the peer closes meanwhile. times 0: until
 * the peer closes. */
void scripted_reply_repeated(struct scripted_server *server, const void *bytes, size_t len,
                             size_t times);

void scripted_delay(struct scripted_server *server, int milliseconds);
void scripted_close(struct scripted_server *server);

void scripted_server_start(struct scripted_server *server);

/* NULL if all steps went as written, else what did not. Frees everything but the text, which is the
 * caller's. */
char *scripted_server_finish(struct scripted_server *server);

/* ---- Messages of a PostgreSQL server, appended to a buffer ---- */

void scripted_message(struct buffer *out, char type, const void *body, size_t len);
void scripted_text_message(struct buffer *out, char type, const char *text); /* with its NUL */
void scripted_authentication_ok(struct buffer *out);
void scripted_parameter(struct buffer *out, const char *name, const char *value);
void scripted_backend_key(struct buffer *out, uint32_t pid, const void *key, size_t len);
void scripted_ready(struct buffer *out, char transaction_status);
void scripted_row_description(struct buffer *out, size_t count, const char *const *names);
void scripted_data_row(struct buffer *out, size_t count, const char *const *values);
void scripted_report(struct buffer *out, char type, const char *severity, const char *sqlstate,
                     const char *message);                  /* 'E' or 'N' */
void scripted_copy_response(struct buffer *out, char type); /* 'G', 'H' or 'W' */

/* What most scripts begin with: a connection is accepted and gets a session of server 18.4. */
void scripted_session(struct scripted_server *server);

#endif
