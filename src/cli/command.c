#include "cli/command.h"

#include "cli/format.h"

void command_say(const struct command *command, const char *format, ...)
{
    struct buffer line = {0};
    struct error ignored;
    char text[4096];
    va_list args;

    if (command->out == NULL)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (command->out == stderr) {
        console_message(command->console, "%s", text);
        return;
    }
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
