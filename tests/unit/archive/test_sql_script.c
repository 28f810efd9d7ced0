/* Scripts for psql, cut into statements, rows and \connect: whole, split at every byte, cut off at
 * every byte, and made so that what is quoted looks like rows, or rows like commands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "archive/sql_script.h"
#include "base/buffer.h"

#include <inttypes.h>
#include <stdio.h>

static struct error err;

#define BEGIN "--\n-- PostgreSQL database cluster dump\n--\n\n"
#define END "--\n-- PostgreSQL database cluster dump complete\n--\n\n"

/* What came of a script, for people; and all that was fed, put together again. */
struct found {
    struct buffer told, rows, all;
};

static bool take_statement(void *context, const struct sql_statement *statement, struct error *why)
{
    struct found *found = context;

    assert_int_equal(statement->text.data[statement->text.len], 0);
    return buffer_printf(&found->told, why, "{%.*s}", (int)statement->text.len,
                         (const char *)statement->text.data) &&
           buffer_append(&found->all, statement->text.data, statement->text.len, why);
}

static bool take_connect(void *context, const char *database, uint64_t line, struct error *why)
{
    struct found *found = context;

    (void)line;
    return buffer_printf(&found->told, why, "[%s]", database);
}

static bool take_rows(void *context, struct slice bytes, struct error *why)
{
    struct found *found = context;

    return buffer_append(&found->rows, bytes.data, bytes.len, why) &&
           buffer_append(&found->all, bytes.data, bytes.len, why);
}

static bool take_rows_end(void *context, uint64_t rows, struct error *why)
{
    struct found *found = context;
    bool told = buffer_printf(&found->told, why, "<%s>%" PRIu64, buffer_text(&found->rows), rows);

    buffer_clear(&found->rows);
    return told;
}

static bool take_passed(void *context, struct slice bytes, struct error *why)
{
    struct found *found = context;

    return buffer_append(&found->all, bytes.data, bytes.len, why);
}

static void found_clear(struct found *found)
{
    buffer_clear(&found->told);
    buffer_clear(&found->rows);
    buffer_clear(&found->all);
}

static void found_free(struct found *found)
{
    buffer_free(&found->told);
    buffer_free(&found->rows);
    buffer_free(&found->all);
}

/* What is told of it, in pieces of that size; NULL: it failed. */
static const char *read_script(struct slice script, size_t piece, struct found *found)
{
    const struct sql_script_handler handler = {.context = found,
                                               .statement = take_statement,
                                               .rows = take_rows,
                                               .rows_end = take_rows_end,
                                               .connect = take_connect,
                                               .passed = take_passed};
    struct sql_script *decoder = sql_script_new(&handler, &err);
    bool done = true;

    found_clear(found);
    assert_non_null(decoder);
    while (done && script.len > 0)
        done = sql_script_feed(decoder,
                               slice_take(&script, piece < script.len ? piece : script.len), &err);
    done = done && sql_script_finish(decoder, &err);
    sql_script_free(decoder);
    return done ? buffer_text(&found->told) : NULL;
}

static void finds_bytes(struct slice script, const char *expected)
{
    struct found found = {0};

    for (size_t piece = 1; piece <= script.len; piece++) {
        const char *text = read_script(script, piece, &found);

        if (text == NULL)
            fail_msg("%s: %s", (const char *)script.data, err.message);
        assert_string_equal(text, expected);
        assert_true(slice_equals(buffer_slice(&found.all), script));
    }
    found_free(&found);
}

static void finds(const char *script, const char *expected)
{
    finds_bytes(slice_string(script), expected);
}

static void refuses(const char *script, const char *why)
{
    struct found found = {0};

    for (size_t piece = 1; piece <= strlen(script); piece += 6) {
        if (read_script(slice_string(script), piece, &found) != NULL)
            fail_msg("%s was taken: %s", script, buffer_text(&found.told));
        if (strstr(err.message, why) == NULL)
            fail_msg("\"%s\" is not in \"%s\"", why, err.message);
    }
    found_free(&found);
}

/* ---- Rows ---- */

static void rows_follow_a_copy(void **state)
{
    (void)state;
    finds(END, "");
    finds("COPY t (a) FROM stdin;\n\\.\n\n", "{COPY t (a) FROM stdin;}<>0");
    finds("COPY \"t\" FROM stdin;\n1\n\n\\N\n.\n\\..\n\\.\n\ncopy x from STDIN ;\nx\n\\.\n",
          "{COPY \"t\" FROM stdin;}<1\n\n\\N\n.\n\\..\n>5{copy x from STDIN ;}<x\n>1");
    finds("COPY a.b.c FROM STDIN WITH (FORMAT csv);  \r\n\\.\r\n", /* as psql ends them */
          "{COPY a.b.c FROM STDIN WITH (FORMAT csv);}<>0");
    finds("COPY t FROM stdout;\n1\r\n\\.\r\n", "{COPY t FROM stdout;}<1\r\n>1");
    finds("COPY t FROM stdin WHERE true;\n1\n\\.\n", "{COPY t FROM stdin WHERE true;}<1\n>1");
    finds("COPY t FROM stdin;\n\\.\rx\n\\\n\\.\n", "{COPY t FROM stdin;}<\\.\rx\n\\\n>2");
}

static void what_looks_like_rows_is_none(void **state)
{
    (void)state;
    finds("SELECT 'COPY t FROM stdin;\n';\n", "{SELECT 'COPY t FROM stdin;\n';}");
    finds("SELECT $$COPY t FROM stdin;\nx\n$$;\n", "{SELECT $$COPY t FROM stdin;\nx\n$$;}");
    finds("SELECT $a$ $b$;\nCOPY t FROM stdin;\n$a $a$;", "{SELECT $a$ $b$;\nCOPY t FROM stdin;\n"
                                                          "$a $a$;}");
    finds("/* COPY t FROM stdin;\n/* */ ; */ SELECT 1;", "{SELECT 1;}");
    finds("-- COPY t FROM stdin;\nSELECT 1;", "{SELECT 1;}");
    finds("COPY t TO stdout;\nSELECT 1;", "{COPY t TO stdout;}{SELECT 1;}");
    finds("GRANT COPY ON x FROM stdin;\n1;", "{GRANT COPY ON x FROM stdin;}{1;}");
    finds("COPY t \"FROM\" stdin;\n1;", "{COPY t \"FROM\" stdin;}{1;}");
    finds("COPY t FROM 'stdin';\n1;", "{COPY t FROM 'stdin';}{1;}");
    finds("COPY (SELECT 1 FROM stdin) TO stdout;1;", "{COPY (SELECT 1 FROM stdin) TO stdout;}{1;}");
}

static void rows_may_look_like_anything(void **state)
{
    (void)state;
    finds("COPY t FROM stdin;\n\\connect x\n'\n\"\n$$\n/*\n--\n\\!ls\n\\.\n1;",
          "{COPY t FROM stdin;}<\\connect x\n'\n\"\n$$\n/*\n--\n\\!ls\n>7{1;}");
}

static void rows_that_no_script_can_have_are_refused(void **state)
{
    (void)state;
    refuses("COPY BINARY t FROM stdin;\n\\.\n", "in binary");
    refuses("COPY t FROM stdin WITH BINARY;\n\\.\n", "in binary");
    refuses("\n\nCOPY t FROM stdin (FORMAT 'Binary');\n\\.\n", "line 3 of the script copies");
    refuses("COPY t FROM stdin; SELECT 1;\n\\.\n", "line 1 has something behind its COPY");
    refuses("COPY t FROM stdin;\n\\.", "breaks off in line 2, before the end mark");
    refuses("COPY t FROM stdin;\n1\n", "before the end mark");
    refuses("COPY t FROM stdin;", "before the end mark");
}

/* ---- Statements ---- */

static void statements_end_where_the_server_ends_them(void **state)
{
    static const char *const alone[] = {
        "SELECT '\\';",
        "SELECT E'\\'; COPY';",
        "SELECT e'a''\\'';",
        "SELECT E'a'\n  '\\';';", /* goes on as it began */
        "SELECT E'a' -- ;\n'\\'; ';",
        "SELECT 'a'';COPY t FROM stdin;\n';",
        "SELECT \"a\"\";\n\" FROM x;",
        "SELECT namE'\\';",
        "SELECT N'\\';",
        "SELECT b'01;' , x'1;';",
        "SELECT U&'\\;' , u&\"d\\;\";",
        "SELECT $1;",
        "SELECT $1$a$;$a$;",
        "SELECT 1$a$;$a$;",
        "SELECT a$b$ FROM c$b$;",
        "SELECT $_1\xc3\xa9$ $_1$ ';$ $_1\xc3\xa9$;",
        "SELECT $a$ $$a$;",
        "SELECT $a$;$b$a$a$;",
        "SELECT $$;$a$;$$;",
        "SELECT 1 - -1 / 2 -- '\n;",
        "SELECT 1 -- a \r;",
        "SELECT 1 /*/ ' */ * 2;",
        "SELECT /* /* ' */ \" ; */ 1;",
        "SELECT 2 */* ' */ 3;",
        "SELECT 2 +-- ;\n 3;",
        "SELECT a[1:n], :'x;', b::text;",
        "CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT ')';);",
        "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END;",
        "create or replace procedure p() begin atomic; end;",
        "CREATE PROCEDURE p() BEGIN ATOMIC SELECT CASE a WHEN b THEN CASE c END END; END;",
        "CREATE PROCEDURE p() BEGIN ATOMIC SELECT (CASE WHEN x THEN 1 END), t.end, 1 AS end; END;",
        "CREATE PROCEDURE p() BEGIN ATOMIC SELECT 1 AS end, 'END;'; SELECT 2; END;",
        "CREATE FUNCTION public.begin() RETURNS int LANGUAGE sql AS 'SELECT 1';",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql RETURN CASE WHEN a THEN 1 END;",
        "CREATE FUNCTION \"begin\"() RETURNS int AS $$ BEGIN ATOMIC $$;",
        "BEGIN;",
        "END;",
    };
    char script[512], expected[512];

    (void)state;
    for (size_t i = 0; i < sizeof(alone) / sizeof(alone[0]); i++) {
        snprintf(script, sizeof(script), "%s\nCOPY t FROM stdin;\n1\n\\.\n", alone[i]);
        snprintf(expected, sizeof(expected), "{%s}{COPY t FROM stdin;}<1\n>1", alone[i]);
        finds(script, expected);
    }
    finds(";; /* */ ;\n-1; /1; a;b;", "{-1;}{/1;}{a;}{b;}");
    finds("\xef\xbb\xbfSELECT 1;", "{SELECT 1;}");
    finds("\xef\xbb\xbe;", "{\xef\xbb\xbe;}");
}

static void settings_of_the_lexer_are_followed(void **state)
{
    (void)state;
    finds("SET standard_conforming_strings = off;\nSELECT '\\';';SELECT U&'\\';SELECT B'\\';",
          "{SET standard_conforming_strings = off;}{SELECT '\\';';}{SELECT U&'\\';}"
          "{SELECT B'\\';}");
    finds("SET SESSION standard_conforming_strings TO 'False' ;SELECT '\\';';"
          "SET standard_conforming_strings=on;'\\';",
          "{SET SESSION standard_conforming_strings TO 'False' ;}{SELECT '\\';';}"
          "{SET standard_conforming_strings=on;}{'\\';}");
    finds("SET standard_conforming_strings = off;\n\\connect x\n'\\';",
          "{SET standard_conforming_strings = off;}[x]{'\\';}");
    /* 0x83 0x5c is one character of SJIS, 0xb1 one by itself. */
    finds("SET client_encoding = 'Shift-JIS';SELECT E'\x83\\';\nSELECT \x83\\x;E'\xb1\\';';",
          "{SET client_encoding = 'Shift-JIS';}{SELECT E'\x83\\';}{SELECT \x83\\x;}"
          "{E'\xb1\\';';}");
    finds("SET client_encoding = 'gbk';SELECT E'\xb1\\';SELECT '\x81';",
          "{SET client_encoding = 'gbk';}{SELECT E'\xb1\\';}{SELECT '\x81';}");
    finds("SET client_encoding = 'UTF8';E'\xb1\\';';", "{SET client_encoding = 'UTF8';}"
                                                       "{E'\xb1\\';';}");
}

static void lines_and_kinds_are_told(void **state)
{
    static const struct {
        const char *text;
        enum sql_kind kind;
    } cases[] = {
        {"SET a = 1;", SQL_KIND_SET},
        {"begin;", SQL_KIND_BEGIN},
        {"START TRANSACTION;", SQL_KIND_BEGIN},
        {"COMMIT;", SQL_KIND_COMMIT},
        {"END;", SQL_KIND_COMMIT},
        {"ROLLBACK;", SQL_KIND_ROLLBACK},
        {"ROLLBACK WORK TO x;", SQL_KIND_TRANSACTION},
        {"ROLLBACK PREPARED 'x';", SQL_KIND_OTHER},
        {"SAVEPOINT x;", SQL_KIND_TRANSACTION},
        {"COPY t (a, \"b\") FROM stdin;", SQL_KIND_COPY_IN},
        {"COPY t TO stdout;", SQL_KIND_COPY_OUT},
        {"COPY t FROM '/x';", SQL_KIND_OTHER},
        {"CREATE ROLE x;", SQL_KIND_CREATE_ROLE},
        {"CREATE USER mapping;", SQL_KIND_CREATE_ROLE},
        {"CREATE USER MAPPING FOR x SERVER y;", SQL_KIND_OTHER},
        {"alter role x;", SQL_KIND_ALTER_ROLE},
        {"CREATE DATABASE \"x;\" ;", SQL_KIND_CREATE_DATABASE},
        {"DROP DATABASE x;", SQL_KIND_DROP_DATABASE},
        {"CREATE TABLESPACE x LOCATION '';", SQL_KIND_CREATE_TABLESPACE},
        {"CREATE TABLE role (a int);", SQL_KIND_OTHER},
    };
    enum sql_kind kind;
    struct slice text, statement;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        text = slice_string(cases[i].text);
        assert_true(sql_statement_next(&text, false, &kind, &statement));
        if (kind != cases[i].kind)
            fail_msg("%s is %d", cases[i].text, (int)kind);
        assert_int_equal(statement.len, strlen(cases[i].text));
        assert_int_equal(text.len, 0);
    }
}

static bool note_line(void *context, const struct sql_statement *statement, struct error *why)
{
    return buffer_printf(context, why, "%" PRIu64 " ", statement->line);
}

static void statements_have_lines(void **state)
{
    static const char script[] = "-- a\n\nSELECT\n1;/*\n*/ 2; 3;\nCOPY t FROM stdin;\na\n\\.\n"
                                 "\\connect x\n'\n';-\n4;";
    struct buffer lines = {0};
    const struct sql_script_handler handler = {.context = &lines, .statement = note_line};

    (void)state;
    for (size_t piece = 1; piece < sizeof(script); piece++) {
        struct slice text = slice_string(script);
        struct sql_script *decoder = sql_script_new(&handler, &err);

        buffer_clear(&lines);
        while (text.len > 0)
            assert_true(sql_script_feed(
                decoder, slice_take(&text, piece < text.len ? piece : text.len), &err));
        assert_string_equal(buffer_text(&lines), "3 5 5 6 10 11 ");
        sql_script_free(decoder);
    }
    buffer_free(&lines);
}

static void statements_are_taken_off_a_text(void **state)
{
    struct slice text = slice_string("-- a\nINSERT INTO t VALUES (';');\n\n;INSERT 'a\\';x'; b"),
                 one;

    (void)state;
    assert_true(sql_statement_next(&text, true, NULL, &one));
    assert_true(slice_equals(one, slice_string("INSERT INTO t VALUES (';');")));
    assert_true(sql_statement_next(&text, true, NULL, &one));
    assert_true(slice_equals(one, slice_string("INSERT 'a\\';x';")));
    assert_true(sql_statement_next(&text, true, NULL, &one));
    assert_true(slice_equals(one, slice_string("b")));
    assert_false(sql_statement_next(&text, true, NULL, &one));
    text = slice_string(" -- x");
    assert_false(sql_statement_next(&text, false, NULL, &one));
}

static void names_are_read_as_the_server_reads_them(void **state)
{
    static const char *const cases[][2] = {
        {"CREATE ROLE Abc;", "abc"},
        {"CREATE ROLE \"A \"\"b\"\"\" WITH LOGIN;", "A \"b\""},
        {"DROP /* x */ ROLE IF EXISTS \"if\";", "if"},
        {"CREATE DATABASE \"if\" TEMPLATE x", "if"},
        {"DROP DATABASE \xc3\x84\x42;", "\xc3\x84"
                                        "b"},
    };
    struct buffer name = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        buffer_clear(&name);
        assert_true(sql_statement_name(slice_string(cases[i][0]), &name, &err));
        assert_string_equal(buffer_text(&name), cases[i][1]);
    }
    assert_false(sql_statement_name(slice_string("CREATE ROLE ;"), &name, &err));
    assert_false(sql_statement_name(slice_string("CREATE ROLE 'x';"), &name, &err));
    buffer_free(&name);
}

static void excerpts_have_no_passwords(void **state)
{
    static const char *const cases[][2] = {
        {"ALTER ROLE a WITH\n  LOGIN PASSWORD 'se''cret' VALID UNTIL '2030';",
         "ALTER ROLE a WITH LOGIN PASSWORD '...' VALID UNTIL '2030'"},
        {"ALTER ROLE a PASSWORD E'sec\\'ret';", "ALTER ROLE a PASSWORD '...'"},
        {"ALTER ROLE a PASSWORD $x$secret", "ALTER ROLE a PASSWORD"},
        {"ALTER ROLE a PASSWORD 'secret", "ALTER ROLE a PASSWORD"},
        {"CREATE USER MAPPING FOR a SERVER s OPTIONS (\"user\" 'u', \"password\" 'secret');",
         "CREATE USER MAPPING FOR a SERVER s OPTIONS (\"user\" 'u', \"password\" '...')"},
        {"ALTER ROLE a PASSWORD U&'s\\0065cret' x", "ALTER ROLE a PASSWORD '...'"},
        {"ALTER ROLE a PASSWORD u&'secret' VALID UNTIL '2030'",
         "ALTER ROLE a PASSWORD '...' VALID UNTIL '2030'"},
        {"ALTER ROLE a PASSWORD $$sec'ret$$ LOGIN", "ALTER ROLE a PASSWORD '...' LOGIN"},
        {"ALTER ROLE a PASSWORD 'sec'\n'ret' LOGIN", "ALTER ROLE a PASSWORD '...' '...' LOGIN"},
        {"ALTER ROLE a PASSWORD 'sec\\'ret'' LOGIN", "ALTER ROLE a PASSWORD '...'"},
        {"ALTER SUBSCRIPTION s SET (password = 'secret', x = 'y')",
         "ALTER SUBSCRIPTION s SET (password = '...', x = 'y')"},
        {"CREATE USER MAPPING FOR a SERVER s OPTIONS (user E'u', token E'secret');",
         "CREATE USER MAPPING FOR a SERVER s OPTIONS (user E'u', token '...')"},
        {"DO $$ ALTER ROLE a PASSWORD 'secret' $$", "DO '...'"},
        {"SELECT dblink_connect('host=h password=secret', 'other')",
         "SELECT dblink_connect('...', 'other')"},
        {"CREATE SUBSCRIPTION s CONNECTION 'password=secret' PUBLICATION p;",
         "CREATE SUBSCRIPTION s CONNECTION '...' PUBLICATION p"},
    };
    struct buffer out = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        buffer_clear(&out);
        assert_true(sql_statement_excerpt(slice_string(cases[i][0]), 200, &out, &err));
        assert_string_equal(buffer_text(&out), cases[i][1]);
    }
    buffer_clear(&out);
    assert_true(sql_statement_excerpt(slice_string("SELECT abcdef;"), 9, &out, &err));
    assert_string_equal(buffer_text(&out), "SELECT ab");
    buffer_free(&out);
}

static void what_is_told_has_no_secrets(void **state)
{
    static const char *const cases[][3] = {
        {"CREATE  SUBSCRIPTION s\nCONNECTION 'host=h password=secret' PUBLICATION p;",
         "CREATE  SUBSCRIPTION s\nCONNECTION '...' PUBLICATION p", "secret"},
        {"CREATE SUBSCRIPTION s CONNECTION 'password = ''a \\''secret b'' user=x' PUBLICATION p;",
         "CREATE SUBSCRIPTION s CONNECTION '...'", "a \\''secret b"},
        {"CREATE SUBSCRIPTION s CONNECTION E'password=\\'a secret\\' user=x' PUBLICATION p;",
         "CREATE SUBSCRIPTION s CONNECTION '...' PUBLICATION p", "a secret"},
        {"CREATE SUBSCRIPTION s CONNECTION $$password='a secret' user=x$$ PUBLICATION p;",
         "CREATE SUBSCRIPTION s CONNECTION '...' PUBLICATION p", "a secret"},
        {"CREATE SUBSCRIPTION s CONNECTION $$password = 'a secret$$;",
         "CREATE SUBSCRIPTION s CONNECTION '...'", "a secret"},
        {"ALTER ROLE a PASSWORD $x$secret$x$;", "ALTER ROLE a PASSWORD '...'", "secret"},
        {"ALTER ROLE a PASSWORD E'secret';", "ALTER ROLE a PASSWORD '...'", "secret"},
        {"CREATE SUBSCRIPTION s CONNECTION 'postgres://u:secret@host/db' PUBLICATION p;",
         "CREATE SUBSCRIPTION s CONNECTION '...' PUBLICATION p", "secret"},
    };
    struct buffer out = {0}, secrets = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bool found = false;

        buffer_clear(&out);
        buffer_clear(&secrets);
        assert_true(sql_statement_told(slice_string(cases[i][0]), 200, &out, &secrets, &err));
        assert_string_equal(buffer_text(&out), cases[i][1]);
        for (size_t at = 0; at < secrets.len; at += strlen((char *)secrets.data + at) + 1)
            found |= strcmp((char *)secrets.data + at, cases[i][2]) == 0;
        assert_true(found);
    }
    buffer_clear(&secrets);
    buffer_clear(&out);
    assert_true(sql_statement_told(slice_string("CREATE  TABLE t ();"), 200, &out, &secrets, &err));
    assert_string_equal(buffer_text(&out), "CREATE  TABLE t ()");
    assert_int_equal(secrets.len, 0);
    buffer_free(&out);
    buffer_free(&secrets);
}

/* ---- Commands ---- */

static void databases_are_told(void **state)
{
    (void)state;
    finds("\\connect app\n", "[app]");
    finds("\\connect app\r\n", "[app]");
    finds("\\connect \"a \"\"b\"\"\"\n", "[a \"b\"]");
    finds(
        "\\encoding SQL_ASCII\n\\connect -reuse-previous=on \"dbname='it\\'s \"\"x\"\" \\\\ ='\"\n",
        "[it's \"x\" \\ =]");
    finds("\\connect -reuse-previous=on dbname=x\nSELECT 1;\n\\connect y\n", "[x]{SELECT 1;}[y]");
    finds("\\connect -reuse-previous=on \"postgresql:///a%20%22%2f\"\n", "[a \"/]");
}

static void other_places_are_refused(void **state)
{
    static const char *const arguments[] = {
        "",
        "a b",
        "a postgres evil 5432",
        "\"a\" b",
        "\"a",
        "\"a\"b",
        "\"a\"\"",
        "-",
        "\"-\"",
        "a=b",
        "\"host=evil\"",
        "host=evil",
        "postgresql://evil/a",
        "\"postgres://evil\"",
        "`ls`",
        ":x",
        "-reuse-previous=on \"dbname=a host=evil\"",
        "-reuse-previous=on \"dbname='a' host=evil\"",
        "-reuse-previous=on \"dbname='a\"",
        "-reuse-previous=on \"dbname='a\\\"",
        "-reuse-previous=on \"postgresql://evil/a\"",
        "-reuse-previous=on \"postgresql:///a?host=b\"",
        "-reuse-previous=on \"postgresql:///a%0\"",
        "-reuse-previous=on \"postgresql:///a%00b\"",
        "-reuse-previous=on \"postgresql:///\"",
        "-reuse-previous=on host=evil",
        "-reuse-previous=off dbname=a",
        "-reuse-previous=on",
        "-reuse-previous=on dbname=a b",
    };
    char script[200];

    (void)state;
    for (size_t i = 0; i < sizeof(arguments) / sizeof(arguments[0]); i++) {
        snprintf(script, sizeof(script), "SELECT 1;\n\\connect %s\n", arguments[i]);
        refuses(script, "line 2 of the script has psql's command \\connect in a form");
    }
}

static void other_commands_of_psql_are_refused(void **state)
{
    (void)state;
    refuses("SELECT 1;\n\\! rm -rf x\n", "line 2 of the script has psql's command \\!");
    refuses("\\!ls\n", "command \\!ls");
    refuses("\\copy t from 'x'\n", "line 1 of the script has psql's command \\copy");
    refuses("SELECT 1 \\g x\n", "\\g");
    refuses("SELECT 1\n\\gexec\n", "line 2 of the script has psql's command \\gexec");
    refuses("SELECT (1\n\n\\i x\n", "line 3 of the script has psql's command \\i");
    refuses("SELECT 1\\;\n", "command \\;");
    refuses("SELECT 1; \\connect x\n", "\\connect");
    refuses(" \\connect x\n", "\\connect");
    refuses("SELECT 1\n\\connect x\n", "line 2 of the script has psql's command \\connect");
    refuses("\\connect x \\! ls\n", "\\connect in a form");
    refuses("\\connectx\n", "\\connectx");
    refuses("\\encoding UTF8\n", "\\encoding");
    refuses("\\encoding SQL_ASCII \\!ls\n", "\\encoding");
    refuses("\\.\n", "command \\.");
    refuses("\\\n", "command \\");
    refuses("\\!", "breaks off in line 1, in a command");
}

static void restricted_scripts_have_no_commands(void **state)
{
    (void)state;
    finds("\\restrict aB1\n\nSELECT 1;\n\\unrestrict aB1\n\\connect x\n\\restrict c\n\\unrestrict "
          "c\n",
          "{SELECT 1;}[x]");
    refuses("\\restrict a\n\\connect x\n", "\\connect behind a \\restrict");
    refuses("\\restrict a\n\\restrict b\n", "\\restrict behind a \\restrict");
    refuses("\\restrict a\n\\unrestrict b\n\\connect x\n", "another key");
    refuses("\\restrict a\n\\unrestrict a b\n", "another key");
    refuses("\\restrict a\nSELECT 1\\unrestrict a\n", "\\unrestrict");
    refuses("\\unrestrict a\n", "without a \\restrict");
    refuses("\\restrict `ls`\n", "without a key");
    refuses("\\restrict \n", "without a key");
    refuses("\\restrict\n", "\\restrict");
    refuses("\\restrict a\nSELECT 1;\n", "its \\unrestrict is missing");
}

static void long_commands_and_tags_are_refused(void **state)
{
    struct buffer script = {0};
    struct found found = {0};

    (void)state;
    for (int tag = 0; tag <= 1; tag++) {
        buffer_clear(&script);
        assert_true(buffer_append_string(&script, tag ? "SELECT $" : "\\connect ", &err));
        for (int i = 0; i < 2000; i++)
            assert_true(buffer_append_byte(&script, 'a', &err));
        assert_true(buffer_append_string(&script, tag ? "$ $" : "\n" END, &err));
        assert_null(read_script(buffer_slice(&script), 100, &found));
        assert_non_null(strstr(err.message, tag ? "too long" : "\\connect"));
    }
    assert_null(read_script(slice_make("SELECT 1;\n\0;", 12), 100, &found));
    assert_non_null(strstr(err.message, "line 2 has a zero byte"));
    buffer_free(&script);
    found_free(&found);
}

/* ---- The end ---- */

static void a_script_that_breaks_off_is_seen_at_every_byte(void **state)
{
    static const char script[] = BEGIN "CREATE ROLE \"x y\" PASSWORD 'a''b';\n\\connect \"x\"\n"
                                       "COPY t (a) FROM stdin;\n1\n2\n\\.\n"
                                       "CREATE FUNCTION f() AS $f$ -- '\n$f$;\n/* a */\n"
                                       "--\n-- PostgreSQL database dump complete\n--\n\n" END;
    struct found found = {0};
    const char *end = strstr(script, " cluster dump complete");

    (void)state;
    for (size_t len = sizeof(BEGIN) - 4; len <= sizeof(script) - 1; len++) {
        const char *text = read_script(slice_make(script, len), 5, &found);

        /* What follows the last comment is for the eye, as long as it is whole. */
        if ((text != NULL) != (len >= (size_t)(end - script) + strlen(" cluster dump complete\n") &&
                               script[len - 1] == '\n'))
            fail_msg("cut off at byte %zu", len);
    }
    found_free(&found);
}

static void nothing_may_follow_the_end(void **state)
{
    (void)state;
    refuses(BEGIN END "SELECT 1;\n", "breaks off");
    refuses(BEGIN END "SELECT", "breaks off");
    refuses(BEGIN END ";\n", "breaks off");
    refuses(BEGIN END "\\connect x\n", "breaks off");
    refuses(BEGIN END "-- more\n", "breaks off");
    refuses(BEGIN END "COPY t FROM stdin;\n\\.\n", "breaks off");
    refuses(BEGIN "SELECT\n" END, "breaks off");
    refuses(BEGIN "-- PostgreSQL database dump complete\n", "breaks off");
    refuses(BEGIN "SELECT 1;", "breaks off");
    refuses("-- PostgreSQL database dump\n\n" END, "breaks off");
    finds("-- PostgreSQL database dump\n1;\n-- PostgreSQL database dump complete\n\n", "{1;}");
    finds("1;\n" END, "{1;}"); /* as globals.sql has been */
    refuses("1;\n" END "2;\n", "breaks off");
    finds("SELECT 1; -- the rest", "{SELECT 1;}");
    refuses("SELECT 1; SELECT 2", "statement of line 1 has no end");
    refuses("\nSELECT 'a", "statement of line 2 has no end");
    refuses("/* a", "no end");
}

/* ---- Comments that name an entry ---- */

static void entry_is(const char *comment, const char *expected)
{
    const struct sql_script_handler handler = {.context = NULL};
    struct sql_script *decoder = sql_script_new(&handler, &err);

    assert_true(sql_script_feed(decoder, slice_string("--\n-- "), &err));
    assert_true(sql_script_feed(decoder, slice_string(comment), &err));
    assert_true(sql_script_feed(decoder, slice_string("\n--\n\nSELECT"), &err));
    assert_string_equal(sql_script_entry(decoder), expected);
    sql_script_free(decoder);
}

static void comments_name_entries(void **state)
{
    (void)state;
    entry_is("Name: t; Type: TABLE; Schema: public; Owner: me", "TABLE public.t");
    entry_is("Data for Name: t; Type: TABLE DATA; Schema: a b; Owner: -", "TABLE DATA a b.t");
    entry_is("Name: EXTENSION x; Type: COMMENT; Schema: -; Owner: ", "COMMENT EXTENSION x");
    entry_is("Name: a; Type: b; Type: INDEX; Schema: s; Owner: o; Tablespace: t",
             "INDEX s.a; Type: b");
    entry_is("Statistics for Name: t; Type: STATISTICS DATA; Schema: s; Owner: -",
             "STATISTICS DATA s.t");
    entry_is("Name: t; Type: TABLE", "");
    entry_is("Roles", "");
}

static bool fail_at(void *context, uint64_t rows, struct error *why)
{
    (void)context;
    (void)rows;
    return error_set(why, ERROR_USAGE, "enough");
}

static void what_failed_stays_failed(void **state)
{
    const struct sql_script_handler handler = {.rows_end = fail_at};
    struct sql_script *decoder = sql_script_new(&handler, &err);

    (void)state;
    assert_false(sql_script_feed(decoder, slice_string("COPY t FROM stdin;\n\\.\n" END), &err));
    assert_string_equal(err.message, "enough");
    error_clear(&err);
    assert_false(sql_script_feed(decoder, slice_string(END), &err));
    assert_string_equal(err.message, "enough");
    assert_false(sql_script_finish(decoder, &err));
    sql_script_free(decoder);
}

/* Without somebody who wants it, a statement of any length passes through. */
static void statements_that_nobody_wants_are_not_held(void **state)
{
    const struct sql_script_handler handler = {.context = NULL};
    struct sql_script *decoder = sql_script_new(&handler, &err);
    static uint8_t piece[1 << 20];

    (void)state;
    memset(piece, 'a', sizeof(piece));
    assert_true(sql_script_feed(decoder, slice_string("SELECT '"), &err));
    for (int i = 0; i < 16; i++)
        assert_true(sql_script_feed(decoder, slice_make(piece, sizeof(piece)), &err));
    assert_true(sql_script_feed(decoder, slice_string("';COPY t FROM stdin;\n1\n\\.\n"), &err));
    assert_int_equal(sql_script_rows(decoder), 1);
    assert_true(sql_script_finish(decoder, &err));
    sql_script_free(decoder);
}

/* ---- Statements that are not held ---- */

static bool add_rest(void *context, struct slice bytes, struct error *why)
{
    struct found *found = context;

    return buffer_append(&found->rows, bytes.data, bytes.len, why);
}

static bool take_beginning(void *context, const struct sql_statement *statement, struct error *why)
{
    struct found *found = context;

    assert_int_equal(statement->text.data[statement->text.len], 0);
    assert_int_equal(statement->rest, found->rows.len);
    if (!buffer_printf(&found->told, why, "{%.*s|%.*s}", (int)statement->text.len,
                       (const char *)statement->text.data, (int)found->rows.len,
                       buffer_text(&found->rows)))
        return false;
    buffer_clear(&found->rows);
    return true;
}

static bool read_beginnings(struct slice script, size_t piece, struct found *found)
{
    const struct sql_script_handler handler = {
        .context = found, .statement = take_beginning, .rest = add_rest, .held = 20};
    struct sql_script *decoder = sql_script_new(&handler, &err);
    bool done = true;

    found_clear(found);
    while (done && script.len > 0)
        done = sql_script_feed(decoder,
                               slice_take(&script, piece < script.len ? piece : script.len), &err);
    done = done && sql_script_finish(decoder, &err);
    sql_script_free(decoder);
    return done;
}

static void the_rest_of_a_long_statement_is_handed_on(void **state)
{
    const struct slice script = slice_string("SELECT 1; -- x\nSELECT '34567890123;56';/*;*/"
                                             "INSERT INTO t VALUES (1);INSERT INTO t VALUES;"
                                             "COPY t FROM stdin;\nSELECT 'none of it';\n\\.\n"
                                             "ALTER ROLE r SET a = '0123456789';");
    struct found found = {0};

    (void)state;
    for (size_t piece = 1; piece <= script.len; piece++) {
        assert_true(read_beginnings(script, piece, &found));
        assert_string_equal(buffer_text(&found.told),
                            "{SELECT 1;|}{SELECT '34567890123;|56';}"
                            "{INSERT INTO t VALUES| (1);}{INSERT INTO t VALUES|;}"
                            "{COPY t FROM stdin;|}{ALTER ROLE r SET a =| '0123456789';}");
    }
    found_free(&found);
}

static void what_is_read_as_a_whole_may_not_be_long(void **state)
{
    static const char *const scripts[] = {
        "CREATE DATABASE d TEMPLATE template0;", "CREATE ROLE r PASSWORD 'x y z';",
        "COPY t (a, b, c, d) FROM stdin;\n\\.\n", "BEGIN /* 0123456789012 */;"};
    struct found found = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
        assert_false(read_beginnings(slice_string(scripts[i]), 7, &found));
        assert_non_null(strstr(err.message, "statement of line 1 is longer than 1 MiB"));
    }
    found_free(&found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_follow_a_copy),
        cmocka_unit_test(what_looks_like_rows_is_none),
        cmocka_unit_test(rows_may_look_like_anything),
        cmocka_unit_test(rows_that_no_script_can_have_are_refused),
        cmocka_unit_test(statements_end_where_the_server_ends_them),
        cmocka_unit_test(settings_of_the_lexer_are_followed),
        cmocka_unit_test(lines_and_kinds_are_told),
        cmocka_unit_test(statements_have_lines),
        cmocka_unit_test(statements_are_taken_off_a_text),
        cmocka_unit_test(names_are_read_as_the_server_reads_them),
        cmocka_unit_test(excerpts_have_no_passwords),
        cmocka_unit_test(what_is_told_has_no_secrets),
        cmocka_unit_test(databases_are_told),
        cmocka_unit_test(other_places_are_refused),
        cmocka_unit_test(other_commands_of_psql_are_refused),
        cmocka_unit_test(restricted_scripts_have_no_commands),
        cmocka_unit_test(long_commands_and_tags_are_refused),
        cmocka_unit_test(a_script_that_breaks_off_is_seen_at_every_byte),
        cmocka_unit_test(nothing_may_follow_the_end),
        cmocka_unit_test(comments_name_entries),
        cmocka_unit_test(what_failed_stays_failed),
        cmocka_unit_test(statements_that_nobody_wants_are_not_held),
        cmocka_unit_test(the_rest_of_a_long_statement_is_handed_on),
        cmocka_unit_test(what_is_read_as_a_whole_may_not_be_long),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
