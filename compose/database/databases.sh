#!/usr/bin/env bash
# A database and a role for each application, made where they are missing; run by every `up`. A role can log in to its own
# database and to no other, and may do nothing in the server beside it. Its password is what the secret says now.
set -euo pipefail

PGPASSWORD=$(</run/secrets/postgres_password)
export PGPASSWORD

as_postgres() {
    psql --no-psqlrc --quiet --no-password --set ON_ERROR_STOP=1 --host database --username postgres --dbname postgres "$@"
}

make_database() {
    as_postgres --set name="$1" --set secret="/run/secrets/$2" <<'SQL'
-- Read here, so that no list of processes shows it.
\set password `cat :secret`
SELECT format('CREATE ROLE %I', :'name')
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'name') \gexec
ALTER ROLE :"name" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD :'password';
SELECT format('CREATE DATABASE %I OWNER %I TEMPLATE template0', :'name', :'name')
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'name') \gexec
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
SQL
}

make_database shopsmart monolith_database_password
make_database shopsmart_catalog catalog_database_password
as_postgres --command 'REVOKE ALL ON DATABASE postgres, template1 FROM PUBLIC'
echo "databases shopsmart and shopsmart_catalog are there, each with its role"
