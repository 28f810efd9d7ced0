/* Where servers of different versions have different columns: what stands in a query for each. */
#include "catalog/versions.h"

/* {name} in a query becomes the text of the last row with that name whose `since` is not beyond the
 * server's major version. Rows of a name stand together, oldest first; 0 is every version. */
static const struct {
    const char *name;
    int since;
    const char *text;
} differences[] = {
    /* pg_class: an access method of a partitioned table is for its partitions to come */
    {"partitioned_has_am", 0, "false"},
    {"partitioned_has_am", 17, "c.relkind = 'p'"},
    /* pg_database */
    {"datlocprovider", 0, "NULL"},
    {"datlocprovider", 15,
     "CASE d.datlocprovider WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' ELSE 'libc' END"},
    {"datlocale", 0, "NULL"},
    {"datlocale", 15, "' ICU_LOCALE = ' || pg_catalog.quote_literal(d.daticulocale)"},
    {"datlocale", 17,
     "CASE d.datlocprovider WHEN 'b' THEN ' BUILTIN_LOCALE = ' ELSE ' ICU_LOCALE = ' END || "
     "pg_catalog.quote_literal(d.datlocale)"},
    {"daticurules", 0, "NULL"},
    {"daticurules", 16, "' ICU_RULES = ' || pg_catalog.quote_literal(d.daticurules)"},
    /* pg_namespace: what PUBLIC has in a new database's public; up to 14 anything but what it has
     * here, so that an archive says that */
    {"public_privilege", 0,
     "CASE WHEN (SELECT pg_catalog.array_agg(x.privilege_type) "
     "             FROM pg_catalog.aclexplode(n.nspacl) x WHERE x.grantee = 0) = ARRAY['CREATE'] "
     "     THEN 'USAGE' ELSE 'CREATE' END"},
    {"public_privilege", 15, "'USAGE'"},
    /* pg_parameter_acl */
    {"parameter_acls", 0,
     "(SELECT NULL::pg_catalog.text AS parname, NULL::pg_catalog.aclitem[] AS paracl WHERE false)"},
    {"parameter_acls", 15, "pg_catalog.pg_parameter_acl"},
    {"parameter_default", 0, "NULL"},
    {"parameter_default", 15, "pg_catalog.acldefault('p', 10)"},
    /* pg_auth_members */
    {"membership_options", 0, "CASE WHEN m.admin_option THEN ' WITH ADMIN OPTION' ELSE '' END"},
    {"membership_options", 16,
     "' WITH ' || CASE WHEN m.admin_option THEN 'ADMIN OPTION, ' ELSE '' END || "
     "'INHERIT ' || CASE WHEN m.inherit_option THEN 'TRUE' ELSE 'FALSE' END || "
     "CASE WHEN m.set_option THEN '' ELSE ', SET FALSE' END"},
    {"membership_grantor", 0, "''"},
    {"membership_grantor", 16, "coalesce(' GRANTED BY ' || pg_catalog.quote_ident(b.rolname), '')"},
    /* pg_inherits: a partition that is being detached is none any more */
    {"inhdetachpending", 0, "false"},
    {"inhdetachpending", 14, "i.inhdetachpending"},
    /* pg_constraint: a table's NOT NULL has a row since 18 */
    {"table_not_null", 0, "false"},
    {"table_not_null", 18, "co.contype = 'n' AND co.conrelid <> 0"},
    /* pg_type */
    {"typsubscript", 0, "NULL"},
    {"typsubscript", 14, "NULLIF(t.typsubscript, 0::pg_catalog.oid)::pg_catalog.regproc"},
    {"rngmultitypid", 0, "NULL::pg_catalog.oid"},
    {"rngmultitypid", 14, "r.rngmultitypid"},
    /* domains keep their NOT NULL as a constraint since 17 */
    {"domain_not_null", 0, "t.typnotnull"},
    {"domain_not_null", 17, "false"},
    /* pg_proc */
    {"prosqlbody", 0, "NULL"},
    {"prosqlbody", 14, "pg_catalog.pg_get_function_sqlbody(p.oid)"},
    /* A body that a routine has until what its own needs is there: nulls of its result's columns.
     * With a LIMIT, or the server would put in the nulls for a call: "constant expression as
     * partition key". */
    {"stand_in_body", 0, "NULL"},
    {"stand_in_body", 14,
     "CASE WHEN p.prosqlbody IS NOT NULL THEN 'SELECT ' || "
     "CASE WHEN p.prorettype = 'pg_catalog.void'::pg_catalog.regtype THEN '' "
     "     WHEN p.prorettype <> 'pg_catalog.record'::pg_catalog.regtype "
     "     THEN 'NULL::' || pg_catalog.format_type(p.prorettype, NULL) "
     "     ELSE coalesce((SELECT pg_catalog.string_agg("
     "                             'NULL::' || pg_catalog.format_type(x.type, NULL), ', ' "
     "                             ORDER BY x.number) "
     "                      FROM ROWS FROM (pg_catalog.unnest(p.proallargtypes), "
     "                                      pg_catalog.unnest(p.proargmodes)) "
     "                           WITH ORDINALITY x (type, mode, number) "
     "                     WHERE x.mode IN ('o', 'b', 't')), 'NULL') END || ' LIMIT 1' END"},
    /* Whether defaults of arguments call functions that are not the system's */
    {"defaults_call", 0,
     "coalesce(p.proargdefaults::pg_catalog.text ~ ':funcid "
     "([0-9]{6,}|[2-9][0-9]{4}|1[2-9][0-9]{3}) '"
     ", false)"},
    {"body_needs_itself", 0, "false"},
    {"body_needs_itself", 14, "p.prosqlbody::pg_catalog.text ~ (':funcid ' || p.oid || ' ')"},
    /* pg_attribute */
    {"attcompression", 0, "''"},
    {"attcompression", 14, "a.attcompression"},
    {"attstattarget", 0, "NULLIF(a.attstattarget, -1)"},
    {"attstattarget", 17, "a.attstattarget"},
};

static const char *find(struct slice name, int major)
{
    const char *text = NULL;

    for (size_t i = 0; i < sizeof(differences) / sizeof(differences[0]); i++) {
        if (differences[i].since <= major && slice_equals(slice_string(differences[i].name), name))
            text = differences[i].text;
    }
    return text;
}

/* A name in braces; anything else in braces is the query's own ('{}'). */
static bool take_name(const char *at, struct slice *name)
{
    size_t len = strspn(at + 1, "abcdefghijklmnopqrstuvwxyz_0123456789");

    *name = slice_make(at + 1, len);
    return len > 0 && at[1 + len] == '}' && at[1] >= 'a';
}

bool versions_expand(const char *query, int major, struct buffer *out, struct error *err)
{
    const char *at = query;

    for (;;) {
        const char *brace = strchr(at, '{');
        struct slice name;
        const char *text;

        if (brace == NULL)
            return buffer_append_string(out, at, err);
        if (!buffer_append(out, at, (size_t)(brace - at), err))
            return false;
        at = brace + 1;
        if (!take_name(brace, &name)) {
            if (!buffer_append_byte(out, '{', err))
                return false;
            continue;
        }
        text = find(name, major);
        if (text == NULL)
            return error_set(err, ERROR_UNSUPPORTED, "no difference by version is named %.*s",
                             (int)name.len, (const char *)name.data);
        if (!buffer_append_string(out, text, err))
            return false;
        at += name.len + 1;
    }
}
