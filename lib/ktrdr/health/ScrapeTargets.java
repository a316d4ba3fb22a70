package ktrdr.health;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Part;
import ktrdr.release.Stack;
import ktrdr.report.Check;
import ktrdr.report.CheckId;

/**
 * What Prometheus reports about its targets, to be compared with an inventory.
 *
 * @param answer of {@code /api/v1/targets}; empty if Prometheus did not answer
 * @param silent the failed check of a Prometheus that did not answer
 */
public record ScrapeTargets(Optional<JsonNode> answer, Optional<Check> silent) {
    /** Of a stack without Prometheus. */
    static final ScrapeTargets NONE = new ScrapeTargets(Optional.empty(), Optional.empty());
    /** What Prometheus reports about a target that it has not scraped yet. */
    public static final String NOT_ASKED = "unknown";
    public static final String NOT_KNOWN = "Prometheus does not know it";
    /** The job of the nodes' own metrics. */
    private static final String EXPORTER = "node";

    /** A target that has to exist, and the node where it runs. */
    private record Target(CheckId what, String node) {}

    /**
     * A check for each target that the inventory requires: it exists and is up; and one for all other targets.
     *
     * @param left whether a worker at this address was taken away without a change of Prometheus' configuration
     */
    public List<Check> checks(Inventory inventory, Predicate<String> left) {
        return silent.map(List::of)
                .orElseGet(() -> answer.map(said -> checks(inventory, said, left)).orElse(List.of()));
    }

    private static List<Check> checks(Inventory inventory, JsonNode answer, Predicate<String> left) {
        var expected = expected(inventory);
        var active = StreamSupport.stream(answer.path("data").path("activeTargets").spliterator(), false)
                .collect(Collectors.toMap(ScrapeTargets::name, target -> target, (first, second) -> second));
        var checks = new ArrayList<Check>();
        expected.forEach((name, target) -> checks.add(check(target, active.get(name), deploy(inventory))));
        active.keySet().removeAll(expected.keySet());
        checks.add(others(inventory, active.values(), left));
        return checks;
    }

    private static Map<String, Target> expected(Inventory inventory) {
        var expected = new TreeMap<String, Target>();
        var backend = Part.BACKEND.check();
        if (Stack.of(inventory, inventory.core()).service(Part.BACKEND).isPresent())
            expected.put(backend, new Target(CheckId.ofTarget("", backend), inventory.core().name()));
        if (inventory.metrics().nodes()) for (var node : inventory.nodes())
            expected.put(EXPORTER + " " + node.name(),
                    new Target(CheckId.ofTarget("", EXPORTER + "." + node.name()), node.name()));
        for (var node : inventory.workerNodes())
            for (var worker : inventory.workersOf(node))
                expected.put(node.name() + " " + worker.name(),
                        new Target(CheckId.ofTarget(node.name(), worker.name()), node.name()));
        return expected;
    }

    private static String deploy(Inventory inventory) {
        var core = Stack.of(inventory, inventory.core());
        return "jbang deploy@ktrdr " + core.words() + " " + core.needed(Part.PROMETHEUS);
    }

    /** Prometheus' other targets, such as itself: "all targets up" includes these. */
    private static Check others(Inventory inventory, Collection<JsonNode> others, Predicate<String> left) {
        var gone = others.stream()
                .filter(target -> left.test(target.path("scrapeUrl").asText().replaceFirst("/metrics/?$", "")))
                .toList();
        var down = others.stream()
                .filter(target -> !gone.contains(target) && !target.path("health").asText().equals("up"))
                .map(target -> target.path("scrapeUrl").asText() + " is " + target.path("health").asText() + " "
                        + target.path("lastError").asText("")).toList();
        return new Check(CheckId.ofFleet("targets", "others"), inventory.core().name(), down.isEmpty(),
                "all further targets up",
                down.isEmpty() ? others.size() - gone.size() + " up"
                        + (gone.isEmpty() ? "" : ", and " + gone.size() + " of removed workers")
                        : String.join("; ", down).strip(),
                deploy(inventory) + " makes it scrape what the inventory runs", 0);
    }

    private static String name(JsonNode target) {
        var labels = target.path("labels");
        var job = labels.path("job").asText();
        return (job + " " + labels.path(job.equals(EXPORTER) ? "node" : "worker").asText("")).strip();
    }

    private static Check check(Target wanted, JsonNode target, String deploy) {
        boolean up = target != null && target.path("health").asText().equals("up");
        var found = target == null ? NOT_KNOWN
                : (target.path("health").asText() + " " + target.path("lastError").asText("")).strip();
        return new Check(wanted.what(), wanted.node(), up, "a Prometheus target that is up", found,
                target == null ? deploy : "curl " + target.path("scrapeUrl").asText(), 0);
    }
}
