package ktrdr.deploy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import ktrdr.Facts;
import ktrdr.Json;
import ktrdr.Problem;
import ktrdr.Sh;
import ktrdr.health.MachineChecks;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Part;
import ktrdr.inventory.Role;
import ktrdr.node.DatabaseData;
import ktrdr.node.Docker;
import ktrdr.node.NodeContainer;
import ktrdr.release.NodeMetrics;
import ktrdr.release.Stack;
import ktrdr.release.StackFacts;
import ktrdr.ssh.Ssh;

/**
 * An installation of KTRDR on a node that was made by hand or by another tool, not by this toolkit.
 *
 * @param replaced the containers in the way, as {@code docker inspect} reports them: with a name or a port of the
 *     stack's containers; those that run first have the database last
 * @param alone the names of the other containers of the same Compose projects, which are not touched
 * @param database the container among them that is the database; empty if none is
 * @param copies the data that is copied
 * @param server the version of the database's server as PostgreSQL counts it, such as 150013; 0 if unknown
 */
record Installation(List<JsonNode> replaced, List<String> alone, Optional<String> database, List<Copy> copies,
        int server) {
    static final Installation NONE = new Installation(List.of(), List.of(), Optional.empty(), List.of(), 0);

    /**
     * Data of a container of which the stack gets a copy.
     *
     * @param container that has it, {@code directory} the path inside
     * @param words where the data is: "in the volume x"
     * @param layer whether it is in the container's own layer
     * @param source the volume that it is in; empty if none
     * @param volume of the stack that gets the copy
     * @param bytes the size; -1 if unknown
     */
    record Copy(String container, String directory, String words, boolean layer, String source, String volume,
            long bytes) {
        Copy sized(long found) {
            return new Copy(container, directory, words, layer, source, volume, found);
        }
    }

    /** The containers outside of this stack's project that are in its way, among all on the node. */
    static List<NodeContainer> foreign(Inventory inventory, Stack stack, StackFacts facts) {
        var ports = ports(inventory, stack);
        var own = facts.containers().stream().map(Docker.Container::name).toList();
        // a container of an unknown service belongs to another installation, whatever its project
        return facts.beside().stream()
                .filter(beside -> !(beside.project().equals(stack.project())
                        && (own.isEmpty() || own.contains(beside.name()))))
                .filter(beside -> !beside.project().equals(NodeMetrics.PROJECT)
                        && !beside.name().endsWith(Aside.ENDING))
                .filter(beside -> names(inventory, stack).contains(beside.name())
                        || beside.ports().stream().anyMatch(ports::contains)).toList();
    }

    /** The ports that the stack publishes; the exporter of the node's metrics is not a part of it. */
    private static Set<Integer> ports(Inventory inventory, Stack stack) {
        var ports = new TreeMap<>(new MachineChecks(inventory).published(stack.node()));
        ports.values().removeIf("node-exporter"::equals);
        return ports.keySet();
    }

    /** The names that the toolkit's containers have, or may have, on a node. */
    static Set<String> names(Inventory inventory, Stack stack) {
        var services = stack.core() ? stack.file().services().keySet()
                : Stack.of(inventory, stack.node().full()).services();
        return services.stream().map(stack::container)
                .collect(Collectors.toCollection(LinkedHashSet::new));
    }

    /**
     * Why nothing may be deployed to a node: the host is another node's, another installation is there, or an
     * unfinished takeover. Empty if nothing is in the way.
     */
    static Optional<Problem> inTheWay(Inventory inventory, Stack stack, StackFacts facts) {
        var node = stack.node();
        var again = command(node);
        var other = facts.occupant().problem(inventory, node);
        if (other.isPresent()) return other;
        if (facts.takeover().equals("open")) return Optional.of(
                Problem.failed(node.name() + ": an unfinished takeover is there")
                .expected("a takeover that was proven or rolled back").found("the previous installation, put aside")
                .fix(again + " --back starts it again; nothing was changed"));
        var foreign = foreign(inventory, stack, facts);
        if (foreign.isEmpty()) return Optional.empty();
        return Optional.of(
                Problem.failed(node.name() + ": containers of another installation are in the way")
                .expected("these names and ports only in the Compose project " + stack.project())
                .found(foreign.stream()
                        .map(beside -> beside.name() + (beside.project().isEmpty() ? ""
                                : " of the project " + beside.project())).collect(Collectors.joining(", ")))
                .fix(again + " takes them over, with their data; --dry-run shows how. Nothing was changed"));
    }

    /**
     * Why no container of a node may be touched: see {@link #inTheWay}, and containers of the stack's project that were
     * started from another folder which still exists.
     */
    static Optional<Problem> untouchable(Inventory inventory, Stack stack, StackFacts facts) {
        return inTheWay(inventory, stack, facts).or(() -> elsewhere(inventory, stack, facts));
    }

    /** By another inventory, or before `directory` was changed. */
    private static Optional<Problem> elsewhere(Inventory inventory, Stack stack, StackFacts facts) {
        var node = stack.node();
        var there = facts.beside().stream()
                .filter(beside -> beside.project().equals(stack.project()) && !beside.folder().isEmpty()
                        && !beside.name().endsWith(Aside.ENDING)
                && (!stack.core() || names(inventory, stack).contains(beside.name()))).toList();
        if (there.isEmpty()) return Optional.empty();
        var folders = there.stream().map(NodeContainer::folder).distinct().collect(Collectors.joining(", "));
        return Optional.of(Problem.failed(node.name() + ": containers of the Compose project " + stack.project()
                + " were started from another folder")
                .expected("containers started from " + node.directory() + ", the `directory` of " + node.name() + " in "
                        + inventory.source())
                .found(there.stream().map(NodeContainer::name).sorted().collect(Collectors.joining(", "))
                        + ", started from " + folders)
                .fix("`directory: " + there.get(0).folder()
                        + "` in the inventory, if another one deploys to this host; to move the installation, on the "
                        + "node: mv -T "
                        + Sh.quote(there.get(0).folder()) + " " + Sh.quote(node.directory())
                        + ". Nothing was changed"));
    }

    /**
     * Why no file may be put into the folder of a node's stack: another installation runs from it, or is in the way.
     * Empty if nothing is.
     */
    static Optional<Problem> unmade(Inventory inventory, Stack stack, StackFacts facts) {
        // in an empty folder nothing is replaced: the toolkit's containers may run from the folder that the inventory
        // named before
        boolean replaces = facts.files().files().containsKey(stack.composeFile()) && facts.files().manifest().isEmpty()
                && facts.history().last().isEmpty();
        return inTheWay(inventory, stack, facts)
                .or(() -> facts.containers().isEmpty() || !replaces ? Optional.empty() : Optional.of(Problem
                .failed(stack.node().name() + ": containers run in the Compose project " + stack.project()
                        + " from files that this toolkit did not write")
                .expected("the toolkit's files in " + stack.node().directory() + ", or no container")
                .found(facts.containers().stream().map(Docker.Container::name).collect(Collectors.joining(", ")))
                .fix(command(stack.node())
                        + " takes them over, with their data, and keeps their files; --dry-run shows how. Nothing was "
                        + "changed")));
    }

    /** The command that takes a node over. */
    static String command(Inventory.Node node) {
        return "jbang takeover@ktrdr " + (node.role() == Role.CORE ? node.name() : node.id());
    }

    boolean none() {
        return replaced.isEmpty();
    }

    List<String> names() {
        return replaced.stream().map(Aside::name).toList();
    }

    static boolean runs(JsonNode container) {
        return container.path("State").path("Running").asBoolean();
    }

    /** Whether its health check, if any, does not fail. */
    static boolean well(JsonNode container) {
        return !container.path("State").path("Health").path("Status").asText("").equals("unhealthy");
    }

    /** The service of core's stack whose place a container has, by Compose's label or, without one, by its name. */
    private static Optional<String> service(Stack stack, JsonNode container) {
        var label = container.path("Config").path("Labels").path(Docker.SERVICE).asText();
        return stack.services().stream().filter(service -> label.isEmpty()
                ? stack.container(service).equals(Aside.name(container)) : service.equals(label)).findFirst();
    }

    private static boolean is(Stack stack, JsonNode container, Part part) {
        return stack.core() && service(stack, container).filter(service -> stack.is(service, part)).isPresent();
    }

    /**
     * Looks for what is in the way of a stack: in another project, or in its own with the database's data elsewhere
     * than the stack has it.
     */
    static Installation look(Inventory inventory, Stack stack, Ssh ssh, StackFacts facts) {
        var foreign = foreign(inventory, stack, facts);
        var name = stack.core() ? stack.container(Part.DATABASE) : Optional.<String>empty();
        var data = name.map(container -> DatabaseData.parse(ssh.must(DatabaseData.script(container))));
        boolean own = data.flatMap(databaseData -> databaseData.outside(stack.node().name(),
                volume(stack, stack.needed(Part.DATABASE)))).isPresent();
        var projects = foreign.stream().map(NodeContainer::project).filter(project -> !project.isEmpty())
                .collect(Collectors.toCollection(LinkedHashSet::new));
        if (own) projects.add(stack.project());
        var ours = names(inventory, stack);
        var ports = ports(inventory, stack);
        var way = facts.beside().stream().filter(beside -> foreign.contains(beside)
                || own && beside.project().equals(stack.project()) && (ours.contains(beside.name())
                        || beside.ports().stream().anyMatch(ports::contains))).map(NodeContainer::name).toList();
        if (way.isEmpty()) return NONE;
        var alone = facts.beside().stream()
                .filter(beside -> projects.contains(beside.project()) && !way.contains(beside.name()))
                .map(NodeContainer::name).toList();
        var answer = Facts.parse(ssh.must(Facts.SAY + inspect(way) + name.map(Installation::version).orElse("")
                + "say end yes\n"));
        var replaced = inspected(answer).values().stream()
                .sorted(Comparator.comparing(json -> is(stack, json, Part.DATABASE))).toList();
        var database = replaced.stream().filter(json -> is(stack, json, Part.DATABASE)).map(Aside::name).findFirst();
        return new Installation(replaced, alone, database, copies(stack, ssh, replaced, data),
                (int) Math.max(0, answer.number("server")));
    }

    private static String version(String database) {
        return """
                version=$(timeout 20 docker exec CONTAINER sh -c 'psql -w -X -Atq -U "$POSTGRES_USER" -d template1 -c \
                "show server_version_num"' 2>/dev/null) || version=0
                say server "${version:-0}"
                """.replace("CONTAINER", database);
    }

    private static List<Copy> copies(Stack stack, Ssh ssh, List<JsonNode> replaced, Optional<DatabaseData> data) {
        var copies = new ArrayList<Copy>();
        if (stack.core()) for (var json : replaced)
            directory(stack, json, data).ifPresent(directory -> copies.add(copy(stack, json, directory)));
        return copies.stream().map(copy -> copy.sized(size(ssh, copy))).toList();
    }

    /** Shell lines that report these containers whole, with their environment: to be kept in memory only. */
    static String inspect(List<String> names) {
        return "for name in " + Sh.words(names) + "; do\n" + """
                  if said=$(docker inspect --type container --format '{{json .}}' "$name" 2>/dev/null); then
                    say "inspect $name" "$(printf %s "$said" | base64 | tr -d '\\n')"
                    reference=$(docker inspect --format '{{index .Config.Labels "ktrdr.takeover.image"}}' "$name")
                    [ -z "$reference" ] || say "reference $name" "$(docker image inspect --format '{{.Id}}' \
                "$reference" 2>/dev/null || :)"
                  fi
                done
                """;
    }

    /** The answer of {@link #inspect}, by name. */
    static Map<String, JsonNode> inspected(Facts facts) {
        var all = new LinkedHashMap<String, JsonNode>();
        facts.under("inspect").forEach((name, text) -> {
            // never with its text in the message: it holds secrets
            var json = Json.read(new String(Facts.bytes(text), StandardCharsets.UTF_8)).filter(JsonNode::isObject)
                    .orElseThrow(() -> Problem.failed("docker inspect of " + name + " gave something else than JSON"));
            ((ObjectNode) json).put("reference-id", facts.under("reference").getOrDefault(name, ""));
            all.put(name, json);
        });
        return all;
    }

    /** The directory of a service whose data is copied. */
    private static Optional<String> directory(Stack stack, JsonNode container, Optional<DatabaseData> data) {
        if (is(stack, container, Part.DATABASE))
            return data.map(DatabaseData::directory).filter(directory -> !directory.isEmpty());
        if (is(stack, container, Part.PROMETHEUS))
            return Optional.of(argument(container, "--storage.tsdb.path=").orElse("/prometheus"));
        return is(stack, container, Part.GRAFANA)
                ? Optional.of(variable(container, "GF_PATHS_DATA=").orElse("/var/lib/grafana")) : Optional.empty();
    }

    private static Optional<String> argument(JsonNode container, String start) {
        return first(container.path("Config").path("Cmd"), start);
    }

    private static Optional<String> variable(JsonNode container, String start) {
        return first(container.path("Config").path("Env"), start);
    }

    private static Optional<String> first(JsonNode words, String start) {
        for (var word : words)
            if (word.asText().startsWith(start)) return Optional.of(word.asText().substring(start.length()));
        return Optional.empty();
    }

    private static Copy copy(Stack stack, JsonNode container, String directory) {
        var place = new DatabaseData(true, directory, true, DatabaseData.mounts(container.path("Mounts"))).place();
        return new Copy(Aside.name(container), directory,
                place.map(DatabaseData.Mounted::words).orElse("in the container itself"), place.isEmpty(),
                place.filter(mount -> mount.type().equals("volume")).map(DatabaseData.Mounted::name).orElse(""),
                volume(stack, service(stack, container).orElseThrow()), -1);
    }

    /** The volume in which a service of the stack has its data. */
    private static String volume(Stack stack, String service) {
        var files = stack.files("").stream().filter(file -> stack.composeFiles().contains(file.path())).toList();
        return DataVolume.of(stack, files, service)
                .orElse(stack.project() + "_" + service + "-data");
    }

    private static long size(Ssh ssh, Copy copy) {
        var said = ssh.run("timeout 60 docker exec "
                + Sh.words(List.of(copy.container(), "du", "-sk", copy.directory()))
                + " 2>/dev/null | tail -n 1 | cut -f 1").out().strip();
        return said.matches("\\d{1,12}") ? Long.parseLong(said) * 1024 : -1;
    }
}
