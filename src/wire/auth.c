/*
 * What the server asks for before it lets us in, and our answers: a password in clear, MD5 or
 * SCRAM, within what require_auth, channel_binding and sslcertmode allow. A server that does not
 * end what it began is not believed.
 */
#include "wire/auth_internal.h"

#include "base/bytes.h"
#include "base/clock.h"
#include "base/error_names.h"
#include "wire/auth_password_internal.h"
#include "wire/message_internal.h"
#include "wire/settings_internal.h"
#include "wire/settings_require_auth_internal.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>

#define MD5_SIZE 16
#define BINDING_HINT                                                                               \
    SETTING_CHANNEL_BINDING "=require needs TLS and a scram-sha-256 line in pg_hba.conf."

static bool setting_is(const struct authentication *authentication, const char *name,
                       const char *value)
{
    const char *set = wire_settings_get(authentication->settings, name);

    return set != NULL && strcmp(set, value) == 0;
}

/* ---- What the user allows ---- */

static const char *method_name(enum login_method method)
{
    return method == LOGIN_PASSWORD ? "password" : method == LOGIN_MD5 ? "md5" : "scram-sha-256";
}

static bool check_allowed(const struct authentication *authentication, enum login_method method,
                          struct error *err)
{
    unsigned allowed;

    if (!require_auth_read(authentication->settings, &allowed, err))
        return false;
    if ((allowed & method) != 0)
        return true;
    if (method == LOGIN_NONE)
        error_set(err, ERROR_AUTHENTICATION,
                  "the server asks for no authentication (none), and " SETTING_REQUIRE_AUTH
                  " does not allow that");
    else
        error_set(err, ERROR_AUTHENTICATION,
                  "the server asks for the authentication method %s, which " SETTING_REQUIRE_AUTH
                  " does not allow",
                  method_name(method));
    return error_hint(err, SETTING_REQUIRE_AUTH " is \"%s\".",
                      wire_settings_get(authentication->settings, "require_auth"));
}

/* What libpq knows and we do not. */
static const struct {
    uint32_t code;
    const char *name;
    const char *hba_method;
} unsupported[] = {
    {AUTHENTICATION_KERBEROS_V4, "Kerberos 4", "krb4"},
    {AUTHENTICATION_KERBEROS_V5, "Kerberos 5", "krb5"},
    {AUTHENTICATION_CRYPT, "crypt", "crypt"},
    {AUTHENTICATION_SCM, "SCM credentials", "ident"},
    {AUTHENTICATION_GSS, "GSSAPI (Kerberos)", "gss"},
    {AUTHENTICATION_GSS_CONTINUE, "GSSAPI (Kerberos)", "gss"},
    {AUTHENTICATION_SSPI, "SSPI", "sspi"},
};

static bool not_supported(const char *name, const char *hba_method, struct error *err)
{
    error_set(err, ERROR_UNSUPPORTED,
              "the server asks for %s authentication, which pgcask cannot do", name);
    return error_hint(err,
                      "The line of pg_hba.conf that applies here has the method %s. Put one for "
                      "this role above it, with scram-sha-256 or cert.",
                      hba_method);
}

static bool refuse_method(uint32_t code, struct error *err)
{
    for (size_t i = 0; i < sizeof(unsupported) / sizeof(unsupported[0]); i++) {
        if (unsupported[i].code == code)
            return not_supported(unsupported[i].name, unsupported[i].hba_method, err);
    }
    return not_supported("an unknown kind of", "that asks for it", err);
}

/* ---- Passwords ---- */

static bool get_password(const struct authentication *authentication, struct buffer *password,
                         struct error *err)
{
    const struct wire_password_request request = {
        .host = authentication->host,
        .port = authentication->port,
        .database = authentication->database,
        .user = authentication->user,
        .command = wire_settings_get(authentication->settings, "password_command"),
        .cancel = authentication->cancel,
        .deadline = authentication->deadline == NULL ? DEADLINE_NONE : *authentication->deadline,
    };
    int64_t begun = clock_now_ms();
    bool found;

    if (!auth_find_password(authentication->settings, &request, password, &found,
                            authentication->log, err))
        return false;
    /* A person who typed it took time that is not the server's. */
    if (request.command == NULL && !authentication->settings->wants_tokens &&
        authentication->deadline != NULL && request.deadline != DEADLINE_NONE)
        *authentication->deadline += clock_now_ms() - begun;
    if (found && password->len > 0)
        return true;
    error_set(err, ERROR_AUTHENTICATION,
              "the server asks for a password for role \"%s\", and there is none",
              authentication->user);
    return error_hint(err,
                      "Set " SETTING_PASSWORD
                      ", put a line into ~/.pgpass (mode 0600): HOST:PORT:DATABASE:%s:PASSWORD, or "
                      "name a " SETTING_PASSWORD_COMMAND ".",
                      authentication->user);
}

static bool answer_cleartext(struct authentication *authentication, struct buffer *reply,
                             struct error *err)
{
    struct buffer password = {0};
    bool ok = check_allowed(authentication, LOGIN_PASSWORD, err) &&
              get_password(authentication, &password, err) &&
              message_append_password(reply, buffer_text(&password), err);

    buffer_free_secret(&password);
    return ok;
}

static bool md5_hex(struct slice first, struct slice second, char out[2 * MD5_SIZE + 1])
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    uint8_t digest[MD5_SIZE];
    bool ok = context != NULL && EVP_DigestInit_ex(context, EVP_md5(), NULL) == 1 &&
              EVP_DigestUpdate(context, first.data, first.len) == 1 &&
              EVP_DigestUpdate(context, second.data, second.len) == 1 &&
              EVP_DigestFinal_ex(context, digest, NULL) == 1;

    EVP_MD_CTX_free(context);
    if (ok)
        bytes_to_hex(digest, sizeof(digest), out);
    OPENSSL_cleanse(digest, sizeof(digest));
    return ok;
}

bool authentication_md5(struct slice password, const char *user, struct slice salt,
                        char out[MD5_ANSWER_SIZE], struct error *err)
{
    char inner[2 * MD5_SIZE + 1], outer[2 * MD5_SIZE + 1];
    bool ok = md5_hex(password, slice_string(user), inner) &&
              md5_hex(slice_make(inner, 2 * MD5_SIZE), salt, outer);

    if (ok)
        snprintf(out, MD5_ANSWER_SIZE, "md5%s", outer);
    OPENSSL_cleanse(inner, sizeof(inner));
    if (ok)
        return true;
    error_set(err, ERROR_AUTHENTICATION, "MD5 is not available here");
    return error_hint(err, "Store the role's password as scram-sha-256.");
}

static bool answer_md5(struct authentication *authentication, struct slice salt,
                       struct buffer *reply, struct error *err)
{
    struct buffer password = {0};
    char answer[MD5_ANSWER_SIZE];
    bool ok;

    if (salt.len != 4)
        return error_set(err, ERROR_PROTOCOL, "the server sent a salt of %zu bytes", salt.len);
    ok = check_allowed(authentication, LOGIN_MD5, err) &&
         get_password(authentication, &password, err) &&
         authentication_md5(buffer_slice(&password), authentication->user, salt, answer, err) &&
         message_append_password(reply, answer, err);
    buffer_free_secret(&password);
    return ok;
}

/* ---- SCRAM ---- */

struct mechanisms {
    bool plain, plus, oauth;
};

static bool parse_mechanisms(struct slice list, struct mechanisms *offered, struct error *err)
{
    const char *name;

    *offered = (struct mechanisms){false, false, false};
    while (bytes_take_string(&list, &name)) {
        if (name[0] == '\0')
            return true;
        offered->plain = offered->plain || strcmp(name, "SCRAM-SHA-256") == 0;
        offered->plus = offered->plus || strcmp(name, "SCRAM-SHA-256-PLUS") == 0;
        offered->oauth = offered->oauth || strcmp(name, "OAUTHBEARER") == 0;
    }
    return error_set(err, ERROR_PROTOCOL, "the server sent a malformed list of SASL mechanisms");
}

/* Decides about channel binding; *len bytes of data if it is SCRAM_BOUND. */
static bool choose_binding(const struct authentication *authentication, bool plus,
                           enum scram_binding *binding, uint8_t data[TLS_BINDING_MAX], size_t *len,
                           struct error *err)
{
    bool tls = authentication->tls != NULL && authentication->tls->ssl != NULL;

    *binding = SCRAM_NO_BINDING;
    if (plus && !tls)
        return error_set(err, ERROR_AUTHENTICATION,
                         "the server offers SCRAM-SHA-256-PLUS without TLS");
    if (!tls || setting_is(authentication, "channel_binding", "disable"))
        return true;
    if (!plus) {
        *binding = SCRAM_BINDING_POSSIBLE;
        return true;
    }
    *binding = SCRAM_BOUND;
    if (!tls_server_end_point(authentication->tls, data, len, err))
        return false;
    if (*len > 0)
        return true;
    error_set(err, ERROR_AUTHENTICATION,
              "the signature algorithm of the server's certificate allows no channel binding");
    return error_hint(err, "Set " SETTING_CHANNEL_BINDING "=disable.");
}

static bool check_scram_offer(const struct authentication *authentication,
                              const struct mechanisms *offered, struct error *err)
{
    if (!offered->plain && !offered->plus)
        return offered->oauth ? not_supported("OAuth (OAUTHBEARER)", "oauth", err)
                              : not_supported("an unknown kind of SASL", "that asks for it", err);
    if (!offered->plus && setting_is(authentication, "channel_binding", "require")) {
        error_set(err, ERROR_AUTHENTICATION, "the server does not offer channel binding");
        return error_hint(err, BINDING_HINT);
    }
    return check_allowed(authentication, LOGIN_SCRAM, err);
}

static bool begin_scram(struct authentication *authentication, struct slice list,
                        struct buffer *reply, struct error *err)
{
    uint8_t data[TLS_BINDING_MAX];
    char nonce[SCRAM_NONCE_SIZE];
    struct buffer first = {0};
    struct mechanisms offered;
    enum scram_binding binding;
    size_t len = 0;
    bool ok;

    if (!parse_mechanisms(list, &offered, err) ||
        !check_scram_offer(authentication, &offered, err) ||
        !choose_binding(authentication, offered.plus, &binding, data, &len, err) ||
        !scram_make_nonce(nonce, err))
        return false;
    if (binding != SCRAM_BOUND && !offered.plain)
        return error_set(err, ERROR_AUTHENTICATION,
                         "the server insists on channel binding, which " SETTING_CHANNEL_BINDING
                         "=disable forbids");
    authentication->scram_begun = true;
    authentication->bound = binding == SCRAM_BOUND;
    ok = scram_begin(&authentication->scram, "", nonce, binding, slice_make(data, len), &first,
                     err) &&
         message_append_sasl_initial(reply,
                                     authentication->bound ? "SCRAM-SHA-256-PLUS" : "SCRAM-SHA-256",
                                     buffer_slice(&first), err);
    buffer_free(&first);
    return ok;
}

static bool continue_scram(struct authentication *authentication, struct slice data,
                           struct buffer *reply, struct error *err)
{
    struct buffer password = {0}, final = {0};
    struct scram_secret secret = {.has_client_key = false};
    bool ok = settings_scram_key(authentication->settings, "scram_client_key", secret.client_key,
                                 &secret.has_client_key, err) &&
              settings_scram_key(authentication->settings, "scram_server_key", secret.server_key,
                                 &secret.has_server_key, err) &&
              ((secret.has_client_key && secret.has_server_key) ||
               get_password(authentication, &password, err));

    secret.password = buffer_slice(&password);
    ok = ok &&
         scram_answer(&authentication->scram, data, &secret,
                      authentication->deadline == NULL ? DEADLINE_NONE : *authentication->deadline,
                      authentication->cancel, &final, err) &&
         message_append_sasl_response(reply, buffer_slice(&final), err);
    OPENSSL_cleanse(&secret, sizeof(secret));
    buffer_free_secret(&password);
    buffer_free(&final);
    return ok;
}

/* ---- The conversation ---- */

static bool out_of_order(struct error *err)
{
    return error_set(err, ERROR_PROTOCOL, "the server's authentication messages are out of order");
}

/* A server that began SCRAM has to finish it: one that does not know the password would skip the
 * part where it must show that it does. */
static bool accept_ok(struct authentication *authentication, struct error *err)
{
    const struct tls *tls = authentication->tls;

    if (authentication->scram_begun && !authentication->scram_verified)
        return error_set(err, ERROR_AUTHENTICATION,
                         "the server ended SCRAM without proving that it knows the password");
    if (setting_is(authentication, "channel_binding", "require") && !authentication->bound) {
        error_set(err, ERROR_AUTHENTICATION, "the server authenticated us without channel binding");
        return error_hint(err, BINDING_HINT);
    }
    if (!authentication->answered && !check_allowed(authentication, LOGIN_NONE, err))
        return false;
    if (setting_is(authentication, "sslcertmode", "require") &&
        (tls == NULL || !tls->certificate_sent)) {
        error_set(err, ERROR_AUTHENTICATION,
                  tls != NULL && tls->certificate_wanted
                      ? "there is no client certificate to show, and " SETTING_SSLCERTMODE
                        " is require"
                      : "the server asks for no client certificate, and " SETTING_SSLCERTMODE
                        " is require");
        return error_hint(err,
                          "Set " SETTING_SSLCERT " and " SETTING_SSLKEY
                          ", and ssl_ca_file at the server; or " SETTING_SSLCERTMODE "=allow.");
    }
    authentication->done = true;
    return true;
}

/* A token goes as it is, so that it goes under TLS alone. A server that asks otherwise wants this
 * role's password. */
static bool check_token(const struct authentication *authentication, uint32_t code,
                        struct error *err)
{
    if (authentication->tls == NULL || authentication->tls->ssl == NULL)
        return error_set(err, ERROR_AUTHENTICATION, "a token of AWS IAM is not sent without TLS");
    if (code == AUTHENTICATION_CLEARTEXT)
        return true;
    error_set(err, ERROR_AUTHENTICATION,
              "the server asks for a password of role \"%s\" (%s), and not for a token of AWS IAM",
              authentication->user, code == AUTHENTICATION_MD5 ? "md5" : "scram-sha-256");
    return error_hint(err,
                      "GRANT rds_iam TO the role, and switch IAM database authentication on at "
                      "the instance or cluster. With a password:  postgres://USER@HOST");
}

static bool begin_password(struct authentication *authentication, uint32_t code, struct slice rest,
                           struct buffer *reply, struct error *err)
{
    if (authentication->answered)
        return out_of_order(err);
    authentication->answered = true;
    if (authentication->settings->wants_tokens && !check_token(authentication, code, err))
        return false;
    if (code != AUTHENTICATION_SASL && setting_is(authentication, "channel_binding", "require")) {
        error_set(err, ERROR_AUTHENTICATION,
                  "the server asks for a password in a way that has no "
                  "channel binding");
        return error_hint(err, BINDING_HINT);
    }
    if (code == AUTHENTICATION_CLEARTEXT)
        return answer_cleartext(authentication, reply, err);
    if (code == AUTHENTICATION_MD5)
        return answer_md5(authentication, rest, reply, err);
    return begin_scram(authentication, rest, reply, err);
}

bool authentication_step(struct authentication *authentication, struct slice body,
                         struct buffer *reply, struct error *err)
{
    struct slice rest;
    uint32_t code;

    if (!message_parse_authentication(body, &code, &rest, err))
        return false;
    if (authentication->done)
        return out_of_order(err);
    switch (code) {
    case AUTHENTICATION_OK:
        return accept_ok(authentication, err);
    case AUTHENTICATION_CLEARTEXT:
    case AUTHENTICATION_MD5:
    case AUTHENTICATION_SASL:
        return begin_password(authentication, code, rest, reply, err);
    case AUTHENTICATION_SASL_CONTINUE:
        if (!authentication->scram_begun || authentication->scram.answered)
            return out_of_order(err);
        return continue_scram(authentication, rest, reply, err);
    case AUTHENTICATION_SASL_FINAL:
        if (!authentication->scram_begun || authentication->scram_verified)
            return out_of_order(err);
        authentication->scram_verified = scram_verify(&authentication->scram, rest, err);
        return authentication->scram_verified;
    default:
        return refuse_method(code, err);
    }
}

void authentication_reset(struct authentication *authentication)
{
    scram_reset(&authentication->scram);
}
