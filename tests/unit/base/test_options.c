#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/options.h"

#include <stdio.h>
#include <string.h>

enum { COPY, MOVE, SECRET };

static void spell(const void *context, enum error_word word, const char *name, char *out,
                  size_t size)
{
    (void)context;
    (void)word;
    snprintf(out, size, "--%s", name);
}

/* As the command shows it. */
static void spell_error(struct error *err)
{
    const struct error_speller speller = {.spell = spell};

    error_spell(err, &speller);
}

static const struct option_command commands[] = {
    {.name = "copy",
     .arguments = {"FROM", "[INTO]"},
     .summary = "Copies.",
     .description = "Copies."},
    {.name = "move", .arguments = {"FROM"}, .summary = "Moves.", .description = "Moves."},
    {.name = "secret", .summary = "Hides.", .description = "Hides.", .hidden = true},
};

static const struct option_spec specs[] = {
    {.name = "to",
     .argument = "PLACE",
     .kind = OPTION_TEXT,
     .commands = OPTION_COMMAND(COPY),
     .required = true,
     .help = "Where to."},
    {.name = "max-rate",
     .argument = "RATE",
     .kind = OPTION_RATE,
     .minimum = 32,
     .maximum = 1048576,
     .commands = OPTION_COMMAND(COPY),
     .help = "How fast, from 32k to 1G."},
    {.name = "keep",
     .argument = "SIZE",
     .kind = OPTION_SIZE,
     .default_text = "16GiB",
     .commands = OPTION_COMMAND(COPY),
     .help = "How much."},
    {.name = "wait",
     .argument = "DURATION",
     .kind = OPTION_DURATION,
     .maximum = 86400000,
     .default_text = "10min",
     .commands = OPTION_COMMAND(COPY),
     .help = "How long."},
    {.name = "count",
     .argument = "NUMBER",
     .kind = OPTION_INTEGER,
     .minimum = 1,
     .maximum = 256,
     .commands = OPTION_COMMAND(COPY),
     .help = "How often."},
    {.name = "mode",
     .argument = "fast|slow",
     .kind = OPTION_CHOICE,
     .choices = {"fast", "slow"},
     .default_text = "fast",
     .commands = OPTION_COMMAND(COPY),
     .help = "Which way."},
    {.name = "pack",
     .argument = "gzip|zstd[:LEVEL]",
     .kind = OPTION_CHOICE_LEVEL,
     .choices = {"gzip", "zstd"},
     .commands = OPTION_COMMAND(COPY),
     .help = "Packed how."},
    {.name = "map",
     .argument = "OLD=NEW",
     .kind = OPTION_TEXT,
     .repeatable = true,
     .commands = OPTION_COMMAND(COPY),
     .help = "What becomes what."},
    {.name = "force",
     .kind = OPTION_FLAG,
     .commands = OPTION_COMMAND(COPY) | OPTION_COMMAND(MOVE),
     .help = "Does it anyway."},
    {.name = "to",
     .argument = "DIR",
     .kind = OPTION_TEXT,
     .default_text = "here",
     .commands = OPTION_COMMAND(MOVE),
     .help = "Where to move it."},
};

static const struct option_program program = {
    .name = "tool",
    .summary = "a tool.",
    .commands = commands,
    .command_count = 3,
    .options = specs,
    .option_count = sizeof(specs) / sizeof(specs[0]),
    .epilogue = "The end.",
};

static char word_store[16][64];

/* Parses words (NULL-terminated) for the command; arguments of main are writable. */
static bool parse(struct options *options, size_t command, const char *const *words,
                  struct error *err)
{
    char *copies[16];
    size_t count = 0;

    error_clear(err);
    assert_true(options_init(options, &program, command, err));
    for (; words[count] != NULL; count++) {
        strncpy(word_store[count], words[count], sizeof(word_store[count]) - 1);
        copies[count] = word_store[count];
    }
    return options_parse(options, count, copies, err);
}

#define PARSE(options, command, err, ...)                                                          \
    parse(options, command, (const char *const[]){__VA_ARGS__, NULL}, err)

static void both_spellings_of_a_value_are_read(void **state)
{
    struct options options;
    struct error err;

    (void)state;
    assert_true(PARSE(&options, COPY, &err, "a", "--to", "x", "--keep=1kB", "--force", "b"));

    assert_string_equal(options_argument(&options, 0), "a");
    assert_string_equal(options_argument(&options, 1), "b");
    assert_null(options_argument(&options, 2));
    assert_string_equal(options_text(&options, "to"), "x");
    assert_int_equal(options_number(&options, "keep"), 1024);
    assert_true(options_flag(&options, "force"));
    options_free(&options);
}

static void defaults_hold_where_nothing_is_given(void **state)
{
    struct options options;
    struct error err;

    (void)state;
    assert_true(PARSE(&options, COPY, &err, "a", "--to=x"));

    assert_true(options_number(&options, "keep") == 16ULL << 30);
    assert_int_equal(options_number(&options, "wait"), 600000);
    assert_int_equal(options_number(&options, "max-rate"), 0);
    assert_string_equal(options_text(&options, "mode"), "fast");
    assert_null(options_text(&options, "pack"));
    assert_false(options_given(&options, "keep"));
    assert_false(options_flag(&options, "force"));
    options_free(&options);
}

static void a_name_may_mean_something_else_for_another_command(void **state)
{
    struct options options;
    struct error err;

    (void)state;
    assert_true(PARSE(&options, MOVE, &err, "a"));
    assert_string_equal(options_text(&options, "to"), "here");
    options_free(&options);
}

static void two_dashes_end_the_options_and_one_is_an_argument(void **state)
{
    struct options options;
    struct error err;

    (void)state;
    assert_true(PARSE(&options, COPY, &err, "-", "--to=x", "--", "--force"));
    assert_string_equal(options_argument(&options, 0), "-");
    assert_string_equal(options_argument(&options, 1), "--force");
    assert_false(options_flag(&options, "force"));
    options_free(&options);
}

static void an_option_is_given_once_unless_all_count(void **state)
{
    struct options options;
    struct error err;

    (void)state;
    assert_true(
        PARSE(&options, COPY, &err, "a", "--to=x", "--map", "1=2", "--map=3=4", "--map=5=6"));
    assert_int_equal(options_count(&options, "map"), 3);
    assert_string_equal(options_text_at(&options, "map", 1), "3=4");
    options_free(&options);
}

static void wrong_usage_is_named(void **state)
{
    static const struct {
        const char *words[4];
        const char *message;
        const char *hint; /* a part of it */
    } cases[] = {
        {{"a"}, "copy needs --to PLACE", "tool help copy"},
        {{"--to=x"}, "copy needs FROM", "tool help copy"},
        {{"a", "b", "c"}, "copy: unexpected argument \"c\"", "tool help copy"},
        {{"a", "--max-rat=1", "--to=x"}, "copy has no option --max-rat", "--max-rate?"},
        {{"a", "--max_rate=64", "--to=x"}, "copy has no option --max_rate", "--max-rate?"},
        {{"a", "--zzzzzzzzz"}, "copy has no option --zzzzzzzzz", "lists the options"},
        {{"a", "--to"}, "--to needs a value", "--to PLACE"},
        {{"a", "--to=x", "--to=y"}, "--to is given twice: \"x\" and \"y\"", "one of them"},
        {{"a", "--wait=1", "--wait=1"}, "--wait is given twice: \"1\" and \"1\"", "one of them"},
        {{"a", "--to="}, "--to: \"\" is no value", "--to PLACE"},
        {{"", "--to=x"}, "copy: FROM is \"\"", "variable"},
        {{"a", "--force=yes"}, "--force takes no value", ""},
        {{"a", "-f"}, "unknown option -f", "two dashes"},
        {{"a", "--max-rate=31"}, "--max-rate: 31 is out of range", "32k to 1G"},
        {{"a", "--max-rate=2G"}, "--max-rate: 2G is out of range", "32k to 1G"},
        {{"a", "--count=0"}, "--count: 0 is out of range", "1 to 256.  How often."},
        {{"a", "--wait=2d"}, "--wait: 2d is out of range", "0 to 86400 seconds.  How long."},
        {{"a", "--keep=1X"}, "--keep: \"1X\" is not a size", "16GiB"},
        {{"a", "--wait=1h30"}, "--wait: \"1h30\" is not a duration", "1h30m"},
        {{"a", "--count=-1"}, "--count: \"-1\" is not a whole number", ""},
        {{"a", "--mode=fasst"},
         "--mode: unknown choice \"fasst\"",
         "fast or slow. Did you mean fast?"},
        {{"a", "--mode=fast:1"}, "--mode: unknown choice \"fast:1\"", "fast or slow"},
        {{"a", "--pack=lz5"}, "--pack: unknown choice \"lz5\"", "gzip or zstd, with :LEVEL"},
        {{"a", "--pack=zstd:x"}, "--pack: \"x\" is not a level", "--pack=zstd:1"},
        {{"a", "--pack=zstd:"}, "--pack: \"\" is not a level", "--pack=zstd:1"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct options options;
        struct error err;

        assert_false(parse(&options, COPY, cases[i].words, &err));
        assert_int_equal(err.code, ERROR_USAGE);
        spell_error(&err);
        assert_string_equal(err.message, cases[i].message);
        if (strstr(err.hint, cases[i].hint) == NULL)
            fail_msg("%s: the hint is \"%s\"", err.message, err.hint);
        options_free(&options);
    }
}

static void an_option_of_another_command_is_unknown(void **state)
{
    struct options options;
    struct error err;

    (void)state;
    assert_false(PARSE(&options, MOVE, &err, "a", "--keep=1"));
    spell_error(&err);
    assert_string_equal(err.message, "move has no option --keep");
    options_free(&options);
}

static void numbers_are_read_with_their_units(void **state)
{
    static const struct {
        enum option_kind kind;
        const char *text;
        uint64_t number;
    } cases[] = {
        {OPTION_INTEGER, "42", 42},
        {OPTION_SIZE, "0", 0},
        {OPTION_SIZE, "4096", 4096},
        {OPTION_SIZE, "64kB", 65536},
        {OPTION_SIZE, "64KiB", 65536},
        {OPTION_SIZE, "3m", 3ULL << 20},
        {OPTION_SIZE, "2GB", 2ULL << 30},
        {OPTION_SIZE, "1TiB", 1ULL << 40},
        {OPTION_RATE, "100", 100},
        {OPTION_RATE, "100k", 100},
        {OPTION_RATE, "32M", 32768},
        {OPTION_RATE, "1G", 1048576},
        {OPTION_DURATION, "90", 90000},
        {OPTION_DURATION, "500ms", 500},
        {OPTION_DURATION, "30s", 30000},
        {OPTION_DURATION, "10min", 600000},
        {OPTION_DURATION, "10m", 600000},
        {OPTION_DURATION, "1h30m", 5400000},
        {OPTION_DURATION, "1h02m03s", 3723000},
        {OPTION_DURATION, "2d", 172800000},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct option_spec spec = {.name = "x", .kind = cases[i].kind, .help = ""};
        struct error err;
        uint64_t number = 1;

        assert_true(options_read_number(&spec, cases[i].text, &number, &err));
        assert_true(number == cases[i].number);
    }
}

static void what_is_no_number_is_refused(void **state)
{
    static const struct {
        enum option_kind kind;
        const char *text;
    } cases[] = {
        {OPTION_INTEGER, ""},
        {OPTION_INTEGER, "1k"},
        {OPTION_SIZE, "k"},
        {OPTION_SIZE, "1 kB"},
        {OPTION_SIZE, "1.5G"},
        {OPTION_SIZE, "1k2k"},
        {OPTION_SIZE, "17179869184G"},
        {OPTION_SIZE, "99999999999999999999"},
        {OPTION_RATE, "1T"},
        {OPTION_RATE, "-1"},
        {OPTION_DURATION, "1y"},
        {OPTION_DURATION, "h"},
        {OPTION_DURATION, "1h m"},
        {OPTION_DURATION, "30s "},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct option_spec spec = {.name = "x", .kind = cases[i].kind, .help = ""};
        struct error err;
        uint64_t number;

        if (options_read_number(&spec, cases[i].text, &number, &err))
            fail_msg("\"%s\" was taken for %llu", cases[i].text, (unsigned long long)number);
        assert_int_equal(err.code, ERROR_USAGE);
    }
}

static void keys_take_underscores_and_truth_values(void **state)
{
    struct options options;
    struct error err;

    (void)state;
    assert_true(options_init(&options, &program, COPY, &err));
    assert_true(options_set(&options, "max_rate", "64", &err));
    assert_true(options_set(&options, "force", "true", &err));
    assert_int_equal(options_number(&options, "max-rate"), 64);
    assert_true(options_flag(&options, "force"));
    assert_true(options_set(&options, "force", "off", &err));
    assert_false(options_flag(&options, "force"));
    assert_false(options_set(&options, "force", "maybe", &err));
    assert_false(options_set(&options, "forse", "true", &err));
    spell_error(&err);
    assert_non_null(strstr(err.hint, "--force?"));
    options_free(&options);
}

static void a_value_that_is_refused_leaves_the_one_before(void **state)
{
    struct options options;
    struct error err;

    (void)state;
    assert_true(options_init(&options, &program, COPY, &err));
    assert_true(options_set(&options, "max-rate", "64", &err));
    assert_false(options_set(&options, "max-rate", "31", &err));
    assert_int_equal(options_number(&options, "max-rate"), 64);
    assert_string_equal(options_text(&options, "max-rate"), "64");
    options_free(&options);
}

static void help_may_stand_instead_of_everything_else(void **state)
{
    struct options options;
    struct error err;

    (void)state;
    assert_true(PARSE(&options, COPY, &err, "--help"));
    assert_true(options.help);
    options_free(&options);
}

static void commands_are_found_or_the_nearest_named(void **state)
{
    struct error err;

    (void)state;
    assert_int_equal(options_find_command(&program, "move", &err), MOVE);
    assert_int_equal(options_find_command(&program, "secret", &err), SECRET);
    assert_int_equal(options_find_command(&program, "moev", &err), -1);
    assert_int_equal(err.code, ERROR_USAGE);
    assert_non_null(strstr(err.hint, "\"move\""));
}

static void help_names_every_option_within_its_width(void **state)
{
    struct buffer out = {0};
    struct error err;
    const char *line;

    (void)state;
    assert_true(options_write_command_help(&program, COPY, &out, &err));
    line = buffer_text(&out);
    assert_non_null(strstr(line, "Usage: tool copy FROM [INTO] --to PLACE [OPTION]...\n"));
    for (size_t i = 0; i + 1 < program.option_count; i++)
        assert_non_null(strstr(line, specs[i].name));
    assert_non_null(strstr(line, "Default: 16GiB."));
    assert_null(strstr(line, "Where to move it."));
    for (; *line != '\0'; line += strcspn(line, "\n") + 1)
        assert_true(strcspn(line, "\n") <= 79);
    buffer_free(&out);
}

static void hidden_commands_are_in_no_list(void **state)
{
    struct buffer help = {0}, reference = {0};
    struct error err;

    (void)state;
    assert_true(options_write_help(&program, &help, &err));
    assert_true(options_write_reference(&program, &reference, &err));
    assert_non_null(strstr(buffer_text(&help), "tool move FROM"));
    assert_null(strstr(buffer_text(&help), "secret"));
    assert_null(strstr(buffer_text(&reference), "secret"));
    assert_non_null(strstr(buffer_text(&reference), "`--mode fast\\|slow`"));
    buffer_free(&help);
    buffer_free(&reference);
}

/* ---- Lists ---- */

static void expect_items(const char *const *texts, size_t count, const char *expected)
{
    struct option_list list = {texts, count};
    struct buffer joined = {0};
    struct error err;
    char **items = options_items_new(&list, "names", &err);

    assert_non_null(items);
    for (size_t i = 0; items[i] != NULL; i++)
        assert_true(buffer_printf(&joined, &err, "[%s]", items[i]));
    assert_string_equal(buffer_text(&joined), expected);
    buffer_free(&joined);
    options_items_free(items);
}

static void commas_part_the_items_of_a_list_but_in_quotes(void **state)
{
    (void)state;
    expect_items((const char *const[]){"a"}, 1, "[a]");
    expect_items((const char *const[]){"a, b ,c d"}, 1, "[a][b][c d]");
    expect_items((const char *const[]){"\"a,b\",\"\"\"\", \" x \""}, 1,
                 "[\"a,b\"][\"\"\"\"][\" x \"]");
    expect_items((const char *const[]){"a,b", "c"}, 2, "[a][b][c]");
    expect_items(NULL, 0, "");
}

static void an_empty_item_is_an_error(void **state)
{
    static const char *const wrong[] = {"", " ", "a,", ",a", "a,,b"};
    struct error err;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct option_list list = {&wrong[i], 1};

        assert_null(options_items_new(&list, "names", &err));
        assert_int_equal(err.code, ERROR_USAGE);
        assert_non_null(strstr(err.message, "names"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_spellings_of_a_value_are_read),
        cmocka_unit_test(defaults_hold_where_nothing_is_given),
        cmocka_unit_test(a_name_may_mean_something_else_for_another_command),
        cmocka_unit_test(two_dashes_end_the_options_and_one_is_an_argument),
        cmocka_unit_test(an_option_is_given_once_unless_all_count),
        cmocka_unit_test(wrong_usage_is_named),
        cmocka_unit_test(an_option_of_another_command_is_unknown),
        cmocka_unit_test(numbers_are_read_with_their_units),
        cmocka_unit_test(what_is_no_number_is_refused),
        cmocka_unit_test(keys_take_underscores_and_truth_values),
        cmocka_unit_test(a_value_that_is_refused_leaves_the_one_before),
        cmocka_unit_test(help_may_stand_instead_of_everything_else),
        cmocka_unit_test(commands_are_found_or_the_nearest_named),
        cmocka_unit_test(help_names_every_option_within_its_width),
        cmocka_unit_test(hidden_commands_are_in_no_list),
        cmocka_unit_test(commas_part_the_items_of_a_list_but_in_quotes),
        cmocka_unit_test(an_empty_item_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
