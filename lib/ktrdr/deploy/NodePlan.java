package ktrdr.deploy;

import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import ktrdr.CommandResult;
import ktrdr.LastWords;
import ktrdr.Problem;
import ktrdr.ScriptExit;
import ktrdr.Sh;
import ktrdr.Sha256;
import ktrdr.Units;
import ktrdr.inventory.Secrets;
import ktrdr.node.Docker;
import ktrdr.node.Gpu;
import ktrdr.node.NodeFiles;
import ktrdr.node.Room;
import ktrdr.release.Alerting;
import ktrdr.release.FileChanges;
import ktrdr.release.FileChangesScript;
import ktrdr.release.Firewall;
import ktrdr.release.NodeLocks;
import ktrdr.release.NodeMetrics;
import ktrdr.release.Revision;
import ktrdr.release.Stack;
import ktrdr.release.StackFacts;
import ktrdr.release.Templates;
import ktrdr.report.Document;

/**
 * A deployment to one node: what it would take, decided without a network, and the scripts that do it.
 *
 * @param stack of the node
 * @param revision what it is to run
 * @param services to bring up, none where containers are only taken away or told of a configuration; {@code whole} when
 *     they are all that the node has
 * @param retired services that run and are not to be there, such as workers beyond the scale
 * @param pulls images that are not there yet
 * @param tagged image by id or digest to the reference that the Compose file knows it by, where that means another by
 *     now
 * @param staging its files, {@link FileChanges} puts them in place
 * @param rereads services that have to be told of a configuration which this, or a {@code stage} before it, changed
 * @param restarted services whose process is started anew, in the container that is there
 * @param restart whether it is their restart and no more
 * @param facts what the plan was made from
 */
public record NodePlan(Stack stack, Revision revision, List<String> services, boolean whole, List<String> retired,
        List<String> pulls, Map<String, String> tagged, FileChanges staging, List<String> rereads,
        List<String> restarted, boolean restart, StackFacts facts) {
    /** Decides what it takes that these services of a revision run, from the facts. */
    public static NodePlan plan(Stack stack, Revision revision, List<String> services, StackFacts facts) {
        var staging = FileChanges.plan(stack, revision.tag(), revision.files(), facts);
        var images = Stream.concat(services.stream().map(revision.images()::get), NodeMetrics.image(revision.files())
                .map(image -> new Docker.Image(image, "", "")).stream()).distinct().toList();
        boolean whole = services.size() == revision.images().size();
        var retired = facts.containers().stream().map(Docker.Container::service)
                .filter(service -> !revision.images().containsKey(service))
                .filter(service -> !stack.core() || stack.services().contains(service)
                        || whole && stack.optional(service)).distinct().toList();
        return new NodePlan(stack, revision, services, whole, retired, Pins.pulls(images, facts),
                Pins.tagged(images, facts), staging, rereads(staging, facts), List.of(), false, facts);
    }

    /** The restart of services in the containers that are there: no file changes, and no image. */
    public static NodePlan restart(Stack stack, Revision there, List<String> services, StackFacts facts) {
        var staging = FileChanges.plan(stack, there.tag(), there.files(), facts);
        return new NodePlan(stack, there, services, false, List.of(), List.of(), Map.of(), staging, List.of(), services,
                true, facts);
    }

    /** Nothing at all, for a node that is not concerned. */
    static NodePlan nothing(Stack stack, Revision revision, StackFacts facts) {
        return new NodePlan(stack, revision, List.of(), false, List.of(), List.of(), Map.of(),
                FileChanges.plan(stack, revision.tag(), List.of(), facts), List.of(), List.of(), false, facts);
    }

    /** The same deployment, which restarts these of its services where their containers stay. */
    NodePlan restarting(List<String> texts) {
        return new NodePlan(stack, revision, services, whole, retired, pulls, tagged, staging, rereads, texts, restart,
                facts);
    }

    /** The same deployment, with these images by reference in the place of what the references mean on the node. */
    NodePlan pinned(Map<String, Docker.Image> images) {
        var all = new LinkedHashMap<>(revision.images());
        all.replaceAll((service, image) -> images.getOrDefault(image.reference(), image));
        return plan(stack, new Revision(revision.tag(), revision.files(), all), services, facts).restarting(restarted);
    }

    /** What to ask the node about: references, and the ids of images that are meant by them. */
    public static List<String> asked(Revision revision, List<String> services) {
        return Stream.concat(services.stream().map(revision.images()::get)
                .flatMap(image -> Stream.of(image.reference(), image.id())).filter(name -> !name.isEmpty()),
                NodeMetrics.image(revision.files()).stream()).distinct().toList();
    }

    /** The release that is deployed. */
    public String tag() {
        return revision.tag();
    }

    /** A container that started after its configuration was put there has read it; in the same second nobody knows. */
    private static List<String> rereads(FileChanges staging, StackFacts facts) {
        return staging.stack().readers().keySet().stream().filter(service -> {
            var marked = facts.files().unread().get(service);
            boolean started = marked != null && facts.containers().stream()
                    .anyMatch(container -> container.service().equals(service)
                    && container.running() && Instant.parse(container.startedAt()).getEpochSecond() > marked);
            return staging.unread().contains(service) || marked != null && !started
                    || facts.files().stale().contains(service);
        }).toList();
    }

    /** The same deployment for a part of its services. */
    NodePlan part(List<String> texts, List<String> gone) {
        return new NodePlan(stack, revision, texts, whole && texts.equals(services), gone, pulls, tagged, staging,
                rereads,
                restarted.stream().filter(texts::contains).toList(), restart, facts);
    }

    /** What stands in the way on this node, each a sentence with what to do; empty when nothing does. */
    public List<Problem> obstacles() {
        var node = stack.node();
        var obstacles = new ArrayList<Problem>();
        if (facts.docker().isEmpty())
            return List.of(Problem.failed(node.name() + ": the Docker Engine does not answer")
                    .found(facts.dockerError())
                    .fix("on the node: " + Docker.startOrInstall(facts.dockerError(), facts.user())));
        Room.problem(node.name(), facts.files().full()).ifPresent(obstacles::add);
        if (restart) return obstacles;
        obstacles.addAll(staging.obstacles());
        if (services.isEmpty()) return obstacles;
        if (facts.free() < node.diskFree())
            obstacles.add(Problem.failed(node.name() + ": too little disk is free for Docker")
                    .expected("at least " + Units.size(node.diskFree())
                    + " (disk_free in the inventory)").found(Units.size(facts.free()))
                    .fix("docker image prune on the node, or a larger disk"));
        stack.wrongShare(facts.share()).or(staging::missingFolders).ifPresent(obstacles::add);
        stack.gpu().filter(services::contains).flatMap(worker -> facts.gpu().missing(node.name()))
                .ifPresent(obstacles::add);
        return obstacles;
    }

    /** Whether the node is as it is to be, so that nothing is to be done. */
    boolean done() {
        return services.isEmpty() && retired.isEmpty() && rereads.isEmpty() && staging.settled();
    }

    /**
     * Whether all is there as it is to be as far as these facts tell, and proven by whoever deployed it: then only
     * Compose can know of something to do.
     */
    public boolean quiet() {
        var there = facts.containers().stream().map(Docker.Container::service).toList();
        return !services.isEmpty() && restarted.isEmpty() && retired.isEmpty() && pulls.isEmpty() && tagged.isEmpty()
                && staging.settled() && facts.files().unread().isEmpty() && rereads.isEmpty() && unhealthy().isEmpty()
                && !facts.history().unproven() && there.stream().distinct().count() == there.size()
                && new Excess(this).renamed().isEmpty();
    }

    /**
     * Those of its services whose container, of these, is another one than before, or was restarted as it should be.
     */
    Set<String> replaced(List<Docker.Container> after) {
        var before = facts.containers().stream()
                .collect(Collectors.toMap(Docker.Container::id, Docker.Container::startedAt));
        return after.stream()
                .filter(container -> services.contains(container.service()) && (!before.containsKey(container.id())
                || restarted.contains(container.service()) && !before.get(container.id())
                        .equals(container.startedAt())))
                .map(Docker.Container::service).collect(Collectors.toCollection(TreeSet::new));
    }

    /** The secrets that it takes to bring the services up. */
    public Set<Secrets.Field> secrets() {
        // containers keep those that they were made with
        if (restart) return Set.of();
        var needed = EnumSet.copyOf(stack.secrets());
        // what ran before may have lost its file
        if (services.contains(Alerting.SERVICE)) staging.files().stream()
                .filter(file -> file.path().equals(Alerting.FILE))
                .forEach(file -> needed.addAll(Alerting.secrets(file.content())));
        return needed;
    }

    /**
     * Those that it would take beside these to go back to what is there; a service that goes may have taken its secret
     * with it.
     */
    public Set<Secrets.Field> secretsBefore() {
        if (restart) return Set.of();
        boolean touched = services.contains(Alerting.SERVICE) || retired.contains(Alerting.SERVICE);
        return Optional.ofNullable(touched ? facts.files().files().get(Alerting.FILE) : null)
                .flatMap(NodeFiles.FileState::content).map(Alerting::secrets).orElse(Set.of());
    }

    /** What is known of it without asking further, for machines. */
    public Map<String, Object> document() {
        return Document.fields("release", tag(), "release_before", before(), "services", services, "services_removed",
                retired, "images_pulled", pulls,
                "files", staging.document().get("files"));
    }

    /**
     * The database that its containers are given the name of: of a release of before it may be another than the
     * inventory's.
     */
    Optional<String> database() {
        return Optional.ofNullable(Templates.env(staging.content(stack.envFile())).get(Templates.DATABASE));
    }

    /**
     * That name, where containers are made with another one than the env file names that is there, or there is none
     * yet.
     */
    Optional<String> newDatabase() {
        if (restart || services.isEmpty()) return Optional.empty();
        var there = Optional.ofNullable(facts.files().files().get(stack.envFile()));
        var named = there.map(
                file -> file.content().map(text -> Templates.env(text).getOrDefault(Templates.DATABASE, "")));
        return database().filter(name -> named.map(known -> known.filter(former -> !former.equals(name)).isPresent())
                .orElse(true));
    }

    /**
     * The release that runs now, by the images of the running containers: the env file tells what was staged. Empty
     * where none runs.
     */
    public String before() {
        return stack.release(facts.containers());
    }

    /**
     * Puts the files and the rules of {@link Firewall} in place and brings the services up. Exit codes: those of
     * {@link FileChangesScript}, {@link ScriptExit#NOT_FILTERED} where the rules could not be put there, and
     * {@link ScriptExit#DOCKER_FAILED} where Compose could not bring the services up. It prints the containers as they
     * are then ({@link Docker#containersOf}), and what was reloaded; {@link NodeMetrics} comes last, once for a node.
     *
     * @param begin shell lines for the moment when all was found good and nothing is changed yet
     */
    public String applyScript(Secrets secrets, String begin) {
        return new ApplyScript(this).text(secrets, begin, whole || !begin.isEmpty(), "");
    }

    /**
     * Shell lines that end the script where what Compose read was not what was rendered: then nobody knows what the
     * containers were made from.
     */
    public String asRendered() {
        var files = List.of(stack.composeFile(), stack.envFile());
        var sum = Sha256.hex(files.stream().map(staging::content).collect(Collectors.joining()));
        return "sum=$(cat " + Sh.words(files) + " | sha256sum)\n[ \"${sum%% *}\" = " + sum + " ] || { echo '"
                + String.join(" or ", files) + " was changed by another process while Compose read it' >&2; exit "
                + ScriptExit.DOCKER_FAILED.code + "; }\n";
    }

    /** The containers of its services that are unhealthy: left as they are they would stay so. */
    List<Docker.Container> unhealthy() {
        return restart ? List.of() : facts.containers().stream()
                .filter(container -> container.unhealthy() && services.contains(container.service())).toList();
    }

    /** In words what became of its services, such as "backend started; db same". */
    public String outcome(Set<String> fresh, List<String> reloads, List<String> restarts) {
        var parts = new TreeMap<Integer, String>();
        if (!fresh.isEmpty()) parts.put(1, String.join(", ", fresh) + " started");
        if (!reloads.isEmpty()) parts.put(2, String.join(", ", reloads) + " reloaded");
        if (!restarts.isEmpty()) parts.put(3, String.join(", ", restarts) + " restarted");
        var same = services.stream()
                .filter(service -> !fresh.contains(service) && !reloads.contains(service)
                        && !restarts.contains(service)).toList();
        if (!same.isEmpty()) parts.put(4, String.join(", ", same) + " same");
        if (!retired.isEmpty()) parts.put(5, String.join(", ", retired) + " removed");
        var excess = new Excess(this).words();
        if (!excess.isEmpty()) parts.put(6, excess);
        return String.join("; ", parts.values());
    }

    /** Why {@link #applyScript} failed. */
    public Problem upFailed(CommandResult result) {
        if (ScriptExit.of(result) == ScriptExit.NOT_FILTERED)
            return Problem.failed(stack.node().name() + ": the rules of `firewall` could not be put in place")
                    .found(String.join("; ", FileChangesScript.told("firewall", result.out())))
                    .fix("fix it on the node, or take `firewall` out of the inventory; no container was touched");
        return NodeLocks.refused(stack.node(), result).or(() -> FileChangesScript.failure(staging, result))
                .or(() -> Gpu.refused(stack.node().name(), result.err())).orElseGet(() ->
                Problem.failed(stack.node().name()
                        + (restart ? ": Docker could not restart " + String.join(", ", services)
                                : ": Compose could not bring " + String.join(", ", services) + " up"))
                        .found(LastWords.lines(result.err(), 3))
                        .fix("jbang verify@ktrdr --quick shows what runs now"));
    }
}
