/*
 * The options and settings that texts name, each as a mark that the face which shows the text
 * spells (base/error.h): "--lock-timeout" of the command, lock_timeout of Plakar, lock_timeout_ms
 * of the library. A name of one more stands here before a text has it.
 */
#ifndef PGCASK_BASE_ERROR_NAMES_H
#define PGCASK_BASE_ERROR_NAMES_H

#include "base/error.h"

#define OPTION_ALLOW_NEWER_SERVER ERROR_OPTION("allow-newer-server")
#define OPTION_COMPRESS ERROR_OPTION("compress")
#define OPTION_DATABASES ERROR_OPTION("databases")
#define OPTION_EXCLUDE_DATABASES ERROR_OPTION("exclude-databases")
#define OPTION_DATA_ONLY ERROR_OPTION("data-only")
#define OPTION_FILTER ERROR_OPTION("filter")
#define OPTION_INCLUDE_FOREIGN_DATA ERROR_OPTION("include-foreign-data")
#define OPTION_IN_PLACE ERROR_OPTION("in-place")
#define OPTION_JSON ERROR_OPTION("json")
#define OPTION_JSON_FILE ERROR_OPTION("json-file")
#define OPTION_LAYOUT ERROR_OPTION("layout")
#define OPTION_LOCK_TIMEOUT ERROR_OPTION("lock-timeout")
#define OPTION_MAX_RETAINED_WAL ERROR_OPTION("max-retained-wal")
#define OPTION_REPLACE ERROR_OPTION("replace")
#define OPTION_LARGE_OBJECTS ERROR_OPTION("large-objects")
#define OPTION_NO_LARGE_OBJECTS ERROR_OPTION("no-large-objects")
#define OPTION_SCHEMA_ONLY ERROR_OPTION("schema-only")
#define OPTION_STATISTICS ERROR_OPTION("statistics")
#define OPTION_TABLESPACE_MAPPING ERROR_OPTION("tablespace-mapping")
#define OPTION_TO ERROR_OPTION("to")
#define OPTION_TRANSFER_COMPRESSION ERROR_OPTION("transfer-compression")
#define OPTION_WHERE ERROR_OPTION("where")

#define SETTING_CHANNEL_BINDING ERROR_SETTING("channel_binding")
#define SETTING_CLIENT_ENCODING ERROR_SETTING("client_encoding")
#define SETTING_CONNECT_TIMEOUT ERROR_SETTING("connect_timeout")
#define SETTING_HOSTADDR ERROR_SETTING("hostaddr")
#define SETTING_MAX_PROTOCOL_VERSION ERROR_SETTING("max_protocol_version")
#define SETTING_MIN_PROTOCOL_VERSION ERROR_SETTING("min_protocol_version")
#define SETTING_OPTIONS ERROR_SETTING("options")
#define SETTING_PASSFILE ERROR_SETTING("passfile")
#define SETTING_PASSWORD ERROR_SETTING("password")
#define SETTING_PASSWORD_COMMAND ERROR_SETTING("password_command")
#define SETTING_REQUIRE_AUTH ERROR_SETTING("require_auth")
#define SETTING_SERVICEFILE ERROR_SETTING("servicefile")
#define SETTING_SSL_MAX_PROTOCOL_VERSION ERROR_SETTING("ssl_max_protocol_version")
#define SETTING_SSL_MIN_PROTOCOL_VERSION ERROR_SETTING("ssl_min_protocol_version")
#define SETTING_SSLCERT ERROR_SETTING("sslcert")
#define SETTING_SSLCERTMODE ERROR_SETTING("sslcertmode")
#define SETTING_SSLCRL ERROR_SETTING("sslcrl")
#define SETTING_SSLCRLDIR ERROR_SETTING("sslcrldir")
#define SETTING_SSLKEY ERROR_SETTING("sslkey")
#define SETTING_SSLMODE ERROR_SETTING("sslmode")
#define SETTING_SSLNEGOTIATION ERROR_SETTING("sslnegotiation")
#define SETTING_SSLPASSWORD ERROR_SETTING("sslpassword")
#define SETTING_SSLROOTCERT ERROR_SETTING("sslrootcert")
#define SETTING_SSLROOTCERT_DATA ERROR_SETTING("sslrootcert-data")
#define SETTING_TARGET_SESSION_ATTRS ERROR_SETTING("target_session_attrs")

#endif
