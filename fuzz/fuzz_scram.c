/*
 * SCRAM against a hostile server, and SASLprep. Up to the first line feed the input is the
 * password, then comes the server's first message, a line feed, its final message. A first byte of
 * "p", "y" or anything else chooses the channel binding.
 *
 * Holds: nobody is believed who has not sent the one signature; a prepared password prepared again
 * is the same; an error never holds the password (of those with "$$" in them).
 *
 * A message has at most 30,000 bytes (see fuzz_authentication.c); what is made of it is not much
 * longer.
 *
 * Limits: -malloc_limit_mb=1 -max_len=4096
 */
#include "base/clock.h"
#include "support/feed.h"
#include "wire/auth_scram_internal.h"

#include <openssl/evp.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct slice take_line(struct slice *input)
{
    const uint8_t *feed = input->len == 0 ? NULL : memchr(input->data, '\n', input->len);
    struct slice line = slice_take(input, feed == NULL ? input->len : (size_t)(feed - input->data));

    if (feed != NULL)
        slice_take(input, 1);
    return line;
}

/* Slow by design and bounded by the client; not what is looked for here. */
static bool has_many_iterations(struct slice text)
{
    for (size_t i = 0; i + 3 < text.len; i++) {
        size_t digits = 0;

        if (memcmp(text.data + i, ",i=", 3) != 0)
            continue;
        while (i + 3 + digits < text.len && text.data[i + 3 + digits] >= '0' &&
               text.data[i + 3 + digits] <= '9')
            digits++;
        if (digits > 4)
            return true;
    }
    return false;
}

static void check_error(const struct error *err, struct slice password)
{
    must_be_told(err);
    if (password.len >= 6 && memmem(password.data, password.len, "$$", 2) != NULL)
        must(memmem(err->message, strlen(err->message), password.data, password.len) == NULL);
}

static void check_preparation(struct slice password)
{
    struct buffer once = {0}, twice = {0};
    struct error err;

    must(scram_prepare_password(password, &once, &err));
    must(once.len <= password.len * 18 + 1); /* U+FDFA is the longest: 3 bytes to 33 */
    must(scram_prepare_password(buffer_slice(&once), &twice, &err));
    must(slice_equals(buffer_slice(&once), buffer_slice(&twice)));
    buffer_free(&once);
    buffer_free(&twice);
}

/* "v=" and the signature in base64 must be what the final message begins with. */
static void check_proof(const struct scram *scram, struct slice final)
{
    uint8_t text[64];
    int len = EVP_EncodeBlock(text, scram->server_signature, SCRAM_KEY_SIZE);

    must(final.len >= 2 + (size_t)len && memcmp(final.data, "v=", 2) == 0);
    must(memcmp(final.data + 2, text, (size_t)len) == 0);
}

static void talk(enum scram_binding binding, struct slice password, struct slice first,
                 struct slice final)
{
    const struct scram_secret secret = {.password = password};
    struct buffer out = {0};
    struct scram scram = {0};
    struct error err;

    must(scram_begin(&scram, "", "rOprNGfwEbeRWgbNEkqO", binding, slice_string("binding"), &out,
                     &err));
    if (!scram_answer(&scram, first, &secret, DEADLINE_NONE, NULL, &out, &err) ||
        !scram_verify(&scram, final, &err))
        check_error(&err, password);
    else
        check_proof(&scram, final);
    scram_reset(&scram);
    buffer_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = {data, size};
    uint8_t choice = feed_choice(&input);
    struct slice password = take_line(&input), first = take_line(&input);

    check_preparation(password);
    if (has_many_iterations(first))
        return 0;
    talk(choice == 'p'   ? SCRAM_BOUND
         : choice == 'y' ? SCRAM_BINDING_POSSIBLE
                         : SCRAM_NO_BINDING,
         password, first, input);
    return 0;
}
