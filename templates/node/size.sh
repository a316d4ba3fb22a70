#!/bin/sh
# What the machine has: the facts cpus, memory and "disk /". A part of scripts that gather facts.
#
# Needs the functions say and free.
set -eu

# a container has its own limits, not the host's: the smallest one counts
cpus=$(nproc)
quota() {
  case $1:$2 in :* | *: | *[!0-9:]*) return 0 ;; esac
  [ "$1" -gt 0 ] && [ "$2" -gt 0 ] || return 0
  [ $((($1 + $2 - 1) / $2)) -ge "$cpus" ] || cpus=$((($1 + $2 - 1) / $2))
}
if read -r limit period 2>/dev/null </sys/fs/cgroup/cpu.max; then quota "$limit" "$period"; fi
if { read -r limit </sys/fs/cgroup/cpu/cpu.cfs_quota_us && read -r period </sys/fs/cgroup/cpu/cpu.cfs_period_us; } \
  2>/dev/null; then quota "$limit" "$period"; fi
say cpus "$cpus"
read -r _ memory _ </proc/meminfo
memory=$((memory * 1024))
for limits in memory.max memory/memory.limit_in_bytes; do
  read -r limit 2>/dev/null <"/sys/fs/cgroup/$limits" || continue
  case $limit in '' | *[!0-9]* | ???????????????????*) continue ;; esac
  [ "$limit" -ge "$memory" ] || memory=$limit
done
say memory "$memory"
say 'disk /' "$(free /)"
