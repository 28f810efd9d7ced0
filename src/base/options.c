/*
 * The table's rows against what was typed or configured: which option is meant, whether its value
 * is one, what it holds now, and what was probably meant where there is no such name. Help and
 * pages are options_help.c's, the reading of values is options_value.c's.
 */
#include "base/options.h"

#include "base/compress.h"
#include "base/text.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- Looking things up ---- */

static const struct option_command *command_of(const struct options *options)
{
    return &options->program->commands[options->command];
}

/* '_' in a key stands for '-'. */
static bool name_matches(const char *name, const char *key, size_t len)
{
    if (strlen(name) != len)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (name[i] != key[i] && !(name[i] == '-' && key[i] == '_'))
            return false;
    }
    return true;
}

/* The index of the command's option of that name, or option_count. */
static size_t find_option(const struct options *options, const char *key, size_t len)
{
    const struct option_program *program = options->program;
    size_t index = 0;

    while (index < program->option_count &&
           ((program->options[index].commands & OPTION_COMMAND(options->command)) == 0 ||
            !name_matches(program->options[index].name, key, len)))
        index++;
    return index;
}

/* A name that the program itself asks for is in its table, or the program is wrong. */
static size_t known_option(const struct options *options, const char *name)
{
    size_t index = find_option(options, name, strlen(name));

    assert(index < options->program->option_count);
    return index;
}

int options_find_command(const struct option_program *program, const char *name, struct error *err)
{
    const char *names[32];
    size_t count = 0;
    const char *nearest;

    for (size_t i = 0; i < program->command_count; i++) {
        if (strcmp(program->commands[i].name, name) == 0)
            return (int)i;
        if (!program->commands[i].hidden && count < 32)
            names[count++] = program->commands[i].name;
    }
    nearest = text_nearest(name, names, count);
    error_set(err, ERROR_USAGE, "unknown command \"%s\"", name);
    if (nearest != NULL)
        error_hint(err, "Did you mean \"%s\"? \"%s help\" lists the commands.", nearest,
                   program->name);
    else
        error_hint(err, "\"%s help\" lists the commands.", program->name);
    return -1;
}

/* ---- Setting values ---- */

bool options_init(struct options *options, const struct option_program *program, size_t command,
                  struct error *err)
{
    *options = (struct options){.program = program, .command = command};
    options->values = calloc(program->option_count + 1, sizeof(*options->values));
    if (options->values == NULL)
        return error_set_memory(err);
    return true;
}

void options_free(struct options *options)
{
    if (options->values != NULL) {
        for (size_t i = 0; i < options->program->option_count; i++)
            free(options->values[i].texts);
    }
    free(options->values);
    free(options->arguments);
    *options = (struct options){0};
}

/* "a, b or c", and what may stand behind it. */
static void list_choices(const struct option_spec *spec, char *out, size_t size)
{
    size_t used = 0;

    for (size_t i = 0; i < OPTION_CHOICES_MAX && spec->choices[i] != NULL && used < size; i++) {
        bool last = i + 1 == OPTION_CHOICES_MAX || spec->choices[i + 1] == NULL;

        used += (size_t)snprintf(out + used, size - used, "%s%s",
                                 i == 0 ? ""
                                 : last ? " or "
                                        : ", ",
                                 spec->choices[i]);
    }
    if (spec->kind == OPTION_CHOICE_LEVEL && used < size)
        snprintf(out + used, size - used, ", with :LEVEL behind it where wanted");
}

/* Whoever compresses would say it only when the work has begun. */
static bool check_level(const struct option_spec *spec, const char *text, size_t len,
                        struct error *err)
{
    enum compression compression;
    int level;

    if (!compression_from_name(text, len, &compression) ||
        compression_parse(text, &compression, &level, err))
        return true;
    return error_prefix(err, ERROR_OPTION("%s"), spec->name);
}

static bool check_choice(const struct option_spec *spec, const char *text, uint64_t *number,
                         struct error *err)
{
    size_t len = strlen(text);
    const char *level = NULL;
    size_t count = 0;
    const char *nearest;
    char list[256];

    if (spec->kind == OPTION_CHOICE_LEVEL && (level = strchr(text, ':')) != NULL)
        len = (size_t)(level++ - text);
    for (; count < OPTION_CHOICES_MAX && spec->choices[count] != NULL; count++) {
        const char *choice = spec->choices[count];

        if (strlen(choice) != len || strncmp(choice, text, len) != 0)
            continue;
        *number = count;
        if (level == NULL)
            return true;
        if (*level != '\0' && strspn(level, "0123456789") == strlen(level))
            return check_level(spec, text, len, err);
        error_set(err, ERROR_USAGE, ERROR_OPTION("%s") ": \"%s\" is not a level", spec->name,
                  level);
        return error_hint(err, "Write a whole number behind the colon: " ERROR_OPTION("%s") "=%s:1",
                          spec->name, choice);
    }
    error_set(err, ERROR_USAGE, ERROR_OPTION("%s") ": unknown choice \"%.*s\"", spec->name,
              (int)len, text);
    nearest = text_nearest(text, spec->choices, count);
    list_choices(spec, list, sizeof(list));
    return error_hint(err, "It takes %s%s%s%s", list, nearest != NULL ? ". Did you mean " : "",
                      nearest != NULL ? nearest : "", nearest != NULL ? "?" : ".");
}

static bool check_value(const struct option_spec *spec, const char *text, uint64_t *number,
                        struct error *err)
{
    switch (spec->kind) {
    case OPTION_FLAG:
    case OPTION_TEXT:
    case OPTION_LIST:
        return true;
    case OPTION_CHOICE:
    case OPTION_CHOICE_LEVEL:
        return check_choice(spec, text, number, err);
    case OPTION_INTEGER:
    case OPTION_SIZE:
    case OPTION_DURATION:
    case OPTION_RATE:
        break;
    }
    return options_read_number(spec, text, number, err);
}

/* Of an option that may be given once, the last one counts. */
static bool set_value(struct options *options, size_t index, const char *text, struct error *err)
{
    const struct option_spec *spec = &options->program->options[index];
    struct option_value *value = &options->values[index];
    uint64_t number = value->number;

    if (!check_value(spec, text, &number, err))
        return false;
    value->number = number;
    if (!options_may_repeat(spec))
        value->count = 0;
    if (value->count == value->capacity) {
        size_t capacity = value->capacity == 0 ? 1 : value->capacity * 2;
        const char **texts = realloc(value->texts, capacity * sizeof(*texts));

        if (texts == NULL)
            return error_set_memory(err);
        value->texts = texts;
        value->capacity = capacity;
    }
    value->texts[value->count++] = text;
    return true;
}

static bool is_truth(const char *text, uint64_t *truth)
{
    static const char *const words[] = {"false", "true", "f",  "t", "no",
                                        "yes",   "off",  "on", "0", "1"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcasecmp(text, words[i]) == 0) {
            *truth = i % 2;
            return true;
        }
    }
    return false;
}

static bool read_truth(const char *name, const char *text, uint64_t *truth, struct error *err)
{
    if (is_truth(text, truth))
        return true;
    error_set(err, ERROR_USAGE, ERROR_OPTION("%s") ": \"%s\" is neither true nor false", name,
              text);
    return error_hint(err, "Write true or false.");
}

/* ---- What to say about an option that is not there ---- */

static bool fail_unknown(const struct options *options, const char *name, size_t len,
                         struct error *err)
{
    const struct option_program *program = options->program;
    const char *command = command_of(options)->name;
    const char **names = calloc(program->option_count + 1, sizeof(*names));
    char typed[128];
    const char *nearest;
    size_t count = 0;

    if (names == NULL)
        return error_set_memory(err);
    len = len < sizeof(typed) ? len : sizeof(typed) - 1;
    memcpy(typed, name, len);
    typed[len] = '\0';
    error_set(err, ERROR_USAGE, "%s has no option " ERROR_OPTION("%s"), command, typed);
    for (size_t i = 0; i < program->option_count; i++) {
        if ((program->options[i].commands & OPTION_COMMAND(options->command)) != 0)
            names[count++] = program->options[i].name;
    }
    nearest = text_nearest(typed, names, count);
    free(names);
    if (nearest != NULL)
        return error_hint(err,
                          "Did you mean " ERROR_OPTION("%s") "? \"%s help %s\" lists the options.",
                          nearest, program->name, command);
    return error_hint(err, "\"%s help %s\" lists the options.", program->name, command);
}

/* ---- The command line ---- */

/* What is given twice was meant twice, and one of them would be passed over. */
static bool set_typed_value(struct options *options, size_t index, const char *text,
                            struct error *err)
{
    const struct option_spec *spec = &options->program->options[index];
    const struct option_value *value = &options->values[index];

    if (!options_may_repeat(spec) && spec->kind != OPTION_FLAG && value->count > 0) {
        error_set(err, ERROR_USAGE, ERROR_OPTION("%s") " is given twice: \"%s\" and \"%s\"",
                  spec->name, value->texts[0], text);
        return error_hint(err, "Leave one of them out.");
    }
    if (spec->kind == OPTION_TEXT && spec->default_text == NULL && *text == '\0') {
        error_set(err, ERROR_USAGE, ERROR_OPTION("%s") ": \"\" is no value", spec->name);
        return error_hint(err,
                          "Write " ERROR_OPTION("%s") " %s. Is a variable empty that should "
                                                      "hold it?",
                          spec->name, spec->argument);
    }
    return set_value(options, index, text, err);
}

/* Reads the option in words[*at]; *at is left on its last word. */
static bool parse_option(struct options *options, size_t count, char *const *words, size_t *at,
                         struct error *err)
{
    const char *name = words[*at] + 2;
    const char *equals = strchr(name, '=');
    size_t len = equals != NULL ? (size_t)(equals - name) : strlen(name);
    size_t index = find_option(options, name, len);
    const struct option_spec *spec = &options->program->options[index];

    if (len == 4 && memcmp(name, "help", 4) == 0) {
        options->help = true;
        return true;
    }
    /* On the command line a name has one spelling. */
    if (index == options->program->option_count || strncmp(spec->name, name, len) != 0)
        return fail_unknown(options, name, len, err);
    if (spec->kind == OPTION_FLAG) {
        if (equals != NULL)
            return error_set(err, ERROR_USAGE, ERROR_OPTION("%s") " takes no value", spec->name);
        options->values[index].number = 1;
        return set_value(options, index, "true", err);
    }
    if (equals != NULL)
        return set_typed_value(options, index, equals + 1, err);
    if (*at + 1 == count) {
        error_set(err, ERROR_USAGE, ERROR_OPTION("%s") " needs a value", spec->name);
        return error_hint(err, "Write " ERROR_OPTION("%s") " %s.", spec->name, spec->argument);
    }
    return set_typed_value(options, index, words[++*at], err);
}

static bool add_argument(struct options *options, const char *word, struct error *err)
{
    const struct option_command *command = command_of(options);
    size_t most = 0;

    while (most < OPTION_ARGUMENTS_MAX && command->arguments[most] != NULL)
        most++;
    if (options->argument_count == most) {
        error_set(err, ERROR_USAGE, "%s: unexpected argument \"%s\"", command->name, word);
        return error_hint(err, "\"%s help %s\" says what it takes.", options->program->name,
                          command->name);
    }
    if (*word == '\0') {
        error_set(err, ERROR_USAGE, "%s: %s is \"\"", command->name,
                  command->arguments[options->argument_count]);
        return error_hint(err, "Is a variable empty that should hold it?");
    }
    if (options->arguments == NULL)
        options->arguments = calloc(OPTION_ARGUMENTS_MAX, sizeof(*options->arguments));
    if (options->arguments == NULL)
        return error_set_memory(err);
    options->arguments[options->argument_count++] = word;
    return true;
}

static bool check_complete(const struct options *options, struct error *err)
{
    const struct option_program *program = options->program;
    const struct option_command *command = command_of(options);
    size_t given = options->argument_count;

    if (given < OPTION_ARGUMENTS_MAX && command->arguments[given] != NULL &&
        command->arguments[given][0] != '[') {
        error_set(err, ERROR_USAGE, "%s needs %s", command->name, command->arguments[given]);
        return error_hint(err, "\"%s help %s\" says what it takes.", program->name, command->name);
    }
    for (size_t i = 0; i < program->option_count; i++) {
        const struct option_spec *spec = &program->options[i];

        if (!spec->required || (spec->commands & OPTION_COMMAND(options->command)) == 0 ||
            options->values[i].count > 0)
            continue;
        error_set(err, ERROR_USAGE, "%s needs " ERROR_OPTION("%s") " %s", command->name, spec->name,
                  spec->argument);
        return error_hint(err, "\"%s help %s\" says what it takes.", program->name, command->name);
    }
    return true;
}

bool options_parse(struct options *options, size_t count, char *const *words, struct error *err)
{
    bool only_arguments = false;

    for (size_t i = 0; i < count; i++) {
        if (only_arguments || words[i][0] != '-' || words[i][1] == '\0') {
            if (!add_argument(options, words[i], err))
                return false;
        } else if (strcmp(words[i], "--") == 0) {
            only_arguments = true;
        } else if (strcmp(words[i], "-h") == 0) {
            options->help = true;
        } else if (words[i][1] != '-') {
            error_set(err, ERROR_USAGE, "unknown option %s", words[i]);
            return error_hint(err, "Options have two dashes; \"%s help %s\" lists them.",
                              options->program->name, command_of(options)->name);
        } else if (!parse_option(options, count, words, &i, err)) {
            return false;
        }
    }
    return options->help || check_complete(options, err);
}

bool options_set(struct options *options, const char *key, const char *value, struct error *err)
{
    size_t index = find_option(options, key, strlen(key));
    const struct option_spec *spec = &options->program->options[index];
    uint64_t truth = 0;

    if (index == options->program->option_count)
        return fail_unknown(options, key, strlen(key), err);
    if (spec->kind != OPTION_FLAG)
        return set_value(options, index,
                         options_may_be_none(spec) && is_truth(value, &truth) ? spec->choices[truth]
                                                                              : value,
                         err);
    if (!read_truth(key, value, &truth, err))
        return false;
    options->values[index].number = truth;
    return set_value(options, index, value, err);
}

const char *options_scope_name(enum option_scope scope)
{
    static const char *const names[] = {NULL, "physical", "logical"};

    return names[scope];
}

const char *options_scope_sign(const struct option_command *command, enum option_scope scope)
{
    static const char *const schemes[] = {NULL, "postgres+bin://", "postgres://"};

    return command->signs[scope] != NULL ? command->signs[scope] : schemes[scope];
}

static bool asks_for_something(const struct options *options, size_t index)
{
    const struct option_spec *spec = &options->program->options[index];
    const struct option_value *value = &options->values[index];
    bool may_be_off = spec->kind == OPTION_FLAG || options_may_be_none(spec);

    return value->count > 0 && (!may_be_off || value->number != 0);
}

bool options_check_scope(const struct options *options, enum option_scope kind, struct error *err)
{
    const struct option_command *command = &options->program->commands[options->command];

    for (size_t i = 0; i < options->program->option_count; i++) {
        const struct option_spec *spec = &options->program->options[i];

        if (spec->scope == OPTION_OF_BOTH || spec->scope == kind || !asks_for_something(options, i))
            continue;
        error_set(err, ERROR_USAGE, ERROR_OPTION("%s") " is for %s backups: " ERROR_OURS("%s"),
                  spec->name, options_scope_name(spec->scope), spec->help);
        return error_hint(err, "This is a %s backup, because %s%s. Leave the option out.",
                          options_scope_name(kind),
                          command->signs[kind] == NULL ? "the server is named by " : "it says ",
                          options_scope_sign(command, kind));
    }
    return true;
}

void options_map_lists(struct options *options,
                       const char *(*original)(const void *context, const char *text),
                       const void *context)
{
    for (size_t i = 0; i < options->program->option_count; i++) {
        struct option_value *value = &options->values[i];

        for (size_t at = 0; options->program->options[i].kind == OPTION_LIST && at < value->count;
             at++)
            value->texts[at] = original(context, value->texts[at]);
    }
}

/* ---- Asking ---- */

bool options_flag(const struct options *options, const char *name)
{
    return options->values[known_option(options, name)].number != 0;
}

bool options_given(const struct options *options, const char *name)
{
    return options_count(options, name) > 0;
}

size_t options_count(const struct options *options, const char *name)
{
    return options->values[known_option(options, name)].count;
}

const char *options_text_at(const struct options *options, const char *name, size_t index)
{
    return options->values[known_option(options, name)].texts[index];
}

static const char *text_at(const struct options *options, size_t index)
{
    const struct option_value *value = &options->values[index];

    if (value->count == 0)
        return options->program->options[index].default_text;
    return value->texts[value->count - 1];
}

const char *options_text(const struct options *options, const char *name)
{
    return text_at(options, known_option(options, name));
}

static uint64_t number_at(const struct options *options, size_t index)
{
    const struct option_spec *spec = &options->program->options[index];
    struct error ignored;
    uint64_t number = 0;

    if (options->values[index].count > 0)
        return options->values[index].number;
    if (spec->default_text != NULL && !check_value(spec, spec->default_text, &number, &ignored))
        assert(!"a default in the table is not a value of its kind");
    return number;
}

uint64_t options_number(const struct options *options, const char *name)
{
    return number_at(options, known_option(options, name));
}

void options_fill(const struct options *options, void *structure)
{
    for (size_t i = 0; i < options->program->option_count; i++) {
        const struct option_spec *spec = &options->program->options[i];

        if ((spec->commands & OPTION_COMMAND(options->command)) == 0 || spec->place == 0)
            continue;
        if (spec->kind == OPTION_LIST)
            options_store_list(spec, (const char *const *)options->values[i].texts,
                               options->values[i].count, structure);
        else
            options_store(spec, text_at(options, i), number_at(options, i), structure);
    }
}

const char *options_argument(const struct options *options, size_t index)
{
    return index < options->argument_count ? options->arguments[index] : NULL;
}
