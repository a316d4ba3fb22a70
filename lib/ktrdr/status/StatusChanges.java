package ktrdr.status;

import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import ktrdr.Exit;
import ktrdr.Problem;
import ktrdr.Table;
import ktrdr.Units;
import ktrdr.api.FiringAlert;
import ktrdr.api.WorkerRoster;
import ktrdr.inventory.Inventory.Node;
import ktrdr.node.Docker;
import ktrdr.release.LockScripts;
import ktrdr.release.Stack;
import ktrdr.report.Check;
import ktrdr.report.Document;

/**
 * What changed from one {@link FleetStatus} to the next, kept during a watch. A subject that changes often keeps its
 * last changes only.
 */
public final class StatusChanges {
    private static final int KEPT = 6;

    /** A change as it was seen, at most one refresh later than it was. */
    public record Change(Instant time, String subject, String change) {}

    /** What a subject is, and how to say that it has become so. */
    private record State(String value, String became) {}

    private final Map<String, State> known = new TreeMap<>();
    private final Map<String, List<Change>> changes = new LinkedHashMap<>();
    private final Map<String, Integer> counts = new LinkedHashMap<>();
    private Instant first;
    private Instant last;
    private int refreshes;

    /**
     * Compares the next status with those before. What was not asked this time, such as a node that was not reached, is
     * as it was.
     */
    public void add(FleetStatus status) {
        if (first == null) first = status.time();
        last = status.time();
        refreshes++;
        states(status).forEach((subject, state) -> {
            var before = known.put(subject, state);
            if (before == null || before.value().equals(state.value())) return;
            var all = changes.computeIfAbsent(subject, none -> new ArrayList<>());
            all.add(new Change(status.time(), subject, state.became()));
            if (all.size() > KEPT) all.remove(0);
            counts.merge(subject, 1, Integer::sum);
        });
    }

    private static Map<String, State> states(FleetStatus status) {
        var states = new LinkedHashMap<String, State>();
        for (var node : status.inventory().nodes()) {
            if (status.unreached().containsKey(node)) states.put(node.name(), new State("away", "was not reached"));
            if (status.nodes().containsKey(node)) node(status, node, states);
        }
        status.services().forEach(check -> states.put(check.what().subject(), answers(check)));
        status.registered()
                .ifPresent(registered -> status.roster().states()
                        .forEach((node, workers) -> workers.forEach((worker, state) ->
                states.put(node.name() + " " + worker, WorkerRoster.serves(state) ? new State("there", "came back")
                        : new State("away", "went away")))));
        status.targets().forEach(check -> states.put("target " + check.what().withoutArea(),
                check.ok() ? new State("up", "came up") : new State("down", "went down")));
        status.alerts().ifPresent(alerts -> {
            var words = alerts.stream().map(FiringAlert::words).distinct().sorted().collect(Collectors.joining(", "));
            states.put("alerts", new State(words, words.isEmpty() ? "none firing" : words));
        });
        return states;
    }

    private static State answers(Check check) {
        return check.ok() ? new State("answers", "answered again") : new State("silent", "stopped answering");
    }

    private static void node(FleetStatus status, Node node, Map<String, State> states) {
        var at = status.nodes().get(node);
        var name = node.name();
        states.put(name, new State("there", "was reached again"));
        var release = Stack.of(status.inventory(), node).release(at.containers());
        if (!release.isEmpty()) states.put(name + " release", new State(release, "became " + release));
        var owner = at.lock().holder();
        states.put(name + " lock", new State(owner.map(LockScripts.Owner::id).orElse(""),
                owner.map(holder -> "was taken by " + holder.who() + ": " + holder.what()).orElse("was released")));
        at.history().last().ifPresent(entry -> {
            if (at.history().unfinished().isEmpty())
                states.put(name + " deployment", new State(entry.id(), entry.tag() + " " + entry.outcome().word()));
        });
        if (!at.docker()) return;
        for (var service : status.services(node)) {
            var container = Docker.service(at.containers(), service);
            states.put(name + " " + service + " container",
                    new State(container.map(eachContainer -> eachContainer.startedAt() + eachContainer.status()
                            + eachContainer.health()).orElse("none"),
                    container.map(StatusChanges::words).orElse("removed")));
        }
        drift(status, node, states);
    }

    private static String words(Docker.Container container) {
        return container.state() + (container.running()
                ? ", started " + container.startedAt().replaceFirst("^.*T(\\d\\d:\\d\\d:\\d\\d).*", "$1Z") : "");
    }

    private static void drift(FleetStatus status, Node node, Map<String, State> states) {
        try {
            var drift = status.drift(node);
            var words = String.join("; ", drift.files());
            states.put(node.name() + " files", new State(words, words.isEmpty() ? "were restored" : words));
        } catch (Problem damaged) {
            states.put(node.name() + " files", new State("damaged", damaged.sentence()));
        }
    }

    /** All that are kept, in the order they came. */
    public List<Change> all() {
        return changes.values().stream().flatMap(List::stream).sorted((a, b) -> a.time().compareTo(b.time())).toList();
    }

    /** A row for each subject that changed, with its changes and their times, UTC. */
    public Table table() {
        var table = Table.of("what changed", "");
        changes.forEach((subject, all) ->
                table.row(subject, (counts.get(subject) > all.size() ? counts.get(subject) + " times, at last: " : "")
                + all.stream().map(change -> time(change.time()) + " " + change.change())
                        .collect(Collectors.joining(", "))));
        return table;
    }

    /** "watched for 5 min 0 s, 60 refreshes, 3 changes". */
    public String summary() {
        int count = counts.values().stream().mapToInt(Integer::intValue).sum();
        if (first == null) return "nothing was seen";
        return "watched for " + Units.duration(Duration.between(first, last)) + ", " + refreshes
                + (refreshes == 1 ? " refresh, " : " refreshes, ")
                + (count == 0 ? "nothing changed" : count + (count == 1 ? " change" : " changes"));
    }

    /** For machines: the last line of a watch that ends so. */
    public Document document(Exit exit) {
        return Document.of("status-changes", exit).with("from", first == null ? null : first.toString())
                .with("to", last == null ? null : last.toString()).with("refreshes", refreshes)
                .with("changes", all().stream()
                        .map(change -> Document.fields("time", change.time().toString(), "subject", change.subject(),
                                "change", change.change())).toList());
    }

    /** With the date where the time of day could be that of another day. */
    private String time(Instant time) {
        var form = Duration.between(first, last).toHours() < 12 ? "HH:mm:ss'Z'" : "yyyy-MM-dd HH:mm:ss'Z'";
        return DateTimeFormatter.ofPattern(form).withZone(ZoneOffset.UTC).format(time);
    }
}
