package ktrdr.shell;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import ktrdr.CommandResult;
import ktrdr.Fixtures;
import ktrdr.Json;
import ktrdr.Problem;
import ktrdr.api.Backend;
import ktrdr.api.Prometheus;
import ktrdr.fleet.Fleet;
import ktrdr.node.Database;
import org.junit.jupiter.api.Test;

/** How the console shows values. */
class ValueTextTest {
    @Test
    void shows_a_hosts_answer_verbatim_and_a_nonzero_exit_code() {
        assertEquals("one\ntwo", ValueText.words(new CommandResult(0, "one\ntwo\n", "")));
        assertEquals("one\noops\nexit code 3", ValueText.words(new CommandResult(3, "one\n", "oops\n")));
        assertEquals("", ValueText.words(new CommandResult(0, "", "")));
    }

    @Test
    void lists_of_workers_and_series_are_tables_and_others_are_lines() {
        assertEquals("WORKER         TYPE      STATUS     OPERATION  LAST HEALTHY\nhttp://b:5005  training  available "
                + "            -",
                ValueText.words(List.of(new Backend.Worker("w", "training", "http://b:5005", "available", "",
                        Optional.empty()))));
        assertEquals("SERIES             VALUE\nup{job=\"backend\"}  1\n{}                 0.5",
                ValueText.words(List.of(new Prometheus.Series("up", Map.of("job", "backend"), 1),
                        new Prometheus.Series("", Map.of(), 0.5))));
        assertEquals("1\ntwo", ValueText.words(List.of(1, "two")));
        assertEquals("none", ValueText.words(List.of()));
        assertEquals("null", ValueText.words(null));
    }

    @Test
    void a_map_has_a_line_a_key_and_nodes_go_by_name() {
        var map = new LinkedHashMap<Object, Object>();
        map.put(Fixtures.inventory().core(), "6.1\n");
        map.put("b", 2);
        assertEquals("core  6.1\nb  2", ValueText.words(map));
    }

    @Test
    void for_machines_a_value_is_one_line_of_json() {
        assertEquals("{\"node\":\"core\",\"ok\":true,\"said\":\"up\",\"errors\":[]}",
                ValueText.json(new Fleet.Outcomes<>(List.of(new Fleet.Done<>(Fixtures.inventory().core(), "up"))))
                        .replaceAll("^\\[|]$", ""));
        var failed = Json.parse(
                ValueText.json(new Fleet.Outcomes<>(
                        List.of(new Fleet.Failed<>(Fixtures.inventory().core(),
                                Problem.failed("core: no").fix("look"))))), "it");
        assertEquals("false null core: no look", failed.at("/0/ok").asText() + " " + failed.at("/0/said").asText() + " "
                + failed.at("/0/errors/0/message").asText() + " " + failed.at("/0/errors/0/fix").asText());
        assertEquals("[{\"a\":\"1\",\"b\":\"null\"}]",
                ValueText.json(new Database.Rows(List.of("a", "b"), List.of(List.of("1", "null")))));
        assertEquals("[{\"name\":\"up\",\"labels\":{\"job\":\"backend\"},\"value\":1.0}]",
                ValueText.json(List.of(new Prometheus.Series("up", Map.of("job", "backend"), 1))));
        assertEquals("{\"core\":\"6.1\"}", ValueText.json(Map.of(Fixtures.inventory().core(), "6.1")));
        assertEquals("{\"status\":\"ok\",\"version\":\"1\"}", ValueText.json(new Backend.Health("ok", "1")));
        assertEquals("\"/tmp\"", ValueText.json(Path.of("/tmp")));
    }

    @Test
    void nothing_steers_the_terminal() {
        assertEquals("a␛[2Jb", ValueText.words("a\033[2Jb"));
    }
}
