/*
 * Whose the objects of an SQL script are. An entry says who owns it, but not always what it is in
 * ALTER: the names of functions and their like need arguments, which only what drops them has.
 */
#include "archive/plain_owners_internal.h"

#include "archive/plain_objects_internal.h"

bool plain_starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

bool plain_is_one_of(const char *text, const char *const *list)
{
    while (*list != NULL && strcmp(text, *list) != 0)
        list++;
    return *list != NULL;
}

bool plain_append_qualified(struct buffer *out, const char *schema, const char *name,
                            struct error *err)
{
    return (schema == NULL ||
            (plain_append_role(out, schema, err) && buffer_append_byte(out, '.', err))) &&
           plain_append_role(out, name, err);
}

static const char *const owned_by_name[] = {"COLLATION",
                                            "CONVERSION",
                                            "DATABASE",
                                            "DOMAIN",
                                            "EVENT TRIGGER",
                                            "FOREIGN DATA WRAPPER",
                                            "FOREIGN TABLE",
                                            "MATERIALIZED VIEW",
                                            "PROCEDURAL LANGUAGE",
                                            "PUBLICATION",
                                            "SCHEMA",
                                            "SEQUENCE",
                                            "SERVER",
                                            "STATISTICS",
                                            "SUBSCRIPTION",
                                            "TABLE",
                                            "TEXT SEARCH CONFIGURATION",
                                            "TEXT SEARCH DICTIONARY",
                                            "TYPE",
                                            "VIEW",
                                            NULL};

/* Their names need the arguments, which the drop statement has. */
static const char *const owned_by_drop[] = {
    "AGGREGATE", "FUNCTION", "OPERATOR", "OPERATOR CLASS", "OPERATOR FAMILY", "PROCEDURE", NULL};

/* What belongs to what it is part of. */
static const char *const not_owned[] = {"CAST",
                                        "CHECK CONSTRAINT",
                                        "CONSTRAINT",
                                        "DATABASE PROPERTIES",
                                        "DEFAULT",
                                        "FK CONSTRAINT",
                                        "INDEX",
                                        "POLICY",
                                        "ROW SECURITY",
                                        "RULE",
                                        "TRIGGER",
                                        "USER MAPPING",
                                        NULL};

/* "DROP FUNCTION f(integer);\n" without the first word and the end. */
static bool append_dropped(struct buffer *out, const char *drop, struct error *err)
{
    size_t len = strlen(drop);

    while (len > 0 && (drop[len - 1] == '\n' || drop[len - 1] == ';'))
        len--;
    if (len < 5 || !plain_starts_with(drop, "DROP "))
        return error_set(err, ERROR_UNSUPPORTED, "a drop statement does not begin with DROP");
    return buffer_append(out, drop + 5, len - 5, err);
}

static bool append_owned(struct buffer *out, const struct archive_entry *entry, struct error *err)
{
    if (plain_is_one_of(entry->desc, owned_by_drop))
        return append_dropped(out, entry->drop, err);
    if (strcmp(entry->desc, "BLOB") == 0)
        return buffer_append_string(out, "LARGE OBJECT ", err) &&
               buffer_append_string(out, entry->tag, err);
    return buffer_append_string(out, entry->desc, err) && buffer_append_byte(out, ' ', err) &&
           plain_append_qualified(out, entry->schema, entry->tag, err);
}

/* What has no drop statement is owned by what it belongs to. */
bool plain_append_owner(struct buffer *out, const struct archive_entry *entry, struct error *err)
{
    if (entry->owner == NULL || *entry->owner == '\0' || entry->drop == NULL ||
        *entry->drop == '\0' || plain_is_one_of(entry->desc, not_owned))
        return true;
    if (plain_is_object_group(entry))
        return plain_append_object_owners(out, entry->definition, entry->owner, err);
    if (!plain_is_one_of(entry->desc, owned_by_name) &&
        !plain_is_one_of(entry->desc, owned_by_drop) && strcmp(entry->desc, "BLOB") != 0)
        return error_set(err, ERROR_UNSUPPORTED, "the owner of %s %s cannot be written as SQL",
                         entry->desc, entry->tag);
    return buffer_append_string(out, "ALTER ", err) && append_owned(out, entry, err) &&
           buffer_append_string(out, " OWNER TO ", err) &&
           plain_append_role(out, entry->owner, err) && buffer_append_string(out, ";\n\n", err);
}
