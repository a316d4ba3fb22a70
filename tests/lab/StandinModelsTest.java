package lab;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import standin.Pace;
import standin.Worker;

/** The models of a backtest worker that the practice fleet runs. */
class StandinModelsTest {
    private final HttpClient http = HttpClient.newHttpClient();
    @TempDir Path app;
    private Worker worker;

    @BeforeEach
    void a_worker_with_models() throws Exception {
        Files.writeString(Files.createDirectories(app.resolve("models/good")).resolve("metadata_v3.json"), "{}");
        Files.createDirectories(app.resolve("models/old"));
        worker = new Worker("backtesting", 0, Map.of("KTRDR_WORKER_ID", "one", "KTRDR_DATA_SHARED_MOUNT_PATH",
                app.toString(), "KTRDR_STANDIN_APP", app.toString()), Pace.REAL);
    }

    @AfterEach
    void stop() {
        worker.close();
    }

    private String send(String method, String path, String body) throws Exception {
        return http.send(HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + worker.port() + path))
                .method(method, BodyPublishers.ofString(body)).build(), BodyHandlers.ofString()).body();
    }

    /** How a backtest with this model ends. */
    private void ends(String model, String expected) throws Exception {
        var id = "op" + Math.abs(model.hashCode());
        send("POST", "/operations/start",
                "{\"operation_id\":\"" + id
                        + "\",\"operation_type\":\"backtesting\",\"millis\":50,\"parameters\":{\"model_path\":\""
                        + model + "\"}}");
        Wait.until(() -> !send("GET", "/operations/" + id, "").contains("\"running\""), () -> id + " goes on");
        var ended = send("GET", "/operations/" + id, "");
        assertTrue(ended.contains(expected), () -> model + ": " + ended);
    }

    @Test
    void a_backtest_reads_models_below_app_and_fails_without_one() throws Exception {
        ends("", "model_path is required for backtesting");
        for (var path : new String[] {"/home/me/models/none", "/app/models/none"})
            ends(path, "Model directory not found: /app/models/none");
        for (var path : new String[] {"models/none", "/elsewhere/old"})
            ends(path, "Model directory not found: " + path);
        ends("/mnt/ktrdr-shared/models/old", "V3 metadata not found at /app/models/old/metadata_v3.json. ");
        for (var path : new String[] {"/mnt/ktrdr-shared/models/good", "/app/models/good", "models/good"})
            ends(path, "\"status\":\"completed\"");
    }
}
