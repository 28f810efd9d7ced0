/*
 * One table declares every option of a program once: its name, what its value looks like, its
 * default, which commands take it and one sentence of help. Parsing, --help, the reference page
 * and everything else that talks about options is made from that table.
 *
 * Options are written --name value or --name=value; "--" ends them, "-" alone is an argument.
 * Every command takes --help and -h. Nothing here writes or exits.
 */
#ifndef PGCASK_BASE_OPTIONS_H
#define PGCASK_BASE_OPTIONS_H

#include "base/buffer.h"
#include "base/error.h"

enum option_kind {
    OPTION_FLAG,         /* there or not; as a key: true, t, yes, on, 1 or false, f, no, off, 0 */
    OPTION_TEXT,         /* anything, the empty text too */
    OPTION_INTEGER,      /* a decimal number */
    OPTION_SIZE,         /* bytes: 4096, 64kB, 16MiB, 2G; units are powers of 1024 */
    OPTION_DURATION,     /* milliseconds: 90 (seconds), 500ms, 90s, 15min, 1h30m, 2d */
    OPTION_RATE,         /* KiB/s: 4096, 4096k, 32M, 1G; the last letter is a power of 1024 */
    OPTION_CHOICE,       /* one of option_spec.choices */
    OPTION_CHOICE_LEVEL, /* one of option_spec.choices, with ":LEVEL" behind it if wanted; where the
                            first is "none", a key takes a truth value, too: none or the second */
    OPTION_LIST          /* texts with commas between them; always repeatable */
};

/* What was given for a list, each time that it was. Borrowed from the options. */
struct option_list {
    const char *const *texts;
    size_t count; /* 0: it was not given */
};

/* What an option is about. One that is about the other kind of backup is refused. */
enum option_scope { OPTION_OF_BOTH, OPTION_OF_PHYSICAL, OPTION_OF_LOGICAL };

#define OPTION_COMMAND(index) (1U << (index))
#define OPTION_CHOICES_MAX 8
#define OPTION_ARGUMENTS_MAX 3

struct option_spec {
    const char *name;     /* "max-rate" */
    const char *argument; /* "RATE"; NULL for a flag */
    enum option_kind kind;
    const char *choices[OPTION_CHOICES_MAX];
    const char *default_text;  /* as one would type it; NULL: none */
    uint64_t minimum, maximum; /* in the unit of the kind; maximum 0: no limit */
    uint32_t commands; /* OPTION_COMMAND(…) of each command that takes it. A name may occur
                          again for other commands, to which it means something else */
    enum option_scope scope;
    bool required;
    bool repeatable;
    /* Where options_fill puts the value, as an offset into a structure, never its first member; 0:
     * nowhere. What is there: a bool for a flag, a const char * for a text and a choice with a
     * level, an int64_t or uint64_t for a number, an enumeration for a choice, a struct option_list
     * for a list. */
    size_t place;
    int meanings[OPTION_CHOICES_MAX]; /* the choices as that enumeration has them */
    const char *help;                 /* a sentence or two, plain text */
};

/* Whether it says how, or that not at all ("none"): as a key it then also takes a truth value. */
bool options_may_be_none(const struct option_spec *spec);

/* Whether it may be given several times. */
bool options_may_repeat(const struct option_spec *spec);

struct option_command {
    const char *name;
    const char *arguments[OPTION_ARGUMENTS_MAX]; /* names; one in [ ] may be left out */
    const char *summary;                         /* one line for the list of commands */
    const char *description;                     /* paragraphs; '\n' between them */
    bool hidden;                                 /* in no list */
    const char *signs[3]; /* what tells it which kind of backup it is about, by enum option_scope;
                             NULL: the scheme of a URI */
};

struct option_program {
    const char *name;
    const char *summary;
    const struct option_command *commands;
    size_t command_count; /* at most 32 */
    const struct option_spec *options;
    size_t option_count;
    const char *epilogue; /* ends the program's help; NULL: nothing */
};

struct option_value {
    const char **texts;
    size_t count, capacity;
    uint64_t number; /* of the last text, for kinds that are numbers; which of the choices; flags: 0
                        or 1 */
};

/* What was given. Texts are borrowed from argv. */
struct options {
    const struct option_program *program;
    size_t command; /* index into program->commands */
    struct option_value *values;
    const char **arguments;
    size_t argument_count;
    bool help; /* --help was given: nothing else was checked for completeness */
};

/* Fills *options for command number `command` with its defaults. */
bool options_init(struct options *options, const struct option_program *program, size_t command,
                  struct error *err);
void options_free(struct options *options); /* also after a failed init; {0} is allowed */

/* The words behind the command's name. Unknown options, missing and surplus arguments and values
 * that make no sense are ERROR_USAGE; the hint names the nearest option and the help to read. */
bool options_parse(struct options *options, size_t count, char *const *words, struct error *err);

/* Sets one option from a key and a value, as a configuration has them: '_' is as good as '-' in
 * the key, and a flag takes a truth value. */
bool options_set(struct options *options, const char *key, const char *value, struct error *err);

/* Fails if an option is set that is about the other kind of backup than `kind`; a flag that is off
 * asks for nothing, and neither does "none". */
bool options_check_scope(const struct options *options, enum option_scope kind, struct error *err);

/* Puts what `original` makes of it in the place of every text of every list: what is shown of one
 * may not be what was typed. */
void options_map_lists(struct options *options,
                       const char *(*original)(const void *context, const char *text),
                       const void *context);

/* The index of a command, or -1; then *err names the nearest. */
int options_find_command(const struct option_program *program, const char *name, struct error *err);

/* The option's value for the command, or its default. The name must be in the table. */
bool options_flag(const struct options *options, const char *name);
const char *options_text(const struct options *options, const char *name); /* NULL if neither */
uint64_t options_number(const struct options *options, const char *name);  /* 0 if neither */
bool options_given(const struct options *options, const char *name);
size_t options_count(const struct options *options, const char *name);
const char *options_text_at(const struct options *options, const char *name, size_t index);

/* Puts the values of all the command's options, or their defaults, where their rows say. */
void options_fill(const struct options *options, void *structure);

/* Puts one value where its row says: text or number, as the kind takes it. */
void options_store(const struct option_spec *spec, const char *text, uint64_t number,
                   void *structure);

/* The same for a list. */
void options_store_list(const struct option_spec *spec, const char *const *texts, size_t count,
                        void *structure);

/* The items of a list: what lies between commas that are in no double quotes, without blanks around
 * it; quotes stay as they are. An empty one is an error that names the option. On the heap, with a
 * NULL behind the last; freed by options_items_free. NULL on failure. */
char **options_items_new(const struct option_list *list, const char *option, struct error *err);
void options_items_free(char **items);

/* The argument of that index, or NULL. */
const char *options_argument(const struct options *options, size_t index);

/* Reads one value the way an option of that kind does; the error names the option. */
bool options_read_number(const struct option_spec *spec, const char *text, uint64_t *number,
                         struct error *err);

/* What tells the command that it is about that kind: "postgres+bin://". */
const char *options_scope_sign(const struct option_command *command, enum option_scope scope);

/* "physical" or "logical"; NULL for what is about both. */
const char *options_scope_name(enum option_scope scope);

/* Help as plain text of at most 79 columns, and the reference page as Markdown. */
bool options_write_help(const struct option_program *program, struct buffer *out,
                        struct error *err);
bool options_write_command_help(const struct option_program *program, size_t command,
                                struct buffer *out, struct error *err);
bool options_write_reference(const struct option_program *program, struct buffer *out,
                             struct error *err);

/* A script that completes words in that shell: "bash", "zsh" or "fish". */
bool options_write_completion(const struct option_program *program, const char *shell,
                              struct buffer *out, struct error *err);

#endif
