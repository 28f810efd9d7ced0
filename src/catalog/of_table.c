/* What is defined on tables by statements that the server gives whole: rules, triggers, policies,
 * and extended statistics. */
#include "catalog/catalog_internal.h"
#include "catalog/relation.h"

static const struct catalog_kind kind_rule = {
    .desc = "RULE",
    .section = SECTION_POST_DATA,
    .priority = PRIORITY_RULE,
};

static const struct catalog_kind kind_trigger = {
    .desc = "TRIGGER",
    .section = SECTION_POST_DATA,
    .priority = PRIORITY_TRIGGER,
};

static const struct catalog_kind kind_row_security = {
    .desc = "ROW SECURITY",
    .section = SECTION_POST_DATA,
    .priority = PRIORITY_ROW_SECURITY,
    .no_drop = true,
};

static const struct catalog_kind kind_policy = {
    .desc = "POLICY",
    .section = SECTION_POST_DATA,
    .priority = PRIORITY_POLICY,
};

static const struct catalog_kind kind_statistics = {
    .desc = "STATISTICS",
    .section = SECTION_POST_DATA,
    .priority = PRIORITY_STATISTICS,
};

static struct catalog_object *add_on(struct catalog *catalog, const struct catalog_kind *kind,
                                     uint32_t class_oid, uint32_t oid,
                                     const struct relation *relation, const char *name,
                                     struct error *err)
{
    const struct catalog_object *table = relation->object;
    struct catalog_object *object =
        catalog_add(catalog, kind, class_oid, oid, table->schema, name, table->owner, err);

    return object != NULL && catalog_set_identity_on(catalog, object, table, err) ? object : NULL;
}

/* ALTER TABLE … ENABLE REPLICA RULE r, and the like. 'O' is how it is made. */
static bool append_enabled(struct buffer *sql, const struct relation *relation, const char *what,
                           const char *name, char enabled, struct error *err)
{
    const char *word = enabled == 'D'   ? "DISABLE"
                       : enabled == 'R' ? "ENABLE REPLICA"
                       : enabled == 'A' ? "ENABLE ALWAYS"
                                        : "ENABLE";

    return buffer_printf(sql, err, "ALTER TABLE %s %s %s ", relation->object->identity, word,
                         what) &&
           name_append(sql, name, err) && buffer_append_string(sql, ";\n", err);
}

/* ---- Rules ---- */

static bool take_rule(struct catalog *catalog, void *context, const struct catalog_row *row,
                      struct error *err)
{
    enum { OID, RELATION, NAME, ENABLED, DEFINITION };
    struct relation *relation = relation_find(catalog, row_oid(row, RELATION));
    struct catalog_object *object;
    struct buffer sql = {0};
    bool done;

    (void)context;
    if (relation == NULL)
        return true;
    object = add_on(catalog, &kind_rule, CLASS_REWRITE, row_oid(row, OID), relation,
                    row_text(row, NAME), err);
    if (object == NULL)
        return false;
    done = buffer_append_string(&sql, row_text(row, DEFINITION), err) &&
           buffer_append_string(&sql, "\n", err) &&
           (row_char(row, ENABLED) == 'O' ||
            append_enabled(&sql, relation, "RULE", object->name, row_char(row, ENABLED), err)) &&
           catalog_put_text(catalog, buffer_text(&sql), &object->definition, err);
    buffer_free(&sql);
    return done;
}

static bool read_rules(struct catalog *catalog, struct error *err)
{
    static const char query[] =
        "SELECT r.oid, r.ev_class, r.rulename, r.ev_enabled, pg_catalog.pg_get_ruledef(r.oid) "
        "  FROM pg_catalog.pg_rewrite r "
        "  JOIN pg_catalog.pg_class c ON c.oid = r.ev_class "
        "  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
        " WHERE (r.rulename <> '_RETURN' OR c.relkind NOT IN ('v', 'm')) "
        "   AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' "
        " ORDER BY r.ev_class, r.rulename";

    return catalog_query(catalog, query, 5, take_rule, NULL, err);
}

/* ---- Triggers ---- */

enum { T_OID, T_RELATION, T_NAME, T_ENABLED, T_DEFINITION, T_PARENT, T_PARENT_ENABLED };

/* A partition's copy of its parent's trigger is made by the parent's; only whether it is enabled
 * may have to be said. */
static bool add_copied_trigger(struct catalog *catalog, const struct relation *relation,
                               const struct catalog_row *row, struct error *err)
{
    struct catalog_object *parent = catalog_find(catalog, CLASS_TRIGGER, row_oid(row, T_PARENT));
    struct catalog_object *object;
    struct buffer sql = {0};
    bool done;

    if (row_char(row, T_ENABLED) == row_char(row, T_PARENT_ENABLED))
        return parent == NULL ||
               catalog_alias(catalog, CLASS_TRIGGER, row_oid(row, T_OID), parent, err);
    object = add_on(catalog, &kind_trigger, CLASS_TRIGGER, row_oid(row, T_OID), relation,
                    row_text(row, T_NAME), err);
    if (object == NULL || (parent != NULL && !catalog_depend(catalog, object, parent, err)))
        return false;
    object->empty_drop = true;
    done = append_enabled(&sql, relation, "TRIGGER", object->name, row_char(row, T_ENABLED), err) &&
           catalog_put_text(catalog, buffer_text(&sql), &object->definition, err);
    buffer_free(&sql);
    return done;
}

static bool take_trigger(struct catalog *catalog, void *context, const struct catalog_row *row,
                         struct error *err)
{
    struct relation *relation = relation_find(catalog, row_oid(row, T_RELATION));
    struct catalog_object *object;
    struct buffer sql = {0};
    bool done;

    (void)context;
    if (relation == NULL)
        return true;
    if (row_oid(row, T_PARENT) != 0 && relation->detaching)
        return true; /* the end of detaching drops it */
    if (row_oid(row, T_PARENT) != 0)
        return add_copied_trigger(catalog, relation, row, err);
    object = add_on(catalog, &kind_trigger, CLASS_TRIGGER, row_oid(row, T_OID), relation,
                    row_text(row, T_NAME), err);
    if (object == NULL)
        return false;
    done =
        buffer_append_string(&sql, row_text(row, T_DEFINITION), err) &&
        buffer_append_string(&sql, ";\n", err) &&
        (row_char(row, T_ENABLED) == 'O' ||
         append_enabled(&sql, relation, "TRIGGER", object->name, row_char(row, T_ENABLED), err)) &&
        catalog_put_text(catalog, buffer_text(&sql), &object->definition, err) &&
        (relation->relkind != 'p' || relation_lock_tree(catalog, relation, object, err));
    buffer_free(&sql);
    return done;
}

/* Parents have the lower oids. */
static bool read_triggers(struct catalog *catalog, struct error *err)
{
    static const char query[] =
        "SELECT t.oid, t.tgrelid, t.tgname, t.tgenabled, "
        "       pg_catalog.pg_get_triggerdef(t.oid, false), t.tgparentid, p.tgenabled "
        "  FROM pg_catalog.pg_trigger t "
        "  JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid "
        "  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
        "  LEFT JOIN pg_catalog.pg_trigger p ON p.oid = t.tgparentid "
        "  LEFT JOIN pg_catalog.pg_constraint co ON co.oid = t.tgconstraint "
        " WHERE coalesce(co.contype, 't') = 't' AND (NOT t.tgisinternal OR t.tgparentid <> 0) "
        "   AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' "
        " ORDER BY t.oid";

    return catalog_query(catalog, query, 7, take_trigger, NULL, err);
}

/* ---- Policies ---- */

static bool add_row_security(struct catalog *catalog, struct error *err)
{
    size_t count = catalog_object_count(catalog);

    for (size_t i = 0; i < count; i++) {
        const struct relation *relation = relation_of(catalog_object_at(catalog, i));
        struct catalog_object *object;
        struct buffer sql = {0};
        bool done;

        if (relation == NULL || !relation->row_security)
            continue;
        object = catalog_add(catalog, &kind_row_security, 0, 0, relation->object->schema,
                             relation->object->name, relation->object->owner, err);
        if (object == NULL || !catalog_depend(catalog, object, relation->object, err))
            return false;
        object->oid = relation->object->oid;
        done = buffer_printf(&sql, err, "ALTER TABLE %s ENABLE ROW LEVEL SECURITY;\n",
                             relation->object->identity) &&
               catalog_put_text(catalog, buffer_text(&sql), &object->definition, err);
        buffer_free(&sql);
        if (!done)
            return false;
    }
    return true;
}

static bool append_clause(struct buffer *sql, const char *before, const char *text,
                          const char *after, struct error *err)
{
    return text == NULL ||
           (buffer_append_string(sql, before, err) && buffer_append_string(sql, text, err) &&
            buffer_append_string(sql, after, err));
}

static bool take_policy(struct catalog *catalog, void *context, const struct catalog_row *row,
                        struct error *err)
{
    enum { OID, RELATION, NAME, PERMISSIVE, COMMAND, ROLES, USING, CHECK };
    struct relation *relation = relation_find(catalog, row_oid(row, RELATION));
    struct catalog_object *object;
    struct buffer sql = {0};
    bool done;

    (void)context;
    if (relation == NULL)
        return true;
    object = add_on(catalog, &kind_policy, CLASS_POLICY, row_oid(row, OID), relation,
                    row_text(row, NAME), err);
    if (object == NULL)
        return false;
    done = buffer_printf(&sql, err, "CREATE POLICY %s", object->identity) &&
           (row_flag(row, PERMISSIVE) || buffer_append_string(&sql, " AS RESTRICTIVE", err)) &&
           append_clause(&sql, " FOR ", row_text_or_null(row, COMMAND), "", err) &&
           append_clause(&sql, " TO ", row_text_or_null(row, ROLES), "", err) &&
           append_clause(&sql, " USING (", row_text_or_null(row, USING), ")", err) &&
           append_clause(&sql, " WITH CHECK (", row_text_or_null(row, CHECK), ")", err) &&
           buffer_append_string(&sql, ";\n", err) &&
           catalog_put_text(catalog, buffer_text(&sql), &object->definition, err);
    buffer_free(&sql);
    return done;
}

static bool read_policies(struct catalog *catalog, struct error *err)
{
    static const char query[] =
        "SELECT p.oid, p.polrelid, p.polname, p.polpermissive, "
        "       CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' "
        "            WHEN 'd' THEN 'DELETE' END, "
        "       CASE WHEN p.polroles <> '{0}' "
        "            THEN (SELECT pg_catalog.string_agg(pg_catalog.quote_ident(r.rolname), ', ' "
        "                                               ORDER BY r.rolname) "
        "                    FROM pg_catalog.pg_roles r WHERE r.oid = ANY (p.polroles)) END, "
        "       pg_catalog.pg_get_expr(p.polqual, p.polrelid), "
        "       pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid) "
        "  FROM pg_catalog.pg_policy p "
        "  JOIN pg_catalog.pg_class c ON c.oid = p.polrelid "
        "  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
        " WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' "
        " ORDER BY p.polrelid, p.polname";

    return add_row_security(catalog, err) &&
           catalog_query(catalog, query, 8, take_policy, NULL, err);
}

/* ---- Statistics ---- */

static bool take_statistics(struct catalog *catalog, void *context, const struct catalog_row *row,
                            struct error *err)
{
    enum { OID, SCHEMA, NAME, OWNER, DEFINITION, TARGET, RELATION };
    struct catalog_object *object;
    struct buffer sql = {0};
    bool done;

    (void)context;
    if (catalog_find(catalog, CLASS_STATISTICS, row_oid(row, OID)) != NULL ||
        relation_find(catalog, row_oid(row, RELATION)) == NULL)
        return true; /* an extension's, or of a table that is not dumped */
    object = catalog_add(catalog, &kind_statistics, CLASS_STATISTICS, row_oid(row, OID),
                         row_text(row, SCHEMA), row_text(row, NAME), row_text(row, OWNER), err);
    if (object == NULL)
        return false;
    done = buffer_append_string(&sql, row_text(row, DEFINITION), err) &&
           buffer_append_string(&sql, ";\n", err) &&
           (row_text_or_null(row, TARGET) == NULL ||
            buffer_printf(&sql, err, "ALTER STATISTICS %s SET STATISTICS %s;\n", object->identity,
                          row_text_or_null(row, TARGET))) &&
           catalog_put_text(catalog, buffer_text(&sql), &object->definition, err);
    buffer_free(&sql);
    return done;
}

static bool read_statistics(struct catalog *catalog, struct error *err)
{
    static const char query[] =
        "SELECT s.oid, n.nspname, s.stxname, pg_catalog.pg_get_userbyid(s.stxowner), "
        "       pg_catalog.pg_get_statisticsobjdef(s.oid), NULLIF(s.stxstattarget, -1), "
        "       s.stxrelid "
        "  FROM pg_catalog.pg_statistic_ext s "
        "  JOIN pg_catalog.pg_namespace n ON n.oid = s.stxnamespace "
        " WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' "
        " ORDER BY n.nspname, s.stxname";

    return catalog_query(catalog, query, 7, take_statistics, NULL, err);
}

static bool read_all(struct catalog *catalog, struct error *err)
{
    return read_rules(catalog, err) && read_triggers(catalog, err) && read_policies(catalog, err) &&
           read_statistics(catalog, err);
}

const struct catalog_step catalog_step_of_table = {
    .what = "rules, triggers, policies and statistics",
    .order = READ_OF_TABLES + 6,
    .read = read_all,
};
