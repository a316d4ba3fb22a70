#!/bin/sh
# Renews the heartbeat of the lock. Comes after tools.sh.
#
# Needs
#   directory   in which the lock is
set -eu
: "${directory:?}" "${flocks:?}"

# not while it is released or taken over
there guard
exec 9<"$flocks.guard"
flock 9
mine || exit $LOCK_LOST
cd "$directory/.ktrdr/lock"
rm -f beat.new
uptime >beat.new
mv beat.new beat
