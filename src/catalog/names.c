/* Names and literals as SQL has them. */
#include "catalog/kind.h"

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
