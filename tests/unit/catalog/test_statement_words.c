#include "catalog/statement_words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void expect_words(const char *statement, const char *expected)
{
    char words[STATEMENT_WORDS_SIZE];

    statement_words(statement, words);
    assert_string_equal(words, expected);
}

static void the_first_words_say_what_is_done(void **state)
{
    (void)state;
    expect_words("LOCK TABLE secret", "LOCK TABLE");
    expect_words("alter  \n\t table secret add x int", "ALTER TABLE");
    expect_words("CREATE USER MAPPING FOR x SERVER y OPTIONS (password 'secret')", "CREATE USER");
    expect_words("ALTER ROLE secret PASSWORD 'secret'", "ALTER ROLE");
    expect_words("ALTER SUBSCRIPTION s CONNECTION 'password=secret'", "ALTER SUBSCRIPTION");
    expect_words("SELECT secret('secret')", "SELECT");
    expect_words("SELECT/**/'secret'", "SELECT");
    expect_words("(SELECT 1)", "SELECT");
    expect_words("INSERT INTO secret VALUES ('secret')", "INSERT INTO");
    expect_words("DELETE FROM secret", "DELETE FROM");
    expect_words("UPDATE secret SET secret = 'secret'", "UPDATE");
    expect_words("UPDATE ONLY secret", "UPDATE ONLY");
    expect_words("COPY secret FROM '/secret'", "COPY");
    expect_words("SET secret = 'secret'", "SET");
    expect_words("EXECUTE secret('secret')", "EXECUTE");
    expect_words("BEGIN;", "BEGIN");
    expect_words("COMMIT PREPARED 'secret'", "COMMIT PREPARED");
    expect_words("NOTIFY secret, 'secret'", "NOTIFY");
    expect_words("DO $$ secret $$", "DO");
}

static void comments_are_read_past(void **state)
{
    (void)state;
    expect_words("-- secret\nTRUNCATE secret", "TRUNCATE");
    expect_words("/* secret */ /* a /* b */ secret */ DROP /* secret */ TABLE x", "DROP TABLE");
    expect_words("DROP -- secret\n VIEW x", "DROP VIEW");
    expect_words("/* not closed LOCK TABLE", "");
    expect_words("-- LOCK TABLE", "");
}

static void nothing_unknown_is_shown(void **state)
{
    (void)state;
    expect_words("", "");
    expect_words("secret", "");
    expect_words("<insufficient privilege>", "");
    expect_words("'secret'", "");
    expect_words("\"select\"", "");
    expect_words("selectsecret", "");
    expect_words("select_secret", "");
    expect_words("select2", "");
    expect_words("SELECT\xc3\xa4", "");
    expect_words("begins with a very long word that is no keyword", "");
    expect_words("LOCK tablesecret", "LOCK");
    expect_words("LOCK table$secret", "LOCK");
    expect_words("LOCK \"table\"", "LOCK");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_words_say_what_is_done),
        cmocka_unit_test(comments_are_read_past),
        cmocka_unit_test(nothing_unknown_is_shown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
