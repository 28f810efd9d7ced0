#include "aws/http_response.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct error err;

/* Its bytes come one by one: until the last it is no whole answer. `open`: it ends with the
 * connection. */
static void assert_answer(const char *text, bool open, unsigned status, const char *body)
{
    struct http_answer answer = {.status = 0};

    for (size_t len = 0; len < strlen(text); len++)
        assert_int_equal(http_response_parse(slice_make(text, len), false, &answer, &err),
                         HTTP_MORE);
    assert_int_equal(http_response_parse(slice_string(text), open, &answer, &err), HTTP_WHOLE);
    assert_int_equal(answer.status, status);
    assert_string_equal(buffer_text(&answer.body), body);
    http_answer_reset(&answer);
}

static void assert_bad(const char *text)
{
    struct http_answer answer = {.status = 0};

    assert_int_equal(http_response_parse(slice_string(text), true, &answer, &err), HTTP_BAD);
    assert_int_equal(answer.body.len, 0);
    http_answer_reset(&answer);
}

static void an_answer_has_the_length_that_it_says(void **state)
{
    (void)state;
    assert_answer("HTTP/1.1 200 OK\r\nServer: x\r\ncontent-LENGTH:  2 \r\n\r\n{}", false, 200,
                  "{}");
    assert_answer("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", false, 404, "");
    assert_answer("HTTP/1.0 200\nContent-Length: 1\n\nx", false, 200, "x");
    assert_answer("HTTP/1.1 204 No Content\r\n\r\n", false, 204, "");
}

static void an_answer_without_a_length_goes_to_the_end(void **state)
{
    (void)state;
    assert_answer("HTTP/1.1 200 OK\r\n\r\nabc", true, 200, "abc");
}

static void chunks_are_put_together(void **state)
{
    (void)state;
    assert_answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nX: y\r\n\r\n",
                  false, 200, "abc0123456789");
}

static void what_breaks_off_is_no_answer(void **state)
{
    (void)state;
    assert_bad("");
    assert_bad("HTTP/1.1 200 OK\r\n");
    assert_bad("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab");
    assert_bad("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
    assert_bad("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n");
}

static void what_can_be_read_in_two_ways_is_refused(void **state)
{
    (void)state;
    assert_bad("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab");
    assert_bad("HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\na");
    assert_bad(
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
    assert_bad("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n0\r\n\r\n");
    assert_bad("HTTP/1.1 200 OK\r\n: x\r\n\r\n");
    assert_bad("HTTP/1.1 200 OK\r\nno colon\r\n\r\n");
    assert_bad("HTTP/1.1 2000 OK\r\n\r\n");
    assert_bad("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n");
    assert_bad("HTTP/2 200\r\n\r\n");
    assert_bad("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n\r\n");
    assert_bad("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n");
    assert_bad("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
               "ffffffffffffffffffffffff\r\n\r\n");
}

static void assert_url(const char *text, bool tls, const char *host, const char *port,
                       const char *path)
{
    struct http_url url;

    assert_true(http_url_parse(&url, text, "X", &err));
    assert_int_equal(url.tls, tls);
    assert_string_equal(url.host, host);
    assert_string_equal(url.port, port);
    assert_string_equal(url.path, path);
}

static void a_url_has_host_port_and_path(void **state)
{
    (void)state;
    assert_url("http://h", false, "h", "80", "/");
    assert_url("https://h.example:8443/a/b?c=d", true, "h.example", "8443", "/a/b?c=d");
    assert_url("http://[fd00:ec2::23]/v1", false, "fd00:ec2::23", "80", "/v1");
    assert_url("http://[::1]:81?x", false, "::1", "81", "/?x");
}

static void other_urls_are_refused(void **state)
{
    static const char *const urls[] = {
        "",           "ftp://h",   "http://",        "http://:80",    "http://h:",  "http://h:0",
        "http://h:x", "http://[h", "http://h:70000", "http://u@h",    "http://h/#", "http://h/ x",
        "http://h/é", "http:h",    "http://a\\b",    "http://[::1]x",
    };
    struct http_url url;

    (void)state;
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++)
        assert_false(http_url_parse(&url, urls[i], "X", &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_has_the_length_that_it_says),
        cmocka_unit_test(an_answer_without_a_length_goes_to_the_end),
        cmocka_unit_test(chunks_are_put_together),
        cmocka_unit_test(what_breaks_off_is_no_answer),
        cmocka_unit_test(what_can_be_read_in_two_ways_is_refused),
        cmocka_unit_test(a_url_has_host_port_and_path),
        cmocka_unit_test(other_urls_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
