#include "support/session.h"

#include "wire/auth_internal.h"
#include "wire/settings_require_auth_internal.h"

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <stdio.h>

#define STEP(literal) slice_make((literal), sizeof(literal) - 1)

struct conversation {
    struct wire_settings *settings;
    struct authentication authentication;
    struct buffer reply;
    struct error err;
};

static void prepare(struct conversation *talk, const char *password)
{
    *talk = (struct conversation){.settings = wire_settings_new(&talk->err)};
    assert_non_null(talk->settings);
    wire_settings_set(talk->settings, "password", password, &talk->err);
    talk->authentication = (struct authentication){
        .settings = talk->settings, .host = "h", .database = "shop", .user = "maria"};
}

static bool step(struct conversation *talk, struct slice body)
{
    buffer_clear(&talk->reply);
    return authentication_step(&talk->authentication, body, &talk->reply, &talk->err);
}

static void finish(struct conversation *talk)
{
    authentication_reset(&talk->authentication);
    wire_settings_free(talk->settings);
    buffer_free(&talk->reply);
}

static void trust_needs_no_answer(void **state)
{
    struct conversation talk;

    (void)state;
    prepare(&talk, NULL);
    assert_true(step(&talk, STEP("\0\0\0\0")));
    assert_true(talk.authentication.done);
    assert_int_equal(talk.reply.len, 0);
    finish(&talk);
}

static void a_cleartext_password_is_sent_as_it_is(void **state)
{
    struct conversation talk;

    (void)state;
    prepare(&talk, "secret");
    assert_true(step(&talk, STEP("\0\0\0\3")));
    assert_int_equal(talk.reply.len, 12);
    assert_memory_equal(talk.reply.data, "p\0\0\0\013secret", 12);
    assert_false(talk.authentication.done);
    assert_true(step(&talk, STEP("\0\0\0\0")));
    assert_true(talk.authentication.done);
    finish(&talk);
}

static void md5_is_salted_twice(void **state)
{
    struct conversation talk;

    (void)state;
    prepare(&talk, "secret");
    assert_true(step(&talk, STEP("\0\0\0\5\1\2\3\4")));
    assert_int_equal(talk.reply.len, 41);
    assert_string_equal((char *)talk.reply.data + 5, "md5898c1492f206440acacb1d75dcfa2c1a");
    finish(&talk);
}

static void a_salt_of_another_length_is_an_error(void **state)
{
    struct conversation talk;

    (void)state;
    prepare(&talk, "secret");
    assert_false(step(&talk, STEP("\0\0\0\5\1\2\3")));
    assert_int_equal(talk.err.code, ERROR_PROTOCOL);
    finish(&talk);
}

static void a_missing_password_is_named_with_a_hint(void **state)
{
    struct conversation talk;

    (void)state;
    prepare(&talk, NULL);
    wire_settings_set(talk.settings, "passfile", "/nonexistent", &talk.err);
    assert_false(step(&talk, STEP("\0\0\0\3")));
    assert_int_equal(talk.err.code, ERROR_AUTHENTICATION);
    assert_non_null(strstr(talk.err.message, "maria"));
    error_spell(&talk.err, NULL);
    assert_non_null(strstr(talk.err.hint, "Set password, "));
    finish(&talk);
}

/* ---- SCRAM ---- */

#define SASL_OFFER "\0\0\0\012SCRAM-SHA-256\0\0"

/* Plays the server's first message, with the nonce that our first one had. */
static void play_to_the_proof(struct conversation *talk)
{
    char body[200] = "\0\0\0\013";
    const char *nonce;
    int len;

    assert_true(step(talk, STEP(SASL_OFFER)));
    assert_memory_equal(talk->reply.data + 5, "SCRAM-SHA-256\0\0\0\0\040n,,n=,r=", 26);
    nonce = (const char *)talk->reply.data + 31;
    len =
        snprintf(body + 4, sizeof(body) - 4, "r=%sserver,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096", nonce);
    assert_true(step(talk, slice_make(body, (size_t)len + 4)));
    assert_memory_equal(talk->reply.data + 5, "c=biws,r=", 9);
}

static bool play_the_signature(struct conversation *talk, const uint8_t signature[SCRAM_KEY_SIZE])
{
    char body[100] = "\0\0\0\014v=";
    int len = EVP_EncodeBlock((unsigned char *)body + 6, signature, SCRAM_KEY_SIZE);

    return step(talk, slice_make(body, (size_t)len + 6));
}

static void scram_ends_with_the_right_signature(void **state)
{
    struct conversation talk;

    (void)state;
    prepare(&talk, "pencil");
    play_to_the_proof(&talk);
    assert_true(play_the_signature(&talk, talk.authentication.scram.server_signature));
    assert_false(talk.authentication.done);
    assert_true(step(&talk, STEP("\0\0\0\0")));
    assert_true(talk.authentication.done);
    finish(&talk);
}

static void a_wrong_signature_is_refused(void **state)
{
    uint8_t signature[SCRAM_KEY_SIZE];
    struct conversation talk;

    (void)state;
    prepare(&talk, "pencil");
    play_to_the_proof(&talk);
    memcpy(signature, talk.authentication.scram.server_signature, sizeof(signature));
    signature[31] ^= 1;
    assert_false(play_the_signature(&talk, signature));
    assert_int_equal(talk.err.code, ERROR_AUTHENTICATION);
    assert_false(step(&talk, STEP("\0\0\0\0")));
    finish(&talk);
}

static void ok_is_refused_until_scram_is_finished(void **state)
{
    struct conversation talk;

    (void)state;
    prepare(&talk, "pencil");
    assert_true(step(&talk, STEP(SASL_OFFER)));
    assert_false(step(&talk, STEP("\0\0\0\0")));
    assert_int_equal(talk.err.code, ERROR_AUTHENTICATION);
    finish(&talk);

    prepare(&talk, "pencil");
    play_to_the_proof(&talk);
    assert_false(step(&talk, STEP("\0\0\0\0")));
    assert_false(talk.authentication.done);
    finish(&talk);
}

static void a_second_request_after_scram_began_is_refused(void **state)
{
    struct conversation talk;

    (void)state;
    prepare(&talk, "pencil");
    play_to_the_proof(&talk);
    assert_false(step(&talk, STEP("\0\0\0\3")));
    assert_int_equal(talk.err.code, ERROR_PROTOCOL);
    assert_int_equal(talk.reply.len, 0);
    assert_false(step(&talk, STEP("\0\0\0\013r=x")));
    finish(&talk);
}

static void sasl_data_before_its_turn_is_refused(void **state)
{
    struct conversation talk;

    (void)state;
    prepare(&talk, "pencil");
    assert_false(step(&talk, STEP("\0\0\0\013r=x")));
    assert_false(step(&talk, STEP("\0\0\0\014v=x")));
    assert_int_equal(talk.err.code, ERROR_PROTOCOL);
    finish(&talk);
}

static void scram_plus_without_tls_is_refused(void **state)
{
    struct conversation talk;

    (void)state;
    prepare(&talk, "pencil");
    assert_false(step(&talk, STEP("\0\0\0\012SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0")));
    assert_int_equal(talk.err.code, ERROR_AUTHENTICATION);
    finish(&talk);
}

static void a_malformed_mechanism_list_is_refused(void **state)
{
    struct conversation talk;

    (void)state;
    prepare(&talk, "pencil");
    assert_false(step(&talk, STEP("\0\0\0\012SCRAM-SHA-256")));
    assert_false(step(&talk, STEP("\0\0\0\012")));
    finish(&talk);
}

/* ---- What we cannot or may not do ---- */

static void methods_we_cannot_do_are_named_with_what_pg_hba_has(void **state)
{
    const struct {
        struct slice body;
        const char *name, *hba_method;
    } methods[] = {
        {STEP("\0\0\0\1"), "Kerberos 4", "krb4"},
        {STEP("\0\0\0\2"), "Kerberos 5", "krb5"},
        {STEP("\0\0\0\4ab"), "crypt", "crypt"},
        {STEP("\0\0\0\6"), "SCM", "ident"},
        {STEP("\0\0\0\7"), "GSSAPI", "gss"},
        {STEP("\0\0\0\10token"), "GSSAPI", "gss"},
        {STEP("\0\0\0\11"), "SSPI", "sspi"},
        {STEP("\0\0\0\012OAUTHBEARER\0\0"), "OAUTHBEARER", "oauth"},
        {STEP("\0\0\0\012SCRAM-SHA-512\0\0"), "SASL", ""},
        {STEP("\0\0\0\143"), "unknown", ""},
    };
    struct conversation talk;

    (void)state;
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        prepare(&talk, "secret");
        assert_false(step(&talk, methods[i].body));
        assert_int_equal(talk.err.code, ERROR_UNSUPPORTED);
        assert_non_null(strstr(talk.err.message, methods[i].name));
        assert_non_null(strstr(talk.err.hint, "pg_hba.conf"));
        assert_non_null(strstr(talk.err.hint, methods[i].hba_method));
        assert_int_equal(talk.reply.len, 0);
        finish(&talk);
    }
}

static void a_method_offered_beside_scram_does_no_harm(void **state)
{
    struct conversation talk;

    (void)state;
    prepare(&talk, "secret");
    assert_true(step(&talk, STEP("\0\0\0\012OAUTHBEARER\0SCRAM-SHA-256\0\0")));
    assert_memory_equal(talk.reply.data + 5, "SCRAM-SHA-256", 14);
    finish(&talk);
}

static void channel_binding_that_is_required_must_happen(void **state)
{
    const struct slice bodies[] = {STEP("\0\0\0\0"), STEP("\0\0\0\3"), STEP("\0\0\0\5\1\2\3\4"),
                                   STEP(SASL_OFFER)};
    struct conversation talk;

    (void)state;
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        prepare(&talk, "secret");
        wire_settings_set(talk.settings, "channel_binding", "require", &talk.err);
        assert_false(step(&talk, bodies[i]));
        assert_int_equal(talk.err.code, ERROR_AUTHENTICATION);
        assert_int_equal(talk.reply.len, 0);
        finish(&talk);
    }
}

static bool allowed(const char *require_auth, struct slice body)
{
    struct conversation talk;
    bool ok;

    prepare(&talk, "secret");
    assert_true(wire_settings_set(talk.settings, "require_auth", require_auth, &talk.err));
    ok = step(&talk, body);
    finish(&talk);
    return ok;
}

#define OK STEP("\0\0\0\0")
#define CLEARTEXT STEP("\0\0\0\3")
#define MD5 STEP("\0\0\0\5\1\2\3\4")
#define SCRAM STEP(SASL_OFFER)

static void require_auth_lets_only_what_it_names_pass(void **state)
{
    const struct {
        const char *list;
        bool none, cleartext, md5, scram;
    } lists[] = {
        {"none", true, false, false, false},
        {"password", false, true, false, false},
        {"md5", false, false, true, false},
        {"scram-sha-256", false, false, false, true},
        {"gss", false, false, false, false},
        {"sspi", false, false, false, false},
        {"oauth", false, false, false, false},
        {"scram-sha-256,md5", false, false, true, true},
        {"none,scram-sha-256", true, false, false, true},
        {"!none", false, true, true, true},
        {"!password", true, false, true, true},
        {"!md5", true, true, false, true},
        {"!scram-sha-256", true, true, true, false},
        {"!gss", true, true, true, true},
        {"!password,!md5,!none", false, false, false, true},
        {"", true, true, true, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        assert_int_equal(allowed(lists[i].list, OK), lists[i].none);
        assert_int_equal(allowed(lists[i].list, CLEARTEXT), lists[i].cleartext);
        assert_int_equal(allowed(lists[i].list, MD5), lists[i].md5);
        assert_int_equal(allowed(lists[i].list, SCRAM), lists[i].scram);
    }
}

static void a_require_auth_that_makes_no_sense_is_refused(void **state)
{
    const char *const lists[] = {"magic",     "md5,",      ",md5",      "md5,,none", "md5, none",
                                 "md5,md5",   "!md5,!md5", "md5,!none", "!md5,none", "!",
                                 "scram-sha", "MD5",       "!!md5",     "md5 "};
    struct wire_settings *settings;
    struct error err;
    unsigned allowed_methods;

    (void)state;
    settings = wire_settings_new(&err);
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        wire_settings_set(settings, "require_auth", lists[i], &err);
        assert_false(require_auth_read(settings, &allowed_methods, &err));
        assert_int_equal(err.code, ERROR_USAGE);
        error_spell(&err, NULL);
        assert_non_null(strstr(err.message, "bad require_auth"));
    }
    wire_settings_free(settings);
}

/* ---- What TLS has to do with it ---- */

static void a_certificate_that_is_required_must_have_been_asked_for_and_shown(void **state)
{
    const struct {
        bool wanted, sent, accepted;
    } cases[] = {{false, false, false}, {true, false, false}, {true, true, true}};
    struct conversation talk;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tls tls = {.ssl = NULL};

        prepare(&talk, NULL);
        talk.authentication.tls = &tls;
        tls.certificate_wanted = cases[i].wanted;
        tls.certificate_sent = cases[i].sent;
        wire_settings_set(talk.settings, "sslcertmode", "require", &talk.err);
        assert_int_equal(step(&talk, OK), cases[i].accepted);
        assert_int_equal(talk.authentication.done, cases[i].accepted);
        finish(&talk);
    }
}

static void scram_keys_do_without_a_password(void **state)
{
    struct conversation talk;

    (void)state;
    prepare(&talk, NULL);
    wire_settings_set(talk.settings, "passfile", "/nonexistent", &talk.err);
    wire_settings_set(talk.settings, "scram_client_key",
                      "pg/JI9Z+hkSpLRa5btpe9GVrDHJcSEN0viVTVXaZbos=", &talk.err);
    wire_settings_set(talk.settings, "scram_server_key",
                      "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=", &talk.err);
    play_to_the_proof(&talk);
    assert_true(play_the_signature(&talk, talk.authentication.scram.server_signature));
    assert_true(step(&talk, OK));
    finish(&talk);
}

static bool give_token(void *context, const struct wire_password_request *request,
                       struct buffer *token, bool *found, struct error *err)
{
    (void)request;
    ++*(unsigned *)context;
    *found = true;
    return buffer_append_string(token, "token", err);
}

static void a_token_goes_under_tls_and_in_no_other_way(void **state)
{
    static const char *const requests[] = {"\0\0\0\3", "\0\0\0\5salt", "\0\0\0\012SCRAM-SHA-256\0"};
    static const size_t lengths[] = {4, 8, 19};

    (void)state;
    for (size_t i = 0; i < 6; i++) {
        struct tls tls = {.ssl = i < 3 ? NULL : SSL_new(SSL_CTX_new(TLS_client_method()))};
        unsigned asked = 0;
        const struct wire_password_source source = {&asked, give_token};
        struct conversation talk;
        bool sent;

        prepare(&talk, NULL);
        assert_true(wire_settings_parse(talk.settings, "postgres+aws://u@h/d", &talk.err));
        wire_settings_set_token_source(talk.settings, &source);
        talk.authentication.tls = &tls;
        sent = step(&talk, slice_make(requests[i % 3], lengths[i % 3]));
        assert_int_equal(sent, i == 3);
        assert_int_equal(asked, i == 3);
        assert_int_equal(talk.reply.len, i == 3 ? 11 : 0);
        if (!sent)
            assert_int_equal(talk.err.code, ERROR_AUTHENTICATION);
        finish(&talk);
        if (tls.ssl != NULL)
            SSL_CTX_free(SSL_get_SSL_CTX(tls.ssl));
        SSL_free(tls.ssl);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_goes_under_tls_and_in_no_other_way),
        cmocka_unit_test(trust_needs_no_answer),
        cmocka_unit_test(a_cleartext_password_is_sent_as_it_is),
        cmocka_unit_test(md5_is_salted_twice),
        cmocka_unit_test(a_salt_of_another_length_is_an_error),
        cmocka_unit_test(a_missing_password_is_named_with_a_hint),
        cmocka_unit_test(scram_ends_with_the_right_signature),
        cmocka_unit_test(a_wrong_signature_is_refused),
        cmocka_unit_test(ok_is_refused_until_scram_is_finished),
        cmocka_unit_test(a_second_request_after_scram_began_is_refused),
        cmocka_unit_test(sasl_data_before_its_turn_is_refused),
        cmocka_unit_test(scram_plus_without_tls_is_refused),
        cmocka_unit_test(a_malformed_mechanism_list_is_refused),
        cmocka_unit_test(methods_we_cannot_do_are_named_with_what_pg_hba_has),
        cmocka_unit_test(a_method_offered_beside_scram_does_no_harm),
        cmocka_unit_test(channel_binding_that_is_required_must_happen),
        cmocka_unit_test(require_auth_lets_only_what_it_names_pass),
        cmocka_unit_test(a_require_auth_that_makes_no_sense_is_refused),
        cmocka_unit_test(a_certificate_that_is_required_must_have_been_asked_for_and_shown),
        cmocka_unit_test(scram_keys_do_without_a_password),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
