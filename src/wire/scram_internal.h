/*
 * The client side of SCRAM-SHA-256 and SCRAM-SHA-256-PLUS without any I/O: messages in, messages
 * out. Source: RFC 5802, RFC 7677; PostgreSQL documentation, "SASL Authentication".
 */
#ifndef PGCASK_WIRE_SCRAM_INTERNAL_H
#define PGCASK_WIRE_SCRAM_INTERNAL_H

#include "base/buffer.h"
#include "base/error.h"
#include "base/slice.h"

#define SCRAM_KEY_SIZE 32
#define SCRAM_NONCE_SIZE 25            /* 18 random bytes in base64, with a NUL */
#define SCRAM_ITERATIONS_MAX 10000000u /* more would only be there to burn our time */

enum scram_binding {
    SCRAM_NO_BINDING,       /* "n": no TLS, or not wanted */
    SCRAM_BINDING_POSSIBLE, /* "y": we could, the server did not offer it */
    SCRAM_BOUND             /* "p": SCRAM-SHA-256-PLUS */
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

/* The server's first message in, the client's final message appended to *out. */
bool scram_answer(struct scram *scram, struct slice server_first, struct slice password,
                  struct buffer *out, struct error *err);

/* True if the server's final message proves that it knows the password too. */
bool scram_verify(struct scram *scram, struct slice server_final, struct error *err);

void scram_reset(struct scram *scram);

/* The password as SASLprep (RFC 4013) leaves it; as it is, if it is not UTF-8 or has something in
 * it that SASLprep forbids: the server does the same. Unicode normalisation is left out: passwords
 * that are not in NFKC already are sent as typed. */
bool scram_prepare_password(struct slice password, struct buffer *out, struct error *err);

#endif
