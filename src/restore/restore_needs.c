/* Most of it an entry has in fields of its own. Roles, providers and languages stand in its SQL,
 * which is looked through for those kinds of entries alone that may name some. */
#include "restore/restore_needs.h"

#include "restore/restore_selection.h"
#include "restore/sql_words.h"

#include <stdio.h>

void restore_needs_reset(struct restore_needs *needs)
{
    struct name_set *const sets[] = {
        &needs->owners,       &needs->roles,          &needs->tablespaces,
        &needs->extensions,   &needs->access_methods, &needs->made_access_methods,
        &needs->languages,    &needs->made_languages, &needs->schemas,
        &needs->made_schemas, &needs->superuser,      &needs->subscriptions,
        &needs->icu,          &needs->builtin,        &needs->kinds,
        &needs->versions,
    };

    for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++)
        name_set_reset(sets[i]);
    *needs = (struct restore_needs){0};
}

struct adding {
    struct restore_needs *needs;
    const struct archive_entry *entry;
    struct buffer object; /* "TABLE public.orders" */
    struct error *err;
};

static bool is(const struct archive_entry *entry, const char *desc)
{
    return strcmp(entry->desc, desc) == 0;
}

static bool add_to(struct adding *adding, struct name_set *set, const char *name)
{
    return name_set_add(set, name, buffer_text(&adding->object), adding->err);
}

static bool name_object(struct adding *adding)
{
    const struct archive_entry *entry = adding->entry;
    bool has_schema = entry->schema != NULL && entry->schema[0] != '\0';

    return buffer_printf(&adding->object, adding->err, "%s %s%s%s", entry->desc,
                         has_schema ? entry->schema : "", has_schema ? "." : "",
                         entry->tag == NULL ? "" : entry->tag);
}

/* ---- Words of its SQL ---- */

/* Words that a role stands behind. Those that are not reserved may be names without quotes, as of a
 * table that is called by: what stands before them says that they are not. */
struct role_words {
    const char *first; /* NULL: the second is reserved */
    const char *second;
};

#define MOST_ROLE_WORDS 4

/* By the kind of entry. */
static const struct {
    const char *desc;
    struct role_words before[MOST_ROLE_WORDS];
} role_words[] = {
    {"ACL", {{NULL, "to"}, {NULL, "from"}, {"session", "authorization"}, {"granted", "by"}}},
    {"DEFAULT ACL", {{NULL, "to"}, {NULL, "from"}, {"for", "role"}}},
    {"POLICY", {{NULL, "to"}}},
    {"USER MAPPING", {{NULL, "for"}}},
    {"DATABASE PROPERTIES", {{"alter", "role"}}},
};

struct looking {
    struct adding *adding;
    const struct role_words *before; /* NULL: roles are not looked for */
    struct sql_word previous;
    struct buffer name;
    bool role_next, after_role, language_next, provider_next, function;
    bool has_as; /* "AS" outside of brackets */
    bool in_body;
    bool failed;
    bool leakproof, input, without_function, all_tables;
    char language[64], provider[16];
};

/* What stands where a role may, and is none that has to be there. */
static bool is_no_role(const struct sql_word *word)
{
    static const char *const words[] = {"public",       "current_user", "session_user",
                                        "current_role", "default",      "user"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (sql_word_is(word, words[i]))
            return true;
    }
    return word->kind != SQL_WORD_PLAIN && word->kind != SQL_WORD_QUOTED;
}

static bool take_role(struct looking *looking, const struct sql_word *word)
{
    struct adding *adding = looking->adding;

    if (sql_word_is(word, "group")) /* an old word before the name */
        return true;
    looking->role_next = false;
    if (is_no_role(word))
        return true;
    buffer_clear(&looking->name);
    return sql_word_append_name(&looking->name, word, adding->err) &&
           add_to(adding, &adding->needs->roles, buffer_text(&looking->name));
}

static void copy_name(struct looking *looking, const struct sql_word *word, char *out, size_t size)
{
    struct error ignored;

    buffer_clear(&looking->name);
    if (sql_word_append_name(&looking->name, word, &ignored))
        snprintf(out, size, "%s", buffer_text(&looking->name));
}

static bool stands_before_role(const struct looking *looking, const struct sql_word *word)
{
    for (size_t i = 0; looking->before != NULL && i < MOST_ROLE_WORDS; i++) {
        const struct role_words *words = &looking->before[i];

        if (words->second != NULL && sql_word_is(word, words->second) &&
            (words->first == NULL || sql_word_is(&looking->previous, words->first)))
            return true;
    }
    return false;
}

/* A keyword of the statement itself: what is in a schema's name follows a dot. */
static bool is_outside(const struct looking *looking, const struct sql_word *word,
                       const char *keyword)
{
    return word->depth == 0 && sql_word_is(word, keyword) &&
           !sql_word_is_sign(&looking->previous, '.');
}

static void note_word(struct looking *looking, const struct sql_word *word)
{
    bool is_language = looking->language_next;

    looking->leakproof |= is_outside(looking, word, "leakproof");
    looking->has_as |= is_outside(looking, word, "as");
    looking->in_body |=
        !is_language &&
        (is_outside(looking, word, "as") || is_outside(looking, word, "return") ||
         (is_outside(looking, word, "atomic") && sql_word_is(&looking->previous, "begin")));
    looking->input |= word->depth == 1 && sql_word_is(word, "input");
    looking->without_function |= is_outside(looking, word, "without");
    looking->all_tables |=
        is_outside(looking, word, "tables") && sql_word_is(&looking->previous, "all");
    looking->language_next = is_outside(looking, word, "language");
    if (word->depth == 1 && sql_word_is(word, "provider"))
        looking->provider_next = true;
}

static bool take_word(void *context, const struct sql_word *word)
{
    struct looking *looking = context;

    bool is_role = looking->role_next;

    if (is_role && !take_role(looking, word)) {
        looking->failed = true;
        return false;
    }
    if (looking->language_next)
        copy_name(looking, word, looking->language, sizeof(looking->language));
    if (looking->provider_next && !sql_word_is_sign(word, '=')) {
        copy_name(looking, word, looking->provider, sizeof(looking->provider));
        looking->provider_next = false;
    }
    note_word(looking, word);
    if (looking->function && looking->in_body)
        return false;
    if (word->depth == 0 &&
        (stands_before_role(looking, word) || (looking->after_role && sql_word_is_sign(word, ','))))
        looking->role_next = true;
    looking->after_role = is_role;
    looking->previous = *word;
    return true;
}

/* ---- What only a superuser makes ---- */

static bool add_superuser(struct adding *adding, const char *what)
{
    return name_set_add(&adding->needs->superuser, what, buffer_text(&adding->object), adding->err);
}

static const struct {
    const char *desc, *what;
} superusers[] = {
    {"ACCESS METHOD", "access methods"},
    {"EVENT TRIGGER", "event triggers"},
    {"FOREIGN DATA WRAPPER", "foreign-data wrappers"},
    {"OPERATOR CLASS", "operator classes"},
    {"OPERATOR FAMILY", "operator families"},
    {"PROCEDURAL LANGUAGE", "languages"},
    {"PUBLICATION TABLES IN SCHEMA", "publications of whole schemas"},
    {"SHELL TYPE", "base types"},
    {"TEXT SEARCH PARSER", "text search parsers"},
    {"TEXT SEARCH TEMPLATE", "text search templates"},
};

/* Trusted are those that PostgreSQL's own packages trust; of another it is not known. */
static bool is_trusted(const char *language)
{
    static const char *const names[] = {"", "sql", "plpgsql", "plperl", "pltcl"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(language, names[i]) == 0)
            return true;
    }
    return false;
}

static bool is_untrusted(const char *language)
{
    static const char *const names[] = {"c",         "internal",   "plperlu", "plpython3u",
                                        "plpythonu", "plpython2u", "pltclu"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(language, names[i]) == 0)
            return true;
    }
    return false;
}

static bool note_superuser(struct adding *adding, const struct looking *looking)
{
    const struct archive_entry *entry = adding->entry;

    for (size_t i = 0; i < sizeof(superusers) / sizeof(superusers[0]); i++) {
        if (is(entry, superusers[i].desc))
            return add_superuser(adding, superusers[i].what);
    }
    if (looking->function && !is_trusted(looking->language) && is_untrusted(looking->language))
        return add_superuser(adding, "functions in C and other untrusted languages");
    if (looking->function && looking->leakproof)
        return add_superuser(adding, "functions that are LEAKPROOF");
    if (is(entry, "TYPE") && looking->input && !looking->has_as)
        return add_superuser(adding, "base types");
    if (is(entry, "CAST") && looking->without_function)
        return add_superuser(adding, "casts without a function");
    if (is(entry, "PUBLICATION") && looking->all_tables)
        return add_superuser(adding, "publications of all tables");
    return true;
}

/* ---- An entry ---- */

static bool look_into(struct adding *adding)
{
    const struct archive_entry *entry = adding->entry;
    struct looking looking = {.adding = adding,
                              .function = is(entry, "FUNCTION") || is(entry, "PROCEDURE")};
    bool done, looks = looking.function || is(entry, "TYPE") || is(entry, "CAST") ||
                       is(entry, "PUBLICATION") || is(entry, "COLLATION");

    for (size_t i = 0; i < sizeof(role_words) / sizeof(role_words[0]); i++) {
        if (is(entry, role_words[i].desc)) {
            looking.before = role_words[i].before;
            looks = true;
        }
    }
    if (looks && entry->definition != NULL)
        sql_words_walk(slice_string(entry->definition), take_word, &looking);
    done = !looking.failed && note_superuser(adding, &looking) &&
           (looking.language[0] == '\0' || !looking.function ||
            add_to(adding, &adding->needs->languages, looking.language));
    if (done && is(entry, "COLLATION") && strcmp(looking.provider, "icu") == 0)
        done = add_to(adding, &adding->needs->icu, entry->tag == NULL ? "" : entry->tag);
    if (done && is(entry, "COLLATION") && strcmp(looking.provider, "builtin") == 0)
        done = add_to(adding, &adding->needs->builtin, entry->tag == NULL ? "" : entry->tag);
    buffer_free(&looking.name);
    return done;
}

/* An owner is set where the object can be dropped, as pg_restore has it. */
static bool add_fields(struct adding *adding, const struct restore_request *request)
{
    const struct archive_entry *entry = adding->entry;
    struct restore_needs *needs = adding->needs;

    if (!request->no_owner && archive_has_text(entry->owner) && archive_has_text(entry->drop) &&
        !add_to(adding, &needs->owners, entry->owner))
        return false;
    if (!request->no_tablespaces && archive_has_text(entry->tablespace) &&
        !add_to(adding, &needs->tablespaces, entry->tablespace))
        return false;
    if (!request->no_table_access_method && archive_has_text(entry->access_method) &&
        strcmp(entry->access_method, "heap") != 0 &&
        !add_to(adding, &needs->access_methods, entry->access_method))
        return false;
    return !archive_has_text(entry->schema) || add_to(adding, &needs->schemas, entry->schema);
}

struct version {
    bool next;
    struct buffer text;
    struct error *err;
};

/* "CREATE EXTENSION … VERSION '1.8';" */
static bool take_version(void *context, const struct sql_word *word)
{
    struct version *version = context;

    if (version->next && word->kind == SQL_WORD_STRING)
        sql_word_append_string(&version->text, word, version->err);
    else if (version->next && word->kind == SQL_WORD_QUOTED)
        sql_word_append_name(&version->text, word, version->err);
    version->next = sql_word_is(word, "version");
    return version->text.len == 0;
}

/* Neither of the two may have two dashes in it. */
static bool add_extension(struct adding *adding)
{
    const struct archive_entry *entry = adding->entry;
    struct restore_needs *needs = adding->needs;
    struct version version = {.err = adding->err};
    struct buffer named = {0};
    bool done = add_to(adding, &needs->extensions, entry->tag);

    if (done && entry->definition != NULL)
        sql_words_walk(slice_string(entry->definition), take_version, &version);
    if (done && version.text.len > 0)
        done =
            buffer_printf(&named, adding->err, "%s--%s", entry->tag, buffer_text(&version.text)) &&
            add_to(adding, &needs->versions, buffer_text(&named));
    buffer_free(&version.text);
    buffer_free(&named);
    return done;
}

static bool add_made(struct adding *adding)
{
    const struct archive_entry *entry = adding->entry;
    struct restore_needs *needs = adding->needs;

    if (entry->tag == NULL)
        return true;
    if (is(entry, "EXTENSION"))
        return add_extension(adding);
    if (is(entry, "SCHEMA"))
        return add_to(adding, &needs->made_schemas, entry->tag);
    if (is(entry, "PROCEDURAL LANGUAGE"))
        return add_to(adding, &needs->made_languages, entry->tag);
    if (is(entry, "ACCESS METHOD"))
        return add_to(adding, &needs->made_access_methods, entry->tag);
    return !is(entry, "SUBSCRIPTION") || add_to(adding, &needs->subscriptions, entry->tag);
}

bool restore_needs_add(struct restore_needs *needs, const struct restore_request *request,
                       const struct archive_entry *entry, unsigned parts, struct error *err)
{
    struct adding adding = {.needs = needs, .entry = entry, .err = err};
    bool done = entry->desc != NULL ||
                error_set(err, ERROR_CORRUPT, "an entry of the archive does not say what it is");

    if (!done || (parts & SELECTED_SETTING) != 0)
        return done;
    needs->entries++;
    needs->with_data += (parts & SELECTED_DATA) != 0;
    done = name_object(&adding) && name_set_add(&needs->kinds, entry->desc, NULL, err) &&
           add_fields(&adding, request) &&
           ((parts & SELECTED_DEFINITION) == 0 || (add_made(&adding) && look_into(&adding)));
    buffer_free(&adding.object);
    return done;
}
