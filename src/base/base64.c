/* Base64 (RFC 4648, section 4) of short things: keys, nonces, proofs. Strict when it reads: OpenSSL
 * by itself skips white space and does not say how many bytes it has padded. */
#include "base/base64.h"

#include <openssl/evp.h>

bool base64_append(struct buffer *out, struct slice data, struct error *err)
{
    size_t len = (data.len + 2) / 3 * 4;

    if (!buffer_reserve(out, len, err))
        return false;
    EVP_EncodeBlock(out->data + out->len, data.data, (int)data.len); /* adds a NUL */
    out->len += len;
    return true;
}

bool base64_decode(struct slice text, uint8_t *out, size_t out_size, size_t *len)
{
    size_t padding = 0;
    int decoded;

    if (text.len == 0 || text.len % 4 != 0 || text.len / 4 * 3 > out_size)
        return false;
    for (size_t i = 0; i < text.len; i++) { /* OpenSSL would skip white space */
        if (text.data[i] <= ' ' || text.data[i] > '~')
            return false;
    }
    while (padding < 2 && text.data[text.len - 1 - padding] == '=')
        padding++;
    decoded = EVP_DecodeBlock(out, text.data, (int)text.len);
    if (decoded < 0)
        return false;
    *len = (size_t)decoded - padding;
    return true;
}
