#include "aws/keys.h"
#include "aws/shared_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct error err;

/* ---- What endpoints answer ---- */

static void assert_keys(struct aws_keys *keys, const char *access_key, const char *secret_key,
                        const char *session_token, int64_t expires)
{
    assert_string_equal(buffer_text(&keys->access_key), access_key);
    assert_string_equal(buffer_text(&keys->secret_key), secret_key);
    assert_string_equal(buffer_text(&keys->session_token), session_token);
    assert_int_equal(keys->expires, expires);
    aws_keys_reset(keys);
}

static void json_has_keys_by_their_names(void **state)
{
    struct aws_keys keys = {.expires = 0};

    (void)state;
    assert_true(aws_keys_parse_json(
        &keys,
        slice_string(
            "{\"Code\":\"Success\",\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"s\\/\\u0041\","
            "\"Token\":\"t\",\"Expiration\":\"2026-11-30T17:00:00Z\",\"More\":{\"AccessKeyId\":"
            "\"no\"}}"),
        &err));
    assert_keys(&keys, "A", "s/A", "t", 1796058000);
    assert_true(aws_keys_parse_json(
        &keys, slice_string("{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"s\",\"Token\":null}"),
        &err));
    assert_keys(&keys, "A", "s", "", AWS_KEYS_NEVER_EXPIRE);
}

static void assert_no_json(const char *text, const char *message)
{
    struct aws_keys keys = {.expires = 0};

    assert_false(aws_keys_parse_json(&keys, slice_string(text), &err));
    assert_non_null(strstr(err.message, message));
    assert_null(strstr(err.message, "hunter2"));
    aws_keys_reset(&keys);
}

static void other_json_is_refused(void **state)
{
    (void)state;
    assert_no_json("", "no JSON");
    assert_no_json("hunter2", "no JSON");
    assert_no_json("{\"SecretAccessKey\":\"hunter2\"", "no JSON");
    assert_no_json("\"hunter2\"", "no JSON object");
    assert_no_json("[{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"hunter2\"}]", "no JSON object");
    assert_no_json("{\"AccessKeyId\":1,\"SecretAccessKey\":\"hunter2\"}", "no AccessKeyId");
    assert_no_json("{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"\"}", "SecretAccessKey is empty");
    assert_no_json("{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"hunter2\\n\"}", "not ASCII");
    assert_no_json(
        "{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"hunter2\",\"Expiration\":\"soon\"}",
        "no time");
    assert_no_json("{\"Code\":\"Failed\",\"SecretAccessKey\":\"hunter2\"}", "it says: Failed");
}

static void xml_has_keys_in_elements(void **state)
{
    struct aws_keys keys = {.expires = 0};

    (void)state;
    assert_true(aws_keys_parse_xml(
        &keys,
        slice_string("<r><Credentials><SessionToken>t==</SessionToken><AccessKeyId>A</AccessKeyId>"
                     "<SecretAccessKey>s/+</SecretAccessKey><Expiration>2026-11-30T17:00:00.5Z"
                     "</Expiration></Credentials></r>"),
        &err));
    assert_keys(&keys, "A", "s/+", "t==", 1796058000);
    assert_false(aws_keys_parse_xml(&keys, slice_string("<AccessKeyId>A</AccessKeyId>"), &err));
    assert_false(aws_keys_parse_xml(
        &keys, slice_string("<AccessKeyId>A</AccessKeyId><SecretAccessKey>s"), &err));
    assert_false(aws_keys_parse_xml(
        &keys,
        slice_string("<AccessKeyId>A&amp;</AccessKeyId><SecretAccessKey>s</SecretAccessKey>"),
        &err));
    assert_false(aws_keys_parse_xml(&keys, slice_make(NULL, 0), &err));
    aws_keys_reset(&keys);
}

static void a_time_is_utc(void **state)
{
    int64_t seconds;

    (void)state;
    assert_true(aws_parse_time("1970-01-02T00:00:00Z", &seconds));
    assert_int_equal(seconds, 86400);
    assert_true(aws_parse_time("2026-11-30T17:00:00+00:00", &seconds));
    assert_false(aws_parse_time("2026-11-30T17:00:00+01:00", &seconds));
    assert_false(aws_parse_time("2026-11-30T17:00:00", &seconds));
    assert_false(aws_parse_time("2026-11-30", &seconds));
    assert_false(aws_parse_time("2026-13-30T17:00:00Z", &seconds));
}

/* ---- The files of ~/.aws ---- */

static const char file[] = "# of nobody\n"
                           "key = before\n"
                           "[default]\r\n"
                           "KEY = of default ; a comment\r\n"
                           "s3 =\n"
                           "  key = nested\n"
                           "[ profile   a b ]\n"
                           "key=a#b\n"
                           "empty =\n"
                           "[profile \"quoted\"]\n"
                           "; key = off\n"
                           "[profile c] # here\n"
                           "key\t=\tfirst\n"
                           "[profile c]\n"
                           "key = again";

static void assert_found(const char *section, const char *key, const char *value)
{
    struct slice found;
    bool there = shared_file_find(slice_string(file), section, key, &found);

    assert_int_equal(there, value != NULL);
    assert_true(value == NULL || slice_equals(found, slice_string(value)));
}

static void a_key_is_found_in_its_section(void **state)
{
    (void)state;
    assert_found("default", "key", "of default");
    assert_found("profile a b", "key", "a#b");
    assert_found("profile a b", "empty", NULL);
    assert_found("profile quoted", "key", NULL);
    assert_found("profile c", "key", "again");
    assert_found("c", "key", NULL);
    assert_found("profile", "key", NULL);
    assert_true(shared_file_has(slice_string(file), "profile quoted"));
    assert_false(shared_file_has(slice_string(file), "quoted"));
    assert_false(shared_file_has(slice_string("[default"), "default"));
    assert_false(shared_file_has(slice_make(NULL, 0), "default"));
}

static void a_file_is_read_whole_or_not_there(void **state)
{
    struct buffer text = {0};
    bool found;

    (void)state;
    assert_true(shared_file_read("/nonexistent/x", &text, &found, &err));
    assert_false(found);
    assert_false(shared_file_read("/dev", &text, &found, &err));
    assert_false(shared_file_read("/dev/zero", &text, &found, &err));
    buffer_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_has_keys_by_their_names),
        cmocka_unit_test(other_json_is_refused),
        cmocka_unit_test(xml_has_keys_in_elements),
        cmocka_unit_test(a_time_is_utc),
        cmocka_unit_test(a_key_is_found_in_its_section),
        cmocka_unit_test(a_file_is_read_whole_or_not_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
