package ktrdr.deploy;

import java.time.Instant;
import java.util.ArrayList;
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
import ktrdr.inventory.Part;
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
import ktrdr.release.ReleaseTag;
import ktrdr.release.Revision;
import ktrdr.release.Stack;
import ktrdr.release.StackFacts;
import ktrdr.release.Templates;
import ktrdr.report.Document;

/**
 * What a deployment does to one node, decided without a network, and the script that does it.
 *
 * @param stack of the node
 * @param revision that it is to run
 * @param services to bring up, none if containers are only removed or reread a configuration; {@code whole} if they are
 *     all that the node has
 * @param retired services that run and are not to run, such as workers beyond the scale
 * @param pulls images that are missing on the node
 * @param tagged image by id or digest to the reference of the Compose file, if that names another image now
 * @param staging its files; {@link FileChanges} puts them in place
 * @param rereads services that must read a configuration which this deployment, or a {@code stage} before it, changed
 * @param restarted services whose process is restarted in its present container
 * @param restart whether it only restarts them
 * @param facts that the plan was made from
 */
public record NodePlan(Stack stack, Revision revision, List<String> services, boolean whole, List<String> retired,
        List<String> pulls, Map<String, String> tagged, FileChanges staging, List<String> rereads,
        List<String> restarted, boolean restart, StackFacts facts) {
    /** Decides from the facts what is needed for these services of a revision to run. */
    public static NodePlan plan(Stack given, Revision revision, List<String> services, StackFacts facts) {
        var stack = given.at(revision.files());
        var staging = FileChanges.plan(stack, revision.tag(), revision.files(), facts);
        var images = Stream.concat(services.stream().map(revision.images()::get), NodeMetrics.image(revision.files())
                .map(image -> new Docker.Image(image, "", "")).stream()).distinct().toList();
        boolean whole = services.size() == revision.images().size();
        var retired = facts.containers().stream().map(Docker.Container::service)
                .filter(service -> !revision.images().containsKey(service))
                // the deployment of a part leaves what it does not name, but for what a failed one just added
                .filter(service -> !stack.core() || whole || stack.services().contains(service)
                        || given.services().contains(service)).distinct().toList();
        return new NodePlan(stack, revision, services, whole, retired, Pins.pulls(images, facts),
                Pins.tagged(images, facts), staging, rereads(staging, facts), List.of(), false, facts);
    }

    /** The restart of services in their present containers: no file changes, and no image. */
    public static NodePlan restart(Stack stack, Revision there, List<String> services, StackFacts facts) {
        var staging = FileChanges.plan(stack, there.tag(), there.files(), facts);
        return new NodePlan(stack, there, services, false, List.of(), List.of(), Map.of(), staging, List.of(), services,
                true, facts);
    }

    /** Nothing, for a node that is not concerned. */
    static NodePlan nothing(Stack stack, Revision revision, StackFacts facts) {
        return new NodePlan(stack, revision, List.of(), false, List.of(), List.of(), Map.of(),
                FileChanges.plan(stack, revision.tag(), List.of(), facts), List.of(), List.of(), false, facts);
    }

    /** The same deployment, which also restarts these of its services if their containers stay. */
    NodePlan restarting(List<String> texts) {
        return new NodePlan(stack, revision, services, whole, retired, pulls, tagged, staging, rereads, texts, restart,
                facts);
    }

    /** The same deployment, with these images by reference instead of what the references name on the node. */
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

    /** The missing images that the registry has. */
    List<String> pulled() {
        return pulls.stream().filter(image -> !ReleaseTag.isLocal(image)).toList();
    }

    /** The missing images that only the machine has which built them. */
    List<String> sent() {
        return pulls.stream().filter(ReleaseTag::isLocal).toList();
    }

    /** The service among them that is a part of core; empty if none is. */
    Optional<String> service(Part part) {
        return stack.core() ? stack.service(part, services) : Optional.empty();
    }

    /** Whether one of them is this part of core. */
    boolean has(Part part) {
        return service(part).isPresent();
    }

    /** The image of the part that core has in this revision; empty without it. */
    Optional<Docker.Image> image(Part part) {
        return stack.core() ? stack.service(part, revision.images().keySet()).map(revision.images()::get)
                : Optional.empty();
    }

    /** The release that is deployed. */
    public String tag() {
        return revision.tag();
    }

    /**
     * Services that have not read their files: a container that started after its files were written has read them;
     * within the same second that is unknown.
     */
    private static List<String> rereads(FileChanges staging, StackFacts facts) {
        return staging.stack().file().readers().keySet().stream().filter(service -> {
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

    /** The obstacles on this node, each a problem with its fix; empty if there are none. */
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
        stack.onShare().wrong(facts.share()).or(staging::missingFolders).ifPresent(obstacles::add);
        stack.gpu().filter(services::contains).flatMap(worker -> facts.gpu().missing(node.name()))
                .ifPresent(obstacles::add);
        return obstacles;
    }

    /** Whether the node is up to date, so that there is nothing to do. */
    boolean done() {
        return services.isEmpty() && retired.isEmpty() && rereads.isEmpty() && staging.settled();
    }

    /**
     * Whether the node is up to date and proven, as far as these facts tell: then only Compose can find something to
     * do.
     */
    public boolean quiet() {
        var there = facts.containers().stream().map(Docker.Container::service).toList();
        return !services.isEmpty() && restarted.isEmpty() && retired.isEmpty() && pulls.isEmpty() && tagged.isEmpty()
                && staging.settled() && facts.files().unread().isEmpty() && rereads.isEmpty() && unhealthy().isEmpty()
                && !facts.history().unproven() && there.stream().distinct().count() == there.size()
                && new Excess(this).renamed().isEmpty();
    }

    /** The services whose container is not the one from before, or was restarted as planned. */
    Set<String> replaced(List<Docker.Container> after) {
        var before = facts.containers().stream()
                .collect(Collectors.toMap(Docker.Container::id, Docker.Container::startedAt));
        return after.stream().filter(container -> services.contains(container.service())
                && (!before.containsKey(container.id()) || restarted.contains(container.service())
                && !before.get(container.id()).equals(container.startedAt())))
                .map(Docker.Container::service).collect(Collectors.toCollection(TreeSet::new));
    }

    /** The secrets that the services need. */
    public Set<Secrets.Field> secrets() {
        // containers keep the secrets that they were created with
        if (restart) return Set.of();
        var needed = new TreeSet<>(stack.secrets());
        // the previous Alertmanager may have lost its file
        if (has(Part.ALERTMANAGER)) staging.files().stream().filter(file -> file.path().equals(Alerting.FILE))
                .forEach(file -> needed.addAll(Alerting.secrets(file.content())));
        return needed;
    }

    /** The further secrets that a rollback would need: a service that is removed may have its own. */
    public Set<Secrets.Field> secretsBefore() {
        if (restart) return Set.of();
        boolean touched = has(Part.ALERTMANAGER)
                || stack.core() && stack.service(Part.ALERTMANAGER, retired).isPresent();
        return Optional.ofNullable(touched ? facts.files().files().get(Alerting.FILE) : null)
                .flatMap(NodeFiles.FileState::content).map(Alerting::secrets).orElse(Set.of());
    }

    /** The plan as a document. */
    public Map<String, Object> document() {
        return Document.fields("release", tag(), "release_before", before(), "services", services, "services_removed",
                retired, "images_pulled", pulled(), "images_sent", sent(), "files", staging.document().get("files"));
    }

    /** The name of the database in the env file: that of an earlier release may differ from the inventory's. */
    Optional<String> database() {
        return Optional.ofNullable(Templates.env(staging.content(stack.envFile())).get(Templates.DATABASE));
    }

    /** That name, if the env file on the node has another one, or there is no env file yet. */
    Optional<String> newDatabase() {
        if (restart || services.isEmpty()) return Optional.empty();
        var there = Optional.ofNullable(facts.files().files().get(stack.envFile()));
        var named = there.map(file -> file.content()
                .map(text -> Templates.env(text).getOrDefault(Templates.DATABASE, "")));
        return database().filter(name -> named.map(known -> known.filter(former -> !former.equals(name)).isPresent())
                .orElse(true));
    }

    /**
     * The release that runs now, by the images of the running containers, since the env file only has what was staged.
     * Empty if none runs.
     */
    public String before() {
        return stack.release(facts.containers());
    }

    /**
     * The script that puts the files and the rules of {@link Firewall} in place and brings the services up. Exit codes:
     * those of {@link FileChangesScript}, {@link ScriptExit#NOT_FILTERED} if the rules could not be put in place, and
     * {@link ScriptExit#DOCKER_FAILED} if Compose could not bring the services up. It prints the containers as they are
     * then ({@link Docker#containersOf}), and what was reloaded.
     *
     * @param begin shell lines for the moment when all checks passed and nothing is changed yet
     */
    public String applyScript(Secrets secrets, String begin) {
        return new ApplyScript(this, false).text(secrets, begin, whole || !begin.isEmpty(), "");
    }

    /**
     * Shell lines that end the script if Compose did not read what was rendered: then it is unknown what the containers
     * were made from.
     */
    public String asRendered() {
        var files = new ArrayList<>(stack.composeFiles());
        files.add(stack.envFile());
        var sum = Sha256.hex(files.stream().map(staging::content).collect(Collectors.joining()));
        return "sum=$(cat " + Sh.words(files) + " | sha256sum)\n[ \"${sum%% *}\" = " + sum + " ] || { echo '"
                + String.join(" or ", files) + " was changed by another process while Compose read it' >&2; exit "
                + ScriptExit.DOCKER_FAILED.code + "; }\n";
    }

    /** The unhealthy containers of its services, which would stay so. */
    List<Docker.Container> unhealthy() {
        return restart ? List.of() : facts.containers().stream()
                .filter(container -> container.unhealthy() && services.contains(container.service())).toList();
    }

    /** The outcome for its services, such as "backend started; db same". */
    public String outcome(Set<String> fresh, List<String> reloads, List<String> restarts) {
        return outcome(fresh, List.of(), reloads, restarts);
    }

    /** The same, where services that run once were only made. */
    String outcome(Set<String> fresh, List<String> unrun, List<String> reloads, List<String> restarts) {
        var parts = new TreeMap<Integer, String>();
        var ran = fresh.stream().filter(stack::once).toList();
        var started = fresh.stream().filter(service -> !ran.contains(service)).toList();
        if (!ran.isEmpty()) parts.put(0, String.join(", ", ran) + " ran");
        if (!started.isEmpty()) parts.put(1, String.join(", ", started) + " started");
        if (!reloads.isEmpty()) parts.put(2, String.join(", ", reloads) + " reloaded");
        if (!restarts.isEmpty()) parts.put(3, String.join(", ", restarts) + " restarted");
        if (!unrun.isEmpty()) parts.put(7, String.join(", ", unrun) + " not run again");
        var same = services.stream().filter(service -> !unrun.contains(service))
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
        if (ScriptExit.of(result) == ScriptExit.ONCE_FAILED)
            return Problem.failed(stack.node().name() + ": " + FileChangesScript.told("once", result.out()).stream()
                    .reduce((first, last) -> last).orElse("a service that runs once failed"))
                    .expected("exit code 0, before anything that follows it is replaced")
                    .found(String.join("\n", FileChangesScript.told("said", result.out())))
                    .fix("fix what it says, then run it again");
        return NodeLocks.refused(stack.node(), result).or(() -> FileChangesScript.failure(staging, result))
                .or(() -> Gpu.refused(stack.node().name(), result.err())).orElseGet(() ->
                Problem.failed(stack.node().name()
                        + (restart ? ": Docker could not restart " + String.join(", ", services)
                                : ": Compose could not bring " + String.join(", ", services) + " up"))
                        .found(LastWords.lines(result.err(), 3))
                        .fix("jbang verify@ktrdr --quick shows what runs now"));
    }
}
