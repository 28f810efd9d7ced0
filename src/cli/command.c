/* What all commands do alike: a line of the summary, spelled and escaped for where it goes, and
 * the words that were typed in place of those that are shown. */
#include "cli/command.h"

#include "cli/format.h"
#include "cli/spelling.h"

void command_say(const struct command *command, const char *format, ...)
{
    struct buffer line = {0};
    struct error ignored;
    char text[4096];
    va_list args;

    if (command->out == NULL)
        return;
    va_start(args, format);
    error_format(text, sizeof(text), format, args);
    va_end(args);
    if (command->out == stderr) {
        console_message(command->console, ERROR_OURS("%s"), text);
        return;
    }
    error_spell_text(text, sizeof(text), &command_speller);
    if (format_escape(&line, slice_string(text), FORMAT_FOR_TERMINAL, &ignored))
        fprintf(command->out, "%s\n", buffer_text(&line));
    buffer_free(&line);
}

const char *command_argument(const struct command *command, size_t index)
{
    return arguments_original(command->arguments, options_argument(command->options, index));
}

const char *command_text(const struct command *command, const char *name)
{
    const char *shown = options_text(command->options, name);

    return shown == NULL ? NULL : arguments_original(command->arguments, shown);
}

void command_say_unavailable(const struct command *command, size_t count)
{
    if (count > 0)
        command_say(command,
                    "manifest.json lacks %zu detail%s that this role could not read; its "
                    "\"unavailable\" says of each why, and what would give it",
                    count, count == 1 ? "" : "s");
}

bool command_leave_output(struct command *command, struct error *err)
{
    if (!options_flag(command->options, "json"))
        return true;
    command->json_printed = false; /* it would end up in there */
    if (command->json_file == NULL) {
        json_decref(command->result);
        command->result = NULL;
    }
    error_set(err, ERROR_USAGE, OPTION_JSON " and " OPTION_TO " - both want standard output");
    return error_hint(err,
                      "Let the result go to a file instead:  " OPTION_JSON_FILE " result.json");
}
