#!/bin/sh
# Goes on with what is written from now on, until somebody ends it. Comes after list.sh, and after past.sh where that is
# asked for.
#
# Needs the functions list and starts, and
#   folder    for pipes and notes
set -eu
: "${folder:?}"

mark '' '~' ''
# sshd keeps us for hours where the other side died without a word, unless something is to be sent: then TCP gives it up in a quarter of one
while sleep 60; do mark '' '=' ''; done &
one() {
  while :; do
    rm -f "$folder/$1.again"
    from=$(cat "$folder/$1.last" 2>/dev/null || :)
    mark "$1" '>' "$from"
    docker logs --follow --timestamps ${from:+--since "$from"} "$1" 2>&1 | lines "$1" yes
    rmdir "$folder/$1.busy"
    # who started it again meanwhile, or sees this too late, finds it not busy
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
  # the Engine is away
  sleep 2
done
