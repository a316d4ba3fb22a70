#!/bin/sh
# Whether folders that Docker and the toolkit need can be written to: a fact "room FOLDER" for each that cannot,
# with the reason. A part of scripts that gather facts. BYTES and LOCKS are filled in.
#
# Needs the function say, and
#   root   the folder of Docker's data, or nothing
set -eu
: "${root=}"

room_of() {
  one=$(umask 077; mktemp "$1/.ktrdr-room.XXXXXX") || return 1
  # its name is removed before anything is written
  exec 7>"$one"
  rm -f "$one"
  case $1 in /run/lock) bytes=LOCKS ;; *) bytes=BYTES ;; esac
  head -c "$bytes" /dev/zero >&7
}
room() {
  [ -d "$1" ] || { say "room $1" 'no such folder'; return 0; }
  said=$(room_of "$1" 2>&1) || { said=${said##*: }; say "room $1" "${said:-nothing can be written there}"; }
}
room_everywhere() {
  if [ "$(id -u)" = 0 ]; then set -- /tmp /var/tmp /run /run/lock /dev/shm; else set -- /tmp; fi
  for folder do room "$folder"; done
  [ "$(id -u)" = 0 ] || return 0
  for folder in ${root:+"$root"} /run/docker /run/containerd /var/lib/containerd; do
    [ ! -d "$folder" ] || room "$folder"
  done
}
room_everywhere
