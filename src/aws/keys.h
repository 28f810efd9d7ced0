/*
 * Access keys with what goes with them, and the two forms in which endpoints give them out: JSON
 * (containers, instances) and XML (the token service). No I/O.
 */
#ifndef PGCASK_AWS_KEYS_H
#define PGCASK_AWS_KEYS_H

#include "base/buffer.h"
#include "base/error.h"

#define AWS_KEYS_NEVER_EXPIRE INT64_MAX

struct aws_keys {
    struct buffer access_key, secret_key, session_token; /* all secret; the last may be empty */
    int64_t expires;                                     /* seconds since 1970 */
    char source[256];                                    /* where they come from, for people */
};

void aws_keys_reset(struct aws_keys *keys); /* wipes them */

/* Takes a value of its own; secret texts are one line of printable ASCII. what: its name, for
 * messages. */
bool aws_keys_put(struct buffer *value, const char *text, const char *what, struct error *err);

/* {"AccessKeyId": …, "SecretAccessKey": …, "Token": …, "Expiration": …}. Where it has a "Code",
 * that has to be "Success". */
bool aws_keys_parse_json(struct aws_keys *keys, struct slice text, struct error *err);

/* <AccessKeyId>…</AccessKeyId> and the like, anywhere in the text. */
bool aws_keys_parse_xml(struct aws_keys *keys, struct slice text, struct error *err);

/* The text of the first such element; false if there is none that is whole. */
bool aws_xml_find(struct slice text, const char *element, struct slice *content);

/* "2026-11-30T17:00:00Z", with or without a fraction of a second. */
bool aws_parse_time(const char *text, int64_t *seconds);

#endif
