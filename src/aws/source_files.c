/* A profile's keys in ~/.aws/credentials or ~/.aws/config. Other ways to come by keys that a
 * profile may name would have a program run or a person log in: they are refused by their names. */
#include "aws/search.h"
#include "aws/shared_file.h"

#include <stdio.h>

struct profile_file {
    char path[AWS_PATH_SIZE];
    char section[256];
    struct buffer text;
    bool there, has_profile;
};

static bool open_file(struct profile_file *file, struct error *err)
{
    if (file->path[0] != '\0' && !shared_file_read(file->path, &file->text, &file->there, err))
        return false;
    file->has_profile = file->there && shared_file_has(buffer_slice(&file->text), file->section);
    return true;
}

/* The value of a key, by itself. */
static bool copy_value(const struct profile_file *file, const char *key, struct buffer *value,
                       struct error *err)
{
    struct slice found;

    return !shared_file_find(buffer_slice(&file->text), file->section, key, &found) ||
           buffer_append(value, found.data, found.len, err);
}

static bool put_value(const struct profile_file *file, const char *key, bool optional,
                      struct buffer *out, struct error *err)
{
    struct buffer value = {0};
    char what[512];
    bool done = copy_value(file, key, &value, err);

    snprintf(what, sizeof(what), "%s of [%.100s] in %.250s", key, file->section, file->path);
    if (done && (value.len > 0 || !optional))
        done = aws_keys_put(out, buffer_text(&value), what, err);
    buffer_free_secret(&value);
    return done;
}

static bool take_keys(const struct profile_file *file, struct aws_keys *keys, bool *found,
                      struct error *err)
{
    struct slice ignored;

    if (!file->has_profile ||
        !shared_file_find(buffer_slice(&file->text), file->section, "aws_access_key_id", &ignored))
        return true;
    keys->expires = AWS_KEYS_NEVER_EXPIRE;
    snprintf(keys->source, sizeof(keys->source), "[%.80s] in %.150s", file->section, file->path);
    *found = put_value(file, "aws_access_key_id", false, &keys->access_key, err) &&
             put_value(file, "aws_secret_access_key", false, &keys->secret_key, err) &&
             put_value(file, "aws_session_token", true, &keys->session_token, err);
    return *found;
}

/* The profile must not have that key. */
static bool refuse(const struct profile_file *file, const char *key, struct error *err)
{
    struct slice ignored;

    if (!file->has_profile ||
        !shared_file_find(buffer_slice(&file->text), file->section, key, &ignored))
        return true;
    error_set(err, ERROR_UNSUPPORTED, "[%s] in %s has %s, which pgcask does not follow",
              file->section, file->path, key);
    return aws_hint_other_ways(err);
}

static bool refuse_others(const struct profile_file *file, struct error *err)
{
    static const char *const ways[] = {"credential_process", "sso_session", "sso_start_url",
                                       "login_session"};

    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        if (!refuse(file, ways[i], err))
            return false;
    }
    return true;
}

static bool search_files(struct aws_search *search, struct profile_file *credentials,
                         struct profile_file *config, struct aws_keys *keys, bool *found,
                         struct error *err)
{
    const char *profile = aws_profile(&search->environment);

    /* Where there is a role, the keys beside it are not those that are meant. */
    if (!open_file(credentials, err) || !open_file(config, err) ||
        !refuse(credentials, "role_arn", err) || !refuse(config, "role_arn", err) ||
        !take_keys(credentials, keys, found, err))
        return false;
    if (*found)
        return true;
    if (!refuse_others(credentials, err) || !refuse_others(config, err) ||
        !take_keys(config, keys, found, err))
        return false;
    if (*found)
        return true;
    if (aws_variable(&search->environment, "AWS_PROFILE") != NULL && !credentials->has_profile &&
        !config->has_profile) {
        error_set(err, ERROR_AUTHENTICATION, "there is no profile \"%s\" in %s or %s", profile,
                  credentials->path, config->path);
        return error_hint(err, "AWS_PROFILE names it.");
    }
    return aws_search_pass(search, err, "no keys of the profile \"%s\" in %s or %s", profile,
                           credentials->path[0] == '\0' ? "~/.aws/credentials" : credentials->path,
                           config->path[0] == '\0' ? "~/.aws/config" : config->path);
}

bool aws_source_files(struct aws_search *search, struct aws_keys *keys, bool *found,
                      struct error *err)
{
    const char *profile = aws_profile(&search->environment);
    struct profile_file credentials = {.there = false}, config = {.there = false};
    bool done;

    aws_file_path(&search->environment, "AWS_SHARED_CREDENTIALS_FILE", "credentials",
                  credentials.path);
    aws_file_path(&search->environment, "AWS_CONFIG_FILE", "config", config.path);
    snprintf(credentials.section, sizeof(credentials.section), "%s", profile);
    snprintf(config.section, sizeof(config.section), "%s%s",
             strcmp(profile, "default") == 0 ? "" : "profile ", profile);
    done = search_files(search, &credentials, &config, keys, found, err);
    buffer_free_secret(&credentials.text);
    buffer_free_secret(&config.text);
    return done;
}
