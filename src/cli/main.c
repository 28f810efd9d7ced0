/* pgcask: from the words of the command line to an exit status. */
#include "cli/command.h"
#include "cli/options_table.h"
#include "process/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A standard descriptor that is closed would be given to the next file or socket, and output meant
 * for people would go into it. What takes its place fails when it is used, but for standard
 * error. An empty root has no /dev/null: its own folder can be neither read from nor written to. */
static void occupy_standard_descriptors(void)
{
    static const int modes[] = {O_WRONLY, O_RDONLY, O_RDWR};

    for (int fd = 0; fd < 3; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", modes[fd]) != fd &&
            open("/", O_PATH) != fd)
            _exit(EXIT_FAILED);
    }
}

/* ---- Commands that only print ---- */

static bool print_text(const struct buffer *text, struct error *err)
{
    if (fputs(buffer_text(text), stdout) == EOF || fflush(stdout) != 0)
        return error_set_errno(err, errno, "cannot write to standard output");
    return true;
}

static bool print_help(const char *command_name, struct error *err)
{
    struct buffer text = {0};
    bool done;
    int command = -1;

    if (command_name != NULL) {
        command = options_find_command(&pgcask_program, command_name, err);
        if (command < 0)
            return false;
    }
    done =
        (command < 0 ? options_write_help(&pgcask_program, &text, err)
                     : options_write_command_help(&pgcask_program, (size_t)command, &text, err)) &&
        print_text(&text, err);
    buffer_free(&text);
    return done;
}

static bool print_version(struct error *err)
{
    struct buffer text = {0};
    bool done = buffer_printf(&text, err, "pgcask %s\n", PGCASK_VERSION) && print_text(&text, err);

    buffer_free(&text);
    return done;
}

static bool print_reference(struct error *err)
{
    struct buffer text = {0};
    bool done = options_write_reference(&pgcask_program, &text, err) && print_text(&text, err);

    buffer_free(&text);
    return done;
}

static bool print_completion(const char *shell, struct error *err)
{
    struct buffer text = {0};
    bool done =
        options_write_completion(&pgcask_program, shell, &text, err) && print_text(&text, err);

    buffer_free(&text);
    return done;
}

/* True if the command was one of these; *done is then how it went. */
static bool run_text_command(const struct options *options, bool *done, struct error *err)
{
    if (options->help)
        *done = print_help(options->program->commands[options->command].name, err);
    else if (options->command == COMMAND_HELP)
        *done = print_help(options_argument(options, 0), err);
    else if (options->command == COMMAND_VERSION)
        *done = options_flag(options, "json") || print_version(err);
    else if (options->command == COMMAND_OPTIONS_REFERENCE)
        *done = print_reference(err);
    else if (options->command == COMMAND_COMPLETION)
        *done = print_completion(options_argument(options, 0), err);
    else
        return false;
    return true;
}

/* ---- Commands that do something ---- */

static void forget_arguments(void *context)
{
    arguments_free(context);
}

/* For the commands that make sessions; before any thread is made. */
static bool start_guardian(struct command *command, struct arguments *arguments, struct error *err)
{
    size_t number = command->options->command;

    if (number != COMMAND_BACKUP && number != COMMAND_RESTORE && number != COMMAND_VERIFY &&
        number != COMMAND_PING && number != COMMAND_CHECK && number != COMMAND_PLAKAR)
        return true;
    return guardian_start(&command->guardian, forget_arguments, arguments, err);
}

static bool run_command(struct command *command, struct error *err)
{
    static bool (*const functions[])(struct command *, struct error *) = {
        [COMMAND_BACKUP] = command_backup,   [COMMAND_VERIFY] = command_verify,
        [COMMAND_RESTORE] = command_restore, [COMMAND_LIST] = command_list,
        [COMMAND_PING] = command_ping,       [COMMAND_RELOCATE] = command_relocate,
        [COMMAND_CHECK] = command_check,
    };
    const struct options *options = command->options;

    if (options->command == COMMAND_PLAKAR)
        return command_plakar(command, err);
    if (options->command == COMMAND_PLAKAR_DESTINATION)
        return error_set(err, ERROR_USAGE, "there is nothing to be run: see --help");
    if (options->command == COMMAND_PLAKAR_SCHEMA)
        return command_plakar_schema(command, err);
    command->quiet = options_flag(options, "quiet");
    if (!command->quiet && !command->json_printed)
        command->out = stdout;
    if (options_flag(options, "verbose")) {
        if (command->quiet)
            return error_set(err, ERROR_USAGE, "--quiet and --verbose contradict each other");
        if (options->command != COMMAND_LIST)
            command->console->log.threshold = LOG_DEBUG;
    }
    return functions[options->command](command, err);
}

static int exit_status_of(const struct error *err)
{
    return err->code == ERROR_USAGE ? EXIT_USAGE : EXIT_FAILED;
}

/* A failure after a signal is the signal's doing, whichever wait it ended. */
static void name_the_signal(struct error *err)
{
    const char *signal_name = signals_received();
    struct error original = *err;

    if (signal_name == NULL)
        return;
    error_set(err, ERROR_CANCELLED, "cancelled by %s", signal_name);
    if (original.code == ERROR_CANCELLED) {
        error_detail(err, ERROR_OURS("%s"), original.detail);
        return;
    }
    error_detail(err, ERROR_OURS("%s"), original.message);
    error_hint(err, ERROR_OURS("%s"), original.hint);
}

static void fill_result(const struct command *command, int status, const struct error *err)
{
    static const char *const words[] = {
        [EXIT_COMPLETE] = "complete",
        [EXIT_FAILED] = "failed",
        [EXIT_USAGE] = "failed",
        [EXIT_PROBLEMS] = "finished_with_problems",
    };

    result_set_text(command->result, "status", words[status]);
    result_set_number(command->result, "exit_status", (uint64_t)status);
    if (status == EXIT_FAILED || status == EXIT_USAGE)
        result_set(command->result, "error", result_error(err));
    if (json_array_size(command->console->warnings) > 0)
        result_set(command->result, "warnings", json_incref(command->console->warnings));
}

/* On standard output with --json, in a file with --json-file, or both. */
static bool print_results(const struct command *command, struct error *err)
{
    char name[512];

    if (command->json_printed &&
        !result_print(command->result, STDOUT_FILENO, "standard output", err))
        return false;
    if (command->json_fd < 0)
        return true;
    snprintf(name, sizeof(name), "\"%s\"", command->json_file);
    return result_print(command->result, command->json_fd, name, err);
}

/* Whether the command has done its work whether or not its lines for people arrive: nobody may be
 * listening. With --json, and for commands whose work is the text, that is a failure. */
static bool text_is_beside_the_work(const struct command *command)
{
    if (command->result != NULL || command->options->program == NULL || command->options->help)
        return false;
    switch (command->options->command) {
    case COMMAND_BACKUP:
    case COMMAND_VERIFY:
    case COMMAND_RESTORE:
    case COMMAND_RELOCATE:
        return true;
    default:
        return false;
    }
}

static bool print_all(const struct command *command, struct error *err)
{
    if (command->result != NULL)
        return print_results(command, err);
    if (fflush(stdout) == 0 && ferror(stdout) == 0)
        return true;
    return error_set(err, ERROR_IO, "cannot write to standard output");
}

/* Says how it went; gives the exit status. */
static int finish(const struct command *command, bool done, struct error *err)
{
    int status = command->problems ? EXIT_PROBLEMS : EXIT_COMPLETE;

    if (!done) {
        name_the_signal(err);
        console_error(command->console, err);
        status = exit_status_of(err);
    }
    if (command->result != NULL)
        fill_result(command, status, err);
    if (print_all(command, err))
        return status;
    if (status == EXIT_USAGE || status == EXIT_FAILED) {
        if (command->result != NULL)
            console_warning(command->console, ERROR_OURS("%s"), err->message);
    } else if (text_is_beside_the_work(command)) {
        console_warning(command->console, "the summary could not be written to standard output");
    } else {
        if (command->result != NULL)
            error_detail(err, "The work itself is done.");
        console_error(command->console, err);
        status = EXIT_FAILED;
    }
    return status;
}

/* Asked of the words themselves, because a result is due even when they cannot be parsed. */
static void find_json_options(struct command *command, int argc, char *const *argv)
{
    static const char file[] = "--json-file";
    size_t len = strlen(file);

    for (int i = 2; i < argc && strcmp(argv[i], "--") != 0; i++) {
        command->json_printed = command->json_printed || strcmp(argv[i], "--json") == 0;
        if (strncmp(argv[i], file, len) == 0 && argv[i][len] == '=')
            command->json_file = argv[i] + len + 1;
        else if (strcmp(argv[i], file) == 0 && i + 1 < argc)
            command->json_file = argv[++i];
    }
    if (command->json_file != NULL && *command->json_file == '\0') /* refused as an option */
        command->json_file = NULL;
}

/* Before the work: an hour later would be late to say that the file cannot be written. */
static bool begin_result(struct command *command, const char *name, struct error *err)
{
    if (command->json_file != NULL) {
        command->json_fd =
            open(command->json_file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0666);
        if (command->json_fd < 0)
            return error_set_errno(err, errno, "cannot write the result to \"%s\"",
                                   command->json_file);
    }
    if (!command->json_printed && command->json_fd < 0)
        return true;
    command->result = result_new(name);
    return command->result != NULL || error_set_memory(err);
}

static const char *original(const void *context, const char *text)
{
    return arguments_original(context, text);
}

static int run(int argc, char **argv, struct command *command, struct options *options,
               struct arguments *arguments, struct error *err)
{
    int number;
    bool done;

    if (argc < 2) {
        error_set(err, ERROR_USAGE, "no command was given");
        error_hint(err, "\"pgcask help\" lists the commands.");
        return finish(command, false, err);
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return finish(command, print_help(NULL, err), err);
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0)
        return finish(command, print_version(err), err);
    if (!begin_result(command, argv[1], err))
        return finish(command, false, err);
    number = options_find_command(&pgcask_program, argv[1], err);
    if (number < 0)
        return finish(command, false, err);
    done = options_init(options, &pgcask_program, (size_t)number, err) &&
           options_parse(options, (size_t)argc - 2, argv + 2, err);
    if (done) /* a condition on rows may look like a password */
        options_map_lists(options, original, arguments);
    if (done && run_text_command(options, &done, err)) {
        if (options->command != COMMAND_VERSION || options->help) {
            json_decref(command->result);
            command->result = NULL; /* the text is what was asked for */
        }
    } else if (done) {
        done = start_guardian(command, arguments, err) && run_command(command, err);
        guardian_stop(command->guardian);
    }
    return finish(command, done, err);
}

int main(int argc, char **argv)
{
    struct arguments arguments = {0};
    struct options options = {0};
    struct console console;
    struct cancel cancel = {.event_fd = -1};
    struct command command = {.options = &options, .arguments = &arguments, .json_fd = -1};
    struct error err;
    int status;

    occupy_standard_descriptors();
    wire_use_files_and_dns();
    umask(077); /* a backup holds everything that the database protects */
    error_clear(&err);
    find_json_options(&command, argc, argv);
    if (!console_init(&console, command.json_printed || command.json_file != NULL, &err)) {
        console_error(&console, &err);
        return EXIT_FAILED;
    }
    command.console = &console;
    command.cancel = &cancel;
    if (!arguments_init(&arguments, argc, argv, &err) || !cancel_init(&cancel, &err) ||
        !signals_install(&cancel, &err)) {
        struct error ignored;

        begin_result(&command, argc > 1 ? argv[1] : "", &ignored);
        status = finish(&command, false, &err);
    } else {
        status = run(argc, argv, &command, &options, &arguments, &err);
    }
    options_free(&options);
    arguments_free(&arguments);
    json_decref(command.result);
    console_free(&console);
    return status;
}
