/*
 * The client side of SCRAM-SHA-256 and SCRAM-SHA-256-PLUS without any I/O: messages in, messages
 * out. Source: RFC 5802, RFC 7677; PostgreSQL documentation, "SASL Authentication".
 */
#ifndef PGCASK_WIRE_AUTH_SCRAM_INTERNAL_H
#define PGCASK_WIRE_AUTH_SCRAM_INTERNAL_H

#include "base/buffer.h"
#include "base/cancel.h"
#include "base/error.h"
#include "base/slice.h"
#include "wire/settings_internal.h"

#define SCRAM_NONCE_SIZE 25 /* 18 random bytes in base64, with a NUL */
/* About 10 s of one processor; more would only be there to burn our time. */
#define SCRAM_ITERATIONS_MAX 10000000u

enum scram_binding {
    SCRAM_NO_BINDING,       /* "n": no TLS, or not wanted */
    SCRAM_BINDING_POSSIBLE, /* "y": we could, the server did not offer it */
    SCRAM_BOUND             /* "p": SCRAM-SHA-256-PLUS */
};

/* What proves who we are: a password, or the two keys that are made of it, the role's salt and its
 * number of iterations (the settings scram_client_key and scram_server_key). */
struct scram_secret {
    struct slice password; /* as it was given */
    bool has_client_key, has_server_key;
    uint8_t client_key[SCRAM_KEY_SIZE], server_key[SCRAM_KEY_SIZE];
};

struct scram {
    enum scram_binding binding;
    struct buffer client_first_bare;
    struct buffer client_nonce;
    struct buffer header;                     /* GS2 header, then the channel binding data */
    uint8_t server_signature[SCRAM_KEY_SIZE]; /* what the server must answer */
    bool answered;
};

/* A printable random nonce. */
bool scram_make_nonce(char out[SCRAM_NONCE_SIZE], struct error *err);

/* Appends the client's first message to *out. user is "" for PostgreSQL, which takes the startup
 * packet's. binding_data counts for SCRAM_BOUND only. Free with scram_reset. */
bool scram_begin(struct scram *scram, const char *user, const char *nonce,
                 enum scram_binding binding, struct slice binding_data, struct buffer *out,
                 struct error *err);

/* The server's first message in, the client's final message appended to *out. The iterations end
 * early at the deadline and when cancel (NULL: nobody's) is requested. */
bool scram_answer(struct scram *scram, struct slice server_first, const struct scram_secret *secret,
                  int64_t deadline, const struct cancel *cancel, struct buffer *out,
                  struct error *err);

/* True if the server's final message proves that it knows the password too. */
bool scram_verify(struct scram *scram, struct slice server_final, struct error *err);

void scram_reset(struct scram *scram);

/* The password as SASLprep (RFC 4013) leaves it; as it is, if it is not UTF-8 or has something in
 * it that SASLprep forbids: the server does the same. */
bool scram_prepare_password(struct slice password, struct buffer *out, struct error *err);

#endif
