#!/bin/sh
# Keeps ports of this node to the addresses in rules.v4 and rules.v6 of its folder, by a chain of its own, KTRDR-FLEET.
# Run by deploy and by ktrdr-firewall.service.
#
#   firewall.sh up       puts the chain and the jumps to it in place, atomically for each family of addresses; changes
#                        nothing if they are in place
#   firewall.sh check    reports each difference in a line, and fails if there is one
#   firewall.sh down     removes them
#
# Docker has its chain DOCKER-USER gone through before its own rules let anything in, and after the destination was
# rewritten: so the rules ask the kernel's connection tracking for the port that was asked for, and only what was
# rewritten is looked at. Over IPv6 docker-proxy may take a connection on the host instead, which INPUT sees.
set -eu
export LC_ALL=C
chain=KTRDR-FLEET
folder=$(dirname "$0")

# the jumps to the chain, as -S prints them behind -A
jumps() {
  echo "DOCKER-USER -m conntrack --ctstate DNAT -j $chain"
  [ "$1" = iptables ] || echo "INPUT -p tcp -j $chain"
}

jumping() { "$1" -w 10 -S | sed -n "s/^-A \(.* -j $chain\)\$/\1/p"; }

rules() { [ "$1" = iptables ] && echo "$folder/rules.v4" || echo "$folder/rules.v6"; }

# the target of each rule: targets and their order are compared as text, iptables compares the rest itself
targets() { sed -n '/^-A /s/.* -j //p'; }

differs() {
  there=$("$1" -w 10 -S "$chain" 2>/dev/null) || { echo "$1: the chain $chain is not there"; return 0; }
  [ "$(printf '%s\n' "$there" | targets)" = "$(targets <"$(rules "$1")")" ] ||
    echo "$1: the chain $chain has other rules"
  sed -n 's/^-A //p' "$(rules "$1")" | while read -r rule; do
    # shellcheck disable=SC2086 # words of a rule, of which none has a blank
    "$1" -w 10 -C $rule 2>/dev/null || echo "$1: the rule is missing: $rule"
  done
  [ "$(jumping "$1" | sort)" = "$(jumps "$1" | sort)" ] || echo "$1: other jumps lead to $chain"
  case $("$1" -w 10 -S DOCKER-USER 1 2>/dev/null) in
    *" -j $chain") ;;
    *) echo "$1: DOCKER-USER does not begin with the jump to $chain" ;;
  esac
}

up() {
  # what Docker does as it starts, which may be later
  "$1" -w 10 -S DOCKER-USER >/dev/null 2>&1 || "$1" -w 10 -N DOCKER-USER
  [ -n "$(differs "$1")" ] || return 0
  {
    sed '/^COMMIT$/d' "$(rules "$1")"
    jumping "$1" | sed 's/^/-D /'
    jumps "$1" | sed 's/^\([^ ]*\) /-I \1 1 /'
    echo COMMIT
  } | "$1-restore" -w 10 --noflush
}

down() {
  "$1" -w 10 -S "$chain" >/dev/null 2>&1 || return 0
  {
    echo '*filter'
    jumping "$1" | sed 's/^/-D /'
    printf '%s\n' "-F $chain" "-X $chain" COMMIT
  } | "$1-restore" -w 10 --noflush
  # it stays if it has rules, or if Docker jumps to it
  "$1" -w 10 -X DOCKER-USER 2>/dev/null || :
}

families=iptables
# a file of /proc has no size before it is read
! grep -qs . /proc/net/if_inet6 || families="iptables ip6tables"
case ${1:-} in
  up) for family in $families; do up "$family"; done ;;
  check)
    wrong=$(for family in $families; do differs "$family"; done)
    iptables -w 10 -C FORWARD -j DOCKER-USER 2>/dev/null || wrong="${wrong:+$wrong
}Docker does not send what it forwards through DOCKER-USER: its daemon.json needs iptables, not nftables and not none"
    [ -z "$wrong" ] || { printf '%s\n' "$wrong"; exit 1; }
    ;;
  down) for family in iptables ip6tables; do down "$family"; done ;;
  *) echo "usage: $0 up|check|down" >&2; exit 2 ;;
esac
