package lab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import standin.Backend;
import standin.Pace;
import standin.StaticFiles;

/** How the stand-ins start, keep connections and stop, as KTRDR's processes do. */
class StandinStartTest {
    @RegisterExtension final Standins standins = new Standins();
    @TempDir Path share;

    @Test
    void a_start_takes_its_time_before_the_port_is_open() throws Exception {
        long began = System.nanoTime();
        var backend = standins.run(new Backend(0, Standins.SECRETS, Standins.QUICK.starting(600)));
        assertTrue(System.nanoTime() - began >= 600_000_000L);
        assertEquals(200, standins.send("GET", backend.port(), "/api/v1/health", "").statusCode());
    }

    @Test
    void pythons_http_server_has_the_files_of_its_folder() throws Exception {
        Files.writeString(share.resolve("health.json"), "{\"status\": \"ok\"}\n");
        var files = standins.run(new StaticFiles(share, 0));
        assertEquals("{\"status\": \"ok\"}\n", standins.send("GET", files.port(), "/health.json", "").body());
        assertEquals(404, standins.send("GET", files.port(), "/", "").statusCode());
        assertEquals(404, standins.send("GET", files.port(), "/../../etc/passwd", "").statusCode());
    }

    @Test
    void secrets_that_are_known_to_all_are_fatal_in_production_alone() throws Exception {
        var env = new HashMap<>(Standins.SECRETS);
        env.put("KTRDR_DB_PASSWORD", "localdev");
        // the environment's name alone does not make it production
        env.put("KTRDR_API_ENVIRONMENT", "production");
        standins.run(new Backend(0, env, Standins.QUICK));
        env.put("KTRDR_ENV", "production");
        assertEquals("Insecure defaults not allowed in production: KTRDR_DB_PASSWORD",
                assertThrows(IllegalArgumentException.class, () -> new Backend(0, env, Standins.QUICK)).getMessage());
        env.put("KTRDR_DB_PASSWORD", "another");
        standins.run(new Backend(0, env, Standins.QUICK));
    }

    @Test
    void a_connection_that_idles_for_five_seconds_is_closed() throws Exception {
        int port = standins.backend(0).port();
        try (var socket = new Socket("127.0.0.1", port)) {
            socket.getOutputStream().write("GET / HTTP/1.1\r\nHost: x\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            long answered = System.nanoTime();
            // the answer, then nothing while the connection is kept, then its end
            socket.setSoTimeout(4_000);
            assertThrows(SocketTimeoutException.class, () -> readOn(socket), "closed before its time");
            readOn(socket);
            assertTrue(System.nanoTime() - answered < 8_000_000_000L);
        }
    }

    /** Returns at the end of the stream. */
    private static void readOn(Socket socket) throws IOException {
        while (socket.getInputStream().read() >= 0) continue;
    }

    @Test
    void a_stopping_backend_answers_a_registration_with_503_and_delay() throws Exception {
        var quick = Standins.QUICK;
        var backend = new Backend(0, Standins.SECRETS, new Pace(quick.poll(), quick.remove(), quick.retry(),
                quick.check(), quick.silence(), quick.reconnect(), quick.dummy(), quick.backtest(),
                quick.epoch(), quick.linger(), quick.follow(), 2_000, 0));
        var stopping = new Thread(backend::close);
        stopping.start();
        Wait.until(() -> standins.send("GET", backend.port(), "/api/v1/workers", "").statusCode() == 503,
                () -> "it never said that it stops");
        var refused = standins.send("POST", backend.port(), "/api/v1/workers/register",
                "{\"worker_id\":\"one\",\"worker_type\":\"training\",\"endpoint_url\":\"http://x\"}");
        stopping.join();
        assertEquals("503 {\"detail\":\"Backend is shutting down - retry after restart\"} 5", refused.statusCode() + " "
                + refused.body() + " " + refused.headers().firstValue("retry-after").orElse("none"));
    }

    @Test
    void a_worker_on_the_backends_image_registers_and_fails_at_work() throws Exception {
        int port = standins.backend(0).port();
        standins.worker("training", port, share, "KTRDR_STANDIN_FAULT", "bare");
        standins.await(port, "/api/v1/workers", "\"available\"");
        var id = Standins.field(standins.send("POST", port, "/api/v1/trainings/start",
                "{\"strategy_name\":\"practice_2\"}").body(), "task_id");
        standins.await(port, "/api/v1/operations/" + id, "\"status\":\"failed\"");
        assertTrue(standins.get(port, "/api/v1/operations/" + id).contains("No module named 'torch'"));
    }

    @Test
    void an_image_of_before_all_migrations_reads_the_older_names() throws Exception {
        var checkpoint = Files.createDirectories(share.resolve("kept")).resolve("op_1.json");
        Files.writeString(checkpoint, "{}");
        var names = new String[] {"CHECKPOINT_DIR", share + "/kept", "KTRDR_CHECKPOINT_DIR", share + "/none",
                "KTRDR_STANDIN_REVISIONS", ""};
        int port = standins.backend(0).port();
        assertEquals(200, standins.send("GET", standins.worker("training", port, share, names).port(),
                "/checkpoints/op_1", "").statusCode());
        names[5] = "a1";
        assertEquals(404, standins.send("GET", standins.worker("training", port, share, names).port(),
                "/checkpoints/op_1", "").statusCode());
        assertFalse(Files.exists(share.resolve("none")));
    }
}
