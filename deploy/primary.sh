#!/bin/sh
# The image runs this once, when it makes the cluster of the primary.
set -eu
echo "host replication datas all scram-sha-256" >>"$PGDATA/pg_hba.conf"
# From the next start on, each acknowledged change is on both machines.
psql --username=datas --set=ON_ERROR_STOP=1 <<'SQL'
ALTER SYSTEM SET synchronous_standby_names = 'standby';
ALTER ROLE datas SET statement_timeout = '30s';
ALTER ROLE datas SET lock_timeout = '2s';
SQL
