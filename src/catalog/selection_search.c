/*
 * What the patterns of a filter match: many are looked for in one statement, and each has to match
 * something.
 */
#include "catalog/selection.h"

#include "base/array.h"
#include "base/text.h"
#include "catalog/catalog_internal.h"
#include "catalog/columns.h"
#include "catalog/filter.h"
#include "catalog/pattern.h"
#include "catalog/typed_text.h"

#include <stdlib.h>

#define STATEMENT_PATTERNS 200
#define NAMES_MAX 20000 /* that are looked at for what was probably meant */

/* ---- What lists are about ---- */

static const struct subject {
    const char *oid, *name;
    const char *from;  /* and what is true of all */
    const char *names; /* the name, and as one would type it */
    const char *takes;
} subjects[] = {
#define OF_SCHEMAS 0
    {"n.oid", "n.nspname", "pg_catalog.pg_namespace n WHERE " IN_ANY_USERS_SCHEMA,
     "SELECT n.nspname, pg_catalog.quote_ident(n.nspname)\n"
     "  FROM pg_catalog.pg_namespace n WHERE " IN_ANY_USERS_SCHEMA,
     "schemas but the system's"},
#define OF_RELATIONS 1
    {"c.oid", "c.relname",
     "pg_catalog.pg_class c\n"
     "  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace, path\n"
     " WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND " IN_ANY_USERS_SCHEMA,
     "SELECT c.relname, pg_catalog.quote_ident(n.nspname) || '.' ||\n"
     "       pg_catalog.quote_ident(c.relname)\n"
     "  FROM pg_catalog.pg_class c\n"
     "  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace\n"
     " WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND " IN_ANY_USERS_SCHEMA,
     "tables, views and sequences but the system's, and none that an extension makes but its "
     "configuration"},
#define OF_EXTENSIONS 2
    {"e.oid", "e.extname", "pg_catalog.pg_extension e WHERE true",
     "SELECT e.extname, pg_catalog.quote_ident(e.extname)\n"
     "  FROM pg_catalog.pg_extension e",
     "extensions"},
#define OF_SERVERS 3
    {"s.oid", "s.srvname", "pg_catalog.pg_foreign_server s WHERE true",
     "SELECT s.srvname, pg_catalog.quote_ident(s.srvname)\n"
     "  FROM pg_catalog.pg_foreign_server s",
     "foreign servers"},
};

#define SET(member) offsetof(struct selection, member)

/* What a list is about, the set that its matches come to, and whether their children do. */
static const struct {
    size_t subject, set;
    bool children;
} lists[] = {
    [FILTER_SCHEMAS] = {OF_SCHEMAS, SET(named_schemas), false},
    [FILTER_EXCLUDE_SCHEMAS] = {OF_SCHEMAS, SET(not_schemas), false},
    [FILTER_TABLES] = {OF_RELATIONS, SET(tables), false},
    [FILTER_TABLES_AND_CHILDREN] = {OF_RELATIONS, SET(tables), true},
    [FILTER_EXCLUDE_TABLES] = {OF_RELATIONS, SET(not_tables), false},
    [FILTER_EXCLUDE_TABLES_AND_CHILDREN] = {OF_RELATIONS, SET(not_tables), true},
    [FILTER_EXCLUDE_TABLE_DATA] = {OF_RELATIONS, SET(no_rows), false},
    [FILTER_EXCLUDE_TABLE_DATA_AND_CHILDREN] = {OF_RELATIONS, SET(no_rows), true},
    [FILTER_EXTENSIONS] = {OF_EXTENSIONS, SET(extensions), false},
    [FILTER_EXCLUDE_EXTENSIONS] = {OF_EXTENSIONS, SET(not_extensions), false},
    [FILTER_FOREIGN_DATA] = {OF_SERVERS, SET(servers), false},
    [FILTER_WHERE] = {OF_RELATIONS, 0, false},
};

static const struct subject *subject_of(enum filter_list list)
{
    return &subjects[lists[list].subject];
}

/* ---- Patterns in SQL ---- */

struct wanted_pattern {
    enum filter_list list;
    size_t number;
    bool matched;
};

struct search {
    struct catalog *catalog;
    struct wanted_pattern patterns[STATEMENT_PATTERNS];
    size_t count;
    struct sql statement;
    const char *path; /* the schemas where names are found without theirs, as an array's text */
};

static const struct catalog_filter *filter_of(const struct catalog *catalog)
{
    return catalog->options.filter;
}

static bool add_match(struct search *search, const char *column, const char *regex)
{
    struct sql *sql = &search->statement;

    sql_add(sql, "   AND ");
    if (!typed_text_is_special(regex)) {
        if (!sql->failed && !pattern_append_match(&sql->text, column, regex, sql->err))
            sql_fail(sql);
    } else {
        sql_printf(sql, "%s OPERATOR(pg_catalog.~) ", column);
        if (!sql->failed && !typed_text_append(&sql->text, regex, sql->err))
            sql_fail(sql);
        sql_add(sql, " COLLATE pg_catalog.default");
    }
    sql_add(sql, "\n");
    return !sql->failed;
}

/* As the server finds a table whose schema is not said. */
static void add_visible(struct search *search)
{
    struct sql *sql = &search->statement;

    sql_add(sql, "   AND n.nspname = ANY (path.names) AND NOT EXISTS\n"
                 "       (SELECT FROM pg_catalog.pg_class e\n"
                 "          JOIN pg_catalog.pg_namespace m ON m.oid = e.relnamespace\n"
                 "         WHERE e.relname = c.relname\n"
                 "           AND pg_catalog.array_position(path.names, m.nspname)\n"
                 "               < pg_catalog.array_position(path.names, n.nspname))\n");
}

static void add_relations(struct search *search, enum filter_list list,
                          const struct pattern *pattern)
{
    struct sql *sql = &search->statement;

    if (list == FILTER_WHERE)
        sql_add(sql, "   AND c.relkind IN ('r', 'p')\n");
    /* The rows of an extension's table may be wanted, never the table. */
    if (list == FILTER_TABLES || list == FILTER_TABLES_AND_CHILDREN)
        sql_add(sql, "   AND (NOT EXISTS (SELECT FROM pg_catalog.pg_depend d\n"
                     "                     WHERE d.classid = c.tableoid AND d.objid = c.oid\n"
                     "                       AND d.deptype = 'e')\n"
                     "        OR EXISTS (SELECT FROM pg_catalog.pg_extension x\n"
                     "                    WHERE c.oid = ANY (x.extconfig)))\n");
    if (pattern->schema != NULL)
        add_match(search, "n.nspname", pattern->schema);
    else
        add_visible(search);
}

static void add_question(struct search *search, enum filter_list list,
                         const struct pattern *pattern)
{
    const struct subject *subject = subject_of(list);
    struct sql *sql = &search->statement;

    sql_printf(sql, "%sSELECT %zu, %s\n  FROM %s\n", search->count == 0 ? "" : "UNION ALL\n",
               search->count, subject->oid, subject->from);
    add_match(search, subject->name, pattern->name);
    if (lists[list].subject == OF_RELATIONS)
        add_relations(search, list, pattern);
}

/* ---- What they match ---- */

static bool add_condition(struct selection *selection, uint32_t table, size_t number,
                          struct error *err)
{
    if (selection->condition_count == selection->condition_capacity) {
        struct row_condition *grown =
            array_grow(selection->conditions, &selection->condition_capacity, sizeof(*grown), err);

        if (grown == NULL)
            return false;
        selection->conditions = grown;
    }
    selection->conditions[selection->condition_count++] = (struct row_condition){table, number};
    return true;
}

static struct oid_set *set_of(struct selection *selection, enum filter_list list)
{
    return (struct oid_set *)((char *)selection + lists[list].set);
}

static bool take_match(struct catalog *catalog, void *context, const struct catalog_row *row,
                       struct error *err)
{
    enum { PATTERN, OID };
    struct search *search = context;
    size_t number = (size_t)row_number(row, PATTERN);
    struct wanted_pattern *pattern;

    if (number >= search->count)
        return error_set(err, ERROR_PROTOCOL, "the server tells of a pattern nobody asked for");
    pattern = &search->patterns[number];
    pattern->matched = true;
    return pattern->list == FILTER_WHERE
               ? add_condition(&catalog->selection, row_oid(row, OID), pattern->number, err)
               : oid_set_add(set_of(&catalog->selection, pattern->list), row_oid(row, OID), err);
}

/* ---- What matches nothing ---- */

struct nearest {
    const char *wanted;
    const char **names, **full;
    size_t count;
};

static bool take_name(struct catalog *catalog, void *context, const struct catalog_row *row,
                      struct error *err)
{
    enum { NAME, FULL };
    struct nearest *nearest = context;
    const char *name = arena_copy(&catalog->arena, row_text(row, NAME), err);
    const char *full = arena_copy(&catalog->arena, row_text(row, FULL), err);

    if (name == NULL || full == NULL || nearest->count == NAMES_MAX)
        return name != NULL && full != NULL;
    nearest->names[nearest->count] = name;
    nearest->full[nearest->count++] = full;
    return true;
}

/* The name that was probably meant, with its schema. */
static const char *find_nearest(struct nearest *nearest)
{
    const char *dot = strrchr(nearest->wanted, '.');
    const char *found = text_nearest(nearest->wanted, nearest->full, nearest->count);

    if (found != NULL)
        return found;
    found = text_nearest(dot == NULL ? nearest->wanted : dot + 1, nearest->names, nearest->count);
    for (size_t i = 0; found != NULL && i < nearest->count; i++) {
        if (nearest->names[i] == found)
            return nearest->full[i];
    }
    return NULL;
}

static void hint_nearest(struct catalog *catalog, enum filter_list list, const char *text,
                         struct error *err)
{
    struct nearest nearest = {.wanted = text};
    struct error ignored;
    struct sql sql = {.err = &ignored};
    const char *found = NULL;

    nearest.names = calloc(NAMES_MAX, sizeof(*nearest.names));
    nearest.full = calloc(NAMES_MAX, sizeof(*nearest.full));
    sql_add(&sql, subject_of(list)->names);
    sql_printf(&sql, " ORDER BY 2 LIMIT %d", NAMES_MAX);
    if (nearest.names != NULL && nearest.full != NULL && !sql.failed &&
        catalog_ask_text(catalog, sql_text(&sql), 2, take_name, &nearest, &ignored))
        found = find_nearest(&nearest);
    sql_end(&sql);
    free(nearest.names);
    free(nearest.full);
    /* There is one of that name, but none for that list. */
    if (found != NULL && strcmp(text, found) == 0)
        error_hint(err, ERROR_OPTION("%s") " takes %s.", catalog_filter_option(list),
                   list == FILTER_WHERE ? "tables" : subject_of(list)->takes);
    else if (found != NULL)
        error_hint(err, "Did you mean %s?", found);
    else if (nearest.count == 0)
        error_hint(err, "There is none at all.");
}

static bool check_matched(struct search *search, struct error *err)
{
    struct catalog *catalog = search->catalog;

    for (size_t i = 0; i < search->count; i++) {
        const struct wanted_pattern *pattern = &search->patterns[i];
        const char *text = catalog_filter_text(filter_of(catalog), pattern->list, pattern->number);

        if (pattern->matched)
            continue;
        error_set(err, ERROR_USAGE, ERROR_OPTION("%s") ": the pattern %s matches nothing",
                  catalog_filter_option(pattern->list), text);
        error_reason(err, "pattern_matches_nothing");
        hint_nearest(catalog, pattern->list, text, err);
        return false;
    }
    return true;
}

/* ---- Asking ---- */

static bool with_children(enum filter_list list)
{
    return lists[list].children;
}

/* Which of the statement's patterns go further down: all children of some, partitions of a table
 * that is nothing but these where rows are concerned. */
static void add_numbers(struct search *search, bool (*is_one)(enum filter_list list))
{
    sql_add(&search->statement, "(-1");
    for (size_t i = 0; i < search->count; i++) {
        if (is_one(search->patterns[i].list))
            sql_printf(&search->statement, ", %zu", i);
    }
    sql_add(&search->statement, ")");
}

static bool is_condition(enum filter_list list)
{
    return list == FILTER_WHERE;
}

static void add_end(struct search *search)
{
    struct sql *sql = &search->statement;

    sql_add(sql, "), tree AS (\n"
                 "  SELECT f.pattern, f.oid FROM found f\n"
                 "  UNION\n"
                 "  SELECT t.pattern, i.inhrelid\n"
                 "    FROM tree t JOIN pg_catalog.pg_inherits i ON i.inhparent = t.oid\n"
                 "    JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid\n"
                 "   WHERE t.pattern IN ");
    add_numbers(search, with_children);
    sql_add(sql, "\n      OR (c.relispartition AND t.pattern IN ");
    add_numbers(search, is_condition);
    sql_add(sql, "))\nSELECT t.pattern, t.oid FROM tree t");
}

static bool begin_search(struct search *search, struct error *err)
{
    sql_begin_again(&search->statement, 0, err);
    search->count = 0;
    sql_add(&search->statement, "WITH RECURSIVE path AS (SELECT ");
    sql_literal(&search->statement, search->path);
    sql_add(&search->statement, "::pg_catalog.name[] AS names), found (pattern, oid) AS (\n");
    return !search->statement.failed;
}

/* No regular expression, or letters that the database's encoding does not have. */
static bool is_about_text(const struct error *err)
{
    return strcmp(err->sqlstate, "2201B") == 0 || strcmp(err->sqlstate, "22P05") == 0 ||
           strcmp(err->sqlstate, "42883") == 0;
}

/* A regular expression that is none is only seen by the server, which does not say which one. */
static bool is_broken(struct search *search, const char *regex, struct error *err)
{
    struct error ignored;
    struct sql sql = {.err = &ignored};
    bool broken;

    if (regex == NULL)
        return false;
    sql_add(&sql, "SELECT '' OPERATOR(pg_catalog.~) ");
    if (!sql.failed && !typed_text_append(&sql.text, regex, &ignored))
        sql_fail(&sql);
    broken = !sql.failed && !catalog_run(search->catalog, sql_text(&sql), err);
    sql_end(&sql);
    return broken && is_about_text(err);
}

static bool name_broken(struct search *search, struct error *err)
{
    struct error ignored;

    if (!is_about_text(err))
        return false;
    catalog_run(search->catalog, "ROLLBACK TO SAVEPOINT selection", &ignored);
    for (size_t i = 0; i < search->count; i++) {
        const struct wanted_pattern *wanted = &search->patterns[i];
        struct pattern pattern;
        bool broken;

        if (!catalog_filter_parse(filter_of(search->catalog), wanted->list, wanted->number,
                                  &pattern, &ignored))
            return false;
        broken = is_broken(search, pattern.name, err) || is_broken(search, pattern.schema, err);
        pattern_free(&pattern);
        if (!broken)
            continue;
        err->code = ERROR_USAGE;
        error_prefix(err, ERROR_OPTION("%s") " %s", catalog_filter_option(wanted->list),
                     catalog_filter_text(filter_of(search->catalog), wanted->list, wanted->number));
        if (strcmp(err->sqlstate, "2201B") != 0)
            return typed_text_explain(search->catalog, err);
        return error_hint(err, "A pattern is a regular expression, too; within \"…\" everything "
                               "stands for itself.");
    }
    return false;
}

static bool end_search(struct search *search, struct error *err)
{
    if (search->count == 0)
        return true;
    add_end(search);
    return !search->statement.failed &&
           (catalog_ask_text(search->catalog, sql_text(&search->statement), 2, take_match, search,
                             err) ||
            name_broken(search, err)) &&
           check_matched(search, err) && begin_search(search, err);
}

static bool take_flag(struct catalog *catalog, void *context, const struct catalog_row *row,
                      struct error *err)
{
    bool *flag = context;

    (void)catalog;
    (void)err;
    *flag = row_flag(row, 0);
    return true;
}

/* A name has the bytes of whichever database it was made from: what was typed may be the same, or
 * become the same in this database's encoding. */
static bool is_this_database(struct search *search, const char *typed)
{
    struct error ignored;
    struct sql sql = {.err = &ignored};
    bool same = false;

    if (typed == NULL || !typed_text_is_special(typed))
        return false;
    sql_add(&sql, "SELECT pg_catalog.current_database()::pg_catalog.text OPERATOR(pg_catalog.=) ");
    if (!sql.failed && !typed_text_append(&sql.text, typed, &ignored))
        sql_fail(&sql);
    if (!sql.failed)
        catalog_ask_text(search->catalog, sql_text(&sql), 1, take_flag, &same, &ignored);
    sql_end(&sql);
    return same;
}

/* Fails if it says another. */
static bool check_database(struct search *search, const struct pattern *pattern, const char *text,
                           struct error *err)
{
    return pattern_check_database(pattern, text, search->catalog->database, err) ||
           is_this_database(search, pattern->database);
}

static bool search_one(struct search *search, enum filter_list list, size_t number,
                       struct error *err)
{
    struct pattern pattern;

    if (!catalog_filter_parse(filter_of(search->catalog), list, number, &pattern, err) ||
        !check_database(search, &pattern,
                        catalog_filter_text(filter_of(search->catalog), list, number), err)) {
        pattern_free(&pattern);
        return false;
    }
    add_question(search, list, &pattern);
    pattern_free(&pattern);
    search->patterns[search->count++] = (struct wanted_pattern){list, number, false};
    return !search->statement.failed &&
           (search->count < STATEMENT_PATTERNS || end_search(search, err));
}

bool selection_search(struct catalog *catalog, const char *path, struct error *err)
{
    struct search search = {.catalog = catalog, .path = path};
    bool done = begin_search(&search, err);

    for (int list = 0; done && list < FILTER_LISTS; list++) {
        size_t count = catalog_filter_count(filter_of(catalog), (enum filter_list)list);

        for (size_t i = 0; done && i < count; i++)
            done = search_one(&search, (enum filter_list)list, i, err);
    }
    done = done && end_search(&search, err);
    return sql_end(&search.statement) && done;
}
