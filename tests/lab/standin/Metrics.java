package standin;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.LongSupplier;

/** Metrics in Prometheus' text format, by the names that KTRDR's dashboards ask for. */
final class Metrics {
    private static final double[] BUCKETS = {0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10000};

    private static final class Histogram {
        private final long[] buckets = new long[BUCKETS.length];
        private long count;
        private double sum;
    }

    /** Name to type, help and, by labels, values. */
    private record Family(String type, String help, Map<String, LongSupplier> values) {}

    private final Map<String, Family> families = new TreeMap<>();
    private final Map<String, Map<String, Long>> counters = new TreeMap<>();
    private final Map<String, Histogram> durations = new TreeMap<>();

    /** @param labels such as {@code {worker_type="training"}}, or empty */
    synchronized void gauge(String name, String help, String labels, LongSupplier value) {
        families.computeIfAbsent(name, any -> new Family("gauge", help, new TreeMap<>())).values().put(labels, value);
    }

    synchronized void counter(String name, String help) {
        families.put(name, new Family("counter", help, Map.of()));
        counters.put(name, new TreeMap<>());
    }

    synchronized void count(String name, String labels) {
        counters.get(name).merge(labels, 1L, Long::sum);
    }

    /** @param target the route, not the path: paths hold ids and would grow without bound */
    synchronized void request(String method, String target, int status, long micros) {
        var histogram = durations.computeIfAbsent(
                "http_method=\"%s\",http_status_code=\"%d\",http_target=\"%s\"".formatted(method, status, target), any -> new Histogram());
        double millis = micros / 1000.0;
        for (int i = 0; i < BUCKETS.length; i++) if (millis <= BUCKETS[i]) histogram.buckets[i]++;
        histogram.count++;
        histogram.sum += millis;
    }

    synchronized String text() {
        var out = new StringBuilder();
        families.forEach((name, family) -> {
            head(out, name, family.type(), family.help());
            family.values().forEach((labels, value) -> out.append(name).append(labels).append(' ').append(value.getAsLong()).append('\n'));
            counters.getOrDefault(name, Map.of())
                    .forEach((labels, value) -> out.append(name).append(labels).append(' ').append(value).append('\n'));
        });
        var http = "http_server_duration_milliseconds";
        head(out, http, "histogram", "Duration of HTTP server requests.");
        durations.forEach((labels, histogram) -> {
            for (int i = 0; i < BUCKETS.length; i++)
                out.append(String.format(Locale.ROOT, "%s_bucket{%s,le=\"%.1f\"} %d\n", http, labels, BUCKETS[i], histogram.buckets[i]));
            out.append("%s_bucket{%s,le=\"+Inf\"} %d\n".formatted(http, labels, histogram.count));
            out.append(String.format(Locale.ROOT, "%s_sum{%s} %.3f\n", http, labels, histogram.sum));
            out.append("%s_count{%s} %d\n".formatted(http, labels, histogram.count));
        });
        head(out, "process_cpu_seconds_total", "counter", "Total user and system CPU time spent in seconds.");
        var cpu = ProcessHandle.current().info().totalCpuDuration().map(time -> time.toMillis()).orElse(0L);
        out.append(String.format(Locale.ROOT, "process_cpu_seconds_total %.3f\n", cpu / 1000.0));
        head(out, "process_resident_memory_bytes", "gauge", "Resident memory size in bytes.");
        out.append("process_resident_memory_bytes ").append(resident()).append('\n');
        return out.toString();
    }

    private static void head(StringBuilder out, String name, String type, String help) {
        out.append("# HELP ").append(name).append(' ').append(help).append("\n# TYPE ").append(name).append(' ').append(type).append('\n');
    }

    private static long resident() {
        try {
            for (var line : Files.readAllLines(Path.of("/proc/self/status")))
                if (line.startsWith("VmRSS:")) return Long.parseLong(line.replaceAll("\\D", "")) * 1024;
        } catch (IOException e) {
            // not Linux
        }
        return 0;
    }
}
