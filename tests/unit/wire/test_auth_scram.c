#include "support/session.h"

#include "base/clock.h"
#include "wire/auth_scram_internal.h"

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
    const struct scram_secret secret = {.password = slice_string("pencil")};

    return scram_answer(scram, slice_string(server_first), &secret, DEADLINE_NONE, NULL, out, err);
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
        "r=" RFC_NONCE "\tx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
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

/* ---- Iterations ---- */

#define MOST_ITERATIONS "r=" RFC_NONCE "x,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=10000000"

static void iterations_end_when_the_job_is_cancelled(void **state)
{
    const struct scram_secret secret = {.password = slice_string("pencil")};
    struct buffer first = {0}, final = {0};
    struct cancel cancel;
    struct scram scram;
    struct error err;

    (void)state;
    begin(&scram, &first);
    assert_true(cancel_init(&cancel, &err));
    cancel_request(&cancel);
    assert_false(scram_answer(&scram, slice_string(MOST_ITERATIONS), &secret, DEADLINE_NONE,
                              &cancel, &final, &err));
    assert_int_equal(err.code, ERROR_CANCELLED);
    assert_false(scram.answered);
    cancel_reset(&cancel);
    scram_reset(&scram);
    buffer_free(&first);
    buffer_free(&final);
}

static void iterations_end_at_the_deadline(void **state)
{
    const struct scram_secret secret = {.password = slice_string("pencil")};
    struct buffer first = {0}, final = {0};
    struct scram scram;
    struct error err;

    (void)state;
    begin(&scram, &first);
    assert_false(scram_answer(&scram, slice_string(MOST_ITERATIONS), &secret, deadline_after_ms(20),
                              NULL, &final, &err));
    assert_int_equal(err.code, ERROR_TIMEOUT);
    assert_int_equal(final.len, 0);
    scram_reset(&scram);
    buffer_free(&first);
    buffer_free(&final);
}

/* ---- Keys instead of a password ---- */

static bool take_key(const char *text, uint8_t key[SCRAM_KEY_SIZE], bool *given)
{
    struct error err;
    struct wire_settings *settings = wire_settings_new(&err);
    bool taken;

    assert_non_null(settings);
    assert_true(wire_settings_set(settings, "scram_client_key", text, &err));
    taken = settings_scram_key(settings, "scram_client_key", key, given, &err);
    if (!taken)
        assert_string_equal(err.message, "bad scram_client_key");
    wire_settings_free(settings);
    return taken;
}

static void both_keys_do_for_a_password(void **state)
{
    struct scram_secret secret = {.has_client_key = false};
    struct buffer first = {0}, final = {0};
    struct scram scram;
    struct error err;

    (void)state;
    /* Of the password "pencil" with the salt and the iterations of RFC 7677. */
    assert_true(take_key("pg/JI9Z+hkSpLRa5btpe9GVrDHJcSEN0viVTVXaZbos=", secret.client_key,
                         &secret.has_client_key));
    assert_true(take_key("wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=", secret.server_key,
                         &secret.has_server_key));
    assert_true(secret.has_client_key && secret.has_server_key);
    begin(&scram, &first);
    assert_true(scram_answer(&scram, slice_string(RFC_SERVER_FIRST), &secret, DEADLINE_NONE, NULL,
                             &final, &err));
    assert_string_equal(buffer_text(&final), RFC_CLIENT_FINAL);
    assert_true(scram_verify(&scram, slice_string(RFC_SERVER_FINAL), &err));
    scram_reset(&scram);
    buffer_free(&first);
    buffer_free(&final);
}

static void a_key_is_32_bytes_of_base64(void **state)
{
    uint8_t key[SCRAM_KEY_SIZE];
    bool given;

    (void)state;
    assert_true(take_key("", key, &given));
    assert_false(given);
    assert_false(take_key("pencil", key, &given));
    assert_false(take_key("wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl", key, &given));
    assert_false(take_key("wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dUA", key, &given));
    assert_false(take_key("wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU= ", key, &given));
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
        cmocka_unit_test(iterations_end_when_the_job_is_cancelled),
        cmocka_unit_test(iterations_end_at_the_deadline),
        cmocka_unit_test(both_keys_do_for_a_password),
        cmocka_unit_test(a_key_is_32_bytes_of_base64),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
