#!/bin/sh
# Runs once, at the first start: makes the application user, who is limited to the database, and owns its schema.
set -eu

psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --username=postgres --dbname=postgres \
    --set=user="$APPLICATION_USER" --set=database="$APPLICATION_DATABASE" <<'SQL'
-- A statement that fails would be logged, with the password in it.
SET log_min_error_statement = panic;
\set password `cat /run/secrets/postgres_password`
CREATE ROLE :"user" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION PASSWORD :'password';
\unset password
REVOKE ALL ON DATABASE postgres FROM PUBLIC;
REVOKE ALL ON DATABASE template1 FROM PUBLIC;
-- The database may be one of those.
SELECT format('CREATE DATABASE %I', :'database')
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database') \gexec
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE :"database" TO :"user";
\connect :"database"
REVOKE ALL ON SCHEMA public FROM PUBLIC;
ALTER SCHEMA public OWNER TO :"user";
SQL

rm /var/lib/postgresql/data/first-start-unfinished
