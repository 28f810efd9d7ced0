/*
 * A token of AWS IAM that a role of RDS or Aurora logs in with in place of a password: a request to
 * connect, signed, without its scheme. Source: Amazon RDS User Guide, "IAM database
 * authentication".
 */
#ifndef PGCASK_AWS_RDS_TOKEN_H
#define PGCASK_AWS_RDS_TOKEN_H

#include "aws/sigv4.h"

#define RDS_TOKEN_SECONDS 900 /* a session may begin that long */

struct rds_token_request {
    const char *host, *port, *user; /* of the endpoint, as AWS names it */
    const char *region;
    time_t now;
};

/* Appends the token, which is a secret. */
bool rds_token_append(struct buffer *out, const struct rds_token_request *request,
                      const struct sigv4_keys *keys, struct error *err);

#endif
