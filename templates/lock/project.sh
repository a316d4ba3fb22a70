#!/bin/sh
# The files of a project in /run/lock, and the functions uptime and elsewhere, for locks outside the project's folder.
# A part of all scripts that ask for the lock.
#
# Needs
#   directory   in which the lock is
#   project     of Compose
set -eu
: "${directory:?}" "${project:?}"

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
