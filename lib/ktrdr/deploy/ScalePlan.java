package ktrdr.deploy;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import ktrdr.Problem;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Inventory.Node;
import ktrdr.inventory.Inventory.Worker;
import ktrdr.inventory.Part;
import ktrdr.node.Docker;
import ktrdr.release.DeployedScale;
import ktrdr.release.FileChanges;
import ktrdr.release.History;
import ktrdr.release.Revision;
import ktrdr.release.Stack;
import ktrdr.release.StackFacts;
import ktrdr.release.Templates;
import ktrdr.release.Templates.NodeFile;
import ktrdr.report.Check;
import ktrdr.report.CheckId;
import ktrdr.ssh.Ssh;

/**
 * Brings a workers node to another number of workers at the running release, with everything else on it and on core as
 * it is: missing workers are made like those that run, those beyond the number are removed, and Prometheus gets the new
 * list. Pure, except {@link #plan}.
 */
public final class ScalePlan {
    /** How the history shows that a deployment had a scale of its own. */
    public static final String OPTION = " --scale ";
    private static final String PROFILES = "COMPOSE_PROFILES=";
    private static final int MOST = 3;

    private ScalePlan() {}

    /**
     * The inventory with this many workers of each type on the node. A node with workers given by type, and a number
     * without ports, are {@link Problem}s.
     */
    public static Inventory scaled(Inventory inventory, Node node, int scale) {
        if (scale < 1 || scale > MOST)
            throw Problem.usage(
                    "a node runs 1, 2 or 3 workers of each type: KTRDR has ports 5003 to 5008, three for each")
                    .found(String.valueOf(scale))
                    .fix("one more node in the inventory has ports of its own");
        if (node.running().gpu()) throw noScale(inventory, node);
        node.given().filter(given -> given.key().equals("workers")).ifPresent(given -> {
            throw Problem.usage(node.name()
                    + ": the inventory gives the workers of this node by type, and a scale is the same number of each")
                    .found(at(inventory, node) + ": workers: {backtest: " + node.backtest()
                            + ", training: " + node.training() + "}")
                    .fix("change that line, then jbang deploy@ktrdr workers " + node.id()
                            + followed(inventory));
        });
        return inventory.with(node.withScale(scale));
    }

    /** What makes Prometheus scrape other workers, after a deployment of those; empty without it. */
    private static String followed(Inventory inventory) {
        return Stack.of(inventory, inventory.core()).service(Part.PROMETHEUS)
                .map(" and jbang deploy@ktrdr core "::concat).orElse("");
    }

    /** That a node with a GPU has no scale. */
    public static Problem noScale(Inventory inventory, Node node) {
        return Problem.usage(node.name() + ": a node with a GPU has one training worker, so it has no scale")
                .found(at(inventory, node) + ": gpu: true")
                .fix("backtest workers as well: `workers: {backtest: 1, training: 1}` of the node in the inventory, "
                        + "then jbang deploy@ktrdr workers " + node.id() + followed(inventory));
    }

    /**
     * What has to change in the inventory for the scale to stay, as "inventory.yaml:42: scale: 2 -> 3, …"; empty if it
     * has that scale, or none.
     */
    public static List<String> toChange(Inventory inventory, Node node, int scale) {
        return node.given().filter(given -> node.scale() != scale)
                .map(given -> at(inventory, node) + ": " + given.key() + ": " + node.scale()
                        + " -> " + scale + ", or the next deploy puts it back").stream().toList();
    }

    /**
     * How many workers of each type a node runs on purpose though the inventory gives another number: the last release
     * that ended well was scaled, deployed with its own scale, or rolled back to. Empty if the inventory gives that
     * number, gives workers by type or no number, or if the last deployment followed the inventory.
     */
    public static Optional<Integer> chosen(Node node, History history) {
        if (node.given().filter(given -> given.key().equals("scale")).isEmpty()) return Optional.empty();
        return history.current().filter(entry -> !entry.kind().equals("deploy") || entry.command().contains(OPTION))
                .flatMap(entry -> DeployedScale.of(node, history)).filter(scale -> scale != node.scale());
    }

    /** The inventory, or a file that it includes, and the line that gives the scale. */
    private static String at(Inventory inventory, Node node) {
        return node.given().map(given -> given.place().at(inventory.source()).replaceFirst(":\\d+$", ""))
                .orElse(inventory.source().toString());
    }

    /** That in words, for the status of a fleet. */
    public static String chosenWords(Inventory inventory, Node node, History history, int scale) {
        return node.name() + " runs " + scale + " of each type since " + history.current().map(History.Entry::command)
                .orElse("") + "; "
                + at(inventory, node)
                + " says scale: " + node.scale()
                + ", and the next deploy puts that back";
    }

    /** The plan of a node, in two round trips: the workers node itself, or core, whose Prometheus follows. */
    public static NodePlan plan(Inventory inventory, Stack stack, Ssh ssh, Node scaled) {
        var looked = FileChanges.gather(inventory, stack, ssh, Optional.empty(), List.of());
        var revision = revision(inventory, stack, scaled, looked);
        var services = missing(stack, revision, looked);
        var plan = NodePlan.plan(stack, revision, services,
                FileChanges.gather(stack, ssh, revision.files(), NodePlan.asked(revision, services)));
        var others = plan.rereads().stream().filter(service -> !stack.is(service, Part.PROMETHEUS));
        others.findFirst().ifPresent(service -> {
            throw Problem.failed(stack.node().name() + ": a configuration of " + service
                    + " is staged that it has not read yet").expected("nothing but the scale to change")
                    .fix("jbang deploy@ktrdr core " + service);
        });
        return plan;
    }

    /** The workers that do not run. */
    static List<String> missing(Stack stack, Revision revision, StackFacts facts) {
        if (stack.core()) return List.of();
        return revision.images().keySet().stream()
                .filter(service -> Docker.service(facts.containers(), service).filter(Docker.Container::running)
                        .isEmpty()).toList();
    }

    /**
     * What runs on a node, with the change of scale. If that is not known to be one release that ended well, it is a
     * {@link Problem}.
     */
    static Revision revision(Inventory inventory, Stack stack, Node scaled, StackFacts facts) {
        var wanted = new Templates(inventory).render(stack.node(), "");
        if (facts.history().unproven())
            throw Problem.failed(stack.node().name() + ": the last deployment there failed and was left as it is")
                    .found(facts.history().last().map(History.Entry::command).orElse(""))
                    .fix("jbang rollback@ktrdr " + stack.words() + ", or deploy again; then scale");
        var there = Revision.running(stack, facts, wanted, "scaled");
        if (stack.core()) return new Revision(there.tag(),
                replaced(there.files(), Templates.PROMETHEUS, prometheus(inventory, stack.node(), scaled, there)),
                there.images());
        var images = new LinkedHashMap<String, Docker.Image>();
        var like = there.images().values().iterator().next();
        stack.services().forEach(service -> images.put(service, there.images().getOrDefault(service, like)));
        return new Revision(there.tag(),
                replaced(there.files(), stack.envFile(), env(stack, there, content(wanted, stack.envFile()))), images);
    }

    /** The node's env file with the profiles of the rendered one. */
    private static String env(Stack stack, Revision there, String rendered) {
        var profiles = rendered.lines().filter(line -> line.startsWith(PROFILES)).findFirst().orElse("");
        var text = content(there.files(), stack.envFile());
        if (profiles.isEmpty() || text.lines().noneMatch(line -> line.startsWith(PROFILES)))
            throw Problem.usage(stack.node().name() + ": " + stack.envFile() + " names no profiles")
                    .expected("a line " + PROFILES + "{{node.profiles}}").found("none")
                    .fix("add it to the template, then " + stack.deploy());
        return text.lines().map(line -> (line.startsWith(PROFILES) ? profiles : line) + "\n")
                .collect(Collectors.joining());
    }

    /** As rendered, with the other nodes as Prometheus has them now: this run does not change those. */
    private static String prometheus(Inventory inventory, Node core, Node scaled, Revision there) {
        var text = content(there.files(), Templates.PROMETHEUS);
        var followed = inventory;
        for (var node : inventory.workers()) {
            int listed = listed(inventory, node, text).stream().map(Worker::name)
                    .mapToInt(node.own().scaled()::number).max().orElse(0);
            if (!node.name().equals(scaled.name()) && listed > 0
                    && node.given().filter(given -> given.key().equals("workers")).isEmpty()) followed =
                            followed.with(node.withScale(listed));
        }
        return content(new Templates(followed).render(core, there.tag()), Templates.PROMETHEUS);
    }

    /** The workers of a node whose addresses are in a prometheus.yml. */
    static List<Worker> listed(Inventory inventory, Node node, String prometheus) {
        return inventory.workersOf(node.withScale(MOST)).stream()
                .filter(worker -> prometheus.matches("(?s).*(?<![A-Za-z0-9.-])" + Pattern.quote(address(worker))
                        + "(?!\\d).*")).toList();
    }

    private static String address(Worker worker) {
        return worker.endpointUrl().substring("http://".length());
    }

    /**
     * Whether Prometheus has exactly the workers of these nodes that are in its file, and all are up; {@code answer} is
     * that of {@code /api/v1/targets}.
     */
    static List<Check> targets(Inventory inventory, List<Node> nodes, String prometheus, JsonNode answer) {
        var active = StreamSupport.stream(answer.path("data").path("activeTargets").spliterator(), false)
                .collect(Collectors.toMap(target -> target.path("discoveredLabels").path("__address__").asText(),
                        target -> target, (first, second) -> second));
        var checks = new ArrayList<Check>();
        for (var node : nodes) {
            var listed = listed(inventory, node, prometheus);
            for (var worker : inventory.workersOf(node.withScale(MOST)))
                checks.add(target(node, worker, listed.contains(worker), active));
        }
        return checks;
    }

    private static Check target(Node node, Worker worker, boolean listed, Map<String, JsonNode> active) {
        var target = active.get(address(worker));
        var found = target == null ? "no target"
                : (target.path("health").asText() + " " + target.path("lastError").asText("")).strip();
        boolean ok = listed ? target != null && target.path("health").asText().equals("up") : target == null;
        return new Check(CheckId.ofNode(node, worker.name(), "target"), node.name(), ok,
                listed ? "a Prometheus target that is up" : "no target", found,
                "curl " + worker.endpointUrl() + "/metrics on core", 0);
    }

    private static String content(List<NodeFile> files, String path) {
        return files.stream().filter(file -> file.path().equals(path)).map(NodeFile::content).findFirst().orElse("");
    }

    private static List<NodeFile> replaced(List<NodeFile> files, String path, String content) {
        return files.stream().map(file -> file.path().equals(path) ? new NodeFile(path, content, "644") : file)
                .toList();
    }
}
