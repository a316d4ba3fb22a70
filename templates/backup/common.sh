# What backup.sh and restore.sh share, and comes before each of them. They have a folder $work, whose *.err hold what
# programs said.

# PostgreSQL's own words about a failure, without statements and follow-up errors if there is more.
words() {
  for said in "$work"/*.err; do
    [ -s "$said" ] || continue
    {
      grep -E '(error|ERROR|FATAL|PANIC|DETAIL):' "$said" | grep -v 'a worker process died' || tail -n 3 "$said"
    } | head -n 3
  done | grep -v '^[[:space:]]*$' | tr '\n\t' '  ' | cut -c 1-600
}

sole=
fail() {
  say failed "$1$(said=$(words); [ -z "$said" ] || printf ': %s' "$said")"
  exit "${2:-1}"
}

# One backup or restore at a time: waits for so many seconds, then fails and names the other. The holder of the lock
# writes to its file what it does.
alone() {
  exec 7<>/run/lock/ktrdr-backup
  if ! flock -w "$1" 7; then
    # it may have the lock and not have written yet
    sleep 0.3
    other=$(head -c 200 /run/lock/ktrdr-backup | head -n 1 | tr -cd 'A-Za-z0-9@._:, -')
    fail "${other:-a backup or a restore} is under way" 75
  fi
  sole=yes
  printf '%s, begun at %s,\n' "$2" "$(date -u +%H:%M:%SZ)" >/run/lock/ktrdr-backup || :
}
