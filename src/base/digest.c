#include "base/digest.h"

#include "base/bytes.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <xxhash.h>

struct digest {
    enum digest_algorithm algorithm;
    uint32_t crc;
    XXH3_state_t *xxh3;
    EVP_MD_CTX *evp;
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

static const EVP_MD *evp_algorithm(enum digest_algorithm algorithm)
{
    switch (algorithm) {
    case DIGEST_SHA224:
        return EVP_sha224();
    case DIGEST_SHA256:
        return EVP_sha256();
    case DIGEST_SHA384:
        return EVP_sha384();
    case DIGEST_SHA512:
        return EVP_sha512();
    case DIGEST_NONE:
    case DIGEST_CRC32C:
    case DIGEST_XXH3_128:
        break;
    }
    return NULL;
}

struct digest *digest_new(enum digest_algorithm algorithm, struct error *err)
{
    struct digest *digest = calloc(1, sizeof(*digest));

    if (digest == NULL) {
        error_set_memory(err);
        return NULL;
    }
    digest->algorithm = algorithm;
    if (algorithm == DIGEST_XXH3_128)
        digest->xxh3 = XXH3_createState();
    else if (evp_algorithm(algorithm) != NULL)
        digest->evp = EVP_MD_CTX_new();
    else {
        digest_begin(digest);
        return digest;
    }
    if (digest->xxh3 == NULL && digest->evp == NULL) {
        error_set_memory(err);
        digest_free(digest);
        return NULL;
    }
    if (digest->evp != NULL &&
        EVP_DigestInit_ex(digest->evp, evp_algorithm(algorithm), NULL) != 1) {
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
    EVP_MD_CTX_free(digest->evp);
    free(digest);
}

void digest_begin(struct digest *digest)
{
    digest->crc = 0;
    if (digest->xxh3 != NULL)
        XXH3_128bits_reset(digest->xxh3);
    if (digest->evp != NULL)
        EVP_DigestInit_ex(digest->evp, NULL, NULL); /* as in digest_new: nothing is allocated */
}

void digest_update(struct digest *digest, struct slice data)
{
    if (digest->algorithm == DIGEST_CRC32C)
        digest->crc = digest_crc32c(digest->crc, data);
    else if (digest->xxh3 != NULL)
        XXH3_128bits_update(digest->xxh3, data.data, data.len);
    else if (digest->evp != NULL)
        EVP_DigestUpdate(digest->evp, data.data, data.len);
}

void digest_end(struct digest *digest, uint8_t out[DIGEST_MAX])
{
    if (digest->algorithm == DIGEST_CRC32C) {
        for (int i = 0; i < 4; i++)
            out[i] = (uint8_t)(digest->crc >> (8 * i));
    } else if (digest->xxh3 != NULL) {
        XXH128_canonical_t canonical;

        XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(digest->xxh3));
        memcpy(out, canonical.digest, sizeof(canonical.digest));
    } else if (digest->evp != NULL) {
        EVP_DigestFinal_ex(digest->evp, out, NULL);
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
