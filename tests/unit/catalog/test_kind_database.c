#include "kind_test.h"

#include "catalog/kinds/database.c"

#define DATABASE [OID] = "5", [OWNER] = "alice", [OPTIONS] = " ENCODING = 'UTF8' LOCALE = 'C'"
#define FIXED                                                                                      \
    "== ENCODING - ENCODING - pre-data\n"                                                          \
    "SET client_encoding = 'UTF8';\n"                                                              \
    "== STDSTRINGS - STDSTRINGS - pre-data\n"                                                      \
    "SET standard_conforming_strings = 'on';\n"                                                    \
    "== SEARCHPATH - SEARCHPATH - pre-data\n"                                                      \
    "SELECT pg_catalog.set_config('search_path', '', false);\n"

static const char *const plain[COLUMNS] = {DATABASE, [NAME] = "app"};
static const char *const with_all[COLUMNS] = {
    DATABASE,
    [NAME] = "My 'db'",
    [LIMIT] = "5",
    [IS_TEMPLATE] = "t",
    [COMMENT] = "it's",
    [ACL] = "{alice=CTc/alice}",
    [ACL_USUAL] = "{=Tc/alice,alice=CTc/alice}",
};

static void the_database_comes_behind_what_an_archive_begins_with(void **state)
{
    static const struct kind_case cases[] = {
        {"an ordinary one", plain,
         "== ENCODING - ENCODING - pre-data\n"
         "SET client_encoding = 'UTF8';\n"
         "== STDSTRINGS - STDSTRINGS - pre-data\n"
         "SET standard_conforming_strings = 'on';\n"
         "== SEARCHPATH - SEARCHPATH - pre-data\n"
         "SELECT pg_catalog.set_config('search_path', '', false);\n"
         "== DATABASE - app alice pre-data\n"
         "CREATE DATABASE app WITH TEMPLATE = template0 ENCODING = 'UTF8' LOCALE = 'C';\n"
         "-- DROP DATABASE app;\n"},
        {"a limit, a template, a comment, privileges", with_all,
         "== ENCODING - ENCODING - pre-data\n"
         "SET client_encoding = 'UTF8';\n"
         "== STDSTRINGS - STDSTRINGS - pre-data\n"
         "SET standard_conforming_strings = 'on';\n"
         "== SEARCHPATH - SEARCHPATH - pre-data\n"
         "SELECT pg_catalog.set_config('search_path', '', false);\n"
         "== DATABASE - My 'db' alice pre-data\n"
         "CREATE DATABASE \"My 'db'\" WITH TEMPLATE = template0 ENCODING = 'UTF8' LOCALE = 'C';\n"
         "-- DROP DATABASE \"My 'db'\";\n"
         "== COMMENT - DATABASE \"My 'db'\" alice none\n"
         "COMMENT ON DATABASE \"My 'db'\" IS 'it''s';\n"
         "-- needs My 'db'\n"
         "== ACL - DATABASE \"My 'db'\" alice none\n"
         "REVOKE ALL ON DATABASE \"My 'db'\" FROM PUBLIC;\n"
         "-- needs My 'db'\n"
         "== DATABASE PROPERTIES - My 'db' alice pre-data\n"
         "ALTER DATABASE \"My 'db'\" CONNECTION LIMIT = 5;\n"
         "ALTER DATABASE \"My 'db'\" IS_TEMPLATE = true;\n"
         "-- UPDATE pg_catalog.pg_database SET datistemplate = false WHERE datname = 'My "
         "''db''';\n"},
    };

    (void)state;
    kind_test_cases(18, &catalog_step_database, &databases, NULL, cases, 2);
}

static void settings_are_an_entry_of_their_own(void **state)
{
    static const char *const all[] = {[SETTING] = "search_path=\"$user\", s"};
    static const char *const one[] = {[ROLE] = "Bob", [SETTING] = "work_mem=1MB"};
    struct kind_test *test = kind_test_new(18);

    (void)state;
    kind_test_row(test, &databases, plain);
    kind_test_row(test, &settings, all);
    kind_test_row(test, &settings, one);
    kind_test_step(test, &catalog_step_database);
    kind_test_expect(
        test, "== ENCODING - ENCODING - pre-data\n"
              "SET client_encoding = 'UTF8';\n"
              "== STDSTRINGS - STDSTRINGS - pre-data\n"
              "SET standard_conforming_strings = 'on';\n"
              "== SEARCHPATH - SEARCHPATH - pre-data\n"
              "SELECT pg_catalog.set_config('search_path', '', false);\n"
              "== DATABASE - app alice pre-data\n"
              "CREATE DATABASE app WITH TEMPLATE = template0 ENCODING = 'UTF8' LOCALE = 'C';\n"
              "-- DROP DATABASE app;\n"
              "== DATABASE PROPERTIES - app alice pre-data\n"
              "ALTER DATABASE app SET search_path TO '$user', 's';\n"
              "ALTER ROLE \"Bob\" IN DATABASE app SET work_mem TO '1MB';\n"
              "-- \n");
}

static void a_server_is_asked_for_what_it_has(void **state)
{
    (void)state;
    kind_test_asks(&databases, 15, 18, "d.datlocprovider");
    kind_test_asks(&databases, 15, 16, "d.daticulocale");
    kind_test_asks(&databases, 17, 18, "d.datlocale");
    kind_test_asks(&databases, 16, 18, "d.daticurules");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_is_asked_for_what_it_has),
        cmocka_unit_test(the_database_comes_behind_what_an_archive_begins_with),
        cmocka_unit_test(settings_are_an_entry_of_their_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
