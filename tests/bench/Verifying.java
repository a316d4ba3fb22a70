package bench;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import ktrdr.Console;
import ktrdr.Json;
import ktrdr.LocalCommand;
import ktrdr.Sh;
import ktrdr.api.OperationsApi;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.SampleSettings;

/**
 * Duration of a verification: by {@code verify} as a separate process, and by the plan's commands (5.9 and "Final
 * System Verification") in sequence.
 *
 * The time to read their output does not count. The plan's commands check no container, compare nothing and query only
 * one node.
 */
public final class Verifying {
    /** The programs that the plan's commands need, and the Debian package of each. */
    public static final Map<String, String> PROGRAMS = ByHand.PROGRAMS;
    private final Inventory inventory;
    private final Console console;
    private final List<String> words;
    private final Lists lists;

    /**
     * How to combine the plan's two lists, 5.9 and the final verification. Each has an operation: here the inventory's
     * sample, run to its end, or cancelled once it progresses.
     */
    public enum Lists {
        /** Commands in both lists run once; no operation runs. */
        READING,
        /** Commands in both lists run once, including an operation. */
        ONCE,
        /** Both lists in sequence as written, each with its own operation. */
        AS_WRITTEN
    }

    /**
     * @param toolkit the path of {@code ./ktrdr}
     * @param words the measured command, such as "verify", "--quick"
     */
    public Verifying(Inventory inventory, Console console, Path toolkit, List<String> words, Lists lists) {
        this.inventory = inventory;
        this.console = console;
        this.words = new ArrayList<>(List.of(toolkit.toString()));
        this.words.addAll(words);
        this.words.addAll(List.of("-i", inventory.source().toString()));
        this.lists = lists;
    }

    public SideBySide measure(Case what, int pairs) {
        return SideBySide.warm(what, pairs, this::ours, this::theirs);
    }

    private Duration ours() {
        return SideBySide.time(console, "verify", LocalCommand.command(words));
    }

    private Duration theirs() {
        return SideBySide.time(console, "commands", LocalCommand.command("sh", "-s").input(script(inventory, lists)));
    }

    private static final String HEALTH = """
            ask "$backend/api/v1/health"
            ask "$grafana/api/health"
            """;
    private static final String WORKERS = """
            ask "$backend/api/v1/workers" | jq -e .
            """;
    private static final String HOW_MANY = """
            ask "$backend/api/v1/workers" | jq -e length
            """;
    private static final String TARGETS = """
            ask "$prometheus/api/v1/targets" | jq -e '.data.activeTargets[] | {job: .labels.job, health: .health}'
            """;
    private static final String UP = """
            ask "$prometheus/api/v1/targets" | jq -e '[.data.activeTargets[] | select(.health=="up")] | length'
            """;
    private static final String OPERATION = """
            id=$(start | jq -er '.data.operation_id // .operation_id // .task_id')
            until ask "$backend/api/v1/operations/$id" | jq -e "$enough"; do sleep 1; done
            [ "$cancel" = no ] || ask -X DELETE "$backend/api/v1/operations/$id"
            """;
    private static final String OPERATIONS = """
            ask "$backend/api/v1/operations" | jq -e .
            """;
    private static final String SERVICES = """
            ask "$jaeger/api/services" | jq -e .
            """;
    private static final String TRACES = """
            ask "$jaeger/api/traces?service=$service&limit=1" | jq -e .
            """;
    private static final String RESULTS = """
            on "ls '$results'"
            """;

    /** The plan's commands in order, for sh on this machine. */
    public static String script(Inventory inventory, Lists lists) {
        var node = inventory.workers().get(0);
        var script = "set -eu\n" + ByHand.asking(inventory) + Sh.let("service", inventory.tracing().service())
                + Sh.let("results", inventory.storage().mount() + "/results")
                + "on() { ssh " + Sh.words(ByHand.login(inventory, node)) + " \"$@\"; }\n" + start(inventory.sample());
        return script + switch (lists) {
            case READING -> HEALTH + WORKERS + HOW_MANY + TARGETS + UP + SERVICES + TRACES + RESULTS;
            case ONCE -> HEALTH + WORKERS + HOW_MANY + TARGETS + UP + OPERATION + OPERATIONS + SERVICES + TRACES
                    + RESULTS;
            case AS_WRITTEN -> WORKERS + TARGETS + OPERATION + SERVICES + RESULTS + HEALTH + HOW_MANY + UP + OPERATION
                    + OPERATIONS + TRACES;
        };
    }

    private static String start(SampleSettings sample) {
        var kind = OperationsApi.Kind.valueOf(sample.operation());
        var enough = sample.toItsEnd() ? ".data.status == \"completed\"" : ".data.progress.percentage > 0";
        return Sh.let("enough", enough) + Sh.let("cancel", sample.toItsEnd() ? "no" : "yes") + "start() { ask -X POST "
                + (kind == OperationsApi.Kind.dummy ? "" : "-H 'Content-Type: application/json' -d "
                        + Sh.quote(Json.line(sample.body())) + " ") + "\"$backend/api/v1" + kind.path + "\"; }\n";
    }
}
