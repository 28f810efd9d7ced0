/*
 * A server without a socket: what src/wire asks of one (connect, wait, read, write, close) is
 * answered from here, by the linker's --wrap. It says what it is given, in pieces, whatever it is
 * told, and then ends the connection; a second connection finds it silent. One at a time.
 *
 * The client's nonce is always FAKE_NONCE, so that a recorded SCRAM exchange proves something.
 */
#ifndef PGCASK_FUZZ_SUPPORT_FAKE_SERVER_H
#define PGCASK_FUZZ_SUPPORT_FAKE_SERVER_H

#include "support/feed.h"
#include "wire/wire.h"

#define FAKE_NONCE "rOprNGfwEbeRWgbNEkqO"
#define FAKE_HOST "/fuzz" /* a socket's folder, so that no name is looked up */

struct fake_server {
    struct slice says;
    size_t piece;       /* bytes a read gives; 0: all that it asks for */
    unsigned stubborn;  /* of so many writes (2 or more), one takes nothing for now; 0: all do */
    struct buffer told; /* what the client sent over the first connection, up to 1 MiB */
    unsigned connections, writes, naps;
};

void fake_server_begin(struct fake_server *server);
void fake_server_end(struct fake_server *server);

/* Settings for it: a user, a database, no TLS. Kept for the whole run of the program. */
const struct wire_settings *fake_server_settings(void);

/* Logs in: what a server of that version says first, followed by the rest of server->says. */
struct wire_conn *fake_server_log_in(struct fake_server *server, int version_num);

#endif
