package bench;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import ktrdr.Console;
import ktrdr.Inventory;
import ktrdr.Json;
import ktrdr.Local;
import ktrdr.Operations;
import ktrdr.Sh;

/**
 * How long a verification takes: by {@code verify} as a process of its own, and by the plan's own commands (5.9 and "Final System Verification") one after the other.
 *
 * The time in which a person reads what they print does not count. They look at no container, compare nothing and ask no node but one.
 */
public final class Verifying {
    /** What the plan's commands need, and the Debian package of each. */
    public static final Map<String, String> PROGRAMS = Map.of("curl", "curl", "jq", "jq", "ssh", "openssh-client");
    private final Inventory inventory;
    private final Console console;
    private final List<String> words;
    private final Lists lists;

    /** How the plan's two lists, of 5.9 and of the final verification, are read. Both have an operation in them: here the inventory's sample, to its end, or until it progressed and is cancelled. */
    public enum Lists {
        /** What is in both counts once, and no operation is run. */
        READING("each of the plan's commands once, without a sample operation"),
        /** What is in both counts once, an operation too. */
        ONCE("each of the plan's commands once, with one sample operation"),
        /** One list after the other as the plan has them, each with its own operation. */
        AS_WRITTEN("both of the plan's lists as they are written, each with its operation");

        private final String words;

        Lists(String words) {
            this.words = words;
        }
    }

    /**
     * @param toolkit the front door, {@code ./ktrdr}
     * @param words of the command that is measured, such as "verify", "--quick"
     */
    public Verifying(Inventory inventory, Console console, Path toolkit, List<String> words, Lists lists) {
        this.inventory = inventory;
        this.console = console;
        this.words = new ArrayList<>(List.of(toolkit.toString()));
        this.words.addAll(words);
        this.words.addAll(List.of("-i", inventory.source().toString()));
        this.lists = lists;
    }

    /** Measures, after a run of each that does not count. */
    public SideBySide measure(String name, int pairs) {
        ours();
        theirs();
        return SideBySide.measure(name, "a whole run, start of the process included, and one after the other " + lists.words, pairs, "verify", this::ours, "commands", this::theirs);
    }

    private Duration ours() {
        return SideBySide.time(console, "verify", Local.command(words));
    }

    private Duration theirs() {
        return SideBySide.time(console, "commands", Local.command("sh", "-s").input(script(inventory, lists)));
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
            id=$(start | jq -er '.data.operation_id // .operation_id')
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

    /** The plan's commands, in its order, for sh on this machine. */
    public static String script(Inventory inventory, Lists lists) {
        var urls = new LinkedHashMap<String, String>();
        for (var service : List.of("backend", "grafana", "prometheus", "jaeger")) urls.put(service, inventory.url(service));
        var node = inventory.workers().get(0);
        var script = new StringBuilder("set -eu\n");
        urls.forEach((service, url) -> script.append(Sh.let(service, url)));
        script.append(Sh.let("service", inventory.tracing().service())).append(Sh.let("results", inventory.storage().mount() + "/results"))
                .append("ask() { curl -sS --fail --max-time 10 ").append(Sh.words(resolve(inventory, urls.values()))).append(" \"$@\"; }\n")
                .append("on() { ssh ").append(Sh.words(login(inventory, node))).append(" \"$@\"; }\n").append(start(inventory.sample()));
        return script.append(switch (lists) {
            case READING -> HEALTH + WORKERS + HOW_MANY + TARGETS + UP + SERVICES + TRACES + RESULTS;
            case ONCE -> HEALTH + WORKERS + HOW_MANY + TARGETS + UP + OPERATION + OPERATIONS + SERVICES + TRACES + RESULTS;
            case AS_WRITTEN -> WORKERS + TARGETS + OPERATION + SERVICES + RESULTS + HEALTH + HOW_MANY + UP + OPERATION + OPERATIONS + TRACES;
        }).toString();
    }

    private static String start(Inventory.Sample sample) {
        var kind = Operations.Kind.valueOf(sample.operation());
        var enough = sample.toItsEnd() ? ".data.status == \"completed\"" : ".data.progress.percentage > 0";
        return Sh.let("enough", enough) + Sh.let("cancel", sample.toItsEnd() ? "no" : "yes") + "start() { ask -X POST "
                + (kind == Operations.Kind.dummy ? "" : "-H 'Content-Type: application/json' -d " + Sh.quote(Json.line(sample.body())) + " ") + "\"$backend/api/v1" + kind.path + "\"; }\n";
    }

    /** Names to addresses where DNS is not asked. */
    private static List<String> resolve(Inventory inventory, Iterable<String> urls) {
        var options = new ArrayList<String>();
        for (var url : urls) {
            var place = url.replaceFirst("^http://", "");
            var address = inventory.overrides().get(place.replaceFirst(":.*", ""));
            if (address != null) options.addAll(List.of("--resolve", place + ":" + address));
        }
        return options;
    }

    /** The words of ssh after its name, for a node. */
    static List<String> login(Inventory inventory, Inventory.Node node) {
        var ssh = node.ssh();
        var name = inventory.fqdn(node);
        var words = new ArrayList<>(List.of("-o", "BatchMode=yes"));
        ssh.identity().ifPresent(file -> words.addAll(List.of("-i", file.toString())));
        ssh.knownHosts().ifPresent(file -> words.addAll(List.of("-o", "UserKnownHostsFile=" + file)));
        ssh.port().ifPresent(port -> words.addAll(List.of("-p", String.valueOf(port))));
        ssh.jump().ifPresent(jump -> words.addAll(List.of("-J", jump)));
        var address = inventory.overrides().get(name);
        if (address != null) words.addAll(List.of("-o", "HostName=" + address, "-o", "HostKeyAlias=" + name));
        words.add(ssh.user().map(user -> user + "@" + name).orElse(name));
        return words;
    }
}
