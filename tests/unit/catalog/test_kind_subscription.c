#include "kind_test.h"

#include "catalog/kinds/subscription.c"

#include "catalog/catalog_internal.h"

#define SUBSCRIPTION [OID] = "7", [OWNER_OID] = "5", [CONNECTION] = "dbname=d"

static const char *const readable[SECRET_COLUMNS] = {[READABLE] = "t", [COUNT] = "1"};
static const char *const hidden[SECRET_COLUMNS] = {
    [READABLE] = "f", [COUNT] = "2", [NAMES] = "s, \"My s\""};
static const char *const none[SECRET_COLUMNS] = {[READABLE] = "f", [COUNT] = "0"};

static const char *const plain[COLUMNS] = {
    SUBSCRIPTION, [NAME] = "s", [OWNER] = "alice", [PUBLICATIONS] = "p"};
static const char *const with_everything[COLUMNS] = {
    [OID] = "7",
    [NAME] = "My \"s",
    [OWNER] = "A b",
    [OWNER_OID] = "5",
    [CONNECTION] = "password='it''s'",
    [PUBLICATIONS] = "\"P\", q",
    [SLOT] = "it's",
    [BINARY] = "true",
    [STREAMING] = "parallel",
    [TWO_PHASE] = "on",
    [DISABLE_ON_ERROR] = "true",
    [PASSWORD_REQUIRED] = "false",
    [RUN_AS_OWNER] = "true",
    [FAILOVER] = "true",
    [SYNCHRONOUS_COMMIT] = "\"on\"",
    [ORIGIN] = "none",
};

static void may_be_read(struct kind_test *test)
{
    kind_test_row(test, &readable_query, readable);
}

static void a_subscription_does_not_connect_but_has_all_options(void **state)
{
    static const struct kind_case cases[] = {
        {"an ordinary one", plain,
         "== SUBSCRIPTION - s alice post-data\n"
         "CREATE SUBSCRIPTION s CONNECTION 'dbname=d' PUBLICATION p WITH (connect = false, "
         "slot_name = NONE);\n"
         "-- DROP SUBSCRIPTION s;\n"},
        {"with every option; names in quotes", with_everything,
         "== SUBSCRIPTION - My \"s A b post-data\n"
         "CREATE SUBSCRIPTION \"My \"\"s\" CONNECTION 'password=''it''''s''' PUBLICATION \"P\", q "
         "WITH (connect = false, slot_name = 'it''s', binary = true, streaming = parallel, "
         "two_phase = on, disable_on_error = true, password_required = false, run_as_owner = "
         "true, failover = true, synchronous_commit = \"on\", origin = none);\n"
         "-- DROP SUBSCRIPTION \"My \"\"s\";\n"},
    };

    (void)state;
    kind_test_cases(18, &catalog_step_subscription, &subscriptions, may_be_read, cases,
                    sizeof(cases) / sizeof(cases[0]));
}

static void who_may_not_read_them_is_told_which_are_left_out(void **state)
{
    struct kind_test *test = kind_test_new(18);

    (void)state;
    kind_test_row(test, &readable_query, hidden);
    kind_test_step(test, &catalog_step_subscription);
    assert_string_equal(catalog_left_out(kind_test_catalog(test), 0),
                        "subscriptions are left out, since only a superuser may read where they "
                        "connect to: s, \"My s\"");
    assert_null(catalog_left_out(kind_test_catalog(test), 1));
    kind_test_expect(test, "");
}

static void nobody_is_told_where_there_are_none(void **state)
{
    struct kind_test *test = kind_test_new(18);

    (void)state;
    kind_test_row(test, &readable_query, none);
    kind_test_step(test, &catalog_step_subscription);
    assert_null(catalog_left_out(kind_test_catalog(test), 0));
    kind_test_expect(test, "");
}

static void an_owner_that_is_gone_is_an_error(void **state)
{
    static const char *const orphan[COLUMNS] = {
        SUBSCRIPTION, [NAME] = "My s", [PUBLICATIONS] = "p"};
    struct kind_test *test = kind_test_new(13);

    (void)state;
    may_be_read(test);
    kind_test_row(test, &subscriptions, orphan);
    kind_test_fails(test, &catalog_step_subscription,
                    "SUBSCRIPTION \"My s\" has the owner with OID 5, which is not there");
}

static void each_version_is_asked_for_what_it_has(void **state)
{
    (void)state;
    kind_test_asks(&subscriptions, 14, 18, "subbinary");
    kind_test_asks(&subscriptions, 14, 18, "substream");
    kind_test_asks(&subscriptions, 14, 15, "WHEN s.substream THEN");
    kind_test_asks(&subscriptions, 15, 18, "subtwophasestate");
    kind_test_asks(&subscriptions, 15, 18, "subdisableonerr");
    kind_test_asks(&subscriptions, 16, 18, "suborigin");
    kind_test_asks(&subscriptions, 16, 18, "subpasswordrequired");
    kind_test_asks(&subscriptions, 16, 18, "subrunasowner");
    kind_test_asks(&subscriptions, 17, 18, "subfailover");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_subscription_does_not_connect_but_has_all_options),
        cmocka_unit_test(who_may_not_read_them_is_told_which_are_left_out),
        cmocka_unit_test(nobody_is_told_where_there_are_none),
        cmocka_unit_test(an_owner_that_is_gone_is_an_error),
        cmocka_unit_test(each_version_is_asked_for_what_it_has),
    };

    return cmocka_run_group_tests_name("subscriptions", tests, NULL, NULL);
}
