package ktrdr.api;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Optional;
import ktrdr.Fixtures;
import ktrdr.Json;
import ktrdr.api.Backend.Worker;
import ktrdr.api.OperationsApi.Operation;
import org.junit.jupiter.api.Test;

/** Operations as text and as JSON. */
class OperationsReportTest {
    private static final List<Worker> WORKERS = List.of(new Worker("backtesting-1", "backtesting",
            "http://workers-b.ktrdr.test:5004", "busy", "op_1", Optional.empty()),
            new Worker("backtesting-2", "backtesting", "http://elsewhere:5003", "busy", "op_2", Optional.empty()));
    private final OperationsReport report = new OperationsReport(Fixtures.inventory(), WORKERS);

    private static Operation operation(String id, String status) {
        return new Operation(id, "backtesting", status, "2026-01-01T10:00:00.123456Z", "AAPL", 41.7, "step", 3.21, "",
                "");
    }

    @Test
    void the_worker_is_told_by_the_inventorys_names() {
        var dummy = new Operation("op_3", "dummy", "running", "", "", 0, "", 0, "", "");
        assertEquals(List.of("workers-b backtest-worker-2", "http://elsewhere:5003", "backend", "", "", ""),
                List.of(report.where(operation("op_1", "running")), report.where(operation("op_2", "running")),
                report.where(dummy), report.where(operation("op_3", "running")),
                report.where(operation("op_3", "pending")), report.where(operation("op_1", "completed"))));
    }

    @Test
    void each_is_a_line() {
        assertEquals(List.of("OPERATION  TYPE         STATUS   PROGRESS  SYMBOL  STARTED               TOOK   RUNS ON",
                "op_1       backtesting  running  42 %      AAPL    2026-01-01T10:00:00Z  3.2 s  workers-b "
                        + "backtest-worker-2"), report.table(List.of(operation("op_1", "running"))).lines());
        assertEquals("[{\"operation\":\"op_1\",\"type\":\"backtesting\",\"status\":\"running\",\"percentage\":41.7,"
                + "\"step\":\"step\",\"symbol\":\"AAPL\","
                + "\"created\":\"2026-01-01T10:00:00.123456Z\",\"seconds\":3.21,\"runs_on\":\"workers-b "
                + "backtest-worker-2\"}]", Json.line(report.document(List.of(operation("op_1", "running")))));
    }

    @Test
    void an_operation_of_any_type_is_a_line() {
        for (var type : List.of("data_load", "training", "backtesting", "indicator_compute", "fuzzy_analysis", "dummy",
                "agent_research", "agent_design", "agent_assessment")) {
            var lines = report.table(List.of(new Operation("op_9", type, "running", "", "", 7, "", 1, "", "")))
                    .lines();
            assertEquals(true, lines.get(1).startsWith("op_9       " + type), lines::toString);
        }
    }

    @Test
    void a_long_value_is_cut_and_says_how_long_it_is() {
        var epochs = "[" + "{\"epoch\":1,\"loss\":0.5},".repeat(99) + "{}]";
        var lines = report.details(Json.parse("{\"metadata\":{\"strategy_yaml\":\"" + "x".repeat(79) + "\uD83D\uDE00"
                + "y".repeat(4000) + "\"},\"metrics\":{\"epochs\":" + epochs + "}}", "a test")).lines();
        assertEquals("metadata.strategy_yaml  " + "x".repeat(79) + "\uD83D\uDE00… (4081 characters; -o json has all)",
                lines.get(1));
        assertEquals(true, lines.get(2).endsWith("… (100 entries, 2281 characters; -o json has all)"), lines.get(2));
        assertEquals("metadata.note  " + "z".repeat(200),
                report.details(Json.parse("{\"metadata\":{\"note\":\"" + "z".repeat(200) + "\"}}", "a test")).lines()
                        .get(1));
    }

    @Test
    void a_status_that_does_not_say_all_is_explained() {
        var given = new String[][] {{"dummy", "completed", "Operation cancelled by user",
                "completed, after it was cancelled"},
            {"data_load", "failed", "Operation was RUNNING but no worker claimed it",
                    "given up by the backend, which still runs it: it may become completed"},
            {"training", "failed", "Operation was RUNNING but no worker claimed it",
                    "lost with its worker, or with its worker's registration"},
            {"training", "failed", "out of memory", ""}, {"training", "completed", "", ""}};
        for (var one : given) assertEquals(one[3],
                OperationsReport.remark(new Operation("op_1", one[0], one[1], "", "", 0, "", 0, one[2], "")));
    }

    @Test
    void details_list_every_value_and_json_has_the_backends_document() {
        var document = Json.parse(
                "{\"operation_id\":\"op_1\",\"status\":\"running\",\"error_message\":null,\"progress\":{"
                        + "\"percentage\":5,\"notes\":[1,2]},\"a\":\"two\\nlines\"}", "a test");
        assertEquals(List.of("FIELD                VALUE", "operation_id         op_1", "status               running",
                "progress.percentage  5", "progress.notes       [1,2]",
                "a                    two lines", "runs on              workers-b backtest-worker-2"),
                report.details(document).lines());
        var out = report.document(document);
        assertEquals("workers-b backtest-worker-2", out.get("runs_on"));
        assertEquals(List.of("op_1", "running", document),
                List.of(out.get("operation"), out.get("status"), out.get("backend")));
    }
}
