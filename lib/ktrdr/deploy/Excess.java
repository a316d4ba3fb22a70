package ktrdr.deploy;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import ktrdr.ScriptExit;
import ktrdr.Sh;
import ktrdr.node.Docker;

/**
 * Handles containers that Compose would leave, or fail on: of services that are retired, a second one of a service, a
 * renamed one. Pure.
 */
public record Excess(NodePlan plan) {
    /**
     * Containers of the plan's services whose name is not that of the service, with the right name: Compose goes by
     * labels.
     */
    Map<String, String> renamed() {
        var renamed = new TreeMap<String, String>();
        if (!plan.restart()) for (var service : plan.services()) Docker.service(plan.facts().containers(), service)
                .filter(container -> !container.passing())
                .filter(container -> !container.name().equals(plan.stack().container(service)))
                .ifPresent(container -> renamed.put(container.name(), plan.stack().container(service)));
        return renamed;
    }

    /** The containers to be removed. */
    private List<Docker.Container> away() {
        var seen = new TreeSet<String>();
        return plan.facts().containers().stream().filter(container -> !container.passing())
                .filter(container -> plan.retired().contains(container.service())
                        || !seen.add(container.service()) && plan.services().contains(container.service())).toList();
    }

    /**
     * Shell lines that remove and rename them, by id: the Compose file may not know the service any more. A container
     * that is already gone is not a failure; {@link ScriptExit#DOCKER_FAILED} is one.
     */
    String script() {
        var script = new StringBuilder();
        away().forEach(container -> script.append("away ").append(Sh.quote(container.id())).append('\n'));
        renamed().forEach((name, own) -> script.append("docker rename ").append(Sh.words(List.of(name, own)))
                .append(" || exit ").append(ScriptExit.DOCKER_FAILED.code).append("\n"));
        return script.isEmpty() ? "" : ScriptExit.numbers("""
                away() {
                  docker stop "$1" >/dev/null 2>&1 || :
                  docker rm -f "$1" >/dev/null 2>&1 || ! docker inspect "$1" >/dev/null 2>&1 || { echo "the container \
                $1 could not be removed" >&2; exit $DOCKER_FAILED; }
                }
                """) + script;
    }

    /**
     * In words, such as "foo renamed to backtest-worker-1"; empty if there is nothing. Retired services are reported by
     * the plan.
     */
    public String words() {
        var words = new ArrayList<String>();
        renamed().forEach((name, own) -> words.add(name + " renamed to " + own));
        var more = away().stream().filter(container -> !plan.retired().contains(container.service()))
                .map(Docker.Container::name).toList();
        if (!more.isEmpty()) words.add(String.join(", ", more) + " removed");
        return String.join("; ", words);
    }
}
