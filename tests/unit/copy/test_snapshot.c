/* How a session that only reads begins. */
#include "copy/snapshot.h"

#include "wire/session.h"

#include <string.h>

static void script_answer(struct session *session, char transaction_status)
{
    scripted_expect(session->server, 'Q');
    scripted_text_message(&session->reply, 'C', "SET");
    scripted_ready(&session->reply, transaction_status);
    session_script_reply(session);
}

static void script_refusal(struct session *session, const char *sqlstate, const char *message,
                           char transaction_status)
{
    scripted_expect(session->server, 'Q');
    scripted_report(&session->reply, 'E', "ERROR", sqlstate, message);
    scripted_ready(&session->reply, transaction_status);
    session_script_reply(session);
}

static void a_server_that_cannot_look_at_its_client_is_read_all_the_same(void **state)
{
    struct session session;

    (void)state;
    session_prepare_ready(&session);
    script_refusal(&session, "22023",
                   "client_connection_check_interval must be set to 0 on this platform", 'I');
    script_answer(&session, 'I');
    script_answer(&session, 'T');
    session_connect(&session);
    if (!snapshot_begin(session.conn, NULL, &session.err))
        fail_msg("%s", session.err.message);
    session_finish(&session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_that_cannot_look_at_its_client_is_read_all_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
