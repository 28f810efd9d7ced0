#include "wire/certificates.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#define DAY_S 86400L

static void must(bool condition)
{
    if (!condition)
        abort();
}

static void set_name(X509_NAME *name, const char *text)
{
    must(X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
                                    (const unsigned char *)text, -1, -1, 0) == 1);
}

static void add_extension(X509 *certificate, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

    must(extension != NULL && X509_add_ext(certificate, extension, -1) == 1);
    X509_EXTENSION_free(extension);
}

/* Everything but what the authority has to do with it. */
static void begin(struct identity *identity, const char *name, int days)
{
    unsigned serial = 0;

    for (const char *letter = name; *letter != '\0'; letter++)
        serial = serial * 31 + (unsigned char)*letter;
    identity->key = EVP_EC_gen("P-256");
    identity->certificate = X509_new();
    must(identity->key != NULL && identity->certificate != NULL);
    X509_set_version(identity->certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(identity->certificate), (long)(serial & 0xfffff) + 1);
    X509_gmtime_adj(X509_getm_notBefore(identity->certificate), -10 * DAY_S);
    X509_gmtime_adj(X509_getm_notAfter(identity->certificate), days * DAY_S);
    X509_set_pubkey(identity->certificate, identity->key);
    set_name(X509_get_subject_name(identity->certificate), name);
}

void identity_make_authority(struct identity *identity, const char *name)
{
    begin(identity, name, 10);
    X509_set_issuer_name(identity->certificate, X509_get_subject_name(identity->certificate));
    add_extension(identity->certificate, NID_basic_constraints, "critical,CA:TRUE");
    must(X509_sign(identity->certificate, identity->key, EVP_sha256()) > 0);
}

void identity_make(struct identity *identity, const struct identity *authority, const char *name,
                   const char *names, int days)
{
    begin(identity, name, days);
    X509_set_issuer_name(identity->certificate, X509_get_subject_name(authority->certificate));
    if (names != NULL)
        add_extension(identity->certificate, NID_subject_alt_name, names);
    must(X509_sign(identity->certificate, authority->key, EVP_sha256()) > 0);
}

void identity_free(struct identity *identity)
{
    X509_free(identity->certificate);
    EVP_PKEY_free(identity->key);
    *identity = (struct identity){0};
}

static char *take_text(BIO *bio)
{
    char *data, *text;
    long len = BIO_get_mem_data(bio, &data);

    text = strndup(data, (size_t)len);
    must(text != NULL);
    BIO_free(bio);
    return text;
}

char *identity_certificate_text(const struct identity *identity)
{
    BIO *bio = BIO_new(BIO_s_mem());

    must(bio != NULL && PEM_write_bio_X509(bio, identity->certificate) == 1);
    return take_text(bio);
}

char *identity_key_text(const struct identity *identity, const char *password)
{
    BIO *bio = BIO_new(BIO_s_mem());

    must(bio != NULL &&
         PEM_write_bio_PKCS8PrivateKey(
             bio, identity->key, password == NULL ? NULL : EVP_aes_256_cbc(), password,
             password == NULL ? 0 : (int)strlen(password), NULL, NULL) == 1);
    return take_text(bio);
}

char *identity_revocation_text(const struct identity *authority, const struct identity *revoked)
{
    X509_CRL *list = X509_CRL_new();
    X509_REVOKED *entry = X509_REVOKED_new();
    ASN1_TIME *now = X509_gmtime_adj(NULL, -DAY_S), *later = X509_gmtime_adj(NULL, DAY_S);
    BIO *bio = BIO_new(BIO_s_mem());

    must(list != NULL && entry != NULL && now != NULL && later != NULL && bio != NULL);
    X509_CRL_set_version(list, X509_CRL_VERSION_2);
    X509_CRL_set_issuer_name(list, X509_get_subject_name(authority->certificate));
    X509_CRL_set1_lastUpdate(list, now);
    X509_CRL_set1_nextUpdate(list, later);
    X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(revoked->certificate));
    X509_REVOKED_set_revocationDate(entry, now);
    must(X509_CRL_add0_revoked(list, entry) == 1);
    must(X509_CRL_sign(list, authority->key, EVP_sha256()) > 0);
    must(PEM_write_bio_X509_CRL(bio, list) == 1);
    ASN1_TIME_free(now);
    ASN1_TIME_free(later);
    X509_CRL_free(list);
    return take_text(bio);
}
