package ktrdr.release;

import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;
import ktrdr.Sh;
import ktrdr.inventory.Inventory;
import ktrdr.node.NodeFiles;

/**
 * Series for node-exporter's textfile collector, in {@code <directory>/.ktrdr/metrics}: each file is written whole
 * under a name that the collector ignores, then renamed. In Prometheus' text format
 * (https://prometheus.io/docs/instrumenting/exposition_formats/, version 0.0.4).
 */
public final class TextfileMetrics {
    /** In the stack's directory. */
    static final String FOLDER = NodeFiles.OURS + "/metrics";
    private static final String INFO = "ktrdr_release_info";
    private static final String DEPLOYMENT = "ktrdr_deployment_timestamp_seconds";

    private TextfileMetrics() {}

    /** The folder, for scripts that do not run in the stack's directory. */
    public static String folder(Inventory.Node node) {
        return node.directory() + "/" + FOLDER;
    }

    /** A line: its name, labels in their order, and its value. */
    public static String series(String name, Map<String, String> labels, long value) {
        return name + labels.entrySet().stream()
                .map(label -> label.getKey() + "=\"" + escape(label.getValue()) + "\"")
                .collect(Collectors.joining(",", "{", "} ")) + value;
    }

    /** The value of a label between its quotes, as PromQL and files of metrics have it. */
    public static String escape(String value) {
        return value.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n");
    }

    /**
     * Shell lines, run in the stack's directory, that write release.prom: the last deployment, rollback and scaling
     * each, by the time of its start, and the last good release. They never fail; they report a failure in a line
     * {@code told metrics}.
     */
    public static String release(History.Entry entry) {
        var kind = entry.kind();
        var info = entry.good() ? "printf '%s\\n' " + Sh.quote(series(INFO, Map.of("tag", entry.tag()), 1))
                : "kept '/^" + INFO + "{.*} 1$/p'";
        var last = "printf '%s\\n' "
                + Sh.quote(series(DEPLOYMENT, labels(entry), Instant.parse(entry.time()).getEpochSecond()));
        return """
                release_metrics() {
                  [ ! -L %1$s ] && mkdir -p %1$s && chmod 755 %1$s && rm -f %1$s/release.new || return 1
                  kept() { [ ! -f %1$s/release.prom ] || sed -n "$1" %1$s/release.prom; }
                  {
                    printf '%%s\\n' '# HELP %2$s The release that last ended well on this node.' '# TYPE %2$s gauge' \
                && %4$s &&
                      printf '%%s\\n' '# HELP %3$s Start of the last deployment of each kind, and how it ended.' '# \
                TYPE %3$s gauge' &&
                      kept '/^%3$s{kind="%5$s",/d; /^%3$s{.*} [0-9][0-9]*$/p' && %6$s
                  } >%1$s/release.new && chmod 644 %1$s/release.new && mv -fT %1$s/release.new %1$s/release.prom
                }
                release_metrics_said=$( { release_metrics; } 2>&1) || printf 'told\\tmetrics\\trelease.prom could not \
                be written: %%s\\n' "$(printf %%s "$release_metrics_said" | tail -n 1)"
                """.formatted(FOLDER, INFO, DEPLOYMENT, info, kind, last);
    }

    private static Map<String, String> labels(History.Entry entry) {
        var labels = new LinkedHashMap<String, String>();
        labels.put("kind", entry.kind());
        labels.put("tag", entry.tag());
        labels.put("outcome", entry.outcome().word());
        return labels;
    }
}
