package ktrdr.api;

import java.time.Duration;
import ktrdr.Exit;
import ktrdr.Http;
import ktrdr.Problem;
import ktrdr.api.OperationsApi.Operation;
import ktrdr.inventory.Inventory;
import ktrdr.report.Document;
import ktrdr.report.Reports;

/** The operations of one backend for a command line: asks, follows and reports. */
public final class OperationsDesk implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(5);
    private final Reports reports;
    private final Inventory inventory;
    private final Http http;
    private final OperationsApi operations;

    public OperationsDesk(Reports reports, Inventory inventory) {
        this.reports = reports;
        this.inventory = inventory;
        this.http = new Http(inventory.overrides(), PATIENCE);
        this.operations = new OperationsApi(inventory, http);
    }

    /** The requests. */
    public OperationsApi operations() {
        return operations;
    }

    /** The backend. */
    public Backend backend() {
        return new Backend(inventory, http);
    }

    /** Follows and cancels operations, with progress on the console. */
    public OperationFollower follower() {
        return new OperationFollower(inventory, operations, reports.console());
    }

    /** Operations in words, with the workers that run them at this moment. */
    public OperationsReport report() {
        return new OperationsReport(inventory, backend().workers());
    }

    /** Reports an operation. */
    public Exit show(String id) {
        return show(id, Exit.OK);
    }

    private Exit show(String id, Exit exit) {
        var document = operations.document(id);
        var report = report();
        return reports.report(Document.of("operation", exit).with(report.document(document)),
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
        reports.console().problem(Problem.failed("operation " + operation.id() + " " + how).expected("completed")
                .found(operation.error())
                .fix(stillRuns ? "jbang operations@ktrdr show " + operation.id() + ", when it may be done"
                        : "jbang logs@ktrdr core backend"));
        return Exit.FAILED;
    }

    @Override
    public void close() {
        http.close();
    }
}
