#!/usr/bin/env bash
# Run once, by the image, when the server is made: a database and a role for each application. A role can log in to its own
# database and to no other, and may do nothing in the server beside it.
set -euo pipefail

make_database() {
    psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username postgres --dbname postgres \
        --set name="$1" --set secret="/run/secrets/$2" <<'SQL'
-- Read here, so that no list of processes shows it.
\set password `cat :secret`
CREATE ROLE :"name" LOGIN PASSWORD :'password'
    NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;
CREATE DATABASE :"name" OWNER :"name" TEMPLATE template0;
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
SQL
}

make_database shopsmart monolith_database_password
make_database shopsmart_catalog catalog_database_password
psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username postgres --dbname postgres \
    --command 'REVOKE ALL ON DATABASE postgres, template1 FROM PUBLIC'
