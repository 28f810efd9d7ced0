/*
 * Large objects: there may be millions, and an archive has a thousand of them in an entry. Whatever
 * is done with each of a group is one statement for all, which goes to the server and back once;
 * beside it the same an object at a time, should one of them fail.
 */
#include "restore/entry_sql_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GROUP_TAG "LARGE OBJECTS "
#define ONE_WORDS "LARGE OBJECT "

/* ---- Numbers ---- */

/* Of the text's front: digits that are an OID. 0: there are none. */
static size_t oid_length(const char *text)
{
    size_t len = strspn(text, "0123456789");

    return len <= 10 ? len : 0;
}

bool entry_sql_append_oid(struct buffer *out, const char *text, struct error *err)
{
    size_t len = oid_length(text);

    if (len > 0 && text[len] == '\0')
        return buffer_append(out, text, len, err);
    return error_set(err, ERROR_CORRUPT, "the archive has a large object without a number");
}

/* The next of a list with line ends between. False: there are no more, or *bad is set. */
static bool next_oid(const char **list, struct slice *oid, bool *bad)
{
    size_t len;

    while (**list == '\n')
        ++*list;
    len = oid_length(*list);
    *bad = **list != '\0' && (len == 0 || ((*list)[len] != '\n' && (*list)[len] != '\0'));
    if (len == 0 || *bad)
        return false;
    *oid = slice_make(*list, len);
    *list += len;
    return true;
}

/* ---- For each of a group ---- */

/* Makes one statement out of `pattern` for each of the numbers, which stand where it has a '#': all
 * of them together go to sql->text, and each by itself to sql->parts. */
static bool repeat(struct entry_sql *sql, const char *numbers, const char *pattern,
                   struct error *err)
{
    struct slice oid;
    bool bad;

    while (next_oid(&numbers, &oid, &bad)) {
        size_t start = sql->parts.len;

        for (const char *at = pattern; *at != '\0';) {
            size_t len = strcspn(at, "#");

            if (!buffer_append(&sql->parts, at, len, err) ||
                (at[len] == '#' && !buffer_append(&sql->parts, oid.data, oid.len, err)))
                return false;
            at += len + (at[len] == '#');
        }
        if (!buffer_append(&sql->text, sql->parts.data + start, sql->parts.len - start, err) ||
            !buffer_append_byte(&sql->text, ';', err) || !buffer_append_byte(&sql->parts, 0, err))
            return false;
    }
    return bad ? error_set(err, ERROR_CORRUPT, "the archive has a large object without a number")
               : true;
}

static void begin_group(struct entry_sql *sql)
{
    buffer_clear_keeping(&sql->text, ARCHIVE_TEXT_KEPT);
    buffer_clear_keeping(&sql->parts, ARCHIVE_TEXT_KEPT);
}

static bool queue_group(struct entry_sql *sql, uint64_t subject, const struct archive_entry *entry,
                        struct error *err)
{
    return sql->parts.len == 0 ||
           entry_sql_queue(sql, subject, entry, buffer_text(&sql->text), &sql->parts, err);
}

/* ---- Making them ---- */

/* One call of a function for all of them, instead of a statement each. */
static bool append_create_all(struct entry_sql *sql, const char *numbers, struct error *err)
{
    struct slice oid;
    bool bad, first = true;

    if (!buffer_append_string(&sql->text, "SELECT pg_catalog.lo_create(o) FROM unnest('{", err))
        return false;
    while (next_oid(&numbers, &oid, &bad)) {
        if ((!first && !buffer_append_byte(&sql->text, ',', err)) ||
            !buffer_append(&sql->text, oid.data, oid.len, err))
            return false;
        first = false;
    }
    return buffer_append_string(&sql->text, "}'::pg_catalog.oid[]) AS o", err);
}

static bool append_owner(struct buffer *out, const char *owner, struct error *err)
{
    return buffer_append_string(out, "ALTER LARGE OBJECT # OWNER TO ", err) &&
           wire_quote_identifier(out, owner, err);
}

/* Of an object that was there already nothing is said. */
static bool is_left(struct entry_sql *sql, struct slice oid)
{
    char digits[16];

    if (sql->leaves == NULL)
        return false;
    snprintf(digits, sizeof(digits), "%.*s", (int)oid.len, (const char *)oid.data);
    return sql->leaves(sql->context, (uint32_t)strtoul(digits, NULL, 10));
}

/* By then which ones were there is known: asked once of a group, where it matters. */
static bool know_left(struct entry_sql *sql, struct error *err)
{
    return sql->leaves == NULL || target_settle(sql->session, err);
}

/* A role's name may have the sign that stands for the number. */
static bool repeat_owner(struct entry_sql *sql, const struct archive_entry *entry,
                         struct error *err)
{
    struct buffer owner = {0};
    const char *numbers = entry->definition;
    struct slice oid;
    bool done = append_owner(&owner, entry->owner, err), bad = false;
    const char *rest = done ? strchr(buffer_text(&owner), '#') + 1 : "";

    while (done && next_oid(&numbers, &oid, &bad)) {
        size_t start = sql->parts.len;

        if (is_left(sql, oid))
            continue;
        done = buffer_append_string(&sql->parts, "ALTER LARGE OBJECT ", err) &&
               buffer_append(&sql->parts, oid.data, oid.len, err) &&
               buffer_append_string(&sql->parts, rest, err) &&
               buffer_append(&sql->text, sql->parts.data + start, sql->parts.len - start, err) &&
               buffer_append_byte(&sql->text, ';', err) && buffer_append_byte(&sql->parts, 0, err);
    }
    buffer_free(&owner);
    return done;
}

bool entry_sql_create_objects(struct entry_sql *sql, uint32_t number,
                              const struct archive_entry *entry, struct error *err)
{
    const char *owner = entry->owner != NULL ? entry->owner : "";
    uint64_t subject = number | ENTRY_SQL_MAKES;

    if (entry->definition == NULL)
        return true;
    if (sql->single.count > 0)
        subject |= (uint64_t)(sql->single.count - 1) << ENTRY_SQL_MORE_SHIFT;
    begin_group(sql);
    if (!repeat(sql, entry->definition, "SELECT pg_catalog.lo_create('#')", err))
        return false;
    buffer_clear(&sql->text);
    if (!append_create_all(sql, entry->definition, err) || !queue_group(sql, subject, entry, err))
        return false;
    if (sql->request->no_owner || *owner == '\0' ||
        strcmp(owner, target_session_user(sql->session)) == 0)
        return true;
    if (!know_left(sql, err))
        return false;
    begin_group(sql);
    return repeat_owner(sql, entry, err) && queue_group(sql, number, entry, err);
}

/* ---- Those that have an entry each ---- */

#define CREATES "SELECT pg_catalog.lo_create('"

/* Exactly what pg_dump writes: anything else is run as it stands. */
bool entry_sql_can_wait(const struct archive_entry *entry)
{
    size_t len = entry->tag == NULL ? 0 : oid_length(entry->tag);
    const char *sql = entry->definition;

    return len > 0 && entry->tag[len] == '\0' && sql != NULL &&
           strncmp(sql, CREATES, strlen(CREATES)) == 0 &&
           strncmp(sql + strlen(CREATES), entry->tag, len) == 0 &&
           strcmp(sql + strlen(CREATES) + len, "');\n") == 0;
}

static bool is_of_the_same(const struct entry_sql *sql, uint32_t number, const char *owner)
{
    return sql->single.count < ENTRY_SQL_TOGETHER &&
           number == sql->single.number + sql->single.count &&
           strcmp(sql->single.owner, owner) == 0;
}

bool entry_sql_wait(struct entry_sql *sql, uint32_t number, const struct archive_entry *entry,
                    struct error *err)
{
    const char *owner = entry->owner != NULL ? entry->owner : "";

    if (sql->single.count > 0 && !is_of_the_same(sql, number, owner) && !entry_sql_flush(sql, err))
        return false;
    sql->single.last = (uint32_t)strtoul(entry->tag, NULL, 10);
    if (sql->single.count++ == 0) {
        sql->single.number = number;
        sql->single.oid = sql->single.last;
        sql->single.owner = strdup(owner);
        if (sql->single.owner == NULL)
            return error_set_memory(err);
    }
    return buffer_append_string(&sql->single.numbers, entry->tag, err) &&
           buffer_append_byte(&sql->single.numbers, '\n', err);
}

bool entry_sql_flush(struct entry_sql *sql, struct error *err)
{
    struct archive_entry group = {.desc = "BLOB",
                                  .definition = buffer_text(&sql->single.numbers),
                                  .owner = sql->single.owner};
    char tag[32];
    bool done;

    if (sql->single.count == 0)
        return true;
    if (sql->single.count == 1)
        snprintf(tag, sizeof(tag), "%" PRIu32, sql->single.oid);
    else
        snprintf(tag, sizeof(tag), "%" PRIu32 "..%" PRIu32, sql->single.oid, sql->single.last);
    group.tag = tag;
    done = entry_sql_create_objects(sql, sql->single.number, &group, err);
    buffer_clear_keeping(&sql->single.numbers, ARCHIVE_TEXT_KEPT);
    free(sql->single.owner);
    sql->single.owner = NULL;
    sql->single.count = 0;
    return done;
}

bool entry_sql_drop_objects(struct entry_sql *sql, uint32_t number,
                            const struct archive_entry *entry, struct error *err)
{
    if (entry->definition == NULL)
        return true;
    begin_group(sql);
    return repeat(sql, entry->definition,
                  "SELECT pg_catalog.lo_unlink(oid) "
                  "FROM pg_catalog.pg_largeobject_metadata WHERE oid = '#'",
                  err) &&
           queue_group(sql, number, entry, err);
}

/* ---- What is said of them ---- */

/* The entry of the group: the first that this one depends on. */
static bool find_group(struct entry_sql *sql, const struct archive_entry *entry, struct error *err)
{
    struct archive_entry group;
    struct buffer texts = {0};
    uint32_t number;
    bool done;

    buffer_clear(&sql->objects);
    for (size_t i = 0; i < entry->dependency_count; i++) {
        if (!archive_contents_find(sql->contents, entry->dependencies[i], &number) ||
            archive_contents_node(sql->contents, number).kind != ENTRY_BLOB_METADATA)
            continue;
        done = archive_contents_entry_into(sql->contents, number, &texts, &group, err) &&
               buffer_append_string(&sql->objects, group.definition != NULL ? group.definition : "",
                                    err);
        buffer_free(&texts);
        return done;
    }
    return error_set(err, ERROR_CORRUPT, "%s %s: the archive does not say which objects these are",
                     entry->desc, entry->tag);
}

/* The SQL of one of them, for another: wherever it names the object. */
static bool append_for(struct buffer *out, const char *sql_text, struct slice oid,
                       struct error *err)
{
    const char *at = sql_text;

    for (;;) {
        const char *found = strstr(at, ONE_WORDS);
        size_t len;

        if (found == NULL)
            return buffer_append_string(out, at, err);
        found += strlen(ONE_WORDS);
        len = oid_length(found);
        if (!buffer_append(out, at, (size_t)(found - at), err) ||
            (len > 0 && !buffer_append(out, oid.data, oid.len, err)))
            return false;
        at = found + len;
    }
}

bool entry_sql_allow_objects(struct entry_sql *sql, uint32_t number,
                             const struct archive_entry *entry, struct error *err)
{
    const char *numbers;
    struct slice oid;
    bool bad;

    if (entry->definition == NULL)
        return true;
    if (!find_group(sql, entry, err) || !know_left(sql, err))
        return false;
    begin_group(sql);
    numbers = buffer_text(&sql->objects);
    while (next_oid(&numbers, &oid, &bad)) {
        size_t start = sql->parts.len;

        if (is_left(sql, oid))
            continue;
        if (!append_for(&sql->parts, entry->definition, oid, err) ||
            !buffer_append(&sql->text, sql->parts.data + start, sql->parts.len - start, err) ||
            !buffer_append_byte(&sql->parts, 0, err))
            return false;
        if (sql->text.len < ARCHIVE_TEXT_KEPT)
            continue;
        if (!queue_group(sql, number, entry, err))
            return false;
        begin_group(sql);
    }
    return queue_group(sql, number, entry, err);
}
