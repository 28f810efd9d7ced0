/*
 * Privileges: what GRANT and REVOKE make of one list of privileges another.
 *
 * An item of a list is "grantee=letters/grantor": a letter for each privilege, with * behind it
 * where it may be granted on, and an empty grantee for PUBLIC. Source: PostgreSQL documentation,
 * "Privileges".
 */
#include "catalog/catalog_internal.h"

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
        if (!parse_item(text, &list->items[list->count++])) {
            error_set(err, ERROR_PROTOCOL, "the server gave privileges as %.100s", array);
            return false;
        }
    }
    return true;
}

bool catalog_role_is_gone(const struct catalog *catalog, const char *name)
{
    for (const struct gone_role *role = catalog->gone_roles; role != NULL; role = role->next) {
        if (strcmp(role->name, name) == 0)
            return true;
    }
    return false;
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
    const char *target; /* the object as GRANT names it; NULL: `on` is all */
    const char *owner;
    struct sql *sql;
    int major;
};

/* MAINTAIN is a privilege of tables from 17 on. */
static bool type_has(const struct writing *writing, size_t word)
{
    return strchr(words[word].types, writing->privileges->type) != NULL &&
           (words[word].letter != 'm' || writing->major >= 17);
}

/* The column in parentheses, if it is about one. */
static void add_column(const struct writing *writing)
{
    if (writing->privileges->column == NULL)
        return;
    sql_add(writing->sql, "(");
    sql_name(writing->sql, writing->privileges->column);
    sql_add(writing->sql, ")");
}

/* Whether there are any. */
static bool add_words(const struct writing *writing, const char *letters, bool with_option)
{
    size_t start = writing->sql->text.len;
    bool any = false, all = true;

    for (size_t i = 0; i < WORD_COUNT; i++) {
        const char *at = strchr(letters, words[i].letter);
        bool has = at != NULL && (at[1] == '*') == with_option;

        if (!type_has(writing, i))
            continue;
        all = all && has;
        if (!has)
            continue;
        sql_printf(writing->sql, "%s%s", any ? "," : "", words[i].word);
        add_column(writing);
        any = true;
    }
    if (any && all && !writing->sql->failed) {
        buffer_truncate(&writing->sql->text, start);
        sql_add(writing->sql, "ALL");
        add_column(writing);
    }
    return any;
}

static void add_grantee(const struct writing *writing, const struct item *item)
{
    if (item->grantee[0] == '\0')
        sql_add(writing->sql, "PUBLIC");
    else
        sql_name(writing->sql, item->grantee);
}

/* " ON TABLE s.t TO ", or FROM. */
static void add_target(const struct writing *writing, const char *to)
{
    sql_printf(writing->sql, " ON %s", writing->privileges->on);
    sql_clause(writing->sql, " ", writing->target, "");
    sql_add(writing->sql, to);
}

/* GRANT of those letters that can, or cannot, be granted on. */
static void add_grant(const struct writing *writing, const struct item *item, bool with_option)
{
    size_t start = writing->sql->text.len;

    sql_clause(writing->sql, "", writing->privileges->begin, "");
    sql_add(writing->sql, "GRANT ");
    if (!add_words(writing, item->letters, with_option)) {
        if (!writing->sql->failed)
            buffer_truncate(&writing->sql->text, start);
        return;
    }
    add_target(writing, " TO ");
    add_grantee(writing, item);
    sql_add(writing->sql, with_option ? " WITH GRANT OPTION;\n" : ";\n");
}

/* What another than the owner granted is granted in that role's name. */
static void add_item(const struct writing *writing, const struct item *item)
{
    bool other = strcmp(item->grantor, writing->owner) != 0;

    if (other) {
        sql_add(writing->sql, "SET SESSION AUTHORIZATION ");
        sql_name(writing->sql, item->grantor);
        sql_add(writing->sql, ";\n");
    }
    add_grant(writing, item, false);
    add_grant(writing, item, true);
    if (other)
        sql_add(writing->sql, "RESET SESSION AUTHORIZATION;\n");
}

static void add_revoke(const struct writing *writing, const struct item *item)
{
    sql_clause(writing->sql, "", writing->privileges->begin, "");
    sql_add(writing->sql, "REVOKE ALL");
    add_column(writing);
    add_target(writing, " FROM ");
    add_grantee(writing, item);
    sql_add(writing->sql, ";\n");
}

/* The owner's own privileges come first: what others may pass on hangs on them. */
static void add_difference(const struct writing *writing, const struct list *base,
                           const struct list *acl)
{
    for (size_t i = 0; i < base->count; i++) {
        if (!list_has(acl, &base->items[i]))
            add_revoke(writing, &base->items[i]);
    }
    for (int owners = 1; owners >= 0; owners--) {
        for (size_t i = 0; i < acl->count; i++) {
            const struct item *item = &acl->items[i];
            bool own = strcmp(item->grantee, writing->owner) == 0 &&
                       strcmp(item->grantor, writing->owner) == 0;

            if (own == (owners == 1) && !list_has(base, item))
                add_item(writing, item);
        }
    }
}

/* ---- Entries ---- */

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
                      const struct privileges *privileges, const char *sql, struct error *err)
{
    struct sql tag = {.err = err};
    struct catalog_extra *extra = NULL;

    sql_printf(&tag, "%s ", privileges->column == NULL ? privileges->on : "COLUMN");
    sql_add(&tag, privileges->signature != NULL ? privileges->signature : object->plain_identity);
    if (privileges->column != NULL) {
        sql_add(&tag, ".");
        sql_name(&tag, privileges->column);
    }
    if (!tag.failed) {
        const struct catalog_extra *after = comes_after(catalog, object, privileges, sql);

        extra = catalog_add_extra(catalog, object, "ACL", sql_text(&tag), sql, err);
        if (extra != NULL)
            extra->after = after;
    }
    return sql_end(&tag) && extra != NULL;
}

bool privileges_write(struct sql *sql, const struct catalog *catalog,
                      const struct privileges *privileges, const char *target, const char *owner,
                      int major)
{
    struct list base = {0}, acl = {0};
    struct writing writing = {
        .privileges = privileges,
        .target = target,
        .owner = owner,
        .sql = sql,
        .major = major,
    };

    if (sql->failed || privileges->acl == NULL)
        return !sql->failed;
    if (list_parse(privileges->usual == NULL ? "{}" : privileges->usual, &base, sql->err) &&
        list_parse(privileges->acl, &acl, sql->err)) {
        drop_gone(catalog, &base, owner);
        drop_gone(catalog, &acl, owner);
        add_difference(&writing, &base, &acl);
    } else {
        sql_fail(sql);
    }
    list_reset(&base);
    list_reset(&acl);
    return !sql->failed;
}

bool privileges_add(struct catalog *catalog, struct catalog_object *object,
                    const struct privileges *privileges, struct error *err)
{
    struct sql sql = {.err = err}, target = {.err = err};
    bool done;

    if (privileges->signature == NULL) {
        sql_add(&target, object->identity);
    } else {
        if (object->schema != NULL) {
            sql_name(&target, object->schema);
            sql_add(&target, ".");
        }
        sql_add(&target, privileges->signature);
    }
    done = !target.failed &&
           privileges_write(&sql, catalog, privileges, sql_text(&target), object->owner,
                            catalog_server_major(catalog)) &&
           (sql.text.len == 0 || add_entry(catalog, object, privileges, sql_text(&sql), err));
    sql_end(&sql);
    sql_end(&target);
    return done;
}
