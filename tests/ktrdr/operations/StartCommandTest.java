package ktrdr.operations;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import ktrdr.Exit;
import ktrdr.Invocation;
import ktrdr.Json;
import ktrdr.cli.Cli;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The requests that `operations start` builds from its options, as --dry-run prints them. */
class StartCommandTest {
    private static final List<String> BACKTEST = List.of("backtest", "s", "AAPL", "1d", "--start-date", "2024-01-01",
            "--end-date", "2024-02-01");
    @TempDir Path folder;

    private record Ran(int exit, String out, String err) {
        JsonNode body() {
            assertEquals(0, exit, err);
            return Json.parse(out, "the plan").path("body");
        }
    }

    private Ran start(List<String> words, String... more) throws IOException {
        var inventory = Files.writeString(folder.resolve("inventory.yaml"), """
                domain: x.test
                nodes:
                  core: {role: core, host: one}
                  w1: {role: workers, host: two, scale: 1}
                images: {registry: registry.test:5000, backend: registry.test:5000/ktrdr-backend}
                """);
        var out = new ByteArrayOutputStream();
        var err = new ByteArrayOutputStream();
        var invocation = Invocation.of(Map.of("KTRDR_INVENTORY", inventory.toString()),
                new ByteArrayInputStream(new byte[0]), new PrintStream(out, true, StandardCharsets.UTF_8),
                new PrintStream(err, true, StandardCharsets.UTF_8));
        var typed = new ArrayList<>(words);
        typed.addAll(List.of(more));
        typed.addAll(List.of("--dry-run", "-o", "json"));
        int exit = Cli.run(new StartCommand(), invocation, typed.toArray(String[]::new));
        return new Ran(exit, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
    }

    @Test
    void sends_each_option_as_its_field_and_omits_those_not_given() throws IOException {
        assertEquals(Json.parse("""
                {"strategy_name": "s", "symbol": "AAPL", "timeframe": "1d", "start_date": "2024-01-01",
                 "end_date": "2024-02-01", "model_path": "m", "initial_capital": "1000000"}
                """, "it"), start(BACKTEST, "--model-path", "m", "--initial-capital", "1000000").body());
        assertEquals(Json.parse("{\"strategy_name\": \"s\", \"symbols\": \"A,B\"}", "it"),
                start(List.of("training", "s"), "--symbols", "A,B").body());
        assertEquals(Json.parse("{\"symbol\": \"AAPL\", \"timeframe\": \"1d\", \"mode\": \"tail\"}", "it"),
                start(List.of("data", "AAPL", "1d")).body());
        assertEquals(Json.parse("{}", "it"), start(List.of("dummy")).body());
    }

    @Test
    void set_adds_fields_and_replaces_those_of_options() throws IOException {
        assertEquals(Json.parse("{\"strategy_name\": \"other\", \"epochs\": \"3\"}", "it"),
                start(List.of("training", "s"), "--set", "epochs=3", "--set", "strategy_name=other").body());
    }

    @Test
    void refuses_a_required_field_without_a_value() throws IOException {
        var refused = start(BACKTEST, "--model-path=");
        assertEquals(Exit.USAGE.code, refused.exit(), refused::toString);
        assertTrue(refused.err().contains("KTRDR takes no backtest without model_path"), refused.err());
    }
}
