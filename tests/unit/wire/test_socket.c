/* The options of a socket. */
#include "wire/transport_internal.h"

#include "base/clock.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

static struct error err;

/* Connects with these settings to a socket that listens; -1 if that fails. */
static int connect_with(const char *conninfo)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct wire_settings *settings = wire_settings_new(&err);
    struct socket_address address = {.len = sizeof(name)};
    int listener = socket(AF_INET, SOCK_STREAM, 0), fd = -1;
    socklen_t len = sizeof(name);

    assert_int_equal(bind(listener, (struct sockaddr *)&name, len), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address.storage, &address.len), 0);
    assert_true(wire_settings_parse(settings, conninfo, &err));
    if (!socket_connect(&address, settings, deadline_after_ms(5000), NULL, &fd, &err))
        assert_int_equal(fd, -1);
    close(listener);
    wire_settings_free(settings);
    return fd;
}

static int option(int fd, int level, int name)
{
    socklen_t len = sizeof(int);
    int value = -1;

    assert_int_equal(getsockopt(fd, level, name, &value, &len), 0);
    return value;
}

static void keepalives_are_set_as_told(void **state)
{
    int fd = connect_with("keepalives=1 keepalives_idle=77 keepalives_interval=' 7 ' "
                          "keepalives_count=5 tcp_user_timeout=12345");

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(option(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
    assert_int_equal(option(fd, IPPROTO_TCP, TCP_KEEPIDLE), 77);
    assert_int_equal(option(fd, IPPROTO_TCP, TCP_KEEPINTVL), 7);
    assert_int_equal(option(fd, IPPROTO_TCP, TCP_KEEPCNT), 5);
    assert_int_equal(option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 12345);
    assert_int_equal(option(fd, IPPROTO_TCP, TCP_NODELAY), 1);
    close(fd);
}

static void keepalives_are_on_with_the_systems_numbers(void **state)
{
    int plain = socket(AF_INET, SOCK_STREAM, 0);
    int fd = connect_with("keepalives_idle=0 tcp_user_timeout=-1");

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(option(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
    assert_int_equal(option(fd, IPPROTO_TCP, TCP_KEEPIDLE),
                     option(plain, IPPROTO_TCP, TCP_KEEPIDLE));
    assert_int_equal(option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 0);
    close(fd);
    close(plain);
}

static void keepalives_can_be_off(void **state)
{
    int fd = connect_with("keepalives=0 keepalives_idle=77");

    (void)state;
    assert_int_equal(option(fd, SOL_SOCKET, SO_KEEPALIVE), 0);
    close(fd);
}

static void a_number_that_the_kernel_refuses_is_an_error(void **state)
{
    (void)state;
    assert_int_equal(connect_with("keepalives_idle=-5"), -1);
    assert_non_null(strstr(err.message, "keepalives_idle to -5"));
    assert_int_equal(connect_with("keepalives_count=100000"), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keepalives_are_set_as_told),
        cmocka_unit_test(keepalives_are_on_with_the_systems_numbers),
        cmocka_unit_test(keepalives_can_be_off),
        cmocka_unit_test(a_number_that_the_kernel_refuses_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
