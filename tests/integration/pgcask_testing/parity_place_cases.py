"""Cases about where to: strings, variables, services, several hosts, sockets.

See parity.Case for what a row means. Nothing here says what has to come out: psql says it.
"""

from .parity import WRONG, Case

TRUSTED = "{main} user=trusted"

# ---- Services -----------------------------------------------------------------------------------

SERVICE = """\
# a comment
[other]
host=127.0.0.1
port={dead_port}

[mine]
host=127.0.0.1
port={main_port}
dbname=postgres
user=scrammed
password={pw}
application_name=of the service

[last]
port=1
"""


def service(name, text=SERVICE, info="service=mine", env=None, at=".pg_service.conf", **more):
    return Case(f"service: {name}", info, env or {}, {at: text}, **more)


def one_service(lines):
    return ("[mine]\nhost=127.0.0.1\nport={main_port}\ndbname=postgres\nuser=trusted\n" + lines)


SERVICES = [
    service("of the string", ping=True),
    service("PGSERVICE", info="", env={"PGSERVICE": "mine"}),
    service("of a URI", info="postgres://?service=mine", ping=True),
    service("of a URI with a part of its own", info="postgres:///trusted?service=mine"),
    service("unknown", info="service=yours", ping=True),
    service("unknown, PGSERVICE", info=TRUSTED, env={"PGSERVICE": "yours"}),
    service("no file", at="elsewhere"),
    service("name in capitals", info="service=MINE"),
    service("empty name", info=TRUSTED + " service="),
    service("string wins over PGSERVICE", info="service=mine", env={"PGSERVICE": "other"}),
    service("string wins over its values", info="service=mine user=trusted"),
    service("string behind it", info="user=trusted service=mine application_name=ours"),
    service("its values win over variables", info="service=mine",
            env={"PGUSER": "trusted", "PGPORT": "1", "PGAPPNAME": "of the environment"}),
    service("variables where it says nothing", one_service(""), env={"PGAPPNAME": "environment"}),
    service("its password wins over PGPASSWORD", env={"PGPASSWORD": WRONG}),
    service("PGSERVICEFILE", env={"PGSERVICEFILE": "{home}/s"}, at="s"),
    service("PGSERVICEFILE does not exist", env={"PGSERVICEFILE": "{home}/none"}),
    service("PGSERVICEFILE lacks it, PGSYSCONFDIR has it",
            env={"PGSERVICEFILE": "{home}/none", "PGSYSCONFDIR": "{home}"}, at="pg_service.conf"),
    service("servicefile in the string", info="service=mine servicefile={home}/s", at="s",
            ours=("accepted", "libpq has it from PostgreSQL 19 on")),
    service("servicefile in the string does not exist",
            info="service=mine servicefile={home}/none",
            ours=("no service file", "libpq has it from PostgreSQL 19 on")),
    service("servicefile without service", info=TRUSTED + " servicefile={home}/none",
            ours=("accepted", "libpq has it from PostgreSQL 19 on")),
    service("PGSYSCONFDIR", env={"PGSYSCONFDIR": "{home}"}, at="pg_service.conf"),
    service("PGSYSCONFDIR without file", env={"PGSYSCONFDIR": "{home}/none"}, at="other"),
    Case("service: home wins over PGSYSCONFDIR", "service=mine", {"PGSYSCONFDIR": "{home}/etc"}, {
        ".pg_service.conf": one_service("application_name=home\n"),
        "etc/pg_service.conf": one_service("application_name=system\n")}),
    Case("service: PGSYSCONFDIR where home lacks it", "service=mine",
         {"PGSYSCONFDIR": "{home}/etc"}, {
             ".pg_service.conf": "[other]\nport=1\n",
             "etc/pg_service.conf": one_service("application_name=system\n")}),
    Case("service: PGSERVICEFILE instead of home", "service=mine", {"PGSERVICEFILE": "{home}/s"}, {
        ".pg_service.conf": one_service("application_name=home\n"), "s": "[other]\nport=1\n"}),
    service("no home", env={"HOME": None}),
    service("file open to all", at=".pg_service.conf"),
    service("line without equals sign", one_service("sslmode\n")),
    service("unknown setting", one_service("colour=blue\n")),
    service("unknown setting in another section", "[other]\ncolour=blue\n" + one_service("")),
    service("nested", one_service("service=other\n[other]\nport=1\n")),
    service("servicefile inside", one_service("servicefile=/no/file\n"),
            ours=("nested service", "libpq has it from PostgreSQL 19 on")),
    service("blanks around the equals sign", one_service("application_name = blanks\n")),
    service("blank before a key", one_service("  application_name=blank\n")),
    service("blank behind a value", one_service("application_name=behind  \n")),
    service("quotes are letters", one_service("application_name='quoted'\n")),
    service("an empty value", one_service("client_encoding=\n")),
    service("a value with an equals sign", one_service("options=-c statement_timeout=7s\n")),
    service("a key twice", one_service("application_name=first\napplication_name=second\n")),
    service("a section twice", one_service("") + "[mine]\napplication_name=second\n"),
    service("comment behind blanks", one_service("   # a comment\n\n")),
    service("a comment behind a value", one_service("application_name=x # y\n")),
    service("blanks around the section", " [mine] \n" + one_service("").split("\n", 1)[1]),
    service("Windows lines", one_service("").replace("\n", "\r\n")),
    service("no newline at the end", one_service("application_name=end")),
    service("a long line", one_service("application_name=" + "x" * 1100 + "\n"),
            ours=("accepted", "a line may be as long as its password is")),
    service("values before any section", "port=1\n" + one_service("")),
    service("a bad value", one_service("sslmode=maybe\n")),
    service("a section cut off", "[mine\n" + one_service("")),
    service("an empty section name", "[]\nport=1\n" + one_service("")),
    service("a bad port", one_service("").replace("{main_port}", "port")),
    service("dbname that looks like a string",
            one_service("").replace("=postgres\n", "=user=absent\n")),
    service("several hosts", "[mine]\nhost=127.0.0.1,localhost\nport={dead_port},{main_port}\n"
            "user=trusted\ndbname=postgres\n"),
    service("host of the service, port of the string", info="service=other port={main_port} "
            "user=trusted dbname=postgres"),
    service("LDAP", one_service("").replace("[mine]\n", "[mine]\nldap://127.0.0.1:1/x\n")),
]

# ---- Several hosts ------------------------------------------------------------------------------

TWO = "dbname=postgres user=trusted host=127.0.0.1,127.0.0.1 "
_NEVER = "what could never work is said before anything is tried"
ATTRS = ("any", "read-write", "read-only", "primary", "standby", "prefer-standby")

HOSTS = [
    Case("hosts: the first is down", TWO + "port={dead_port},{main_port}", ping=True),
    Case("hosts: all are down", TWO + "port={dead_port},{dead_port}", ping=True),
    Case("hosts: the first answers", TWO + "port={old_port},{main_port}"),
    Case("hosts: one port for all", TWO + "port={main_port}"),
    Case("hosts: an empty port", TWO + "port={dead_port},"),
    Case("hosts: too many ports", TWO + "port=1,2,3", ping=True),
    Case("hosts: too few ports", TWO.replace("host=", "host=x,") + "port=1,2"),
    Case("hosts: a bad port behind", TWO + "port={main_port},x", ours=("bad port", _NEVER)),
    Case("hosts: a bad port before", TWO + "port=0,{main_port}", ours=("bad port", _NEVER)),
    Case("hosts: an unknown name first", "dbname=postgres user=trusted "
         "host=nowhere.invalid,127.0.0.1 port={main_port}"),
    Case("hosts: wrong password at the first",
         "host=127.0.0.1,127.0.0.1 port={main_port},{plain_port} dbname=postgres user=scrammed "
         f"password={WRONG}"),
    Case("hosts: no such database at the first", TWO.replace("=postgres", "=nowhere") +
         "port={main_port},{old_port}"),
    Case("hosts: pg_hba.conf of the first", TWO.replace("trusted", "gssed") +
         "port={old_port},{main_port}"),
    Case("hosts: role at its limit at the first", TWO.replace("trusted", "limited") +
         "port={main_port},{old_port}"),
    Case("hosts: no TLS at the first", TWO + "port={plain_port},{main_port} sslmode=require"),
    Case("hosts: certificate of the first", "dbname=postgres user=trusted sslmode=verify-full "
         "sslrootcert={root} host=localhost,localhost port={show_port},{main_port}",
         shown="stranger"),
    Case("hosts: the first hangs up", TWO + "port={rude_port},{main_port}"),
    Case("hosts: the first is no PostgreSQL", TWO + "port={web_port},{main_port}"),
    Case("hosts: the first is silent", TWO + "port={silent_port},{main_port} connect_timeout=2"),
    Case("hosts: the first takes no sessions", TWO + "port={cold_port},{main_port}"),
    Case("hosts: none takes sessions", TWO + "port={cold_port},{cold_port}"),
    Case("hosts: the first is no folder",
         "dbname=postgres user=trusted host=/no/folder,127.0.0.1 port={main_port}"),
    Case("hosts: a socket first",
         "dbname=postgres user=trusted host={main_socket},127.0.0.1 port={main_port}"),
    Case("hosts: an empty one means the default",
         "dbname=postgres user=trusted host=,127.0.0.1 port={main_port}"),
    Case("hosts: an empty one behind",
         "dbname=postgres user=trusted host=127.0.0.1, port={dead_port},{main_port}"),
    Case("hosts: in a URI",
         "postgres://trusted@127.0.0.1:{dead_port},127.0.0.1:{main_port}/postgres", ping=True),
    Case("hosts: in a URI, a port for one", "postgres://trusted@127.0.0.1:{main_port},x/postgres"),
    Case("hosts: in PGHOST", "user=trusted dbname=postgres",
         {"PGHOST": "127.0.0.1,127.0.0.1", "PGPORT": "{dead_port},{main_port}"}),
    Case("hosts: blanks in the list", "dbname=postgres user=trusted host='127.0.0.1, 127.0.0.1' "
         "port='{dead_port}, {main_port}'"),
    Case("hostaddr: a list", "dbname=postgres user=trusted hostaddr=127.0.0.1,127.0.0.1 "
         "port={dead_port},{main_port}"),
    Case("hostaddr: beside hosts", TWO + "hostaddr=127.0.0.1,127.0.0.1 port={main_port}"),
    Case("hostaddr: beside fewer hosts", "dbname=postgres user=trusted host=a "
         "hostaddr=127.0.0.1,127.0.0.1 port={main_port}"),
    Case("hostaddr: empty for one host", "dbname=postgres user=trusted host=a,127.0.0.1 "
         "hostaddr=127.0.0.1, port={dead_port},{main_port}"),
    Case("hostaddr: the name need not exist",
         "dbname=postgres user=trusted host=nowhere.invalid hostaddr=127.0.0.1 port={main_port}"),
    Case("hostaddr: a name", "dbname=postgres user=trusted hostaddr=localhost port={main_port}"),
    Case("hostaddr: not an address", "dbname=postgres user=trusted hostaddr=127.0.0.x "
         "port={main_port}"),
    Case("hostaddr: empty", TRUSTED + " hostaddr=''"),
    Case("hostaddr: IPv6", "dbname=postgres user=trusted hostaddr=::1 port={main_port}"),
    Case("PGHOSTADDR", "dbname=postgres user=trusted host=nowhere.invalid port={main_port}",
         {"PGHOSTADDR": "127.0.0.1"}),
    *(Case(f"target_session_attrs {attrs}, {name}",
           TWO + f"port={ports} target_session_attrs={attrs}", ping=name == "both" and
           attrs == "standby")
      for attrs in ATTRS for name, ports in (
          ("both", "{main_port},{standby_port}"),
          ("standby first", "{standby_port},{main_port}"),
          ("primaries", "{main_port},{old_port}"),
          ("one standby", "{standby_port}"),
          ("PostgreSQL 13", "{plain_port},{standby_port}"))),
    *(Case(f"target_session_attrs {attrs}, read-only database",
           TWO.replace("=postgres", "=readonly") + "port={main_port},{standby_port} "
           f"target_session_attrs={attrs}") for attrs in ATTRS[1:]),
    *(Case(f"target_session_attrs {attrs}, read-only by options, PostgreSQL {major}",
           f"dbname=postgres user=trusted host=127.0.0.1 port={{{server}_port}} "
           "options='-c default_transaction_read_only=on' "
           f"target_session_attrs={attrs}")
      for attrs in ("read-write", "read-only", "primary")
      for server, major in (("main", 18), ("plain", 13))),
    Case("target_session_attrs prefer-standby, the standby is down",
         TWO + "port={dead_port},{main_port} target_session_attrs=prefer-standby"),
    Case("target_session_attrs prefer-standby, the primary is down",
         TWO + "port={dead_port},{standby_port} target_session_attrs=prefer-standby"),
    Case("target_session_attrs prefer-standby, all are down",
         TWO + "port={dead_port},{dead_port} target_session_attrs=prefer-standby"),
    Case("target_session_attrs standby, the first is down",
         TWO + "port={dead_port},{main_port} target_session_attrs=standby"),
    Case("target_session_attrs standby, wrong password",
         "dbname=postgres user=scrammed host=127.0.0.1,127.0.0.1 port={main_port},{standby_port} "
         f"target_session_attrs=standby password={WRONG}"),
    Case("target_session_attrs is no word", TWO + "port={main_port} target_session_attrs=master"),
    Case("PGTARGETSESSIONATTRS", TWO + "port={main_port},{standby_port}",
         {"PGTARGETSESSIONATTRS": "standby"}),
    Case("PGTARGETSESSIONATTRS is no word", TWO + "port={main_port}",
         {"PGTARGETSESSIONATTRS": "slave"}),
    Case("load_balance_hosts random",
         TWO + "port={dead_port},{main_port} load_balance_hosts=random"),
    Case("load_balance_hosts random, all are down",
         TWO + "port={dead_port},{dead_port} load_balance_hosts=random"),
    Case("load_balance_hosts random, one standby", TWO + "port={main_port},{standby_port} "
         "load_balance_hosts=random target_session_attrs=standby"),
    Case("load_balance_hosts disable",
         TWO + "port={main_port},{old_port} load_balance_hosts=disable"),
    Case("load_balance_hosts is no word", TWO + "port={main_port} load_balance_hosts=robin"),
    Case("PGLOADBALANCEHOSTS", TWO + "port={dead_port},{main_port}",
         {"PGLOADBALANCEHOSTS": "random"}),
    Case("PGLOADBALANCEHOSTS is no word", TWO + "port={main_port}", {"PGLOADBALANCEHOSTS": "1"}),
]

# ---- One host -----------------------------------------------------------------------------------

SOCKET = "host={main_socket} port={main_port} dbname=postgres user=trusted"

PLACES = [
    Case("socket: its folder", SOCKET),
    Case("socket: in a URI", "postgres://trusted@{main_socket_uri}:{main_port}/postgres",
         ping=True),
    Case("socket: a parameter of a URI",
         "postgres://trusted@/postgres?host={main_socket}&port={main_port}"),
    Case("socket: the default folder", "port={main_port} dbname=postgres user=trusted"),
    Case("socket: the default folder, host is empty",
         "host='' port={main_port} dbname=postgres user=trusted"),
    Case("socket: the default folder, nobody listens",
         "port={dead_port} dbname=postgres user=trusted"),
    Case("socket: nobody listens", "host={main_socket} port={dead_port} user=trusted", ping=True),
    Case("socket: no such folder", "host=/no/folder port={main_port} user=trusted"),
    Case("socket: a path that is too long", "host=/" + "x" * 120 + " user=trusted"),
    Case("socket: a slash at the end", SOCKET.replace("_socket}", "_socket}/")),
    Case("socket: PGHOST", "dbname=postgres user=trusted port={main_port}",
         {"PGHOST": "{main_socket}"}),
    Case("socket: abstract",
         "host=@pgct-{main_port} port={main_port} dbname=postgres user=trusted"),
    Case("socket: abstract in a URI",
         "postgres://trusted@%40pgct-{main_port}:{main_port}/postgres"),
    Case("socket: abstract, nobody listens",
         "host=@pgct-none port={main_port} dbname=postgres user=trusted"),
    *(Case(f"requirepeer {name}", SOCKET + f" requirepeer={value}") for name, value in (
        ("right", "{server_user}"), ("wrong", "daemon"), ("unknown", "nobody-of-that-name"),
        ("empty", ""))),
    Case("requirepeer over TCP", TRUSTED + " requirepeer=daemon"),
    Case("requirepeer wrong, then another host", "host={main_socket},127.0.0.1 port={main_port} "
         "dbname=postgres user=trusted requirepeer=daemon"),
    Case("PGREQUIREPEER", SOCKET, {"PGREQUIREPEER": "daemon"}),
    Case("host: IPv6", "host=::1 port={main_port} dbname=postgres user=trusted"),
    Case("host: IPv6 in a URI", "postgres://trusted@[::1]:{main_port}/postgres", ping=True),
    Case("host: IPv6 in a URI, nobody listens", "postgres://trusted@[::1]:{dead_port}/postgres"),
    Case("host: a name", "host=localhost port={main_port} dbname=postgres user=trusted"),
    Case("host: an unknown name", "host=nowhere.invalid port={main_port} dbname=postgres "
         "user=trusted", ping=True),
    Case("host: a name that is none", "host='a b' port={main_port} dbname=postgres user=trusted"),
    Case("host: decimal address", "host=2130706433 port={main_port} dbname=postgres user=trusted"),
    Case("host: short address", "host=127.1 port={main_port} dbname=postgres user=trusted"),
    Case("host: nobody listens", "host=127.0.0.1 port={dead_port} dbname=postgres user=trusted"),
    Case("host: hangs up", "host=127.0.0.1 port={rude_port} dbname=postgres user=trusted"),
    Case("host: hangs up, sslmode disable",
         "host=127.0.0.1 port={rude_port} dbname=postgres user=trusted sslmode=disable"),
    *(Case(f"host: no PostgreSQL, sslmode {mode}", "host=127.0.0.1 port={web_port} "
           f"dbname=postgres user=trusted sslmode={mode}") for mode in ("disable", "require")),
    *(Case(f"port {port or 'empty'}", f"host=127.0.0.1 port='{port}' dbname=postgres user=trusted")
      for port in ("0", "65536", "abc", "-1", "5432x", "99999999999", "+{dead_port}",
                   " {main_port} ", "0{main_port}", "0x50")),
    *(Case(f"connect_timeout {value!r}", TRUSTED + f" connect_timeout='{value}'")
      for value in ("10", "0", "-1", "", "abc", "5s", "1.5", "99999999999", " 7 ")),
    Case("connect_timeout passes", "host=127.0.0.1 port={silent_port} dbname=postgres user=trusted "
         "connect_timeout=1"),
    Case("PGCONNECT_TIMEOUT passes", "host=127.0.0.1 port={silent_port} dbname=postgres "
         "user=trusted sslmode=disable", {"PGCONNECT_TIMEOUT": "2"}),
    Case("PGCONNECT_TIMEOUT is no number", TRUSTED, {"PGCONNECT_TIMEOUT": "soon"}),
    *(Case(f"keepalives: {words}", TRUSTED + " " + words) for words in (
        "keepalives=0", "keepalives=yes", "keepalives_idle=x", "keepalives_idle=30 "
        "keepalives_interval=10 keepalives_count=3", "keepalives_count=-1", "tcp_user_timeout=5000",
        "tcp_user_timeout=x", "tcp_user_timeout=-1")),
]

# ---- Strings ------------------------------------------------------------------------------------

STRINGS = [
    *(Case(f"string: {name}", text) for name, text in (
        ("blanks around the equals sign", "{main} user = trusted"),
        ("tabs and newlines", "host=127.0.0.1\tport={main_port}\nuser=trusted\r\ndbname=postgres"),
        ("quotes", "{main} user='trusted'"),
        ("an escaped quote", "{main} user=trusted application_name='it\\'s'"),
        ("an escape without quotes", "{main} user=tru\\sted"),
        ("a backslash", "{main} user=trusted application_name='a\\\\b'"),
        ("a backslash at the end", "{main} user=trusted\\"),
        ("an open quote", "{main} user='trusted"),
        ("a quote inside a word", "{main} user=trusted application_name=it's"),
        ("a key twice", "{main} user=absent user=trusted"),
        ("an unknown key", "{main} user=trusted colour=blue"),
        ("a key in capitals", "{main} USER=trusted"),
        ("a word alone", "{main} trusted"),
        ("no key", "{main} user=trusted =x"),
        ("an empty value at the end", "{main} user=trusted client_encoding="),
        ("an empty value before another", "{main} user=trusted client_encoding='' options=''"),
        ("an empty user", "{main} user="),
        ("an empty dbname", "host=127.0.0.1 port={main_port} user=trusted dbname="),
        ("a value is what comes next", "host= port={main_port} user=trusted dbname=postgres"),
        ("an empty host", "host='' port={main_port} user=trusted dbname=postgres"),
        ("an empty port", "host=/no/folder port='' user=trusted dbname=postgres"),
        ("pairs without blank", "host='127.0.0.1'port='{main_port}'user='trusted'"
         "dbname='postgres'"),
        ("a dbname that is a URI", "{main} user=trusted dbname=postgres://absent@x/y"),
        ("a dbname with equals signs", "{main} user=trusted dbname='user=absent'"),
        ("a long user", "{main} user=" + "x" * 70),
        ("a long application name", "{main} user=trusted application_name=" + "y" * 100),
        ("an application name beyond ASCII",
         "{main} user=trusted application_name='Gr\u00fc\u00dfe'"),
        ("application_name and its fallback", "{main} user=trusted application_name=name "
         "fallback_application_name=fall"),
        ("client_encoding", "{main} user=trusted client_encoding=latin1"),
        ("client_encoding is none", "{main} user=trusted client_encoding=klingon"),
        ("options", "{main} user=trusted options='-c statement_timeout=7s -c geqo=off'"),
        ("options without a blank", "{main} user=trusted options=-cstatement_timeout=7s"),
        ("options with an escaped blank",
         "{main} user=trusted options='-c search_path=a,\\\\ public'"),
        ("options of an unknown parameter", "{main} user=trusted options='-c colour=blue'"),
        ("options of a bad value", "{main} user=trusted options='-c statement_timeout=long'"),
        ("options that a server needs", "{main} user=trusted options='-c shared_buffers=1GB'"),
        ("options that are none", "{main} user=trusted options=nonsense"),
        ("replication off", "{main} user=trusted replication=off"),
        ("scram_client_key of a bad length", "{main} user=trusted scram_client_key=AAAA"),
        ("krbsrvname", "{main} user=trusted krbsrvname=postgres"),
        ("gssdelegation", "{main} user=trusted gssdelegation=0"),
        ("authtype of old", "{main} user=trusted authtype=x"),
        ("tty of old", "{main} user=trusted tty=x"),
    )),
    *(Case(f"URI: {name}", text, ping=name in ("plain", "an unknown parameter"))
      for name, text in (
          ("plain", "postgres://trusted@{main_at}/postgres"),
          ("postgresql://", "postgresql://trusted@{main_at}/postgres"),
          ("scheme in capitals", "POSTGRES://trusted@{main_at}/postgres?a=b"),
          ("no database", "postgres://trusted@{main_at}"),
          ("a slash and no database", "postgres://trusted@{main_at}/"),
          ("no user", "postgres://{main_at}/postgres"),
          ("an empty user", "postgres://@{main_at}/postgres"),
          ("a password", "postgres://scrammed:{pw}@{main_at}/postgres"),
          ("a wrong password", f"postgres://scrammed:{WRONG}@{{main_at}}/postgres"),
          ("an empty password", "postgres://trusted:@{main_at}/postgres"),
          ("a password and no user", "postgres://:{pw}@{main_at}/postgres?user=scrammed"),
          ("user and password as parameters",
           "postgres://{main_at}/postgres?user=scrammed&password={pw}"),
          ("a parameter wins", "postgres://absent@{main_at}/postgres?user=trusted"),
          ("everything a parameter",
           "postgres:///?host=127.0.0.1&port={main_port}&user=trusted&dbname=postgres"),
          ("nothing but the scheme", "postgres://"),
          ("an empty port", "postgres://trusted@127.0.0.1:/postgres?port={main_port}"),
          ("a port alone", "postgres://trusted@:{main_port}/postgres"),
          ("a bad port", "postgres://trusted@127.0.0.1:port/postgres"),
          ("port 0", "postgres://trusted@127.0.0.1:0/postgres"),
          ("percent-encoding", "postgres://%74rusted@{main_at}/p%6Fstgres"),
          ("percent-encoding of the host", "postgres://trusted@127.0.0%2E1:{main_port}/postgres"),
          ("bad percent-encoding", "postgres://tru%sted@{main_at}/postgres"),
          ("percent-encoding cut off", "postgres://trusted@{main_at}/postgres%7"),
          ("%00", "postgres://trusted@{main_at}/postgres%00x"),
          ("bad percent-encoding in a password",
           "postgres://scrammed:s3cret%zz@{main_at}/postgres"),
          ("percent-encoding in a parameter's name",
           "postgres://trusted@{main_at}/postgres?application%5Fname=x"),
          ("percent-encoding in a parameter's value",
           "postgres://trusted@{main_at}/postgres?application_name=a%20b%26c"),
          ("a plus is a plus", "postgres://trusted@{main_at}/postgres?application_name=a+b"),
          ("an unknown parameter", "postgres://trusted@{main_at}/postgres?colour=blue"),
          ("a parameter without value", "postgres://trusted@{main_at}/postgres?sslmode"),
          ("a parameter with an empty value", "postgres://trusted@{main_at}/postgres?sslmode="),
          ("a parameter with two equals signs",
           "postgres://trusted@{main_at}/postgres?application_name=a=b"),
          ("a parameter without name", "postgres://trusted@{main_at}/postgres?=x"),
          ("an ampersand at the end",
           "postgres://trusted@{main_at}/postgres?application_name=x&"),
          ("two ampersands",
           "postgres://trusted@{main_at}/postgres?application_name=x&&user=absent"),
          ("an empty query", "postgres://trusted@{main_at}/postgres?"),
          ("a query without a slash", "postgres://trusted@{main_at}?dbname=postgres"),
          ("a parameter twice",
           "postgres://{main_at}/postgres?user=absent&user=trusted"),
          ("ssl=true", "postgres://trusted@{main_at}/postgres?ssl=true"),
          ("ssl=true, server without TLS", "postgres://trusted@{plain_at}/postgres?ssl=true"),
          ("ssl=false", "postgres://trusted@{main_at}/postgres?ssl=false"),
          ("options", "postgres://trusted@{main_at}/postgres?options=-c%20statement_timeout%3D7s"),
          ("a fragment", "postgres://trusted@{main_at}/postgres#x"),
          ("a slash in the database", "postgres://trusted@{main_at}/a/b"),
          ("an @ in the database", "postgres://trusted@{main_at}/a@b"),
          ("a colon in the user", "postgres://tru:sted@{main_at}/postgres"),
          ("an IPv6 literal cut off", "postgres://trusted@[::1/postgres"),
          ("an empty IPv6 literal", "postgres://trusted@[]:{main_port}/postgres"),
          ("something behind an IPv6 literal", "postgres://trusted@[::1]x:{main_port}/postgres"),
          ("brackets around a name", "postgres://trusted@[localhost]:{main_port}/postgres"),
          ("host as a parameter wins",
           "postgres://trusted@nowhere.invalid:{main_port}/postgres?host=127.0.0.1"),
      )),
]

STRINGS += [
    Case(f"URI: {name}", text, newer=True) for name, text in (
        ("blanks inside", "postgres://trusted@{main_at}/postgres?application_name=a b"),
        ("blanks behind", "postgres://trusted@{main_at}/postgres?application_name=a "),
        ("blanks before", "postgres://trusted@{main_at}/postgres?application_name= a"),
        ("blanks in the database", "postgres://trusted@{main_at}/post gres"),
        ("a blank host", "postgres://trusted@ 127.0.0.1:{main_port}/postgres"),
    )
]

ENVIRONMENT = [
    Case("variables: all of the place", "", {
        "PGHOST": "127.0.0.1", "PGPORT": "{main_port}", "PGUSER": "scrammed",
        "PGDATABASE": "postgres", "PGPASSWORD": "{pw}"}),
    Case("variables: PGDATABASE is no string",
         "", {"PGHOST": "127.0.0.1", "PGPORT": "{main_port}", "PGUSER": "trusted",
              "PGDATABASE": "user=absent"}),
    *(Case(f"{name} {value}", TRUSTED if name != "PGUSER" else "{main}", {name: value})
      for name, value in (
          ("PGUSER", "trusted"), ("PGUSER", ""), ("PGUSER", "absent"),
          ("PGAPPNAME", "of the environment"),
          ("PGOPTIONS", "-c statement_timeout=7s"), ("PGOPTIONS", "-c colour=blue"),
          ("PGDATABASE", "nowhere"), ("PGPORT", "1"), ("PGHOST", "/nowhere"),
          ("PGSSLNEGOTIATION", "fast"), ("PGCHANNELBINDING", "no"), ("PGREQUIREAUTH", "magic"),
          ("PGSSLCERTMODE", "always"), ("PGSSLMINPROTOCOLVERSION", "0"),
          ("PGGSSENCMODE", "maybe"), ("PGKRBSRVNAME", "x"), ("PGGSSLIB", "gssapi"),
          ("PGSSLCOMPRESSION", "1"), ("PGREQUIREPEER", "daemon"),
          ("PGSSLKEY", "/no/key"), ("PGSSLCERT", "/no/crt"), ("PGCONNECT_TIMEOUT", "10"),
          ("PGREALM", "old"), ("PGTTY", "old"), ("PGLOCALEDIR", "/no"))),
    Case("PGPORT", "host=127.0.0.1 dbname=postgres user=trusted", {"PGPORT": "{main_port}"}),
    Case("PGPORT is no number", "host=127.0.0.1 dbname=postgres user=trusted", {"PGPORT": "five"}),
    Case("PGPORT is empty", "host=127.0.0.1 dbname=postgres user=trusted port={main_port}",
         {"PGPORT": ""}),
    Case("PGHOST", "port={main_port} dbname=postgres user=trusted", {"PGHOST": "127.0.0.1"}),
    Case("PGHOST is empty", "port={main_port} dbname=postgres user=trusted", {"PGHOST": ""}),
    Case("PGHOSTADDR beside the string's host", TRUSTED, {"PGHOSTADDR": "127.0.0.2"}),
    Case("PGDATABASE", "host=127.0.0.1 port={main_port} user=trusted", {"PGDATABASE": "readonly"}),
    Case("PGDATABASE is empty", "host=127.0.0.1 port={main_port} user=trusted", {"PGDATABASE": ""}),
    Case("options in the string win over PGOPTIONS", TRUSTED + " options='-c geqo=off'",
         {"PGOPTIONS": "-c statement_timeout=7s"}),
    Case("no HOME", TRUSTED, {"HOME": None}),
    Case("no HOME, no user", "host=127.0.0.1 port={main_port} dbname=postgres", {"HOME": None}),
    Case("HOME does not exist", TRUSTED + " sslmode=require", {"HOME": "/no/home"}),
]

# Where we mean to differ, and why.
_NAME = "an empty name would hide the program from whoever looks at the server's sessions"
_VALUES = "how values look is for people at psql; a backup must not depend on it"
_SILENT = "a setting that would do nothing is refused by name"

OURS = [
    Case("an empty application_name", TRUSTED + " application_name=", ours=("accepted", _NAME)),
    Case("an empty PGAPPNAME", TRUSTED, {"PGAPPNAME": ""}, ours=("accepted", _NAME)),
    Case("client_encoding auto", TRUSTED + " client_encoding=auto",
         ours=("accepted", "nobody reads what we read: the locale does not matter")),
    Case("PGCLIENTENCODING", TRUSTED, {"PGCLIENTENCODING": "LATIN1"}, ours=("accepted", _VALUES)),
    Case("PGCLIENTENCODING of nobody", TRUSTED, {"PGCLIENTENCODING": "klingon"},
         ours=("accepted", _VALUES)),
    Case("PGDATESTYLE", TRUSTED, {"PGDATESTYLE": "German"}, ours=("accepted", _VALUES)),
    Case("PGTZ", TRUSTED, {"PGTZ": "America/New_York"}, ours=("accepted", _VALUES)),
    Case("PGTZ of nowhere", TRUSTED, {"PGTZ": "Nowhere"}, ours=("accepted", _VALUES)),
    Case("PGGEQO", TRUSTED, {"PGGEQO": "off"}, ours=("accepted", _VALUES)),
    Case("PGSSLSNI 2", TRUSTED, {"PGSSLSNI": "2"}, ours=("bad value of sslsni", _SILENT)),
    *(Case(f"keepalives: {name}=0", f"{TRUSTED} {name}=0",
           ours=("accepted", "the documentation has it: zero means the system's number"))
      for name in ("keepalives_idle", "keepalives_interval", "keepalives_count")),
    Case("sslkeylogfile", TRUSTED + " sslmode=disable sslkeylogfile=/no/file",
         ours=("not supported", _SILENT)),
    Case("oauth_issuer", TRUSTED + " oauth_issuer=https://x", ours=("not supported", _SILENT)),
    Case("URI: an @ in the password", "postgres://scrammed:s3cret@x@{main_at}/postgres",
         ours=("an @ too many", "psql looks for the host and shows half of the password")),
]

CASES = SERVICES + HOSTS + PLACES + STRINGS + ENVIRONMENT + OURS
