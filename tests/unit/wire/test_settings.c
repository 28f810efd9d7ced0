#include "wire/settings_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct error err;

/* Every test begins without PG* variables and with a set of its own. */
static int setup(void **state)
{
    size_t count;
    const struct setting_parameter *table = settings_table(&count);

    for (size_t i = 0; i < count; i++) {
        if (table[i].environment != NULL)
            unsetenv(table[i].environment);
    }
    unsetenv("PGREQUIRESSL");
    unsetenv("PGSYSCONFDIR");
    setenv("HOME", "/nonexistent", 1);
    error_clear(&err);
    *state = wire_settings_new(&err);
    return *state == NULL ? -1 : 0;
}

static int teardown(void **state)
{
    wire_settings_free(*state);
    return 0;
}

static void assert_setting(struct wire_settings *settings, const char *name, const char *expected)
{
    const char *value = wire_settings_get(settings, name);

    if (expected == NULL) {
        assert_null(value);
        return;
    }
    assert_non_null(value);
    assert_string_equal(value, expected);
}

/* Parses a string and checks "name=value" after "name=value"; a name with the value "-" is not set.
 */
static void assert_parses(const char *conninfo, const char *const *pairs)
{
    struct wire_settings *settings = wire_settings_new(&err);

    if (!wire_settings_parse(settings, conninfo, &err))
        fail_msg("%s: %s", conninfo, err.message);
    for (; pairs[0] != NULL; pairs += 2)
        assert_setting(settings, pairs[0], strcmp(pairs[1], "-") == 0 ? NULL : pairs[1]);
    wire_settings_free(settings);
}

#define PAIRS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void assert_refused(const char *conninfo, const char *reason)
{
    struct wire_settings *settings = wire_settings_new(&err);

    assert_false(wire_settings_parse(settings, conninfo, &err));
    assert_int_equal(err.code, ERROR_USAGE);
    if (strstr(err.message, reason) == NULL)
        fail_msg("%s: \"%s\" does not mention \"%s\"", conninfo, err.message, reason);
    wire_settings_free(settings);
}

/* ---- URIs ---- */

static void a_uri_has_user_password_host_port_and_database(void **state)
{
    (void)state;
    assert_parses("postgres://me:secret@db.example:5433/app",
                  PAIRS("user", "me", "password", "secret", "host", "db.example", "port", "5433",
                        "dbname", "app"));
    assert_parses("postgresql://db.example", PAIRS("host", "db.example", "user", "-", "port", "-",
                                                   "dbname", "-", "password", "-"));
    assert_parses("postgresql://me@db/", PAIRS("host", "db", "user", "me", "dbname", "-"));
    assert_parses("postgres://:pw@db", PAIRS("user", "-", "password", "pw", "host", "db"));
    assert_parses("postgres://me:@db", PAIRS("user", "me", "password", "-"));
    assert_parses("postgres://", PAIRS("host", "-", "dbname", "-"));
    assert_parses("postgres:///app", PAIRS("host", "-", "dbname", "app"));
}

static void parts_of_a_uri_are_percent_decoded(void **state)
{
    (void)state;
    assert_parses("postgres://m%40e:p%3Aa%2Fs%25s@h%2Dh/my%20db?application_name=a%26b",
                  PAIRS("user", "m@e", "password", "p:a/s%s", "host", "h-h", "dbname", "my db",
                        "application_name", "a&b"));
    assert_parses("postgres://%2Fvar%2Frun%2Fpostgresql/app",
                  PAIRS("host", "/var/run/postgresql", "dbname", "app"));
    assert_parses("postgres:///app?host=/tmp&port=6000",
                  PAIRS("host", "/tmp", "dbname", "app", "port", "6000"));
    assert_parses("postgres://u:a:b@h", PAIRS("password", "a:b", "host", "h"));
    assert_parses("postgres://u:a?b@h", PAIRS("password", "a?b", "host", "h"));
}

static void a_host_in_brackets_is_an_ipv6_address(void **state)
{
    (void)state;
    assert_parses("postgres://u@[::1]:5433/db", PAIRS("host", "::1", "port", "5433"));
    assert_parses("postgres://[fe80::1]", PAIRS("host", "fe80::1", "port", "-"));
    assert_refused("postgres://[::1", "IPv6");
    assert_refused("postgres://[]/db", "IPv6");
    assert_refused("postgres://[::1]x/db", "IPv6");
}

static void lists_of_hosts_are_kept_as_given(void **state)
{
    (void)state;
    assert_parses("postgres://a:1,b,[::3]:3/db", PAIRS("host", "a,b,::3", "port", "1,,3"));
    assert_parses("postgres://a,b/db", PAIRS("host", "a,b", "port", ","));
    assert_parses("postgres://a,/db", PAIRS("host", "a,", "port", ","));
    assert_parses("postgres://,/db", PAIRS("host", ",", "port", ","));
    assert_parses("postgres://%40name,%2Ftmp,c:7/db", PAIRS("host", "@name,/tmp,c", "port", ",,7"));
}

static void blanks_around_a_part_of_a_uri_do_not_count(void **state)
{
    (void)state;
    assert_parses("postgres://me@ db : 5433 /app ?application_name= x%20y\n",
                  PAIRS("host", "db", "port", "5433", "dbname", "app", "application_name", "x y"));
}

static void uri_parameters_are_settings(void **state)
{
    (void)state;
    assert_parses("postgres://h/db?sslmode=verify-full&connect_timeout=7",
                  PAIRS("sslmode", "verify-full", "connect_timeout", "7"));
    assert_parses("postgres://h?ssl=true", PAIRS("sslmode", "require", "host", "h"));
    assert_parses("postgres://h?options=-c%20a%3Db", PAIRS("options", "-c a=b"));
    assert_refused("postgres://h?sslmode", "has no \"=\"");
    assert_refused("postgres://h?sslmod=x", "unknown connection setting \"sslmod\"");
    assert_string_equal(err.hint, "Did you mean \"sslmode\"?");
    assert_refused("postgres://h?ssl=false", "unknown connection setting");
    assert_refused("postgres://h?options=a=b", "two \"=\"");
    assert_refused("postgres://h?&user=me", "has no \"=\"");
    assert_refused("postgres://h?application_name=a b", "a blank");
    assert_parses("postgres://h?user=me&", PAIRS("user", "me"));
    assert_parses("postgres://h?user=me&user=you", PAIRS("user", "you"));
}

static void bad_percent_encoding_is_refused(void **state)
{
    static const char *const bad[] = {"postgres://u:%@h",   "postgres://u:%4@h",
                                      "postgres://u:%zz@h", "postgres://u:%00@h",
                                      "postgres://h/%",     "postgres://h?x%=1"};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_refused(bad[i], "percent-encoding");
}

/* ---- key=value ---- */

static void pairs_may_have_blanks_quotes_and_backslashes(void **state)
{
    (void)state;
    assert_parses(
        "host=db port = 5433\n user='a b' dbname='it\\'s' password=a\\ b\\\\c",
        PAIRS("host", "db", "port", "5433", "user", "a b", "dbname", "it's", "password", "a b\\c"));
    assert_parses("  ", PAIRS("host", "-"));
    assert_parses("user='' host=", PAIRS("user", "", "host", ""));
    assert_parses("dbname=a=b", PAIRS("dbname", "a=b"));
}

static void malformed_pairs_are_refused(void **state)
{
    (void)state;
    assert_refused("host", "at character 1");
    assert_refused("host=a user", "at character 8");
    assert_refused("user='abc", "not closed");
    assert_refused("user='abc\\", "not closed");
    assert_refused("=x", "unknown");
    assert_refused("hots=x", "unknown connection setting \"hots\"");
    assert_string_equal(err.hint, "Did you mean \"host\"?");
}

/* ---- Secrets ---- */

static bool error_shows(const char *text)
{
    return strstr(err.message, text) != NULL || strstr(err.detail, text) != NULL ||
           strstr(err.hint, text) != NULL;
}

static void no_error_repeats_a_password(void **state)
{
    static const char *const strings[] = {
        "postgres://u:hunter2",
        "postgres://u:hunter2/db",
        "postgres://u:x@hunter2@h/db",
        "postgres://u:x@1:hunter2@h/db",
        "postgres://u:hunter2%@h/db",
        "postgres://u:hunter2 x@h/db",
        "postgres://u@h/db?password=hunter2=",
        "postgres://u:x,hunter2/db",
        "postgres://u:hunter2%00@h/db",
        "postgres://u:hun/hunter2@h/db?x=1",
        "password=a hunter2",
        "password=a hunter2 host=h",
        "password=a hunter2=b",
        "password='hunter2",
        "password=hunter2 hots=x",
        "password=hunter2 port=x",
        "host=h password=hunter2 sslmode=x",
        "scram_client_key=hunter2 host=h",
        "sslpassword=x hunter2=y",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
        struct wire_settings *settings = wire_settings_new(&err);

        assert_false(wire_settings_parse(settings, strings[i], &err) &&
                     wire_settings_complete(settings, &err));
        if (error_shows("hunter2"))
            fail_msg("%s: %s / %s", strings[i], err.message, err.hint);
        wire_settings_free(settings);
    }
}

/* ---- Setting and copying ---- */

static void a_later_value_replaces_an_earlier_one(void **state)
{
    assert_true(wire_settings_parse(*state, "host=a port=1", &err));
    assert_true(wire_settings_parse(*state, "postgres://b", &err));
    assert_setting(*state, "host", "b");
    assert_setting(*state, "port", "1");
    assert_true(wire_settings_set(*state, "port", NULL, &err));
    assert_setting(*state, "port", NULL);
    assert_null(wire_settings_get(*state, "nonsense"));
}

static void a_clone_is_independent(void **state)
{
    struct wire_settings *clone;

    assert_true(wire_settings_set(*state, "password", "x", &err));
    clone = wire_settings_clone(*state, &err);
    assert_true(wire_settings_set(*state, "password", "y", &err));
    assert_setting(clone, "password", "x");
    wire_settings_free(clone);
}

/* ---- Completing ---- */

static void what_is_not_set_comes_from_the_environment(void **state)
{
    setenv("PGHOST", "envhost", 1);
    setenv("PGPORT", "7000", 1);
    setenv("PGUSER", "envuser", 1);
    setenv("PGPASSWORD", "envpassword", 1);
    assert_true(wire_settings_set(*state, "port", "7001", &err));
    assert_true(wire_settings_complete(*state, &err));
    assert_setting(*state, "host", "envhost");
    assert_setting(*state, "port", "7001");
    assert_setting(*state, "user", "envuser");
    assert_setting(*state, "password", "envpassword");
    assert_setting(*state, "dbname", "envuser");
    assert_setting(*state, "sslmode", "prefer");
}

static void the_rest_has_defaults(void **state)
{
    assert_true(wire_settings_complete(*state, &err));
    assert_non_null(wire_settings_get(*state, "host"));
    assert_non_null(wire_settings_get(*state, "user"));
    assert_setting(*state, "dbname", wire_settings_get(*state, "user"));
    assert_setting(*state, "port", "5432");
    assert_setting(*state, "sslmode", "prefer");
    assert_setting(*state, "password", NULL);
}

static void an_empty_value_is_the_default_and_hides_the_environment(void **state)
{
    setenv("PGPORT", "7000", 1);
    assert_true(wire_settings_parse(*state, "port='' dbname='' user=u", &err));
    assert_true(wire_settings_complete(*state, &err));
    assert_setting(*state, "port", "5432");
    assert_setting(*state, "dbname", "u");
}

static void an_address_alone_is_enough(void **state)
{
    assert_true(wire_settings_parse(*state, "hostaddr=10.0.0.1 user=u", &err));
    assert_true(wire_settings_complete(*state, &err));
    assert_setting(*state, "host", NULL);
}

static void pgrequiressl_asks_for_tls(void **state)
{
    setenv("PGREQUIRESSL", "1", 1);
    assert_true(wire_settings_complete(*state, &err));
    unsetenv("PGREQUIRESSL");
    assert_setting(*state, "sslmode", "require");
}

static void requiressl_is_an_old_word_for_sslmode(void **state)
{
    assert_true(wire_settings_parse(*state, "requiressl=1", &err));
    assert_setting(*state, "sslmode", "require");
    assert_true(wire_settings_parse(*state, "postgres://?requiressl=0", &err));
    assert_setting(*state, "sslmode", "prefer");
}

static void values_of_a_wrong_kind_are_refused(void **state)
{
    static const char *const bad[][2] = {
        {"port", "0"},
        {"port", "65536"},
        {"port", "x"},
        {"port", "-1"},
        {"port", "5432x"},
        {"connect_timeout", "abc"},
        {"keepalives", "1.5"},
        {"sslmode", "verify"},
        {"sslmode", "Require"},
        {"sslsni", "2"},
        {"channel_binding", "yes"},
        {"gssencmode", "x"},
        {"connect_timeout", "99999999999"},
        {"connect_timeout", ""},
        {"keepalives_idle", ""},
        {"sslmode", ""},
        {"target_session_attrs", ""},
        {"target_session_attrs", "primary,standby"},
        {"load_balance_hosts", "yes"},
        {"replication", "2"},
        {"port", "1,x"},
        {"port", "1,2"},
        {"host", "a,b,c"}, /* with two ports, below */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct wire_settings *settings = wire_settings_new(&err);

        if (strcmp(bad[i][0], "host") == 0)
            assert_true(wire_settings_set(settings, "port", "1,2", &err));
        assert_true(wire_settings_set(settings, bad[i][0], bad[i][1], &err));
        assert_false(wire_settings_complete(settings, &err));
        assert_int_equal(err.code, ERROR_USAGE);
        wire_settings_free(settings);
    }
}

static void a_bad_sslmode_is_answered_with_the_good_ones(void **state)
{
    assert_true(wire_settings_set(*state, "sslmode", "on", &err));
    assert_false(wire_settings_complete(*state, &err));
    assert_string_equal(err.hint, "It can be one of: disable allow prefer require verify-ca "
                                  "verify-full");
}

static void system_roots_mean_verify_full(void **state)
{
    assert_true(wire_settings_set(*state, "sslrootcert", "system", &err));
    assert_true(wire_settings_complete(*state, &err));
    assert_setting(*state, "sslmode", "verify-full");
    assert_true(wire_settings_set(*state, "sslmode", "require", &err));
    assert_false(wire_settings_complete(*state, &err));
}

static void what_would_change_the_meaning_is_refused(void **state)
{
    static const char *const refused[] = {
        "gssencmode=require",    "oauth_issuer=x", "oauth_client_id=x",
        "oauth_client_secret=x", "oauth_scope=x",  "sslkeylogfile=x",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct wire_settings *settings = wire_settings_new(&err);

        assert_true(wire_settings_parse(settings, refused[i], &err));
        assert_false(wire_settings_complete(settings, &err));
        assert_int_equal(err.code, ERROR_UNSUPPORTED);
        assert_non_null(strstr(err.message, "is not supported: "));
        wire_settings_free(settings);
    }
}

static void what_changes_nothing_is_accepted(void **state)
{
    assert_true(wire_settings_parse(*state,
                                    "gssencmode=prefer target_session_attrs=any "
                                    "load_balance_hosts=disable sslcompression=1 krbsrvname=x "
                                    "gsslib=gssapi sslnegotiation=postgres replication=database",
                                    &err));
    assert_true(wire_settings_complete(*state, &err));
}

static void a_refusal_names_the_variable_too(void **state)
{
    setenv("PGGSSENCMODE", "require", 1);
    assert_false(wire_settings_complete(*state, &err));
    unsetenv("PGGSSENCMODE");
    error_spell(&err, NULL);
    assert_non_null(strstr(err.message, "\"gssencmode\" is not supported: "));
    assert_non_null(strstr(err.hint, "PGGSSENCMODE"));
}

static void numbers_may_have_blanks_and_a_sign(void **state)
{
    assert_true(wire_settings_parse(
        *state, "connect_timeout=' +7 ' keepalives_idle=-1 port=' 5433 ' host=h user=u", &err));
    assert_true(wire_settings_complete(*state, &err));
}

static void a_password_command_comes_from_string_and_environment(void **state)
{
    setenv("PGCASK_PASSWORD_COMMAND", "from-environment", 1);
    assert_true(wire_settings_complete(*state, &err));
    unsetenv("PGCASK_PASSWORD_COMMAND");
    assert_setting(*state, "password_command", "from-environment");
    assert_parses("postgres://h?password_command=a%20%22b%20c%22",
                  PAIRS("password_command", "a \"b c\""));
}

static bool completes(struct wire_settings *settings, const char *uri)
{
    return wire_settings_parse(settings, uri, &err) && wire_settings_complete(settings, &err);
}

static void tokens_of_aws_want_tls_and_a_user(void **state)
{
    assert_true(completes(*state, "postgres+aws://u@h/db?region=r"));
    assert_true(wire_settings_want_tokens(*state));
    assert_setting(*state, "sslmode", "require");
    assert_setting(*state, "region", "r");
    assert_true(completes(*state, "postgresql+aws://u@h/db?sslmode=verify-full"));
    assert_setting(*state, "sslmode", "verify-full");
    assert_false(completes(*state, "postgres+aws://u@h/db?sslmode=prefer"));
    assert_int_equal(err.code, ERROR_USAGE);
    assert_true(completes(*state, "postgres+aws://u@h/db?sslmode=require"));
    assert_true(wire_settings_set(*state, "user", NULL, &err));
    assert_false(wire_settings_complete(*state, &err));
    assert_non_null(strstr(err.message, "no user name"));
}

static void tokens_of_aws_and_passwords_exclude_each_other(void **state)
{
    assert_false(completes(*state, "postgres+aws://u:hunter2@h/db"));
    assert_false(error_shows("hunter2"));
    assert_true(wire_settings_set(*state, "password", NULL, &err));
    setenv("PGPASSWORD", "of another", 1);
    assert_true(completes(*state, "postgres+aws://u@h/db"));
    unsetenv("PGPASSWORD");
    assert_null(wire_settings_get(*state, "password"));
    assert_true(wire_settings_parse(*state, "postgres://u@h/db?region=r", &err));
    assert_false(wire_settings_complete(*state, &err));
}

static void tokens_of_aws_go_to_names_alone(void **state)
{
    assert_false(completes(*state, "postgres+aws://u@%2Frun/db"));
    assert_false(completes(*state, "postgres+aws://u@h,%2Frun/db"));
    assert_true(wire_settings_set(*state, "host", NULL, &err) &&
                wire_settings_set(*state, "port", NULL, &err));
    assert_false(completes(*state, "postgres+aws://u@/db?hostaddr=127.0.0.1"));
    assert_true(completes(*state, "postgres+aws://u@h/db?hostaddr=127.0.0.1"));
}

static void the_table_is_sound(void **state)
{
    size_t count;
    const struct setting_parameter *table = settings_table(&count);

    (void)state;
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(settings_find(table[i].name), i);
        assert_int_equal(table[i].kind == SETTING_WORD, table[i].words != NULL);
    }
}

static void names_that_a_server_would_cut_are_refused(void **state)
{
    char name[80];

    /* 63 bytes, the last two of which are one character; and one more. */
    snprintf(name, sizeof(name), "%061d\xc3\xbc", 0);
    assert_true(wire_settings_set(*state, "dbname", name, &err));
    assert_true(wire_settings_complete(*state, &err));
    snprintf(name, sizeof(name), "%062d\xc3\xbc", 0);
    assert_true(wire_settings_set(*state, "dbname", name, &err));
    assert_false(wire_settings_complete(*state, &err));
    assert_int_equal(err.code, ERROR_USAGE);
    assert_non_null(strstr(err.message, "64 bytes"));
    assert_non_null(strstr(err.hint, "at most 63 bytes"));
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_uri_has_user_password_host_port_and_database),
        TEST(names_that_a_server_would_cut_are_refused),
        TEST(parts_of_a_uri_are_percent_decoded),
        TEST(a_host_in_brackets_is_an_ipv6_address),
        TEST(lists_of_hosts_are_kept_as_given),
        TEST(blanks_around_a_part_of_a_uri_do_not_count),
        TEST(uri_parameters_are_settings),
        TEST(bad_percent_encoding_is_refused),
        TEST(pairs_may_have_blanks_quotes_and_backslashes),
        TEST(malformed_pairs_are_refused),
        TEST(no_error_repeats_a_password),
        TEST(a_later_value_replaces_an_earlier_one),
        TEST(a_clone_is_independent),
        TEST(what_is_not_set_comes_from_the_environment),
        TEST(the_rest_has_defaults),
        TEST(an_empty_value_is_the_default_and_hides_the_environment),
        TEST(an_address_alone_is_enough),
        TEST(pgrequiressl_asks_for_tls),
        TEST(requiressl_is_an_old_word_for_sslmode),
        TEST(values_of_a_wrong_kind_are_refused),
        TEST(a_bad_sslmode_is_answered_with_the_good_ones),
        TEST(system_roots_mean_verify_full),
        TEST(what_would_change_the_meaning_is_refused),
        TEST(what_changes_nothing_is_accepted),
        TEST(a_refusal_names_the_variable_too),
        TEST(numbers_may_have_blanks_and_a_sign),
        TEST(a_password_command_comes_from_string_and_environment),
        TEST(tokens_of_aws_want_tls_and_a_user),
        TEST(tokens_of_aws_and_passwords_exclude_each_other),
        TEST(tokens_of_aws_go_to_names_alone),
        TEST(the_table_is_sound),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
