/*
 * What an entry is called, in messages and in SQL, and how a statement of it is queued: for all
 * that make statements out of entries.
 */
#include "restore/entry_sql_internal.h"

/* What an entry says of an object has the object's kind in its tag. */
static bool is_about_another(enum entry_kind kind)
{
    return kind == ENTRY_ACL || kind == ENTRY_COMMENT || kind == ENTRY_SECURITY_LABEL;
}

const char *entry_sql_label(struct entry_sql *sql, const struct archive_entry *entry,
                            struct error *err)
{
    struct buffer *label = &sql->label;
    bool about_another = is_about_another(entry_kind_of(entry->desc));
    const char *schema = entry->schema != NULL ? entry->schema : "";
    bool done;

    buffer_clear(label);
    done = buffer_append_string(label, entry->desc, err) && buffer_append_byte(label, ' ', err) &&
           (*schema == '\0' || about_another ||
            (buffer_append_string(label, schema, err) && buffer_append_byte(label, '.', err))) &&
           buffer_append_string(label, entry->tag, err) &&
           (*schema == '\0' || !about_another ||
            (buffer_append_string(label, " in schema ", err) &&
             buffer_append_string(label, schema, err)));
    return done ? buffer_text(label) : NULL;
}

bool entry_sql_qualified(struct buffer *out, const struct archive_entry *entry, struct error *err)
{
    if (entry->schema != NULL && entry->schema[0] != '\0' &&
        (!wire_quote_identifier(out, entry->schema, err) || !buffer_append_byte(out, '.', err)))
        return false;
    return wire_quote_identifier(out, entry->tag, err);
}

static const char *behind_identifier(const char *text, const char *name)
{
    size_t len = strlen(name);

    if (*text != '"')
        return strncmp(text, name, len) == 0 ? text + len : NULL;
    for (text++; *name != '\0'; name++, text++) {
        if (*text != *name || (*text == '"' && *++text != '"'))
            return NULL;
    }
    return *text == '"' ? text + 1 : NULL;
}

const char *entry_sql_behind_name(const char *text, const struct archive_entry *entry)
{
    if (entry->schema == NULL || entry->schema[0] == '\0')
        return NULL;
    text = behind_identifier(text, entry->schema);
    return text == NULL || *text != '.' ? NULL : behind_identifier(text + 1, entry->tag);
}

bool entry_sql_queue(struct entry_sql *sql, uint64_t subject, const struct archive_entry *entry,
                     const char *text, const struct buffer *parts, struct error *err)
{
    struct target_statement statement = {.text = text, .subject = subject};
    bool may_be_left = sql->leaves != NULL && parts == NULL &&
                       (subject & (ENTRY_SQL_MAKES | ENTRY_SQL_ALTERS)) != 0;

    statement.flags = may_be_left ? TARGET_IF_MADE : 0;

    statement.object = entry_sql_label(sql, entry, err);
    if (parts != NULL) {
        statement.parts = buffer_text(parts);
        statement.parts_len = parts->len;
    }
    return statement.object != NULL && target_execute(sql->session, &statement, err);
}
