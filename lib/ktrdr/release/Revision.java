package ktrdr.release;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import ktrdr.Problem;
import ktrdr.inventory.Inventory;
import ktrdr.node.Docker;
import ktrdr.release.Templates.NodeFile;

/**
 * What a node runs or should run: a release with its files and images.
 *
 * @param tag of the release
 * @param files all files of the toolkit, as they should be
 * @param images of the services that should be there, by service; an image with an id is used by that id, whatever its
 *     reference means by now
 */
public record Revision(String tag, List<NodeFile> files, Map<String, Docker.Image> images) {

    /** The revision of a release by inventory and templates. */
    public static Revision of(Inventory inventory, Stack stack, String tag) {
        var images = new LinkedHashMap<String, Docker.Image>();
        stack.images(stack.services(), tag)
                .forEach((service, reference) -> images.put(service, new Docker.Image(reference, "", "")));
        return new Revision(tag, stack.files(tag), images);
    }

    /** A release of the history, with the files that were kept. */
    public static Revision of(Stack stack, History.Entry entry, List<NodeFile> files) {
        var images = new LinkedHashMap<>(entry.images());
        // those of other services were noted once
        images.keySet().removeIf(service -> !stack.at(files).has(service));
        return new Revision(entry.tag(), files, images);
    }

    /**
     * What runs on a node, to keep its containers at it: one release, with the files that were written for it. Anything
     * else is a {@link Problem}.
     *
     * @param wanted as for {@link #there}
     * @param what the caller would do to it, such as "scaled"
     */
    public static Revision running(Stack stack, StackFacts facts, List<NodeFile> wanted, String what) {
        var node = stack.node().name();
        var there = there(stack, facts, wanted).filter(revision -> !revision.tag().isEmpty())
                .orElseThrow(() -> Problem.failed(node + ": nothing runs there that could be " + what)
                        .fix(stack.deploy()));
        if (there.tag().contains(","))
            throw Problem.failed(node + ": two releases run there").found(there.tag()).fix(stack.deploy());
        var staged = there.files().stream().filter(file -> file.path().equals(stack.envFile()))
                .map(file -> Templates.env(file.content()).getOrDefault("IMAGE_TAG", "")).findFirst().orElse("");
        if (!staged.equals(there.tag()))
            throw Problem.failed(node + ": the staged release is not the running one").expected(there.tag())
                    .found(staged)
                    .fix(stack.deploy() + ", or jbang stage@ktrdr " + stack.words() + " --tag " + there.tag());
        // prometheus.yml is replaced whole when workers change, and what was written into it by hand is kept
        var changed = Drift.files(facts.files()).stream().filter(words -> !words.startsWith(Templates.PROMETHEUS))
                .toList();
        if (!changed.isEmpty()) throw Problem.failed(node + ": files of the toolkit were changed by hand")
                .found(String.join("; ", changed))
                .fix("jbang stage@ktrdr " + stack.words()
                        + " --check shows what differs; without --check it restores them");
        return there;
    }

    /**
     * What is on a node, for a rollback to it: its containers' images and its files; empty if either is missing.
     *
     * @param wanted the files that the facts were gathered for: the facts have no content of unchanged files
     */
    public static Optional<Revision> there(Stack stack, StackFacts facts, List<NodeFile> wanted) {
        var files = new ArrayList<NodeFile>();
        facts.files().files().forEach((path, found) -> found.content()
                .or(() -> wanted.stream()
                        .filter(file -> file.path().equals(path) && file.sha256().equals(found.sha256()))
                        .map(NodeFile::content).findFirst())
                .ifPresent(content -> files.add(new NodeFile(path, content, found.mode()))));
        var images = Docker.images(facts.containers(), facts.digests());
        var paths = files.stream().map(NodeFile::path).toList();
        if (images.isEmpty() || !paths.containsAll(List.of(stack.composeFile(), stack.envFile())))
            return Optional.empty();
        var then = stack.at(files);
        var tags = facts.containers().stream().filter(container -> then.released(container.service()))
                .map(Docker.Container::tag).distinct().toList();
        return Optional.of(new Revision(String.join(", ", tags), files, images));
    }
}
