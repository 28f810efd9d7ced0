#include "restore/manifest_facts.h"

#include "base/bytes.h"
#include "base/json.h"
#include "manifest/json_values.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define VALUES_MAX 100000 /* in the list of tablespaces */

/* The outermost object only; whatever is deeper is skipped by counting brackets. */
enum scan_state { SCAN_START, SCAN_KEY_WANTED, SCAN_IN_KEY, SCAN_COLON, SCAN_VALUE, SCAN_DONE };

void manifest_facts_init(struct manifest_facts *facts)
{
    memset(facts, 0, sizeof(*facts));
    facts->state = SCAN_START;
}

static void forget_tablespaces(struct manifest_facts *facts)
{
    for (size_t i = 0; i < facts->tablespace_count; i++) {
        free(facts->tablespaces[i].name);
        free(facts->tablespaces[i].location);
    }
    free(facts->tablespaces);
    facts->tablespaces = NULL;
    facts->tablespace_count = 0;
}

void manifest_facts_reset(struct manifest_facts *facts)
{
    forget_tablespaces(facts);
    buffer_free(&facts->identifier_text);
    buffer_free(&facts->tablespaces_text);
    manifest_facts_init(facts);
}

static void scan_key(struct manifest_facts *facts, char c)
{
    if (c != '"' || facts->escaped) {
        facts->escaped = c == '\\' && !facts->escaped;
        if (facts->key_length < sizeof(facts->key) - 1)
            facts->key[facts->key_length++] = c;
        return;
    }
    facts->key[facts->key_length] = '\0';
    facts->target = NULL;
    if (strcmp(facts->key, "cluster_system_identifier") == 0)
        facts->target = &facts->identifier_text;
    else if (strcmp(facts->key, "tablespaces") == 0)
        facts->target = &facts->tablespaces_text;
    if (facts->target != NULL)
        buffer_clear(facts->target);
    facts->state = SCAN_COLON;
}

/* True while c belongs to the value. */
static bool scan_value(struct manifest_facts *facts, char c)
{
    if (facts->in_string) {
        if (c == '"' && !facts->escaped)
            facts->in_string = false;
        facts->escaped = c == '\\' && !facts->escaped;
        return true;
    }
    if (facts->nested == 0 && (c == ',' || c == '}')) {
        facts->state = c == ',' ? SCAN_KEY_WANTED : SCAN_DONE;
        return false;
    }
    if (c == '"')
        facts->in_string = true;
    else if (c == '[' || c == '{')
        facts->nested++;
    else if ((c == ']' || c == '}') && facts->nested > 0)
        facts->nested--;
    return true;
}

static bool scan_byte(struct manifest_facts *facts, char c, struct error *err)
{
    switch ((enum scan_state)facts->state) {
    case SCAN_START:
        if (c == '{')
            facts->state = SCAN_KEY_WANTED;
        return true;
    case SCAN_KEY_WANTED:
        facts->key_length = 0;
        facts->escaped = false;
        if (c == '"' || c == '}')
            facts->state = c == '"' ? SCAN_IN_KEY : SCAN_DONE;
        return true;
    case SCAN_IN_KEY:
        scan_key(facts, c);
        return true;
    case SCAN_COLON:
        if (c == ':')
            facts->state = SCAN_VALUE;
        return true;
    case SCAN_VALUE:
        if (!scan_value(facts, c) || facts->target == NULL)
            return true;
        if (facts->target->len >= MANIFEST_FACTS_MAX)
            return error_set(err, ERROR_UNSUPPORTED,
                             "\"%s\" in /manifest.json is longer than %d bytes", facts->key,
                             MANIFEST_FACTS_MAX);
        return buffer_append_byte(facts->target, (uint8_t)c, err);
    case SCAN_DONE:
        break;
    }
    return true;
}

bool manifest_facts_feed(struct manifest_facts *facts, struct slice piece, struct error *err)
{
    for (size_t i = 0; i < piece.len; i++) {
        if (!scan_byte(facts, (char)piece.data[i], err))
            return false;
    }
    return true;
}

/* A number, or a string that is one. */
static bool json_unsigned(const json_t *value, uint64_t *number)
{
    if (json_is_integer(value) && json_integer_value(value) >= 0) {
        *number = (uint64_t)json_integer_value(value);
        return true;
    }
    return json_is_string(value) &&
           bytes_parse_u64(slice_make(json_string_value(value), json_string_length(value)), number);
}

/* *value is NULL if there is none that can be read. False: no memory. */
static bool load_value(const struct buffer *text, json_t **value, struct error *err)
{
    *value = NULL;
    if (text->len == 0 || json_values_at_most(buffer_slice(text), VALUES_MAX) > VALUES_MAX)
        return true;
    *value = json_text_parse(buffer_slice(text), JSON_DECODE_ANY, err);
    return *value != NULL || err->code != ERROR_MEMORY;
}

static char *copy_member(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return strdup(text == NULL ? "" : text);
}

static bool take_tablespace(struct manifest_facts *facts, const json_t *entry)
{
    struct manifest_tablespace *tablespace = &facts->tablespaces[facts->tablespace_count];
    uint64_t oid;

    tablespace->name = copy_member(entry, "name");
    tablespace->location = copy_member(entry, "location");
    tablespace->oid = 0;
    if (json_unsigned(json_object_get(entry, "oid"), &oid) && oid <= UINT32_MAX)
        tablespace->oid = (uint32_t)oid;
    facts->tablespace_count++;
    return tablespace->name != NULL && tablespace->location != NULL;
}

static bool take_tablespaces(struct manifest_facts *facts, const json_t *array, struct error *err)
{
    size_t count = json_array_size(array);

    facts->tablespaces = calloc(count + 1, sizeof(*facts->tablespaces));
    if (facts->tablespaces == NULL)
        return error_set_memory(err);
    facts->has_tablespaces = true;
    for (size_t i = 0; i < count; i++) {
        if (!take_tablespace(facts, json_array_get(array, i)))
            return error_set_memory(err);
    }
    return true;
}

bool manifest_facts_finish(struct manifest_facts *facts, struct error *err)
{
    json_t *identifier, *tablespaces = NULL;
    bool ok = load_value(&facts->identifier_text, &identifier, err) &&
              load_value(&facts->tablespaces_text, &tablespaces, err);

    facts->complete = true;
    facts->has_identifier = json_unsigned(identifier, &facts->system_identifier);
    forget_tablespaces(facts);
    facts->has_tablespaces = false;
    if (ok && json_is_array(tablespaces))
        ok = take_tablespaces(facts, tablespaces, err);
    json_decref(identifier);
    json_decref(tablespaces);
    buffer_free(&facts->identifier_text);
    buffer_free(&facts->tablespaces_text);
    return ok;
}
