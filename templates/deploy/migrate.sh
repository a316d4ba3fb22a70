#!/bin/sh
# Migrates the schema of the database by the alembic of an image, in a container ktrdr-migration of its own, and undoes
# what a migration that was cut has left. Says a fact migrated: how it ended, and its last lines in base64.
#
# The sender replaces ALEMBIC_WORDS by alembic's arguments, MOST_LINES by the number of lines to report, and the line
# AT_END by the cleanup that runs at the end if cut is set. Needs the functions say and with_secrets, by which a command
# has KTRDR_DB_USER and KTRDR_DB_PASSWORD, and
#   container, name   where the database is, and what it is called
#   image             whose alembic it is
#   ask, sessions     the command of sh in that container for a statement, and the statement that ends a
#                     migration's sessions
set -eu
: "${container:?}" "${name:?}" "${image:?}" "${ask:?}" "${sessions:?}"

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
# AT_END
undo
# the names that older images read, too; in the database's own network, which always exists
# shellcheck disable=SC2016 # its own variables
migrate() {
  with_secrets sh -euc 'export DB_USER="$KTRDR_DB_USER" DB_PASSWORD="$KTRDR_DB_PASSWORD"
    exec docker run --rm --sig-proxy=false --name ktrdr-migration --network "container:$1" \
      --entrypoint alembic -e KTRDR_DB_USER -e KTRDR_DB_PASSWORD -e DB_USER -e DB_PASSWORD \
      -e KTRDR_DB_HOST=127.0.0.1 -e KTRDR_DB_PORT=5432 -e "KTRDR_DB_NAME=$2" \
      -e DB_HOST=127.0.0.1 -e DB_PORT=5432 -e "DB_NAME=$2" "$3" ALEMBIC_WORDS' sh "$container" "$name" "$image"
}
code=0
said=$(migrate 2>&1) || code=$?
[ "$code" = 0 ] || undo
# shellcheck disable=SC2034 # the cleanup reads it
cut=
say migrated "$code $(printf '%s' "$said" | tail -n MOST_LINES | base64 | tr -d '\n')"
