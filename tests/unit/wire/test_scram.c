#include "wire/session.h"

#include "wire/scram_internal.h"

#include <string.h>

/* The conversation of RFC 7677, section 3. */
#define RFC_NONCE "rOprNGfwEbeRWgbNEkqO"
#define RFC_SERVER_FIRST                                                                           \
    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
#define RFC_CLIENT_FINAL                                                                           \
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"                                 \
    "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
#define RFC_SERVER_FINAL "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="

static void begin(struct scram *scram, struct buffer *out)
{
    struct error err;

    assert_true(
        scram_begin(scram, "user", RFC_NONCE, SCRAM_NO_BINDING, slice_make("", 0), out, &err));
}

static bool answer(struct scram *scram, const char *server_first, struct buffer *out,
                   struct error *err)
{
    return scram_answer(scram, slice_string(server_first), slice_string("pencil"), out, err);
}

static void the_conversation_of_rfc_7677_succeeds(void **state)
{
    struct buffer first = {0}, final = {0};
    struct scram scram;
    struct error err;

    (void)state;
    begin(&scram, &first);
    assert_string_equal(buffer_text(&first), "n,,n=user,r=" RFC_NONCE);
    assert_true(answer(&scram, RFC_SERVER_FIRST, &final, &err));
    assert_string_equal(buffer_text(&final), RFC_CLIENT_FINAL);
    assert_true(scram_verify(&scram, slice_string(RFC_SERVER_FINAL), &err));
    scram_reset(&scram);
    buffer_free(&first);
    buffer_free(&final);
}

static void channel_binding_data_goes_behind_the_header(void **state)
{
    struct buffer first = {0}, final = {0};
    struct scram scram;
    struct error err;

    (void)state;
    assert_true(
        scram_begin(&scram, "", RFC_NONCE, SCRAM_BOUND, slice_make("\1\2\3", 3), &first, &err));
    assert_string_equal(buffer_text(&first), "p=tls-server-end-point,,n=,r=" RFC_NONCE);
    assert_true(answer(&scram, RFC_SERVER_FIRST, &final, &err));
    /* base64 of "p=tls-server-end-point,,\1\2\3" */
    assert_memory_equal(final.data, "c=cD10bHMtc2VydmVyLWVuZC1wb2ludCwsAQID,r=", 41);
    scram_reset(&scram);
    buffer_free(&first);
    buffer_free(&final);
}

static void a_server_that_knows_not_the_password_is_refused(void **state)
{
    const char *const finals[] = {
        "v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl9",
        "v=",
        "v",
        "",
        "e=other-error",
        "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=,x=y",
        "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=AAAA",
    };
    struct buffer first = {0}, final = {0};
    struct scram scram;
    struct error err;

    (void)state;
    begin(&scram, &first);
    assert_true(answer(&scram, RFC_SERVER_FIRST, &final, &err));
    for (size_t i = 0; i < sizeof(finals) / sizeof(finals[0]); i++)
        assert_false(scram_verify(&scram, slice_string(finals[i]), &err));
    scram_reset(&scram);
    buffer_free(&first);
    buffer_free(&final);
}

static void a_signature_before_the_proof_is_refused(void **state)
{
    struct buffer first = {0};
    struct scram scram;
    struct error err;

    (void)state;
    begin(&scram, &first);
    assert_false(scram_verify(&scram, slice_string(RFC_SERVER_FINAL), &err));
    scram_reset(&scram);
    buffer_free(&first);
}

static void a_malformed_first_message_is_refused(void **state)
{
    const char *const firsts[] = {
        "",
        "r=",
        "r=" RFC_NONCE ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096", /* nothing of the server's in it */
        "r=other,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        "r=" RFC_NONCE "x,s=,i=4096",
        "r=" RFC_NONCE "x,s=W22Z aJ0,i=4096",
        "r=" RFC_NONCE "x,s=W22,i=4096",
        "r=" RFC_NONCE "x,s=W22ZaJ0SNY7soEsUEjb6gQ==",
        "r=" RFC_NONCE "x,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=0",
        "r=" RFC_NONCE "x,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=-1",
        "r=" RFC_NONCE "x,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=10000001",
        "r=" RFC_NONCE "x,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=18446744073709551616",
        "r=" RFC_NONCE "x,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=1,",
        "r=" RFC_NONCE "x,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=1,m=x",
        "m=x,r=" RFC_NONCE "x,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=1",
        "s=W22ZaJ0SNY7soEsUEjb6gQ==,r=" RFC_NONCE "x,i=1",
    };
    struct buffer first = {0}, final = {0};
    struct scram scram;
    struct error err;

    (void)state;
    begin(&scram, &first);
    for (size_t i = 0; i < sizeof(firsts) / sizeof(firsts[0]); i++)
        assert_false(answer(&scram, firsts[i], &final, &err));
    scram_reset(&scram);
    buffer_free(&first);
    buffer_free(&final);
}

static void a_nonce_is_printable_and_new_each_time(void **state)
{
    char a[SCRAM_NONCE_SIZE], b[SCRAM_NONCE_SIZE];
    struct error err;

    (void)state;
    assert_true(scram_make_nonce(a, &err));
    assert_true(scram_make_nonce(b, &err));
    assert_int_equal(strlen(a), 24);
    assert_null(strchr(a, ','));
    assert_string_not_equal(a, b);
}

static void assert_prepared(const char *password, const char *expected)
{
    struct buffer out = {0};
    struct error err;

    assert_true(scram_prepare_password(slice_string(password), &out, &err));
    assert_string_equal(buffer_text(&out), expected);
    buffer_free(&out);
}

static void passwords_are_prepared_as_rfc_4013_says(void **state)
{
    (void)state;
    assert_prepared("pencil", "pencil");
    assert_prepared("I\xc2\xadX", "IX"); /* soft hyphen vanishes */
    assert_prepared("a\xc2\xa0"
                    "b",
                    "a b"); /* no-break space */
    assert_prepared("a\xe3\x80\x80"
                    "b",
                    "a b"); /* ideographic space */
    assert_prepared("gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f");
    assert_prepared("\xf0\x9f\x94\x91", "\xf0\x9f\x94\x91");
}

static void passwords_that_cannot_be_prepared_stay_as_they_are(void **state)
{
    (void)state;
    assert_prepared("\xff\xfe", "\xff\xfe");           /* not UTF-8 */
    assert_prepared("a\xc2\xa0\xc3", "a\xc2\xa0\xc3"); /* cut short */
    assert_prepared("\xc0\xaf", "\xc0\xaf");           /* overlong */
    assert_prepared("\xed\xa0\x80", "\xed\xa0\x80");   /* a surrogate */
    assert_prepared("a\xc2\xa0\x07", "a\xc2\xa0\x07"); /* a control character */
    assert_prepared("\xc2\xad", "\xc2\xad");           /* nothing would be left */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_conversation_of_rfc_7677_succeeds),
        cmocka_unit_test(channel_binding_data_goes_behind_the_header),
        cmocka_unit_test(a_server_that_knows_not_the_password_is_refused),
        cmocka_unit_test(a_signature_before_the_proof_is_refused),
        cmocka_unit_test(a_malformed_first_message_is_refused),
        cmocka_unit_test(a_nonce_is_printable_and_new_each_time),
        cmocka_unit_test(passwords_are_prepared_as_rfc_4013_says),
        cmocka_unit_test(passwords_that_cannot_be_prepared_stay_as_they_are),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
