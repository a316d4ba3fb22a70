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
# not while it is released or taken over
there guard
exec 9<"$flocks.guard"
flock 9
mine || exit 26
cd "$directory/.ktrdr/lock"
rm -f beat.new
uptime >beat.new
mv beat.new beat
