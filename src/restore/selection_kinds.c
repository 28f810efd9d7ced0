/* A table of what pg_restore treats in a way of its own. Whatever else an archive has is an object
 * that no list names. */
#include "restore/selection_kinds.h"

#include <stdlib.h>

/* What it goes by for a list. */
enum {
    BY_NO_OPTION,
    BY_PRIVILEGES = 1,
    BY_COMMENTS,
    BY_LABELS,
    BY_POLICIES,
    BY_PUBLICATIONS,
    BY_SUBSCRIPTIONS,
    BY_STATISTICS
};

static const struct desc {
    const char *desc;
    enum treatment treatment;
    uint8_t option;
    enum restore_pass pass;
    bool counts_as_data;
} descs[] = {
    {"<Init>", AS_NOTHING, 0, RESTORE_PASS_MAIN, false},
    {"ACL", AS_ACL, BY_PRIVILEGES, RESTORE_PASS_ACL, false},
    {"ACL LANGUAGE", AS_OBJECT, BY_PRIVILEGES, RESTORE_PASS_ACL, false},
    {"AGGREGATE", AS_FUNCTION, 0, RESTORE_PASS_MAIN, false},
    {"BLOB", AS_OBJECT, 0, RESTORE_PASS_MAIN, true},
    {"BLOB METADATA", AS_OBJECT, 0, RESTORE_PASS_MAIN, true},
    {"COMMENT", AS_SAID, BY_COMMENTS, RESTORE_PASS_MAIN, false},
    {"DATABASE", AS_DATABASE, 0, RESTORE_PASS_MAIN, false},
    {"DATABASE PROPERTIES", AS_DATABASE, 0, RESTORE_PASS_MAIN, false},
    {"DEFAULT ACL", AS_OBJECT, BY_PRIVILEGES, RESTORE_PASS_ACL, false},
    {"ENCODING", AS_SETTING, 0, RESTORE_PASS_MAIN, false},
    {"EVENT TRIGGER", AS_OBJECT, 0, RESTORE_PASS_POST_ACL, false},
    {"FOREIGN TABLE", AS_RELATION, 0, RESTORE_PASS_MAIN, false},
    {"FUNCTION", AS_FUNCTION, 0, RESTORE_PASS_MAIN, false},
    {"INDEX", AS_INDEX, 0, RESTORE_PASS_MAIN, false},
    {"MATERIALIZED VIEW", AS_RELATION, 0, RESTORE_PASS_MAIN, false},
    {"MATERIALIZED VIEW DATA", AS_OF_TABLES, 0, RESTORE_PASS_POST_ACL, false},
    {"POLICY", AS_OBJECT, BY_POLICIES, RESTORE_PASS_MAIN, false},
    {"PROCEDURE", AS_FUNCTION, 0, RESTORE_PASS_MAIN, false},
    {"PUBLICATION", AS_OBJECT, BY_PUBLICATIONS, RESTORE_PASS_MAIN, false},
    {"PUBLICATION TABLE", AS_OBJECT, BY_PUBLICATIONS, RESTORE_PASS_MAIN, false},
    {"PUBLICATION TABLES IN SCHEMA", AS_OBJECT, BY_PUBLICATIONS, RESTORE_PASS_MAIN, false},
    {"ROW SECURITY", AS_OBJECT, BY_POLICIES, RESTORE_PASS_MAIN, false},
    {"SEARCHPATH", AS_SETTING, 0, RESTORE_PASS_MAIN, false},
    {"SECURITY LABEL", AS_SAID, BY_LABELS, RESTORE_PASS_MAIN, false},
    {"SEQUENCE", AS_OF_TABLES, 0, RESTORE_PASS_MAIN, false},
    {"SEQUENCE SET", AS_OF_TABLES, 0, RESTORE_PASS_MAIN, true},
    {"STATISTICS DATA", AS_STATISTICS, BY_STATISTICS, RESTORE_PASS_MAIN, false},
    {"STDSTRINGS", AS_SETTING, 0, RESTORE_PASS_MAIN, false},
    {"SUBSCRIPTION", AS_OBJECT, BY_SUBSCRIPTIONS, RESTORE_PASS_MAIN, false},
    {"SUBSCRIPTION TABLE", AS_OBJECT, BY_SUBSCRIPTIONS, RESTORE_PASS_MAIN, false},
    {"TABLE", AS_RELATION, 0, RESTORE_PASS_MAIN, false},
    {"TABLE DATA", AS_OF_TABLES, 0, RESTORE_PASS_MAIN, false},
    {"TRIGGER", AS_TRIGGER, 0, RESTORE_PASS_MAIN, false},
    {"VIEW", AS_RELATION, 0, RESTORE_PASS_MAIN, false},
};

static int compare_desc(const void *name, const void *desc)
{
    return strcmp(name, ((const struct desc *)desc)->desc);
}

static const struct desc *desc_of(const char *name)
{
    static const struct desc any = {"", AS_OBJECT, 0, RESTORE_PASS_MAIN, false};
    const struct desc *found =
        bsearch(name, descs, sizeof(descs) / sizeof(descs[0]), sizeof(descs[0]), compare_desc);

    return found == NULL ? &any : found;
}

static bool begins_with(const char *text, const char *beginning)
{
    return text != NULL && strncmp(text, beginning, strlen(beginning)) == 0;
}

/* What pg_dump 11 and later say of partitions is a comment. */
static bool is_definition(const char *text)
{
    return text != NULL && text[0] != '\0' && !begins_with(text, "-- load via partition root ");
}

static enum restore_pass pass_of(const struct desc *desc, const struct archive_entry *entry)
{
    if (desc->treatment == AS_SAID && begins_with(entry->tag, "EVENT TRIGGER "))
        return RESTORE_PASS_POST_ACL;
    if (desc->treatment == AS_STATISTICS && entry->section == SECTION_POST_DATA)
        return RESTORE_PASS_POST_ACL;
    return desc->pass;
}

static bool option_refuses(const struct restore_request *options, unsigned option)
{
    switch (option) {
    case BY_PRIVILEGES:
        return options->no_privileges;
    case BY_COMMENTS:
        return options->no_comments;
    case BY_LABELS:
        return options->no_security_labels;
    case BY_POLICIES:
        return options->no_policies;
    case BY_PUBLICATIONS:
        return options->no_publications;
    case BY_SUBSCRIPTIONS:
        return options->no_subscriptions;
    case BY_STATISTICS:
        return options->no_statistics;
    default:
        return false;
    }
}

/* A comment or label goes with what it is about. */
static bool is_refused(const struct restore_request *options, const struct desc *desc,
                       const struct archive_entry *entry)
{
    if (desc->treatment == AS_NOTHING)
        return entry->tag != NULL && strcmp(entry->tag, "Max OID") == 0;
    if (option_refuses(options, desc->option))
        return true;
    return desc->treatment == AS_SAID &&
           ((options->no_policies && desc->option == BY_COMMENTS &&
             begins_with(entry->tag, "POLICY")) ||
            (options->no_publications && begins_with(entry->tag, "PUBLICATION")) ||
            (options->no_subscriptions && begins_with(entry->tag, "SUBSCRIPTION")));
}

static unsigned flags_of(const struct restore_request *options, const struct desc *desc,
                         const struct archive_entry *entry)
{
    bool of_said = desc->treatment == AS_SAID || desc->treatment == AS_ACL;
    unsigned flags = 0;

    if (entry->has_data)
        flags |= HAS_DATA;
    if (is_definition(entry->definition))
        flags |= HAS_DEFINITION;
    if (desc->counts_as_data || (of_said && begins_with(entry->tag, "LARGE OBJECT")))
        flags |= DEFINITION_IS_DATA;
    if (desc->treatment == AS_DATABASE || (of_said && begins_with(entry->tag, "DATABASE ")))
        flags |= OF_DATABASE;
    if (is_refused(options, desc, entry))
        flags |= REFUSED;
    return flags;
}

struct selection_kind selection_kind_of(const struct archive_entry *entry,
                                        const struct restore_request *options)
{
    const struct desc *desc = desc_of(entry->desc == NULL ? "" : entry->desc);

    return (struct selection_kind){
        .treatment = desc->treatment,
        .pass = pass_of(desc, entry),
        .flags = flags_of(options, desc, entry),
    };
}
