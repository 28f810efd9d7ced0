/* What a server may make us hold before the session is ready. */
#include "support/session.h"

#include <string.h>

/* CopyData may be 2 GiB long elsewhere, because it is taken in parts. Here nothing would take it.
 */
static void copy_data_during_startup_is_refused_before_it_has_come(void **state)
{
    static const char header[] = {'d', 0x7f, (char)0xff, (char)0xff, (char)0xf0};

    (void)state;
    for (int authenticated = 0; authenticated < 2; authenticated++) {
        struct session session;

        session_prepare(&session);
        scripted_accept(session.server);
        scripted_expect_startup(session.server, "", 0);
        if (authenticated)
            scripted_authentication_ok(&session.reply);
        assert_true(buffer_append(&session.reply, header, sizeof(header), &session.err));
        session_script_reply(&session);
        scripted_expect_close(session.server);
        session_connect_fails(&session);
        assert_int_equal(session.err.code, ERROR_PROTOCOL);
        session_finish(&session);
    }
}

static void a_message_before_authentication_is_short(void **state)
{
    static const char header[] = {'R', 0, 1, 0, 0};
    struct session session;

    (void)state;
    session_prepare(&session);
    scripted_accept(session.server);
    scripted_expect_startup(session.server, "", 0);
    scripted_reply(session.server, header, sizeof(header));
    scripted_expect_close(session.server);
    session_connect_fails(&session);
    assert_int_equal(session.err.code, ERROR_PROTOCOL);
    session_finish(&session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copy_data_during_startup_is_refused_before_it_has_come),
        cmocka_unit_test(a_message_before_authentication_is_short),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
