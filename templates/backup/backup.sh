#!/bin/sh
# Makes a backup of KTRDR's database out of its container, on the node that the container runs on: what `backup-db`
# runs over ssh, and ktrdr-backup.timer on the node by itself. Needs Docker and the usual commands; compresses with
# zstd where container or node has it, else with pigz or gzip.
#
# Variables:
#   container, database  where the database is
#   released             the container by whose image the release is known; empty for none
#   directory            of the backups; empty: the dump goes to standard output and its record is said, nothing is left
#                        here
#   keep, days           so many of the newest stay, and of these none older than so many days; 0 for no limit. The
#                        newest always stays.
#   by                   who asked, for the record
#   lock_wait            seconds to wait for a lock of another session
#   metrics              folder for backup.prom, which node-exporter reads; empty for none
# Says on descriptor 3 (standard output, or standard error where the dump goes there) a line for each fact: its name,
# a tab, its value.
#   database BYTES, written BYTES, waiting SENTENCE, removed NAME, backup NAME, metrics SENTENCE, record BASE64 (in
#   pieces, one after another), failed SENTENCE
# A backup is three files: NAME.dump.zst (or .gz; in pg_dump's custom format), NAME.json, the record, and
# NAME.dump.zst.sha256 with the sums of both; after a test restore also NAME.dump.zst.verified.
# They appear when all is good, the dump last. Exit code 75 where a backup or a restore is under way. It needs
# common.sh.
set -eu
: "${container:?}" "${database:?}" "${keep:?}" "${days:?}" "${by:?}" "${lock_wait:?}"
: "${metrics=}" "${released=}"

if [ -n "$directory" ]; then exec 3>&1 1>&2; else exec 3>&2; fi
say() { printf '%s\t%s\n' "$1" "$2" >&3; }
work=$(mktemp -d /run/ktrdr-backup.XXXXXX)
making=
session=
dumping=
telling=
waiting=
id=${work##*.}

# A file of series for node-exporter's textfile collector: other series stay as they were. A
# failure here does not fail the backup.
series() {
  # where nothing was deployed no node-exporter collects
  [ -n "$metrics" ] && [ -d "${metrics%/*}" ] || return 0
  prom=$metrics/backup.prom
  {
    [ ! -L "$metrics" ] && mkdir -p "$metrics" && chmod 755 "$metrics" && rm -f "$metrics/backup.new" &&
      { [ ! -f "$prom" ] || sed -n '/^ktrdr_backup_[a-z_]* [0-9][0-9]*$/p' "$prom"; } >"$work/series" &&
      printf 'ktrdr_backup_%s %s\n' "$@" >>"$work/series" &&
      awk '{ value[$1] = $2 }
        END { for (name in value) printf "# TYPE %s gauge\n%s %s\n", name, name, value[name] }' \
        "$work/series" >"$metrics/backup.new" &&
      chmod 644 "$metrics/backup.new" && mv -fT "$metrics/backup.new" "$prom"
  } 2>/dev/null || say metrics "$prom could not be written"
}

# However this ends, it leaves no partial backup and no dump running in the container.
finish() {
  code=$?
  trap - EXIT
  trap '' HUP INT TERM
  if [ "$code" -ne 0 ]; then
    [ -z "$dumping" ] || kill "$dumping" 2>/dev/null || :
    [ -z "$session" ] || timeout 10 docker exec "$container" \
      sh -c 'psql -w -X -q -U "$POSTGRES_USER" -d postgres -c "$1"' sh \
      "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'ktrdr-backup-$id'" \
      >/dev/null 2>&1 || :
    # finding another one running is not a failure
    [ "$code" -eq 75 ] || series last_failure_timestamp_seconds "$(date +%s)" || :
  fi
  [ -z "$telling" ] || kill "$telling" 2>/dev/null || :
  [ -z "$sole" ] || true >/run/lock/ktrdr-backup || :
  rm -rf "$work" ${making:+"$making"}
  exit "$code"
}
trap finish EXIT
trap 'exit 143' HUP INT TERM
# without a reader, writing fails instead of ending the script
trap '' PIPE

alone 0 "a backup by $by"
# leftovers of killed runs; the folder of a run that is about to be refused is younger
find /run -maxdepth 1 -name 'ktrdr-backup.*' ! -path "$work" -mmin +1 -exec rm -rf '{}' +

in_container() { docker exec -i -e "PGAPPNAME=ktrdr-backup-$id" "$container" sh -c "$@"; }

# Which session has the lock that the backup waits for; nothing if none has. The other's statement may hold a secret.
blocked() {
  # shellcheck disable=SC2016 # for the shell in the container
  timeout 10 docker exec "$container" sh -c 'exec psql -w -X -Atq -U "$POSTGRES_USER" -d "$1" -c "$2"' sh "$database" "
    SELECT concat('waits for a lock on ',
        (SELECT relation::regclass FROM pg_locks WHERE pid = w.pid AND NOT granted LIMIT 1),
        ' that process ', h.pid, ' has: ',
        concat_ws(', ', h.usename, nullif(h.application_name, ''), h.state,
            'its transaction began at ' || to_char(h.xact_start AT TIME ZONE 'UTC', 'HH24:MI:SS\"Z\"')))
      FROM pg_stat_activity w CROSS JOIN LATERAL unnest(pg_blocking_pids(w.pid)) b(pid)
      JOIN pg_stat_activity h ON h.pid = b.pid
      WHERE w.application_name = 'ktrdr-backup-$id'
      ORDER BY h.application_name LIKE 'ktrdr-backup-%', h.xact_start LIMIT 1" </dev/null 2>/dev/null 3>&- 7>&- || :
}

# Says it when it changes.
waits() {
  was=$waiting
  waiting=$(blocked)
  [ -z "$waiting" ] || [ "$waiting" = "$was" ] || say waiting "$waiting"
  printf %s "$waiting" >"$work/waiting" || :
}

# Chooses where to compress, and how.
choose() {
  threads=$(nproc)
  if docker exec "$container" sh -c 'command -v zstd' >/dev/null 2>&1; then inside="zstd -q -1 -T$threads" outside=cat
  elif command -v zstd >/dev/null 2>&1; then inside=cat outside="zstd -q -1 -T$threads"
  elif command -v pigz >/dev/null 2>&1; then inside=cat outside=pigz
  else inside=cat outside=gzip; fi
  case $inside$outside in *zstd*) ending=zst ;; *) ending=gz ;; esac
}

# The table of contents of a dump on standard input, read no further than needed.
contents() {
  case $inside$ending in
    zstd*) docker exec -i "$container" sh -c 'zstd -q -dc 2>/dev/null | pg_restore -l' ;;
    *zst) zstd -q -dc 2>/dev/null | docker exec -i "$container" pg_restore -l ;;
    *) gzip -dc 2>/dev/null | docker exec -i "$container" pg_restore -l ;;
  esac >"$work/contents" 2>"$work/list.err" || :
}

# The server's databases if it lacks this one, as ", which has a, b"; nothing if it does not answer.
others() {
  # shellcheck disable=SC2016 # for the shell in the container
  timeout 10 docker exec -i "$container" \
    sh -c 'exec psql -w -X -Atq -U "$POSTGRES_USER" -d template1 -v "name=$1"' sh "$database" \
    2>/dev/null 3>&- 7>&- <<'SQL' || :
SELECT ', which has ' || string_agg(datname, ', ' ORDER BY datname)
  FROM pg_database WHERE NOT datistemplate HAVING NOT bool_or(datname = :'name');
SQL
}

# One transaction sees the database as the dump does: it lends pg_dump its snapshot, and measures while pg_dump reads.
begin() {
  mkfifo "$work/ask"
  # shellcheck disable=SC2016 # for the shell in the container
  in_container 'exec psql -w -X -At -q -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" -d "$1"' sh "$database" \
    <"$work/ask" >"$work/answer" 2>"$work/session.err" &
  session=$!
  exec 4>"$work/ask"
  cat >&4 <<'SQL' || :
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT pg_database_size(current_database()), current_setting('server_version_num'), current_setting('server_version'),
    to_char(now() AT TIME ZONE 'UTC', 'YYYYMMDD"T"HH24MISS"Z"'),
    to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), pg_export_snapshot();
SELECT json_object_agg(extname, extversion ORDER BY extname) FROM pg_extension;
SELECT coalesce(json_agg(statement ORDER BY step, statement), '[]') FROM (
  SELECT 1 AS step, format('CREATE ROLE %I%s%s%s%s', rolname, CASE WHEN rolsuper THEN ' SUPERUSER' ELSE '' END,
      CASE WHEN rolinherit THEN '' ELSE ' NOINHERIT' END,
      CASE WHEN rolcreaterole THEN ' CREATEROLE' ELSE '' END, CASE WHEN rolcreatedb THEN ' CREATEDB' ELSE '' END)
      || CASE WHEN rolcanlogin THEN ' LOGIN' ELSE '' END AS statement FROM pg_roles WHERE rolname !~ '^pg_'
  UNION ALL SELECT 2, format('GRANT %I TO %I', granted.rolname, member.rolname) FROM pg_auth_members m
      JOIN pg_roles granted ON granted.oid = m.roleid JOIN pg_roles member ON member.oid = m.member
      WHERE member.rolname !~ '^pg_') all_roles;
\echo ready
SQL
  until [ "$(tail -n 1 "$work/answer")" = ready ]; do
    kill -0 "$session" 2>/dev/null || fail "the database $database does not answer in the container $container$(others)"
    sleep 0.05
  done
  {
    IFS='|' read -r size version_number version stamp made snapshot && read -r extensions && read -r roles
  } <"$work/answer"
  say database "$size"
}

# The dump, compressed, on standard output, and its checksum; what went wrong in which part of the pipe is noted in a
# file. A dump that does not stay here is read again while it passes.
dump() {
  mkfifo "$work/copy"
  sha256sum <"$work/copy" >"$work/sum" &
  summing=$!
  reading=
  if [ -z "$directory" ]; then
    mkfifo "$work/again"
    { contents; cat >/dev/null; } <"$work/again" &
    reading=$!
  fi
  # shellcheck disable=SC2016 # for the shell in the container
  { in_container '
      exec 5>&1
      codes=$({
        { pg_dump -w -Fc -Z0 --lock-wait-timeout="$4" -U "$POSTGRES_USER" --snapshot="$2" -d "$1"; echo $? >&4; } |
          $3 >&5 || echo $? >&4
      } 4>&1)
      [ "$codes" = 0 ]' sh "$database" "$snapshot" "$inside" "${lock_wait}s" \
      2>"$work/dump.err" || : >"$work/dump.failed"
  } | { $outside 2>"$work/pack.err" || : >"$work/pack.failed"; } | {
    tee "$work/copy" ${reading:+"$work/again"} 2>"$work/write.err" || : >"$work/write.failed"
  }
  wait "$summing" $reading
}

say_record() { base64 -w 8000 | while IFS= read -r piece; do say record "$piece"; done; }

good() { [ -z "$(find "$work" -name '*.failed')" ]; }

record() {
  sed -n '/^{"table"/p' "$work/answer" | sed 's/^/    /; $!s/$/,/' >"$work/tables"
  cat <<EOF
{
  "name": "$name",
  "made": "$made",
  "by": "$by",
  "tag": "$tag",
  "database": "$database",
  "server": "$version",
  "server_number": $version_number,
  "image": "$image",
  "database_bytes": $size,
  "file": "$name.dump.$ending",
  "bytes": $bytes,
  "sha256": "$sum",
  "seconds": $(($(date +%s) - started)),
  "extensions": $extensions,
  "roles": $roles,
  "tables": [
$(cat "$work/tables")
  ]
}
EOF
}

# The dump is renamed last, and retention removes it last: a record without its dump is not a backup.
appear() {
  for file in "$name.json" "$name.dump.$ending.sha256" "$name.dump.$ending"; do mv -T "./$file" "$directory/$file"; done
  sync "$directory"
}

retention() {
  count=0
  find "$directory/" -maxdepth 1 -type f -printf '%f\n' |
    sed -n '/^ktrdr-[0-9]\{8\}T[0-9]\{6\}Z-.*\.dump\.\(zst\|gz\)$/p' | LC_ALL=C sort -r | while IFS= read -r old; do
    base=${old%.dump.*}
    [ -f "$directory/$old.sha256" ] && [ -f "$directory/$base.json" ] || continue
    count=$((count + 1))
    # a wrong clock may have named a backup of the future
    [ "$count" -gt 1 ] && [ "$old" != "$name.dump.$ending" ] || continue
    if [ "$keep" -gt 0 ] && [ "$count" -gt "$keep" ] ||
      [ "$days" -gt 0 ] && [ -n "$(find "$directory/$old" -mmin +$((days * 1440)))" ]; then
      rm -f "$directory/$old" "$directory/$old.sha256" "$directory/$old.verified" "$directory/$base.json"
      say removed "$old"
    fi
  done
}

started=$(date +%s)
umask 077
if [ -n "$directory" ]; then
  [ -d "$directory" ] || fail "there is no folder $directory for backups"
  # leftovers of a killed run; the lock keeps other runs away
  rm -rf "$directory"/.making.*
  making=$(mktemp -d "$directory/.making.XXXXXX") || fail "no file can be written in $directory"
  # workers can write to the share and may replace this folder: from here on the script works in its current folder,
  # whatever has its name (the set-group-ID bit is that of the share's folders)
  cd -P "$making" && stat -c '%u %a' . | grep -Eqx "$(id -u) 2?700" && [ -z "$(ls -A)" ] ||
    fail "another process changes files in $directory"
fi
# missing containers are left out of the answer
docker inspect --format '{{.Name}} {{.State.Running}} {{.Config.Image}}' "$container" ${released:+"$released"} \
  >"$work/containers" 2>/dev/null || :
image=$(sed -n "s,^/$container true ,,p" "$work/containers")
[ -n "$image" ] || fail "the container $container does not run"
tag=$(sed -n "s,^/$released [a-z]* .*:,,p" "$work/containers" | tr -cd 'A-Za-z0-9._-')
tag=${tag:-none}
choose
begin
name=ktrdr-$stamp-$tag
while [ -n "$directory" ] && [ -e "$directory/$name.dump.$ending" ]; do name=${name}_again; done
file=./$name.dump.$ending
if [ -n "$directory" ]; then dump >"$file" & else dump & fi
dumping=$!
measure_sql >&4 || :
# Locks that pg_dump waits for are reported before its first byte, which a receiver elsewhere counts.
# This loop may outlive the script by a moment: it holds neither the lock nor descriptors that others wait for.
turn=0
while sleep 0.3 3>&-; do
  turn=$((turn + 1))
  written=$([ -z "$directory" ] && [ -s "$work/contents" ] && echo 1 || stat -c %s "$file" 2>/dev/null || echo 0)
  if [ -n "$directory" ]; then say written "$written"; fi
  [ "$written" != 0 ] || [ $((turn % 4)) -ne 0 ] || waits
done >/dev/null 2>&1 4>&- 7>&- &
telling=$!
wait "$dumping" || fail "the dump of $database broke off"
kill "$telling" 2>/dev/null || :
# pg_dump's own words for a lock that it was not given
if grep -q 'statement timeout' "$work/dump.err" 2>/dev/null && [ -s "$work/waiting" ]; then
  fail "the dump of $database was given up after $lock_wait s: it $(cat "$work/waiting")"
fi
good || fail "the dump of $database broke off"
# only now: pg_dump uses the snapshot
echo 'COMMIT;' >&4 || :
exec 4>&-
# a session that waited for the end of the dump may now lock a table that is still to be counted
late=0
while kill -0 "$session" 2>/dev/null; do
  sleep 0.1
  late=$((late + 1))
  [ $((late % 20)) -eq 0 ] || continue
  waits
  if [ -z "$waiting" ]; then late=0; fi
  [ $((late / 10)) -lt "$lock_wait" ] || fail "counting the rows of $database broke off after $lock_wait s: it $waiting"
done
wait "$session" || fail "counting the rows of $database broke off"
session=
sum=$(sed 's/ .*//' "$work/sum")
if [ -n "$directory" ]; then
  sync "$file" || fail "the backup could not be written to $directory"
  bytes=$(stat -c %s "$file")
  # read from the disk, not from memory
  dd if="$file" iflag=nocache count=0 2>/dev/null
  [ "$(sha256sum <"$file" | sed 's/ .*//')" = "$sum" ] ||
    fail "what is on the disk in $directory is not what the database sent"
  contents <"$file"
fi
[ -s "$work/contents" ] || fail "the table of contents of the backup cannot be read"
if [ -n "$directory" ]; then
  record >"./$name.json"
  { printf '%s  %s\n' "$sum" "$name.dump.$ending" && sha256sum "$name.json"; } >"$file.sha256"
  sync "$file.sha256" "./$name.json" || fail "the backup could not be written to $directory"
  appear
  rows=$(sed -n '/"table": "large objects"/!s/^ *{"table".*"rows" *: *\([0-9][0-9]*\).*/\1/p' "$work/tables" |
    awk '{ rows += $1 } END { printf "%.0f", rows }') || rows=0
  now=$(date +%s)
  series last_success_timestamp_seconds "$now" size_bytes "$bytes" duration_seconds $((now - started)) rows "$rows" || :
  say backup "$name"
  say_record <"$directory/$name.json"
  if [ "$keep" -gt 0 ] || [ "$days" -gt 0 ]; then retention; fi
else
  bytes=0 # the receiver knows
  record | say_record
fi
