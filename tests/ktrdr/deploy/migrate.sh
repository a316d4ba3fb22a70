image='sha256:0123'
name='ktrdr'
ask='psql -w -X -Atq -U "$POSTGRES_USER" -d "$1" -c "$2"'
sessions='select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and client_addr <<= '\''127.0.0.0/8'\''::inet'
# ends what is left of an interrupted or killed migration. PostgreSQL goes on with its statement, and keeps others
# from the table, until it notices at its end that the client is gone; nothing else connects from its own address
undo() {
  docker rm -f ktrdr-migration >/dev/null 2>&1 || :
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    docker inspect ktrdr-migration >/dev/null 2>&1 || break
    sleep 0.5
  done
  timeout 20 docker exec "$container" sh -c "$ask" sh "$name" "$sessions" >/dev/null 2>&1 || :
}
cut=yes
trap 'trap "" HUP INT TERM PIPE; [ -z "$cut" ] || undo' EXIT
trap 'exit 130' HUP INT TERM PIPE
undo
# the names that older images read, too; in the database's own network, which always exists
# shellcheck disable=SC2016 # its own variables
migrate() {
  with_secrets sh -euc 'export DB_USER="$KTRDR_DB_USER" DB_PASSWORD="$KTRDR_DB_PASSWORD"
    exec docker run --rm --sig-proxy=false --name ktrdr-migration --network "container:$1" \
      --entrypoint alembic -e KTRDR_DB_USER -e KTRDR_DB_PASSWORD -e DB_USER -e DB_PASSWORD \
      -e KTRDR_DB_HOST=127.0.0.1 -e KTRDR_DB_PORT=5432 -e "KTRDR_DB_NAME=$2" \
      -e DB_HOST=127.0.0.1 -e DB_PORT=5432 -e "DB_NAME=$2" "$3" downgrade 0a1b' sh "$container" "$name" "$image"
}
code=0
said=$(migrate 2>&1) || code=$?
[ "$code" = 0 ] || undo
# shellcheck disable=SC2034 # the cleanup reads it
cut=
say migrated "$code $(printf '%s' "$said" | tail -n 200 | base64 | tr -d '\n')"
