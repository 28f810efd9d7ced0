#include "support/session.h"

#include "wire/settings_protocol_version_internal.h"

static bool versions_of(const char *least, const char *most, struct protocol_versions *versions,
                        struct error *err)
{
    struct wire_settings *settings = wire_settings_new(err);
    bool ok;

    assert_non_null(settings);
    assert_true(wire_settings_set(settings, "min_protocol_version", least, err));
    assert_true(wire_settings_set(settings, "max_protocol_version", most, err));
    ok = protocol_versions_read(settings, versions, err);
    wire_settings_free(settings);
    return ok;
}

static void three_zero_is_asked_for_by_default(void **state)
{
    struct protocol_versions versions;
    struct error err;

    (void)state;
    assert_true(versions_of(NULL, NULL, &versions, &err));
    assert_int_equal(versions.least, PROTOCOL_VERSION_3_0);
    assert_int_equal(versions.asked, PROTOCOL_VERSION_3_0);
    assert_true(versions_of(NULL, "latest", &versions, &err));
    assert_int_equal(versions.asked, PROTOCOL_VERSION_3_2);
    assert_true(versions_of("3.2", NULL, &versions, &err));
    assert_int_equal(versions.asked, PROTOCOL_VERSION_3_2);
    assert_true(versions_of("3.0", "3.2", &versions, &err));
    assert_int_equal(versions.least, PROTOCOL_VERSION_3_0);
}

static void versions_that_do_not_exist_are_refused(void **state)
{
    const char *const bad[] = {"3.1", "3", "4.0", "newest", "3.2 ", "Latest"};
    struct protocol_versions versions;
    struct error err;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(versions_of(NULL, bad[i], &versions, &err));
        assert_false(versions_of(bad[i], "latest", &versions, &err));
        assert_int_equal(err.code, ERROR_USAGE);
    }
    assert_false(versions_of("3.2", "3.0", &versions, &err));
}

#define BODY(literal) slice_make(literal, sizeof(literal) - 1)

static void a_server_may_have_an_older_version(void **state)
{
    const struct protocol_versions versions = {PROTOCOL_VERSION_3_0, PROTOCOL_VERSION_3_2};
    const struct protocol_versions strict = {PROTOCOL_VERSION_3_2, PROTOCOL_VERSION_3_2};
    struct error err;
    uint32_t version;

    (void)state;
    assert_true(protocol_version_settle(&versions, BODY("\0\3\0\0\0\0\0\0"), &version, &err));
    assert_int_equal(version, PROTOCOL_VERSION_3_0);
    assert_false(protocol_version_settle(&strict, BODY("\0\3\0\0\0\0\0\0"), &version, &err));
    assert_int_equal(err.code, ERROR_UNSUPPORTED);
}

static void an_answer_that_makes_no_sense_is_refused(void **state)
{
    const struct slice bodies[] = {
        BODY("\0\3\0\2\0\0\0\0"),         /* what was asked for */
        BODY("\0\3\0\3\0\0\0\0"),         /* more */
        BODY("\0\3\0\1\0\0\0\0"),         /* never was one */
        BODY("\0\2\0\0\0\0\0\0"),         /* from before these messages */
        BODY("\0\3\0\0\0\0\0\1_pq_.x\0"), /* an extension that nobody asked for */
        BODY("\0\3\0\0\xff\xff\xff\xff"), /* the names are not there */
        BODY("\0\3\0\0\0\0\0"),
    };
    const struct protocol_versions versions = {PROTOCOL_VERSION_3_0, PROTOCOL_VERSION_3_2};
    struct error err;
    uint32_t version;

    (void)state;
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        assert_false(protocol_version_settle(&versions, bodies[i], &version, &err));
        assert_int_equal(err.code, ERROR_PROTOCOL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_zero_is_asked_for_by_default),
        cmocka_unit_test(versions_that_do_not_exist_are_refused),
        cmocka_unit_test(a_server_may_have_an_older_version),
        cmocka_unit_test(an_answer_that_makes_no_sense_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
