#!/bin/sh
# Says who holds the lock, and changes nothing: the facts from, held and age. Comes after project.sh.
#
# Needs the function say, and
#   directory   in which the lock is
set -eu
: "${directory:?}" "${flocks:?}"

from=$(elsewhere)
at=${from:-$directory}/.ktrdr
if [ ! -L "$at" ] && [ ! -L "$at/lock" ] && [ -d "$at/lock" ]; then
  [ -z "$from" ] || say from "$from"
  say held "$(cat "$at/lock/owner" 2>/dev/null || echo nobody)"
  beat=$(cat "$at/lock/beat" 2>/dev/null || :)
  case $beat in '' | *[!0-9]*) ;; *) [ "$beat" -gt "$(uptime)" ] || say age "$(($(uptime) - beat))" ;; esac
fi
