package ktrdr.release;

import java.util.List;
import java.util.Optional;
import ktrdr.Sh;
import ktrdr.node.Docker;
import ktrdr.release.Templates.NodeFile;

/**
 * The figures of a node for Prometheus: node-exporter in a Compose project of its own, next to the stack, and a systemd
 * timer that writes the figures of the node's containers for its textfile collector. A deployment writes and removes
 * their files like all others. An exporter that does not run shows in its target, and does not roll a release back.
 */
public final class NodeMetrics {
    static final String COMPOSE = "metrics/docker-compose.yml";
    static final String CONTAINERS = "metrics/containers.sh";
    public static final String SERVICE = "metrics/ktrdr-containers.service";
    static final String TIMER = "metrics/ktrdr-containers.timer";
    public static final String PROJECT = Docker.METRICS_PROJECT;
    private static final String IMAGE = "image: ";

    private NodeMetrics() {}

    /** The image of node-exporter in the files of a node; empty if they have none. */
    public static Optional<String> image(List<NodeFile> files) {
        return files.stream().filter(file -> file.path().equals(COMPOSE)).flatMap(file -> file.content().lines())
                .map(String::strip).filter(line -> line.startsWith(IMAGE))
                .map(line -> line.substring(IMAGE.length())).findFirst();
    }

    /**
     * Shell lines, run in the stack's directory once these files are there, that start both or remove them. They never
     * fail; they report each failure in a line {@code told metrics}. They need {@code tell} of
     * {@link FileChangesScript}.
     */
    public static String script(List<NodeFile> files, Stack stack) {
        return image(files).isPresent() ? Sh.let("metrics", TextfileMetrics.FOLDER) + UP
                : RoleFiles.owned(stack.node(), "ktrdr-containers.service", DOWN);
    }

    /** The image was pulled with those of the stack, with their login. */
    private static final String UP = """
            # a file .env that another left in the folder is not read
            exporter() { docker compose --env-file /dev/null -f metrics/docker-compose.yml up -d 2>&1; }
            figures() {
              [ -d /run/systemd/system ] || { echo 'figures of containers need systemd'; return 1; }
              [ "$(id -u)" = 0 ] || { echo 'figures of containers need root'; return 1; }
              for unit in service timer; do
                cmp -s "metrics/ktrdr-containers.$unit" "/etc/systemd/system/ktrdr-containers.$unit" && continue
                install -m 644 "metrics/ktrdr-containers.$unit" /etc/systemd/system && changed=yes || return 1
              done
              [ -z "$changed" ] || systemctl daemon-reload || return 1
              [ -z "$changed" ] && systemctl is-active -q ktrdr-containers.timer && systemctl is-enabled -q \
            ktrdr-containers.timer && return 0
              systemctl enable -q ktrdr-containers.timer && systemctl restart ktrdr-containers.timer
            }
            changed=
            mkdir -p "$metrics" && chmod 755 "$metrics" || :
            for part in exporter figures; do
              said=$($part 2>&1) || tell metrics "$part: $(printf %s "$said" | tail -n 1)"
            done
            """;

    private static final String DOWN = """
            ids=$(docker ps -aq --filter label=com.docker.compose.project=%s)
            # shellcheck disable=SC2086 # a list of ids
            [ -z "$ids" ] || docker rm -f $ids >/dev/null || tell metrics 'node-exporter could not be removed'
            if [ -f /etc/systemd/system/ktrdr-containers.timer ]; then
              systemctl disable -q --now ktrdr-containers.timer 2>/dev/null || :
              systemctl stop ktrdr-containers.service 2>/dev/null || :
              rm -f /etc/systemd/system/ktrdr-containers.timer /etc/systemd/system/ktrdr-containers.service && \
            systemctl daemon-reload || tell metrics 'the timer ktrdr-containers could not be removed'
              # what it was stopped in, or failed in before, would be a failed unit without a file
              systemctl reset-failed ktrdr-containers.service 2>/dev/null || :
              rm -f .ktrdr/metrics/containers.prom
            fi
            """.formatted(PROJECT);
}
