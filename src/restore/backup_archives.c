/*
 * Records may come in any order, and whoever passes them on may leave one out and say nothing: so
 * what came is held against what manifest.json says at the end. Ours names its archives. Another
 * program's names all databases of the server, each of which was dumped if it lets anybody in.
 */
#include "restore/backup_archives.h"

#include "base/array.h"
#include "base/bytes.h"
#include "base/error_names.h"
#include "restore/wanted_databases.h"

#include <stdlib.h>
#include <string.h>

struct backup_archives {
    char **names; /* as paths have them, with and without the number before them */
    size_t count, capacity;
};

/* ---- What manifest.json says ---- */

static const char *head_text(const struct manifest_facts *facts, const char *name)
{
    const char *text = json_string_value(json_object_get(facts->head, name));

    return text == NULL || text[0] == '\0' ? NULL : text;
}

static bool is_ours(const struct manifest_facts *facts)
{
    return json_object_get(facts->head, "producer") != NULL;
}

/* Places for names; some may be empty. */
static size_t place_count(const struct manifest_facts *facts)
{
    if (is_ours(facts))
        return json_array_size(facts->archive_names);
    return head_text(facts, "database") != NULL ? 1 : facts->database_count;
}

/* A managed service keeps nobody else out of its own database by any setting, but by pg_hba.conf.
 */
static bool lets_in(const struct manifest_database *database)
{
    return !database->closed && database->name != NULL && strcmp(database->name, "rdsadmin") != 0;
}

static const char *name_at(const struct manifest_facts *facts, size_t index)
{
    if (is_ours(facts))
        return json_string_value(json_array_get(facts->archive_names, index));
    if (head_text(facts, "database") != NULL)
        return head_text(facts, "database");
    return lets_in(&facts->databases[index]) ? facts->databases[index].name : NULL;
}

/* Ours has them as paths do: percent-encoded. What is no name of a database stays as it is. */
static const char *plain_name(const struct manifest_facts *facts, const char *name, char *out,
                              size_t size)
{
    size_t len = 0;

    if (!is_ours(facts) || name == NULL || strchr(name, '%') == NULL || strlen(name) >= size)
        return name;
    for (const char *at = name; *at != '\0'; at++) {
        uint8_t byte = (uint8_t)*at;

        if (byte == '%') {
            if (strlen(at) < 3 || !bytes_from_hex(slice_make(at + 1, 2), &byte, 1) || byte == 0)
                return name;
            at += 2;
        }
        out[len++] = (char)byte;
    }
    out[len] = '\0';
    return out;
}

/* One that is no UTF-8 stands there otherwise than in a path. */
static bool can_be_compared(const char *name)
{
    return name != NULL && strchr(name, '\\') == NULL;
}

size_t backup_archives_wanted(const struct manifest_facts *facts, struct wanted_databases *wanted,
                              size_t *total, bool *exactly)
{
    size_t places = place_count(facts), count = 0;

    *total = 0;
    *exactly = is_ours(facts) && places > 0;
    for (size_t i = 0; i < places; i++) {
        const char *name = name_at(facts, i);
        char plain[RECORD_PATH_MAX];

        *exactly = *exactly && can_be_compared(name);
        *total += name != NULL || is_ours(facts);
        count += name != NULL &&
                 wanted_databases_has(wanted, plain_name(facts, name, plain, sizeof(plain)));
    }
    return count;
}

/* ---- What came ---- */

static bool add(struct backup_archives *archives, struct slice name, struct error *err)
{
    if (name.len == 0 || (archives->count > 0 &&
                          slice_equals(name, slice_string(archives->names[archives->count - 1]))))
        return true;
    if (archives->count == archives->capacity) {
        char **grown = array_grow(archives->names, &archives->capacity, sizeof(*grown), err);

        if (grown == NULL)
            return false;
        archives->names = grown;
    }
    archives->names[archives->count] = strndup((const char *)name.data, name.len);
    if (archives->names[archives->count] == NULL)
        return error_set_memory(err);
    archives->count++;
    return true;
}

bool backup_archives_came(struct backup_archives *archives, const struct logical_place *place,
                          struct error *err)
{
    return add(archives, place->database, err);
}

/* Before manifest.json the layout is not known, and a number may be part of the name. */
static bool stands_for(const char *came, const char *name)
{
    struct slice text = slice_string(came);
    size_t digits = strspn(came, "0123456789");

    if (strcmp(came, name) == 0 || record_path_stands_for(text, name))
        return true;
    if (digits < 5 || came[digits] != '-')
        return false;
    slice_take(&text, digits + 1);
    return slice_equals(text, slice_string(name)) || record_path_stands_for(text, name);
}

static bool has_come(const struct backup_archives *archives, const char *name)
{
    for (size_t i = 0; i < archives->count; i++) {
        if (stands_for(archives->names[i], name))
            return true;
    }
    return false;
}

bool backup_archives_check(const struct backup_archives *archives,
                           const struct manifest_facts *facts, struct wanted_databases *wanted,
                           const char *name, struct error *err)
{
    for (size_t i = 0; i < place_count(facts); i++) {
        const char *coded = name_at(facts, i), *database;
        char plain[RECORD_PATH_MAX];

        database = plain_name(facts, coded, plain, sizeof(plain));
        if (!can_be_compared(coded) || !wanted_databases_has(wanted, database) ||
            has_come(archives, coded))
            continue;
        error_set(err, ERROR_CORRUPT,
                  "%s is incomplete: manifest.json names the database \"%s\", whose archive is "
                  "missing",
                  name, database);
        if (is_ours(facts))
            return false;
        return error_hint(err, "If it was left out when the backup was made, it is not awaited "
                               "with " OPTION_EXCLUDE_DATABASES ".");
    }
    return true;
}

/* ---- Making and freeing ---- */

struct backup_archives *backup_archives_new(struct error *err)
{
    struct backup_archives *archives = calloc(1, sizeof(*archives));

    if (archives == NULL)
        error_set_memory(err);
    return archives;
}

void backup_archives_free(struct backup_archives *archives)
{
    if (archives == NULL)
        return;
    for (size_t i = 0; i < archives->count; i++)
        free(archives->names[i]);
    free(archives->names);
    free(archives);
}
