#!/bin/sh
# Says what the database holds, before it is replaced: the facts bytes, tables, filled, rows and kept; deployed if the
# database does not exist. A part of scripts that gather facts.
#
# Needs the function say, and
#   container, database   where the database is, and what it is called
set -eu
: "${container:?}" "${database:?}"

sql() { docker exec -i "$container" sh -c '
    d=$1; shift; exec psql -w -X -Atq -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" -d "$d" "$@"' sh "$@"; }
bytes=$(printf '%s\n' "SELECT pg_database_size(datname) FROM pg_database WHERE datname = :'name'" |
  sql template1 -v "name=$database")
say bytes "$bytes"
[ -n "$bytes" ] || say deployed "$(printf '%s\n' "SELECT datname FROM pg_database WHERE datname = :'name'" |
  sql template1 -v "name=$(docker exec "$container" printenv POSTGRES_DB)")"
[ -z "$bytes" ] || {
  counted=$(printf '%s\n' "SET lock_timeout = '15s'; SET synchronize_seqscans = off;
    SELECT count(*), count(*) FILTER (WHERE relname <> 'alembic_version' AND seen > 0),
        coalesce(sum(CASE WHEN seen < 10000 THEN seen
          ELSE round(seen / pages * pg_relation_size(relid) / current_setting('block_size')::int) END), 0)
      FROM (SELECT relname, relid, (xpath('/row/seen/text()', found))[1]::text::numeric seen,
           (xpath('/row/pages/text()', found))[1]::text::numeric pages
        FROM (SELECT relname, relid, query_to_xml(format('SELECT count(*) AS seen,
               coalesce(max((ctid::text::point)[0]) + 1, 1) AS pages
              FROM (SELECT ctid FROM ONLY %I.%I LIMIT 10000) first_rows', schemaname, relname),
             false, true, '') found FROM pg_stat_user_tables OFFSET 0) asked OFFSET 0) counted" \
    | sql "$database")
  say tables "${counted%%|*}"
  counted=${counted#*|}
  say filled "${counted%%|*}"
  say rows "${counted#*|}"
}
printf '%s\n' "SELECT datname FROM pg_database
     WHERE datname ~ ('^' || :'name' || '_(restoring|replaced_[0-9_]*)\$') ORDER BY 1" |
  sql template1 -v "name=$database" \
  | while IFS= read -r kept; do say kept "$kept"; done
say end yes
