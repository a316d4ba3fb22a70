package ktrdr.drain;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import ktrdr.CommandResult;
import ktrdr.Fixtures;
import ktrdr.Http;
import ktrdr.Json;
import ktrdr.LocalCommand;
import ktrdr.Recorded;
import ktrdr.ScriptExit;
import ktrdr.drain.WorkerStops.AtWork;
import ktrdr.drain.WorkerStops.Ended;
import ktrdr.inventory.Inventory;
import ktrdr.release.Stack;
import mockwebserver3.MockResponse;
import mockwebserver3.MockWebServer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Facts about workers before a stop, and the reports about their operations. */
class WorkerStopsTest {
    private static final Inventory INVENTORY = Fixtures.inventory();
    private static final Stack STACK = Stack.of(INVENTORY, INVENTORY.node("B"));
    private static final List<Inventory.Worker> WORKERS = INVENTORY.workersOf(INVENTORY.node("B"));

    @TempDir Path folder;

    /**
     * Runs the script with a docker stub: {@code docker exec} prints the health answer from the file named after the
     * container.
     */
    private CommandResult on(Map<String, String> healths, String script) throws IOException {
        for (var entry : healths.entrySet()) Files.writeString(folder.resolve(entry.getKey()), entry.getValue());
        Fixtures.program(folder.resolve("bin/docker"),
                "cd '" + folder + "'\ncase $1 in\n  exec) cat \"$2\" 2>/dev/null ;;\n  inspect) echo "
                        + "2026-01-01T10:00:00.5Z ;;\n  *) echo \"$*\" >>stopped ;;\nesac");
        return LocalCommand.command("sh", "-c", "PATH='" + folder.resolve("bin") + "':$PATH\n" + script).run();
    }

    private static String health(String status, String operation) {
        return "{\"healthy\":true,\"worker_status\": \"" + status + "\",\"current_operation\":" + operation + "}";
    }

    @Test
    void names_busy_workers_with_their_operation_and_start_time() throws IOException {
        var ran = on(Map.of("backtest-worker-1", health("busy", "\"op_1\""), "training-worker-1",
                health("idle", "null")), WorkerStops.question(STACK::container, WORKERS));
        assertEquals(Map.of("backtest-worker-1", new AtWork("op_1", "2026-01-01T10:00:00.5Z")),
                WorkerStops.answers(ran.out()));
    }

    @Test
    void a_script_that_stops_idle_workers_ends_if_one_became_busy() throws IOException {
        var script = "set -eu\n" + WorkerStops.unlessAtWork(STACK::container, WORKERS) + "docker stop\n";
        assertEquals(ScriptExit.AT_WORK.code,
                on(Map.of("backtest-worker-1", health("idle", "null"), "training-worker-1", health("busy", "\"op_1\"")),
                        script).exit());
        assertFalse(Files.exists(folder.resolve("stopped")));
        Files.delete(folder.resolve("backtest-worker-1"));
        var silent = on(Map.of("training-worker-1", health("idle", "null")), script);
        assertTrue(silent.ok() && Files.exists(folder.resolve("stopped")), silent::toString);
    }

    @Test
    void a_busy_worker_is_idle_if_its_operation_ended_or_never_moved() {
        var began = "2026-01-01T10:00:00.123456+00:00";
        var later = "2026-01-01T10:05:00.123456789Z";
        assertEquals(Optional.of("which the backend has as cancelled"),
                WorkerStops.idle("cancelled", began, "Epoch 2", "2026-01-01T09:00:00Z"));
        assertEquals(Optional.of("which began before it and has not come to a step"),
                WorkerStops.idle("running", began, "", later));
        assertEquals(Optional.of("which began before it and has not come to a step"),
                WorkerStops.idle("running", began.replace("+00:00", ""), "", later));
        assertEquals(Optional.empty(), WorkerStops.idle("running", began, "Epoch 2", later), "it was resumed there");
        assertEquals(Optional.empty(), WorkerStops.idle("running", later, "", "2026-01-01T10:00:00Z"));
        assertEquals(Optional.empty(), WorkerStops.idle("running", "", "", later));
    }

    @Test
    void what_is_said_of_an_operation_is_what_was_proven() {
        var saved = Optional.of(new Checkpoint("shutdown", "epoch", 23, ""));
        var words = List.of(new Ended("w", "op_1", "cancelled", saved, ""),
                new Ended("w", "op_1", "cancelled", Optional.empty(), ""),
                new Ended("w", "op_1", "completed", Optional.empty(), ""),
                new Ended("w", "op_1", "running", Optional.empty(), ""),
                new Ended("w", "op_1", "running", Optional.of(new Checkpoint("periodic", "bar", 20000, "")), ""),
                new Ended("w", "op_1", "", Optional.empty(), "which the backend does not know")).stream()
                .map(Ended::words).collect(Collectors.joining("\n"));
        assertEquals("""
                w: operation op_1 is cancelled, checkpoint at epoch 23; resume with jbang operations@ktrdr resume op_1
                w: operation op_1 is cancelled and left no checkpoint: its work is lost
                w: operation op_1 completed
                w: operation op_1 was interrupted and left no checkpoint: its work is lost
                w: operation op_1 was interrupted; its last checkpoint at bar 20000 (periodic); once the backend has \
                it as \
                failed, in a minute or two: jbang operations@ktrdr resume op_1
                w: operation op_1 was interrupted, which the backend does not know""", words);
        assertEquals("{\"worker\":\"w\",\"operation\":\"op_1\",\"status\":\"cancelled\",\"checkpoint\":{\"type\":"
                + "\"shutdown\",\"unit\":\"epoch\",\"at\":23}}",
                Json.line(new Ended("w", "op_1", "cancelled", saved, "").document()));
    }

    @Test
    void a_checkpoint_is_what_the_backend_has_of_it() throws IOException {
        try (var server = new MockWebServer();
                var http = new Http(Map.of("backend.ktrdr.test", "127.0.0.1"), Duration.ofSeconds(5))) {
            server.start();
            var inventory = Fixtures.inventory(Fixtures.INVENTORY + "services: {backend: {port: "
                    + server.getPort()
                    + "}}\n");
            var answer = "{\"success\":true,\"data\":{\"operation_id\":\"op_1\",\"checkpoint_type\":\"%s\","
                    + "\"created_a"
                    + "t\":\"2026-01-01T10:00:00Z\",\"state\":{%s},\"artifacts_path\":null}}";
            server.enqueue(new MockResponse.Builder()
                    .body(answer.formatted("shutdown", "\"epoch\":23,\"train_loss\":0.1")).build());
            server.enqueue(new MockResponse.Builder()
                    .body(answer.formatted("periodic",
                            "\"operation_type\":\"backtesting\",\"bar_index\":20000"))
                    .build());
            server.enqueue(new MockResponse.Builder().code(404)
                    .body("{\"detail\":\"Checkpoint not found: op_1\"}")
                    .build());
            assertEquals(Optional.of(new Checkpoint("shutdown", "epoch", 23, "2026-01-01T10:00:00Z")),
                    Checkpoint.of(inventory, http, "op_1"));
            assertEquals("checkpoint at bar 20000",
                    Checkpoint.of(inventory, http, "op_1").orElseThrow().words());
            assertEquals(Optional.empty(), Checkpoint.of(inventory, http, "op_1"));
        }
    }

    @Test
    void the_script_that_holds_workers_is_as_it_was_recorded() {
        Recorded.same(WorkerStopsTest.class, "hold.sh", WorkerPause.hold("ktrdr-workers", List.of()));
    }
}
