#!/bin/bash
# Entrypoint of the lab's postgres image: what the official image documents, and no more.
# An empty data folder is initialised once, as POSTGRES_* ask for; then postgres becomes PID 1.
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
        -'?' | --help | --describe-config | -V | --version) return 0 ;;
        esac
    done
    return 1
}

prepare_folders() {
    mkdir -p "$PGDATA"
    chmod 0700 "$PGDATA" 2> /dev/null || [ -w "$PGDATA" ] || die "$PGDATA belongs to another user, and may not be written."
    mkdir -p /var/run/postgresql
    chmod 3777 /var/run/postgresql 2> /dev/null || [ -w /var/run/postgresql ] || die "/var/run/postgresql may not be written."
    if [ -n "$POSTGRES_INITDB_WALDIR" ]; then
        mkdir -p "$POSTGRES_INITDB_WALDIR"
        chmod 0700 "$POSTGRES_INITDB_WALDIR"
    fi
    if [ "$(id -u)" = 0 ]; then
        find "$PGDATA" /var/run/postgresql ${POSTGRES_INITDB_WALDIR:+"$POSTGRES_INITDB_WALDIR"} \
            \! -user postgres -exec chown postgres:postgres {} +
    fi
}

make_cluster() {
    local -a arguments=(--username="$POSTGRES_USER")
    if [ -n "$POSTGRES_INITDB_WALDIR" ]; then
        arguments+=(--waldir="$POSTGRES_INITDB_WALDIR")
    fi
    local -a given
    # Written as on a command line, quotes included.
    eval "given=($POSTGRES_INITDB_ARGS)"
    if [ -n "$POSTGRES_PASSWORD" ]; then
        initdb "${arguments[@]}" --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD") "${given[@]}"
    else
        initdb "${arguments[@]}" "${given[@]}"
    fi
}

allow_hosts() {
    local method=$POSTGRES_HOST_AUTH_METHOD
    if [ -z "$method" ]; then
        method=$(postgres -C password_encryption "$@")
    fi
    printf '\nhost all all all %s\n' "$method" >> "$PGDATA/pg_hba.conf"
}

# Also for scripts that are sourced from /docker-entrypoint-initdb.d.
docker_process_sql() {
    local -a database=()
    if [ -n "$POSTGRES_DB" ]; then
        database=(--dbname "$POSTGRES_DB")
    fi
    PGHOST='' PGHOSTADDR='' psql -v ON_ERROR_STOP=1 --no-psqlrc --no-password --username "$POSTGRES_USER" \
        "${database[@]}" "$@"
}

start_temporary_server() {
    local options
    options=$(printf '%q ' "$@" -c listen_addresses= -p "${PGPORT:-5432}")
    NOTIFY_SOCKET='' PGUSER="$POSTGRES_USER" pg_ctl --pgdata "$PGDATA" --options "$options" --wait start
}

create_database() {
    [ "$POSTGRES_DB" != postgres ] || return 0
    printf 'CREATE DATABASE :"name";\n' | POSTGRES_DB='' docker_process_sql --dbname postgres --set name="$POSTGRES_DB"
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
        *.sql) say "loading $file"; docker_process_sql -f "$file" ;;
        *.sql.gz) say "loading $file"; gunzip -c "$file" | docker_process_sql ;;
        *.sql.xz) say "loading $file"; xzcat "$file" | docker_process_sql ;;
        *.sql.zst) say "loading $file"; zstd -dc "$file" | docker_process_sql ;;
        *) say "ignoring $file" ;;
        esac
    done
}

check_settings() {
    if [ -z "$POSTGRES_PASSWORD" ] && [ "$POSTGRES_HOST_AUTH_METHOD" != trust ]; then
        die "the data folder is empty and no superuser password is given, set POSTGRES_PASSWORD" \
            "(or POSTGRES_HOST_AUTH_METHOD=trust, which lets everybody in)."
    fi
    if [ "$POSTGRES_HOST_AUTH_METHOD" = trust ]; then
        say "POSTGRES_HOST_AUTH_METHOD=trust: everybody who reaches this port may log in without a password."
    fi
}

initialise() {
    check_settings
    say "initialising the data folder $PGDATA"
    make_cluster
    # From here on the arguments are the server's alone.
    shift
    allow_hosts "$@"
    export PGPASSWORD=$POSTGRES_PASSWORD
    say "starting a temporary server without a network"
    start_temporary_server "$@"
    create_database
    run_init_files
    pg_ctl --pgdata "$PGDATA" --mode fast --wait stop
    unset PGPASSWORD
    say "the data folder is ready"
}

main() {
    case "${1:-}" in
    -*) set -- postgres "$@" ;;
    esac
    if [ "${1:-}" != postgres ] || wants_help "$@"; then
        exec "$@"
    fi

    prepare_folders
    if [ "$(id -u)" = 0 ]; then
        exec gosu postgres "$BASH_SOURCE" "$@"
    fi

    if [ ! -s "$PGDATA/PG_VERSION" ]; then
        setting POSTGRES_PASSWORD
        setting POSTGRES_USER postgres
        setting POSTGRES_DB "$POSTGRES_USER"
        setting POSTGRES_INITDB_ARGS
        setting POSTGRES_HOST_AUTH_METHOD
        initialise "$@"
    fi
    unset POSTGRES_PASSWORD
    exec "$@"
}

main "$@"
