/* SQL that is put together piece by piece, and keeps its first failure to itself until it is used:
 * the code that writes a statement looks like the statement. */
#include "catalog/sql.h"

#include "catalog/names.h"

#include <stdarg.h>

void sql_fail(struct sql *sql)
{
    sql->failed = true;
}

void sql_add_bytes(struct sql *sql, const char *text, size_t len)
{
    if (!sql->failed && !buffer_append(&sql->text, text, len, sql->err))
        sql_fail(sql);
}

void sql_add(struct sql *sql, const char *text)
{
    sql_add_bytes(sql, text, strlen(text));
}

void sql_printf(struct sql *sql, const char *format, ...)
{
    va_list args;

    if (sql->failed)
        return;
    va_start(args, format);
    if (!buffer_vprintf(&sql->text, sql->err, format, args))
        sql_fail(sql);
    va_end(args);
}

void sql_clause(struct sql *sql, const char *before, const char *text, const char *after)
{
    if (text == NULL)
        return;
    sql_add(sql, before);
    sql_add(sql, text);
    sql_add(sql, after);
}

void sql_name(struct sql *sql, const char *name)
{
    if (!sql->failed && !name_append(&sql->text, name, sql->err))
        sql_fail(sql);
}

void sql_qualified(struct sql *sql, const char *schema, const char *name)
{
    if (!sql->failed && !name_append_qualified(&sql->text, schema, name, sql->err))
        sql_fail(sql);
}

void sql_literal(struct sql *sql, const char *text)
{
    if (!sql->failed && !literal_append(&sql->text, text, sql->err))
        sql_fail(sql);
}

void sql_remark(struct sql *sql, const char *name)
{
    for (const char *end; (end = strpbrk(name, "\r\n")) != NULL; name = end + 1) {
        sql_add_bytes(sql, name, (size_t)(end - name));
        sql_add(sql, " ");
    }
    sql_add(sql, name);
}

void sql_dollar_quoted(struct sql *sql, const char *text)
{
    if (!sql->failed && !dollar_quote_append(&sql->text, text, sql->err))
        sql_fail(sql);
}

void sql_setting(struct sql *sql, const char *setting)
{
    if (!sql->failed && !setting_append(&sql->text, setting, sql->err))
        sql_fail(sql);
}

const char *sql_text(const struct sql *sql)
{
    return buffer_text(&sql->text);
}

void sql_begin_again(struct sql *sql, size_t keep, struct error *err)
{
    buffer_clear_keeping(&sql->text, keep);
    sql->err = err;
    sql->failed = false;
}

const char *sql_copy(struct sql *sql, struct arena *arena)
{
    const char *copy =
        sql->failed ? NULL : arena_copy_slice(arena, buffer_slice(&sql->text), sql->err);

    buffer_free(&sql->text);
    return copy;
}

bool sql_end(struct sql *sql)
{
    buffer_free(&sql->text);
    return !sql->failed;
}
