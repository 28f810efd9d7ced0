/* The conversation that proves who we are, and with SCRAM also who the server is; without I/O. */
#ifndef PGCASK_WIRE_AUTH_INTERNAL_H
#define PGCASK_WIRE_AUTH_INTERNAL_H

#include "wire/auth_scram_internal.h"
#include "wire/tls_internal.h"
#include "wire/wire.h"

struct authentication {
    const struct wire_settings *settings;
    const char *host; /* as configured, for the passfile; may be NULL */
    const char *port;
    const char *database;
    const char *user;
    const struct tls *tls;       /* for channel binding; may be NULL */
    const struct cancel *cancel; /* for what a password may have to be waited for */
    int64_t *deadline;           /* of the attempt; may be NULL */
    const struct log *log;

    struct scram scram;
    bool scram_begun, scram_verified, bound;
    bool answered; /* a password or proof was sent */
    bool done;     /* the server said AuthenticationOk and may do so */
};

/* Takes the body of an Authentication message and appends the answer, if there is one, to *reply.
 * Whoever sends *reply wipes it. */
bool authentication_step(struct authentication *authentication, struct slice body,
                         struct buffer *reply, struct error *err);

void authentication_reset(struct authentication *authentication);

/* "md5" and hex(md5(hex(md5(password user)) salt)), with a NUL. */
#define MD5_ANSWER_SIZE 36
bool authentication_md5(struct slice password, const char *user, struct slice salt,
                        char out[MD5_ANSWER_SIZE], struct error *err);

#endif
