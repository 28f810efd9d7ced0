#include "support/session.h"

#include "wire/tls_parts_internal.h"

#include <openssl/x509v3.h>
#include <string.h>

/* A certificate that nobody signed, with names as bytes: NULs and odd addresses too. */
static X509 *make_certificate(const char *const *common_names)
{
    X509 *certificate = X509_new();

    assert_non_null(certificate);
    for (size_t i = 0; common_names[i] != NULL; i++)
        assert_int_equal(X509_NAME_add_entry_by_NID(
                             X509_get_subject_name(certificate), NID_commonName, V_ASN1_UTF8STRING,
                             (const unsigned char *)common_names[i], -1, -1, 0),
                         1);
    return certificate;
}

struct alternative {
    int type;
    const char *bytes;
    int len;
};

static void add_alternatives(X509 *certificate, const struct alternative *alternatives,
                             size_t count)
{
    GENERAL_NAMES *names = GENERAL_NAMES_new();

    for (size_t i = 0; i < count; i++) {
        GENERAL_NAME *name = GENERAL_NAME_new();
        ASN1_STRING *text =
            alternatives[i].type == GEN_DNS ? ASN1_IA5STRING_new() : ASN1_OCTET_STRING_new();

        ASN1_STRING_set(text, alternatives[i].bytes, alternatives[i].len);
        GENERAL_NAME_set0_value(name, alternatives[i].type, text);
        sk_GENERAL_NAME_push(names, name);
    }
    assert_int_equal(X509_add1_ext_i2d(certificate, NID_subject_alt_name, names, 0, 0), 1);
    GENERAL_NAMES_free(names);
}

static bool fits(const char *const *common_names, const struct alternative *alternatives,
                 size_t count, const char *host, struct error *err)
{
    X509 *certificate = make_certificate(common_names);
    bool ok;

    if (count > 0)
        add_alternatives(certificate, alternatives, count);
    ok = tls_check_name(certificate, host, err);
    X509_free(certificate);
    return ok;
}

#define DNS(text)                                                                                  \
    {                                                                                              \
        GEN_DNS, text, sizeof(text) - 1                                                            \
    }
#define IP(text)                                                                                   \
    {                                                                                              \
        GEN_IPADD, text, sizeof(text) - 1                                                          \
    }
#define LOCALHOST_4 "\177\0\0\1"
#define LOCALHOST_6 "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1"

static const char *const nobody[] = {NULL};

static void a_wildcard_stands_for_one_whole_label(void **state)
{
    (void)state;
    assert_true(tls_name_matches("db.example.org", "DB.Example.Org"));
    assert_true(tls_name_matches("*.example.org", "db.example.org"));
    assert_true(tls_name_matches("*.Example.org", "db.eXample.org"));
    assert_true(tls_name_matches("*.org", "example.org"));
    assert_false(tls_name_matches("*.example.org", "a.db.example.org"));
    assert_false(tls_name_matches("*.example.org", "example.org"));
    assert_false(tls_name_matches("*.example.org", ".example.org"));
    assert_false(tls_name_matches("d*.example.org", "db.example.org"));
    assert_false(tls_name_matches("*db.example.org", "mydb.example.org"));
    assert_false(tls_name_matches("db.*.org", "db.example.org"));
    assert_false(tls_name_matches("*", "localhost"));
    assert_false(tls_name_matches("*.", "localhost."));
    assert_false(tls_name_matches("", "localhost"));
    assert_false(tls_name_matches("db.example.org", "db.example.org."));
}

static void what_is_an_address_is_known(void **state)
{
    (void)state;
    assert_true(tls_name_is_address("127.0.0.1"));
    assert_true(tls_name_is_address("127.1"));
    assert_true(tls_name_is_address("::1"));
    assert_false(tls_name_is_address("localhost"));
    assert_false(tls_name_is_address("1.2.3.4.example.org"));
    assert_false(tls_name_is_address("[::1]"));
}

static void the_common_name_counts_only_without_alternatives_of_the_kind(void **state)
{
    static const char *const localhost[] = {"localhost", NULL};
    static const char *const address[] = {"127.0.0.1", NULL};
    static const char *const two[] = {"first", "localhost", NULL};
    const struct alternative other_name[] = {DNS("other")};
    const struct alternative other_address[] = {IP("\12\0\0\1")};
    struct error err;

    (void)state;
    assert_true(fits(localhost, NULL, 0, "localhost", &err));
    assert_false(fits(localhost, other_name, 1, "localhost", &err));
    assert_true(fits(localhost, other_address, 1, "localhost", &err));
    assert_true(fits(address, NULL, 0, "127.0.0.1", &err));
    assert_true(fits(address, other_name, 1, "127.0.0.1", &err));
    assert_false(fits(address, other_address, 1, "127.0.0.1", &err));
    assert_false(fits(two, NULL, 0, "localhost", &err)); /* the first is the one */
    assert_false(fits(nobody, NULL, 0, "localhost", &err));
    assert_non_null(strstr(err.message, "names no host"));
}

static void addresses_are_compared_as_bytes(void **state)
{
    const struct alternative both[] = {IP(LOCALHOST_4), IP(LOCALHOST_6)};
    const struct alternative as_name[] = {DNS("127.0.0.1")};
    struct error err;

    (void)state;
    assert_true(fits(nobody, both, 2, "127.0.0.1", &err));
    assert_true(fits(nobody, both, 2, "::1", &err));
    assert_true(fits(nobody, both, 2, "0:0::0:1", &err));
    assert_false(fits(nobody, both, 2, "127.0.0.2", &err));
    assert_false(fits(nobody, both, 2, "::2", &err));
    assert_false(fits(nobody, both, 2, "localhost", &err));
    assert_true(fits(nobody, as_name, 1, "127.0.0.1", &err));
}

static void a_name_with_a_nul_inside_is_refused(void **state)
{
    const struct alternative hidden[] = {DNS("localhost\0.evil.example"), DNS("localhost")};
    const struct alternative behind[] = {DNS("localhost"), DNS("x\0y")};
    struct error err;

    (void)state;
    assert_false(fits(nobody, hidden, 2, "localhost", &err));
    assert_int_equal(err.code, ERROR_TLS);
    assert_non_null(strstr(err.message, "NUL"));
    assert_true(fits(nobody, behind, 2, "localhost", &err)); /* found before that */
}

static void an_address_of_another_length_is_refused(void **state)
{
    const struct alternative odd[] = {IP("\177\0\0\1\377\0\0\0")};
    struct error err;

    (void)state;
    assert_false(fits(nobody, odd, 1, "127.0.0.1", &err));
    assert_non_null(strstr(err.message, "8 bytes"));
}

static void the_error_says_whose_the_certificate_is(void **state)
{
    const struct alternative names[] = {DNS("other\x1b[31m.example"), DNS("third")};
    struct error err;

    (void)state;
    assert_false(fits(nobody, names, 2, "db.example", &err));
    assert_non_null(strstr(err.message, "other?[31m.example"));
    assert_non_null(strstr(err.message, "db.example"));
    assert_string_not_equal(err.hint, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wildcard_stands_for_one_whole_label),
        cmocka_unit_test(what_is_an_address_is_known),
        cmocka_unit_test(the_common_name_counts_only_without_alternatives_of_the_kind),
        cmocka_unit_test(addresses_are_compared_as_bytes),
        cmocka_unit_test(a_name_with_a_nul_inside_is_refused),
        cmocka_unit_test(an_address_of_another_length_is_refused),
        cmocka_unit_test(the_error_says_whose_the_certificate_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
