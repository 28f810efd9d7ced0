/* What the option table says to people: --help and the reference page. */
#include "base/options_internal.h"

#include <stdio.h>
#include <string.h>

#define HELP_WIDTH 79
#define HELP_COLUMN 26 /* where the help text of an option begins */

static bool append_spaces(struct buffer *out, size_t count, struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        if (!buffer_append_byte(out, ' ', err))
            return false;
    }
    return true;
}

/* Appends a text broken at spaces, each line but the first indented; '\n' begins a new line. */
static bool append_wrapped(struct buffer *out, const char *text, size_t indent, struct error *err)
{
    size_t column = indent;

    while (*text != '\0') {
        size_t word = strcspn(text, " \n");

        if (column > indent && column + 1 + word > HELP_WIDTH) {
            if (!buffer_append_byte(out, '\n', err) || !append_spaces(out, indent, err))
                return false;
            column = indent;
        } else if (column > indent) {
            if (!buffer_append_byte(out, ' ', err))
                return false;
            column++;
        }
        if (!buffer_append(out, text, word, err))
            return false;
        column += word;
        text += word;
        if (*text == '\n') {
            if (!buffer_append_byte(out, '\n', err) || !append_spaces(out, indent, err))
                return false;
            column = indent;
        }
        text += *text != '\0';
    }
    return buffer_append_byte(out, '\n', err);
}

static bool append_usage(const struct option_program *program, size_t index, struct buffer *out,
                         struct error *err)
{
    const struct option_command *command = &program->commands[index];
    bool optional = false;

    if (!buffer_printf(out, err, "%s %s", program->name, command->name))
        return false;
    for (size_t i = 0; i < OPTION_ARGUMENTS_MAX && command->arguments[i] != NULL; i++) {
        if (!buffer_printf(out, err, " %s", command->arguments[i]))
            return false;
    }
    for (size_t i = 0; i < program->option_count; i++) {
        const struct option_spec *spec = &program->options[i];

        if ((spec->commands & OPTION_COMMAND(index)) == 0)
            continue;
        optional = optional || !spec->required;
        if (spec->required && !buffer_printf(out, err, " --%s %s", spec->name, spec->argument))
            return false;
    }
    return buffer_append_string(out, optional ? " [OPTION]...\n" : "\n", err);
}

/* ---- What the option says of itself ---- */

static void spell(const void *context, enum error_word word, const char *name, char *out,
                  size_t size)
{
    (void)context;
    (void)word;
    snprintf(out, size, "--%s", name);
}

const char *options_help_of(const struct option_spec *spec, char out[OPTION_HELP_SIZE])
{
    const struct error_speller command_line = {.spell = spell};

    error_spell_copy(out, OPTION_HELP_SIZE, spec->help, &command_line);
    return out;
}

/* The groups of a command's options, by what they are about. */
static const enum option_scope groups[] = {OPTION_OF_BOTH, OPTION_OF_PHYSICAL, OPTION_OF_LOGICAL};

#define GROUP_COUNT (sizeof(groups) / sizeof(groups[0]))

static bool append_title(const struct option_command *command, enum option_scope scope,
                         struct buffer *out, struct error *err)
{
    if (scope == OPTION_OF_BOTH)
        return buffer_append_string(out, "\nOptions:\n", err);
    return buffer_printf(out, err, "\nOptions of %s backups (%s):\n", options_scope_name(scope),
                         options_scope_sign(command, scope));
}

static bool is_in_group(const struct option_program *program, size_t command, size_t group,
                        size_t option)
{
    const struct option_spec *spec = &program->options[option];

    return (spec->commands & OPTION_COMMAND(command)) != 0 && spec->scope == groups[group];
}

static bool append_option_help(const struct option_spec *spec, struct buffer *out,
                               struct error *err)
{
    char head[128], help[OPTION_HELP_SIZE];
    struct buffer text = {0};
    bool done;

    snprintf(head, sizeof(head), "  --%s%s%s", spec->name, spec->argument != NULL ? " " : "",
             spec->argument != NULL ? spec->argument : "");
    done = buffer_append_string(&text, options_help_of(spec, help), err) &&
           (!options_may_repeat(spec) || buffer_append_string(&text, " May be repeated.", err)) &&
           (spec->default_text == NULL ||
            buffer_printf(&text, err, " Default: %s.", spec->default_text)) &&
           buffer_append_string(out, head, err) &&
           (strlen(head) + 2 <= HELP_COLUMN
                ? append_spaces(out, HELP_COLUMN - strlen(head), err)
                : buffer_append_byte(out, '\n', err) && append_spaces(out, HELP_COLUMN, err)) &&
           append_wrapped(out, buffer_text(&text), HELP_COLUMN, err);
    buffer_free(&text);
    return done;
}

static bool append_group_help(const struct option_program *program, size_t command, size_t group,
                              struct buffer *out, struct error *err)
{
    bool first = true;

    for (size_t i = 0; i < program->option_count; i++) {
        if (!is_in_group(program, command, group, i))
            continue;
        if (first && !append_title(&program->commands[command], groups[group], out, err))
            return false;
        first = false;
        if (!append_option_help(&program->options[i], out, err))
            return false;
    }
    return true;
}

bool options_write_command_help(const struct option_program *program, size_t command,
                                struct buffer *out, struct error *err)
{
    const struct option_command *entry = &program->commands[command];

    if (!buffer_append_string(out, "Usage: ", err) || !append_usage(program, command, out, err) ||
        !buffer_append_byte(out, '\n', err) || !append_wrapped(out, entry->description, 0, err))
        return false;
    for (size_t group = 0; group < GROUP_COUNT; group++) {
        if (!append_group_help(program, command, group, out, err))
            return false;
    }
    return true;
}

bool options_write_help(const struct option_program *program, struct buffer *out, struct error *err)
{
    if (!buffer_printf(out, err, "%s: ", program->name) ||
        !append_wrapped(out, program->summary, 0, err) ||
        !buffer_append_string(out, "\nUsage:\n", err))
        return false;
    for (size_t i = 0; i < program->command_count; i++) {
        const struct option_command *command = &program->commands[i];

        if (command->hidden)
            continue;
        if (!append_spaces(out, 2, err) || !append_usage(program, i, out, err) ||
            !append_spaces(out, 6, err) || !append_wrapped(out, command->summary, 6, err))
            return false;
    }
    if (!buffer_printf(out, err, "\n\"%s help COMMAND\" says more about a command.\n",
                       program->name))
        return false;
    return program->epilogue == NULL ||
           (buffer_append_byte(out, '\n', err) && append_wrapped(out, program->epilogue, 0, err));
}

/* ---- The reference page ---- */

/* Inside a Markdown table a bar would end the cell, even between backquotes. */
static bool append_cell(struct buffer *out, const char *text, struct error *err)
{
    for (; *text != '\0'; text++) {
        if (*text == '|' && !buffer_append_byte(out, '\\', err))
            return false;
        if (!buffer_append_byte(out, (uint8_t)*text, err))
            return false;
    }
    return true;
}

static bool append_option_row(const struct option_spec *spec, struct buffer *out, struct error *err)
{
    bool has_default = spec->default_text != NULL;
    char help[OPTION_HELP_SIZE];

    return buffer_printf(out, err, "| `--%s", spec->name) &&
           (spec->argument == NULL ||
            (buffer_append_byte(out, ' ', err) && append_cell(out, spec->argument, err))) &&
           buffer_append_string(out, "` | ", err) &&
           append_cell(out, options_help_of(spec, help), err) &&
           buffer_append_string(out, spec->required ? " Required." : "", err) &&
           buffer_append_string(out, options_may_repeat(spec) ? " May be repeated." : "", err) &&
           buffer_append_string(out, has_default ? " | `" : " | ", err) &&
           append_cell(out, has_default ? spec->default_text : "", err) &&
           buffer_append_string(out, has_default ? "` |\n" : "|\n", err);
}

static bool append_line(struct buffer *out, const char *text, struct error *err)
{
    return buffer_append_string(out, text, err) && buffer_append_byte(out, '\n', err);
}

static bool append_group_reference(const struct option_program *program, size_t command,
                                   size_t group, struct buffer *out, struct error *err)
{
    bool first = true;

    for (size_t i = 0; i < program->option_count; i++) {
        if (!is_in_group(program, command, group, i))
            continue;
        if (first && groups[group] != OPTION_OF_BOTH &&
            !append_title(&program->commands[command], groups[group], out, err))
            return false;
        if (first &&
            !buffer_append_string(out, "\n| option | meaning | default |\n|---|---|---|\n", err))
            return false;
        first = false;
        if (!append_option_row(&program->options[i], out, err))
            return false;
    }
    return true;
}

static bool append_command_reference(const struct option_program *program, size_t index,
                                     struct buffer *out, struct error *err)
{
    const struct option_command *command = &program->commands[index];

    if (!buffer_printf(out, err, "\n## %s %s\n\n    ", program->name, command->name) ||
        !append_usage(program, index, out, err) || !buffer_append_byte(out, '\n', err) ||
        !append_line(out, command->description, err))
        return false;
    for (size_t group = 0; group < GROUP_COUNT; group++) {
        if (!append_group_reference(program, index, group, out, err))
            return false;
    }
    return true;
}

bool options_write_reference(const struct option_program *program, struct buffer *out,
                             struct error *err)
{
    if (!buffer_printf(out, err,
                       "<!-- Written by \"%s options-reference\" from the option table; do not "
                       "edit. -->\n# Options of %s\n\n",
                       program->name, program->name) ||
        !append_line(out, program->summary, err))
        return false;
    for (size_t i = 0; i < program->command_count; i++) {
        if (!program->commands[i].hidden && !append_command_reference(program, i, out, err))
            return false;
    }
    return program->epilogue == NULL || (buffer_append_string(out, "\n## In general\n\n", err) &&
                                         append_line(out, program->epilogue, err));
}
