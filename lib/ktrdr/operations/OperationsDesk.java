package ktrdr.operations;

import java.time.Duration;
import java.util.Map;
import ktrdr.Exit;
import ktrdr.Http;
import ktrdr.Problem;
import ktrdr.Table;
import ktrdr.api.Backend;
import ktrdr.api.OperationFollower;
import ktrdr.api.OperationsApi;
import ktrdr.api.OperationsApi.Kind;
import ktrdr.api.OperationsApi.Operation;
import ktrdr.api.OperationsReport;
import ktrdr.cli.Cli;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Part;
import ktrdr.release.Stack;
import ktrdr.report.Document;

/** The operations of one backend for a command line: asks, follows and reports. */
public final class OperationsDesk implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(5);
    private final Cli.Common common;
    private final Inventory inventory;
    private final Http http;
    private final OperationsApi operations;

    private OperationsDesk(Cli.Common common, Inventory inventory) {
        this.common = common;
        this.inventory = inventory;
        this.http = new Http(inventory.overrides(), PATIENCE);
        this.operations = new OperationsApi(inventory, http);
    }

    /** Of the backend in the inventory of this run. */
    public static OperationsDesk open(Cli.Common common) {
        Stack.of(common.inventory(), common.inventory().core()).needed(Part.BACKEND);
        return new OperationsDesk(common, common.running(false).inventory());
    }

    private Backend backend() {
        return new Backend(inventory, http);
    }

    private OperationFollower follower() {
        return new OperationFollower(inventory, operations, common.console());
    }

    private OperationsReport report() {
        return new OperationsReport(inventory, backend().workers());
    }

    /** Reports the newest operations, as {@link OperationsApi#listWithWorkers} finds them. */
    public Exit list(String status, String type, boolean active, int limit) {
        var found = operations.listWithWorkers(status, type, active, limit);
        var report = report();
        var started = backend().started();
        common.report(Document.of("operations", Exit.OK).with("operations", report.document(found))
                .with("backend_started", started.map(Object::toString).orElse(null)), report.table(found));
        if (common.json()) return Exit.OK;
        if (found.isEmpty()) common.console().note("the backend lists no operations");
        common.console().note("this is what the backend has in memory"
                + started.map(time -> ", since its start at " + time).orElse("")
                + "; for an operation that ended before: jbang operations@ktrdr show ID");
        return Exit.OK;
    }

    /** Reports an operation. */
    public Exit show(String id) {
        return show(id, Exit.OK);
    }

    private Exit show(String id, Exit exit) {
        var document = operations.document(id);
        var report = report();
        return common.report(Document.of("operation", exit).with(report.document(document)),
                report.details(document));
    }

    /** Follows an operation to its end and reports it; an operation that did not complete is a failure. */
    public Exit follow(String id) {
        var operation = follower().follow(id);
        return operation.ended() ? ended(operation) : Exit.OK;
    }

    private Exit ended(Operation operation) {
        if (operation.completed()) return show(operation.id());
        boolean stillRuns = operation.unclaimed() && operation.onBackend();
        var how = stillRuns ? "was given up by the backend, which still runs it"
                : operation.cancelled() ? "was cancelled" : "failed";
        show(operation.id(), Exit.FAILED);
        common.console().problem(Problem.failed("operation " + operation.id() + " " + how).expected("completed")
                .found(operation.error())
                .fix(stillRuns ? "jbang operations@ktrdr show " + operation.id() + ", when it may be done"
                        : "jbang logs@ktrdr core " + Stack.of(inventory, inventory.core()).needed(Part.BACKEND)));
        return Exit.FAILED;
    }

    /** Cancels an operation, proves it, and reports the operation. */
    public Exit cancel(String id) {
        follower().cancel(id);
        return show(id);
    }

    /** Resumes an operation from its last checkpoint, and notes which. */
    public void resume(String id) {
        var from = operations.resume(id);
        var epoch = from.path("epoch").isNumber() ? "epoch " + from.path("epoch").asInt() : "its checkpoint";
        common.console().note("operation", "resume", id + " goes on from " + epoch + " of "
                + from.path("created_at").asText("an unknown time") + "; its percentage starts again at 0");
    }

    /** Reports the request that would start an operation; nothing is sent. */
    Exit wouldStart(Kind kind, Map<String, String> body) {
        var url = operations.url(kind);
        var table = Table.of("field", "value");
        body.forEach(table::row);
        return common.report(Document.of("operation-plan", Exit.OK).with("post", url).with("body", body),
                Table.of("post").row(url), table);
    }

    /** Starts an operation and returns its id. */
    String start(Kind kind, Map<String, String> body) {
        var id = operations.start(kind, body);
        common.console().note("operation", kind.name(), id + " is started");
        return id;
    }

    @Override
    public void close() {
        http.close();
    }
}
