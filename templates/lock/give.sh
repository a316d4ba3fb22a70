#!/bin/sh
# The function give, which releases the lock if this run still has it. Comes after tools.sh.
#
# Needs
#   directory   in which the lock is
set -eu
: "${directory:?}" "${flocks:?}"

give() {
  [ -d "$directory/.ktrdr/lock" ] || return 0
  there guard
  exec 9<"$flocks.guard"
  flock 9
  mine || return 0
  made=$(cat "$directory/.ktrdr/lock/made" 2>/dev/null || :)
  [ "$(cat "$flocks.at" 2>/dev/null)" != "$directory" ] || rm -f "$flocks.at"
  rm -rf "$directory/.ktrdr/lock"
  leave "$made"
}
