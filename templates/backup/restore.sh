#!/bin/sh
# Restores a backup that backup.sh made, on the node that the database's container runs on: what `restore-db` and
# `backup-db --verify` run over ssh.
#
# Variables:
#   container, database  where the database is
#   directory, name      the backup: NAME.dump.zst (or .gz), NAME.json and the sums of both in that folder
#   mode                 replace: in the place of the database, which is kept under another name
#                        into: as a new database, named by target once it is whole
#                        drop: no restore; what earlier ones replaced is dropped, and what one left half-way
#                        try: in a container of its own, which is removed in every case; then NAME.dump.zst.verified
#                             says when
#   target               the new database of mode into
#   pushed               not empty: the folder was made for this restore alone, and goes with its end
#   backend              the container that is stopped meanwhile, of mode replace
#   by                   who asked
# Says on standard output a line for each fact: its name, a tab, its value.
#   step WORD, total BYTES, read BYTES, away BACKEND, different LINE, replaced NAME, dropped NAME, swapped NAME,
#   restored ROWS, verified INSTANT, failed SENTENCE, left NAME
# Until it says swapped, whatever ends it leaves the database as it was and starts the backend again. Exit code 75
# where a backup or restore is under way. It needs common.sh.
set -eu
: "${container:?}" "${database:?}" "${mode:?}" "${directory=}" "${name=}" "${target=}" "${backend=}" "${pushed=}"
: "${by:?}"

exec 3>&1 1>&2
say() { printf '%s\t%s\n' "$1" "$2" >&3 2>/dev/null || :; }
work=$(mktemp -d /run/ktrdr-restore.XXXXXX)
id=${work##*.}
PGAPPNAME=ktrdr-restore-$id
export PGAPPNAME
server=$container
scratch=
made=
inside=
loading=
halting=
halted=
starting=

in_server() { docker exec -i -e PGAPPNAME -e PGOPTIONS "$server" sh -c "$@"; }
# SQL from standard input, on a database; a variable's value is text, whatever is in it
sql() {
  # shellcheck disable=SC2016 # for the shell in the container
  in_server 'd=$1; shift; exec psql -w -X -Atq -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" -d "$d" "$@"' sh "$@"
}

# Without a swap the new database is dropped, after the backend is started: a signal leaves little time.
finish() {
  code=$?
  trap - EXIT
  trap '' HUP INT TERM
  exec 2>/dev/null
  # in a session of its own: this script is killed after ten seconds, and a busy host may need longer
  if [ -n "$halting" ]; then
    # the interrupted stop goes on in the engine, and would stop a container that is started before its end
    setsid sh -c 'docker stop "$1"; docker start "$1"' sh "$backend" </dev/null >/dev/null 7>&- 3>&- &
  elif [ -n "$halted" ]; then
    setsid docker start "$backend" </dev/null >/dev/null 7>&- 3>&- &
    starting=$!
  fi
  [ -z "$loading" ] || kill "$loading" || :
  [ -z "$inside" ] || [ -n "$scratch" ] || docker exec "$server" rm -f "$inside" || :
  if [ -n "$scratch" ]; then
    docker rm -f -v "$scratch" >/dev/null || :
  elif [ "$code" -ne 0 ] && [ -n "$made" ]; then
    discard "$made" || say left "$made"
  fi
  [ -z "$sole" ] || true >/run/lock/ktrdr-backup || :
  rm -rf "$work" ${pushed:+"$directory"}
  [ -z "$starting" ] || wait "$starting" || :
  exit "$code"
}
trap finish EXIT
trap 'exit 143' HUP INT TERM
trap '' PIPE

drop() {
  timeout 20 docker exec -i "$server" \
    sh -c 'exec psql -w -X -q -U "$POSTGRES_USER" -d template1 -v "name=$1"' sh "$1" <<'SQL'
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :'name' AND pid <> pg_backend_pid() \g /dev/null
DROP DATABASE IF EXISTS :"name";
SQL
}

# A restarting server drops nothing: waits for it, up to half a minute while its container runs.
discard() {
  away=0
  tries=0
  until drop "$1"; do
    tries=$((tries + 1))
    if [ "$(docker inspect --format '{{.State.Running}}' "$server")" = true ]; then away=0; else away=$((away + 1)); fi
    [ "$tries" -lt 30 ] && [ "$away" -lt 5 ] || return 1
    sleep 1
  done
}

case $mode in
  drop) what="dropping what restores left" ;;
  try) what="the proof of the backup $name" ;;
  *) what="the restore of $name" ;;
esac
alone 10 "$what by $by"

# leftovers of killed runs; the folder of a run that waits for the lock is younger
find /run -maxdepth 1 -name 'ktrdr-restore.*' ! -path "$work" -mmin +1 -exec rm -rf '{}' +
# uploads for a restore that never began, or of a killed one
for left in /var/tmp/ktrdr-pushed.*; do
  if [ -d "$left" ] && [ "$left" != "$directory" ] && [ -z "$(find "$left" -mmin -10)" ]; then rm -rf "$left"; fi
done

field() { sed -n "s/^  \"$1\": \"\{0,1\}\(.*[^\",]\)\"\{0,1\},\{0,1\}\$/\1/p" "$record"; }
# a later failure does not quote earlier steps
forget() { rm -f "$work"/*.err; }

check() {
  say step checksum
  record=$directory/$name.json
  dump=$(find "$directory" -maxdepth 1 -type f \( -name "$name.dump.zst" -o -name "$name.dump.gz" \) | head -n 1)
  [ -f "$record" ] && [ -n "$dump" ] && [ -f "$dump.sha256" ] || fail "there is no whole backup $name in $directory"
  (cd "$directory" && sha256sum -c --quiet "${dump##*/}.sha256") >"$work/sums.err" 2>&1 ||
    fail "the backup $name is damaged, or was changed"
  forget
  case $(cat "$dump.sha256") in
    *" ${dump##*/}"*" $name.json"*) ;;
    *) fail "the sums of $name are not of its two files" ;;
  esac
  say total "$(stat -c %s "$dump")"
  sed -n 's/^    \({"table".*}\),\{0,1\}$/\1/p' "$record" >"$work/expected"
  extensions=$(field extensions)
  roles=$(sed -n 's/^  "roles": \(.*\),$/\1/p' "$record")
}

# A server of the same image for a test: without a network, and with no data to keep.
scratch_server() {
  say step server
  docker ps -aq --filter label=ktrdr-scratch | while IFS= read -r left; do docker rm -f -v "$left" >/dev/null; done
  image=$(docker inspect --format '{{.Image}}' "$container")
  # shellcheck disable=SC2016 # for the shell in the container
  POSTGRES_USER=$(docker exec "$container" sh -c 'printf %s "$POSTGRES_USER"')
  POSTGRES_PASSWORD=$(head -c 24 /dev/urandom | base64)
  export POSTGRES_USER POSTGRES_PASSWORD
  scratch=ktrdr-scratch-$id
  server=$scratch
  docker run -d --name "$scratch" --label ktrdr-scratch="$id" --network none --memory 1g --shm-size 256m \
    --log-driver none -e POSTGRES_USER -e POSTGRES_PASSWORD -e POSTGRES_DB=postgres \
    "$image" postgres -c fsync=off -c full_page_writes=off -c max_wal_size=2GB >/dev/null 2>"$work/run.err" ||
    fail "no container for a try could be started"
  waited=0
  # shellcheck disable=SC2016 # for the shell in the container
  until docker exec "$scratch" sh -c 'pg_isready -q -h 127.0.0.1 -U "$POSTGRES_USER"' 2>"$work/ready.err"; do
    waited=$((waited + 1))
    [ "$waited" -lt 600 ] && [ "$(docker inspect --format '{{.State.Running}}' "$scratch")" = true ] ||
      fail "the database of the try did not come up"
    sleep 0.2
  done
  forget
}

# Before anything is changed: checks that the server can load it.
suits() {
  printf '%s\n' "SELECT current_setting('server_version_num'), current_setting('server_version')" |
    sql template1 >"$work/server" 2>"$work/ask.err" || :
  IFS='|' read -r number version <"$work/server" || fail "the database in $server does not answer"
  why="a newer one's dump cannot be restored to it"
  [ $(($(field server_number) / 10000)) -le $((number / 10000)) ] ||
    fail "the backup is of PostgreSQL $(field server), the server is the older $version: $why"
  bytes=$(field database_bytes)
  # shellcheck disable=SC2016 # for the shell in the container
  free=$(in_server 'df -Pk "${PGDATA:-/}"' </dev/null 2>/dev/null | awk 'NR == 2 { print $4 }') || :
  [ -z "$free" ] || [ "$free" -gt $((bytes / 1024)) ] ||
    fail "the database needs $((bytes / 1048576)) MB, and $((free / 1024)) MB are free where the server has its data"
  forget
}

exists() {
  [ "$(printf '%s\n' "SELECT 1 FROM pg_database WHERE datname = :'name'" | sql template1 -v "name=$1")" = 1 ]
}

# Creates missing roles; others stay as they are.
make_roles() {
  [ -n "$roles" ] || return 0
  {
    printf 'CREATE TEMP TABLE present AS SELECT rolname FROM pg_roles;\n'
    # shellcheck disable=SC2016 # the dollars are PostgreSQL's quotes
    printf 'CREATE TEMP TABLE wanted AS
  SELECT * FROM json_array_elements_text($ktrdr$%s$ktrdr$) WITH ORDINALITY AS w(statement, step);\n' "$roles"
    cat <<'SQL'
SELECT statement FROM wanted WHERE statement LIKE 'CREATE ROLE %'
  AND NOT EXISTS (SELECT FROM present WHERE starts_with(statement || ' ', format('CREATE ROLE %I ', rolname)))
  ORDER BY step \gexec
SELECT statement FROM wanted WHERE statement LIKE 'GRANT %'
  AND NOT EXISTS (SELECT FROM present g, present m WHERE statement = format('GRANT %I TO %I', g.rolname, m.rolname))
  ORDER BY step \gexec
SQL
  } | sql template1 >"$work/roles.err" 2>&1 || fail "the roles of the backup could not be made"
  forget
}

# Unpacks in the server's container if possible: then half as many bytes go through Docker.
unpacker() {
  case $dump in *.gz) with="gzip -dc" ;; *) with="zstd -q -dc" ;; esac
  beside=
  # shellcheck disable=SC2016 # for the shell in the container
  if docker exec "$server" sh -c 'command -v "$1"' sh "${with%% *}" >/dev/null 2>&1; then beside=yes; fi
}

# The table of contents is at the start of the dump: a file in the container can be read more than once, and in
# parallel.
contents() {
  inside=/tmp/ktrdr-restore-$id
  # head ends early, and its writer complains
  if [ -n "$beside" ]; then cat; else $with 2>/dev/null; fi <"$dump" 2>/dev/null |
    in_server 'umask 077; ${2:-cat} 2>/dev/null | head -c 67108864 >"$1" && exec pg_restore -C -l "$1"' sh \
      "$inside" "${beside:+$with}" >"$work/list" 2>"$work/list.err" ||
    fail "the table of contents of the backup cannot be read"
}

# As it was: with its encoding, locale, owner, settings, and who may do what with it.
create() {
  say step create
  sed -n '/^[0-9]*; [0-9]* [0-9]* \(ACL - \)\{0,1\}DATABASE /p' "$work/list" >"$work/only"
  # shellcheck disable=SC2016 # for the shell in the container
  docker exec -i "$server" \
    sh -c 'cat >"$1.list"; pg_restore -C -L "$1.list" -f - "$1"; code=$?; rm -f "$1.list"; exit $code' sh "$inside" \
    <"$work/only" >"$work/create" 2>"$work/create.err" ||
    fail "what kind of database it was cannot be read from the backup"
  made=$1
  before='CREATE\|ALTER\|ALTER ROLE \("\([^"]\|""\)*"\|[^ ]*\) IN\|\(GRANT\|REVOKE\) [A-Z, ]* ON'
  sed -n "s/^\($before\) DATABASE \(\"[^\"]*\"\|[^ ]*\) /\1 DATABASE :\"name\" /p" "$work/create" |
    sql template1 -v "name=$1" 2>"$work/create.err" || fail "the database $1 could not be made"
  forget
}

# The names of functions and extension are TimescaleDB's.
timescale() {
  case $1 in
    pre)
      # shellcheck disable=SC2016 # the dollars are PostgreSQL's quotes
      printf "SELECT format('CREATE EXTENSION timescaledb VERSION %%L', \$ktrdr\$%s\$ktrdr\$::json->>'timescaledb')" \
        "$extensions"
      printf ' \\gexec\n'
      echo 'SELECT timescaledb_pre_restore();'
      ;;
    post) echo 'SELECT timescaledb_post_restore();' ;;
  esac | sql "$made" >/dev/null 2>"$work/timescale.err" || fail "TimescaleDB's $1-restore step failed"
}

# Loads into the new database; a failed part is noted in a file.
pour() {
  # shellcheck disable=SC2016 # for the shell in the container
  if [ -n "$beside" ]; then
    in_server 'd=$1 with=$2; shift 2
      codes=$({
        { $with; echo $? >&4; } |
          pg_restore -w --exit-on-error -U "$POSTGRES_USER" -d "$d" "$@" >&2 || echo $? >&4
      } 4>&1)
      [ "$codes" = 0 ]' sh "$made" "$with" "$@" <&5 2>"$work/restore.err" || : >"$work/restore.failed"
  else
    { $with <&5 2>"$work/unpack.err" || : >"$work/unpack.failed"; } | {
      in_server 'd=$1; shift; exec pg_restore -w --exit-on-error -U "$POSTGRES_USER" -d "$d" "$@"' sh "$made" "$@" \
        2>"$work/restore.err" || : >"$work/restore.failed"
    }
  fi
}

# One pass over the dump, whatever its size; then indexes and constraints, two at a time.
load() {
  say step load
  PGOPTIONS='-c synchronous_commit=off -c maintenance_work_mem=128MB'
  export PGOPTIONS
  exec 5<"$dump"
  hypertables=
  case $extensions in *'"timescaledb"'*) hypertables=yes ;; esac
  if [ -n "$hypertables" ]; then
    timescale pre
    pour &
  else pour --section=pre-data --section=data & fi
  loading=$!
  while kill -0 "$loading" 2>/dev/null; do
    sleep 0.3
    say read "$(sed -n 's/^pos:[[:space:]]*//p' "/proc/$$/fdinfo/5")"
  done
  wait "$loading" || :
  loading=
  exec 5<&-
  [ -z "$(find "$work" -name '*.failed')" ] || fail "the backup could not be loaded"
  forget
  say step indexes
  if [ -n "$hypertables" ]; then timescale post
  else
    # shellcheck disable=SC2016 # for the shell in the container
    in_server 'exec pg_restore -w --exit-on-error -j 2 --section=post-data -U "$POSTGRES_USER" -d "$1" "$2"' sh \
      "$made" "$inside" </dev/null 2>"$work/index.err" || fail "the indexes could not be made"
  fi
  forget
  unset PGOPTIONS
}

compare() {
  say step compare
  [ "$mode" = try ] || printf 'ANALYZE;\n' | sql "$made" >/dev/null 2>&1 || :
  measure_sql | sql "$made" >"$work/found" 2>"$work/measure.err" || fail "the rows of $made could not be counted"
  if ! cmp -s "$work/expected" "$work/found"; then
    diff "$work/expected" "$work/found" | sed -n 's/^</in the backup:/p; s/^>/restored:/p' | head -n 20 |
      while IFS= read -r line; do say different "$line"; done
    fail "what was restored is not what the backup's record says"
  fi
}

halt() {
  [ -n "$backend" ] && [ "$(docker inspect --format '{{.State.Running}}' "$backend" 2>/dev/null)" = true ] || return 0
  say step stop
  halting=yes
  docker stop "$backend" >/dev/null 2>"$work/stop.err" || fail "$backend could not be stopped"
  halted=yes
  halting=
  say away "$backend"
}

# Both names change in one transaction, or neither; a new database only gets its name.
swap() {
  say step swap
  kept=${1}_replaced_$(date -u +%Y%m%d_%H%M%S)
  exists "$1" || kept=
  for try in 1 2 3 4 5; do
    if sql template1 -v "old=$1" -v "new=$made" -v "kept=$kept" >/dev/null 2>"$work/swap.err" <<'SQL'
SELECT :'kept' <> '' AS there \gset
BEGIN;
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname IN (:'old', :'new') AND pid <> pg_backend_pid();
\if :there
ALTER DATABASE :"old" RENAME TO :"kept";
\endif
ALTER DATABASE :"new" RENAME TO :"old";
COMMIT;
SQL
    then break; fi
    # the answer may be lost, not the swap
    exists "$made" || break
    [ "$try" -lt 5 ] || fail "$1 could not be given its name"
    sleep 1
  done
  made=
  forget
  [ "$mode" != replace ] || say swapped "$1"
  [ -z "$kept" ] || say replaced "$kept"
}

drop_earlier() {
  printf '%s\n' "SELECT datname FROM pg_database
    WHERE datname ~ ('^' || :'name' || '_(restoring|replaced_[0-9_]*)\$') AND datname <> :'kept' ORDER BY 1" |
    sql template1 -v "name=$database" -v "kept=$1" | while IFS= read -r old; do
      if drop "$old"; then say dropped "$old"; fi
    done
}

note_verified() {
  # workers can write to the share, and may have put a link at a fixed name
  noted=$(mktemp "$directory/.making.XXXXXX") && printf '%s\n' "$verified" >"$noted" && mv -T "$noted" "$dump.verified"
}

umask 077
[ "$(docker inspect --format '{{.State.Running}}' "$container" 2>/dev/null)" = true ] ||
  fail "the container $container does not run"
# leftovers in the container from a run whose server stopped meanwhile
docker exec -u root "$container" sh -c 'rm -f /tmp/ktrdr-restore-*' >/dev/null 2>&1 || :
[ "${#database}" -le 38 ] || fail "the name $database leaves no room for a time behind it"
if [ "$mode" = drop ]; then
  drop_earlier none
  exit 0
fi
: "${directory:?}" "${name:?}"
check
case $mode in
  try) scratch_server && new=$database ;;
  into) new=${database}_restoring && { ! exists "$target" || fail "there is a database $target already"; } ;;
  replace) new=${database}_restoring ;;
esac
suits
unpacker
contents
# while nothing is stopped yet: if they are refused, nothing has changed
make_roles
[ "$mode" != replace ] || halt
# what a killed run left
[ "$mode" = try ] || drop "$new" 2>"$work/drop.err" || fail "$new of an earlier run could not be dropped"
forget
create "$new"
load
compare
case $mode in
  try)
    verified=$(date -u +%Y-%m-%dT%H:%M:%SZ)
    note_verified || fail "it could not be noted in $directory that it was verified"
    say verified "$verified"
    ;;
  into) swap "$target" ;;
  replace)
    swap "$database"
    if [ -n "$halted" ]; then
      say step start
      docker start "$backend" >/dev/null 2>"$work/start.err" ||
        fail "$database is restored, but $backend could not be started"
      halted=
    fi
    drop_earlier "${kept:-none}"
    ;;
esac
say restored "$(sed -n 's/.*"table": "[^"]*\.[^"]*", "rows": \([0-9]*\).*/\1/p' "$work/found" |
  awk '{ rows += $1 } END { print rows + 0 }')"
