#!/bin/sh
# The beginning of the script that systemd runs on core each day: it turns the reports of the rest, backup.sh, into
# lines of a journal. The numbers in front of them are journald's.

# Makes a backup of KTRDR's database, for ktrdr-backup.service; what it says is in `journalctl -u ktrdr-backup`.
set -eu
if [ "${1:-}" != make ]; then
  tell() {
    while IFS="$(printf '\t')" read -r what value; do
      case $what in
        database) echo "the database has $value bytes on its disk" ;;
        backup) echo "backup $value is good" ;;
        removed) echo "backup $value is removed by retention" ;;
        failed) echo "$value" ;;
        metrics | waiting) echo "<4>$value" ;;
      esac
    done
  }
  exec 5>&1
  code=$({ { "$0" make 4>&- 5>&- || echo "$?" >&4; } | tell >&5; } 4>&1)
  case ${code:-0} in
    0) ;;
    75) echo "nothing was done: only one may run at a time" ;;
    *) echo "<3>no backup was made, and the earlier ones are as they were" ;;
  esac
  exit "${code:-0}"
fi

