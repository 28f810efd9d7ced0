/* Completion for shells, made of the option table: a script that the shell reads when somebody
 * presses Tab behind the program's name. It runs nothing and asks no server; what a word may be is
 * told by how the table writes it: of FILE and DIR the shell has its own completion, a URI begins
 * with a scheme, choices are themselves. */
#include "base/options_internal.h"

#include <string.h>

#define SUMMARY_SIZE 160

struct script {
    const struct option_program *program;
    struct buffer *out;
    struct error *err;
};

/* ---- What a word may be ---- */

enum value_kind { VALUE_NONE, VALUE_FREE, VALUE_FILE, VALUE_URI, VALUE_COMMAND, VALUE_WORDS };

/* What is written in capitals stands for something, "bash|zsh" for itself. */
static enum value_kind kind_of_argument(const char *argument)
{
    if (argument == NULL)
        return VALUE_NONE;
    if (strcmp(argument, "[COMMAND]") == 0)
        return VALUE_COMMAND;
    if (argument[strspn(argument, "abcdefghijklmnopqrstuvwxyz|")] == '\0')
        return VALUE_WORDS;
    if (strstr(argument, "DIR") != NULL || strstr(argument, "FILE") != NULL ||
        strcmp(argument, "SOURCE") == 0)
        return VALUE_FILE;
    return strstr(argument, "URI") != NULL ? VALUE_URI : VALUE_FREE;
}

static enum value_kind kind_of_option(const struct option_spec *spec)
{
    if (spec->kind == OPTION_FLAG)
        return VALUE_NONE;
    return spec->choices[0] != NULL ? VALUE_WORDS : kind_of_argument(spec->argument);
}

static bool append_commands(struct script *script)
{
    const char *blank = "";

    for (size_t i = 0; i < script->program->command_count; i++) {
        if (script->program->commands[i].hidden)
            continue;
        if (!buffer_printf(script->out, script->err, "%s%s", blank,
                           script->program->commands[i].name))
            return false;
        blank = " ";
    }
    return true;
}

/* All that the command's first argument may be, with blanks between; nothing if it is no matter of
 * words. */
static bool append_argument_words(struct script *script, const struct option_command *command)
{
    const char *argument = command->arguments[0];

    switch (kind_of_argument(argument)) {
    case VALUE_COMMAND:
        return append_commands(script);
    case VALUE_URI:
        return buffer_printf(script->out, script->err, "%s %s",
                             options_scope_sign(command, OPTION_OF_PHYSICAL),
                             options_scope_sign(command, OPTION_OF_LOGICAL));
    case VALUE_WORDS:
        for (; *argument != '\0'; argument++) {
            if (!buffer_append_byte(script->out, *argument == '|' ? ' ' : (uint8_t)*argument,
                                    script->err))
                return false;
        }
        return true;
    case VALUE_NONE:
    case VALUE_FREE:
    case VALUE_FILE:
    default:
        return true;
    }
}

/* The same of an option's value. What an option calls a URI is never a cluster as a whole. */
static bool append_value_words(struct script *script, const struct option_spec *spec)
{
    if (kind_of_option(spec) == VALUE_URI)
        return buffer_append_string(script->out, "postgres://", script->err);
    for (size_t i = 0; i < OPTION_CHOICES_MAX && spec->choices[i] != NULL; i++) {
        if (!buffer_printf(script->out, script->err, "%s%s", i == 0 ? "" : " ", spec->choices[i]))
            return false;
    }
    return true;
}

static bool takes(const struct script *script, size_t command, size_t option)
{
    return !script->program->commands[command].hidden &&
           (script->program->options[option].commands & OPTION_COMMAND(command)) != 0;
}

/* ---- Texts ---- */

/* What stands beside an option: its help, up to where the first part of a sentence ends. */
static void summarize(const char *text, char out[SUMMARY_SIZE])
{
    size_t len = 0;

    while (text[len] != '\0' &&
           (strchr(".;:", text[len]) == NULL || (text[len + 1] != ' ' && text[len + 1] != '\0')))
        len++;
    if (len < SUMMARY_SIZE) {
        memcpy(out, text, len);
        out[len] = '\0';
        return;
    }
    for (len = SUMMARY_SIZE - sizeof("..."); text[len] != ' '; len--)
        continue;
    memcpy(out, text, len);
    memcpy(out + len, "...", sizeof("..."));
}

/* Within single quotes; with a backslash before each byte that is special there. */
static bool append_quoted(struct script *script, const char *text, const char *special)
{
    for (; *text != '\0'; text++) {
        if (strchr(special, *text) != NULL && !buffer_append_byte(script->out, '\\', script->err))
            return false;
        if (*text == '\'' && strchr(special, '\'') == NULL) {
            if (!buffer_append_string(script->out, "'\\''", script->err))
                return false;
        } else if (!buffer_append_byte(script->out, (uint8_t)*text, script->err)) {
            return false;
        }
    }
    return true;
}

static bool append_summary(struct script *script, const struct option_spec *spec,
                           const char *special)
{
    char help[OPTION_HELP_SIZE], summary[SUMMARY_SIZE];

    summarize(options_help_of(spec, help), summary);
    return append_quoted(script, summary, special);
}

/* "backup:--to" for each command that takes the option, or only "backup"; nothing if none does. */
static bool append_takers(struct script *script, size_t option, const char *before,
                          const char *between, bool with_option)
{
    for (size_t i = 0; i < script->program->command_count; i++) {
        if (!takes(script, i, option))
            continue;
        if (!buffer_printf(script->out, script->err, "%s%s%s%s", before,
                           script->program->commands[i].name, with_option ? ":--" : "",
                           with_option ? script->program->options[option].name : ""))
            return false;
        before = between;
    }
    return true;
}

static bool has_taker(const struct script *script, size_t option)
{
    for (size_t i = 0; i < script->program->command_count; i++) {
        if (takes(script, i, option))
            return true;
    }
    return false;
}

/* ---- bash ---- */

static const char bash_begin[] =
    "_%s()\n"
    "{\n"
    "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} options= words=\n\n"
    "    if [[ $cur == = ]]; then # --option=value comes as three words\n"
    "        cur=\n"
    "    elif [[ $prev == = ]]; then\n"
    "        prev=${COMP_WORDS[COMP_CWORD-2]}\n"
    "    fi\n"
    "    COMPREPLY=()\n"
    "    case ${COMP_WORDS[1]} in\n";

static const char bash_end[] = "    [[ $cur == -* && -n $options ]] && words=$options\n"
                               "    [[ $words == / ]] && return # files: readline knows how\n"
                               "    compopt +o default 2>/dev/null\n"
                               "    [[ $words == *:// ]] && compopt -o nospace 2>/dev/null\n"
                               "    COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
                               "}\n"
                               "complete -o default -F _%s %s\n";

static bool bash_command(struct script *script, size_t command)
{
    const struct option_command *entry = &script->program->commands[command];
    bool files = kind_of_argument(entry->arguments[0]) == VALUE_FILE;

    if (entry->hidden)
        return true;
    if (!buffer_printf(script->out, script->err, "    %s)\n        options='--help", entry->name))
        return false;
    for (size_t i = 0; i < script->program->option_count; i++) {
        if (takes(script, command, i) &&
            !buffer_printf(script->out, script->err, " --%s", script->program->options[i].name))
            return false;
    }
    return buffer_printf(script->out, script->err, "'\n        words='%s", files ? "/" : "") &&
           append_argument_words(script, entry) &&
           buffer_append_string(script->out, "'\n        ;;\n", script->err);
}

static bool bash_option(struct script *script, size_t option)
{
    const struct option_spec *spec = &script->program->options[option];
    enum value_kind kind = kind_of_option(spec);

    if (kind == VALUE_NONE || !has_taker(script, option))
        return true;
    return append_takers(script, option, "    ", "|", true) &&
           buffer_printf(script->out, script->err, ") options= words='%s",
                         kind == VALUE_FILE ? "/" : "") &&
           append_value_words(script, spec) &&
           buffer_append_string(script->out, "' ;;\n", script->err);
}

static bool write_bash(struct script *script)
{
    const char *name = script->program->name;

    if (!buffer_printf(script->out, script->err, bash_begin, name))
        return false;
    for (size_t i = 0; i < script->program->command_count; i++) {
        if (!bash_command(script, i))
            return false;
    }
    if (!buffer_append_string(script->out, "    esac\n    case ${COMP_WORDS[1]}:$prev in\n",
                              script->err))
        return false;
    for (size_t i = 0; i < script->program->option_count; i++) {
        if (!bash_option(script, i))
            return false;
    }
    return buffer_append_string(script->out,
                                "    esac\n    ((COMP_CWORD == 1)) && options='--help --version' "
                                "words='",
                                script->err) &&
           append_commands(script) && buffer_append_string(script->out, "'\n", script->err) &&
           buffer_printf(script->out, script->err, bash_end, name, name);
}

/* ---- zsh ---- */

static const char zsh_special[] = "\\[]:";

/* The action behind "message:". A colon begins what is next, and so is escaped. */
static bool zsh_action(struct script *script, enum value_kind kind, const char *words)
{
    if (kind == VALUE_FILE)
        return buffer_append_string(script->out, "_files", script->err);
    if (kind == VALUE_FREE)
        return buffer_append_byte(script->out, ' ', script->err);
    return buffer_append_string(script->out, kind == VALUE_URI ? "{compadd -S \"\" -- " : "(",
                                script->err) &&
           append_quoted(script, words, ":") &&
           buffer_append_byte(script->out, kind == VALUE_URI ? '}' : ')', script->err);
}

static bool zsh_value(struct script *script, enum value_kind kind, const char *argument,
                      struct buffer *words)
{
    return buffer_append_byte(script->out, ':', script->err) &&
           append_quoted(script, argument, "\\:") &&
           buffer_append_byte(script->out, ':', script->err) &&
           zsh_action(script, kind, buffer_text(words));
}

static bool zsh_option(struct script *script, const struct option_spec *spec)
{
    enum value_kind kind = kind_of_option(spec);
    struct buffer words = {0};
    struct script aside = {script->program, &words, script->err};
    bool done;

    done = buffer_printf(script->out, script->err, "            '%s--%s%s[",
                         options_may_repeat(spec) ? "*" : "", spec->name,
                         kind == VALUE_NONE ? "" : "=") &&
           append_summary(script, spec, zsh_special) &&
           buffer_append_byte(script->out, ']', script->err) && append_value_words(&aside, spec) &&
           (kind == VALUE_NONE || zsh_value(script, kind, spec->argument, &words)) &&
           buffer_append_string(script->out, "' \\\n", script->err);
    buffer_free(&words);
    return done;
}

static bool zsh_argument(struct script *script, const struct option_command *entry)
{
    enum value_kind kind = kind_of_argument(entry->arguments[0]);
    struct buffer words = {0};
    struct script aside = {script->program, &words, script->err};
    bool done;

    done =
        kind == VALUE_NONE || (append_argument_words(&aside, entry) &&
                               buffer_append_string(script->out, "            '1", script->err) &&
                               zsh_value(script, kind, entry->arguments[0], &words) &&
                               buffer_append_string(script->out, "' \\\n", script->err));
    buffer_free(&words);
    return done;
}

static bool zsh_command(struct script *script, size_t command)
{
    const struct option_command *entry = &script->program->commands[command];

    if (entry->hidden)
        return true;
    if (!buffer_printf(script->out, script->err, "    %s)\n        _arguments -S \\\n",
                       entry->name))
        return false;
    for (size_t i = 0; i < script->program->option_count; i++) {
        if (takes(script, command, i) && !zsh_option(script, &script->program->options[i]))
            return false;
    }
    return zsh_argument(script, entry) &&
           buffer_append_string(script->out,
                                "            '(-h --help)'{-h,--help}'[Says more about it]'\n"
                                "        ;;\n",
                                script->err);
}

static bool zsh_commands(struct script *script)
{
    char summary[SUMMARY_SIZE];

    for (size_t i = 0; i < script->program->command_count; i++) {
        const struct option_command *entry = &script->program->commands[i];

        if (entry->hidden)
            continue;
        summarize(entry->summary, summary);
        if (!buffer_printf(script->out, script->err, "            '%s:", entry->name) ||
            !append_quoted(script, summary, zsh_special) ||
            !buffer_append_string(script->out, "'\n", script->err))
            return false;
    }
    return true;
}

static bool write_zsh(struct script *script)
{
    const char *name = script->program->name;

    if (!buffer_printf(script->out, script->err,
                       "_%s()\n{\n    local -a commands\n    local command\n\n"
                       "    if ((CURRENT == 2)); then\n        commands=(\n",
                       name) ||
        !zsh_commands(script) ||
        !buffer_append_string(script->out,
                              "        )\n        _describe command commands\n        return\n"
                              "    fi\n    command=$words[2]\n    shift words\n    ((CURRENT--))\n"
                              "    case $command in\n",
                              script->err))
        return false;
    for (size_t i = 0; i < script->program->command_count; i++) {
        if (!zsh_command(script, i))
            return false;
    }
    return buffer_printf(script->out, script->err,
                         "    esac\n}\n"
                         "# Loaded by compinit, or read by hand.\n"
                         "if [[ $funcstack[1] == _%s ]]; then\n    _%s \"$@\"\n"
                         "else\n    compdef _%s %s\nfi\n",
                         name, name, name, name);
}

/* ---- fish ---- */

static const char fish_begin[] = "# Whether the command is one of those named.\n"
                                 "function __%s_is\n"
                                 "    set -l words (commandline -opc)\n"
                                 "    set -q words[2]; and contains -- $words[2] $argv\n"
                                 "end\n\n"
                                 "complete -c %s -f\n";

static bool fish_command(struct script *script, const struct option_command *entry)
{
    const char *name = script->program->name;
    enum value_kind kind = kind_of_argument(entry->arguments[0]);
    char summary[SUMMARY_SIZE];

    if (entry->hidden)
        return true;
    summarize(entry->summary, summary);
    if (!buffer_printf(script->out, script->err,
                       "complete -c %s -n 'test (count (commandline -opc)) -eq 1' -a %s -d '", name,
                       entry->name) ||
        !append_quoted(script, summary, "\\'") ||
        !buffer_append_string(script->out, "'\n", script->err))
        return false;
    if (kind == VALUE_NONE)
        return true;
    if (kind == VALUE_FILE)
        return buffer_printf(script->out, script->err, "complete -c %s -n '__%s_is %s' -F\n", name,
                             name, entry->name);
    return buffer_printf(script->out, script->err, "complete -c %s -n '__%s_is %s' -a '", name,
                         name, entry->name) &&
           append_argument_words(script, entry) &&
           buffer_append_string(script->out, "'\n", script->err);
}

static bool fish_option(struct script *script, size_t option)
{
    const struct option_spec *spec = &script->program->options[option];
    enum value_kind kind = kind_of_option(spec);
    const char *name = script->program->name;
    bool words = kind == VALUE_WORDS || kind == VALUE_URI;

    if (!has_taker(script, option))
        return true;
    return buffer_printf(script->out, script->err, "complete -c %s -n '__%s_is ", name, name) &&
           append_takers(script, option, "", " ", false) &&
           buffer_printf(script->out, script->err, "' -l %s%s", spec->name,
                         kind == VALUE_NONE   ? ""
                         : kind == VALUE_FILE ? " -r -F"
                                              : " -x") &&
           (!words || (buffer_append_string(script->out, " -a '", script->err) &&
                       append_value_words(script, spec) &&
                       buffer_append_byte(script->out, '\'', script->err))) &&
           buffer_append_string(script->out, " -d '", script->err) &&
           append_summary(script, spec, "\\'") &&
           buffer_append_string(script->out, "'\n", script->err);
}

static bool write_fish(struct script *script)
{
    const char *name = script->program->name;

    if (!buffer_printf(script->out, script->err, fish_begin, name, name))
        return false;
    for (size_t i = 0; i < script->program->command_count; i++) {
        if (!fish_command(script, &script->program->commands[i]))
            return false;
    }
    for (size_t i = 0; i < script->program->option_count; i++) {
        if (!fish_option(script, i))
            return false;
    }
    return buffer_printf(script->out, script->err,
                         "complete -c %s -s h -l help -d 'Says more about it'\n", name);
}

/* ---- Any of them ---- */

bool options_write_completion(const struct option_program *program, const char *shell,
                              struct buffer *out, struct error *err)
{
    static const struct {
        const char *shell, *first;
        bool (*write)(struct script *script);
    } shells[] = {
        {"bash", "", write_bash}, {"zsh", "#compdef ", write_zsh}, {"fish", "", write_fish}};
    struct script script = {program, out, err};

    for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++) {
        bool marked = shells[i].first[0] != '\0';

        if (strcmp(shells[i].shell, shell) == 0)
            return buffer_printf(out, err,
                                 "%s%s%s# Completion of %s for %s, written by \"%s completion %s\" "
                                 "from the option table.\n\n",
                                 shells[i].first, marked ? program->name : "", marked ? "\n" : "",
                                 program->name, shell, program->name, shell) &&
                   shells[i].write(&script);
    }
    error_set(err, ERROR_USAGE, "there is no completion for \"%s\"", shell);
    error_hint(err, "The shells are bash, zsh and fish.");
    return false;
}
