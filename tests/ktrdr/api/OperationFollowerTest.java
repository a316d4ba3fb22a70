package ktrdr.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import ktrdr.Console;
import ktrdr.Exit;
import ktrdr.Fixtures;
import ktrdr.Http;
import ktrdr.Invocation;
import ktrdr.LocalCommand;
import ktrdr.Problem;
import ktrdr.Sh;
import ktrdr.deploy.BackendDrain;
import ktrdr.inventory.Inventory;
import lab.Wait;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import standin.Backend;
import standin.Pace;
import standin.Worker;

/** Follows operations on the stand-in backend and worker, in this process. */
class OperationFollowerTest {
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();
    @TempDir Path share;
    private Backend backend;
    private Http http;
    private Inventory inventory;
    private OperationsApi operations;

    private static Pace pace(int dummy) {
        return new Pace(60_000, 60_000, 50, 50, 30_000, 50, dummy, 1500, 50, 500, 50, 0, 0);
    }

    private static Backend backend(int port, int dummy) throws IOException {
        return new Backend(port, Map.of("KTRDR_DB_PASSWORD", "p", "KTRDR_AUTH_JWT_SECRET", "x".repeat(32)),
                pace(dummy));
    }

    @BeforeEach
    void a_backend() throws IOException {
        backend = backend(0, 2500);
        http = new Http(Map.of("backend.ktrdr.test", "127.0.0.1"), Duration.ofSeconds(5));
        inventory = Fixtures.inventory(Fixtures.INVENTORY + "services: {backend: {port: " + backend.port() + "}}\n");
        operations = new OperationsApi(inventory, http);
    }

    @AfterEach
    void closed() {
        http.close();
        backend.close();
    }

    private OperationFollower following() {
        var stream = new PrintStream(err);
        return new OperationFollower(inventory, operations,
                new Console(Invocation.into(stream, stream), Console.Color.never, false));
    }

    @Test
    void progress_is_a_few_calm_lines_and_tells_where_it_runs() {
        var ended = following().follow(operations.start(OperationsApi.Kind.dummy, Map.of()));
        assertTrue(ended.completed());
        var said = err.toString();
        assertTrue(said.matches(
                "(?s)operation  dummy    takes 200 s, and after 60 to 75 s the backend marks it failed.*\noperation  "
                        + "dummy    runs on the backend itself\n"
                + "(operation  dummy    \\d+ % Working: step \\d+ of 100\n){1,3}operation  dummy    completed on the "
                + "backend itself .* s\n"), said);
    }

    @Test
    void closing_the_reader_ends_following_but_not_the_operation() throws IOException {
        backend.close();
        backend = backend(0, 60_000);
        var here = Fixtures.inventory(Fixtures.INVENTORY.replace("10.0.0.10", "127.0.0.1")
                + "services: {backend: {port: " + backend.port() + "}}\n");
        operations = new OperationsApi(here, http);
        var id = operations.start(OperationsApi.Kind.dummy, Map.of());
        var java = Sh.words(List.of("java", "-XX:TieredStopAtLevel=1", "-cp", System.getProperty("java.class.path"),
                "Operations", "follow", id, "-i", here.source().toString()));
        var ran = LocalCommand.command("bash", "-c", "set -o pipefail; " + java + " 2>&1 | head -n 1")
                .timeout(Duration.ofSeconds(50)).run();
        assertEquals(0, ran.exit(), ran.err());
        assertEquals(1, ran.out().lines().count(), ran.out());
        assertEquals("running", operations.show(id).status());
    }

    @Test
    void names_a_worker_by_its_address_if_the_inventory_lacks_it() throws Exception {
        try (var worker = new Worker("backtesting", 0, Map.of("HOSTNAME", "one", "WORKER_HOSTNAME", "127.0.0.1",
                "KTRDR_API_CLIENT_BASE_URL", "http://127.0.0.1:" + backend.port() + "/api/v1",
                "KTRDR_DATA_SHARED_MOUNT_PATH", share.toString(), "KTRDR_STANDIN_APP", share.toString()), pace(0))) {
            Files.writeString(Files.createDirectories(share.resolve("models/s")).resolve("metadata_v3.json"), "{}");
            Wait.until(() -> !new ktrdr.api.Backend(inventory, http).workers().isEmpty(), () -> "no worker registered");
            var id = operations.start(OperationsApi.Kind.backtest,
                    Map.of("strategy_name", "s", "symbol", "AAPL", "timeframe", "1d", "start_date", "2024-01-01",
                            "end_date", "2024-02-01", "model_path", "models/s"));
            assertTrue(following().follow(id).completed());
            assertTrue(err.toString().contains("runs on http://127.0.0.1:" + worker.port() + "\n"), err::toString);
        }
    }

    @Test
    void a_failure_is_an_end_with_the_backends_own_words() {
        var ended = following()
                .follow(operations.start(OperationsApi.Kind.data, Map.of("symbol", "AAPL", "timeframe", "1d")));
        assertEquals("failed, IB host service is not available: connection refused at http://localhost:5001",
                ended.words());
    }

    @Test
    void what_a_restart_made_the_backend_forget_is_said_to_be_lost() throws Exception {
        var id = operations.start(OperationsApi.Kind.dummy, Map.of());
        int port = backend.port();
        var restart = new Thread(() -> {
            try {
                Thread.sleep(700);
                backend.close();
                Thread.sleep(700);
                backend = backend(port, 2500);
            } catch (IOException | InterruptedException e) {
                throw new IllegalStateException(e);
            }
        });
        restart.start();
        var lost = assertThrows(Problem.class, () -> following().follow(id));
        restart.join();
        assertEquals("the backend forgot operation " + id
                + ": it was restarted meanwhile, and the operation is lost", lost.sentence());
        assertTrue(err.toString().contains("the backend does not answer: retrying for a minute"),
                err::toString);
    }

    @Test
    void an_interrupted_follow_leaves_the_operation_running() {
        var id = operations.start(OperationsApi.Kind.dummy, Map.of());
        Thread.currentThread().interrupt();
        var stopped = assertThrows(Problem.class, () -> following().follow(id));
        assertEquals(Exit.INTERRUPTED, stopped.exit());
        assertEquals("jbang operations@ktrdr follow " + id + ", or cancel " + id, stopped.details().get("to do"));
        assertEquals("running", operations.show(id).status());
    }

    @Test
    void cancelled_is_proven_and_what_had_ended_is_told() {
        var id = operations.start(OperationsApi.Kind.dummy, Map.of());
        assertTrue(following().cancel(id).cancelled());
        var before = assertThrows(Problem.class, () -> following().cancel(id)).sentence();
        // the backend may overwrite the status, depending on the order of requests
        assertTrue(before.matches("operation " + id
                + " had already ended: (cancelled, Operation cancelled by user|completed, after it was cancelled)"),
                before);
    }

    @Test
    void an_operation_given_up_by_the_backend_is_not_a_failure() throws IOException {
        int port = backend.port();
        backend.close();
        Wait.until(() -> {
            try {
                backend = new Backend(port, Map.of("KTRDR_DB_PASSWORD", "p", "KTRDR_AUTH_JWT_SECRET", "x".repeat(32),
                        "KTRDR_ORPHAN_TIMEOUT_SECONDS", "1",
                        "KTRDR_ORPHAN_CHECK_INTERVAL_SECONDS", "1"), pace(20_000));
                return true;
            } catch (IOException busy) {
                return false;
            }
        }, () -> "port " + port + " is taken");
        var ended = following().follow(operations.start(OperationsApi.Kind.dummy, Map.of()));
        assertTrue(ended.unclaimed() && ended.onBackend(), ended::toString);
    }

    @Test
    void waits_for_the_backends_own_work_and_names_what_is_unfinished() throws InterruptedException {
        var stream = new PrintStream(err);
        var drain = new BackendDrain(inventory, http,
                new Console(Invocation.into(stream, stream), Console.Color.never, false));
        assertEquals(List.of(), drain.running().orElseThrow());
        var id = operations.start(OperationsApi.Kind.dummy, Map.of());
        var left = drain.await(Duration.ZERO);
        assertTrue(BackendDrain.words(left).matches(id + " \\(dummy, \\d+ %\\)"), () -> BackendDrain.words(left));
        assertEquals(List.of(), drain.await(Duration.ofSeconds(30)));
        backend.close();
        assertTrue(drain.running().isEmpty(), "one that does not answer has nothing to tell");
    }
}
