/* The signature of a request: a canonical form of it is hashed, and the hash signed with a key that
 * is good for one day, region and service. */
#include "aws/sigv4.h"

#include "base/bytes.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>

#define TIME_SIZE 32 /* "20261130T160755Z" */
#define DAY_LENGTH 8

/* ---- Hashes ---- */

static bool fail_hash(struct error *err)
{
    return error_set(err, ERROR_AUTHENTICATION, "SHA-256 is not available here");
}

static bool hash_hex(struct slice data, char out[SIGV4_HEX_SIZE], struct error *err)
{
    uint8_t hash[SIGV4_HASH_SIZE];

    if (EVP_Digest(data.data, data.len, hash, NULL, EVP_sha256(), NULL) != 1)
        return fail_hash(err);
    bytes_to_hex(hash, sizeof(hash), out);
    return true;
}

static bool sign(struct slice key, const char *text, uint8_t out[SIGV4_HASH_SIZE],
                 struct error *err)
{
    unsigned len = 0;

    if (key.len <= INT_MAX &&
        HMAC(EVP_sha256(), key.data, (int)key.len, (const uint8_t *)text, strlen(text), out,
             &len) != NULL &&
        len == SIGV4_HASH_SIZE)
        return true;
    return fail_hash(err);
}

bool sigv4_signing_key(const char *secret_key, const char *date, const char *region,
                       const char *service, uint8_t key[SIGV4_HASH_SIZE], struct error *err)
{
    const char *const scope[] = {date, region, service, "aws4_request"};
    struct buffer first = {0};
    uint8_t signing[SIGV4_HASH_SIZE];
    bool done = buffer_reserve(&first, strlen(secret_key) + 8, err) &&
                buffer_append_string(&first, "AWS4", err) &&
                buffer_append_string(&first, secret_key, err) &&
                sign(buffer_slice(&first), scope[0], signing, err);

    for (size_t i = 1; done && i < sizeof(scope) / sizeof(scope[0]); i++) {
        done = sign(slice_make(signing, sizeof(signing)), scope[i], key, err);
        memcpy(signing, key, sizeof(signing));
    }
    OPENSSL_cleanse(signing, sizeof(signing));
    buffer_free_secret(&first);
    return done;
}

/* ---- The query ---- */

bool sigv4_append_encoded(struct buffer *out, const char *text, struct error *err)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                "-._~";

    for (; *text != '\0'; text++) {
        bool done = strchr(plain, *text) != NULL
                        ? buffer_append_byte(out, (uint8_t)*text, err)
                        : buffer_printf(out, err, "%%%02X", (unsigned)(uint8_t)*text);

        if (!done)
            return false;
    }
    return true;
}

static bool append_parameter(struct buffer *out, const char *name, const char *value,
                             struct error *err)
{
    return (out->len == 0 || buffer_append_byte(out, '&', err)) &&
           sigv4_append_encoded(out, name, err) && buffer_append_byte(out, '=', err) &&
           sigv4_append_encoded(out, value, err);
}

/* All but the signature, in the order of the names, which is the canonical form. */
static bool append_parameters(struct buffer *out, const struct sigv4_request *request,
                              const struct sigv4_keys *keys, const char *scope, const char *now,
                              struct error *err)
{
    struct buffer credential = {0};
    char expires[16];
    bool done = true;

    snprintf(expires, sizeof(expires), "%u", request->expires_s);
    for (size_t i = 0; done && i < request->parameter_count; i++)
        done =
            append_parameter(out, request->parameters[i].name, request->parameters[i].value, err);
    done = done && buffer_printf(&credential, err, "%s/%s", keys->access_key, scope) &&
           append_parameter(out, "X-Amz-Algorithm", "AWS4-HMAC-SHA256", err) &&
           append_parameter(out, "X-Amz-Credential", buffer_text(&credential), err) &&
           append_parameter(out, "X-Amz-Date", now, err) &&
           append_parameter(out, "X-Amz-Expires", expires, err) &&
           (keys->session_token == NULL ||
            append_parameter(out, "X-Amz-Security-Token", keys->session_token, err)) &&
           append_parameter(out, "X-Amz-SignedHeaders", "host", err);
    buffer_free(&credential);
    return done;
}

/* What is signed, of the canonical request that is hashed. */
static bool append_to_sign(struct buffer *out, const struct sigv4_request *request,
                           struct slice query, const char *scope, const char *now,
                           struct error *err)
{
    struct buffer canonical = {0};
    char hash[SIGV4_HEX_SIZE];
    bool done = buffer_printf(&canonical, err, "GET\n%s\n", request->path) &&
                buffer_append(&canonical, query.data, query.len, err) &&
                buffer_printf(&canonical, err, "\nhost:%s\n\nhost\n%s", request->host,
                              request->payload_hash) &&
                hash_hex(buffer_slice(&canonical), hash, err) &&
                buffer_printf(out, err, "AWS4-HMAC-SHA256\n%s\n%s\n%s", now, scope, hash);

    buffer_free_secret(&canonical);
    return done;
}

static bool append_signed(struct buffer *query, const struct sigv4_request *request,
                          const struct sigv4_keys *keys, const char *now, struct error *err)
{
    uint8_t key[SIGV4_HASH_SIZE], signature[SIGV4_HASH_SIZE];
    char day[DAY_LENGTH + 1], hex[SIGV4_HEX_SIZE];
    struct buffer scope = {0}, to_sign = {0};
    bool done;

    snprintf(day, sizeof(day), "%.*s", DAY_LENGTH, now);
    done = buffer_printf(&scope, err, "%s/%s/%s/aws4_request", day, request->region,
                         request->service) &&
           append_parameters(query, request, keys, buffer_text(&scope), now, err) &&
           append_to_sign(&to_sign, request, buffer_slice(query), buffer_text(&scope), now, err) &&
           sigv4_signing_key(keys->secret_key, day, request->region, request->service, key, err) &&
           sign(slice_make(key, sizeof(key)), buffer_text(&to_sign), signature, err);
    if (done) {
        bytes_to_hex(signature, sizeof(signature), hex);
        done = append_parameter(query, "X-Amz-Signature", hex, err);
    }
    OPENSSL_cleanse(key, sizeof(key));
    buffer_free(&scope);
    buffer_free(&to_sign);
    return done;
}

bool sigv4_append_query(struct buffer *out, const struct sigv4_request *request,
                        const struct sigv4_keys *keys, struct error *err)
{
    struct buffer query = {0};
    struct tm parts;
    char now[TIME_SIZE];
    bool done;

    if (gmtime_r(&request->now, &parts) == NULL ||
        strftime(now, sizeof(now), "%Y%m%dT%H%M%SZ", &parts) == 0)
        return error_set(err, ERROR_USAGE, "the clock of this machine is out of range");
    done = append_signed(&query, request, keys, now, err) &&
           buffer_append(out, query.data, query.len, err);
    buffer_free_secret(&query);
    return done;
}
