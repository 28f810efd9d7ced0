/* Plakar shows forms made of JSON schemas, and checks against them: they are printed from the
 * option table's rows, so that a key cannot be missing or be called something else. */
#include "plakar/schema.h"

#include "plakar/configuration.h"
#include "plakar/spelling.h"

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

static json_t *property_of(const struct option_spec *spec)
{
    json_t *property = json_object();
    const char *scope = options_scope_name(spec->scope);
    char help[1024], description[1100];
    json_t *choices;

    error_spell_copy(help, sizeof(help), spec->help, &plakar_speller);
    snprintf(description, sizeof(description), "%s%s%s%s%s", help,
             options_may_be_none(spec) ? " true is gzip, and false none." : "",
             scope == NULL ? "" : " Of ", scope == NULL ? "" : scope,
             scope == NULL ? "" : " backups only.");

    json_object_set_new(property, "type",
                        json_string(spec->kind == OPTION_FLAG ? "boolean" : "string"));
    json_object_set_new(property, "description", json_string(description));
    if (spec->default_text != NULL)
        json_object_set_new(property, "default", json_string(spec->default_text));
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

static bool connects(const struct option_spec *spec)
{
    static const char *const names[] = {"location", "host",     "port",
                                        "username", "password", "database"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(spec->name, names[i]) == 0)
            return true;
    }
    return strncmp(spec->name, "ssl-", 4) == 0;
}

static json_t *properties_of(const struct option_program *program, size_t command,
                             bool only_connection, const char *pattern)
{
    json_t *properties = json_object();

    for (size_t i = 0; i < program->option_count; i++) {
        const struct option_spec *spec = &program->options[i];
        char key[CONFIGURATION_KEY_SIZE];
        json_t *property;

        if ((spec->commands & OPTION_COMMAND(command)) == 0 || (only_connection && !connects(spec)))
            continue;
        configuration_key(spec->name, key);
        property = property_of(spec);
        if (strcmp(key, "location") == 0)
            json_object_set_new(property, "pattern", json_string(pattern));
        json_object_set_new(properties, key, property);
    }
    return properties;
}

static bool write_schema(const struct option_program *program, size_t command, bool exporter,
                         struct buffer *out, struct error *err)
{
    const char *pattern = exporter ? "^postgres(ql)?:(//)?" : "^postgres(ql)?(\\+bin)?:(//)?";
    json_t *schema =
        json_pack("{s:s, s:s, s:s, s:o, s:[s], s:b}", "$schema", SCHEMA_DIALECT, "title",
                  exporter ? "PostgreSQL, to restore into" : "PostgreSQL, to back up", "type",
                  "object", "properties", properties_of(program, command, exporter, pattern),
                  "required", "location", "additionalProperties", 0);
    char *text = schema == NULL ? NULL : json_dumps(schema, JSON_INDENT(2));
    bool done = text != NULL ? buffer_printf(out, err, "%s\n", text) : error_set_memory(err);

    free(text);
    json_decref(schema);
    return done;
}

bool schema_write_importer(const struct option_program *program, size_t command, struct buffer *out,
                           struct error *err)
{
    return write_schema(program, command, false, out, err);
}

bool schema_write_exporter(const struct option_program *program, size_t command, struct buffer *out,
                           struct error *err)
{
    return write_schema(program, command, true, out, err);
}
