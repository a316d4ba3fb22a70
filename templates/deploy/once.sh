#!/bin/sh
# Functions for services that run once, before the others of their stack: due CONTAINER, healthy SECONDS CONTAINER and
# once SERVICE CONTAINER SECONDS. A failure is told as a line once, the last lines of its log as lines said.
#
# Needs the functions tell and masked.
set -eu

# whether it has yet to end well in the container that it has now
due() {
  state=$(docker inspect --format '{{.State.Status}} {{.State.ExitCode}}' "$1") || exit $DOCKER_FAILED
  [ "$state" != 'exited 0' ]
}
# waits for what it needs; a container without a health check is not waited for
healthy() {
  left=$1
  while [ "$left" -gt 0 ]; do
    case $(docker inspect --format '{{if .State.Health}}{{.State.Health.Status}}{{end}}' "$2") in
      '' | healthy) return 0 ;;
    esac
    sleep 1
    left=$((left - 1))
  done
}
once() {
  docker start "$2" >/dev/null || exit $DOCKER_FAILED
  code=$(timeout "$3" docker wait "$2") || {
    docker stop "$2" >/dev/null 2>&1 || :
    tell once "$1 did not end within $3 s"
    exit $ONCE_FAILED
  }
  [ "$code" != 0 ] || return 0
  docker logs --tail 3 "$2" 2>&1 | masked "$2" | while IFS= read -r line; do tell said "$line"; done
  tell once "$1 ended with exit code $code"
  exit $ONCE_FAILED
}
