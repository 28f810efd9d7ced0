/*
 * A small process that ends what is left of our sessions when we die without warning.
 *
 * A busy server does not look at its socket: after a SIGKILL of ours a COPY would run on for
 * seconds, and a BASE_BACKUP that waits for its checkpoint until that is over. A CancelRequest ends
 * both at once. So the program forks a guardian before anything else: it holds the address, process
 * number and cancel key of each session and the read end of a pipe to us, nothing else. It ignores
 * signals, is in a session of its own, and when the pipe ends it cancels what was not closed in
 * order, then ends.
 *
 * The cancel request of a session under TLS goes out under TLS, asked for as the session's was, or
 * not at all: whoever listens could otherwise end sessions by the key. The server's certificate is
 * not looked at, for the guardian holds neither settings nor files. Somebody who has put himself
 * between could so get the key of a session that is to end anyway, and could have kept the request
 * from arriving just as well. The server takes the request whatever pg_hba.conf says.
 *
 * This is for programs. A library must not fork: pgcask's does not start one by itself.
 */
#ifndef PGCASK_PROCESS_GUARDIAN_H
#define PGCASK_PROCESS_GUARDIAN_H

#include "wire/wire.h"

struct guardian;

/* Forks. Call it before any thread is made; SIGPIPE must be ignored in this process. In the
 * guardian, forget(context) is called first (NULL: nothing is) to wipe what secrets were read
 * already. */
bool guardian_start(struct guardian **guardian, void (*forget)(void *context), void *context,
                    struct error *err);

/* To be given to wire_settings_watch; lives as long as the guardian. */
const struct wire_watcher *guardian_watcher(const struct guardian *guardian);

/* Ends the guardian, which by then should have nothing to do. NULL is allowed. */
void guardian_stop(struct guardian *guardian);

#endif
