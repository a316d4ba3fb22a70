#!/bin/sh
# Sends new lines until it is stopped. Comes after list.sh, and after past.sh if the past is wanted.
#
# Needs the functions list and starts, and
#   folder    for pipes and notes
set -eu
: "${folder:?}"

mark '' '~' ''
# without traffic sshd keeps this session for hours after a dead peer; with some, TCP gives up after 15 minutes
while sleep 60; do mark '' '=' ''; done &
one() {
  while :; do
    rm -f "$folder/$1.again"
    from=$(cat "$folder/$1.last" 2>/dev/null || :)
    mark "$1" '>' "$from"
    docker logs --follow --timestamps ${from:+--since "$from"} "$1" 2>&1 | lines "$1" yes
    rmdir "$folder/$1.busy"
    # a container that was started again meanwhile is not busy now
    if [ ! -e "$folder/$1.again" ] || ! mkdir "$folder/$1.busy" 2>/dev/null; then return 0; fi
  done
}
found() {
  wanted "$2" || return 0
  if [ ! -e "$folder/$1.known" ]; then
    : >"$folder/$1.known"
    mark "$1" '*' "$2"
  fi
  : >"$folder/$1.again"
  if mkdir "$folder/$1.busy" 2>/dev/null; then one "$1" & fi
}
while :; do
  moment=$(date +%s)
  { list || :; starts "$moment" || :; } | while read -r id service; do found "$id" "$service"; done &
  wait "$!" || :
  # the Engine does not answer
  sleep 2
done
