/* The words that entries are called by: what is not in this table is restored by its SQL alone. */
#include "archive/archive_contents.h"

#include <stdlib.h>

static const struct entry_word {
    const char *word;
    enum entry_kind kind;
} words[] = {
    /* in the order of their bytes */
    {"ACCESS METHOD", ENTRY_ACCESS_METHOD},
    {"ACL", ENTRY_ACL},
    {"ACL LANGUAGE", ENTRY_ACL_LANGUAGE},
    {"AGGREGATE", ENTRY_AGGREGATE},
    {"BLOB", ENTRY_BLOB},
    {"BLOB COMMENTS", ENTRY_BLOB_COMMENTS},
    {"BLOB METADATA", ENTRY_BLOB_METADATA},
    {"BLOBS", ENTRY_BLOBS},
    {"CAST", ENTRY_CAST},
    {"CHECK CONSTRAINT", ENTRY_CHECK_CONSTRAINT},
    {"COLLATION", ENTRY_COLLATION},
    {"COMMENT", ENTRY_COMMENT},
    {"CONSTRAINT", ENTRY_CONSTRAINT},
    {"CONVERSION", ENTRY_CONVERSION},
    {"DATABASE", ENTRY_DATABASE},
    {"DATABASE PROPERTIES", ENTRY_DATABASE_PROPERTIES},
    {"DEFAULT", ENTRY_DEFAULT},
    {"DEFAULT ACL", ENTRY_DEFAULT_ACL},
    {"DOMAIN", ENTRY_DOMAIN},
    {"ENCODING", ENTRY_ENCODING},
    {"EVENT TRIGGER", ENTRY_EVENT_TRIGGER},
    {"EXTENSION", ENTRY_EXTENSION},
    {"FK CONSTRAINT", ENTRY_FK_CONSTRAINT},
    {"FOREIGN DATA WRAPPER", ENTRY_FOREIGN_DATA_WRAPPER},
    {"FOREIGN TABLE", ENTRY_FOREIGN_TABLE},
    {"FUNCTION", ENTRY_FUNCTION},
    {"INDEX", ENTRY_INDEX},
    {"INDEX ATTACH", ENTRY_INDEX_ATTACH},
    {"MATERIALIZED VIEW", ENTRY_MATERIALIZED_VIEW},
    {"MATERIALIZED VIEW DATA", ENTRY_MATERIALIZED_VIEW_DATA},
    {"OPERATOR", ENTRY_OPERATOR},
    {"OPERATOR CLASS", ENTRY_OPERATOR_CLASS},
    {"OPERATOR FAMILY", ENTRY_OPERATOR_FAMILY},
    {"POLICY", ENTRY_POLICY},
    {"PROCEDURAL LANGUAGE", ENTRY_PROCEDURAL_LANGUAGE},
    {"PROCEDURE", ENTRY_PROCEDURE},
    {"PUBLICATION", ENTRY_PUBLICATION},
    {"PUBLICATION TABLE", ENTRY_PUBLICATION_TABLE},
    {"PUBLICATION TABLES IN SCHEMA", ENTRY_PUBLICATION_TABLES_IN_SCHEMA},
    {"ROW SECURITY", ENTRY_ROW_SECURITY},
    {"RULE", ENTRY_RULE},
    {"SCHEMA", ENTRY_SCHEMA},
    {"SEARCHPATH", ENTRY_SEARCHPATH},
    {"SECURITY LABEL", ENTRY_SECURITY_LABEL},
    {"SEQUENCE", ENTRY_SEQUENCE},
    {"SEQUENCE OWNED BY", ENTRY_SEQUENCE_OWNED_BY},
    {"SEQUENCE SET", ENTRY_SEQUENCE_SET},
    {"SERVER", ENTRY_SERVER},
    {"SHELL TYPE", ENTRY_SHELL_TYPE},
    {"STATISTICS", ENTRY_STATISTICS},
    {"STATISTICS DATA", ENTRY_STATISTICS_DATA},
    {"STDSTRINGS", ENTRY_STDSTRINGS},
    {"SUBSCRIPTION", ENTRY_SUBSCRIPTION},
    {"SUBSCRIPTION TABLE", ENTRY_SUBSCRIPTION_TABLE},
    {"TABLE", ENTRY_TABLE},
    {"TABLE ATTACH", ENTRY_TABLE_ATTACH},
    {"TABLE DATA", ENTRY_TABLE_DATA},
    {"TEXT SEARCH CONFIGURATION", ENTRY_TEXT_SEARCH_CONFIGURATION},
    {"TEXT SEARCH DICTIONARY", ENTRY_TEXT_SEARCH_DICTIONARY},
    {"TEXT SEARCH PARSER", ENTRY_TEXT_SEARCH_PARSER},
    {"TEXT SEARCH TEMPLATE", ENTRY_TEXT_SEARCH_TEMPLATE},
    {"TRANSFORM", ENTRY_TRANSFORM},
    {"TRIGGER", ENTRY_TRIGGER},
    {"TYPE", ENTRY_TYPE},
    {"USER MAPPING", ENTRY_USER_MAPPING},
    {"VIEW", ENTRY_VIEW},
};

#define WORDS (sizeof(words) / sizeof(words[0]))

static int compare(const void *key, const void *item)
{
    return strcmp(key, ((const struct entry_word *)item)->word);
}

enum entry_kind entry_kind_of(const char *desc)
{
    const struct entry_word *found = bsearch(desc, words, WORDS, sizeof(words[0]), compare);

    return found == NULL ? ENTRY_OTHER : found->kind;
}

const char *entry_kind_name(enum entry_kind kind)
{
    for (size_t i = 0; i < WORDS; i++) {
        if (words[i].kind == kind)
            return words[i].word;
    }
    return "";
}

bool entry_kind_is_relation(enum entry_kind kind)
{
    return kind == ENTRY_TABLE || kind == ENTRY_FOREIGN_TABLE || kind == ENTRY_VIEW ||
           kind == ENTRY_MATERIALIZED_VIEW;
}
