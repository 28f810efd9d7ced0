/*
 * The command line: words of pgcask's own option table, for the command that the first byte
 * chooses. A line feed ends a word. Also what hides passwords in argv before anything looks at it.
 *
 * Holds: a number that was accepted is within its option's range, a choice is one of the choices;
 * the password of a connection string is in no word that is shown, and no word changes its length;
 * a key of a configuration is taken like the option of that name.
 *
 * Limits: -malloc_limit_mb=1 -max_len=4096
 */
#include "cli/arguments.h"
#include "cli/options_table.h"
#include "support/feed.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define WORDS_MAX 32

static size_t split(char *text, char *words[WORDS_MAX])
{
    size_t count = 0;
    char *rest = text, *word;

    while (count < WORDS_MAX && (word = strsep(&rest, "\n")) != NULL)
        words[count++] = word;
    return count;
}

static void check_choice(const struct option_spec *spec, const char *text)
{
    bool found = false;

    for (size_t i = 0; i < OPTION_CHOICES_MAX && spec->choices[i] != NULL; i++)
        found = found || strncmp(text, spec->choices[i], strlen(spec->choices[i])) == 0;
    must(found);
}

static void check_value(const struct options *options, const struct option_spec *spec)
{
    const char *text = options_text(options, spec->name);
    uint64_t number;

    must(options_count(options, spec->name) == 0 || text != NULL);
    switch (spec->kind) {
    case OPTION_FLAG:
        options_flag(options, spec->name);
        break;
    case OPTION_TEXT:
    case OPTION_LIST:
        break;
    case OPTION_CHOICE:
    case OPTION_CHOICE_LEVEL:
        if (text != NULL)
            check_choice(spec, text);
        break;
    case OPTION_INTEGER:
    case OPTION_SIZE:
    case OPTION_DURATION:
    case OPTION_RATE:
        number = options_number(options, spec->name);
        if (text != NULL)
            must(number >= spec->minimum && (spec->maximum == 0 || number <= spec->maximum));
        break;
    }
}

static void check_values(const struct options *options)
{
    for (size_t i = 0; i < options->program->option_count; i++) {
        const struct option_spec *spec = &options->program->options[i];

        if ((spec->commands & OPTION_COMMAND(options->command)) != 0)
            check_value(options, spec);
    }
    must(options->argument_count <= OPTION_ARGUMENTS_MAX);
}

static void parse(size_t command, size_t count, char *const *words)
{
    struct options options;
    struct error err;

    must(options_init(&options, &pgcask_program, command, &err));
    if (options_parse(&options, count, words, &err))
        check_values(&options);
    else
        must_be_told(&err);
    options_free(&options);
}

/* "key=value" words, as a configuration has them. */
static void configure(size_t command, size_t count, char *const *words)
{
    struct options options;
    struct error err;

    must(options_init(&options, &pgcask_program, command, &err));
    for (size_t i = 0; i < count; i++) {
        char *equals = strchr(words[i], '=');

        if (equals == NULL)
            continue;
        *equals = '\0';
        if (!options_set(&options, words[i], equals + 1, &err))
            must_be_told(&err);
        *equals = '=';
    }
    check_values(&options);
    options_free(&options);
}

/* Of "scheme://user:PASSWORD@host" with a plain password, and "password=PASSWORD". */
static void check_hidden(const char *original, const char *shown)
{
    static const char uri[] = "postgresql://u:", pair[] = "password=";

    must(strlen(original) == strlen(shown));
    if (strncmp(original, uri, sizeof(uri) - 1) == 0 && strchr(original, '@') != NULL)
        must(shown[sizeof(uri) - 1] == '*' || shown[sizeof(uri) - 1] == '@');
    if (strncmp(original, pair, sizeof(pair) - 1) == 0 && strstr(original, "://") == NULL &&
        strcspn(original, " \t\n\v\f\r'\\") == strlen(original))
        must(strspn(shown + sizeof(pair) - 1, "*") == strlen(shown + sizeof(pair) - 1));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = {data, size};
    size_t command = feed_choice(&input) % pgcask_program.command_count;
    char *text = malloc(input.len + 1), *words[WORDS_MAX];
    struct arguments arguments;
    struct error err;
    size_t count;

    must(text != NULL);
    if (input.len > 0)
        memcpy(text, input.data, input.len);
    text[input.len] = '\0';
    count = split(text, words);
    if (!arguments_init(&arguments, (int)count, words, &err))
        must(false);
    for (size_t i = 0; i < count; i++) {
        check_hidden(arguments.originals[i], words[i]);
        must(strcmp(arguments_original(&arguments, words[i]), arguments.originals[i]) == 0);
    }
    if (count > 0 && options_find_command(&pgcask_program, words[0], &err) < 0)
        must_be_told(&err);
    parse(command, count, words);
    configure(command, count, words);
    arguments_free(&arguments);
    free(text);
    return 0;
}
