#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "restore/database_recipe.h"

static void check(const char *definition, int version, const char *expected)
{
    struct database_recipe recipe;
    struct buffer out = {0};
    struct error err;

    assert_true(database_recipe_parse(&recipe, definition, &err));
    assert_true(database_recipe_append(&out, &recipe, "a\"b", version, false, &err));
    assert_string_equal(buffer_text(&out), expected);
    buffer_free(&out);
    database_recipe_reset(&recipe);
}

#define BEGINNING "CREATE DATABASE \"a\"\"b\" WITH TEMPLATE = template0"

static void a_database_is_made_as_it_was(void **state)
{
    (void)state;
    check("CREATE DATABASE app WITH TEMPLATE = template0 ENCODING = 'UTF8' LOCALE_PROVIDER = libc "
          "LOCALE = 'de_DE.UTF-8';\n",
          180000, BEGINNING " encoding = 'UTF8' locale_provider = \"libc\" locale = 'de_DE.UTF-8'");
    check("CREATE DATABASE \"A; b\" WITH TEMPLATE = template0 ENCODING = 'LATIN1' LC_COLLATE = 'C' "
          "LC_CTYPE = 'it''s' TABLESPACE = \"My \"\"Space\";\n",
          130000,
          BEGINNING " encoding = 'LATIN1' lc_collate = 'C' lc_ctype = 'it''s' tablespace = "
                    "\"My \"\"Space\"");
    check("CREATE DATABASE app WITH TEMPLATE = template0 ENCODING = 'UTF8' LOCALE_PROVIDER = icu "
          "LOCALE = 'C' ICU_LOCALE = 'de' ICU_RULES = '&a < b';",
          180000,
          BEGINNING " encoding = 'UTF8' locale_provider = \"icu\" locale = 'C' icu_locale = 'de' "
                    "icu_rules = '&a < b'");
    check("CREATE DATABASE app", 180000, BEGINNING);
}

static void what_an_older_server_does_not_know_is_left_out_or_told(void **state)
{
    struct database_recipe recipe;
    const char *since;
    struct error err;

    (void)state;
    check("CREATE DATABASE app WITH ENCODING = 'UTF8' LOCALE_PROVIDER = libc LOCALE = 'C';", 140000,
          BEGINNING " encoding = 'UTF8' locale = 'C'");
    assert_true(database_recipe_parse(&recipe,
                                      "CREATE DATABASE a LOCALE_PROVIDER = builtin LOCALE = 'C' "
                                      "BUILTIN_LOCALE = 'C.UTF-8';",
                                      &err));
    assert_non_null(database_recipe_unknown(&recipe, 160000, &since));
    assert_string_equal(since, "17");
    assert_null(database_recipe_unknown(&recipe, 170000, &since));
    database_recipe_reset(&recipe);
    assert_true(database_recipe_parse(
        &recipe, "CREATE DATABASE a LOCALE_PROVIDER = icu ICU_LOCALE = 'de' ICU_RULES = 'x';",
        &err));
    assert_non_null(database_recipe_unknown(&recipe, 140000, &since));
    assert_string_equal(since, "15");
    assert_non_null(database_recipe_unknown(&recipe, 150000, &since));
    assert_string_equal(since, "16");
    assert_null(database_recipe_unknown(&recipe, 160000, &since));
    database_recipe_reset(&recipe);
}

static void what_is_no_such_statement_is_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "CREATE",
        "CREATE DATABASE",
        "CREATE TABLE a (b integer);",
        "DROP DATABASE a;",
        "CREATE DATABASE a; DROP DATABASE b;",
        "CREATE DATABASE a SOMETHING_NEW = 'x';",
        "CREATE DATABASE a ENCODING =",
        "CREATE DATABASE a ENCODING = ;",
        "CREATE DATABASE 'a';",
    };
    struct database_recipe recipe;
    struct error err;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        error_clear(&err);
        if (database_recipe_parse(&recipe, texts[i], &err))
            fail_msg("%s was taken", texts[i]);
        assert_int_equal(err.code, ERROR_CORRUPT);
    }
}

static void check_renamed(const char *text, const char *from, const char *expected)
{
    struct buffer out = {0};
    struct error err;

    assert_true(database_text_append(&out, slice_string(text), from, "b c", &err));
    assert_string_equal(buffer_text(&out), expected);
    buffer_free(&out);
}

static void a_database_gets_another_name_where_it_is_named(void **state)
{
    (void)state;
    check_renamed("ALTER DATABASE app SET work_mem TO '1MB';\nALTER ROLE app IN DATABASE app SET "
                  "x.y TO 'DATABASE app';\n",
                  "app",
                  "ALTER DATABASE \"b c\" SET work_mem TO '1MB';\nALTER ROLE app IN DATABASE "
                  "\"b c\" SET x.y TO 'DATABASE app';\n");
    check_renamed("COMMENT ON DATABASE \"My \"\"App\" IS 'DATABASE \"My\"';", "My \"App",
                  "COMMENT ON DATABASE \"b c\" IS 'DATABASE \"My\"';");
    check_renamed("GRANT ALL ON DATABASE app TO app;", "app",
                  "GRANT ALL ON DATABASE \"b c\" TO app;");
    check_renamed("ALTER DATABASE other SET a TO 'b';", "app",
                  "ALTER DATABASE other SET a TO 'b';");
    check_renamed("-- DATABASE app\nSELECT 1;", "app", "-- DATABASE app\nSELECT 1;");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_database_is_made_as_it_was),
        cmocka_unit_test(what_an_older_server_does_not_know_is_left_out_or_told),
        cmocka_unit_test(what_is_no_such_statement_is_refused),
        cmocka_unit_test(a_database_gets_another_name_where_it_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
