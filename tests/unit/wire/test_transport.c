/* A socket that is full, closed, or somebody else's, and the errors of connecting. */
#include "wire/transport_internal.h"

#include "base/clock.h"
#include "support/session.h"
#include "wire/settings_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct error err;

struct pair {
    struct transport transport;
    int other;
};

static void open_pair(struct pair *pair)
{
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    pair->transport = TRANSPORT_CLOSED;
    pair->transport.fd = fds[0];
    pair->other = fds[1];
}

static void close_pair(struct pair *pair)
{
    transport_close(&pair->transport);
    if (pair->other >= 0)
        close(pair->other);
}

/* More than a socket takes at once. */
static struct slice much(void)
{
    static const uint8_t bytes[4 << 20];

    return slice_make(bytes, sizeof(bytes));
}

static void sending_to_who_does_not_read_ends_at_the_deadline(void **state)
{
    struct pair pair;

    (void)state;
    open_pair(&pair);
    assert_false(transport_send_all(&pair.transport, much(), deadline_after_ms(50), NULL, &err));
    assert_int_equal(err.code, ERROR_TIMEOUT);
    close_pair(&pair);
}

static void sending_to_who_does_not_read_ends_when_cancelled(void **state)
{
    struct cancel cancel;
    struct pair pair;

    (void)state;
    open_pair(&pair);
    assert_true(cancel_init(&cancel, &err));
    cancel_request(&cancel);
    assert_false(transport_send_all(&pair.transport, much(), DEADLINE_NONE, &cancel, &err));
    assert_int_equal(err.code, ERROR_CANCELLED);
    cancel_reset(&cancel);
    close_pair(&pair);
}

static void sending_to_who_has_closed_is_a_lost_connection(void **state)
{
    struct pair pair;

    (void)state;
    open_pair(&pair);
    close(pair.other);
    pair.other = -1;
    assert_false(transport_send_all(&pair.transport, much(), DEADLINE_NONE, NULL, &err));
    assert_int_equal(err.code, ERROR_CONNECTION_LOST);
    close_pair(&pair);
}

static void the_other_side_must_be_who_is_required(void **state)
{
    struct pair pair;
    char name[256];

    (void)state;
    open_pair(&pair);
    assert_true(settings_user_name(geteuid(), name, sizeof(name)));
    assert_true(socket_check_peer(pair.transport.fd, name, &err));
    assert_false(socket_check_peer(pair.transport.fd, "somebody else", &err));
    assert_int_equal(err.code, ERROR_AUTHENTICATION);
    assert_non_null(strstr(err.message, name));
    close_pair(&pair);
}

static void a_socket_that_is_none_is_an_error(void **state)
{
    unsigned ready;
    int fds[2];

    (void)state;
    assert_int_equal(pipe(fds), 0);
    assert_false(socket_check_peer(fds[0], "anybody", &err));
    assert_int_equal(err.code, ERROR_AUTHENTICATION);
    assert_false(socket_wait(fds[0], SOCKET_READ, deadline_after_ms(1), NULL, &ready, &err));
    assert_int_equal(err.code, ERROR_TIMEOUT);
    close(fds[1]);
    assert_true(socket_wait(fds[0], SOCKET_READ, DEADLINE_NONE, NULL, &ready, &err));
    assert_int_equal(ready, SOCKET_READ);
    close(fds[0]);
}

/* A unix socket that listens and does not accept is full after a few. */
static void a_full_backlog_ends_at_the_deadline(void **state)
{
    struct wire_settings *settings = wire_settings_new(&err);
    struct socket_address address = {.len = sizeof(sa_family_t)};
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), fds[16], count = 0;

    (void)state;
    address.storage.ss_family = AF_UNIX; /* a name of the kernel's choice */
    assert_int_equal(bind(listener, (struct sockaddr *)&address.storage, address.len), 0);
    address.len = sizeof(address.storage);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address.storage, &address.len), 0);
    assert_int_equal(listen(listener, 0), 0);
    while (count < 16 &&
           socket_connect(&address, settings, deadline_after_ms(50), NULL, &fds[count], &err))
        count++;
    assert_in_range(count, 1, 15);
    assert_int_equal(err.code, ERROR_CONNECT);
    assert_non_null(strstr(err.message, strerror(ETIMEDOUT)));
    for (int i = 0; i < count; i++)
        close(fds[i]);
    close(listener);
    wire_settings_free(settings);
}

/* ---- What a query cannot take ---- */

static void check_query_fails(struct session *session, enum error_code code, const char *says)
{
    struct wire_result *result;

    session_script_reply(session);
    session_connect(session);
    assert_false(wire_query(session->conn, "SELECT", &result, &session->err));
    assert_null(result);
    assert_int_equal(session->err.code, code);
    assert_non_null(strstr(session->err.message, says));
    session_finish(session);
}

static void a_row_that_does_not_fit_its_description_is_refused(void **state)
{
    static const char *const names[] = {"a", "b"}, *const values[] = {"1"};
    struct session session;

    (void)state;
    session_prepare_ready(&session);
    scripted_expect(session.server, 'Q');
    scripted_row_description(&session.reply, 2, names);
    scripted_data_row(&session.reply, 1, values);
    scripted_ready(&session.reply, 'I');
    check_query_fails(&session, ERROR_PROTOCOL, "a row of 1 columns instead of 2");
}

static void a_row_without_a_description_is_refused(void **state)
{
    static const char *const values[] = {"1"};
    struct session session;

    (void)state;
    session_prepare_ready(&session);
    scripted_expect(session.server, 'Q');
    scripted_data_row(&session.reply, 1, values);
    scripted_ready(&session.reply, 'I');
    check_query_fails(&session, ERROR_PROTOCOL, "a row without a description");
}

static void a_second_command_must_wait(void **state)
{
    struct session session;

    (void)state;
    session_prepare_ready(&session);
    scripted_expect(session.server, 'Q');
    scripted_text_message(&session.reply, 'C', "SET");
    session_script_ready(&session, 'I');
    session_connect(&session);
    assert_true(wire_send_query(session.conn, "SET a = 1", &session.err));
    assert_false(wire_query(session.conn, "SELECT", NULL, &session.err));
    assert_int_equal(session.err.code, ERROR_USAGE);
    assert_false(wire_query_params(session.conn, "SELECT", 0, NULL, NULL, &session.err));
    assert_int_equal(session.err.code, ERROR_USAGE);
    assert_true(wire_drain(session.conn, &session.err));
    session_finish(&session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sending_to_who_does_not_read_ends_at_the_deadline),
        cmocka_unit_test(sending_to_who_does_not_read_ends_when_cancelled),
        cmocka_unit_test(sending_to_who_has_closed_is_a_lost_connection),
        cmocka_unit_test(the_other_side_must_be_who_is_required),
        cmocka_unit_test(a_socket_that_is_none_is_an_error),
        cmocka_unit_test(a_full_backlog_ends_at_the_deadline),
        cmocka_unit_test(a_row_that_does_not_fit_its_description_is_refused),
        cmocka_unit_test(a_row_without_a_description_is_refused),
        cmocka_unit_test(a_second_command_must_wait),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
