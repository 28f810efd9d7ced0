/*
 * An entry's SQL says neither who owns the object nor where it lies: these are members of the
 * entry, so that a restore can leave them out. Everything that is made goes to whoever restores
 * first, and is given away afterwards.
 *
 * Which kinds have an owner, and what ALTER calls them, is what pg_restore has: of some it is the
 * statement that drops them, without its first word, that has their arguments.
 */
#include "restore/entry_sql.h"

#include "restore/entry_sql_internal.h"

#include <stdlib.h>
#include <string.h>

void entry_sql_reset(struct entry_sql *sql)
{
    free(sql->tablespace);
    free(sql->access_method);
    free(sql->schema);
    buffer_free(&sql->label);
    buffer_free(&sql->text);
    buffer_free(&sql->parts);
    buffer_free(&sql->objects);
    buffer_free(&sql->single.numbers);
    free(sql->single.owner);
    sql->single.owner = NULL;
    sql->tablespace = sql->access_method = sql->schema = NULL;
}

/* ---- Queueing ---- */

/* What was put together in sql->text. */
static bool queue_text(struct entry_sql *sql, uint64_t subject, const struct archive_entry *entry,
                       struct error *err)
{
    return entry_sql_queue(sql, subject, entry, buffer_text(&sql->text), NULL, err);
}

static bool begin_text(struct entry_sql *sql, const char *text, struct error *err)
{
    buffer_clear_keeping(&sql->text, ARCHIVE_TEXT_KEPT);
    return buffer_append_string(&sql->text, text, err);
}

/* ---- What the session says for it ---- */

static bool keep(char **kept, const char *value, struct error *err)
{
    free(*kept);
    *kept = strdup(value);
    return *kept != NULL ? true : error_set_memory(err);
}

static bool is_set_to(const char *kept, const char *value)
{
    return kept != NULL && strcmp(kept, value) == 0;
}

/* A tablespace that is not there leaves the one before: that must be the database's own. */
static bool say_tablespace(struct entry_sql *sql, uint32_t number,
                           const struct archive_entry *entry, struct error *err)
{
    static const char own[] = "SET default_tablespace = ''";

    if (entry->tablespace == NULL || sql->request->no_tablespaces ||
        is_set_to(sql->tablespace, entry->tablespace))
        return true;
    if (!is_set_to(sql->tablespace, "") && !entry_sql_queue(sql, number, entry, own, NULL, err))
        return false;
    if (entry->tablespace[0] != '\0' &&
        (!begin_text(sql, "SET default_tablespace = ", err) ||
         !wire_quote_identifier(&sql->text, entry->tablespace, err) ||
         !queue_text(sql, number, entry, err)))
        return false;
    return keep(&sql->tablespace, entry->tablespace, err);
}

static bool has_access_method(const struct entry_sql *sql, const struct archive_entry *entry)
{
    return entry->access_method != NULL && entry->access_method[0] != '\0' &&
           !sql->request->no_table_access_method;
}

static bool say_access_method(struct entry_sql *sql, uint32_t number,
                              const struct archive_entry *entry, struct error *err)
{
    if (!has_access_method(sql, entry) || entry->relkind == 'p' ||
        is_set_to(sql->access_method, entry->access_method))
        return true;
    return begin_text(sql, "SET default_table_access_method = ", err) &&
           wire_quote_identifier(&sql->text, entry->access_method, err) &&
           queue_text(sql, number, entry, err) &&
           keep(&sql->access_method, entry->access_method, err);
}

/* Archives from before pg_dump qualified all names. */
static bool say_search_path(struct entry_sql *sql, uint32_t number,
                            const struct archive_entry *entry, struct error *err)
{
    const char *schema = entry->schema != NULL ? entry->schema : "";

    if (sql->own_search_path || *schema == '\0' || is_set_to(sql->schema, schema))
        return true;
    return begin_text(sql, "SET search_path = ", err) &&
           wire_quote_identifier(&sql->text, schema, err) &&
           buffer_append_string(&sql->text, ", pg_catalog", err) &&
           queue_text(sql, number, entry, err) && keep(&sql->schema, schema, err);
}

/* A partitioned table has an access method for its partitions to come: 17 and later know it. */
static bool say_partitions_access_method(struct entry_sql *sql, uint32_t number,
                                         const struct archive_entry *entry, struct error *err)
{
    if (!has_access_method(sql, entry) || entry->relkind != 'p' ||
        target_session_version(sql->session) < 170000)
        return true;
    return begin_text(sql, "ALTER TABLE ", err) && entry_sql_qualified(&sql->text, entry, err) &&
           buffer_append_string(&sql->text, " SET ACCESS METHOD ", err) &&
           wire_quote_identifier(&sql->text, entry->access_method, err) &&
           queue_text(sql, number | ENTRY_SQL_ALTERS, entry, err);
}

/* ---- Owners ---- */

enum owned_by {
    OWNED_BY_NONE,
    OWNED_BY_NAME,     /* ALTER desc schema.tag OWNER TO */
    OWNED_BY_ARGUMENTS /* ALTER what-is-dropped OWNER TO */
};

static enum owned_by owned_by(enum entry_kind kind)
{
    static const enum owned_by kinds[ENTRY_KIND_COUNT] = {
        [ENTRY_DATABASE] = OWNED_BY_NAME,
        [ENTRY_SCHEMA] = OWNED_BY_NAME,
        [ENTRY_TYPE] = OWNED_BY_NAME,
        [ENTRY_DOMAIN] = OWNED_BY_NAME,
        [ENTRY_PROCEDURAL_LANGUAGE] = OWNED_BY_NAME,
        [ENTRY_FUNCTION] = OWNED_BY_ARGUMENTS,
        [ENTRY_PROCEDURE] = OWNED_BY_ARGUMENTS,
        [ENTRY_AGGREGATE] = OWNED_BY_ARGUMENTS,
        [ENTRY_OPERATOR] = OWNED_BY_ARGUMENTS,
        [ENTRY_OPERATOR_CLASS] = OWNED_BY_ARGUMENTS,
        [ENTRY_OPERATOR_FAMILY] = OWNED_BY_ARGUMENTS,
        [ENTRY_COLLATION] = OWNED_BY_NAME,
        [ENTRY_CONVERSION] = OWNED_BY_NAME,
        [ENTRY_TEXT_SEARCH_DICTIONARY] = OWNED_BY_NAME,
        [ENTRY_TEXT_SEARCH_CONFIGURATION] = OWNED_BY_NAME,
        [ENTRY_FOREIGN_DATA_WRAPPER] = OWNED_BY_NAME,
        [ENTRY_SERVER] = OWNED_BY_NAME,
        [ENTRY_TABLE] = OWNED_BY_NAME,
        [ENTRY_FOREIGN_TABLE] = OWNED_BY_NAME,
        [ENTRY_VIEW] = OWNED_BY_NAME,
        [ENTRY_MATERIALIZED_VIEW] = OWNED_BY_NAME,
        [ENTRY_SEQUENCE] = OWNED_BY_NAME,
        [ENTRY_STATISTICS] = OWNED_BY_NAME,
        [ENTRY_EVENT_TRIGGER] = OWNED_BY_NAME,
        [ENTRY_PUBLICATION] = OWNED_BY_NAME,
        [ENTRY_SUBSCRIPTION] = OWNED_BY_NAME,
        [ENTRY_BLOB] = OWNED_BY_NAME,
    };

    return kinds[kind];
}

/* What is made anew is its maker's already. */
static bool is_owned_already(const struct entry_sql *sql, const struct archive_entry *entry)
{
    size_t len = strlen(entry->desc);

    return strcmp(entry->owner, target_session_user(sql->session)) == 0 &&
           strncmp(entry->definition, "CREATE ", 7) == 0 &&
           strncmp(entry->definition + 7, entry->desc, len) == 0 &&
           entry->definition[7 + len] == ' ';
}

/* "DROP FUNCTION public.f(integer);\n" without the first word and its end. */
static struct slice dropped_identity(const char *drop)
{
    struct slice identity = slice_string(drop);

    if (strncmp(drop, "DROP ", 5) == 0)
        slice_take(&identity, 5);
    while (identity.len > 0 && strchr("; \n\r", identity.data[identity.len - 1]) != NULL)
        identity.len--;
    return identity;
}

static bool append_owned(struct buffer *out, const struct archive_entry *entry,
                         enum entry_kind kind, struct error *err)
{
    struct slice identity;

    if (owned_by(kind) == OWNED_BY_ARGUMENTS) {
        identity = dropped_identity(entry->drop);
        return buffer_append(out, identity.data, identity.len, err);
    }
    if (kind == ENTRY_BLOB)
        return buffer_append_string(out, "LARGE OBJECT ", err) &&
               entry_sql_append_oid(out, entry->tag, err);
    return buffer_append_string(out, entry->desc, err) && buffer_append_byte(out, ' ', err) &&
           entry_sql_qualified(out, entry, err);
}

static bool give_away(struct entry_sql *sql, uint32_t number, const struct archive_entry *entry,
                      enum entry_kind kind, struct error *err)
{
    if (sql->request->no_owner || entry->owner == NULL || entry->owner[0] == '\0' ||
        entry->drop == NULL || entry->drop[0] == '\0' || owned_by(kind) == OWNED_BY_NONE ||
        entry->definition == NULL || is_owned_already(sql, entry))
        return true;
    return begin_text(sql, "ALTER ", err) && append_owned(&sql->text, entry, kind, err) &&
           buffer_append_string(&sql->text, " OWNER TO ", err) &&
           wire_quote_identifier(&sql->text, entry->owner, err) &&
           queue_text(sql, number | ENTRY_SQL_ALTERS, entry, err);
}

/* ---- Definitions ---- */

/* Of a schema that is there in any case there is only a remark. */
static bool is_remark(const char *definition)
{
    return strncmp(definition, "--", 2) == 0;
}

static bool is_run(const struct entry_sql *sql, const struct archive_entry *entry,
                   enum entry_kind kind)
{
    if (entry->definition == NULL || entry->definition[0] == '\0' || is_remark(entry->definition))
        return false;
    return kind != ENTRY_STATISTICS_DATA || target_session_version(sql->session) >= 180000;
}

static bool define(struct entry_sql *sql, uint32_t number, const struct archive_entry *entry,
                   enum entry_kind kind, struct error *err)
{
    if (!is_run(sql, entry, kind))
        return true;
    if (kind == ENTRY_SCHEMA && sql->request->no_owner)
        return begin_text(sql, "CREATE SCHEMA ", err) &&
               wire_quote_identifier(&sql->text, entry->tag, err) &&
               queue_text(sql, number | ENTRY_SQL_MAKES, entry, err);
    return entry_sql_queue(sql, number | ENTRY_SQL_MAKES, entry, entry->definition, NULL, err);
}

/* An entry of privileges may act as somebody else for a while, which ends what SET ROLE said. */
static bool become_role_again(struct entry_sql *sql, uint32_t number,
                              const struct archive_entry *entry, struct error *err)
{
    if (sql->request->role == NULL || entry->definition == NULL ||
        strstr(entry->definition, "SESSION AUTHORIZATION") == NULL)
        return true;
    return begin_text(sql, "SET ROLE ", err) &&
           wire_quote_identifier(&sql->text, sql->request->role, err) &&
           queue_text(sql, number, entry, err);
}

bool entry_sql_define(struct entry_sql *sql, uint32_t number, const struct archive_entry *entry,
                      struct error *err)
{
    enum entry_kind kind = entry_kind_of(entry->desc);

    if (kind == ENTRY_BLOB && entry_sql_can_wait(entry))
        return entry_sql_wait(sql, number, entry, err);
    if (!entry_sql_flush(sql, err))
        return false;
    if (kind == ENTRY_BLOB_METADATA)
        return entry_sql_create_objects(sql, number, entry, err);
    if (kind == ENTRY_ACL && strncmp(entry->tag, "LARGE OBJECTS ", 14) == 0)
        return entry_sql_allow_objects(sql, number, entry, err) &&
               become_role_again(sql, number, entry, err);
    if (!say_search_path(sql, number, entry, err) || !say_tablespace(sql, number, entry, err) ||
        !say_access_method(sql, number, entry, err) || !define(sql, number, entry, kind, err))
        return false;
    if (kind == ENTRY_ACL)
        return become_role_again(sql, number, entry, err);
    return give_away(sql, number, entry, kind, err) &&
           say_partitions_access_method(sql, number, entry, err);
}

/* ---- Triggers ---- */

bool entry_sql_append_triggers(struct buffer *out, const struct archive_entry *entry, bool enable,
                               struct error *err)
{
    return buffer_append_string(out, "ALTER TABLE ", err) && entry_sql_qualified(out, entry, err) &&
           buffer_append_string(out, enable ? " ENABLE TRIGGER ALL" : " DISABLE TRIGGER ALL", err);
}
