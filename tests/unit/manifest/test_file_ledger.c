#include "manifest/file_ledger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static struct file_ledger *make_ledger(void)
{
    struct error err;
    struct file_ledger *ledger = file_ledger_new(&err);

    assert_non_null(ledger);
    return ledger;
}

static void add(struct file_ledger *ledger, const char *path, uint64_t size, const char *digest)
{
    struct error err;

    assert_true(file_ledger_add(ledger, path, size, (const uint8_t *)digest, 4, &err));
}

static enum ledger_verdict check(struct file_ledger *ledger, const char *path, uint64_t size,
                                 const char *digest)
{
    return file_ledger_check(ledger, path, size, (const uint8_t *)digest, 4, NULL);
}

static void a_file_is_found_by_path_size_and_digest(void **state)
{
    struct file_ledger *ledger = make_ledger();
    size_t duplicates;

    (void)state;
    add(ledger, "base/1/1259", 8192, "abcd");
    file_ledger_seal(ledger, &duplicates);
    assert_int_equal(duplicates, 0);
    assert_int_equal(check(ledger, "base/1/1259", 8192, "abcd"), LEDGER_MATCH);
    assert_int_equal(check(ledger, "base/1/1260", 8192, "abcd"), LEDGER_MISSING);
    file_ledger_free(ledger);
}

static void differences_are_told_apart(void **state)
{
    struct file_ledger *ledger = make_ledger();
    size_t duplicates;
    uint64_t seen = 0;

    (void)state;
    add(ledger, "a", 1, "aaaa");
    add(ledger, "b", 2, "bbbb");
    file_ledger_seal(ledger, &duplicates);
    assert_int_equal(file_ledger_check(ledger, "a", 7, (const uint8_t *)"aaaa", 4, &seen),
                     LEDGER_SIZE_DIFFERS);
    assert_int_equal(seen, 1);
    assert_int_equal(check(ledger, "b", 2, "bbbc"), LEDGER_DIGEST_DIFFERS);
    assert_int_equal(check(ledger, "b", 2, "bbbb"), LEDGER_REPEATED);
    file_ledger_free(ledger);
}

static void what_nobody_expected_is_counted_and_known(void **state)
{
    struct file_ledger *ledger = make_ledger();
    size_t duplicates;

    (void)state;
    add(ledger, "expected", 1, "aaaa");
    add(ledger, "surplus", 1, "aaaa");
    file_ledger_seal(ledger, &duplicates);
    check(ledger, "expected", 1, "aaaa");
    assert_int_equal(file_ledger_unexpected(ledger), 1);
    assert_true(file_ledger_is_unexpected(ledger, "surplus"));
    assert_false(file_ledger_is_unexpected(ledger, "expected"));
    assert_false(file_ledger_is_unexpected(ledger, "absent"));
    assert_true(file_ledger_has(ledger, "surplus"));
    assert_true(file_ledger_has(ledger, "expected"));
    assert_false(file_ledger_has(ledger, "absent"));
    file_ledger_free(ledger);
}

static void a_path_added_twice_is_a_duplicate(void **state)
{
    struct file_ledger *ledger = make_ledger();
    size_t duplicates;

    (void)state;
    add(ledger, "twice", 1, "aaaa");
    add(ledger, "once", 1, "aaaa");
    add(ledger, "twice", 1, "aaaa");
    file_ledger_seal(ledger, &duplicates);
    assert_int_equal(duplicates, 1);
    file_ledger_free(ledger);
}

static void many_files_are_all_found(void **state)
{
    struct file_ledger *ledger = make_ledger();
    size_t duplicates;
    char path[32];

    (void)state;
    for (unsigned i = 0; i < 100000; i++) {
        snprintf(path, sizeof(path), "base/5/%u", i);
        add(ledger, path, i, "aaaa");
    }
    file_ledger_seal(ledger, &duplicates);
    assert_int_equal(duplicates, 0);
    assert_int_equal(file_ledger_count(ledger), 100000);
    for (unsigned i = 0; i < 100000; i++) {
        snprintf(path, sizeof(path), "base/5/%u", i);
        assert_int_equal(check(ledger, path, i, "aaaa"), LEDGER_MATCH);
    }
    assert_int_equal(file_ledger_unexpected(ledger), 0);
    file_ledger_free(ledger);
}

static void an_unlisted_path_counts_as_a_duplicate_only(void **state)
{
    struct file_ledger *ledger = make_ledger();
    struct error err;
    size_t duplicates;

    (void)state;
    add(ledger, "base/1", 1, "aaaa");
    assert_true(file_ledger_add_unlisted(ledger, "base", &err));
    assert_true(file_ledger_add_unlisted(ledger, "base/1", &err));
    file_ledger_seal(ledger, &duplicates);
    assert_int_equal(duplicates, 1);
    assert_int_equal(file_ledger_unexpected(ledger), 1);
    assert_false(file_ledger_is_unexpected(ledger, "base"));
    assert_int_equal(check(ledger, "base", 0, "aaaa"), LEDGER_REPEATED);
    file_ledger_free(ledger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_found_by_path_size_and_digest),
        cmocka_unit_test(differences_are_told_apart),
        cmocka_unit_test(what_nobody_expected_is_counted_and_known),
        cmocka_unit_test(a_path_added_twice_is_a_duplicate),
        cmocka_unit_test(many_files_are_all_found),
        cmocka_unit_test(an_unlisted_path_counts_as_a_duplicate_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
