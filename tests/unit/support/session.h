/* A connection to a scripted server, for the tests of src/wire and of what speaks through it. */
#ifndef PGCASK_TESTS_SESSION_H
#define PGCASK_TESTS_SESSION_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "support/scripted_server.h"
#include "wire/wire.h"

struct session {
    struct scripted_server *server;
    struct wire_settings *settings;
    struct wire_connect_options options;
    struct wire_conn *conn;
    struct buffer reply; /* to put messages together in */
    struct error err;
};

/* A server without a script, and settings that lead to it (sslmode=disable). */
void session_prepare(struct session *session);

/* The same, with a script that begins with a session. */
void session_prepare_ready(struct session *session);

/* The same, and the first query is answered by the beginning of a COPY: 'G' in, 'H' out, 'W' both.
 */
void session_prepare_copy(struct session *session, char type);

void session_set(struct session *session, const char *name, const char *value);

/* Adds `reply` to the script and empties it. */
void session_script_reply(struct session *session);
void session_script_reply_slowly(struct session *session);

/* The same, with a ReadyForQuery at its end. */
void session_script_ready(struct session *session, char transaction_status);

/* A connection that asks for the cancellation of the first one, which is then the current again. */
void session_script_cancel(struct session *session);

/* A connection that asks for TLS and hears this. */
void session_script_tls_answer(struct session *session, const char *bytes, size_t len);

/* Starts the script and connects; the first must succeed, the second must not. */
void session_connect(struct session *session);
void session_connect_fails(struct session *session);

/* wire_next that must succeed with an event of that type. */
void session_expect(struct session *session, enum wire_event_type type, struct wire_event *event);

/* wire_next that must fail with that code. */
void session_expect_failure(struct session *session, enum error_code code);

/* Closes; the script must have gone as written. */
void session_finish(struct session *session);

#endif
