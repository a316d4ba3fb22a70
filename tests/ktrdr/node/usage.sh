usage_ids() { docker ps -aq --no-trunc --filter label=com.docker.compose.project='ktrdr-workers'; }
usage_facts='{{.Id}} {{.State.Pid}} {{.LogPath}} service={{index .Config.Labels "com.docker.compose.service"}} since={{.Created}} restarts={{.RestartCount}} layer={{json .SizeRw}} limit={{.HostConfig.Memory}} cpus={{.HostConfig.NanoCpus}} quota={{.HostConfig.CpuQuota}} period={{.HostConfig.CpuPeriod}}{{range .Mounts}}{{if eq .Type "volume"}} volume={{.Source}}{{end}}{{end}}'
# a control group of version 1 is found by its controller, one of version 2 has none
group() {
  sed -n "s/^[0-9]*:\\([^:]*,\\)\\{0,1\\}$2\\(,[^:]*\\)\\{0,1\\}://p" "/proc/$1/cgroup" 2>/dev/null | head -n 1
}
cpu() {
  at=$(group "$1" cpuacct)
  if [ -n "$at" ]; then cat "/sys/fs/cgroup/cpuacct$at/cpuacct.usage" 2>/dev/null || echo 0
  else awk '$1 == "usage_usec" { printf "%.0f\n", $2 * 1000 }' "/sys/fs/cgroup$(group "$1" '')/cpu.stat" 2>/dev/null ||
    echo 0; fi
}
memory() {
  at=$(group "$1" memory)
  if [ -n "$at" ]; then at=/sys/fs/cgroup/memory$at; else at=/sys/fs/cgroup$(group "$1" ''); fi
  all=$(cat "$at/memory.current" "$at/memory.usage_in_bytes" 2>/dev/null || :)
  cache=$(awk '$1 == "inactive_file" || $1 == "total_inactive_file" { cache = $2 } END { print cache + 0 }' \
    "$at/memory.stat" 2>/dev/null || echo 0)
  [ -z "$all" ] || printf %s "$((all - cache))"
}
used() {
  ids=$(usage_ids)
  [ -n "$ids" ] || return 0
  # shellcheck disable=SC2086 # several words
  before=$(docker inspect --format '{{.Id}} {{.State.Pid}}' $ids |
    while read -r id pid; do echo "$id $(date +%s%N) $(cpu "$pid")"; done)
  sleep 0.5
  # shellcheck disable=SC2086
  docker inspect --size --format "$usage_facts" $ids | while read -r id pid log words; do
    then=$(printf '%s\n' "$before" | sed -n "s/^$id //p")
    nanos=$(($(date +%s%N) - ${then% *}))
    used=$(($(cpu "$pid") - ${then#* }))
    volumes=0
    for word in $words; do
      case $word in
        volume=*)
          # no figure is better than a partial one
          size=$(timeout 4 du -sk "${word#volume=}" 2>/dev/null | cut -f 1)
          if [ -n "$size" ] && [ "$volumes" != unknown ]; then
            volumes=$((volumes + size * 1024))
          else volumes=unknown; fi
          ;;
      esac
    done
    say "usage $id" "$words nanos=$nanos cpu=$used memory=$(memory "$pid") log=$(stat -c %s "$log"* 2>/dev/null |
      awk '{ sum += $1 } END { printf "%.0f", sum }') volumes=$volumes"
  done
}
[ -z "$docker" ] || used
