/* Plakar shows forms made of JSON schemas, and checks against them: they are printed from the
 * option table's rows, so that a key cannot be missing or be called something else. */
#include "plakar/schema.h"

#include "plakar/configuration.h"
#include "plakar/spelling.h"

#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#define SCHEMA_DIALECT "https://json-schema.org/draft/2020-12/schema"

/* A key that says how, or only whether. */
static void describe_level(json_t *property, const struct option_spec *spec)
{
    json_t *examples = json_array();
    char pattern[256];
    size_t used = 0;

    for (size_t i = 0; i < OPTION_CHOICES_MAX && spec->choices[i] != NULL; i++) {
        json_array_append_new(examples, json_string(spec->choices[i]));
        used += (size_t)snprintf(pattern + used, sizeof(pattern) - used, "%s%s",
                                 i == 0 ? "^(true|false|" : "|", spec->choices[i]);
    }
    snprintf(pattern + used, sizeof(pattern) - used, ")(:[0-9]+)?$");
    json_object_set_new(property, "examples", examples);
    json_object_set_new(property, "pattern", json_string(pattern));
    json_object_set_new(property, "type", json_pack("[s, s]", "boolean", "string"));
    json_object_set_new(property, "default", json_false());
}

/* "Ssl key data" would not be a title. */
static void make_title(const char *option, char *out, size_t size)
{
    static const struct {
        const char *word, *shown;
    } spelled[] = {{"ssl", "SSL"}, {"pg", "PostgreSQL"}, {"db", "database"}};
    char words[128];
    char *rest = words, *word;
    size_t used = 0;

    snprintf(words, sizeof(words), "%s", option);
    out[0] = '\0';
    while ((word = strsep(&rest, "-")) != NULL && used < size) {
        const char *shown = word;

        for (size_t i = 0; i < sizeof(spelled) / sizeof(spelled[0]); i++) {
            if (strcmp(word, spelled[i].word) == 0)
                shown = spelled[i].shown;
        }
        used += (size_t)snprintf(out + used, size - used, "%s%s", used > 0 ? " " : "", shown);
    }
    out[0] = (char)toupper((unsigned char)out[0]);
}

/* Of a destination all of them are about logical backups. */
static void describe(const struct option_spec *spec, bool restores, char *out, size_t size)
{
    const char *scope = restores ? NULL : options_scope_name(spec->scope);
    char help[1024];

    error_spell_copy(help, sizeof(help), spec->help, &plakar_speller);
    snprintf(out, size, "%s%s%s%s%s", help,
             options_may_be_none(spec) ? " true is gzip, and false none." : "",
             scope == NULL ? "" : " Of ", scope == NULL ? "" : scope,
             scope == NULL ? "" : " backups only.");
}

static json_t *default_of(const struct option_spec *spec)
{
    if (spec->kind == OPTION_FLAG)
        return json_false();
    if (spec->default_text == NULL)
        return NULL;
    return spec->kind == OPTION_INTEGER ? json_integer(strtoll(spec->default_text, NULL, 10))
                                        : json_string(spec->default_text);
}

static const char *type_of(const struct option_spec *spec)
{
    if (spec->kind == OPTION_FLAG)
        return "boolean";
    return spec->kind == OPTION_INTEGER ? "integer" : "string";
}

static void set_limits(json_t *property, const struct option_spec *spec)
{
    if (spec->kind != OPTION_INTEGER)
        return;
    json_object_set_new(property, "minimum", json_integer((json_int_t)spec->minimum));
    if (spec->maximum > 0)
        json_object_set_new(property, "maximum", json_integer((json_int_t)spec->maximum));
}

static json_t *property_of(const struct option_spec *spec, bool restores)
{
    json_t *property = json_object(), *usual = default_of(spec), *choices;
    char title[128], description[1100];

    make_title(spec->name, title, sizeof(title));
    describe(spec, restores, description, sizeof(description));
    json_object_set_new(property, "title", json_string(title));
    json_object_set_new(property, "type", json_string(type_of(spec)));
    json_object_set_new(property, "description", json_string(description));
    if (usual != NULL)
        json_object_set_new(property, "default", usual);
    set_limits(property, spec);
    if (options_may_be_none(spec))
        describe_level(property, spec);
    if (spec->kind != OPTION_CHOICE)
        return property;
    choices = json_array();
    for (size_t i = 0; i < OPTION_CHOICES_MAX && spec->choices[i] != NULL; i++)
        json_array_append_new(choices, json_string(spec->choices[i]));
    json_object_set_new(property, "enum", choices);
    return property;
}

/* One for each connector of manifest.yaml. */
struct schema_kind {
    const char *name, *title, *pattern;
    bool exporter, tokens;
};

static const struct schema_kind kinds[] = {
    {"importer", "PostgreSQL, to back up", "^postgres(ql)?(\\+bin)?:(//)?", false, false},
    {"exporter", "PostgreSQL, to restore into", "^postgres(ql)?:(//)?", true, false},
    {"importer-aws", "PostgreSQL on AWS with IAM, to back up", "^postgres(ql)?\\+aws:(//)?", false,
     true},
    {"exporter-aws", "PostgreSQL on AWS with IAM, to restore into", "^postgres(ql)?\\+aws:(//)?",
     true, true},
};

/* Tokens are in place of passwords, and for no physical backup; a region is for nothing else. */
static bool is_of(const struct schema_kind *kind, const struct option_spec *spec)
{
    if (strcmp(spec->name, "region") == 0)
        return kind->tokens;
    return !kind->tokens ||
           (spec->scope != OPTION_OF_PHYSICAL && strncmp(spec->name, "password", 8) != 0);
}

static json_t *properties_of(const struct option_program *program, size_t command,
                             const struct schema_kind *kind)
{
    json_t *properties = json_object();

    for (size_t i = 0; i < program->option_count; i++) {
        const struct option_spec *spec = &program->options[i];
        char key[CONFIGURATION_KEY_SIZE];
        json_t *property;

        if ((spec->commands & OPTION_COMMAND(command)) == 0 || !is_of(kind, spec))
            continue;
        configuration_key(spec->name, key);
        property = property_of(spec, kind->exporter || kind->tokens);
        if (strcmp(key, "location") == 0)
            json_object_set_new(property, "pattern", json_string(kind->pattern));
        json_object_set_new(properties, key, property);
    }
    return properties;
}

static bool write_schema(const struct option_program *program, size_t command,
                         const struct schema_kind *kind, struct buffer *out, struct error *err)
{
    json_t *schema = json_pack("{s:s, s:s, s:s, s:o, s:b}", "$schema", SCHEMA_DIALECT, "title",
                               kind->title, "type", "object", "properties",
                               properties_of(program, command, kind), "additionalProperties", 0);
    char *text;
    bool done;

    if (schema != NULL && kind->tokens)
        json_object_set_new(schema, "required", json_pack("[s]", "region"));
    text = schema == NULL ? NULL : json_dumps(schema, JSON_INDENT(2));
    done = text != NULL ? buffer_printf(out, err, "%s\n", text) : error_set_memory(err);
    free(text);
    json_decref(schema);
    return done;
}

bool schema_write(const struct configuration_table *table, const char *name, struct buffer *out,
                  struct error *err)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(kinds[i].name, name) == 0)
            return write_schema(table->program,
                                kinds[i].exporter ? table->of_destinations : table->of_sources,
                                &kinds[i], out, err);
    }
    return error_set(err, ERROR_USAGE, "there is no schema of \"%s\"", name);
}
