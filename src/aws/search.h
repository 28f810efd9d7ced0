/*
 * The search for access keys, in the order of AWS's own tools: variables of the environment, a web
 * identity, the files of ~/.aws, a container's endpoint, the instance's. What is not there leads to
 * the next; what is there and does not work is an error. Source: AWS SDKs and Tools Reference
 * Guide, "Standardized credential providers".
 */
#ifndef PGCASK_AWS_SEARCH_H
#define PGCASK_AWS_SEARCH_H

#include "aws/http.h"
#include "aws/keys.h"

/* A variable's value, or NULL where it is not set or empty. */
struct aws_environment {
    bool ignored; /* no variable counts */
};
const char *aws_variable(const struct aws_environment *environment, const char *name);

/* The file that a variable names, else that name in ~/.aws. "": there is no home. */
#define AWS_PATH_SIZE 4096
void aws_file_path(const struct aws_environment *environment, const char *variable,
                   const char *name, char out[AWS_PATH_SIZE]);

/* The section of a profile: AWS_PROFILE, else "default". */
const char *aws_profile(const struct aws_environment *environment);

struct aws_search {
    struct aws_environment environment;
    const char *region;
    const struct cancel *cancel;
    int64_t deadline;
    struct buffer tried; /* what was looked for in vain, for people */
};

/* Finds keys that have not expired. */
bool aws_search_run(struct aws_search *search, struct aws_keys *keys, struct error *err);

/* ---- What the sources share (search.c) ---- */

/* Notes why this source has none; *found stays false. */
bool aws_search_pass(struct aws_search *search, struct error *err, const char *format, ...)
    ERROR_PRINTF(3, 4);

/* The moment ms from now, or the search's deadline if that comes first. */
int64_t aws_search_limit(const struct aws_search *search, int64_t ms);

/* An error's hint: how to give keys in another way. False. */
bool aws_hint_other_ways(struct error *err);

/* ---- The sources ---- */

typedef bool aws_source(struct aws_search *search, struct aws_keys *keys, bool *found,
                        struct error *err);
aws_source aws_source_environment, aws_source_web_identity, aws_source_files, aws_source_container,
    aws_source_instance;

#endif
