/*
 * AWS Signature Version 4 of a request that is a URI: the signature stands in its query. No I/O,
 * and no clock: the time is given. Source: AWS Identity and Access Management User Guide, "Create a
 * signed AWS API request".
 */
#ifndef PGCASK_AWS_SIGV4_H
#define PGCASK_AWS_SIGV4_H

#include "base/buffer.h"
#include "base/error.h"

#include <time.h>

#define SIGV4_HASH_SIZE 32
#define SIGV4_HEX_SIZE (2 * SIGV4_HASH_SIZE + 1)

struct sigv4_keys {
    const char *access_key, *secret_key;
    const char *session_token; /* NULL: the keys are nobody's session */
};

struct sigv4_parameter {
    const char *name, *value;
};

struct sigv4_request {
    const char *host; /* the header Host: "db.example.org:5432" */
    const char *path; /* as it is sent: "/" */
    const char *region, *service;
    const char *payload_hash; /* in hexadecimal, or "UNSIGNED-PAYLOAD" */
    unsigned expires_s;
    time_t now;
    /* In the order of their names, all of which are before "X-Amz-". */
    const struct sigv4_parameter *parameters;
    size_t parameter_count;
};

/* The hash of a request without a body. */
#define SIGV4_EMPTY_HASH "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

/* Appends the whole query of a GET, with its signature at the end. */
bool sigv4_append_query(struct buffer *out, const struct sigv4_request *request,
                        const struct sigv4_keys *keys, struct error *err);

/* Appends the text with all bytes as %XX but letters, digits and "-._~". */
bool sigv4_append_encoded(struct buffer *out, const char *text, struct error *err);

/* The key that a day's requests to a service are signed with. date: "20261130". */
bool sigv4_signing_key(const char *secret_key, const char *date, const char *region,
                       const char *service, uint8_t key[SIGV4_HASH_SIZE], struct error *err);

#endif
