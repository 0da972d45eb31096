#!/bin/sh
# Makes the database anew where its first start was interrupted: what a killed one leaves holds no data yet,
# and the image's own entrypoint would take it for a database that is ready.
set -eu

unfinished=/var/lib/postgresql/data/first-start-unfinished
if [ -e "$unfinished" ]; then
    echo "The first start was interrupted: making the database anew."
    rm -rf "$PGDATA"
elif [ ! -e "$PGDATA" ]; then
    touch "$unfinished"
fi

# Sorting is PostgreSQL's own where it can be, from 17 on: another image's C library changes no index.
if [ "$PG_MAJOR" -ge 17 ]; then
    POSTGRES_INITDB_ARGS="--locale-provider=builtin --builtin-locale=C.UTF-8 $POSTGRES_INITDB_ARGS"
    export POSTGRES_INITDB_ARGS
fi

exec docker-entrypoint.sh "$@"
