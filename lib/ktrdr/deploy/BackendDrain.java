package ktrdr.deploy;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import ktrdr.Console;
import ktrdr.Exit;
import ktrdr.Http;
import ktrdr.Problem;
import ktrdr.Waiting;
import ktrdr.api.OperationsApi;
import ktrdr.api.OperationsApi.Operation;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Inventory.Node;
import ktrdr.inventory.Part;
import ktrdr.release.Stack;

/**
 * The operations that the backend runs itself, such as a download of data: they end with its process, and no worker has
 * them. An operation that it marked as claimed by no worker runs on and cannot be seen.
 */
public final class BackendDrain {
    private static final int NAMED = 3;
    private final Node core;
    private final boolean there;
    private final OperationsApi operations;
    private final Console console;

    public BackendDrain(Inventory inventory, Http http, Console console) {
        this.core = inventory.core();
        this.there = Stack.of(inventory, core).service(Part.BACKEND).isPresent();
        this.operations = new OperationsApi(inventory, http);
        this.console = console;
    }

    /**
     * The operations that run now, none without a backend; empty if it does not answer, which may be the reason to
     * replace it.
     */
    public Optional<List<Operation>> running() {
        if (!there) return Optional.of(List.of());
        try {
            return Optional.of(operations.ofBackend());
        } catch (Problem problem) {
            if (problem.exit() == Exit.INTERRUPTED) throw problem;
            return Optional.empty();
        }
    }

    /** Waits for them to end, at most this long; answers those that still run. */
    public List<Operation> await(Duration patience) {
        var waiting = new Waiting(patience, 1000,
                core.name() + ": interrupted while waiting for the backend to be idle");
        try (var step = console.step(core.name(), "idle")) {
            return waiting.until(() -> running().orElse(List.of()), List::isEmpty,
                    left -> step.now("waiting for " + words(left)));
        }
    }

    /** Waits for them, at most this long, and reports those that end with the backend. */
    void drain(Duration patience) {
        var left = await(patience);
        if (!left.isEmpty())
            console.note(core.name(), "idle", "the backend is stopped while busy, and " + words(left) + " with it");
    }

    /** In words: "op_1 (data_load, 42 %), …". */
    public static String words(List<Operation> operations) {
        var named = operations.stream().limit(NAMED)
                .map(operation -> operation.id() + " (" + operation.type() + ", " + Math.round(operation.percentage())
                        + " %)").collect(Collectors.joining(", "));
        return named + (operations.size() > NAMED ? " and " + (operations.size() - NAMED) + " more" : "");
    }
}
