#!/bin/bash
# Entrypoint of the lab's mysql image: what the official image documents, and no more.
# An empty data folder is initialised once, with the accounts that MYSQL_* ask for; then mysqld becomes PID 1.
set -eo pipefail
shopt -s nullglob

readonly init_folder=/docker-entrypoint-initdb.d

say() { printf '[entrypoint] %s\n' "$*" >&2; }
die() { say "ERROR: $*"; exit 1; }

# setting NAME [DEFAULT]: takes NAME, or the content of the file that NAME_FILE names, never both.
setting() {
    local name=$1 file_name="$1_FILE" value=${2:-}
    if [ -n "${!name:-}" ] && [ -n "${!file_name:-}" ]; then
        die "$name and $file_name are both set, set one of them."
    fi
    if [ -n "${!name:-}" ]; then
        value=${!name}
    elif [ -n "${!file_name:-}" ]; then
        [ -r "${!file_name}" ] || die "$file_name: ${!file_name} cannot be read."
        value=$(< "${!file_name}")
    fi
    export "$name=$value"
    unset "$file_name"
}

wants_help() {
    local argument
    for argument; do
        case "$argument" in
        -'?' | --help | --print-defaults | -V | --version) return 0 ;;
        esac
    done
    return 1
}

# mysqld_option NAME MYSQLD [ARGUMENT...]: what the server would run with.
mysqld_option() {
    local name=$1
    shift
    "$@" --verbose --help --log-bin-index="$(mktemp -u)" 2> /dev/null \
        | awk -v name="$name" '$1 == name && /^[^ \t]/ { $1 = ""; sub(/^ +/, ""); print; exit }'
}

check_config() {
    local errors
    errors=$("$@" --validate-config 2>&1) || die "mysqld refuses its configuration: $errors"
}

# Text as an SQL string literal.
literal() {
    local text=${1//\\/\\\\}
    printf "'%s'" "${text//\'/\\\'}"
}

# Text as an SQL identifier.
identifier() { printf '`%s`' "${1//\`/\`\`}"; }

# The client's options, with the root password once there is one. They are handed over as a file descriptor: neither
# a command line nor a file shows the password.
client_options() {
    local password=${1//\\/\\\\}
    printf '[client]\nuser=root\npassword="%s"\n' "${password//\"/\\\"}"
}

root_client() {
    mysql --defaults-extra-file=<(client_options "$current_password") --protocol=socket --socket="$socket" \
        --default-character-set=utf8mb4 --comments "$@"
}

# Also for scripts that are sourced from /docker-entrypoint-initdb.d.
docker_process_sql() {
    if [ "${1:-}" = --dont-use-mysql-root-password ]; then
        shift
        current_password='' root_client "$@"
    elif [ -n "$MYSQL_DATABASE" ]; then
        root_client --database="$MYSQL_DATABASE" "$@"
    else
        root_client "$@"
    fi
}

start_temporary_server() {
    "$@" --skip-networking --mysqlx=OFF --socket="$socket" &
    temporary_pid=$!
    local attempt
    for attempt in {1..300}; do
        if mysqladmin --no-defaults --user=root --protocol=socket --socket="$socket" ping > /dev/null 2>&1; then
            return
        fi
        kill -0 "$temporary_pid" 2> /dev/null || die "the temporary server ended while it started."
        sleep 0.1
    done
    die "the temporary server did not answer within 30 seconds."
}

stop_temporary_server() {
    kill -TERM "$temporary_pid"
    wait "$temporary_pid" || die "the temporary server did not stop cleanly."
}

load_time_zones() {
    [ -z "$MYSQL_INITDB_SKIP_TZINFO" ] || return 0
    # A zone that MySQL cannot hold is reported on the error stream, as in every MySQL.
    mysql_tzinfo_to_sql /usr/share/zoneinfo 2> /dev/null | root_client --database=mysql
}

create_accounts() {
    if [ -n "$MYSQL_RANDOM_ROOT_PASSWORD" ]; then
        MYSQL_ROOT_PASSWORD=$(openssl rand -base64 24)
        export MYSQL_ROOT_PASSWORD
        printf '[entrypoint] GENERATED ROOT PASSWORD: %s\n' "$MYSQL_ROOT_PASSWORD"
    fi

    {
        if [ -n "$MYSQL_ROOT_HOST" ] && [ "$MYSQL_ROOT_HOST" != localhost ]; then
            printf 'CREATE USER root@%s IDENTIFIED BY %s;\n' \
                "$(literal "$MYSQL_ROOT_HOST")" "$(literal "$MYSQL_ROOT_PASSWORD")"
            printf 'GRANT ALL ON *.* TO root@%s WITH GRANT OPTION;\n' "$(literal "$MYSQL_ROOT_HOST")"
        fi
        printf "ALTER USER root@'localhost' IDENTIFIED BY %s;\n" "$(literal "$MYSQL_ROOT_PASSWORD")"
        printf "GRANT ALL ON *.* TO root@'localhost' WITH GRANT OPTION;\n"
    } | root_client --database=mysql
    current_password=$MYSQL_ROOT_PASSWORD

    if [ -n "$MYSQL_DATABASE" ]; then
        printf 'CREATE DATABASE IF NOT EXISTS %s;\n' "$(identifier "$MYSQL_DATABASE")" | root_client --database=mysql
    fi
    if [ -n "$MYSQL_USER" ] && [ -n "$MYSQL_PASSWORD" ]; then
        printf "CREATE USER %s@'%%' IDENTIFIED BY %s;\n" "$(literal "$MYSQL_USER")" "$(literal "$MYSQL_PASSWORD")" \
            | root_client --database=mysql
        if [ -n "$MYSQL_DATABASE" ]; then
            # In a grant `_` and `%` are wildcards.
            local pattern=${MYSQL_DATABASE//_/\\_}
            printf "GRANT ALL ON %s.* TO %s@'%%';\n" "$(identifier "${pattern//%/\\%}")" "$(literal "$MYSQL_USER")" \
                | root_client --database=mysql
        fi
    fi
}

run_init_files() {
    local file
    for file in "$init_folder"/*; do
        case "$file" in
        *.sh)
            if [ -x "$file" ]; then
                say "running $file"
                "$file"
            else
                say "sourcing $file"
                . "$file"
            fi
            ;;
        *.sql) say "loading $file"; docker_process_sql < "$file" ;;
        *.sql.bz2) say "loading $file"; bunzip2 -c "$file" | docker_process_sql ;;
        *.sql.gz) say "loading $file"; gunzip -c "$file" | docker_process_sql ;;
        *.sql.xz) say "loading $file"; xzcat "$file" | docker_process_sql ;;
        *.sql.zst) say "loading $file"; zstd -dc "$file" | docker_process_sql ;;
        *) say "ignoring $file" ;;
        esac
    done
}

expire_root_password() {
    [ -n "$MYSQL_ONETIME_PASSWORD" ] || return 0
    local host=$MYSQL_ROOT_HOST
    printf "ALTER USER root@%s PASSWORD EXPIRE;\n" "$(literal "${host:-localhost}")" | root_client --database=mysql
}

check_settings() {
    if [ -z "$MYSQL_ROOT_PASSWORD$MYSQL_ALLOW_EMPTY_PASSWORD$MYSQL_RANDOM_ROOT_PASSWORD" ]; then
        die "the data folder is empty and no password option is given, set one of" \
            "MYSQL_ROOT_PASSWORD, MYSQL_ALLOW_EMPTY_PASSWORD, MYSQL_RANDOM_ROOT_PASSWORD."
    fi
    if [ "$MYSQL_USER" = root ]; then
        die "MYSQL_USER=root is not possible, that account is there; remove it and use MYSQL_ROOT_PASSWORD."
    fi
    if [ -n "$MYSQL_USER" ] && [ -z "$MYSQL_PASSWORD" ]; then
        say "MYSQL_USER is set without MYSQL_PASSWORD: no account is made."
    elif [ -z "$MYSQL_USER" ] && [ -n "$MYSQL_PASSWORD" ]; then
        say "MYSQL_PASSWORD is set without MYSQL_USER: no account is made."
    fi
}

initialise() {
    check_settings
    say "initialising the data folder $datadir"
    "$@" --initialize-insecure --default-time-zone=SYSTEM
    say "starting a temporary server without a network"
    current_password=''
    start_temporary_server "$@"
    load_time_zones
    create_accounts
    run_init_files
    expire_root_password
    stop_temporary_server
    say "the data folder is ready"
}

main() {
    case "${1:-}" in
    -*) set -- mysqld "$@" ;;
    esac
    if [ "${1:-}" != mysqld ] || wants_help "$@"; then
        exec "$@"
    fi

    check_config "$@"
    datadir=$(mysqld_option datadir "$@")
    socket=$(mysqld_option socket "$@")
    [ -n "$datadir" ] && [ -n "$socket" ] || die "mysqld does not tell its data folder and socket."

    if [ "$(id -u)" = 0 ]; then
        mkdir -p "$datadir" "$(dirname "$socket")"
        find "$datadir" "$(dirname "$socket")" /var/lib/mysql-files \! -user mysql -exec chown mysql:mysql {} +
        exec gosu mysql "$BASH_SOURCE" "$@"
    fi

    if [ ! -d "$datadir/mysql" ]; then
        setting MYSQL_ROOT_HOST '%'
        setting MYSQL_DATABASE
        setting MYSQL_USER
        setting MYSQL_PASSWORD
        setting MYSQL_ROOT_PASSWORD
        initialise "$@"
    fi
    unset MYSQL_ROOT_PASSWORD MYSQL_PASSWORD
    exec "$@"
}

main "$@"
