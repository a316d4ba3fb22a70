package ktrdr.deploy;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import ktrdr.Console;
import ktrdr.Problem;
import ktrdr.fleet.Fleet;
import ktrdr.image.ArchivedImage;
import ktrdr.image.GivenImage;
import ktrdr.image.ImageArchive;
import ktrdr.image.NodeImages;
import ktrdr.inventory.Inventory.Node;
import ktrdr.node.Docker;
import ktrdr.node.Registry;
import ktrdr.release.ReleaseTag;
import ktrdr.ssh.Ssh;

/**
 * Images of this machine that are deployed to nodes without a registry: which service each is for, what each node lacks
 * of them, and the way there. Their tag is {@code local-} and the beginning of their digest.
 */
public final class LocalImages implements AutoCloseable {
    /** A tar is unpacked into Docker's folder, then into its layer. */
    private static final int FACTOR = 3;
    private final Map<String, LocalMatch.Match> images;
    private final List<ImageArchive> archives;
    private final Map<Node, There> there = new LinkedHashMap<>();

    /**
     * What a node that runs some of them answered.
     *
     * @param found what it has
     * @param fitting for its platform, by the reference that it runs them under
     */
    private record There(NodeImages found, Map<String, ArchivedImage> fitting) {
        /** Those that it does not have under their reference. */
        Map<String, ArchivedImage> lacking(NodePlan plan) {
            var lacking = new LinkedHashMap<>(fitting);
            lacking.entrySet().removeIf(entry ->
                    found.id(entry.getValue()).equals(plan.facts().images().get(entry.getKey())));
            return lacking;
        }
    }

    private LocalImages(Map<String, LocalMatch.Match> images, List<ImageArchive> archives) {
        this.images = images;
        this.archives = archives;
    }

    /** None: an image with a tag of theirs has to be on the node. */
    public static LocalImages none() {
        return new LocalImages(Map.of(), List.of());
    }

    /** Opens what was chosen and finds out which repositories it is for; see {@link LocalMatch}. */
    public static LocalImages of(LocalChoice choice, Supplier<LocalMatch> chosen, Console console) {
        if (!choice.given()) return none();
        var services = chosen.get();
        services.proveFollowing();
        var archives = choice.open(console);
        try {
            var given = new ArrayList<GivenImage>();
            archives.forEach(archive -> given.addAll(archive.images()));
            return new LocalImages(services.match(given, choice::named), archives);
        } catch (Problem problem) {
            archives.forEach(ImageArchive::close);
            throw problem;
        }
    }

    /** The release that they make; empty for none. */
    public Optional<String> tag() {
        if (images.isEmpty()) return Optional.empty();
        return Optional.of(ReleaseTag.local(images.values().stream()
                .flatMap(match -> match.image().platforms().stream()).map(ArchivedImage::digest).toList()));
    }

    /** Throws a {@link Problem} if the plan needs an image that neither the node, the registry nor this machine has. */
    void prove(NodePlan plan) {
        var missing = plan.sent().stream().filter(reference -> given(reference).isEmpty()).toList();
        if (!missing.isEmpty()) throw Problem.failed(plan.stack().node().name() + ": the image "
                + String.join(", ", missing) + " is not on the node, and no registry has it")
                .expected("an image that was deployed with --local, as its tag says, and kept by the node")
                .found("none")
                .fix("deploy it again with --local or --archive from a machine that has it, or another release");
    }

    private Optional<LocalMatch.Match> given(String reference) {
        return ReleaseTag.isLocal(reference) ? Optional.ofNullable(images.get(Docker.repository(reference)))
                : Optional.empty();
    }

    /** Those of a plan, by reference. */
    private Map<String, LocalMatch.Match> of(NodePlan plan) {
        var of = new LinkedHashMap<String, LocalMatch.Match>();
        plan.services().stream().map(plan.revision().images()::get).map(Docker.Image::reference)
                .forEach(reference -> given(reference).ifPresent(match -> of.put(reference, match)));
        return of;
    }

    /** Asks the nodes what they have; an image that a node cannot run, or that is another service's, is refused. */
    Fleet.Outcomes<?> ask(Fleet fleet, Map<Node, NodePlan> plans) {
        var asked = fleet.each(node -> plans.containsKey(node) && !of(plans.get(node)).isEmpty(), (node, ssh) -> {
            var found = NodeImages.parse(ssh.must(NodeImages.script()));
            var fitting = new LinkedHashMap<String, ArchivedImage>();
            of(plans.get(node)).forEach((reference, match) ->
                    fitting.put(reference, fitting(node.name(), match, found)));
            return new There(found, fitting);
        });
        there.putAll(asked.values());
        return asked;
    }

    private static ArchivedImage fitting(String node, LocalMatch.Match match, NodeImages found) {
        var image = match.image().on(found.platform()).orElseThrow(() -> Problem
                .failed(node + ": " + match.image().words() + " is not built for this node's platform")
                .expected("one for " + found.platform()).found("for " + match.image().made())
                .fix("docker build --platform " + found.platform() + " …; nothing was changed"));
        if (image.lacking(found.layers()).stream().anyMatch(layer -> layer.at() == null)) throw Problem
                .failed(node + ": the archive of " + match.image().words() + " lacks a layer that the node lacks too")
                .expected("all layers").found("an archive of a part of them")
                .fix("build or pull the image again where it is saved; nothing was changed");
        return image;
    }

    private void prove(Map<Node, NodePlan> plans) {
        var asked = plans.entrySet().stream().filter(entry -> there.containsKey(entry.getKey()))
                .collect(Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue, (a, b) -> a, LinkedHashMap::new));
        // none of the nodes answered, which is said of each
        if (asked.isEmpty()) return;
        images.forEach((repository, match) -> match.proveLike(repository, running(asked), image(match)));
        var travel = new LinkedHashSet<ArchivedImage.Layer>();
        asked.forEach((node, plan) -> there.get(node).lacking(plan).values().forEach(image ->
                travel.addAll(image.lacking(there.get(node).found().layers()))));
        ImageArchive.prove(travel);
    }

    private static ArchivedImage image(LocalMatch.Match match) {
        return match.image().platforms().get(0);
    }

    /** What the containers of these nodes start, by the repository of their image. */
    private Map<String, Set<String>> running(Map<Node, NodePlan> asked) {
        var running = new LinkedHashMap<String, Set<String>>();
        asked.forEach((node, plan) -> plan.facts().containers().forEach(container ->
                running.computeIfAbsent(Docker.repository(container.image()), none -> new LinkedHashSet<>())
                        .addAll(there.get(node).found().starting(Set.of(container.imageId())))));
        return running;
    }

    /**
     * The same deployments, with the exact images that the nodes will have. One that is not what it is for, next to
     * what runs now, or has a damaged layer, is a {@link Problem}.
     */
    Map<Node, NodePlan> pinned(Map<Node, NodePlan> plans) {
        prove(plans);
        var pinned = new LinkedHashMap<Node, NodePlan>();
        plans.forEach((node, plan) -> {
            if (!there.containsKey(node)) return;
            var exact = new LinkedHashMap<String, Docker.Image>();
            there.get(node).fitting().forEach((reference, image) -> exact.put(reference,
                    new Docker.Image(reference, there.get(node).found().id(image), "")));
            pinned.put(node, plan.pinned(exact));
        });
        return pinned;
    }

    /** What a node gets, by reference: from the registry, and of each image of this machine the layers it lacks. */
    Map<String, Registry.Manifest> and(Pins pins, Node node, NodePlan plan) {
        var manifests = pins.manifests(plan);
        if (there.containsKey(node)) there.get(node).lacking(plan).forEach((reference, image) ->
                manifests.put(reference, new Registry.Manifest(reference, image.manifestDigest(), image.digest(),
                        image.lacking(there.get(node).found().layers()).stream().map(layer ->
                                new Registry.Layer(layer.digest(), layer.bytes(), FACTOR)).toList())));
        return manifests;
    }

    /** Sends a node what it lacks; whether there was anything. What does not arrive whole is a {@link Problem}. */
    boolean sent(Node node, NodePlan plan, Ssh ssh, Console console) {
        if (!there.containsKey(node)) return false;
        var lacking = there.get(node).lacking(plan);
        if (!lacking.isEmpty()) new LocalSend(node.name(), there.get(node).found(), ssh, console).send(lacking);
        return !lacking.isEmpty();
    }

    @Override
    public void close() {
        archives.forEach(ImageArchive::close);
    }
}
