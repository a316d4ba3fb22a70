package bench;

import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import ktrdr.Console;
import ktrdr.Json;
import ktrdr.LocalCommand;
import ktrdr.Problem;
import ktrdr.Sh;
import ktrdr.fleet.Fleet;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Secrets;
import ktrdr.node.Docker;
import ktrdr.release.Stack;

/**
 * Deployments by {@code deploy}, and by the plan's commands and a playbook, which write no file and keep no history.
 * Both sides end in the same state, checked twice a second: containers healthy, workers registered.
 */
public final class Deploying implements AutoCloseable {
    /** On a node: until no container is starting or unhealthy. */
    private static final String HEALTHY =
            "until [ -z \"$(docker ps -q --filter health=starting --filter health=unhealthy)\" ]; do sleep 0.5; done\n";
    private final Inventory inventory;
    private final Fleet fleet;
    private final Console console;
    private final Path toolkit;
    private final List<String> tags;
    private final Secrets secrets;
    private final String found;
    private boolean moved;

    /**
     * @param fleet of all nodes
     * @param tags two good releases to alternate between
     */
    public Deploying(Fleet fleet, Console console, Path toolkit, List<String> tags) {
        this.inventory = fleet.inventory();
        this.fleet = fleet;
        this.console = console;
        this.toolkit = toolkit;
        this.tags = tags;
        var fields = new TreeSet<>(Set.of(Secrets.Field.GHCR_TOKEN));
        fields.addAll(Stack.of(inventory, inventory.core()).secrets());
        this.secrets = Secrets.fetch(inventory, fields, System.getenv(), console);
        this.found = release(fleet, inventory.nodes());
    }

    /**
     * The release that runs on these nodes. It must be the same on all of them, or the measurement could not restore
     * it.
     */
    static String release(Fleet fleet, List<Inventory.Node> nodes) {
        var found = nodes.stream().map(node -> Stack.of(fleet.inventory(), node))
                .map(stack -> stack.release(
                        Docker.containers(fleet.ssh(stack.node()).must(Docker.containersOf(stack.project())))))
                .distinct().toList();
        if (found.size() == 1 && found.get(0).matches("[^, ]+")) return found.get(0);
        throw Problem.failed("it is not one release that runs")
                .expected("the same on " + nodes.stream().map(Inventory.Node::name).collect(Collectors.joining(", ")))
                .found(String.join(", ", found)).fix("jbang deploy@ktrdr all");
    }

    /** Core, already up to date. */
    public SideBySide same(Case what, int pairs) {
        return SideBySide.warm(what, pairs, () -> deploy("core", "all", "--tag", found),
                () -> sh(what, ByHand.script(inventory, inventory.core(), up(inventory.core(), found, "")) + looks()));
    }

    /** Core to another release, which has to be pulled. */
    public SideBySide newer(Case what, int pairs) {
        return SideBySide.cold(what, pairs, () -> deploy("core", "all", "--tag", absent()),
                () -> sh(what, pull(absent())));
    }

    /**
     * All workers nodes to another release, whose image is already present; the commands take one node after the other.
     */
    public SideBySide workers(Case what, int pairs, String... options) {
        pulled();
        return SideBySide.cold(what, pairs, () -> deploy(words(options)), () -> {
            var tag = other(inventory.workers());
            return sh(what, inventory.workers().stream()
                    .map(node -> ByHand.script(inventory, node, up(node, tag, "") + HEALTHY)
                            + registered(List.of(node))).collect(Collectors.joining())
                    + "ask \"$backend/api/v1/workers\" | jq -e .\n");
        });
    }

    /** The same with a playbook; {@code atOnce} is its number of parallel nodes: "1" or "100%". */
    public SideBySide workersByAnsible(Case what, int pairs, String atOnce, String... options) {
        pulled();
        try (var ansible = new Ansible(inventory)) {
            return SideBySide.cold(what, pairs, () -> deploy(words(options)), () -> {
                var variables = new LinkedHashMap<String, Object>(Map.of("at_once", atOnce, "tag",
                        other(inventory.workers()), "healthy", HEALTHY));
                variables.put("registered",
                        inventory.workers().stream()
                                .collect(Collectors.toMap(Inventory.Node::name,
                                        node -> ByHand.asking(inventory) + registered(List.of(node)))));
                var command = ansible.playbook("deploy-workers.yml", variables);
                List.of(Secrets.Field.DB_USERNAME, Secrets.Field.DB_PASSWORD)
                        .forEach(field -> command.env(field.variable(), secrets.get(field)));
                return SideBySide.time(console, what.theirs(), command);
            });
        }
    }

    /** All workers nodes to an image that was just built; the commands save it and load it on one after the other. */
    public SideBySide local(Case what, int pairs) {
        try (var built = new Built(console, found)) {
            return SideBySide.cold(what, pairs, () -> local(built), () -> {
                var image = built.image();
                moved = true;
                return sh(what, built.environment(), inventory.workers().stream().map(node -> {
                    var there = Docker.repository(inventory.workerImage(node)) + ":bench";
                    return "docker image save " + image + " | ssh " + Sh.words(ByHand.login(inventory, node))
                            + " docker image load\n" + ByHand.script(inventory, node, "docker tag " + image + " "
                                    + Sh.quote(there) + "\n" + up(node, "bench", "") + HEALTHY)
                            + registered(List.of(node));
                }).collect(Collectors.joining()));
            });
        }
    }

    /** The same, and a release that the registry has already, whose image the nodes do not have. */
    public SideBySide localOrPulled(Case what, int pairs) {
        pulled();
        try (var built = new Built(console, found)) {
            return SideBySide.cold(what, pairs, () -> local(built), () -> {
                var tag = tags.get(tags.get(0).equals(found) ? 1 : 0);
                for (var node : inventory.workers()) {
                    var image = Docker.repository(inventory.workerImage(node)) + ":" + tag;
                    fleet.ssh(node).run("docker image rm " + Sh.quote(image) + "\n");
                }
                return deploy("workers", "all", "--tag", tag);
            });
        }
    }

    private Duration local(Built built) {
        var image = built.image();
        moved = true;
        return SideBySide.time(console, "deploy --local", withEnvironment(LocalCommand.command(toolkit.toString(),
                "deploy", "workers", "all", "--local", image, "-i", inventory.source().toString()),
                built.environment()));
    }

    private static LocalCommand.Command withEnvironment(LocalCommand.Command command, Map<String, String> variables) {
        variables.forEach(command::env);
        return command;
    }

    private String[] words(String... options) {
        return Stream.concat(Stream.of("workers", "all", "--tag", other(inventory.workers())), Stream.of(options))
                .toArray(String[]::new);
    }

    private Duration deploy(String... words) {
        return SideBySide.time(console, "deploy",
                LocalCommand.command(Stream.of(Stream.of(toolkit.toString(), "deploy"), Stream.of(words),
                        Stream.of("-i", inventory.source().toString()))
                .flatMap(texts -> texts).toList()));
    }

    private Duration sh(Case what, String script) {
        return sh(what, Map.of(), script);
    }

    private Duration sh(Case what, Map<String, String> variables, String script) {
        return SideBySide.time(console, what.theirs(), withEnvironment(LocalCommand.command("sh", "-s")
                .input("set -eu\n" + ByHand.asking(inventory) + script), variables));
    }

    private String other(List<Inventory.Node> nodes) {
        moved = true;
        return tags.get(tags.get(0).equals(release(fleet, nodes)) ? 1 : 0);
    }

    /** The release that core does not run, after removal of its image. */
    private String absent() {
        var tag = other(List.of(inventory.core()));
        var image = Stack.of(inventory, inventory.core()).images(List.of("backend"), tag).get("backend");
        fleet.ssh(inventory.core())
                .must("! docker image inspect " + Sh.quote(image) + " >/dev/null 2>&1 || docker image rm "
                        + Sh.quote(image) + " >/dev/null\n");
        return tag;
    }

    /** Pulls both images to the workers nodes first: the measurement excludes pulls. */
    private void pulled() {
        for (var tag : tags)
            for (var node : inventory.workers()) {
                var image = Stack.of(inventory, node).images(List.of("backtest-worker-1"), tag)
                        .get("backtest-worker-1");
                if (!fleet.ssh(node).run("docker image inspect " + Sh.quote(image) + " >/dev/null 2>&1\n").ok())
                    deploy("workers", node.name(), "--tag", tag);
            }
    }

    /** The secrets are in the environment of this one command, as in the plan's CLI. */
    private String up(Inventory.Node node, String tag, String before) {
        var stack = Stack.of(inventory, node);
        return secrets.shell(stack.secrets()) + "cd " + Sh.quote(node.directory()) + "\nexport IMAGE_TAG="
                + Sh.quote(tag) + "\n" + before + "with_secrets " + stack.compose() + " up -d "
                + Sh.words(stack.services()) + "\n";
    }

    private String pull(String tag) {
        var node = inventory.core();
        return ByHand.script(inventory, node, """
                DOCKER_CONFIG=$(mktemp -d /dev/shm/bench.XXXXXX)
                export DOCKER_CONFIG
                trap 'rm -rf "$DOCKER_CONFIG"' EXIT
                """ + secrets.shell(Set.of(Secrets.Field.GHCR_TOKEN))
                + "printf %s \"$REGISTRY_TOKEN\" | docker login -u "
                + Sh.words(List.of(inventory.images().username(), "--password-stdin",
                inventory.images().registry())) + "\n"
                + up(node, tag, "with_secrets " + Stack.of(inventory, node).compose() + " pull -q backend\n") + HEALTHY)
                + registered(inventory.workers()) + looks();
    }

    /** On this machine: waits until all workers of these nodes are registered at the backend. */
    private String registered(List<Inventory.Node> nodes) {
        var urls = nodes.stream().flatMap(node -> inventory.workersOf(node).stream()).map(Inventory.Worker::endpointUrl)
                .toList();
        return "until ask \"$backend/api/v1/workers\" | jq -e --argjson want " + Sh.quote(Json.line(urls))
                + " '$want - [.[] | select(.status == \"available\" or .status == \"busy\") | .endpoint_url] == []'; "
                + "do sleep 0.5; done\n";
    }

    /** The plan's checks after a deployment of core (5.7). */
    private String looks() {
        var stack = Stack.of(inventory, inventory.core());
        var compose = "docker compose -p " + stack.project();
        return ByHand.on(inventory, stack.node(), compose + " ps")
                + ByHand.on(inventory, stack.node(), compose + " logs --tail 50") + """
                        ask "$backend/api/v1/health"
                        ask "$grafana/api/health"
                        ask "$jaeger/api/services"
                        """;
    }

    /** Restores the initial release if another one was deployed. */
    @Override
    public void close() {
        if (moved) deploy("all", "--parallel", "--tag", found);
    }
}
