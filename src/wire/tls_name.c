/*
 * Whether a certificate is for a host, by libpq's rules: entries of subjectAltName, dNSName and
 * iPAddress; the first common name only where none of them is of the host's kind; a wildcard stands
 * for one whole left-most label. OpenSSL's own check differs in each of these.
 */
#include "wire/tls_parts_internal.h"

#include "base/error_names.h"
#include "wire/message_internal.h"

#include <arpa/inet.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <strings.h>

struct names_check {
    const char *host;
    bool host_is_address;
    bool found;
    bool only_alternatives; /* an entry of the host's kind was seen: the common name is out */
    char seen[200];         /* the first name, to show */
};

bool tls_name_is_address(const char *host)
{
    struct in_addr four;
    struct in6_addr six;

    return inet_aton(host, &four) != 0 || inet_pton(AF_INET6, host, &six) == 1;
}

bool tls_name_matches(const char *pattern, const char *host)
{
    size_t pattern_len = strlen(pattern), host_len = strlen(host), label;

    if (strcasecmp(pattern, host) == 0)
        return true;
    if (pattern_len < 3 || pattern[0] != '*' || pattern[1] != '.' || pattern_len > host_len)
        return false;
    label = strcspn(host, ".");
    return label == host_len - (pattern_len - 1) && strcasecmp(host + label, pattern + 1) == 0;
}

static void keep_to_show(struct names_check *check, const char *name)
{
    if (check->seen[0] == '\0')
        report_clean(name, check->seen, sizeof(check->seen));
}

static bool check_text(struct names_check *check, const ASN1_STRING *text, struct error *err)
{
    const uint8_t *bytes = ASN1_STRING_get0_data(text);
    size_t len = (size_t)ASN1_STRING_length(text);
    char *name;

    /* "bank.example\0.evil.example" would be cut short by whoever compares strings. */
    if (memchr(bytes, '\0', len) != NULL)
        return error_set(err, ERROR_TLS, "a name in the server's certificate has a NUL inside");
    name = strndup((const char *)bytes, len);
    if (name == NULL)
        return error_set_memory(err);
    keep_to_show(check, name);
    check->found = tls_name_matches(name, check->host);
    free(name);
    return true;
}

static bool check_address(struct names_check *check, const ASN1_STRING *address, struct error *err)
{
    const uint8_t *bytes = ASN1_STRING_get0_data(address);
    int len = ASN1_STRING_length(address), family = len == 4 ? AF_INET : AF_INET6;
    char text[INET6_ADDRSTRLEN];
    struct in_addr four;
    struct in6_addr six;

    if (len != 4 && len != 16)
        return error_set(err, ERROR_TLS, "an IP address in the server's certificate has %d bytes",
                         len);
    keep_to_show(check, inet_ntop(family, bytes, text, sizeof(text)));
    if (len == 4)
        check->found = inet_aton(check->host, &four) != 0 && memcmp(&four, bytes, 4) == 0;
    else
        check->found = inet_pton(AF_INET6, check->host, &six) == 1 && memcmp(&six, bytes, 16) == 0;
    return true;
}

static bool check_alternatives(struct names_check *check, X509 *certificate, struct error *err)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    bool ok = true;

    for (int i = 0; ok && !check->found && i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

        if (name->type == (check->host_is_address ? GEN_IPADD : GEN_DNS))
            check->only_alternatives = true;
        if (name->type == GEN_DNS)
            ok = check_text(check, name->d.dNSName, err);
        else if (name->type == GEN_IPADD)
            ok = check_address(check, name->d.iPAddress, err);
    }
    GENERAL_NAMES_free(names);
    return ok;
}

static bool check_common_name(struct names_check *check, X509 *certificate, struct error *err)
{
    const X509_NAME *subject = X509_get_subject_name(certificate);
    int index = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);

    return index < 0 ||
           check_text(check, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, index)), err);
}

bool tls_check_name(X509 *certificate, const char *host, struct error *err)
{
    struct names_check check = {.host = host, .host_is_address = tls_name_is_address(host)};

    if (!check_alternatives(&check, certificate, err))
        return false;
    if (!check.found && !check.only_alternatives && !check_common_name(&check, certificate, err))
        return false;
    if (check.found)
        return true;
    if (check.seen[0] == '\0')
        error_set(err, ERROR_TLS, "the server's certificate names no host");
    else
        error_set(err, ERROR_TLS, "the server's certificate is for \"%s\", not for the host \"%s\"",
                  check.seen, host);
    return error_hint(err, "Connect by a name that the certificate has (" SETTING_HOSTADDR
                           " may say where it is), or use " SETTING_SSLMODE "=verify-ca.");
}
