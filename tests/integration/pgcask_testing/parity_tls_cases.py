"""Cases about encryption and certificates. See parity.Case for what a row means.

Nothing here says what has to come out: psql says it.
"""

from .parity import WRONG, Case

SSLMODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")

SHOW = "port={show_port} dbname=postgres user=trusted hostaddr=127.0.0.1 sslrootcert={root} "

# ---- How to encrypt -----------------------------------------------------------------------------

SSLMODE = [
    *(Case(f"sslmode {mode}, user {user}", f"{{main}} user={user} password={{pw}} sslmode={mode}",
           ping=mode in ("prefer", "verify-full") and user == "either")
      for mode in SSLMODES
      for user in ("scrammed", "tls_only", "clear_only", "either", "tls_shut", "clear_shut",
                   "rejected")),
    *(Case(f"sslmode {mode}, server without TLS",
           f"{{plain}} user=scrammed password={{pw}} sslmode={mode}", ping=mode == "require")
      for mode in SSLMODES),
    *(Case(f"sslmode {mode}, socket", f"host={{main_socket}} port={{main_port}} user=scrammed "
           f"password={{pw}} dbname=postgres sslmode={mode}") for mode in SSLMODES),
    *(Case(f"sslmode {mode}, PostgreSQL 15",
           f"{{old}} user=scrammed password={{pw}} sslmode={mode}")
      for mode in SSLMODES[:4]),
    *(Case(f"sslmode {mode}, wrong password, user {user}",
           f"{{main}} user={user} password={WRONG} sslmode={mode}")
      for mode in SSLMODES[:4] for user in ("scrammed", "tls_only", "either")),
    Case("sslmode is no word", "{main} user=trusted sslmode=maybe", ping=True),
    Case("sslmode is empty", "{main} user=trusted sslmode="),
    Case("sslmode in capitals", "{main} user=trusted sslmode=Require"),
    Case("sslmode is no word, over a socket",
         "host={main_socket} port={main_port} dbname=postgres user=trusted sslmode=maybe"),
    Case("PGSSLMODE", "{main} user=trusted", {"PGSSLMODE": "require"}),
    Case("PGSSLMODE disable", "{main} user=tls_only password={pw}", {"PGSSLMODE": "disable"}),
    Case("PGSSLMODE is no word", "{main} user=trusted", {"PGSSLMODE": "yes"}),
    Case("the string's sslmode wins", "{main} user=trusted sslmode=disable",
         {"PGSSLMODE": "require"}),
    Case("PGREQUIRESSL", "{plain} user=trusted", {"PGREQUIRESSL": "1"}),
    Case("PGREQUIRESSL 0", "{plain} user=trusted", {"PGREQUIRESSL": "0"}),
    Case("sslcompression", "{main} user=trusted sslcompression=1"),
    Case("requiressl 1", "{main} user=trusted requiressl=1"),
    Case("requiressl 1, server without TLS", "{plain} user=trusted requiressl=1"),
    Case("requiressl 0, server without TLS", "{plain} user=trusted requiressl=0 "),
    Case("requiressl in a URI", "postgres://trusted@{plain_at}/postgres?requiressl=1"),
    Case("gssencmode disable", "{main} user=trusted gssencmode=disable"),
    Case("gssencmode is no word", "{main} user=trusted gssencmode=perhaps"),
    Case("gssencmode prefer", "{main} user=trusted gssencmode=prefer"),
    Case("gssencmode require", "{main} user=trusted gssencmode=require"),
    Case("PGGSSENCMODE", "{main} user=trusted", {"PGGSSENCMODE": "disable"}),
]

NEGOTIATION = [
    *(Case(f"direct TLS, sslmode {mode}",
           f"{{main}} user=scrammed password={{pw}} sslnegotiation=direct sslmode={mode} "
           "sslrootcert={root}") for mode in SSLMODES),
    Case("direct TLS, 17", "{show} user=trusted sslnegotiation=direct sslmode=require"),
    Case("direct TLS, 15 does not know it",
         "{old} user=trusted sslnegotiation=direct sslmode=require"),
    Case("direct TLS, server without TLS",
         "{plain} user=trusted sslnegotiation=direct sslmode=require"),
    Case("direct TLS over a socket", "host={main_socket} port={main_port} dbname=postgres "
         "user=trusted sslnegotiation=direct sslmode=require"),
    Case("direct TLS, wrong password",
         f"{{main}} user=scrammed password={WRONG} sslnegotiation=direct sslmode=require"),
    Case("sslnegotiation postgres", "{main} user=trusted sslnegotiation=postgres sslmode=require"),
    Case("sslnegotiation is no word", "{main} user=trusted sslnegotiation=quick"),
    Case("PGSSLNEGOTIATION", "{main} user=trusted sslmode=require", {"PGSSLNEGOTIATION": "direct"}),
    Case("PGSSLNEGOTIATION without sslmode", "{main} user=trusted", {"PGSSLNEGOTIATION": "direct"}),
    *(Case(f"ssl_{end}_protocol_version {version}",
           f"{{main}} user=trusted sslmode=require ssl_{end}_protocol_version={version}")
      for end in ("min", "max") for version in ("TLSv1.2", "TLSv1.3", "tlsv1.2", "SSLv3", "1.2")),
    *(Case(f"ssl_min_protocol_version above the server's, sslmode {mode}",
           f"{{old}} user=trusted sslmode={mode} ssl_min_protocol_version=TLSv1.3")
      for mode in SSLMODES[:4]),
    Case("TLS versions without a common one", "{main} user=trusted sslmode=require "
         "ssl_min_protocol_version=TLSv1 ssl_max_protocol_version=TLSv1"),
    Case("TLS versions the wrong way round", "{main} user=trusted sslmode=require "
         "ssl_min_protocol_version=TLSv1.3 ssl_max_protocol_version=TLSv1.2"),
    Case("TLS versions are empty", "{main} user=trusted sslmode=require "
         "ssl_min_protocol_version='' ssl_max_protocol_version=''"),
    Case("PGSSLMINPROTOCOLVERSION", "{main} user=trusted sslmode=require",
         {"PGSSLMINPROTOCOLVERSION": "TLSv1.3"}),
    Case("PGSSLMAXPROTOCOLVERSION", "{main} user=trusted sslmode=require",
         {"PGSSLMAXPROTOCOLVERSION": "TLSv1.2"}),
    Case("PGSSLMAXPROTOCOLVERSION is no version", "{main} user=trusted sslmode=disable",
         {"PGSSLMAXPROTOCOLVERSION": "new"}),
    *(Case(f"max_protocol_version {version}, PostgreSQL {name}",
           f"{{{server}}} user=scrammed password={{pw}} max_protocol_version={version}")
      for version in ("3.0", "3.2", "latest") for server, name in (("main", 18), ("old", 15))),
    Case("max_protocol_version 3.1", "{main} user=trusted max_protocol_version=3.1"),
    Case("max_protocol_version 4", "{main} user=trusted max_protocol_version=4"),
    Case("min_protocol_version 3.2", "{main} user=trusted min_protocol_version=3.2"),
    Case("min_protocol_version 3.2, maximum latest",
         "{main} user=trusted min_protocol_version=3.2 max_protocol_version=latest"),
    Case("min_protocol_version 3.2, PostgreSQL 15",
         "{old} user=trusted min_protocol_version=3.2 max_protocol_version=latest"),
    Case("min_protocol_version above the maximum",
         "{main} user=trusted min_protocol_version=3.2 max_protocol_version=3.0"),
    Case("PGMINPROTOCOLVERSION", "{old} user=trusted max_protocol_version=3.2",
         {"PGMINPROTOCOLVERSION": "3.2"}),
    Case("PGMAXPROTOCOLVERSION", "{main} user=trusted", {"PGMAXPROTOCOLVERSION": "3.2"}),
    Case("PGMAXPROTOCOLVERSION is no version", "{main} user=trusted",
         {"PGMAXPROTOCOLVERSION": "three"}),
]

# ---- Certificates -------------------------------------------------------------------------------

NAMES = ("db.example.org", "a.db.example.org", "DB.Example.ORG", "example.org",
         "other.example.org", "127.0.0.1", "localhost")

SERVER_CERTIFICATES = [
    *(Case(f"certificate {shown}, host {host}", SHOW + f"host={host} sslmode=verify-full",
           shown=shown)
      for shown, hosts in (
          ("usual", ("localhost", "127.0.0.1", "db.example.org")),
          ("wild", NAMES[:5]),
          ("wild part", NAMES[:1]),
          ("wild top", ("localhost", "example.org")),
          ("common name", ("db.example.org", "a.db.example.org", "127.0.0.1")),
          ("common name wild", ("db.example.org", "a.db.example.org")),
          ("alternative", ("db.example.org", "other.example.org")),
          ("common address", ("127.0.0.1",)),
          ("address", ("127.0.0.1", "db.example.org")),
          ("address as name", ("127.0.0.1",)),
          ("address 6", ("::1", "0:0:0:0:0:0:0:1", "127.0.0.1")),
          ("other address", ("127.0.0.1", "127.0.0.2")),
          ("nameless", ("localhost",)),
      ) for host in hosts),
    *(Case(f"certificate {shown}, sslmode {mode}", SHOW + f"host=localhost sslmode={mode}",
           shown=shown, ping=mode == "verify-full")
      for shown in ("expired", "stranger", "bare", "chain")
      for mode in ("prefer", "require", "verify-full")),
    Case("certificate expired, no root", "{show} user=trusted sslmode=require", shown="expired"),
    Case("a subordinate authority as root",
         "{show} user=trusted sslmode=verify-ca sslrootcert={middle}", shown="bare"),
    *(Case(f"certificate {shown}, channel binding {how}",
           f"port={{show_port}} host=localhost dbname=postgres user=scrammed password={{pw}} "
           f"sslmode=verify-full sslrootcert={{root}} channel_binding={how}", shown=shown)
      for shown in ("usual", "sha512", "ecdsa", "pss", "ed25519")
      for how in ("disable", "prefer", "require")),
    *(Case(f"revocation list, certificate {shown}, sslmode {mode}",
           SHOW + f"host=localhost sslcrl={{crl}} sslmode={mode}", shown=shown)
      for shown in ("usual", "revoked") for mode in ("prefer", "require", "verify-full")),
    Case("revocation list without it", SHOW + "host=localhost sslmode=verify-ca sslcrl={empty_crl}",
         shown="revoked"),
    Case("PGSSLCRL", SHOW + "host=localhost sslmode=verify-ca", {"PGSSLCRL": "{crl}"},
         shown="revoked"),
    Case("folder of revocation lists",
         SHOW + "host=localhost sslmode=verify-ca sslcrldir={crl_folder}", shown="revoked"),
    Case("PGSSLCRLDIR", SHOW + "host=localhost sslmode=verify-ca", {"PGSSLCRLDIR": "{crl_folder}"},
         shown="revoked"),
    Case("revocation list at home", SHOW + "host=localhost sslmode=verify-ca",
         files={".postgresql/root.crl": "{crl_pem}"}, shown="revoked"),
    Case("revocation list, no check", "{show} user=trusted sslmode=require sslcrl={crl}",
         shown="revoked"),
    Case("revocation list does not exist", SHOW + "host=localhost sslmode=verify-ca sslcrl=/no/crl",
         shown="revoked"),
    Case("folder of revocation lists does not exist",
         SHOW + "host=localhost sslmode=verify-ca sslcrldir=/no/crls", shown="usual"),
]

ROOTS = [
    Case("root certificate at home", "{main} user=trusted sslmode=verify-full",
         files={".postgresql/root.crt": "{root_pem}"}),
    Case("root certificate at home is a stranger's", "{main} user=trusted sslmode=verify-full",
         files={".postgresql/root.crt": "{stranger_pem}"}),
    *(Case(f"a stranger's root certificate at home counts, sslmode {mode}",
           f"{{main}} user=trusted sslmode={mode}",
           files={".postgresql/root.crt": "{stranger_pem}"}) for mode in SSLMODES[:4]),
    *(Case(f"no root certificate, sslmode {mode}", f"{{main}} user=trusted sslmode={mode}")
      for mode in ("verify-ca", "verify-full")),
    *(Case(f"root certificate does not exist, sslmode {mode}",
           f"{{main}} user=trusted sslmode={mode} sslrootcert=/no/root.crt")
      for mode in ("prefer", "require", "verify-ca")),
    *(Case(f"root certificate is none, sslmode {mode}",
           f"{{main}} user=trusted sslmode={mode} sslrootcert={{home}}/root",
           files={"root": "this is no certificate\n"}) for mode in ("prefer", "require")),
    Case("several root certificates in a file",
         "{main} user=trusted sslmode=verify-full sslrootcert={home}/roots",
         files={"roots": "{stranger_pem}{root_pem}"}),
    Case("PGSSLROOTCERT", "{main} user=trusted sslmode=verify-full", {"PGSSLROOTCERT": "{root}"}),
    Case("the string's root certificate wins",
         "{main} user=trusted sslmode=verify-full sslrootcert={root}",
         {"PGSSLROOTCERT": "{stranger}"}),
    Case("no home, no root certificate", "{main} user=trusted sslmode=require", {"HOME": None}),
    Case("the system's roots", "{main} user=trusted sslrootcert=system"),
    *(Case(f"the system's roots, sslmode {mode}",
           f"{{main}} user=trusted sslrootcert=system sslmode={mode}") for mode in SSLMODES),
    Case("the system's roots know ours", "{main} user=trusted sslrootcert=system",
         {"SSL_CERT_FILE": "{root}"}),
    Case("the system's roots know ours, name mismatch",
         "{main} user=trusted sslrootcert=system host=db.example.org hostaddr=127.0.0.1",
         {"SSL_CERT_FILE": "{root}"}),
    Case("PGSSLROOTCERT system", "{main} user=trusted",
         {"PGSSLROOTCERT": "system", "SSL_CERT_FILE": "{root}"}),
    Case("verify-full needs a name", "hostaddr=127.0.0.1 port={main_port} dbname=postgres "
         "user=trusted sslmode=verify-full sslrootcert={root}"),
    Case("verify-ca needs no name", "hostaddr=127.0.0.1 port={main_port} dbname=postgres "
         "user=trusted sslmode=verify-ca sslrootcert={root}"),
    Case("sslsni 0", "{main} user=trusted host=localhost sslmode=verify-full sslrootcert={root} "
         "sslsni=0"),
    Case("PGSSLSNI 0", "{main} user=trusted host=localhost sslmode=require", {"PGSSLSNI": "0"}),
]

CERTIFIED = "{main} user=certified sslmode=require "

CLIENT_CERTIFICATES = [
    Case("client certificate", CERTIFIED + "sslcert={client_crt} sslkey={client_key}", ping=True),
    Case("client certificate of another", CERTIFIED + "sslcert={other_crt} sslkey={other_key}"),
    Case("client certificate by a stranger",
         CERTIFIED + "sslcert={impostor_crt} sslkey={impostor_key}"),
    Case("client certificate by a stranger, sslmode prefer", "{main} user=trusted "
         "sslcert={impostor_crt} sslkey={impostor_key}"),
    Case("client certificate expired", CERTIFIED + "sslcert={expired_crt} sslkey={expired_key}"),
    Case("client certificate without its issuer",
         CERTIFIED + "sslcert={bare_crt} sslkey={bare_key}"),
    Case("client certificate with its issuer",
         CERTIFIED + "sslcert={whole_crt} sslkey={whole_key}"),
    Case("no client certificate", CERTIFIED),
    Case("no client certificate, sslmode disable", "{main} user=certified sslmode=disable"),
    Case("client certificate at home", CERTIFIED, files={
        ".postgresql/postgresql.crt": "{client_pem}",
        ".postgresql/postgresql.key": "{client_key_pem}"}),
    Case("client certificate at home, key open to all", CERTIFIED, files={
        ".postgresql/postgresql.crt": "{client_pem}",
        ".postgresql/postgresql.key": ("{client_key_pem}", 0o644)}),
    Case("client certificate at home without key", CERTIFIED, files={
        ".postgresql/postgresql.crt": "{client_pem}"}),
    Case("key at home without certificate", "{main} user=trusted sslmode=require", files={
        ".postgresql/postgresql.key": "{client_key_pem}"}),
    Case("certificate named, key at home", CERTIFIED + "sslcert={client_crt}", files={
        ".postgresql/postgresql.key": "{client_key_pem}"}),
    Case("PGSSLCERT and PGSSLKEY", CERTIFIED,
         {"PGSSLCERT": "{client_crt}", "PGSSLKEY": "{client_key}"}),
    Case("client certificate does not exist", CERTIFIED + "sslcert=/no/crt sslkey={client_key}"),
    Case("client certificate does not exist and is not needed",
         "{main} user=trusted sslmode=require sslcert=/no/crt sslkey={client_key}"),
    Case("client certificate is none", CERTIFIED + "sslcert={home}/crt sslkey={client_key}",
         files={"crt": "nonsense\n"}),
    Case("key does not exist", CERTIFIED + "sslcert={client_crt} sslkey=/no/key"),
    Case("key is none", CERTIFIED + "sslcert={client_crt} sslkey={home}/key",
         files={"key": "nonsense\n"}),
    Case("key of another certificate", CERTIFIED + "sslcert={client_crt} sslkey={other_key}"),
    Case("key is a folder", CERTIFIED + "sslcert={client_crt} sslkey={home}"),
    *(Case(f"key with mode {mode}", CERTIFIED + f"sslcert={{client_crt}} sslkey={{key_{mode}}}")
      for mode in ("400", "640", "644", "660")),
    Case("key in binary form", CERTIFIED + "sslcert={client_crt} sslkey={der_key}"),
    Case("encrypted key", CERTIFIED + "sslcert={client_crt} sslkey={locked_key} "
         "sslpassword=s3cret-of-the-key"),
    Case("encrypted key, wrong password", CERTIFIED + "sslcert={client_crt} sslkey={locked_key} "
         f"sslpassword={WRONG}"),
    Case("encrypted key, no password", CERTIFIED + "sslcert={client_crt} sslkey={locked_key}"),
    Case("encrypted key, empty password",
         CERTIFIED + "sslcert={client_crt} sslkey={locked_key} sslpassword="),
    Case("password for a key that needs none",
         CERTIFIED + f"sslcert={{client_crt}} sslkey={{client_key}} sslpassword={WRONG}"),
    Case("encrypted key, sslmode prefer falls back", "{main} user=trusted sslcert={client_crt} "
         "sslkey={locked_key}"),
    *(Case(f"sslcertmode {mode}, user {user}", f"{{main}} user={user} sslmode=require "
           f"sslcert={{client_crt}} sslkey={{client_key}} sslcertmode={mode}")
      for mode in ("disable", "allow", "require") for user in ("certified", "trusted")),
    Case("sslcertmode require without certificate",
         "{main} user=trusted sslmode=require sslcertmode=require"),
    Case("sslcertmode require without TLS",
         "{main} user=trusted sslmode=disable sslcertmode=require"),
    Case("sslcertmode is no word", "{main} user=trusted sslcertmode=always"),
    Case("PGSSLCERTMODE", "{main} user=certified sslmode=require sslcert={client_crt} "
         "sslkey={client_key}", {"PGSSLCERTMODE": "disable"}),
    Case("clientcert=verify-full", "{main} user=verified sslmode=require sslcert={verified_crt} "
         "sslkey={verified_key}"),
    Case("clientcert=verify-full, another name", "{main} user=verified sslmode=require "
         "sslcert={client_crt} sslkey={client_key}"),
    Case("clientcert=verify-full, none", "{main} user=verified sslmode=require"),
    Case("clientcert=verify-ca and a password", "{main} user=vouched password={pw} sslmode=require "
         "sslcert={client_crt} sslkey={client_key}"),
    Case("clientcert=verify-ca, none", "{main} user=vouched password={pw} sslmode=require"),
]

CASES = SSLMODE + NEGOTIATION + SERVER_CERTIFICATES + ROOTS + CLIENT_CERTIFICATES
