"""Cases about who we are: authentication methods, passwords, the passfile.

See parity.Case for what a row means. Nothing here says what has to come out: psql says it.
"""

import os
import pwd

from .parity import WRONG, Case

CERTIFIED = ("{main} user=certified sslmode=require "
             "sslcert={client_crt} sslkey={client_key} ")

# ---- Who we are ---------------------------------------------------------------------------------

AUTHENTICATION = [
    *(Case(f"user {user}, {what}", f"{{main}} user={user} sslmode={mode} {password}",
           ping=mode == "prefer" and what == "right password")
      for user in ("trusted", "clear", "hashed", "scrammed")
      for what, password in (("right password", "password={pw}"), ("no password", ""),
                             ("wrong password", f"password={WRONG}"),
                             ("empty password", "password="))
      for mode in ("prefer",)),
    *(Case(f"user {user}, right password in clear",
           f"{{main}} user={user} sslmode=disable password={{pw}}")
      for user in ("clear", "hashed", "scrammed")),
    *(Case(f"user {user}, PostgreSQL 13", f"{{plain}} user={user} password={{pw}}")
      for user in ("clear", "hashed", "scrammed")),
    *(Case(f"user {user}, socket", f"host={{main_socket}} port={{main_port}} dbname=postgres "
           f"user={user} password={{pw}}")
      for user in ("trusted", "scrammed", "peered", "rejected")),
    Case("no such role, trust", "{main} user=absent", ping=True),
    Case("no such role, password", "{main} user=ghost password={pw}"),
    Case("no line in pg_hba.conf", "{main} user=nobody", ping=True),
    Case("role without LOGIN", "{main} user=nologin"),
    Case("role without password", "{main} user=passwordless password={pw}"),
    Case("password expired", "{main} user=expired password={pw}"),
    Case("ident", "{main} user=nobody_knows"),
    Case("GSSAPI", "{main} user=gssed password={pw}"),
    Case("role at its connection limit", "{main} user=limited"),
    Case("no such database", "{main} user=trusted dbname=nowhere"),
    Case("database without connections", "{main} user=trusted dbname=shut"),
    Case("database at its connection limit", "{main} user=trusted dbname=full_up"),
    Case("database without CONNECT", "{main} user=outsider dbname=closed"),
    Case("database of a strange name", "{main} user=trusted dbname='a b=c%/d'"),
    Case("database of a strange name, URI", "postgres://trusted@{main_at}/a%20b%3Dc%25%2Fd"),
    Case("database of the user's name", "host=127.0.0.1 port={main_port} user=trusted"),
    Case("no database of the user's name",
         "host=127.0.0.1 port={main_port} user=scrammed password={pw}"),
    Case("the login's role and database", "host=127.0.0.1 port={main_port}"),
    Case("the login's role, whatever USER says", "{main}",
         {"USER": "trusted", "LOGNAME": "trusted"}),
    *(Case(f"password {user}", f"{{main}} user={user} password='{{{user}_pw}}'")
      for user in ("accented", "old_soft", "spaced", "quoted", "long")),
    *(Case(f"password {user}, URI", f"postgres://{user}:{{{user}_uri}}@{{main_at}}/postgres")
      for user in ("accented", "spaced", "quoted", "long")),
    Case("the soft hyphen of a password is nothing", "{main} user=old_soft password=soft-s3cret"),
    Case("a Roman numeral of a password is letters",
         "{main} user=accented password=gr\u00fc\u00df-IX-s3cret"),
    Case("password in another normal form",
         "{main} user=accented password=gru\u0308\u00df-IX-s3cret"),
    Case("password with other letters", "{main} user=accented password=gruess-IX-s3cret"),
    Case("PGPASSWORD", "{main} user=scrammed", {"PGPASSWORD": "{pw}"}, ping=True),
    Case("PGPASSWORD is wrong", "{main} user=scrammed", {"PGPASSWORD": WRONG}),
    Case("PGPASSWORD is empty", "{main} user=scrammed", {"PGPASSWORD": ""}),
    Case("the string's password wins", "{main} user=scrammed password={pw}", {"PGPASSWORD": WRONG}),
    Case("an empty password in the string", "{main} user=scrammed password=",
         {"PGPASSWORD": "{pw}"}),
    *(Case(f"channel_binding {how}, sslmode {mode}, user {user}",
           f"{{main}} user={user} password={{pw}} sslmode={mode} channel_binding={how}")
      for how in ("disable", "require") for mode in ("disable", "require")
      for user in ("scrammed", "hashed", "trusted")),
    Case("channel_binding prefer, sslmode prefer",
         "{main} user=scrammed password={pw} channel_binding=prefer"),
    Case("channel_binding require, sslmode prefer",
         "{main} user=scrammed password={pw} channel_binding=require"),
    Case("channel_binding require, server without TLS",
         "{plain} user=scrammed password={pw} channel_binding=require"),
    Case("channel_binding require, socket", "host={main_socket} port={main_port} dbname=postgres "
         "user=scrammed password={pw} channel_binding=require"),
    Case("channel_binding require, certificate", CERTIFIED + "channel_binding=require"),
    Case("channel_binding is no word", "{main} user=trusted channel_binding=on"),
    Case("PGCHANNELBINDING", "{main} user=hashed password={pw}", {"PGCHANNELBINDING": "require"}),
    *(Case(f"require_auth {what}, user {user}",
           f"{{main}} user={user} password={{pw}} require_auth={what}")
      for user, list_ in (
          ("trusted", ("none", "!none", "scram-sha-256", "!password")),
          ("clear", ("password", "!password", "md5", "!none")),
          ("hashed", ("md5", "scram-sha-256,md5", "!md5", "password")),
          ("scrammed", ("scram-sha-256", "md5", "!scram-sha-256", "!md5,!password", "gss,sspi",
                        "none,scram-sha-256")),
          ("nobody", ("scram-sha-256",)),
      ) for what in list_),
    Case("require_auth none, certificate", CERTIFIED + "require_auth=none"),
    Case("require_auth !none, certificate", CERTIFIED + "require_auth=!none"),
    Case("require_auth with blanks", "{main} user=hashed password={pw} "
         "require_auth='scram-sha-256, md5'"),
    Case("require_auth is empty", "{main} user=trusted require_auth="),
    Case("require_auth of an unknown method", "{main} user=trusted require_auth=magic"),
    Case("require_auth twice the same", "{main} user=trusted require_auth=md5,md5"),
    Case("require_auth mixed", "{main} user=trusted require_auth=md5,!none"),
    Case("require_auth ends in a comma", "{main} user=trusted require_auth=none,"),
    Case("PGREQUIREAUTH", "{main} user=hashed password={pw}", {"PGREQUIREAUTH": "scram-sha-256"}),
]

# ---- The passfile -------------------------------------------------------------------------------

LINE = "127.0.0.1:{main_port}:postgres:scrammed:{pw}\n"
BAD = f"127.0.0.1:{{main_port}}:postgres:scrammed:{WRONG}\n"
NO_PASSWORD = "{main} user=scrammed"


def passfile(name, text, info=NO_PASSWORD, env=None, mode=0o600, **more):
    return Case(f"passfile: {name}", info, env or {}, {".pgpass": (text, mode)}, **more)


PASSFILE = [
    passfile("a line", LINE, ping=True),
    passfile("its password is wrong", BAD),
    *(passfile(f"{field} is any", text) for field, text in (
        ("host", "*:{main_port}:postgres:scrammed:{pw}\n"),
        ("port", "127.0.0.1:*:postgres:scrammed:{pw}\n"),
        ("database", "127.0.0.1:{main_port}:*:scrammed:{pw}\n"),
        ("user", "127.0.0.1:{main_port}:postgres:*:{pw}\n"),
        ("all", "*:*:*:*:{pw}\n"),
    )),
    *(passfile(f"another {field}", text) for field, text in (
        ("host", "localhost:{main_port}:postgres:scrammed:{pw}\n"),
        ("port", "127.0.0.1:5432:postgres:scrammed:{pw}\n"),
        ("database", "127.0.0.1:{main_port}:other:scrammed:{pw}\n"),
        ("user", "127.0.0.1:{main_port}:postgres:other:{pw}\n"),
        ("host by its beginning", "127.0:{main_port}:postgres:scrammed:{pw}\n"),
        ("host by a star", "127*:{main_port}:postgres:scrammed:{pw}\n"),
        ("user in capitals", "127.0.0.1:{main_port}:postgres:Scrammed:{pw}\n"),
    )),
    passfile("the first match counts", LINE + BAD),
    passfile("the first match counts, wrong", "*:*:*:*:" + WRONG + "\n" + LINE),
    passfile("no newline at the end", LINE.strip()),
    passfile("Windows lines", LINE.replace("\n", "\r\n")),
    passfile("comments and empty lines", "# " + BAD + "\n\n" + LINE),
    passfile("a comment behind blanks", " # " + BAD + LINE),
    passfile("a blank before the host", " " + LINE),
    passfile("too few fields", "127.0.0.1:{main_port}:postgres:scrammed\n" + LINE),
    passfile("an empty password", "127.0.0.1:{main_port}:postgres:scrammed:\n" + LINE),
    passfile("something behind the password", LINE.replace("\n", ":more\n")),
    passfile("escapes", "*:*:*:quoted:{quoted_line}\n", "{main} user=quoted"),
    passfile("missing escapes", "*:*:*:quoted:s3'cret\\%:@/?#&=+\n", "{main} user=quoted"),
    passfile("an escape that is not needed",
             "127.0.0.1:{main_port}:postgres:scra\\mmed:{pw}\n"),
    passfile("a star escaped", "\\*:*:*:*:" + WRONG + "\n" + LINE),
    passfile("letters beyond ASCII", "*:*:*:accented:{accented_line}\n", "{main} user=accented"),
    passfile("blanks of a password", "*:*:*:spaced:{spaced_line}\n", "{main} user=spaced"),
    passfile("a long password", "*:*:*:long:{long_line}\n", "{main} user=long"),
    passfile("a byte order mark", "\ufeff" + LINE),
    passfile("the database is the user", "127.0.0.1:{main_port}:scrammed:scrammed:{pw}\n",
             "host=127.0.0.1 port={main_port} user=scrammed"),
    *(passfile(f"mode {mode:o}", LINE, mode=mode)
      for mode in (0o400, 0o644, 0o660, 0o604, 0o700)),
    passfile("mode 640", LINE, mode=0o640, ours=(
        "accepted", "a file of root's that a group may read is how orchestrators mount secrets")
        if os.geteuid() == 0 else None),
    passfile("the string's password wins", LINE, f"{{main}} user=scrammed password={WRONG}"),
    passfile("PGPASSWORD wins", LINE, env={"PGPASSWORD": WRONG}),
    passfile("an empty PGPASSWORD", LINE, env={"PGPASSWORD": ""}),
    passfile("no home", LINE, env={"HOME": None}),
    passfile("HOME is empty", LINE, env={"HOME": ""}),
    passfile("it is not needed", "127.0.0.1:*:*:*:" + WRONG + "\n", "{main} user=trusted"),
    passfile("by hostaddr", LINE,
             "hostaddr=127.0.0.1 port={main_port} dbname=postgres user=scrammed"),
    passfile("by host, not hostaddr", LINE, NO_PASSWORD + " host=localhost hostaddr=127.0.0.1"),
    passfile("by host beside hostaddr", LINE.replace("127.0.0.1", "db"),
             NO_PASSWORD + " host=db hostaddr=127.0.0.1"),
    passfile("by a name in capitals", LINE.replace("127.0.0.1", "LOCALHOST"),
             NO_PASSWORD + " host=localhost"),
    passfile("a socket by its folder", "{main_socket}:*:*:*:{pw}\n",
             "host={main_socket} port={main_port} dbname=postgres user=scrammed"),
    passfile("a socket is not localhost", "localhost:*:*:*:{pw}\n",
             "host={main_socket} port={main_port} dbname=postgres user=scrammed"),
    passfile("the default socket is localhost", "localhost:*:*:*:{pw}\n",
             "port={main_port} dbname=postgres user=scrammed"),
    passfile("the default socket named is localhost", "localhost:*:*:*:{pw}\n",
             "host=/var/run/postgresql port={main_port} dbname=postgres user=scrammed"),
    passfile("the default socket by its folder", "/var/run/postgresql:*:*:*:{pw}\n",
             "port={main_port} dbname=postgres user=scrammed",
             ours=("accepted", "whoever writes the folder means it")),
    Case("PGPASSFILE", NO_PASSWORD, {"PGPASSFILE": "{home}/p"}, {"p": LINE}, ping=True),
    Case("passfile in the string", NO_PASSWORD + " passfile={home}/p", files={"p": LINE}),
    Case("passfile in the string wins", NO_PASSWORD + " passfile={home}/p",
         {"PGPASSFILE": "{home}/q"}, {"p": LINE, "q": BAD}),
    Case("PGPASSFILE wins over the home's", NO_PASSWORD, {"PGPASSFILE": "{home}/p"},
         {"p": BAD, ".pgpass": LINE}),
    Case("PGPASSFILE does not exist", NO_PASSWORD, {"PGPASSFILE": "{home}/p"}, {".pgpass": LINE}),
    Case("PGPASSFILE is a folder", NO_PASSWORD, {"PGPASSFILE": "{home}"}),
    Case("PGPASSFILE is empty", NO_PASSWORD, {"PGPASSFILE": ""}, {".pgpass": LINE}),
    Case("PGPASSFILE is open to all", NO_PASSWORD, {"PGPASSFILE": "{home}/p"},
         {"p": (LINE, 0o666)}),
    passfile("a line for each of two hosts",
             "127.0.0.1:{dead_port}:*:*:" + WRONG + "\n" + LINE,
             "host=127.0.0.1,127.0.0.1 port={dead_port},{main_port} dbname=postgres user=scrammed"),
    passfile("a line for the second host only", "localhost:{main_port}:*:*:{pw}\n",
             "host=127.0.0.1,localhost port={dead_port},{main_port} dbname=postgres user=scrammed"),
    passfile("a line for each of two hosts that answer",
             "127.0.0.1:{standby_port}:*:*:{pw}\n127.0.0.1:{main_port}:*:*:" + WRONG + "\n",
             "host=127.0.0.1,127.0.0.1 port={main_port},{standby_port} dbname=postgres "
             "user=scrammed"),
]

# ---- Users of the system ------------------------------------------------------------------------

UID = 54321  # nobody in /etc/passwd
HERE = "host=127.0.0.1 port={main_port} dbname=postgres"

UIDS = [] if os.geteuid() != 0 else [
    Case("uid without a name", HERE, uid=UID),
    Case("uid without a name, no home", HERE, {"HOME": None}, uid=UID),
    Case("uid without a name, user given", HERE + " user=trusted", {"HOME": None}, uid=UID),
    Case("uid without a name, PGUSER", HERE, {"HOME": None, "PGUSER": "trusted"}, uid=UID),
    Case("uid without a name, passfile at home", NO_PASSWORD, {}, {".pgpass": LINE}, uid=UID),
    Case("uid without a name, files at home", "{main} user=certified sslmode=verify-full", {}, {
        ".postgresql/root.crt": "{root_pem}", ".postgresql/postgresql.crt": "{client_pem}",
        ".postgresql/postgresql.key": "{client_key_pem}"}, uid=UID),
    Case("uid without a name, no home, sslmode require", HERE + " user=trusted sslmode=require",
         {"HOME": None}, uid=UID),
    Case("uid without a name, no home, sslmode verify-full",
         HERE + " user=trusted sslmode=verify-full", {"HOME": None}, uid=UID),
    Case("uid without a name, LOGNAME", HERE, {"LOGNAME": "trusted"}, uid=UID, ours=(
        "accepted", "who is not in /etc/passwd, as in a container, still has a name")),
    Case("a user of the system", HERE, uid=pwd.getpwnam("daemon").pw_uid),
    Case("another's passfile is not readable", NO_PASSWORD, {"PGPASSFILE": "{private}"}, uid=UID),
    Case("another's key is not readable", "{main} user=certified sslmode=require "
         "sslcert={client_crt} sslkey={client_key}", uid=UID),
]

CASES = AUTHENTICATION + PASSFILE + UIDS
