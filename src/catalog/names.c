/* Names and literals as SQL has them. Quotes where they are needed and nowhere else, whatever the
 * version: so equal databases give equal archives. */
#include "catalog/names.h"

#include "wire/wire.h"

#include <stdlib.h>

/* Every word that pg_get_keywords() of PostgreSQL 13 to 18 does not call unreserved. */
static const char *const keywords[] = {
    "all",
    "analyse",
    "analyze",
    "and",
    "any",
    "array",
    "as",
    "asc",
    "asymmetric",
    "authorization",
    "between",
    "bigint",
    "binary",
    "bit",
    "boolean",
    "both",
    "case",
    "cast",
    "char",
    "character",
    "check",
    "coalesce",
    "collate",
    "collation",
    "column",
    "concurrently",
    "constraint",
    "create",
    "cross",
    "current_catalog",
    "current_date",
    "current_role",
    "current_schema",
    "current_time",
    "current_timestamp",
    "current_user",
    "dec",
    "decimal",
    "default",
    "deferrable",
    "desc",
    "distinct",
    "do",
    "else",
    "end",
    "except",
    "exists",
    "extract",
    "false",
    "fetch",
    "float",
    "for",
    "foreign",
    "freeze",
    "from",
    "full",
    "grant",
    "greatest",
    "group",
    "grouping",
    "having",
    "ilike",
    "in",
    "initially",
    "inner",
    "inout",
    "int",
    "integer",
    "intersect",
    "interval",
    "into",
    "is",
    "isnull",
    "join",
    "json",
    "json_array",
    "json_arrayagg",
    "json_exists",
    "json_object",
    "json_objectagg",
    "json_query",
    "json_scalar",
    "json_serialize",
    "json_table",
    "json_value",
    "lateral",
    "leading",
    "least",
    "left",
    "like",
    "limit",
    "localtime",
    "localtimestamp",
    "merge_action",
    "national",
    "natural",
    "nchar",
    "none",
    "normalize",
    "not",
    "notnull",
    "null",
    "nullif",
    "numeric",
    "offset",
    "on",
    "only",
    "or",
    "order",
    "out",
    "outer",
    "overlaps",
    "overlay",
    "placing",
    "position",
    "precision",
    "primary",
    "real",
    "references",
    "returning",
    "right",
    "row",
    "select",
    "session_user",
    "setof",
    "similar",
    "smallint",
    "some",
    "substring",
    "symmetric",
    "system_user",
    "table",
    "tablesample",
    "then",
    "time",
    "timestamp",
    "to",
    "trailing",
    "treat",
    "trim",
    "true",
    "union",
    "unique",
    "user",
    "using",
    "values",
    "varchar",
    "variadic",
    "verbose",
    "when",
    "where",
    "window",
    "with",
    "xmlattributes",
    "xmlconcat",
    "xmlelement",
    "xmlexists",
    "xmlforest",
    "xmlnamespaces",
    "xmlparse",
    "xmlpi",
    "xmlroot",
    "xmlserialize",
    "xmltable",
};

static int compare_keywords(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool is_plain(const char *name)
{
    if (!(name[0] == '_' || (name[0] >= 'a' && name[0] <= 'z')))
        return false;
    if (strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != strlen(name))
        return false;
    return bsearch(&name, keywords, sizeof(keywords) / sizeof(keywords[0]), sizeof(keywords[0]),
                   compare_keywords) == NULL;
}

bool name_append(struct buffer *out, const char *name, struct error *err)
{
    return is_plain(name) ? buffer_append_string(out, name, err)
                          : wire_quote_identifier(out, name, err);
}

bool name_append_qualified(struct buffer *out, const char *schema, const char *name,
                           struct error *err)
{
    if (schema != NULL && (!name_append(out, schema, err) || !buffer_append_byte(out, '.', err)))
        return false;
    return name_append(out, name, err);
}

bool literal_append(struct buffer *out, const char *text, struct error *err)
{
    return wire_quote_literal(out, text, err);
}

/* The delimiter grows until the text has nothing that looks like it: $$, $_$, $_X$, $_XX$, … A text
 * that ends in "$" or "$_X" would run into the delimiter behind it, so a part of it counts, too. */
bool dollar_quote_append(struct buffer *out, const char *text, struct error *err)
{
    struct buffer delimiter = {0};
    bool done = buffer_append_string(&delimiter, "$", err);

    while (done && strstr(text, buffer_text(&delimiter)) != NULL)
        done = buffer_append_byte(&delimiter, delimiter.len == 1 ? '_' : 'X', err);
    done = done && buffer_append_byte(&delimiter, '$', err) &&
           buffer_append(out, delimiter.data, delimiter.len, err) &&
           buffer_append_string(out, text, err) &&
           buffer_append(out, delimiter.data, delimiter.len, err);
    buffer_free(&delimiter);
    return done;
}

/* "a.b" of an extension's setting: each part quoted as it needs. */
static bool name_append_dotted(struct buffer *out, char *name, struct error *err)
{
    char *dot = strchr(name, '.');

    if (dot == NULL)
        return name_append(out, name, err);
    *dot = '\0';
    return name_append(out, name, err) && buffer_append_byte(out, '.', err) &&
           name_append_dotted(out, dot + 1, err);
}

/* Settings that hold a list of names. */
static bool is_list(struct slice name)
{
    static const char *const lists[] = {
        "local_preload_libraries",   "output_plugin_libraries",  "search_path",
        "session_preload_libraries", "shared_preload_libraries", "temp_tablespaces",
        "unix_socket_directories",
    };

    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        if (slice_equals(slice_string(lists[i]), name))
            return true;
    }
    return false;
}

/* Takes a name off a list: "with ""quotes""", or plain up to the comma. */
static bool take_list_name(const char **at, struct buffer *name, struct error *err)
{
    bool quoted;

    buffer_clear(name);
    *at += strspn(*at, " ");
    quoted = **at == '"';
    if (quoted)
        (*at)++;
    while (**at != '\0' && (quoted ? **at != '"' || (*at)[1] == '"' : **at != ',')) {
        if (quoted && **at == '"')
            (*at)++;
        if (!buffer_append_byte(name, (uint8_t) * (*at)++, err))
            return false;
    }
    if (quoted && **at == '"')
        (*at)++;
    *at += strspn(*at, " ");
    if (**at == ',')
        (*at)++;
    return true;
}

bool setting_append(struct buffer *out, const char *setting, struct error *err)
{
    const char *equals = strchr(setting, '=');
    struct slice name = slice_make(setting, equals == NULL ? 0 : (size_t)(equals - setting));
    struct buffer item = {0};
    const char *at;
    bool done, first = true;

    if (equals == NULL)
        return error_set(err, ERROR_PROTOCOL, "the server keeps a setting as \"%s\"", setting);
    at = equals + 1;
    done = buffer_append(&item, name.data, name.len, err) &&
           name_append_dotted(out, (char *)item.data, err) &&
           buffer_append_string(out, " TO ", err);
    if (done && (!is_list(name) || *at == '\0')) {
        done = literal_append(out, at, err);
        at = "";
    }
    while (done && *at != '\0') {
        done = take_list_name(&at, &item, err) && (first || buffer_append_string(out, ", ", err)) &&
               literal_append(out, buffer_text(&item), err);
        first = false;
    }
    buffer_free(&item);
    return done;
}
