package ktrdr.health;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiPredicate;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import ktrdr.Problem;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Part;
import ktrdr.release.Stack;
import ktrdr.report.Check;
import ktrdr.report.CheckId;
import ktrdr.report.Repeated;

/**
 * Which failing check explains which others, by their ids, so that one cause is reported once and not five times. Pure.
 */
public final class RootCauses {
    /** What a check takes with it: any effect that one of the predicates holds for, given the cause and the effect. */
    private record Rule(Predicate<CheckId> cause, List<BiPredicate<CheckId, CheckId>> effects) {
        boolean explains(CheckId cause, CheckId effect) {
            return !cause.equals(effect) && this.cause.test(cause)
                    && effects.stream().anyMatch(biPredicate -> biPredicate.test(cause, effect));
        }
    }

    private static final CheckId QUERY = CheckId.ofFleet(Part.DATABASE.check(), "query");

    private RootCauses() {}

    private static List<Rule> rules(Inventory inventory) {
        return Stream.concat(nodes(inventory), services(Stack.of(inventory, inventory.core()))).toList();
    }

    private static Stream<Rule> nodes(Inventory inventory) {
        var core = inventory.core().name();
        var names = inventory.workerNodes().stream().flatMap(node -> inventory.workersOf(node.full()).stream())
                .map(Inventory.Worker::name).collect(Collectors.toSet());
        Predicate<CheckId> worker = id -> names.contains(id.subject());
        return Stream.of(
                rule(ofNode("ssh", "host"), sameNode(), scraped()),
                rule(ofNode("ssh", "host").and(id -> id.ofNode(core)),
                        any(id -> id.node().isEmpty() && id.is("health")), fleet("workers"),
                        any(QUERY::equals), kind(Part.DATABASE.check()), any(CheckId::target), fleet("targets"),
                        fleet(Part.GRAFANA.check()), fleet(Part.PROMETHEUS.check()), fleet("sample"),
                        kind("registered")),
                rule(ofNode("stack"), sameNode().and((cause, effect) -> !effect.is("host"))),
                // what asks a node that keeps it out gets no answer
                rule(ofNode("firewall"),
                        sameNode().and((cause, effect) -> worker.test(effect)
                                && effect.is("registered", "gpu", "health")),
                        scraped().and((cause, effect) -> worker.test(effect))),
                rule(CheckId.ofNode(core, "firewall")::equals, kind(Part.DATABASE.check()), kind("registered")),
                rule(worker.and(id -> id.is("container")), sameSubject("registered", "gpu"),
                        scraped().and((cause, effect) -> effect.subject().equals(cause.subject())),
                        (cause, effect) -> effect.equals(CheckId.ofNode(cause.node(), "release"))),
                rule(worker.and(id -> id.is("registered")), sameSubject("gpu")),
                rule(ofNode("share"), any(CheckId.ofFleet("sample", "result")::equals)));
    }

    private static Stream<Rule> services(Stack core) {
        var release = any(CheckId.ofNode(core.node(), "release")::equals);
        var metrics = any(CheckId.ofFleet(Part.PROMETHEUS.check(), "metrics")::equals);
        var query = any(CheckId.ofFleet(Part.GRAFANA.check(), "query")::equals);
        Predicate<CheckId> target = CheckId.ofTarget("", Part.BACKEND.check())::equals;
        return Stream.of(
                rule(service(core, Part.BACKEND), health(Part.BACKEND), fleet("workers"), kind("registered"),
                        any(target), metrics, fleet("sample"), release),
                rule(service(core, Part.DATABASE).and(id -> id.is("container")),
                        any(QUERY::equals), kind(Part.DATABASE.check()), release),
                rule(service(core, Part.PROMETHEUS),
                        fleet(Part.PROMETHEUS.check()), any(CheckId::target), fleet("targets"), query, release),
                rule(service(core, Part.GRAFANA), fleet(Part.GRAFANA.check()), release),
                rule(service(core, Part.JAEGER), health(Part.JAEGER),
                        any(CheckId.ofFleet("sample", "trace")::equals), release),
                rule(service(core, Part.ALERTMANAGER), health(Part.ALERTMANAGER), release),
                rule(target, metrics),
                rule(GrafanaChecks.source(Part.PROMETHEUS)::equals, query),
                rule(CheckId.ofFleet(Part.DATABASE.check(), "schema")::equals, fleet("sample")),
                rule(CheckId.ofFleet("sample", "operation")::equals, fleet("sample")));
    }

    @SafeVarargs
    private static Rule rule(Predicate<CheckId> cause, BiPredicate<CheckId, CheckId>... effects) {
        return new Rule(cause, List.of(effects));
    }

    private static Predicate<CheckId> ofNode(String... kinds) {
        return id -> !id.node().isEmpty() && id.is(kinds);
    }

    /** A check of a part by its own id, or one of the service that it is, by the name of that. */
    private static Predicate<CheckId> service(Stack core, Part part) {
        var service = core.service(part).orElse("");
        return id -> !id.target() && id.is("container", "health")
                && id.subject().equals(id.node().isEmpty() ? part.check() : service);
    }

    private static BiPredicate<CheckId, CheckId> any(Predicate<CheckId> effects) {
        return (cause, effect) -> effects.test(effect);
    }

    private static BiPredicate<CheckId, CheckId> kind(String kind) {
        return any(id -> id.is(kind));
    }

    private static BiPredicate<CheckId, CheckId> fleet(String subject) {
        return any(id -> id.ofFleet(subject));
    }

    private static BiPredicate<CheckId, CheckId> health(Part part) {
        return any(CheckId.ofFleet(part.check(), "health")::equals);
    }

    private static BiPredicate<CheckId, CheckId> sameNode() {
        return (cause, effect) -> effect.ofNode(cause.node());
    }

    private static BiPredicate<CheckId, CheckId> scraped() {
        return (cause, effect) -> effect.target() && effect.node().equals(cause.node());
    }

    private static BiPredicate<CheckId, CheckId> sameSubject(String... kinds) {
        return sameNode().and((cause, effect) -> effect.subject().equals(cause.subject()) && effect.is(kinds));
    }

    /** Each failed check that another check explains, to the check that explains it and that no other explains. */
    public static Map<String, String> of(Inventory inventory, List<Check> checks) {
        var rules = rules(inventory);
        var failing = checks.stream().filter(check -> !check.ok()).map(Check::what).toList();
        var causes = new LinkedHashMap<CheckId, CheckId>();
        for (var effect : failing)
            failing.stream().filter(cause -> rules.stream().anyMatch(rule -> rule.explains(cause, effect))).findFirst()
                    .ifPresent(cause -> causes.put(effect, cause));
        var roots = new LinkedHashMap<String, String>();
        causes.forEach((effect, cause) -> roots.put(effect.text(), root(causes, cause).text()));
        return roots;
    }

    private static CheckId root(Map<CheckId, CheckId> causes, CheckId check) {
        return causes.containsKey(check) ? root(causes, causes.get(check)) : check;
    }

    /** A problem for each cause, with the ids of what it explains. */
    public static List<Problem> problems(Inventory inventory, List<Check> checks) {
        var causes = of(inventory, checks);
        var problems = new ArrayList<Problem>();
        for (var check : checks) {
            if (check.ok() || causes.containsKey(check.id())) continue;
            var effects = causes.entrySet().stream().filter(entry -> entry.getValue().equals(check.id()))
                    .map(Map.Entry::getKey).collect(Collectors.joining(", "));
            problems.add(check.problem(check.id() + " does not hold").with("as well", effects));
        }
        return Repeated.once(inventory.nodes(), problems);
    }
}
