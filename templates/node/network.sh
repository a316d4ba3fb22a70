#!/bin/sh
# Functions that try the network: ping_one NAME HOST, connect_one HOST PORT, and registry. A part of scripts that gather
# facts.
#
# Needs the function say, and
#   registry   host and port, or nothing
set -eu
: "${registry=}"

ping_one() {
  code=0
  said=$(ping -n -c 1 -W 2 "$2" 2>&1) || code=$?
  case $code in
    0) say "ping $1" "$(printf '%s\n' "$said" | sed -n 's/.*time=\([0-9.]*\).*/\1/p')" ;;
    1) say "ping $1" none ;;
    *) say "ping $1" "cannot: $said" ;;
  esac
}
connect_one() {
  command -v bash >/dev/null 2>&1 || { say "connect $1 $2" "cannot: bash is missing"; return; }
  code=0
  # shellcheck disable=SC2016 # its own arguments
  said=$(timeout 4 bash -c ': <"/dev/tcp/$0/$1"' "$1" "$2" 2>&1) || code=$?
  case $code:$said in
    0:*) say "connect $1 $2" open ;;
    124:*) say "connect $1 $2" silent ;;
    *refused*) say "connect $1 $2" refused ;;
    *) say "connect $1 $2" "cannot: ${said##*: }" ;;
  esac
}
registry() {
  [ -n "$registry" ] || return 0
  command -v curl >/dev/null 2>&1 || { say registry "curl is missing"; return; }
  set -- -sS -o /dev/null -m 10 -w '%{http_code}'
  # as docker does: its own certificate of that registry, if there is one
  [ ! -f "/etc/docker/certs.d/$registry/ca.crt" ] || set -- "$@" --cacert "/etc/docker/certs.d/$registry/ca.crt"
  said=$(curl "$@" "https://$registry/v2/" 2>&1) || :
  say registry "$said"
}
