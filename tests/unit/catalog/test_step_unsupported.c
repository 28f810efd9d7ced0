#include "kind_test.h"

#include "catalog/unsupported.c"

static const char *const operator_row[] = {"operator", "2617", "30", "s.###(integer,integer)"};
static const char *const publication_row[] = {"publication", "6104", "31", "p"};

static void add_row(struct kind_test *test, const char *const *values)
{
    struct error err;
    struct sql text = {.err = &err};

    add_all(&text);
    kind_test_text_row(test, sql_text(&text), values);
    assert_true(sql_end(&text));
}

static void what_no_kind_dumps_is_refused_by_name(void **state)
{
    struct kind_test *test = kind_test_new(18);

    (void)state;
    add_row(test, operator_row);
    add_row(test, publication_row);
    kind_test_fails(test, &catalog_step_unsupported,
                    "objects that cannot be backed up logically yet: 2, the first is operator "
                    "s.###(integer,integer)");
}

static void a_member_of_an_extension_is_not(void **state)
{
    static const struct catalog_kind kind_extension = {.desc = "EXTENSION"};
    struct kind_test *test = kind_test_new(18);
    struct error err;

    (void)state;
    assert_true(catalog_alias(
        kind_test_catalog(test), CLASS_OPERATOR, 30,
        kind_test_object(test, &kind_extension, CLASS_EXTENSION, 9, NULL, "e"), &err));
    add_row(test, operator_row);
    kind_test_step(test, &catalog_step_unsupported);
    kind_test_expect(test, "");
}

/* A step says so itself: no list has to be changed for it. */
static void what_a_kind_dumps_is_not_asked_for(void **state)
{
    struct buffer query = {0};
    struct error err;

    (void)state;
    assert_true(catalog_unsupported_query(&query, &err));
    for (size_t i = 0; i < SOURCE_COUNT; i++) {
        struct sql word = {.err = &err};

        sql_printf(&word, "SELECT '%s',", sources[i].word);
        assert_int_equal(strstr(buffer_text(&query), sql_text(&word)) == NULL,
                         is_dumped(&sources[i]));
        sql_end(&word);
    }
    buffer_free(&query);
}

static void every_word_that_a_kind_says_is_known(void **state)
{
    (void)state;
    for (size_t i = 0; i < catalog_kind_step_count; i++) {
        const char *dumps = catalog_kind_steps[i]->dumps;
        bool known = dumps == NULL;

        for (size_t at = 0; at < SOURCE_COUNT && !known; at++)
            known = strcmp(sources[at].word, dumps) == 0;
        assert_true(known);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_no_kind_dumps_is_refused_by_name),
        cmocka_unit_test(a_member_of_an_extension_is_not),
        cmocka_unit_test(what_a_kind_dumps_is_not_asked_for),
        cmocka_unit_test(every_word_that_a_kind_says_is_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
