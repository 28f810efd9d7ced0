/*
 * Logging in to RDS and Aurora with tokens of AWS IAM in place of passwords (postgres+aws://). Each
 * session gets a token of its own, which is made here, of access keys that are looked for when the
 * first one is wanted and again before they expire.
 */
#ifndef PGCASK_AWS_LOGIN_H
#define PGCASK_AWS_LOGIN_H

#include "base/log.h"
#include "wire/wire.h"

struct aws_login;

/* For complete settings: finds the region, and sets where their sessions get tokens. *login is NULL
 * where they are not of postgres+aws://, and outlives all sessions of the settings and of their
 * clones otherwise. log may be NULL. */
bool aws_login_new(struct aws_login **login, struct wire_settings *settings, const struct log *log,
                   struct error *err);

/* NULL is allowed. */
void aws_login_free(struct aws_login *login);

#endif
