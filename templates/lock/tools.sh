#!/bin/sh
# Functions of the scripts that take the lock, hold it or release it: leave, there, kept and mine. They end the script
# if other users can change what they would write. Come after project.sh.
#
# Needs
#   directory   in which the lock is
#   id          of the run
set -eu
: "${directory:?}" "${id:?}" "${flocks:?}"

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
unsafe() { echo "$1" >&2; exit $UNSAFE; }
# a user with write access to a folder can replace anything in it
kept() {
  for one in "$directory" "$directory/.ktrdr"; do
    [ ! -d "$one" ] || [ -z "$(find "$one/." -maxdepth 0 -perm -0002)" ] || unsafe "$one is writable by all users"
  done
  for one in "$directory/.ktrdr" "$directory/.ktrdr/lock"; do [ ! -L "$one" ] || unsafe "$one is a symbolic link"; done
}
mine() { [ "$(cat "$directory/.ktrdr/lock/id" 2>/dev/null)" = "$id" ]; }
