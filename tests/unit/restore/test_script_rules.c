/* Which statements of a script are left out for a request or an older server, and what is done to a
 * role or a tablespace that is there already. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "restore/script_drops.h"
#include "restore/script_names.h"
#include "restore/script_rules.h"

#include <stdio.h>

static struct error err;

static struct sql_statement statement_of(const char *text)
{
    struct slice rest = slice_string(text);
    struct sql_statement statement = {.line = 1};

    assert_true(sql_statement_next(&rest, false, &statement.kind, &statement.text));
    return statement;
}

static bool left_out(const struct restore_request *request, int version, const char *text)
{
    const struct sql_statement statement = statement_of(text);

    return script_rules_leave_out(request, version, &statement);
}

#define NEW 180000

static void settings_that_the_server_lacks_are_left_out(void **state)
{
    const struct restore_request request = {.jobs = 1}, policies = {.row_security = true};

    (void)state;
    assert_true(left_out(&request, 160000, "SET transaction_timeout = 0;"));
    assert_true(left_out(&request, 160000, "set SESSION Transaction_Timeout TO '0';"));
    assert_false(left_out(&request, 170000, "SET transaction_timeout = 0;"));
    assert_false(left_out(&request, 160000, "SET statement_timeout = 0;"));
    assert_false(left_out(&request, 160000, "SELECT 'SET transaction_timeout';"));
    assert_false(left_out(&request, NEW, "SET row_security = off;"));
    assert_true(left_out(&policies, NEW, "SET row_security = off;"));
}

static void what_is_not_wanted_is_known_by_its_words(void **state)
{
    static const struct restore_request owner = {.no_owner = true},
                                        privileges = {.no_privileges = true},
                                        comments = {.no_comments = true},
                                        labels = {.no_security_labels = true},
                                        publications = {.no_publications = true},
                                        subscriptions = {.no_subscriptions = true},
                                        policies = {.no_policies = true},
                                        tablespaces = {.no_tablespaces = true},
                                        method = {.no_table_access_method = true},
                                        statistics = {.no_statistics = true}, all = {.jobs = 1};
    static const struct {
        const struct restore_request *request;
        const char *out, *in;
    } cases[] = {
        {&owner, "ALTER FUNCTION \"a b\".f(x int) OWNER TO \"me; you\";",
         "ALTER TABLE t RENAME owner TO x, y;"},
        {&owner, "SET SESSION AUTHORIZATION 'me';", "SET SESSION work_mem = 1;"},
        {&owner, "alter table t owner to me;", "COMMENT ON TABLE t IS 'OWNER TO me';"},
        {&privileges, "GRANT SELECT(a),INSERT,UPDATE,DELETE,TRUNCATE,TRIGGER ON TABLE t TO x;",
         "GRANT \"on\" TO b WITH ADMIN OPTION;"},
        {&privileges, "REVOKE ALL ON SCHEMA public FROM PUBLIC;", "GRANT a TO b GRANTED BY c;"},
        {&privileges, "ALTER DEFAULT PRIVILEGES FOR ROLE a GRANT SELECT ON TABLES TO b;",
         "ALTER TABLE t ALTER a SET DEFAULT 'ON';"},
        {&comments, "COMMENT ON TABLE t IS 'x';", "CREATE TABLE comment (\"on\" int);"},
        {&labels, "SECURITY LABEL FOR x ON TABLE t IS 'y';", "CREATE TABLE security (label int);"},
        {&publications, "CREATE PUBLICATION p FOR ALL TABLES;", "CREATE TABLE publication ();"},
        {&publications, "COMMENT ON PUBLICATION p IS 'x';", "COMMENT ON TABLE publication IS 'x';"},
        {&publications, "ALTER PUBLICATION p ADD TABLE ONLY t;", "DROP TABLE publication;"},
        {&subscriptions, "CREATE SUBSCRIPTION s CONNECTION '' PUBLICATION p;", "SELECT 1;"},
        {&policies, "CREATE POLICY p ON t;", "CREATE TABLE policy ();"},
        {&policies, "ALTER TABLE ONLY a.t FORCE ROW LEVEL SECURITY;",
         "ALTER TABLE t ENABLE TRIGGER row;"},
        {&tablespaces, "CREATE TABLESPACE x LOCATION '';", "CREATE TABLE tablespace ();"},
        {&tablespaces, "SET default_tablespace = x;", "SET default_table_access_method = x;"},
        {&tablespaces, "GRANT CREATE ON TABLESPACE x TO y;", "GRANT CREATE ON SCHEMA x TO y;"},
        {&tablespaces, "ALTER DATABASE a SET TABLESPACE x;", "ALTER DATABASE a SET x = 'y';"},
        {&method, "SET default_table_access_method = x;", "SET default_tablespace = x;"},
        {&statistics, "SELECT * FROM pg_catalog.pg_restore_relation_stats('version', 1);",
         "SELECT pg_catalog.setval('pg_restore_relation_stats', 1);"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (!left_out(cases[i].request, NEW, cases[i].out))
            fail_msg("%s is not left out", cases[i].out);
        if (left_out(cases[i].request, NEW, cases[i].in))
            fail_msg("%s is left out", cases[i].in);
        if (left_out(&all, NEW, cases[i].out))
            fail_msg("%s is left out, though it is wanted", cases[i].out);
    }
}

static void what_is_there_is_altered(void **state)
{
    static const char *const cases[][2] = {
        {"CREATE ROLE \"a;b\";", ""},
        {"CREATE ROLE Abc WITH LOGIN PASSWORD 'x;y';", "ALTER ROLE Abc WITH LOGIN PASSWORD 'x;y';"},
        {"CREATE USER Abc PASSWORD 'x;y';", "ALTER ROLE Abc LOGIN; ALTER ROLE Abc PASSWORD 'x;y';"},
        {"create user \"a;b\" ;", "ALTER ROLE \"a;b\" LOGIN;"},
        {"CREATE GROUP \"user\";", ""},
        {"CREATE TABLESPACE \"t 1\" OWNER \"o \"\"x\" LOCATION '/owner x';",
         "ALTER TABLESPACE \"t 1\" OWNER TO \"o \"\"x\";"},
        {"CREATE TABLESPACE t LOCATION '/owner x';", ""},
    };
    struct buffer out = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct sql_statement statement = statement_of(cases[i][0]);

        buffer_clear(&out);
        assert_true(script_rules_append_alter(&out, &statement, &err));
        assert_string_equal(buffer_text(&out), cases[i][1]);
    }
    buffer_free(&out);
    assert_false(script_rules_is_in_database(slice_string("ALTER ROLE \"in\" WITH LOGIN;")));
    assert_false(script_rules_is_in_database(slice_string("ALTER ROLE a SET x = 1;")));
    assert_true(script_rules_is_in_database(slice_string("ALTER ROLE a IN DATABASE d SET x = 1;")));
}

static void a_role_keeps_its_password(void **state)
{
    static const char *const cases[][2] = {
        {"ALTER ROLE a WITH LOGIN PASSWORD 'x y' VALID UNTIL 'infinity';",
         "ALTER ROLE a WITH LOGIN  ;"},
        {"CREATE USER a ENCRYPTED PASSWORD 'it''s';", "CREATE USER a ;"},
        {"ALTER ROLE password WITH PASSWORD NULL;", "ALTER ROLE password WITH ;"},
        {"ALTER ROLE \"password\" WITH LOGIN;", "ALTER ROLE \"password\" WITH LOGIN;"},
        {"ALTER ROLE password;", "ALTER ROLE password;"},
        {"ALTER ROLE valid VALID UNTIL 'infinity' LOGIN;", "ALTER ROLE valid  LOGIN;"},
        {"ALTER ROLE a SET x = 'valid until', password;",
         "ALTER ROLE a SET x = 'valid until', password;"},
    };
    bool kept;
    struct buffer out = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        buffer_clear(&out);
        assert_true(script_rules_append_role(&out, slice_string(cases[i][0]), &kept, &err));
        assert_string_equal(buffer_text(&out), cases[i][1]);
        assert_int_equal(kept, strcmp(cases[i][0], cases[i][1]) != 0);
    }
    buffer_free(&out);
}

/* A COMMENT of more than what is looked at, and a function that ends as an owner is given. */
static void long_statements_are_known_by_their_beginning(void **state)
{
    const struct restore_request request = {.no_comments = true, .no_owner = true};
    struct buffer text = {0};

    (void)state;
    assert_true(buffer_append_string(&text, "COMMENT ON TABLE t IS '", &err));
    for (int i = 0; i < 20000; i++)
        assert_true(buffer_append_string(&text, "long", &err));
    assert_true(buffer_append_string(&text, "';", &err));
    assert_true(left_out(&request, NEW, buffer_text(&text)));
    buffer_clear(&text);
    assert_true(buffer_append_string(&text, "ALTER TABLE t ADD CHECK (a IN (", &err));
    for (int i = 0; i < 20000; i++)
        assert_true(buffer_append_string(&text, "'owner', ", &err));
    assert_true(buffer_append_string(&text, "'to')) OWNER TO x;", &err));
    assert_false(left_out(&request, NEW, buffer_text(&text)));
    buffer_free(&text);
}

static void modes_of_transactions_and_rows_of_copies_are_known(void **state)
{
    static const char *const modes[][2] = {
        {"BEGIN;", ""},
        {"begin work;", ""},
        {"BEGIN ISOLATION LEVEL SERIALIZABLE;", "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE;"},
        {"START TRANSACTION READ ONLY, DEFERRABLE;", "SET TRANSACTION READ ONLY, DEFERRABLE;"},
    };
    const struct sql_statement chain = statement_of("COMMIT AND CHAIN;"),
                               no_chain = statement_of("ROLLBACK WORK AND NO CHAIN;");
    struct buffer out = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        const struct sql_statement statement = statement_of(modes[i][0]);

        buffer_clear(&out);
        assert_true(script_rules_append_modes(&out, &statement, &err));
        assert_string_equal(buffer_text(&out), modes[i][1]);
    }
    buffer_free(&out);
    assert_true(script_rules_chains(&chain));
    assert_false(script_rules_chains(&no_chain));
    assert_true(script_rules_are_lines(slice_string("COPY a.t (x, y) FROM stdin;")));
    assert_false(script_rules_are_lines(slice_string("COPY t FROM stdin WITH (FORMAT csv);")));
    assert_false(script_rules_are_lines(slice_string("COPY t FROM stdin WHERE a > 1;")));
}

static void a_database_loses_its_tablespace(void **state)
{
    const struct restore_request request = {.no_tablespaces = true}, all = {.jobs = 1};
    static const char text[] = "CREATE DATABASE a TEMPLATE = template0 TABLESPACE = \"x y\" "
                               "CONNECTION LIMIT = 5;";
    struct buffer out = {0};

    (void)state;
    assert_true(script_rules_append_database(&out, &request, slice_string(text), &err));
    assert_string_equal(buffer_text(&out),
                        "CREATE DATABASE a TEMPLATE = template0  CONNECTION LIMIT = 5;");
    buffer_clear(&out);
    assert_true(script_rules_append_database(&out, &all, slice_string(text), &err));
    assert_string_equal(buffer_text(&out), text);
    buffer_free(&out);
}

static void encodings_are_read(void **state)
{
    struct sql_statement statement = statement_of("SET client_encoding = 'LATIN1';");
    char encoding[16];

    (void)state;
    assert_true(script_rules_encoding(&statement, encoding, sizeof(encoding)));
    assert_string_equal(encoding, "LATIN1");
    statement = statement_of("set session client_encoding to utf8;");
    assert_true(script_rules_encoding(&statement, encoding, sizeof(encoding)));
    assert_string_equal(encoding, "utf8");
    statement = statement_of("SET x = 'client_encoding';");
    assert_false(script_rules_encoding(&statement, encoding, sizeof(encoding)));
    statement = statement_of("SET client_encoding = 'a name that is too long';");
    assert_false(script_rules_encoding(&statement, encoding, sizeof(encoding)));
}

static void an_empty_search_path_gives_way(void **state)
{
    const struct restore_request all = {.jobs = 1}, request = {.search_path = "public"};
    static const char empty[] = "SELECT pg_catalog.set_config('search_path', '', false);";

    (void)state;
    assert_false(left_out(&all, NEW, empty));
    assert_true(left_out(&request, NEW, empty));
    assert_false(
        left_out(&request, NEW, "SELECT pg_catalog.set_config('search_path', 'a', false);"));
    assert_false(left_out(&request, NEW, "SELECT pg_catalog.set_config('role', '', false);"));
    assert_false(left_out(&request, NEW, "SET search_path = public, pg_catalog;"));
    assert_false(left_out(&request, NEW, "SELECT pg_catalog.setval('search_path', 1, false);"));
}

static enum script_drop drop_of(const char *text)
{
    const struct sql_statement statement = statement_of(text);

    return script_drop_of(&statement);
}

static void what_drops_is_known_by_its_words(void **state)
{
    static const struct {
        const char *text;
        enum script_drop drop;
    } cases[] = {
        {"DROP TABLE public.t;", SCRIPT_DROPS},
        {"DROP USER MAPPING FOR a SERVER s;", SCRIPT_DROPS},
        {"DROP OWNED BY a;", SCRIPT_DOES_MORE},
        {"ALTER TABLE ONLY public.t DROP CONSTRAINT c;", SCRIPT_DROPS},
        {"ALTER TABLE IF EXISTS ONLY \"a b\".\"t\" ALTER COLUMN n DROP DEFAULT;", SCRIPT_DROPS},
        {"ALTER DOMAIN d DROP CONSTRAINT c;", SCRIPT_DROPS},
        {"ALTER TABLE public.drop OWNER TO a;", SCRIPT_DOES_MORE},
        {"ALTER TABLE drop OWNER TO a;", SCRIPT_DOES_MORE},
        {"ALTER TABLE ONLY drop ADD n int;", SCRIPT_DOES_MORE},
        {"SELECT pg_catalog.lo_unlink('1');", SCRIPT_DROPS},
        {"SELECT lo_unlink('1');", SCRIPT_DROPS},
        {"SELECT pg_catalog.lo_create('1');", SCRIPT_DOES_MORE},
        {"CREATE OR REPLACE VIEW s.v AS\nSELECT\n    NULL::integer AS a;", SCRIPT_DROPS},
        {"CREATE OR REPLACE VIEW \"as\".\"select\" AS\nSELECT;", SCRIPT_DROPS},
        {"CREATE OR REPLACE VIEW v AS SELECT 1, NULL AS b;", SCRIPT_DOES_MORE},
        {"CREATE VIEW v AS SELECT NULL::integer AS a;", SCRIPT_DOES_MORE},
        {"SET a = 1;", SCRIPT_SETS},
        {"SELECT pg_catalog.set_config('search_path', '', false);", SCRIPT_SETS},
        {"CREATE TABLE t (n int);", SCRIPT_DOES_MORE},
        {"COPY t FROM stdin;", SCRIPT_DOES_MORE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (drop_of(cases[i].text) != cases[i].drop)
            fail_msg("%s", cases[i].text);
    }
}

static void what_no_script_can_give_is_refused(void **state)
{
    const char *const texts[] = {"x"};
    struct restore_request request = {.schema_only = true};

    (void)state;
    assert_false(script_rules_check(&request, &err));
    assert_int_equal(err.code, ERROR_USAGE);
    request = (struct restore_request){.lists = {[RESTORE_TABLES] = {texts, 1}}};
    assert_false(script_rules_check(&request, &err));
    request = (struct restore_request){.no_owner = true, .databases = {texts, 1}};
    assert_true(script_rules_check(&request, &err));
}

static void names_are_found_among_many(void **state)
{
    struct script_names names = {0};
    char name[32];

    (void)state;
    for (int i = 0; i < 5000; i++) {
        struct script_name *item;

        snprintf(name, sizeof(name), "role %d", i);
        item = script_names_take(&names, 'r', name, &err);
        assert_non_null(item);
        assert_false(item->there);
        item->there = true;
    }
    assert_true(script_names_take(&names, 'r', "role 4711", &err)->there);
    assert_false(script_names_take(&names, 'd', "role 4711", &err)->there);
    assert_int_equal(names.count, 5001);
    script_names_reset(&names);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_that_the_server_lacks_are_left_out),
        cmocka_unit_test(what_is_not_wanted_is_known_by_its_words),
        cmocka_unit_test(what_is_there_is_altered),
        cmocka_unit_test(a_role_keeps_its_password),
        cmocka_unit_test(long_statements_are_known_by_their_beginning),
        cmocka_unit_test(modes_of_transactions_and_rows_of_copies_are_known),
        cmocka_unit_test(a_database_loses_its_tablespace),
        cmocka_unit_test(encodings_are_read),
        cmocka_unit_test(an_empty_search_path_gives_way),
        cmocka_unit_test(what_drops_is_known_by_its_words),
        cmocka_unit_test(what_no_script_can_give_is_refused),
        cmocka_unit_test(names_are_found_among_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
