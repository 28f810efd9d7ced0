/* The setting require_auth: which ways of logging in are good enough. */
#ifndef PGCASK_WIRE_SETTINGS_REQUIRE_AUTH_INTERNAL_H
#define PGCASK_WIRE_SETTINGS_REQUIRE_AUTH_INTERNAL_H

#include "wire/wire.h"

enum login_method {
    LOGIN_PASSWORD = 1u << 0, /* in clear */
    LOGIN_MD5 = 1u << 1,
    LOGIN_GSS = 1u << 2,
    LOGIN_SSPI = 1u << 3,
    LOGIN_SCRAM = 1u << 4,
    LOGIN_OAUTH = 1u << 5,
    LOGIN_NONE = 1u << 6 /* the server asks for nothing: trust, cert, peer */
};

#define LOGIN_ALL 0x7fu

/* A set of enum login_method; all of them where the setting is missing. Fails if a name is unknown,
 * given twice, or if some are negated and others are not. */
bool require_auth_read(const struct wire_settings *settings, unsigned *allowed, struct error *err);

#endif
