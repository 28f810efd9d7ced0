#include "manifest/configuration_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct configuration_line first_line(const char *text)
{
    struct configuration_line line = {.name = "none"};
    struct slice rest = slice_string(text);

    if (!configuration_next_line(&rest, &line))
        snprintf(line.name, sizeof(line.name), "none");
    return line;
}

static void settings_are_read_as_postgresql_reads_them(void **state)
{
    static const char *const cases[][3] = {
        {"port = 5432", "port", "5432"},
        {"port 5432 # why", "port", "5432"},
        {"  Port=5432#x", "port", "5432"},
        {"\thba_file = '/etc/it''s'", "hba_file", "/etc/it's"},
        {"hba_file='a\\'b'  # 'c'", "hba_file", "a'b"},
        {"INCLUDE_DIR 'conf.d'\r", "include_dir", "conf.d"},
        {"my.setting = ''", "my.setting", ""},
        {"unended = 'abc", "unended", "abc"},
        {"alone", "alone", ""},
        {"# port = 1", "", ""},
        {"", "none", ""},
        {"\n", "", ""},
        {"= 4", "", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct configuration_line line = first_line(cases[i][0]);

        assert_string_equal(line.name, cases[i][1]);
        if (strcmp(line.name, "none") != 0)
            assert_string_equal(line.value, cases[i][2]);
    }
}

static void lines_of_any_length_end(void **state)
{
    char *text = malloc(100000);
    struct configuration_line line;
    struct slice rest;
    size_t count = 0;

    (void)state;
    memset(text, 'a', 100000);
    for (size_t i = 0; i < 100000; i += 7777)
        text[i] = i % 2 == 0 ? '\n' : '\'';
    text[50] = '=';
    text[51] = '\'';
    rest = slice_make(text, 100000);
    while (configuration_next_line(&rest, &line)) {
        assert_true(strlen(line.value) < CONFIGURATION_VALUE_MAX);
        count++;
    }
    assert_int_equal(count, 8);
    free(text);
}

static void files_that_pg_hba_names_are_found(void **state)
{
    static const char text[] = "# include none\n"
                               "local all @admins,\"@not\",@/etc/more trust\n"
                               "include_if_exists \"with space\"\n"
                               "host all include 127.0.0.1/32 trust # @comment\n"
                               "include_dir hba.d\n"
                               "host @\"quoted name\" all samehost trust\n"
                               "include";
    static const struct {
        enum configuration_reference type;
        const char *value, *written;
    } expected[] = {
        {INCLUDE_FILE_IF_THERE, "admins", "admins"},
        {INCLUDE_FILE_IF_THERE, "/etc/more", "/etc/more"},
        {INCLUDE_FILE_IF_THERE, "with space", "\"with space\""},
        {INCLUDE_FOLDER, "hba.d", "hba.d"},
        {INCLUDE_FILE_IF_THERE, "quoted name", "\"quoted name\""},
    };
    struct slice rest = slice_string(text), written;
    char value[CONFIGURATION_VALUE_MAX];
    enum configuration_reference type;

    (void)state;
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        assert_true(configuration_next_hba_reference(&rest, &type, value, &written));
        assert_string_equal(value, expected[i].value);
        assert_int_equal(type, expected[i].type);
        assert_true(slice_equals(written, slice_string(expected[i].written)));
    }
    assert_false(configuration_next_hba_reference(&rest, &type, value, &written));
}

static void private_keys_are_known_by_their_content(void **state)
{
    static const struct {
        const char *text;
        bool key;
    } cases[] = {
        {"-----BEGIN PRIVATE KEY-----\nMIIE", true},
        {"-----BEGIN CERTIFICATE-----\nx\n-----BEGIN RSA PRIVATE KEY-----\n", true},
        {"-----BEGIN EC PRIVATE KEY-----", true},
        {"-----BEGIN ENCRYPTED PRIVATE KEY-----", true},
        {"-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n", false},
        {"-----BEGIN PUBLIC KEY-----", false},
        {"# the private key is elsewhere", false},
        {"", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(configuration_has_key(slice_string(cases[i].text)), cases[i].key);
}

static void paths_are_resolved_against_the_file_they_stand_in(void **state)
{
    static const char *const cases[][3] = {
        {"/etc/pg/main.conf", "conf.d", "/etc/pg/conf.d"},
        {"/etc/pg/main.conf", "../other/./x", "/etc/other/x"},
        {"/etc/pg/main.conf", "/a//b/", "/a/b"},
        {"/etc/pg/main.conf", "/a/../../b", NULL},
        {"/x", "../../b", NULL},
        {"/etc/pg/main.conf", "", NULL},
        {"/etc/pg/main.conf", "/", NULL},
    };
    char out[CONFIGURATION_VALUE_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bool resolved = configuration_resolve(cases[i][0], cases[i][1], out);

        assert_int_equal(resolved, cases[i][2] != NULL);
        if (resolved)
            assert_string_equal(out, cases[i][2]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_are_read_as_postgresql_reads_them),
        cmocka_unit_test(lines_of_any_length_end),
        cmocka_unit_test(files_that_pg_hba_names_are_found),
        cmocka_unit_test(private_keys_are_known_by_their_content),
        cmocka_unit_test(paths_are_resolved_against_the_file_they_stand_in),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
