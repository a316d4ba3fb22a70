package ktrdr.health;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import ktrdr.Console;
import ktrdr.Facts;
import ktrdr.Sh;
import ktrdr.fleet.Fleet;
import ktrdr.inventory.Inventory.Node;
import ktrdr.node.Docker;
import ktrdr.node.LogMask;
import ktrdr.report.Check;
import ktrdr.report.CheckId;
import ktrdr.ssh.Ssh;

/**
 * The last output of a container's health check, as the Engine has it in {@code .State.Health.Log}: the container's own
 * log does not have it, nor that no command could run in it.
 */
public final class HealthLog {
    private static final int LENGTH = 300;

    private HealthLog() {}

    /**
     * Of each container that is unhealthy: the id of its check to what its health check said. A node that does not
     * answer any more has none.
     */
    public static Map<String, String> ask(Fleet fleet, Map<Node, List<Docker.Container>> nodes) {
        var unwell = new LinkedHashMap<Node, List<Docker.Container>>();
        nodes.forEach((node, containers) -> {
            var some = containers.stream().filter(Docker.Container::unhealthy).toList();
            if (!some.isEmpty()) unwell.put(node, some);
        });
        var said = new LinkedHashMap<String, String>();
        if (unwell.isEmpty()) return said;
        fleet.each(unwell::containsKey, (node, ssh) -> ask(ssh, unwell.get(node))).values()
                .forEach((node, words) -> words.forEach((service, text) -> said.put(id(node, service), text)));
        return said;
    }

    /** Service to the last output of its container's health check, without services whose check printed nothing. */
    public static Map<String, String> ask(Ssh ssh, List<Docker.Container> containers) {
        if (containers.isEmpty()) return Map.of();
        var facts = Facts.parse(ssh.must(Facts.SAY + script(containers.stream().map(Docker.Container::name).toList())
                + "say end yes\n"));
        var said = new LinkedHashMap<String, String>();
        containers.forEach(container -> Optional.of(facts.get("health " + container.name()))
                .filter(text -> !text.isBlank())
                .ifPresent(text -> said.put(container.service(), Console.brief(text.strip(), LENGTH))));
        return said;
    }

    /** Shell lines that say it, without the containers' secrets. */
    static String script(List<String> containers) {
        return LogMask.shell() + "for name in " + Sh.words(containers) + "; do\n" + """
                  said=$(docker inspect --type container --format '{{$last := ""}}{{if .State.Health}}{{range \
                .State.Health.Log}}{{$last = printf "exit code %d: %s" .ExitCode .Output}}{{end}}{{end}}{{$last}}' \
                "$name" 2>/dev/null |
                    masked "$name") || said=
                  say "health $name" "$said"
                done
                """;
    }

    private static String id(Node node, String service) {
        return CheckId.ofNode(node, service, "container").text();
    }

    /** In words: "training-worker-1 (exit code 1: …), …". */
    public static String words(List<Docker.Container> containers, Map<String, String> said) {
        var words = new ArrayList<String>();
        containers.forEach(
                container -> words.add(container.service() + Optional.ofNullable(said.get(container.service()))
                        .map(text -> " (" + text + ")").orElse("")));
        return words.stream().sorted().collect(Collectors.joining(", "));
    }

    /** The check of a container with what its health check said. */
    public static Check told(Check check, Map<String, String> said) {
        var words = said.get(check.id());
        return words == null ? check : new Check(check.what(), check.node(), check.ok(), check.expected(),
                check.found() + "; its health check: " + words, check.fix(), check.seconds());
    }
}
