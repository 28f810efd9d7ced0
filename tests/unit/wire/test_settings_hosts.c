#include "wire/conn_internal.h"
#include "wire/settings_hosts_internal.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static struct error err;

static struct wire_settings *settings_of(const char *host, const char *hostaddr, const char *port)
{
    struct wire_settings *settings = wire_settings_new(&err);

    assert_true(wire_settings_set(settings, "host", host, &err));
    assert_true(wire_settings_set(settings, "hostaddr", hostaddr, &err));
    assert_true(wire_settings_set(settings, "port", port, &err));
    return settings;
}

/* expected: "name/address/port" after "name/address/port", with blanks between. */
static void assert_hosts(const char *host, const char *hostaddr, const char *port,
                         const char *expected)
{
    struct wire_settings *settings = settings_of(host, hostaddr, port);
    struct buffer text = {0};
    struct host_list list;

    if (!host_list_read(&list, settings, &err))
        fail_msg("%s", err.message);
    for (size_t i = 0; i < list.count; i++)
        assert_true(buffer_printf(&text, &err, "%s%s|%s|%s", i > 0 ? " " : "", list.items[i].name,
                                  list.items[i].address, list.items[i].port));
    assert_string_equal(buffer_text(&text), expected);
    buffer_free(&text);
    host_list_free(&list);
    wire_settings_free(settings);
}

static void assert_refused(const char *host, const char *hostaddr, const char *port)
{
    struct wire_settings *settings = settings_of(host, hostaddr, port);
    struct host_list list;

    assert_false(host_list_read(&list, settings, &err));
    assert_int_equal(err.code, ERROR_USAGE);
    wire_settings_free(settings);
}

static void one_port_serves_all_hosts(void **state)
{
    (void)state;
    assert_hosts("a", NULL, "5433", "a||5433");
    assert_hosts("a,b,::1", NULL, "5433", "a||5433 b||5433 ::1||5433");
    assert_hosts("a,b", NULL, NULL, "a||5432 b||5432");
}

static void lists_go_together_element_by_element(void **state)
{
    (void)state;
    assert_hosts("a,b", NULL, "1,2", "a||1 b||2");
    assert_hosts("a,b", NULL, "1,", "a||1 b||5432");
    assert_hosts("a,b", NULL, " 1 ,+2", "a||1 b||2");
    assert_hosts("a,b", "1.1.1.1,2.2.2.2", "1,2", "a|1.1.1.1|1 b|2.2.2.2|2");
    assert_hosts("a,", "1.1.1.1,2.2.2.2", NULL, "a|1.1.1.1|5432 |2.2.2.2|5432");
    assert_hosts("a,b", ",2.2.2.2", NULL, "a||5432 b|2.2.2.2|5432");
    assert_hosts(NULL, "1.1.1.1,::1", "7", "|1.1.1.1|7 |::1|7");
    assert_hosts("/tmp,@abc", NULL, NULL, "/tmp||5432 @abc||5432");
}

static void lists_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    assert_refused("a,b,c", NULL, "1,2");
    assert_refused("a", NULL, "1,2");
    assert_refused("a,b", "1.1.1.1", NULL);
    assert_refused("a", "1.1.1.1,2.2.2.2", NULL);
    assert_refused(NULL, NULL, "1,2");
    assert_refused("a,b", NULL, "1,x");
    assert_refused("a,b", NULL, "1,65536");
    assert_refused("a", NULL, "0");
    assert_refused("a", NULL, "1,,");
}

static void an_empty_element_is_the_default_host(void **state)
{
    struct wire_settings *settings = settings_of("a,", NULL, NULL);
    struct host_list list;

    (void)state;
    assert_true(host_list_read(&list, settings, &err));
    assert_int_equal(list.count, 2);
    assert_true(list.items[1].name[0] == '/' || strcmp(list.items[1].name, "localhost") == 0);
    host_list_free(&list);
    wire_settings_free(settings);
}

/* ---- Pinning ---- */

static struct wire_settings *pin(struct wire_conn *conn)
{
    struct wire_settings *settings = settings_of("a,b", NULL, "1,2"), *pinned;

    assert_true(wire_settings_parse(
        settings, "password=pw target_session_attrs=standby load_balance_hosts=random", &err));
    pinned = wire_settings_pin(settings, conn, &err);
    assert_non_null(pinned);
    assert_string_equal(wire_settings_get(pinned, "password"), "pw");
    assert_null(wire_settings_get(pinned, "target_session_attrs"));
    assert_null(wire_settings_get(pinned, "load_balance_hosts"));
    wire_settings_free(settings);
    return pinned;
}

static void settings_are_pinned_to_an_address_and_keep_the_name(void **state)
{
    struct wire_conn *conn = conn_new(&err);
    struct socket_address_list list;
    struct wire_settings *pinned;

    (void)state;
    conn->settings = wire_settings_new(&err);
    assert_true(socket_parse_address("2001:db8::7", "5433", &list, &err));
    conn->address = list.items[0];
    memcpy(conn->host, "b", 2);
    pinned = pin(conn);
    assert_string_equal(wire_settings_get(pinned, "host"), "b");
    assert_string_equal(wire_settings_get(pinned, "hostaddr"), "2001:db8::7");
    assert_string_equal(wire_settings_get(pinned, "port"), "5433");
    wire_settings_free(pinned);
    conn->host[0] = '\0';
    pinned = pin(conn);
    assert_null(wire_settings_get(pinned, "host"));
    wire_settings_free(pinned);
    conn_free(conn);
}

static void settings_are_pinned_to_a_socket(void **state)
{
    static const char *const folders[] = {"/run/postgresql", "/a/.s.PGSQL.1", "@pgcask/x"};
    struct wire_conn *conn = conn_new(&err);

    (void)state;
    conn->settings = wire_settings_new(&err);
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        struct wire_settings *pinned;

        assert_true(socket_unix_address(folders[i], "5433", &conn->address, &err));
        pinned = pin(conn);
        assert_string_equal(wire_settings_get(pinned, "host"), folders[i]);
        assert_null(wire_settings_get(pinned, "hostaddr"));
        assert_string_equal(wire_settings_get(pinned, "port"), "5433");
        wire_settings_free(pinned);
    }
    conn_free(conn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_port_serves_all_hosts),
        cmocka_unit_test(lists_go_together_element_by_element),
        cmocka_unit_test(lists_that_do_not_fit_are_refused),
        cmocka_unit_test(an_empty_element_is_the_default_host),
        cmocka_unit_test(settings_are_pinned_to_an_address_and_keep_the_name),
        cmocka_unit_test(settings_are_pinned_to_a_socket),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
