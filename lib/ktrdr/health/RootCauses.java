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

    private RootCauses() {}

    private static List<Rule> rules(String core) {
        return Stream.concat(nodes(core), services(core)).toList();
    }

    private static Stream<Rule> nodes(String core) {
        return Stream.of(
                rule(ofNode("ssh", "host"), sameNode(), scraped()),
                rule(ofNode("ssh", "host").and(id -> id.ofNode(core)),
                        any(id -> id.node().isEmpty() && id.is("health")), fleet("workers"),
                        any(CheckId.ofFleet("db", "query")::equals), kind("db"), any(CheckId::target), fleet("targets"),
                        fleet("grafana"), fleet("prometheus"), fleet("sample"), kind("registered")),
                rule(ofNode("stack"), sameNode().and((cause, effect) -> !effect.is("host"))),
                // what asks a node that keeps it out gets no answer
                rule(ofNode("firewall"),
                        sameNode().and((cause, effect) -> worker(effect) && effect.is("registered", "gpu", "health")),
                        scraped().and((cause, effect) -> worker(effect))),
                rule(CheckId.ofNode(core, "firewall")::equals, kind("db"), kind("registered")),
                rule(id -> worker(id) && id.is("container"), sameSubject("registered", "gpu"),
                        scraped().and((cause, effect) -> effect.subject().equals(cause.subject())),
                        (cause, effect) -> effect.equals(CheckId.ofNode(cause.node(), "release"))),
                rule(id -> worker(id) && id.is("registered"), sameSubject("gpu")),
                rule(ofNode("share"), any(CheckId.ofFleet("sample", "result")::equals)));
    }

    private static Stream<Rule> services(String core) {
        var release = any(CheckId.ofNode(core, "release")::equals);
        var metrics = any(CheckId.ofFleet("prometheus", "metrics")::equals);
        var query = any(CheckId.ofFleet("grafana", "query")::equals);
        return Stream.of(
                rule(service("backend"), health("backend"), fleet("workers"), kind("registered"),
                        any(CheckId.ofTarget("", "backend")::equals), metrics, fleet("sample"), release),
                rule(id -> id.subject().equals("db") && id.is("container"),
                        any(CheckId.ofFleet("db", "query")::equals), kind("db"), release),
                rule(service("prometheus"),
                        fleet("prometheus"), any(CheckId::target), fleet("targets"), query, release),
                rule(service("grafana"), fleet("grafana"), release),
                rule(service("jaeger"), health("jaeger"), any(CheckId.ofFleet("sample", "trace")::equals), release),
                rule(service("alertmanager"), health("alertmanager"), release),
                rule(CheckId.ofTarget("", "backend")::equals, metrics),
                rule(CheckId.ofFleet("grafana", "datasource.prometheus")::equals, query),
                rule(CheckId.ofFleet("db", "schema")::equals, fleet("sample")),
                rule(CheckId.ofFleet("sample", "operation")::equals, fleet("sample")));
    }

    @SafeVarargs
    private static Rule rule(Predicate<CheckId> cause, BiPredicate<CheckId, CheckId>... effects) {
        return new Rule(cause, List.of(effects));
    }

    private static Predicate<CheckId> ofNode(String... kinds) {
        return id -> !id.node().isEmpty() && id.is(kinds);
    }

    private static Predicate<CheckId> service(String name) {
        return id -> !id.target() && id.subject().equals(name) && id.is("container", "health");
    }

    private static boolean worker(CheckId id) {
        return id.subject().contains("-worker-");
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

    private static BiPredicate<CheckId, CheckId> health(String service) {
        return any(CheckId.ofFleet(service, "health")::equals);
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
        var rules = rules(inventory.core().name());
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
