#!/bin/sh
# Takes the lock, or says who has it. Comes after tools.sh.
#
# Needs the function say, and
#   directory   in which the lock is
#   id          of the run
#   owner       who it is, a line of JSON
#   life        seconds that a lock lives after its last beat
set -eu
: "${directory:?}" "${id:?}" "${owner:?}" "${life:?}" "${flocks:?}"

kept
there guard
there busy
exec 9<"$flocks.guard" 8<"$flocks.busy"
flock 9
made=no
[ -d "$directory" ] || made=yes
fail() {
  rm -rf "$directory/.ktrdr/lock"
  leave "$made"
  rm -f "$flocks.at"
  exit $NOT_WRITTEN
}
from=$(elsewhere)
last=$directory
[ -z "$from" ] || last=$from
held() {
  [ ! -d "$1/.ktrdr/lock" ] || say held "$(cat "$1/.ktrdr/lock/owner" 2>/dev/null || echo nobody)"
  [ "$age" -lt 0 ] || say age "$age"
  [ "$1" = "$directory" ] || say from "$1"
  say end yes
  exit 0
}
for one in "$directory" ${from:+"$from"}; do
  age=-1
  [ -d "$one/.ktrdr/lock" ] || continue
  beat=$(cat "$one/.ktrdr/lock/beat" 2>/dev/null || :)
  case $beat in
    # made by hand, or by a run that died that moment
    '' | *[!0-9]*) gone=$(($(date +%s) - $(stat -c %Y "$one/.ktrdr/lock") > life)) ;;
    *) age=$(($(uptime) - beat)); gone=$((age < 0 || age > life)) ;;
  esac
  [ "$gone" != 0 ] || held "$one"
done
if ! flock -n 8; then
  say busy yes
  held "$last"
fi
for one in ${from:+"$from"} "$directory"; do
  [ -d "$one/.ktrdr/lock" ] || continue
  say left "$(cat "$one/.ktrdr/lock/owner" 2>/dev/null || echo nobody)"
  rm -rf "$one/.ktrdr/lock"
  rmdir "$one/.ktrdr" 2>/dev/null || :
done
mkdir -p "$directory/.ktrdr" || fail
cd "$directory/.ktrdr"
mkdir lock || fail
{ printf '%s\n' "$id" >lock/id && printf '%s\n' "$owner" >lock/owner &&
  printf '%s\n' "$made" >lock/made && uptime >lock/beat; } || fail
# always a new file: in that folder another user may have put a link there
{ rm -f "$flocks.at" && (set -C; printf '%s\n' "$directory" >"$flocks.at") 2>/dev/null; } ||
  { echo "$flocks.at cannot be written" >&2; fail; }
say taken yes
say end yes
exec 9<&- 8<&-
cd /
