/*
 * SCRAM as RFC 5802 has it, step by step, with PBKDF2 in a loop of our own: a server may ask for
 * millions of iterations, and a cancelled job must not sit through them.
 */
#include "wire/auth_scram_internal.h"

#include "base/base64.h"
#include "base/bytes.h"
#include "base/clock.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#define SCRAM_SALT_MAX 1024
#define SCRAM_MESSAGE_MAX 8192
#define ITERATIONS_BETWEEN_LOOKS 8192 /* at the clock and at cancel */

static bool crypto_failed(struct error *err)
{
    return error_set(err, ERROR_AUTHENTICATION, "the cryptography for SCRAM-SHA-256 failed");
}

static bool malformed(struct error *err)
{
    return error_set(err, ERROR_PROTOCOL, "the server sent a malformed SCRAM message");
}

/* ---- Begin ---- */

bool scram_make_nonce(char out[SCRAM_NONCE_SIZE], struct error *err)
{
    uint8_t random[18];

    if (RAND_bytes(random, sizeof(random)) != 1)
        return error_set(err, ERROR_AUTHENTICATION, "no random numbers are to be had");
    EVP_EncodeBlock((unsigned char *)out, random, sizeof(random));
    return true;
}

bool scram_begin(struct scram *scram, const char *user, const char *nonce,
                 enum scram_binding binding, struct slice binding_data, struct buffer *out,
                 struct error *err)
{
    static const char *const headers[] = {
        [SCRAM_NO_BINDING] = "n,,",
        [SCRAM_BINDING_POSSIBLE] = "y,,",
        [SCRAM_BOUND] = "p=tls-server-end-point,,",
    };

    *scram = (struct scram){.binding = binding};
    return buffer_append_string(&scram->header, headers[binding], err) &&
           buffer_append_string(&scram->client_nonce, nonce, err) &&
           buffer_printf(&scram->client_first_bare, err, "n=%s,r=%s", user, nonce) &&
           buffer_append(out, scram->header.data, scram->header.len, err) &&
           buffer_append(out, scram->client_first_bare.data, scram->client_first_bare.len, err) &&
           (binding != SCRAM_BOUND ||
            buffer_append(&scram->header, binding_data.data, binding_data.len, err));
}

void scram_reset(struct scram *scram)
{
    buffer_free(&scram->client_first_bare);
    buffer_free(&scram->client_nonce);
    buffer_free(&scram->header);
    OPENSSL_cleanse(scram, sizeof(*scram));
}

/* ---- Answer ---- */

struct server_first {
    struct slice nonce;
    uint8_t salt[SCRAM_SALT_MAX];
    size_t salt_len;
    uint32_t iterations;
};

/* Takes "X=value" off the front, up to a comma or the end. */
static bool take_attribute(struct slice *in, char name, struct slice *value)
{
    const uint8_t *comma;
    size_t len;

    if (in->len < 2 || in->data[0] != (uint8_t)name || in->data[1] != '=')
        return false;
    slice_take(in, 2);
    comma = in->len == 0 ? NULL : memchr(in->data, ',', in->len);
    len = comma == NULL ? in->len : (size_t)(comma - in->data);
    *value = slice_take(in, len);
    if (comma != NULL) {
        slice_take(in, 1);
        return in->len > 0;
    }
    return true;
}

static bool is_printable(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] <= ' ' || text.data[i] > '~')
            return false;
    }
    return true;
}

static bool parse_server_first(const struct scram *scram, struct slice message,
                               struct server_first *first, struct error *err)
{
    struct slice salt, iterations;
    size_t own = scram->client_nonce.len;
    uint64_t number;

    if (message.len > SCRAM_MESSAGE_MAX || !take_attribute(&message, 'r', &first->nonce) ||
        !take_attribute(&message, 's', &salt) || !take_attribute(&message, 'i', &iterations) ||
        message.len != 0 || !bytes_parse_u64(iterations, &number) || number == 0 ||
        !is_printable(first->nonce) ||
        !base64_decode(salt, first->salt, sizeof(first->salt), &first->salt_len))
        return malformed(err);
    if (first->nonce.len <= own || memcmp(first->nonce.data, scram->client_nonce.data, own) != 0)
        return error_set(err, ERROR_AUTHENTICATION, "the server's SCRAM nonce is not ours");
    if (number > SCRAM_ITERATIONS_MAX) {
        error_set(err, ERROR_AUTHENTICATION, "the server asks for more than %u SCRAM iterations",
                  SCRAM_ITERATIONS_MAX);
        return error_hint(err, "Is it your server? If so, set the role's password anew with a "
                               "smaller scram_iterations.");
    }
    first->iterations = (uint32_t)number;
    return true;
}

static bool hmac(const uint8_t key[SCRAM_KEY_SIZE], struct slice data, uint8_t out[SCRAM_KEY_SIZE])
{
    unsigned int len = 0;

    return HMAC(EVP_sha256(), key, SCRAM_KEY_SIZE, data.data, data.len, out, &len) != NULL;
}

/* HMAC with the key that the context was made with; `block` is what goes in and what comes out. */
static bool hmac_again(EVP_MAC_CTX *context, uint8_t block[SCRAM_KEY_SIZE])
{
    size_t len = 0;

    return EVP_MAC_init(context, NULL, 0, NULL) == 1 &&
           EVP_MAC_update(context, block, SCRAM_KEY_SIZE) == 1 &&
           EVP_MAC_final(context, block, &len, SCRAM_KEY_SIZE) == 1;
}

/* The loop of PBKDF2: out becomes the exclusive or of all blocks. OpenSSL's own cannot be ended
 * before a hostile number of iterations is. */
static bool iterate(EVP_MAC_CTX *context, uint32_t iterations, int64_t deadline,
                    const struct cancel *cancel, uint8_t out[SCRAM_KEY_SIZE], struct error *err)
{
    uint8_t block[SCRAM_KEY_SIZE];
    bool ok = true;

    memcpy(block, out, sizeof(block));
    for (uint32_t i = 1; ok && i < iterations; i++) {
        if (i % ITERATIONS_BETWEEN_LOOKS == 0) {
            ok = cancel_check(cancel, err);
            if (ok && deadline_poll_ms(deadline) == 0)
                ok = error_set(err, ERROR_TIMEOUT, "no time is left for the SCRAM iterations");
        }
        if (ok && !hmac_again(context, block))
            ok = crypto_failed(err);
        for (size_t j = 0; ok && j < SCRAM_KEY_SIZE; j++)
            out[j] ^= block[j];
    }
    OPENSSL_cleanse(block, sizeof(block));
    return ok;
}

/* PBKDF2 of RFC 8018 with HMAC-SHA-256, of which one block is all that SCRAM needs. */
static bool salt_password(struct slice password, const struct server_first *first, int64_t deadline,
                          const struct cancel *cancel, uint8_t out[SCRAM_KEY_SIZE],
                          struct error *err)
{
    static const uint8_t first_block[4] = {0, 0, 0, 1};
    char digest[] = "SHA256";
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_MAC *algorithm = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *context = algorithm == NULL ? NULL : EVP_MAC_CTX_new(algorithm);
    size_t len = 0;
    bool ok = context != NULL &&
              EVP_MAC_init(context, password.data, password.len, parameters) == 1 &&
              EVP_MAC_update(context, first->salt, first->salt_len) == 1 &&
              EVP_MAC_update(context, first_block, sizeof(first_block)) == 1 &&
              EVP_MAC_final(context, out, &len, SCRAM_KEY_SIZE) == 1;

    ok = ok ? iterate(context, first->iterations, deadline, cancel, out, err) : crypto_failed(err);
    EVP_MAC_CTX_free(context);
    EVP_MAC_free(algorithm);
    return ok;
}

/* The keys that the secret does not hold already. */
static bool complete_keys(struct scram_secret *secret, const struct server_first *first,
                          int64_t deadline, const struct cancel *cancel, struct error *err)
{
    uint8_t salted[SCRAM_KEY_SIZE];
    struct buffer prepared = {0};
    bool ok;

    if (secret->has_client_key && secret->has_server_key)
        return true;
    ok = scram_prepare_password(secret->password, &prepared, err) &&
         salt_password(buffer_slice(&prepared), first, deadline, cancel, salted, err);
    if (ok && ((!secret->has_client_key &&
                !hmac(salted, slice_string("Client Key"), secret->client_key)) ||
               (!secret->has_server_key &&
                !hmac(salted, slice_string("Server Key"), secret->server_key))))
        ok = crypto_failed(err);
    buffer_free_secret(&prepared);
    OPENSSL_cleanse(salted, sizeof(salted));
    return ok;
}

/* The proof that we know the password, and the signature that proves it of the server. */
static bool compute(struct scram *scram, const struct scram_secret *keys, struct slice conversation,
                    uint8_t proof[SCRAM_KEY_SIZE])
{
    uint8_t stored_key[SCRAM_KEY_SIZE], client_signature[SCRAM_KEY_SIZE];
    bool ok =
        EVP_Digest(keys->client_key, SCRAM_KEY_SIZE, stored_key, NULL, EVP_sha256(), NULL) == 1 &&
        hmac(stored_key, conversation, client_signature) &&
        hmac(keys->server_key, conversation, scram->server_signature);

    for (size_t i = 0; ok && i < SCRAM_KEY_SIZE; i++)
        proof[i] = keys->client_key[i] ^ client_signature[i];
    OPENSSL_cleanse(stored_key, sizeof(stored_key));
    OPENSSL_cleanse(client_signature, sizeof(client_signature));
    return ok;
}

static bool build_final(struct scram *scram, struct slice server_first,
                        const struct server_first *first, const struct scram_secret *keys,
                        struct buffer *final, struct error *err)
{
    struct buffer conversation = {0};
    uint8_t proof[SCRAM_KEY_SIZE];
    bool ok = buffer_append_string(final, "c=", err) &&
              base64_append(final, buffer_slice(&scram->header), err) &&
              buffer_append_string(final, ",r=", err) &&
              buffer_append(final, first->nonce.data, first->nonce.len, err) &&
              buffer_append(&conversation, scram->client_first_bare.data,
                            scram->client_first_bare.len, err) &&
              buffer_append_byte(&conversation, ',', err) &&
              buffer_append(&conversation, server_first.data, server_first.len, err) &&
              buffer_append_byte(&conversation, ',', err) &&
              buffer_append(&conversation, final->data, final->len, err);

    if (ok && !compute(scram, keys, buffer_slice(&conversation), proof))
        ok = crypto_failed(err);
    ok = ok && buffer_append_string(final, ",p=", err) &&
         base64_append(final, slice_make(proof, sizeof(proof)), err);
    buffer_free(&conversation);
    return ok;
}

bool scram_answer(struct scram *scram, struct slice server_first, const struct scram_secret *secret,
                  int64_t deadline, const struct cancel *cancel, struct buffer *out,
                  struct error *err)
{
    struct server_first first = {.iterations = 0};
    struct scram_secret keys = *secret;
    struct buffer final = {0};
    bool ok = parse_server_first(scram, server_first, &first, err) &&
              complete_keys(&keys, &first, deadline, cancel, err) &&
              build_final(scram, server_first, &first, &keys, &final, err) &&
              buffer_append(out, final.data, final.len, err);

    buffer_free(&final);
    OPENSSL_cleanse(&keys, sizeof(keys));
    scram->answered = ok;
    return ok;
}

/* ---- Verify ---- */

bool scram_verify(struct scram *scram, struct slice server_final, struct error *err)
{
    uint8_t signature[SCRAM_KEY_SIZE + 16];
    struct slice value;
    size_t len = 0;

    if (!scram->answered || server_final.len > SCRAM_MESSAGE_MAX)
        return malformed(err);
    if (take_attribute(&server_final, 'e', &value))
        return error_set(err, ERROR_AUTHENTICATION, "the server refused the SCRAM proof: %.*s",
                         is_printable(value) && value.len < 200 ? (int)value.len : 0,
                         (const char *)value.data);
    if (!take_attribute(&server_final, 'v', &value) || server_final.len != 0 ||
        !base64_decode(value, signature, sizeof(signature), &len))
        return malformed(err);
    if (len == SCRAM_KEY_SIZE &&
        CRYPTO_memcmp(signature, scram->server_signature, SCRAM_KEY_SIZE) == 0)
        return true;
    error_set(err, ERROR_AUTHENTICATION,
              "the server does not know the password either: its SCRAM signature is wrong");
    return error_hint(err, "Something stands between you and the server, or it is not yours.");
}
