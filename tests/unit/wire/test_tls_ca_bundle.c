/* Where root certificates of the machine are looked for. */
#include "support/scratch.h"
#include "wire/tls_parts_internal.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static struct error err;

struct fixture {
    struct scratch root;
    SSL_CTX *context;
    X509 *certificate;
};

/* ---- A machine ---- */

static X509 *make_certificate(void)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    X509_NAME *name = X509_get_subject_name(certificate);

    assert_non_null(key);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"test root", -1, -1,
                               0);
    X509_set_issuer_name(certificate, name);
    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
    EVP_PKEY_free(key);
    return certificate;
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    unsetenv("SSL_CERT_FILE");
    unsetenv("SSL_CERT_DIR");
    scratch_init(&fixture->root);
    fixture->context = SSL_CTX_new(TLS_client_method());
    fixture->certificate = make_certificate();
    *state = fixture;
    return fixture->context != NULL ? 0 : -1;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    scratch_remove(&fixture->root);
    X509_free(fixture->certificate);
    SSL_CTX_free(fixture->context);
    free(fixture);
    unsetenv("SSL_CERT_FILE");
    unsetenv("SSL_CERT_DIR");
    return 0;
}

/* A file below the root, with the folders it needs. */
static FILE *make_file(struct fixture *fixture, const char *path)
{
    char folder[PATH_MAX];
    FILE *file;

    for (const char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        snprintf(folder, sizeof(folder), "%s%.*s", fixture->root.path, (int)(slash - path), path);
        assert_true(mkdir(folder, 0755) == 0 || errno == EEXIST);
    }
    file = fopen(scratch_path(&fixture->root, path + 1), "w");
    assert_non_null(file);
    return file;
}

static void make_bundle(struct fixture *fixture, const char *path)
{
    FILE *file = make_file(fixture, path);

    assert_int_equal(PEM_write_X509(file, fixture->certificate), 1);
    fclose(file);
}

static void make_text(struct fixture *fixture, const char *path, const char *text)
{
    FILE *file = make_file(fixture, path);

    fputs(text, file);
    fclose(file);
}

/* What decides: does the context accept our certificate? */
static bool trusts(const struct fixture *fixture)
{
    X509_STORE_CTX *check = X509_STORE_CTX_new();
    bool trusted;

    assert_int_equal(X509_STORE_CTX_init(check, SSL_CTX_get_cert_store(fixture->context),
                                         fixture->certificate, NULL),
                     1);
    trusted = X509_verify_cert(check) == 1;
    X509_STORE_CTX_free(check);
    ERR_clear_error();
    return trusted;
}

/* ---- Tests ---- */

static void a_bundle_is_found_in_each_usual_place(void **state)
{
    static const char *const paths[] = {
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
        "/etc/ssl/ca-bundle.pem",
        "/var/lib/ca-certificates/ca-bundle.pem",
        "/etc/ssl/cert.pem",
        "/etc/ssl/certs/ca-bundle.crt",
        "/usr/local/share/certs/ca-root-nss.crt",
        "/etc/ssl/certs/mounted.pem",
        "/etc/pki/tls/certs/own.crt",
        "/usr/local/share/certs/own.pem",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        void *each;

        assert_int_equal(setup(&each), 0);
        make_bundle(each, paths[i]);
        if (!ca_bundle_load_below(((struct fixture *)each)->context,
                                  ((struct fixture *)each)->root.path, &err))
            fail_msg("%s: %s: %s", paths[i], err.message, err.detail);
        assert_true(trusts(each));
        teardown(&each);
    }
}

static void openssl_s_own_places_come_first(void **state)
{
    struct fixture *fixture = *state;

    make_bundle(fixture, X509_get_default_cert_file());
    make_text(fixture, "/etc/ssl/ca-bundle.pem", "rubbish");
    assert_true(ca_bundle_load_below(fixture->context, fixture->root.path, &err));
    assert_true(trusts(fixture));
}

static void a_folder_of_hashes_is_searched_when_a_certificate_is_needed(void **state)
{
    struct fixture *fixture = *state;
    char path[64];

    snprintf(path, sizeof(path), "/etc/ssl/certs/%08lx.0",
             X509_NAME_hash_ex(X509_get_subject_name(fixture->certificate), NULL, NULL, NULL));
    make_bundle(fixture, path);
    assert_true(ca_bundle_load_below(fixture->context, fixture->root.path, &err));
    assert_true(trusts(fixture));
}

static void a_place_without_certificates_is_passed_over(void **state)
{
    struct fixture *fixture = *state;

    make_text(fixture, "/etc/ssl/certs/ca-certificates.crt", "");
    make_text(fixture, "/etc/pki/tls/certs/ca-bundle.crt", "-----BEGIN CERTIFICATE-----\nAA==\n");
    make_bundle(fixture, "/etc/ssl/ca-bundle.pem");
    assert_true(ca_bundle_load_below(fixture->context, fixture->root.path, &err));
    assert_true(trusts(fixture));
    assert_int_equal(ERR_peek_error(), 0);
}

static void where_nothing_is_the_error_says_where_it_looked_and_what_to_do(void **state)
{
    struct fixture *fixture = *state;

    make_text(fixture, "/etc/ssl/certs/readme.txt", "nothing here");
    assert_false(ca_bundle_load_below(fixture->context, fixture->root.path, &err));
    assert_int_equal(err.code, ERROR_TLS);
    assert_non_null(strstr(err.detail, "/etc/pki/tls/certs/ca-bundle.crt"));
    assert_non_null(strstr(err.detail, "/etc/ssl/certs (no certificates)"));
    assert_non_null(strstr(err.detail, "/usr/local/share/certs."));
    assert_non_null(strstr(err.hint, "SSL_CERT_FILE"));
    assert_non_null(strstr(err.hint, "sslrootcert"));
}

static void a_long_root_cuts_the_list_off_and_nothing_else(void **state)
{
    struct fixture *fixture = *state;
    char root[3000];

    memset(root, 'r', sizeof(root) - 1);
    root[0] = '/';
    root[sizeof(root) - 1] = '\0';
    assert_false(ca_bundle_load_below(fixture->context, root, &err));
    root[200] = '\0';
    assert_false(ca_bundle_load_below(fixture->context, root, &err));
    assert_non_null(strstr(err.detail, root));
}

static void ssl_cert_file_is_an_order(void **state)
{
    struct fixture *fixture = *state;

    make_bundle(fixture, "/own.pem");
    setenv("SSL_CERT_FILE", scratch_path(&fixture->root, "own.pem"), 1);
    assert_true(ca_bundle_load(fixture->context, &err));
    assert_true(trusts(fixture));
}

static void an_ssl_cert_file_that_is_not_there_is_an_error(void **state)
{
    struct fixture *fixture = *state;

    setenv("SSL_CERT_FILE", "/no/such/bundle", 1);
    assert_false(ca_bundle_load(fixture->context, &err));
    assert_non_null(strstr(err.detail, "/no/such/bundle"));
    assert_non_null(strstr(err.hint, "SSL_CERT_FILE"));
}

static void ssl_cert_dir_is_a_list_of_folders(void **state)
{
    struct fixture *fixture = *state;
    char path[64], list[PATH_MAX];

    snprintf(path, sizeof(path), "/own/%08lx.0",
             X509_NAME_hash_ex(X509_get_subject_name(fixture->certificate), NULL, NULL, NULL));
    make_bundle(fixture, path);
    snprintf(list, sizeof(list), "/no/such/folder:%s/own", fixture->root.path);
    setenv("SSL_CERT_DIR", list, 1);
    assert_true(ca_bundle_load(fixture->context, &err));
    assert_true(trusts(fixture));
    assert_int_equal(ERR_peek_error(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bundle_is_found_in_each_usual_place),
        cmocka_unit_test_setup_teardown(openssl_s_own_places_come_first, setup, teardown),
        cmocka_unit_test_setup_teardown(a_folder_of_hashes_is_searched_when_a_certificate_is_needed,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_place_without_certificates_is_passed_over, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            where_nothing_is_the_error_says_where_it_looked_and_what_to_do, setup, teardown),
        cmocka_unit_test_setup_teardown(a_long_root_cuts_the_list_off_and_nothing_else, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(ssl_cert_file_is_an_order, setup, teardown),
        cmocka_unit_test_setup_teardown(an_ssl_cert_file_that_is_not_there_is_an_error, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(ssl_cert_dir_is_a_list_of_folders, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
