/* Reading scripts for psql: whole, split at every byte, cut off at every byte, and made so that
 * what is quoted looks like rows, or rows like commands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "archive/archive.h"
#include "base/buffer.h"

#include <stdio.h>

static struct error err;

#define END "--\n-- PostgreSQL database cluster dump complete\n--\n\n"

static bool take_connect(void *context, const char *database, struct error *why)
{
    return buffer_printf(context, why, "[%s]", database);
}

static bool take_rows(void *context, uint64_t rows, struct error *why)
{
    return buffer_printf(context, why, "%d ", (int)rows);
}

/* What the decoder tells of it, in pieces of that size; NULL: it failed. */
static const char *read_script(struct slice script, size_t piece, struct buffer *found)
{
    const struct script_handler handler = {found, take_connect, take_rows};
    struct script_decoder *decoder = script_decoder_new(&handler, &err);
    bool done = true;

    buffer_clear(found);
    assert_non_null(decoder);
    while (done && script.len > 0)
        done = script_decoder_feed(
            decoder, slice_take(&script, piece < script.len ? piece : script.len), &err);
    done = done && script_decoder_finish(decoder, &err);
    script_decoder_free(decoder);
    return done ? buffer_text(found) : NULL;
}

static void finds(const char *script, const char *expected)
{
    struct buffer found = {0};

    for (size_t piece = 1; piece <= strlen(script); piece = piece * 3 + 1) {
        const char *text = read_script(slice_string(script), piece, &found);

        if (text == NULL)
            fail_msg("%s: %s", script, err.message);
        assert_string_equal(text, expected);
    }
    buffer_free(&found);
}

static void refuses(const char *script, const char *why)
{
    struct buffer found = {0};

    if (read_script(slice_string(script), 7, &found) != NULL)
        fail_msg("%s was taken", script);
    assert_int_equal(err.code, ERROR_CORRUPT);
    if (strstr(err.message, why) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", why, err.message);
    buffer_free(&found);
}

/* ---- Rows ---- */

static void rows_are_counted(void **state)
{
    (void)state;
    finds(END, "");
    finds("COPY t (a) FROM stdin;\n\\.\n\n" END, "0 ");
    finds("COPY \"t\" FROM stdin;\n1\n\n\\N\n.\n\\..\n\\.\n\ncopy x from STDIN ;\nx\n\\.\n" END,
          "5 1 ");
}

static void what_looks_like_rows_is_none(void **state)
{
    (void)state;
    finds("SELECT 'COPY t FROM stdin;\n';\n" END, "");
    finds("SELECT $$COPY t FROM stdin;\nx\n$$;\n" END, "");
    finds("SELECT $a$ $b$;\nCOPY t FROM stdin;\n$a $a$;\n" END, "");
    finds("/* COPY t FROM stdin;\n/* */ ; */ SELECT 1;\n" END, "");
    finds("-- COPY t FROM stdin;\nSELECT 1;\n" END, "");
    finds("COPY t FROM stdin WHERE true;\nSELECT 1;\n" END, "");
    finds("COPY t TO stdout;\nSELECT 1;\n" END, "");
    finds("GRANT COPY ON x FROM stdin;\nSELECT 1;\n" END, "");
    finds("COPY t \"FROM\" stdin;\nSELECT 1;\n" END, "");
    finds("COPY t FROM 'stdin';\nSELECT 1;\n" END, "");
}

static void rows_may_look_like_anything(void **state)
{
    (void)state;
    finds("COPY t FROM stdin;\n\\connect x\n'\n\"\n$$\n/*\n--\n\\!ls\n\\.\n" END, "7 ");
}

/* ---- Quotes ---- */

static void quotes_end_where_psql_ends_them(void **state)
{
    static const char rows[] = "COPY t FROM stdin;\n1\n\\.\n" END;
    static const char *const before[] = {
        "SELECT '\\';\n",
        "SELECT E'\\'; COPY';\n",
        "SELECT e'a''\\'';\n",
        "SELECT 'a'';COPY t FROM stdin;\n';\n",
        "SELECT \"a\"\";\n\" FROM x;\n",
        "SELECT namE'\\';\n",
        "SELECT $1;\n",
        "SELECT a$b$ FROM c;\n",
        "SELECT $_1\xc3\xa9$ $_1$ '$ $_1\xc3\xa9$;\n",
        "SELECT $a$ $$a$;\n",
        "SELECT 1 - -1 / 2 -- '\n;\n",
        "SELECT 1 /*/ ' */ * 2;\n",
        "SELECT /* /* ' */ \" */ 1;\n",
        "SELECT 2 */* ' */ 3;\n",
    };
    char script[256];

    (void)state;
    for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
        snprintf(script, sizeof(script), "%s%s", before[i], rows);
        finds(script, "1 ");
    }
}

/* ---- Commands ---- */

static void databases_are_told(void **state)
{
    (void)state;
    finds("\\connect app\n" END, "[app]");
    finds("\\connect \"a \"\"b\"\"\"\n" END, "[a \"b\"]");
    finds("\\connect -reuse-previous=on \"dbname='it\\'s \"\"x\"\" \\\\ ='\"\n" END,
          "[it's \"x\" \\ =]");
    finds("\\connect -reuse-previous=on dbname=x\nSELECT 1;\n\\connect y\n" END, "[x][y]");
}

static void other_commands_of_psql_are_refused(void **state)
{
    (void)state;
    refuses("SELECT 1;\n\\! rm -rf x\n" END, "line 2 is a command of psql");
    refuses("\\restrict x\n" END, "line 1 is a command");
    refuses("SELECT 1 \\g x\n" END, "line 1 has a command");
    refuses("SELECT 1;\n \\connect x\n" END, "line 2 has a command");
    refuses("SELECT 1\n\\connect x\n" END, "line 2 has a command");
    refuses("\\connectx\n" END, "is a command");
}

static void long_commands_and_tags_are_refused(void **state)
{
    struct buffer script = {0}, found = {0};

    (void)state;
    for (int tag = 0; tag <= 1; tag++) {
        buffer_clear(&script);
        assert_true(buffer_append_string(&script, tag ? "SELECT $" : "\\connect ", &err));
        for (int i = 0; i < 2000; i++)
            assert_true(buffer_append_byte(&script, 'a', &err));
        assert_true(buffer_append_string(&script, tag ? "$ $" : "\n" END, &err));
        assert_null(read_script(buffer_slice(&script), 100, &found));
        assert_non_null(strstr(err.message, "too long"));
    }
    buffer_free(&script);
    buffer_free(&found);
}

/* ---- The end ---- */

static void a_script_that_breaks_off_is_seen_at_every_byte(void **state)
{
    static const char script[] = "--\n-- PostgreSQL database cluster dump\n--\n\n"
                                 "CREATE ROLE \"x y\" PASSWORD 'a''b';\n\\connect \"x\"\n"
                                 "COPY t (a) FROM stdin;\n1\n2\n\\.\n"
                                 "CREATE FUNCTION f() AS $f$ -- '\n$f$;\n/* a */\n"
                                 "--\n-- PostgreSQL database dump complete\n--\n\n" END;
    struct buffer found = {0};
    const char *end = strstr(script, " cluster dump complete");

    (void)state;
    for (size_t len = 0; len <= sizeof(script) - 1; len++) {
        const char *text = read_script(slice_make(script, len), 5, &found);

        /* What follows the last comment is for the eye, as long as it is whole. */
        if ((text != NULL) != (len >= (size_t)(end - script) + strlen(" cluster dump complete\n") &&
                               script[len - 1] == '\n'))
            fail_msg("cut off at byte %zu", len);
    }
    buffer_free(&found);
}

static void nothing_may_follow_the_end(void **state)
{
    (void)state;
    refuses(END "SELECT 1;\n", "breaks off");
    refuses(END "SELECT", "breaks off");
    refuses(END ";\n", "breaks off");
    refuses(END "\\connect x\n", "breaks off");
    refuses(END "-- more\n", "breaks off");
    refuses(END "COPY t FROM stdin;\n\\.\n", "breaks off");
    refuses("SELECT\n" END, "breaks off");
    refuses("COPY t FROM stdin;\n" END, "breaks off");
    refuses("-- PostgreSQL database dump complete\n", "breaks off");
}

static bool fail_at(void *context, uint64_t rows, struct error *why)
{
    (void)context;
    (void)rows;
    return error_set(why, ERROR_USAGE, "enough");
}

static void what_failed_stays_failed(void **state)
{
    const struct script_handler handler = {NULL, NULL, fail_at};
    struct script_decoder *decoder = script_decoder_new(&handler, &err);

    (void)state;
    assert_false(script_decoder_feed(decoder, slice_string("COPY t FROM stdin;\n\\.\n" END), &err));
    assert_string_equal(err.message, "enough");
    error_clear(&err);
    assert_false(script_decoder_feed(decoder, slice_string(END), &err));
    assert_string_equal(err.message, "enough");
    assert_false(script_decoder_finish(decoder, &err));
    script_decoder_free(decoder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_counted),
        cmocka_unit_test(what_looks_like_rows_is_none),
        cmocka_unit_test(rows_may_look_like_anything),
        cmocka_unit_test(quotes_end_where_psql_ends_them),
        cmocka_unit_test(databases_are_told),
        cmocka_unit_test(other_commands_of_psql_are_refused),
        cmocka_unit_test(long_commands_and_tags_are_refused),
        cmocka_unit_test(a_script_that_breaks_off_is_seen_at_every_byte),
        cmocka_unit_test(nothing_may_follow_the_end),
        cmocka_unit_test(what_failed_stays_failed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
