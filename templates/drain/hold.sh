#!/bin/sh
# Stops running containers of a Compose project, reports how many, and starts them again when the file hold is gone,
# or when the script ends for any other reason.
#
# The sender replaces STOP by the command that stops a worker. Needs
#   project   of Compose
#   services  of it that are stopped; empty for all
#   hold      the file
set -eu
: "${project:?}" "${services?}" "${hold:?}"

running() { docker ps -q --filter "label=com.docker.compose.project=$project" "$@"; }
if [ -z "$services" ]; then ids=$(running)
else ids=$(for one in $services; do running --filter "label=com.docker.compose.service=$one"; done); fi
settled=
finish() {
  trap - EXIT
  trap '' HUP INT TERM
  rm -f "$hold"
  [ -n "$ids" ] || exit 0
  # in a session of its own: this script is killed after ten seconds, in which a busy engine may not start them all
  # shellcheck disable=SC2086 # ids
  if [ -n "$settled" ]; then
    setsid docker start $ids </dev/null >/dev/null 2>&1 &
    wait "$!"
  # an interrupted stop goes on in the engine, and would stop what is started before its end; no caller waits so long
  else setsid sh -c 'STOP "$@"; docker start "$@"' sh $ids </dev/null >/dev/null 2>&1 & fi
}
trap finish EXIT
trap 'exit 143' HUP INT TERM
# the shell reports a command that a signal ended, to a caller that may be gone
trap '' PIPE
: >"$hold"
# shellcheck disable=SC2086 # ids
[ -z "$ids" ] || STOP $ids >/dev/null
settled=yes
printf 'stopped\t%s\n' "$(printf %s "$ids" | grep -c .)"
while [ -e "$hold" ]; do sleep 0.2; done
