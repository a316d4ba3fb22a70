package standin;

import java.nio.file.Files;
import java.util.Map;

/**
 * Starts every stand-in once and sends it requests, while an image is built: the JVM records which classes that loads
 * (an AppCDS archive), and loads them from there in every container. This cuts the start time by a third.
 */
final class Rehearsal {
    private static final long PATIENCE_MILLIS = 20_000;

    private Rehearsal() {}

    /** Ends normally, or throws if a stand-in does not answer. */
    public static void main(String... args) throws Exception {
        var client = new Client();
        var share = Files.createTempDirectory("rehearsal");
        try (var jaeger = new Jaeger(0, 0);
                var grafana = new Grafana(0, Map.of("GF_SECURITY_ADMIN_PASSWORD", "rehearsal"));
                var backend = new Backend(0, Map.of("KTRDR_DB_PASSWORD", "p", "KTRDR_AUTH_JWT_SECRET", "x".repeat(32),
                        "KTRDR_OTEL_OTLP_ENDPOINT", "http://127.0.0.1:" + jaeger.collectorPort()), Pace.REAL)) {
            var url = "http://127.0.0.1:" + backend.port();
            try (var worker = new Worker("backtesting", 0,
                    Map.of("KTRDR_WORKER_ID", "one", "WORKER_HOSTNAME", "127.0.0.1",
                    "KTRDR_API_URL", url, "KTRDR_DATA_SHARED_MOUNT_PATH", share.toString()), Pace.REAL)) {
                client.get("http://127.0.0.1:" + worker.port() + "/health");
                client.get("http://127.0.0.1:" + worker.port() + "/metrics");
                await(url + "/api/v1/workers", "\"one\"");
                client.get(url + "/api/v1/health");
                client.get(url + "/metrics");
                await("http://127.0.0.1:" + jaeger.uiPort() + "/api/services", "ktrdr-api");
                client.get("http://127.0.0.1:" + jaeger.uiPort() + "/");
                client.get("http://127.0.0.1:" + grafana.port() + "/api/health");
            }
        }
        Files.delete(share);
    }

    private static void await(String url, String text) throws Exception {
        long deadline = System.currentTimeMillis() + PATIENCE_MILLIS;
        while (!new Client().get(url).body().contains(text)) {
            if (System.currentTimeMillis() > deadline) throw new IllegalStateException(url + " never held " + text);
            Thread.sleep(100);
        }
    }
}
