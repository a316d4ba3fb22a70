#!/bin/sh
# How much of the machine is in use: the facts memory-used, without the cache that the kernel would give back, in the
# limit's own terms where there is one; load; uptime. A part of scripts that gather facts.
#
# Needs the function say.
set -eu

in_use() {
  total=$(awk '/^MemTotal:/ { printf "%.0f", $2 * 1024 }' /proc/meminfo)
  for group in /sys/fs/cgroup /sys/fs/cgroup/memory; do
    limit=$(cat "$group/memory.max" "$group/memory.limit_in_bytes" 2>/dev/null || :)
    case $limit in '' | *[!0-9]* | ???????????????????*) continue ;; esac
    [ "$limit" -lt "$total" ] || continue
    used=$(cat "$group/memory.current" "$group/memory.usage_in_bytes" 2>/dev/null || :)
    cache=$(awk '$1 == "inactive_file" || $1 == "total_inactive_file" { cache = $2 } END { print cache + 0 }' \
      "$group/memory.stat")
    printf %s "$((used - cache))"
    return
  done
  awk '/^MemTotal:/ { total = $2 } /^MemAvailable:/ { free = $2 } END { printf "%.0f", (total - free) * 1024 }' \
    /proc/meminfo
}
say memory-used "$(in_use)"
say load "$(cut -d ' ' -f 1 /proc/loadavg)"
say uptime "$(cut -d . -f 1 /proc/uptime)"
