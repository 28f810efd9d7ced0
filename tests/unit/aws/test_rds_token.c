/* Signatures are held against AWS's own: the examples of its documents, and tokens that its library
 * for Python (botocore) made of the same values. */
#include "aws/rds_token.h"

#include "base/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define EXAMPLE_SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

static struct error err;

/* "Examples of how to derive a signing key for Signature Version 4". */
static void the_signing_key_is_that_of_the_documents(void **state)
{
    uint8_t key[SIGV4_HASH_SIZE];
    char hex[SIGV4_HEX_SIZE];

    (void)state;
    assert_true(sigv4_signing_key(EXAMPLE_SECRET, "20150830", "us-east-1", "iam", key, &err));
    bytes_to_hex(key, sizeof(key), hex);
    assert_string_equal(hex, "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9");
}

/* "Authenticating Requests: Using Query Parameters": a file of S3, for a day. */
static void a_presigned_request_is_that_of_the_documents(void **state)
{
    const struct sigv4_request request = {
        .host = "examplebucket.s3.amazonaws.com",
        .path = "/test.txt",
        .region = "us-east-1",
        .service = "s3",
        .payload_hash = "UNSIGNED-PAYLOAD",
        .expires_s = 86400,
        .now = 1369353600, /* 2013-05-24 */
    };
    const struct sigv4_keys keys = {"AKIAIOSFODNN7EXAMPLE",
                                    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", NULL};
    struct buffer query = {0};

    (void)state;
    assert_true(sigv4_append_query(&query, &request, &keys, &err));
    assert_string_equal(buffer_text(&query),
                        "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F"
                        "20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&"
                        "X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature="
                        "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
    buffer_free(&query);
}

static char long_secret[129], long_token[1501];

struct vector {
    struct rds_token_request request;
    struct sigv4_keys keys;
    const char *begin, *signature;
};

static const struct vector vectors[] = {
    {{"db.abc123.eu-central-1.rds.amazonaws.com", "5432", "backup", "eu-central-1", 1767225600},
     {"AKIDEXAMPLE", EXAMPLE_SECRET, NULL},
     "db.abc123.eu-central-1.rds.amazonaws.com:5432/?Action=connect&DBUser=backup&X-Amz-Algorithm="
     "AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20260101%2Feu-central-1%2Frds-db%2F"
     "aws4_request&X-Amz-Date=20260101T000000Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host&",
     "fd48879be8ca8d99497877f3a89659c0d0f50693e7fed6f3b9e529c66f8f3e8f"},
    {{"db.abc123.us-east-1.rds.amazonaws.com", "6543", "we ird/+=&%~\xc3\xa9\"'", "us-east-1",
      951782399},
     {"ASIAIOSFODNN7EXAMPLE", "secret/+key=", "IQoJb3JpZ2luX2VjE//+ab==%x"},
     "db.abc123.us-east-1.rds.amazonaws.com:6543/?Action=connect&DBUser=we%20ird%2F%2B%3D%26%25~%C3"
     "%A9%22%27&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=ASIAIOSFODNN7EXAMPLE%2F20000228%"
     "2Fus-east-1%2Frds-db%2Faws4_request&X-Amz-Date=20000228T235959Z&X-Amz-Expires=900&"
     "X-Amz-Security-Token=IQoJb3JpZ2luX2VjE%2F%2F%2Bab%3D%3D%25x&X-Amz-SignedHeaders=host&",
     "8a7dd3c4064d73d8d61b55e41fe814bf8bb889e6f6bc8cf792ce48fde1f575ba"},
    {{"127.0.0.1", "54321", "u.s-e_r~", "cn-north-1", 4102444799},
     {"AKID/slash", "k", NULL},
     "127.0.0.1:54321/?Action=connect&DBUser=u.s-e_r~&X-Amz-Algorithm=AWS4-HMAC-SHA256&"
     "X-Amz-Credential=AKID%2Fslash%2F20991231%2Fcn-north-1%2Frds-db%2Faws4_request&X-Amz-Date="
     "20991231T235959Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host&",
     "28d87643dfd4a6335d30ae71ae006fdc9c64b5f6b0b1f36b984ddf204f0378b3"},
    {{"DB.Example.ORG", "5432", "Joe Bloggs", "us-gov-west-1", 1234567890},
     {"AKID", long_secret, long_token},
     "db.example.org:5432/?Action=connect&DBUser=Joe%20Bloggs&",
     "eb7ba21d1a6e2182476a41882bb0ce62cb8fe13382aca1217e68774c69802323"},
};

static void tokens_are_those_of_botocore(void **state)
{
    (void)state;
    memset(long_secret, 'x', sizeof(long_secret) - 1);
    memset(long_token, 't', sizeof(long_token) - 1);
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        const struct vector *vector = &vectors[i];
        struct buffer token = {0};
        const char *text;
        char end[128];

        assert_true(rds_token_append(&token, &vector->request, &vector->keys, &err));
        text = buffer_text(&token);
        assert_memory_equal(text, vector->begin, strlen(vector->begin));
        snprintf(end, sizeof(end), "&X-Amz-SignedHeaders=host&X-Amz-Signature=%s",
                 vector->signature);
        assert_string_equal(text + token.len - strlen(end), end);
        buffer_free(&token);
    }
}

static void an_address_of_ipv6_stands_in_brackets(void **state)
{
    const struct rds_token_request request = {"fd00::7", "5432", "u", "eu-west-1", 0};
    const struct sigv4_keys keys = {"A", "B", NULL};
    struct buffer token = {0};

    (void)state;
    assert_true(rds_token_append(&token, &request, &keys, &err));
    assert_memory_equal(buffer_text(&token), "[fd00::7]:5432/?Action=connect", 30);
    buffer_free(&token);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_signing_key_is_that_of_the_documents),
        cmocka_unit_test(a_presigned_request_is_that_of_the_documents),
        cmocka_unit_test(tokens_are_those_of_botocore),
        cmocka_unit_test(an_address_of_ipv6_stands_in_brackets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
