#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/error.h"
#include "base/log.h"

#include <stdio.h>
#include <string.h>

/* Everything that could be mistaken for a mark. */
#define FORGED                                                                                     \
    "\x1c"                                                                                         \
    "forged"                                                                                       \
    "\x1f"                                                                                         \
    " \x1d"                                                                                        \
    "forged"                                                                                       \
    "\x1f"                                                                                         \
    " \x1e"                                                                                        \
    "forged"                                                                                       \
    "\x1e"
#define FORGED_SHOWN "\\x1cforged\\x1f \\x1dforged\\x1f \\x1eforged\\x1e"

static void spell(const void *context, enum error_word word, const char *name, char *out,
                  size_t size)
{
    (void)context;
    snprintf(out, size, "%s<%s>", word == ERROR_WORD_OPTION ? "option" : "setting", name);
}

static const struct error_speller speller = {.spell = spell};

static void options_and_settings_are_spelled_by_the_face(void **state)
{
    struct error err;

    (void)state;
    error_set(&err, ERROR_USAGE, "%d: " ERROR_OPTION("max-rate") " is odd", 7);
    error_detail(&err, ERROR_OPTION("%s") "=%s", "compress", "gzip");
    error_hint(&err, "Set " ERROR_SETTING("sslmode") "=verify-full or " ERROR_OPTION("x"));

    error_spell(&err, &speller);

    assert_string_equal(err.message, "7: option<max-rate> is odd");
    assert_string_equal(err.detail, "option<compress>=gzip");
    assert_string_equal(err.hint, "Set setting<sslmode>=verify-full or option<x>");
}

static void without_a_face_names_are_bare(void **state)
{
    struct error err;

    (void)state;
    error_set(&err, ERROR_USAGE, ERROR_OPTION("a") " and " ERROR_SETTING("b"));

    error_spell(&err, NULL);

    assert_string_equal(err.message, "a and b");
}

static void what_comes_from_outside_forges_no_mark(void **state)
{
    struct error err;

    (void)state;
    error_set(&err, ERROR_SERVER, "%s", FORGED);
    error_prefix(&err, ERROR_OPTION("to") " %s", FORGED);
    error_detail(&err, "%.*s " ERROR_SETTING("port"), (int)strlen(FORGED), FORGED);
    error_hint(&err, ERROR_OPTION("%s"), FORGED);

    error_spell(&err, &speller);

    assert_string_equal(err.message, "option<to> " FORGED_SHOWN ": " FORGED_SHOWN);
    assert_string_equal(err.detail, FORGED_SHOWN " setting<port>");
    assert_string_equal(err.hint, "option<" FORGED_SHOWN ">");
}

static void our_own_texts_keep_their_marks_on_the_way(void **state)
{
    struct error inner, err;

    (void)state;
    error_set(&inner, ERROR_SERVER, ERROR_OPTION("to") " %s", FORGED);
    error_set(&err, ERROR_IO, "%s: " ERROR_OURS("%s") ", %s", FORGED, inner.message, FORGED);

    error_spell(&err, &speller);

    assert_string_equal(err.message, FORGED_SHOWN ": option<to> " FORGED_SHOWN ", " FORGED_SHOWN);
}

static void write_log(void *context, enum log_level level, const char *message)
{
    (void)level;
    error_spell_copy(context, 256, message, &speller);
}

static void logs_have_marks_too(void **state)
{
    char text[256] = "";
    const struct log log = {.write = write_log, .context = text};

    (void)state;
    log_message(&log, LOG_WARNING, ERROR_OPTION("quiet") " %s", FORGED);

    assert_string_equal(text, "option<quiet> " FORGED_SHOWN);
}

/* Whatever the text's length, and wherever it is cut: it ends, and no mark is left in it. */
static void a_text_that_is_too_long_is_cut(void **state)
{
    struct error err;

    (void)state;
    for (size_t len = 980; len < 1040; len++) {
        error_set(&err, ERROR_USAGE, "%*s" ERROR_OPTION("lock-timeout") FORGED_SHOWN, (int)len,
                  "x");
        error_spell(&err, &speller);

        assert_true(strlen(err.message) < sizeof(err.message));
        assert_null(strpbrk(err.message, "\x1c\x1d\x1e\x1f"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_and_settings_are_spelled_by_the_face),
        cmocka_unit_test(without_a_face_names_are_bare),
        cmocka_unit_test(what_comes_from_outside_forges_no_mark),
        cmocka_unit_test(our_own_texts_keep_their_marks_on_the_way),
        cmocka_unit_test(logs_have_marks_too),
        cmocka_unit_test(a_text_that_is_too_long_is_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
