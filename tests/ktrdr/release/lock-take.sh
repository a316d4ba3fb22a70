say() {
  case $2 in
    *[[:cntrl:]]*) printf '%s\t%s\n' "$1" "$(printf %s "$2" | tr '\n\t\r' '   ')" ;;
    *) printf '%s\t%s\n' "$1" "$2" ;;
  esac
}
directory='/opt/a stack'
project='ktrdr-core'
id='1'
uptime() { cut -d . -f 1 /proc/uptime; }
flocks=/run/lock/$project
# another folder from which the project is deployed; files of other users in /run/lock are ignored
elsewhere() {
  [ ! -L "$flocks.at" ] && [ -f "$flocks.at" ] || return 0
  case $(stat -c %u "$flocks.at") in 0 | "$(id -u)") ;; *) return 0 ;; esac
  IFS= read -r other <"$flocks.at" || return 0
  case $other in "$directory") ;; /*) [ -L "$other/.ktrdr" ] || [ -L "$other/.ktrdr/lock" ] ||
    [ ! -d "$other/.ktrdr/lock" ] || printf %s "$other" ;; esac
}
# removes folders that were made only for the lock
leave() {
  rmdir "$directory/.ktrdr" 2>/dev/null || return 0
  [ "$1" != yes ] || rmdir "$directory" 2>/dev/null || :
}
# opened for reading, created only if missing: in that folder even root may not create-open another user's file
there() {
  [ ! -L "$flocks.$1" ] && { [ -f "$flocks.$1" ] || [ ! -e "$flocks.$1" ]; } ||
    unsafe "$flocks.$1 is not a regular file"
  [ -e "$flocks.$1" ] || : >"$flocks.$1"
}
unsafe() { echo "$1" >&2; exit 29; }
# a user with write access to a folder can replace anything in it
kept() {
  for one in "$directory" "$directory/.ktrdr"; do
    [ ! -d "$one" ] || [ -z "$(find "$one/." -maxdepth 0 -perm -0002)" ] || unsafe "$one is writable by all users"
  done
  for one in "$directory/.ktrdr" "$directory/.ktrdr/lock"; do [ ! -L "$one" ] || unsafe "$one is a symbolic link"; done
}
mine() { [ "$(cat "$directory/.ktrdr/lock/id" 2>/dev/null)" = "$id" ]; }
owner='{"id":"1","who":"karl@laptop","since":"2026-01-01T10:00:00Z","what":"deploy core"}'
life=30
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
  exit 20
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
