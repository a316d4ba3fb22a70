package standin;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.LongSupplier;

/** Metrics in Prometheus' text format, with the names and labels of KTRDR's; only the backend has those about HTTP. */
final class Metrics {
    private static final long STARTED = System.currentTimeMillis();
    private static final double[] MILLIS = {0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10000};
    private static final double[] SECONDS = {1, 5, 10, 30, 60, 120, 300, 600, 1800, 3600};
    private static final String HTTP =
            "http_flavor=\"1.1\",http_host=\"172.18.0.3:8000\",http_method=\"%s\",http_scheme=\"http\","
                    + "http_server_name=\"backend:8000\",http_status_code=\"%d\","
            + "http_target=\"%s\",net_host_port=\"8000\",otel_scope_name=\"opentelemetry.instrumentation.fastapi\"";

    private static final class Histogram {
        private final double[] bounds;
        private final long[] buckets;
        private long count;
        private double sum;

        private Histogram(double[] bounds) {
            this.bounds = bounds;
            buckets = new long[bounds.length];
        }

        private void add(double value) {
            for (int i = 0; i < bounds.length; i++) if (value <= bounds[i]) buckets[i]++;
            count++;
            sum += value;
        }

        private void write(StringBuilder out, String name, String labels) {
            var more = labels.isEmpty() ? "" : labels + ",";
            for (int i = 0; i < bounds.length;
                    i++) out.append(String.format(Locale.ROOT, "%s_bucket{%sle=\"%.1f\"} %d\n", name, more, bounds[i],
                            buckets[i]));
            out.append("%s_bucket{%sle=\"+Inf\"} %d\n".formatted(name, more, count));
            var braces = labels.isEmpty() ? "" : "{" + labels + "}";
            out.append(String.format(Locale.ROOT, "%s_sum%s %.3f\n", name, braces, sum))
                    .append("%s_count%s %d\n".formatted(name, braces, count));
        }
    }

    /** Name to type, help and, by labels, values. */
    private record Family(String type, String help, Map<String, LongSupplier> values) {}

    private boolean agents;
    private final Map<String, Family> families = new TreeMap<>();
    private final Map<String, Map<String, Long>> counters = new TreeMap<>();
    private final Map<String, Histogram> durations = new TreeMap<>();
    private final Map<String, Histogram> operations = new TreeMap<>();

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
        durations.computeIfAbsent(HTTP.formatted(method, status, target), any -> new Histogram(MILLIS))
                .add(micros / 1000.0);
    }

    /** An operation that has ended, counted by the process that ran it. */
    synchronized void ended(String type, String status, long millis) {
        var labels = "operation_type=\"%s\",status=\"%s\"".formatted(type, status);
        count("ktrdr_operations_total", "{" + labels + "}");
        operations.computeIfAbsent(labels, any -> new Histogram(SECONDS)).add(millis / 1000.0);
    }

    /** Metrics of agents, of which none runs here: labelled ones appear only after the first count. */
    synchronized void agents() {
        gauge("agent_budget_spend_total", "Total budget spent (dollars)", "", () -> 0);
        agents = true;
    }

    synchronized String text() {
        var out = new StringBuilder();
        families.forEach((name, family) -> {
            head(out, name, family.type(), family.help());
            family.values().forEach((labels, value) -> out.append(name).append(labels).append(' ')
                    .append(value.getAsLong()).append('\n'));
            counters.getOrDefault(name, Map.of())
                    .forEach((labels, value) -> out.append(name).append(labels).append(' ').append(value).append('\n'));
        });
        head(out, "ktrdr_operation_duration_seconds", "histogram", "Operation duration distribution");
        operations.forEach((labels, histogram) -> histogram.write(out, "ktrdr_operation_duration_seconds", labels));
        if (!durations.isEmpty())
            head(out, "http_server_duration_milliseconds", "histogram", "Duration of HTTP server requests.");
        durations.forEach((labels, histogram) -> histogram.write(out, "http_server_duration_milliseconds", labels));
        if (agents) head(out, "agent_cycle_duration_seconds", "histogram", "Research cycle duration");
        if (agents) new Histogram(SECONDS).write(out, "agent_cycle_duration_seconds", "");
        head(out, "python_info", "gauge", "Python platform information");
        out.append("python_info{implementation=\"CPython\",major=\"3\",minor=\"13\",patchlevel=\"0\","
                + "version=\"3.13.0\"} 1\n");
        head(out, "process_cpu_seconds_total", "counter", "Total user and system CPU time spent in seconds.");
        var cpu = ProcessHandle.current().info().totalCpuDuration().map(time -> time.toMillis()).orElse(0L);
        out.append(String.format(Locale.ROOT, "process_cpu_seconds_total %.3f\n", cpu / 1000.0));
        head(out, "process_start_time_seconds", "gauge", "Start time of the process since unix epoch in seconds.");
        out.append(String.format(Locale.ROOT, "process_start_time_seconds %.2f\n", STARTED / 1000.0));
        head(out, "process_resident_memory_bytes", "gauge", "Resident memory size in bytes.");
        out.append("process_resident_memory_bytes ").append(resident()).append('\n');
        return out.toString();
    }

    private static void head(StringBuilder out, String name, String type, String help) {
        out.append("# HELP ").append(name).append(' ').append(help).append("\n# TYPE ").append(name).append(' ')
                .append(type).append('\n');
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
