/* Sessions under TLS: who is believed, what we show, and what is said of everything else. */
#include "support/scratch.h"
#include "support/session.h"

#include "wire/tls_front.h"

#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_PASSWORD "sesame"

/* Made once: keys take their time. */
struct world {
    struct identity authority, stranger, server, elsewhere, expired, client;
    char *authority_text, *stranger_text, *client_text, *client_key, *encrypted_key, *revocation;
    struct scratch scratch;
};

struct secured {
    struct session session;
    struct tls_front *front;
};

static int make_world(void **state)
{
    struct world *world = calloc(1, sizeof(*world));

    identity_make_authority(&world->authority, "authority");
    identity_make_authority(&world->stranger, "stranger");
    identity_make(&world->server, &world->authority, "server", "DNS:db.example,IP:127.0.0.1", 5);
    identity_make(&world->elsewhere, &world->authority, "elsewhere", "DNS:other.example", 5);
    identity_make(&world->expired, &world->authority, "expired", "IP:127.0.0.1", -1);
    identity_make(&world->client, &world->authority, "maria", NULL, 5);
    world->authority_text = identity_certificate_text(&world->authority);
    world->stranger_text = identity_certificate_text(&world->stranger);
    world->client_text = identity_certificate_text(&world->client);
    world->client_key = identity_key_text(&world->client, NULL);
    world->encrypted_key = identity_key_text(&world->client, KEY_PASSWORD);
    world->revocation = identity_revocation_text(&world->authority, &world->server);
    scratch_init(&world->scratch);
    *state = world;
    setenv("HOME", "/nonexistent", 1);
    return 0;
}

static int end_world(void **state)
{
    struct world *world = *state;
    struct identity *identities = &world->authority;
    char *texts[] = {world->authority_text, world->stranger_text, world->client_text,
                     world->client_key,     world->encrypted_key, world->revocation};

    for (size_t i = 0; i < 6; i++) {
        identity_free(&identities[i]);
        free(texts[i]);
    }
    scratch_remove(&world->scratch);
    free(world);
    return 0;
}

/* A file that the tests use one after the other. */
static const char *write_text(struct world *world, const char *text, mode_t mode)
{
    scratch_write(&world->scratch, "file", text);
    assert_int_equal(chmod(scratch_path(&world->scratch, "file"), mode), 0);
    return scratch_path(&world->scratch, "file");
}

static void prepare_with(struct secured *secured, const struct tls_front_options *options)
{
    session_prepare_ready(&secured->session);
    secured->front = tls_front_new(scripted_server_port(secured->session.server), options);
    session_set(&secured->session, "port", tls_front_port(secured->front));
    session_set(&secured->session, "sslmode", "require");
}

static void prepare(struct secured *secured, const struct world *world)
{
    const struct tls_front_options options = {.identity = &world->server};

    prepare_with(secured, &options);
}

static void set(struct secured *secured, const char *name, const char *value)
{
    session_set(&secured->session, name, value);
}

/* After a good end, and after one that never got through to the script. */
static void finish(struct secured *secured)
{
    struct tls_front *front = secured->front;

    wire_close(secured->session.conn);
    secured->session.conn = NULL;
    tls_front_free(front);
    session_finish(&secured->session);
}

static void abandon(struct secured *secured)
{
    wire_close(secured->session.conn);
    tls_front_free(secured->front);
    wire_settings_free(secured->session.settings);
    buffer_free(&secured->session.reply);
}

static void check_accepted(struct secured *secured)
{
    session_connect(&secured->session);
    assert_true(wire_uses_tls(secured->session.conn));
    finish(secured);
}

/* The script never begins: the server of it is played by hand, so that it ends. */
static void check_refused(struct secured *secured, const char *says)
{
    struct session *session = &secured->session;

    assert_false(wire_connect(&session->conn, session->settings, &session->options, &session->err));
    assert_null(session->conn);
    error_spell(&session->err, NULL);
    if (strstr(session->err.message, says) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", session->err.message, says);
    abandon(secured);
    free(scripted_server_finish(session->server));
}

/* ---- Whom we believe ---- */

static void without_a_root_everybody_is_believed(void **state)
{
    struct secured secured;

    prepare(&secured, *state);
    check_accepted(&secured);
}

static void the_authoritys_server_is_believed_under_its_names(void **state)
{
    static const char *const hosts[] = {"127.0.0.1", "db.example"};
    struct world *world = *state;
    struct secured secured;

    for (size_t i = 0; i < 2; i++) {
        prepare(&secured, world);
        set(&secured, "sslmode", "verify-full");
        set(&secured, "sslrootcert", world->authority_text);
        set(&secured, "host", hosts[i]);
        set(&secured, "hostaddr", "127.0.0.1");
        check_accepted(&secured);
    }
}

static void a_root_may_be_a_file(void **state)
{
    struct world *world = *state;
    struct secured secured;

    prepare(&secured, world);
    set(&secured, "sslmode", "verify-ca");
    set(&secured, "sslrootcert", write_text(world, world->authority_text, 0644));
    check_accepted(&secured);
}

static void a_server_of_another_name_is_refused(void **state)
{
    struct world *world = *state;
    const struct tls_front_options options = {.identity = &world->elsewhere};
    struct secured secured;

    prepare_with(&secured, &options);
    set(&secured, "sslmode", "verify-full");
    set(&secured, "sslrootcert", world->authority_text);
    check_refused(&secured, "other.example");
}

static void a_server_of_another_authority_is_refused(void **state)
{
    struct world *world = *state;
    struct secured secured;

    prepare(&secured, world);
    set(&secured, "sslmode", "verify-ca");
    set(&secured, "sslrootcert", world->stranger_text);
    check_refused(&secured, "the server's certificate is not accepted");
    assert_non_null(strstr(secured.session.err.detail, "server"));
    assert_non_null(strstr(secured.session.err.hint, "sslrootcert"));
}

static void an_expired_server_is_refused(void **state)
{
    struct world *world = *state;
    const struct tls_front_options options = {.identity = &world->expired};
    struct secured secured;

    prepare_with(&secured, &options);
    set(&secured, "sslmode", "verify-ca");
    set(&secured, "sslrootcert", world->authority_text);
    check_refused(&secured, "expired");
    assert_non_null(strstr(secured.session.err.hint, "renewed"));
}

static void a_revoked_server_is_refused(void **state)
{
    struct world *world = *state;
    struct secured secured;

    prepare(&secured, world);
    set(&secured, "sslmode", "verify-ca");
    set(&secured, "sslrootcert", world->authority_text);
    set(&secured, "sslcrl", write_text(world, world->revocation, 0644));
    check_refused(&secured, "revoked");
}

static void roots_that_cannot_be_read_are_named(void **state)
{
    struct world *world = *state;
    static const struct {
        const char *roots, *says;
    } cases[] = {
        {"-----BEGIN CERTIFICATE-----\nnonsense\n", "the PEM text given as sslrootcert"},
        {"/nonexistent/root.crt", "no root certificate file"},
        {"system", "sslrootcert=system needs sslmode=verify-full"},
    };
    struct secured secured;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        prepare(&secured, world);
        set(&secured, "sslmode", "verify-ca");
        set(&secured, "sslrootcert", cases[i].roots);
        check_refused(&secured, cases[i].says);
    }
    prepare(&secured, world);
    set(&secured, "sslmode", "verify-ca");
    set(&secured, "sslrootcert", write_text(world, "no certificate", 0644));
    check_refused(&secured, "cannot load the root certificates");
}

/* ---- Who we are ---- */

static void prepare_for_client(struct secured *secured, const struct world *world)
{
    const struct tls_front_options options = {.identity = &world->server,
                                              .client_authority = &world->authority,
                                              .newest = TLS1_2_VERSION};

    prepare_with(secured, &options);
}

static void our_certificate_may_be_text(void **state)
{
    struct world *world = *state;
    struct secured secured;
    char *chain = malloc(strlen(world->client_text) + strlen(world->authority_text) + 1);

    prepare_for_client(&secured, world);
    snprintf(chain, strlen(world->client_text) + strlen(world->authority_text) + 1, "%s%s",
             world->client_text, world->authority_text);
    set(&secured, "sslcert", chain);
    set(&secured, "sslkey", world->encrypted_key);
    set(&secured, "sslpassword", KEY_PASSWORD);
    check_accepted(&secured);
    free(chain);
}

static void our_key_may_be_a_file(void **state)
{
    struct world *world = *state;
    struct secured secured;

    prepare_for_client(&secured, world);
    set(&secured, "sslcert", world->client_text);
    set(&secured, "sslkey", write_text(world, world->client_key, 0600));
    check_accepted(&secured);
}

static void our_certificate_may_be_a_file(void **state)
{
    struct world *world = *state;
    struct secured secured;

    prepare_for_client(&secured, world);
    set(&secured, "sslcert", write_text(world, world->client_text, 0644));
    set(&secured, "sslkey", world->client_key);
    check_accepted(&secured);
}

static void a_key_that_others_can_read_is_refused(void **state)
{
    struct world *world = *state;
    struct secured secured;

    prepare_for_client(&secured, world);
    set(&secured, "sslcert", world->client_text);
    set(&secured, "sslkey", write_text(world, world->client_key, 0644));
    check_refused(&secured, "can be read by others");
}

static void keys_that_cannot_be_used_are_explained(void **state)
{
    struct world *world = *state;
    char *other_key = identity_key_text(&world->server, NULL);
    const struct {
        const char *key, *password, *says;
    } cases[] = {
        {world->encrypted_key, NULL, "sslpassword is not set"},
        {world->encrypted_key, "open", "sslpassword is not its password"},
        {other_key, NULL, "does not fit the certificate"},
        {"-----BEGIN PRIVATE KEY-----\nnonsense\n", NULL, "cannot load the private key"},
        {"/nonexistent", NULL, "cannot open the private key /nonexistent"},
        {"/tmp", NULL, "it is no file"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct secured secured;

        prepare_for_client(&secured, world);
        set(&secured, "sslcert", world->client_text);
        set(&secured, "sslkey", cases[i].key);
        if (cases[i].password != NULL)
            set(&secured, "sslpassword", cases[i].password);
        check_refused(&secured, cases[i].says);
    }
    free(other_key);
}

static void certificates_that_cannot_be_used_are_explained(void **state)
{
    struct world *world = *state;
    struct secured secured;

    prepare_for_client(&secured, world);
    set(&secured, "sslcert", "-----BEGIN CERTIFICATE-----\nnonsense\n");
    check_refused(&secured, "the PEM text given as sslcert");
    prepare_for_client(&secured, world);
    set(&secured, "sslcert", write_text(world, "no certificate", 0644));
    check_refused(&secured, "cannot load the client certificate");
    prepare_for_client(&secured, world);
    set(&secured, "sslcert", "/nonexistent");
    check_refused(&secured, "handshake failed");
}

/* ---- Other answers ---- */

static void a_server_without_tls_is_refused_or_taken_as_asked(void **state)
{
    struct world *world = *state;
    const struct tls_front_options options = {.identity = &world->server, .answer = "N"};
    struct secured secured;

    prepare_with(&secured, &options);
    check_refused(&secured, "does not offer TLS");
}

static void an_error_or_nonsense_for_an_answer_is_refused(void **state)
{
    static const struct {
        const char *answer, *says;
    } cases[] = {
        {"E", "with an error"},
        {"x", "makes no sense"},
        {"Sand more", "data in clear"},
        {"", "closed the connection when asked for TLS"},
    };
    struct world *world = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct tls_front_options options = {.identity = &world->server,
                                                  .answer = cases[i].answer};
        struct secured secured;

        prepare_with(&secured, &options);
        check_refused(&secured, cases[i].says);
    }
}

static void versions_that_do_not_meet_are_explained(void **state)
{
    struct world *world = *state;
    const struct tls_front_options options = {.identity = &world->server, .newest = TLS1_2_VERSION};
    struct secured secured;

    prepare_with(&secured, &options);
    set(&secured, "ssl_min_protocol_version", "TLSv1.3");
    check_refused(&secured, "handshake failed");
    assert_non_null(strstr(secured.session.err.hint, "ssl_min_protocol_version"));
    prepare_with(&secured, &options);
    set(&secured, "ssl_min_protocol_version", "TLSv1.3");
    set(&secured, "ssl_max_protocol_version", "TLSv1.2");
    check_refused(&secured, "no TLS version is left");
    prepare_with(&secured, &options);
    set(&secured, "ssl_max_protocol_version", "TLSv9");
    check_refused(&secured, "\"TLSv9\" is unknown");
}

static void direct_tls_needs_the_protocols_name(void **state)
{
    struct world *world = *state;
    struct tls_front_options options = {
        .identity = &world->server, .direct = true, .protocol = "postgresql"};
    struct secured secured;

    prepare_with(&secured, &options);
    set(&secured, "sslnegotiation", "direct");
    check_accepted(&secured);
    options.protocol = NULL;
    prepare_with(&secured, &options);
    set(&secured, "sslnegotiation", "direct");
    check_refused(&secured, "without the ALPN protocol name");
}

/* ---- A session ---- */

#define COPY_BYTES ((size_t)4 << 20)

static void much_is_copied_both_ways(void **state)
{
    struct secured secured;
    struct session *session = &secured.session;
    struct buffer bytes = {0};
    struct wire_event event;
    size_t received = 0;

    prepare(&secured, *state);
    assert_true(buffer_reserve(&bytes, COPY_BYTES, &session->err));
    memset(bytes.data, 'x', COPY_BYTES);
    scripted_expect(session->server, 'Q');
    scripted_copy_response(&session->reply, 'G');
    session_script_reply(session);
    scripted_delay(session->server, 100); /* so that what is sent has to wait */
    scripted_expect_until(session->server, 'd', 'c');
    scripted_text_message(&session->reply, 'C', "COPY 1");
    scripted_copy_response(&session->reply, 'H');
    scripted_message(&session->reply, 'd', bytes.data, COPY_BYTES);
    scripted_message(&session->reply, 'c', "", 0);
    scripted_text_message(&session->reply, 'C', "COPY 1");
    session_script_ready(session, 'I');
    session_connect(session);

    assert_true(wire_send_query(session->conn, "COPY", &session->err));
    session_expect(session, WIRE_COPY_IN, &event);
    assert_true(wire_copy_send(session->conn, slice_make(bytes.data, COPY_BYTES), &session->err));
    assert_true(wire_copy_done(session->conn, &session->err));
    session_expect(session, WIRE_COMMAND_COMPLETE, &event);
    session_expect(session, WIRE_COPY_OUT, &event);
    while (wire_next(session->conn, &event, &session->err) && event.type == WIRE_COPY_DATA)
        received += event.data.len;
    assert_int_equal(received, COPY_BYTES);
    assert_int_equal(event.type, WIRE_COPY_DONE);
    assert_true(wire_drain(session->conn, &session->err));
    buffer_free(&bytes);
    finish(&secured);
}

static void a_running_command_is_cancelled_under_tls(void **state)
{
    struct secured secured;
    struct session *session = &secured.session;

    prepare(&secured, *state);
    scripted_expect(session->server, 'Q');
    session_script_cancel(session);
    scripted_expect(session->server, 'X');
    scripted_close(session->server);
    session_connect(session);
    assert_true(wire_send_query(session->conn, "SELECT pg_sleep(60)", &session->err));
    finish(&secured);
}

static void an_end_in_the_middle_is_a_lost_connection(void **state)
{
    struct world *world = *state;

    for (int rude = 0; rude < 2; rude++) {
        const struct tls_front_options options = {.identity = &world->server, .rude = rude};
        struct secured secured;

        prepare_with(&secured, &options);
        scripted_expect(secured.session.server, 'Q');
        scripted_reply(secured.session.server, "D\0\0", 3);
        scripted_close(secured.session.server);
        session_connect(&secured.session);
        assert_true(wire_send_query(secured.session.conn, "SELECT 1", &secured.session.err));
        session_expect_failure(&secured.session, ERROR_CONNECTION_LOST);
        finish(&secured);
    }
}

/* The server's certificate is signed with SHA-256, so there is something to bind to. */
static void scram_is_bound_to_the_certificate(void **state)
{
    struct world *world = *state;
    const struct tls_front_options options = {.identity = &world->server};
    static const char offer[] = "\0\0\0\12SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0";
    struct secured secured;
    struct session *session = &secured.session;

    session_prepare(session);
    secured.front = tls_front_new(scripted_server_port(session->server), &options);
    set(&secured, "port", tls_front_port(secured.front));
    set(&secured, "sslmode", "require");
    set(&secured, "password", "pencil");
    scripted_accept(session->server);
    scripted_expect_startup(session->server, "\0\3\0\0", 4);
    scripted_message(&session->reply, 'R', offer, sizeof(offer));
    session_script_reply(session);
    scripted_expect(session->server, 'p');
    scripted_report(&session->reply, 'E', "FATAL", "28P01", "enough seen");
    session_script_reply(session);
    scripted_close(session->server);
    session_connect_fails(session);
    assert_string_equal(session->err.sqlstate, "28P01");
    finish(&secured);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_root_everybody_is_believed),
        cmocka_unit_test(the_authoritys_server_is_believed_under_its_names),
        cmocka_unit_test(a_root_may_be_a_file),
        cmocka_unit_test(a_server_of_another_name_is_refused),
        cmocka_unit_test(a_server_of_another_authority_is_refused),
        cmocka_unit_test(an_expired_server_is_refused),
        cmocka_unit_test(a_revoked_server_is_refused),
        cmocka_unit_test(roots_that_cannot_be_read_are_named),
        cmocka_unit_test(our_certificate_may_be_text),
        cmocka_unit_test(our_key_may_be_a_file),
        cmocka_unit_test(our_certificate_may_be_a_file),
        cmocka_unit_test(a_key_that_others_can_read_is_refused),
        cmocka_unit_test(keys_that_cannot_be_used_are_explained),
        cmocka_unit_test(certificates_that_cannot_be_used_are_explained),
        cmocka_unit_test(a_server_without_tls_is_refused_or_taken_as_asked),
        cmocka_unit_test(an_error_or_nonsense_for_an_answer_is_refused),
        cmocka_unit_test(versions_that_do_not_meet_are_explained),
        cmocka_unit_test(direct_tls_needs_the_protocols_name),
        cmocka_unit_test(much_is_copied_both_ways),
        cmocka_unit_test(a_running_command_is_cancelled_under_tls),
        cmocka_unit_test(an_end_in_the_middle_is_a_lost_connection),
        cmocka_unit_test(scram_is_bound_to_the_certificate),
    };

    return cmocka_run_group_tests(tests, make_world, end_world);
}
