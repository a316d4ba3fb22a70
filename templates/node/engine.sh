#!/bin/sh
# Whether the Docker Engine answers, the disk that it has, what it stores by, and the version of Compose: the facts
# docker, driver, "disk ROOT" and docker-root, or docker-error; and compose. A part of scripts that gather facts.
#
# Sets docker and compose to the versions (empty if missing), and stopped to the number of stopped containers.
# Needs the functions say and free.
set -eu

docker='' root='' driver='' stopped='' compose=''
newline='
'
format='engine|{{.ServerVersion}}|{{.DockerRootDir}}|{{.Driver}}|{{.ContainersStopped}}'
format="$format|{{range .ClientInfo.Plugins}}{{if eq .Name \"compose\"}}{{.Version}}{{end}}{{end}}"
said=$(timeout 10 docker info --format "$format|{{range .ServerErrors}}{{.}} {{end}}" 2>&1) || :
case $said in *'engine|'*)
  # without an Engine the client complains before the line, after it, or in it, as its version is
  line=${said##*engine|}
  said=${said%%engine|*}${line#"${line%%"$newline"*}"}
  line=${line%%"$newline"*}
  docker=${line%%|*} line=${line#*|}
  root=${line%%|*} line=${line#*|}
  driver=${line%%|*} line=${line#*|}
  # shellcheck disable=SC2034 # scripts that start containers read it
  stopped=${line%%|*} line=${line#*|}
  compose=${line%%|*}
  said=${said:-${line#*|}} ;;
esac
if [ -n "$docker" ]; then
  say docker "$docker"
  say driver "$driver"
  say "disk $root" "$(free "$root")"
  say docker-root "$root"
else
  command -v docker >/dev/null 2>&1 || said='docker is not installed on this host'
  say docker-error "${said:-no answer within 10 s}"
fi
[ -z "$compose" ] || say compose "$compose"
