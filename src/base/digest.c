/*
 * SHA-2 is OpenSSL's older interface, which works in memory of ours: EVP, which is to replace it,
 * allocates at each beginning, and OpenSSL 3.0 crashes on the next update when it cannot.
 */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "base/digest.h"

#include "base/bytes.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <xxhash.h>

struct digest {
    enum digest_algorithm algorithm;
    uint32_t crc;
    XXH3_state_t *xxh3;
    union {
        SHA256_CTX sha256; /* SHA-224 too */
        SHA512_CTX sha512; /* SHA-384 too */
    } sha;
};

static const struct {
    const char *name;
    size_t size;
} algorithms[] = {
    [DIGEST_NONE] = {"none", 0},          [DIGEST_CRC32C] = {"crc32c", 4},
    [DIGEST_SHA224] = {"sha224", 28},     [DIGEST_SHA256] = {"sha256", 32},
    [DIGEST_SHA384] = {"sha384", 48},     [DIGEST_SHA512] = {"sha512", 64},
    [DIGEST_XXH3_128] = {"xxh3-128", 16},
};

#define ALGORITHM_COUNT (sizeof(algorithms) / sizeof(algorithms[0]))

struct digest *digest_new(enum digest_algorithm algorithm, struct error *err)
{
    struct digest *digest = calloc(1, sizeof(*digest));

    if (digest == NULL) {
        error_set_memory(err);
        return NULL;
    }
    digest->algorithm = algorithm;
    if (algorithm == DIGEST_XXH3_128 && (digest->xxh3 = XXH3_createState()) == NULL) {
        error_set_memory(err);
        digest_free(digest);
        return NULL;
    }
    digest_begin(digest);
    return digest;
}

void digest_free(struct digest *digest)
{
    if (digest == NULL)
        return;
    XXH3_freeState(digest->xxh3);
    free(digest);
}

void digest_begin(struct digest *digest)
{
    switch (digest->algorithm) {
    case DIGEST_NONE:
        break;
    case DIGEST_CRC32C:
        digest->crc = 0;
        break;
    case DIGEST_SHA224:
        SHA224_Init(&digest->sha.sha256);
        break;
    case DIGEST_SHA256:
        SHA256_Init(&digest->sha.sha256);
        break;
    case DIGEST_SHA384:
        SHA384_Init(&digest->sha.sha512);
        break;
    case DIGEST_SHA512:
        SHA512_Init(&digest->sha.sha512);
        break;
    case DIGEST_XXH3_128:
        XXH3_128bits_reset(digest->xxh3);
        break;
    }
}

void digest_update(struct digest *digest, struct slice data)
{
    switch (digest->algorithm) {
    case DIGEST_NONE:
        break;
    case DIGEST_CRC32C:
        digest->crc = digest_crc32c(digest->crc, data);
        break;
    case DIGEST_SHA224:
    case DIGEST_SHA256:
        SHA256_Update(&digest->sha.sha256, data.data, data.len);
        break;
    case DIGEST_SHA384:
    case DIGEST_SHA512:
        SHA512_Update(&digest->sha.sha512, data.data, data.len);
        break;
    case DIGEST_XXH3_128:
        XXH3_128bits_update(digest->xxh3, data.data, data.len);
        break;
    }
}

static void end_xxh3(const struct digest *digest, uint8_t out[DIGEST_MAX])
{
    XXH128_canonical_t canonical;

    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(digest->xxh3));
    memcpy(out, canonical.digest, sizeof(canonical.digest));
}

void digest_end(struct digest *digest, uint8_t out[DIGEST_MAX])
{
    switch (digest->algorithm) {
    case DIGEST_NONE:
        break;
    case DIGEST_CRC32C:
        for (int i = 0; i < 4; i++)
            out[i] = (uint8_t)(digest->crc >> (8 * i));
        break;
    case DIGEST_SHA224:
    case DIGEST_SHA256:
        SHA256_Final(out, &digest->sha.sha256); /* as long as the beginning made it */
        break;
    case DIGEST_SHA384:
    case DIGEST_SHA512:
        SHA512_Final(out, &digest->sha.sha512);
        break;
    case DIGEST_XXH3_128:
        end_xxh3(digest, out);
        break;
    }
}

size_t digest_size(enum digest_algorithm algorithm)
{
    return algorithms[algorithm].size;
}

const char *digest_name(enum digest_algorithm algorithm)
{
    return algorithms[algorithm].name;
}

bool digest_from_name(const char *name, enum digest_algorithm *algorithm)
{
    for (size_t i = 0; i < ALGORITHM_COUNT; i++) {
        if (strcasecmp(name, algorithms[i].name) == 0) {
            *algorithm = (enum digest_algorithm)i;
            return true;
        }
    }
    return false;
}

void digest_format(enum digest_algorithm algorithm, const uint8_t *bytes,
                   char out[DIGEST_TEXT_SIZE])
{
    int used = snprintf(out, DIGEST_TEXT_SIZE, "%s:", digest_name(algorithm));

    bytes_to_hex(bytes, digest_size(algorithm), out + used);
}
