package ktrdr.api;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import ktrdr.Table;
import ktrdr.Units;
import ktrdr.api.Backend.Worker;
import ktrdr.api.OperationsApi.Operation;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Part;
import ktrdr.report.Document;

/** Operations as tables and documents, each with the worker that it runs on. Pure. */
public final class OperationsReport {
    /** In characters: what fits into a line or two, and what is shown of a longer one. */
    private static final int LONG = 200;
    private static final int SHORT = 80;
    /** Where an operation runs that no worker has. */
    private static final String BACKEND = Part.BACKEND.word();
    private final Inventory inventory;
    private final List<Worker> workers;

    /** @param workers as the backend reports them at the same moment */
    public OperationsReport(Inventory inventory, List<Worker> workers) {
        this.inventory = inventory;
        this.workers = workers;
    }

    /**
     * Where an operation runs: "workers-b backtest-worker-1", "backend"; empty if it has ended, does not run yet, or no
     * worker reports it.
     */
    String where(Operation operation) {
        if (operation.ended()) return "";
        Optional<Worker> worker = workers.stream().filter(eachWorker -> eachWorker.operation().equals(operation.id()))
                .findFirst();
        return worker.map(eachWorker -> inventory.place(eachWorker.endpointUrl()))
                .orElse(operation.status().equals("running") && operation.onBackend() ? BACKEND : "");
    }

    /** A line for each. */
    public Table table(List<Operation> operations) {
        var table = Table.of("operation", "type", "status", "progress", "symbol", "started", "took", "runs on");
        for (var operation : operations)
            table.row(operation.id(), operation.type(), operation.status(), Math.round(operation.percentage()) + " %",
                    operation.symbol(), operation.created().replaceFirst("\\.\\d+", ""),
                    operation.seconds() == 0 ? ""
                            : Units.duration(Duration.ofMillis(Math.round(operation.seconds() * 1000))),
                    where(operation));
        return table;
    }

    /**
     * The same for machines: {@code [{"operation", "type", "status", "percentage", "step", "symbol", "created",
     * "seconds", "runs_on"}]}.
     */
    public List<Map<String, Object>> document(List<Operation> operations) {
        var documents = new ArrayList<Map<String, Object>>();
        for (var operation : operations) {
            var document = new LinkedHashMap<String, Object>();
            document.put("operation", operation.id());
            document.put("type", operation.type());
            document.put("status", operation.status());
            document.put("percentage", operation.percentage());
            document.put("step", operation.step());
            document.put("symbol", operation.symbol());
            document.put("created", operation.created());
            document.put("seconds", operation.seconds());
            document.put("runs_on", where(operation));
            documents.add(document);
        }
        return documents;
    }

    /**
     * All that the backend says of one, a line for each value that there is, those of objects by their path; and where
     * it runs. A value longer than a line or two is cut and says how long it is: the strategy's file and the figures of
     * each epoch are kilobytes.
     */
    public Table details(JsonNode document) {
        var table = Table.of("field", "value");
        details(table, "", document);
        var operation = OperationsApi.operation(document);
        var where = where(operation);
        if (!where.isEmpty()) table.row("runs on", where);
        var remark = remark(operation);
        if (!remark.isEmpty()) table.row("note", remark);
        return table;
    }

    private static void details(Table table, String prefix, JsonNode document) {
        document.properties().forEach(field -> {
            var value = field.getValue();
            if (value.isObject()) details(table, prefix + field.getKey() + ".", value);
            else if (!value.isNull()) table.row(prefix + field.getKey(), brief(value));
        });
    }

    private static String brief(JsonNode value) {
        var text = value.isTextual() ? value.asText().replaceAll("\\s+", " ") : value.toString();
        if (text.length() <= LONG) return text;
        // never in the middle of a character of two
        int end = text.offsetByCodePoints(0, text.codePointCount(0, SHORT));
        return text.substring(0, end) + "… (" + (value.isArray() ? value.size() + " entries, " : "") + text.length()
                + " characters; -o json has all)";
    }

    /** An explanation of a status that the backend writes but that is unclear by itself; else empty. */
    static String remark(Operation operation) {
        if (operation.unclaimed() && operation.onBackend())
            return "given up by the backend, which still runs it: it may become completed";
        if (operation.unclaimed()) return "lost with its worker, or with its worker's registration";
        return operation.status().equals("completed") && !operation.words().equals("completed") ? operation.words()
                : "";
    }

    /** What the backend says of one, as it says it, and {@code runs_on}. */
    public Map<String, Object> document(JsonNode document) {
        var operation = OperationsApi.operation(document);
        return Document.fields("operation", operation.id(), "status", operation.status(), "runs_on", where(operation),
                BACKEND, document);
    }
}
