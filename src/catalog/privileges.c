/*
 * Privileges: what GRANT and REVOKE make of one list of privileges another.
 *
 * An item of a list is "grantee=letters/grantor": a letter for each privilege, with * behind it
 * where it may be granted on, and an empty grantee for PUBLIC. Source: PostgreSQL documentation,
 * "Privileges".
 */
#include "catalog/kind.h"

#include <stdlib.h>

struct item {
    const char *grantee; /* "": PUBLIC */
    const char *grantor;
    const char *letters; /* "arwd*D" */
};

struct list {
    struct item *items;
    size_t count;
    char *bytes; /* that the items point into */
};

static const struct {
    char letter;
    const char *word;
    const char *types; /* of objects that have it, as acldefault names them */
} words[] = {
    {'a', "INSERT", "rc"},    {'r', "SELECT", "rscL"}, {'w', "UPDATE", "rscL"},
    {'d', "DELETE", "r"},     {'D', "TRUNCATE", "r"},  {'x', "REFERENCES", "rc"},
    {'t', "TRIGGER", "r"},    {'m', "MAINTAIN", "r"},  {'X', "EXECUTE", "f"},
    {'U', "USAGE", "snlFST"}, {'C', "CREATE", "ndt"},  {'c', "CONNECT", "d"},
    {'T', "TEMPORARY", "d"},  {'s', "SET", "p"},       {'A', "ALTER SYSTEM", "p"},
};

#define WORD_COUNT (sizeof(words) / sizeof(words[0]))

/* ---- Reading lists ---- */

/* Takes one element off an array's text ({a,"b\"c"}) into out, with a NUL behind it. */
static const char *take_element(const char *at, char **out)
{
    bool quoted = *at == '"';

    if (quoted)
        at++;
    while (*at != '\0' && (quoted ? *at != '"' : *at != ',' && *at != '}')) {
        if (*at == '\\' && at[1] != '\0')
            at++;
        *(*out)++ = *at++;
    }
    *(*out)++ = '\0';
    if (quoted && *at == '"')
        at++;
    return *at == ',' ? at + 1 : at;
}

/* Takes a role's name off an item: bare, or in quotes that are doubled inside. */
static char *take_role(char **at)
{
    char *name = *at, *out = *at;

    if (**at != '"') {
        *at += strcspn(*at, "=/");
        return name;
    }
    (*at)++;
    while (**at != '\0' && ((*at)[0] != '"' || (*at)[1] == '"')) {
        if (**at == '"')
            (*at)++;
        *out++ = *(*at)++;
    }
    if (**at == '"')
        (*at)++;
    *out = '\0';
    return name;
}

static bool parse_item(char *text, struct item *item)
{
    char *at = text;

    item->grantee = take_role(&at);
    if (*at != '=')
        return false;
    *at++ = '\0';
    item->letters = at;
    at += strcspn(at, "/");
    if (*at != '/')
        return false;
    *at++ = '\0';
    item->grantor = take_role(&at);
    return *at == '\0';
}

static bool list_parse(const char *array, struct list *list, struct error *err)
{
    size_t len = strlen(array);
    const char *at = array + 1;
    char *out;

    *list = (struct list){0};
    list->bytes = malloc(2 * len + 2);
    list->items = calloc(len + 1, sizeof(*list->items)); /* far more than there can be */
    if (list->bytes == NULL || list->items == NULL)
        return error_set_memory(err);
    out = list->bytes;
    while (*at != '\0' && *at != '}') {
        char *text = out;

        at = take_element(at, &out);
        if (!parse_item(text, &list->items[list->count++]))
            return error_set(err, ERROR_PROTOCOL, "the server gave privileges as %.100s", array);
    }
    return true;
}

/* Nobody has what a role had that is gone; what it granted comes from the owner. */
static void drop_gone(const struct catalog *catalog, struct list *list, const char *owner)
{
    size_t kept = 0;

    for (size_t i = 0; catalog != NULL && i < list->count; i++) {
        struct item item = list->items[i];

        if (catalog_role_is_gone(catalog, item.grantor))
            item.grantor = owner;
        if (!catalog_role_is_gone(catalog, item.grantee))
            list->items[kept++] = item;
    }
    if (catalog != NULL)
        list->count = kept;
}

static void list_reset(struct list *list)
{
    free(list->bytes);
    free(list->items);
}

static bool same_item(const struct item *a, const struct item *b)
{
    return strcmp(a->grantee, b->grantee) == 0 && strcmp(a->grantor, b->grantor) == 0 &&
           strcmp(a->letters, b->letters) == 0;
}

static bool list_has(const struct list *list, const struct item *item)
{
    for (size_t i = 0; i < list->count; i++) {
        if (same_item(&list->items[i], item))
            return true;
    }
    return false;
}

/* ---- Statements ---- */

struct writing {
    const struct privileges *privileges;
    const char *target; /* the object as GRANT names it */
    const char *owner;
    struct buffer *out;
    int major;
};

/* MAINTAIN is a privilege of tables from 17 on. */
static bool type_has(const struct writing *writing, size_t word)
{
    return strchr(words[word].types, writing->privileges->type) != NULL &&
           (words[word].letter != 'm' || writing->major >= 17);
}

static bool append_words(const struct writing *writing, const char *letters, bool with_option,
                         bool *any, struct error *err)
{
    const char *column = writing->privileges->column;
    bool all = true;
    size_t start = writing->out->len;

    *any = false;
    for (size_t i = 0; i < WORD_COUNT; i++) {
        const char *at = strchr(letters, words[i].letter);
        bool has = at != NULL && (at[1] == '*') == with_option;

        if (!type_has(writing, i))
            continue;
        all = all && has;
        if (!has)
            continue;
        if (!buffer_printf(writing->out, err, "%s%s", *any ? "," : "", words[i].word))
            return false;
        if (column != NULL && (!buffer_append_byte(writing->out, '(', err) ||
                               !name_append(writing->out, column, err) ||
                               !buffer_append_byte(writing->out, ')', err)))
            return false;
        *any = true;
    }
    if (!*any || !all)
        return true;
    buffer_truncate(writing->out, start);
    if (!buffer_append_string(writing->out, "ALL", err))
        return false;
    return column == NULL ||
           (buffer_append_byte(writing->out, '(', err) && name_append(writing->out, column, err) &&
            buffer_append_byte(writing->out, ')', err));
}

static bool append_grantee(const struct writing *writing, const struct item *item,
                           struct error *err)
{
    return item->grantee[0] == '\0' ? buffer_append_string(writing->out, "PUBLIC", err)
                                    : name_append(writing->out, item->grantee, err);
}

/* GRANT or REVOKE of those letters that can, or cannot, be granted on. */
static bool append_statement(const struct writing *writing, const struct item *item, bool grant,
                             bool with_option, struct error *err)
{
    size_t start = writing->out->len;
    bool any;

    if (!buffer_append_string(writing->out, grant ? "GRANT " : "REVOKE ", err) ||
        !append_words(writing, item->letters, with_option, &any, err))
        return false;
    if (!any) {
        buffer_truncate(writing->out, start);
        return true;
    }
    return buffer_printf(writing->out, err, " ON %s %s %s ", writing->privileges->on,
                         writing->target, grant ? "TO" : "FROM") &&
           append_grantee(writing, item, err) &&
           buffer_append_string(writing->out,
                                grant && with_option ? " WITH GRANT OPTION;\n" : ";\n", err);
}

/* What another than the owner granted is granted in that role's name. */
static bool append_item(const struct writing *writing, const struct item *item, bool grant,
                        struct error *err)
{
    bool other = grant && strcmp(item->grantor, writing->owner) != 0;

    if (other && (!buffer_append_string(writing->out, "SET SESSION AUTHORIZATION ", err) ||
                  !name_append(writing->out, item->grantor, err) ||
                  !buffer_append_string(writing->out, ";\n", err)))
        return false;
    return append_statement(writing, item, grant, false, err) &&
           append_statement(writing, item, grant, true, err) &&
           (!other || buffer_append_string(writing->out, "RESET SESSION AUTHORIZATION;\n", err));
}

static bool append_revoke(const struct writing *writing, const struct item *item, struct error *err)
{
    const char *column = writing->privileges->column;

    if (!buffer_append_string(writing->out, "REVOKE ALL", err))
        return false;
    if (column != NULL &&
        (!buffer_append_byte(writing->out, '(', err) || !name_append(writing->out, column, err) ||
         !buffer_append_byte(writing->out, ')', err)))
        return false;
    return buffer_printf(writing->out, err, " ON %s %s FROM ", writing->privileges->on,
                         writing->target) &&
           append_grantee(writing, item, err) && buffer_append_string(writing->out, ";\n", err);
}

/* The owner's own privileges come first: what others may pass on hangs on them. */
static bool append_difference(const struct writing *writing, const struct list *base,
                              const struct list *acl, struct error *err)
{
    for (size_t i = 0; i < base->count; i++) {
        if (!list_has(acl, &base->items[i]) && !append_revoke(writing, &base->items[i], err))
            return false;
    }
    for (int owners = 1; owners >= 0; owners--) {
        for (size_t i = 0; i < acl->count; i++) {
            const struct item *item = &acl->items[i];
            bool own = strcmp(item->grantee, writing->owner) == 0 &&
                       strcmp(item->grantor, writing->owner) == 0;

            if (own == (owners == 1) && !list_has(base, item) &&
                !append_item(writing, item, true, err))
                return false;
        }
    }
    return true;
}

static const struct catalog_extra *own_entry(const struct catalog_object *object)
{
    return object->extras != NULL && strcmp(object->extras->desc, "ACL") == 0 ? object->extras
                                                                              : NULL;
}

/* What the entry comes after, also when pg_restore -j runs several at once: the privileges of a
 * table come before its columns', and before those that somebody else than the owner grants, which
 * takes the use of the schema, come those of the schema. */
static const struct catalog_extra *comes_after(const struct catalog *catalog,
                                               const struct catalog_object *object,
                                               const struct privileges *privileges, const char *sql)
{
    const struct catalog_extra *own = privileges->column != NULL ? own_entry(object) : NULL;

    if (own != NULL || object->schema == NULL || strstr(sql, "SET SESSION AUTHORIZATION") == NULL)
        return own;
    for (size_t i = 0; i < catalog_object_count(catalog); i++) {
        struct catalog_object *schema = catalog_object_at(catalog, i);

        if (schema->class_oid == CLASS_SCHEMA && strcmp(schema->name, object->schema) == 0)
            return own_entry(schema);
    }
    return NULL;
}

static bool add_entry(struct catalog *catalog, struct catalog_object *object,
                      const struct privileges *privileges, const struct buffer *sql,
                      struct error *err)
{
    struct buffer tag = {0};
    const char *plain =
        privileges->signature != NULL ? privileges->signature : object->plain_identity;
    struct catalog_extra *extra = NULL;
    bool done = privileges->column == NULL
                    ? buffer_printf(&tag, err, "%s %s", privileges->on, plain)
                    : buffer_printf(&tag, err, "COLUMN %s.", plain) &&
                          name_append(&tag, privileges->column, err);

    if (done) {
        const struct catalog_extra *after =
            comes_after(catalog, object, privileges, buffer_text(sql));

        extra = catalog_add_extra(catalog, object, "ACL", buffer_text(&tag), buffer_text(sql), err);
        if (extra != NULL)
            extra->after = after;
    }
    buffer_free(&tag);
    return extra != NULL;
}

static bool append_signature(struct buffer *out, const struct catalog_object *object,
                             const struct privileges *privileges, struct error *err)
{
    return privileges->signature == NULL ||
           ((object->schema == NULL ||
             (name_append(out, object->schema, err) && buffer_append_byte(out, '.', err))) &&
            buffer_append_string(out, privileges->signature, err));
}

bool privileges_append(struct buffer *out, const struct catalog *catalog,
                       const struct privileges *privileges, const char *target, const char *owner,
                       int major, struct error *err)
{
    const char *base_text = privileges->usual == NULL ? "{}" : privileges->usual;
    struct list base = {0}, acl = {0};
    struct writing writing = {
        .privileges = privileges,
        .target = target,
        .owner = owner,
        .out = out,
        .major = major,
    };
    bool done = privileges->acl == NULL ||
                (list_parse(base_text, &base, err) && list_parse(privileges->acl, &acl, err));

    if (done && privileges->acl != NULL) {
        drop_gone(catalog, &base, owner);
        drop_gone(catalog, &acl, owner);
        done = append_difference(&writing, &base, &acl, err);
    }
    list_reset(&base);
    list_reset(&acl);
    return done;
}

bool privileges_add(struct catalog *catalog, struct catalog_object *object,
                    const struct privileges *privileges, struct error *err)
{
    struct buffer sql = {0}, target = {0};
    bool done =
        append_signature(&target, object, privileges, err) &&
        privileges_append(&sql, catalog, privileges,
                          privileges->signature != NULL ? buffer_text(&target) : object->identity,
                          object->owner, catalog_server_major(catalog), err);

    if (done && sql.len > 0)
        done = add_entry(catalog, object, privileges, &sql, err);
    buffer_free(&sql);
    buffer_free(&target);
    return done;
}
