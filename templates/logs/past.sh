#!/bin/sh
# Sends the present lines of all containers in the order of their times. Comes after list.sh.
#
# Needs
#   folder    for pipes and notes
#   ids       of the containers
#   started   when the script began
#   tail      lines of each container, or all
#   since     docker's own form; empty for all
set -eu
: "${folder:?}" "${ids=}" "${started:?}" "${tail:?}" "${since=}"

tab=$(printf '\t')
set --
for id in $ids; do
  mkfifo "$folder/$id.pipe"
  { docker logs --timestamps --tail "$tail" ${since:+--since "$since"} "$id" 2>&1 </dev/null |
    lines "$id" ''; } >"$folder/$id.pipe" &
  set -- "$@" "$folder/$id.pipe"
done
# a shell that waits hears signals
[ $# = 0 ] || { sort -m -s -t "$tab" -k 1,1 --batch-size="$(($# + 2))" "$@" & wait "$!"; }
wait
for id in $ids; do [ -s "$folder/$id.last" ] || printf %s "$started" >"$folder/$id.last"; done
