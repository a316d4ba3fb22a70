package ktrdr.release;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import ktrdr.Problem;
import ktrdr.Sh;
import ktrdr.Units;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Inventory.Node;
import ktrdr.node.Docker;
import ktrdr.node.NodeFiles;
import ktrdr.release.Templates.NodeFile;
import ktrdr.report.Document;
import ktrdr.ssh.Ssh;

/**
 * The changes of a node's files for a deployment, decided without a network. {@link FileChangesScript} makes them.
 *
 * @param stack of the node
 * @param tag the release in its env file
 * @param files all files of the node; {@code changed} those that differ on the node
 * @param removed files that the toolkit wrote once and no longer renders
 * @param facts what the plan was made from
 */
public record FileChanges(Stack stack, String tag, List<NodeFile> files, List<NodeFile> changed, List<String> removed,
        StackFacts facts) {
    private static final Pattern SHARED = Pattern.compile("\\$\\{SHARE_SOURCE\\b[^}]*\\}/([A-Za-z0-9._-]+)");

    /**
     * Renders the files of all nodes once, so that a broken template is a {@link Problem} before the first node is
     * asked; so are stacks in each other's way.
     */
    public static void proveTemplates(Inventory inventory, List<Node> nodes) {
        nodes.forEach(node -> new Templates(inventory).render(node, "none"));
        SameMachine.prove(inventory, nodes);
    }

    /**
     * Looks at a node, in one round trip. If no release is named, files that depend on it differ from what is guessed
     * here, so the content of the env file, which names one, is always in the answer.
     */
    public static StackFacts gather(Inventory inventory, Stack stack, Ssh ssh, Optional<String> tag,
            List<String> images) {
        return ours(stack, StackFacts.parse(stack, ssh.must(look(inventory, stack, tag, images))));
    }

    /** The same, for files that are to be there. */
    public static StackFacts gather(Stack stack, Ssh ssh, List<NodeFile> files, List<String> images) {
        return ours(stack, StackFacts.parse(stack, ssh.must(look(stack, files, images))));
    }

    /** The host of another node is a {@link Problem}: what is found there does not belong to this one. */
    private static StackFacts ours(Stack stack, StackFacts facts) {
        facts.occupant().prove(stack.inventory(), stack.node());
        return facts;
    }

    /** The script that looks; its answer is for {@link StackFacts#parse}. */
    public static String look(Inventory inventory, Stack stack, Optional<String> tag, List<String> images) {
        return look(stack, new Templates(inventory).render(stack.node(), tag.orElse("")), images);
    }

    private static String look(Stack stack, List<NodeFile> files, List<String> images) {
        var wanted = new LinkedHashMap<String, String>();
        files.forEach(file -> wanted.put(file.path(), file.sha256()));
        return StackFacts.script(stack, wanted, images);
    }

    /** The release that the env file of a node names, of facts gathered without a tag. */
    public static Optional<String> staged(Stack stack, StackFacts facts) {
        return Optional.ofNullable(facts.files().files().get(stack.envFile())).flatMap(NodeFiles.FileState::content)
                .map(text -> Templates.env(text).get("IMAGE_TAG")).filter(tag -> !tag.isBlank()).map(ReleaseTag::tag);
    }

    /** Decides what to write and what to remove, so that the node has exactly these files of the toolkit. */
    public static FileChanges plan(Stack stack, String tag, List<NodeFile> files, StackFacts facts) {
        var paths = files.stream().map(NodeFile::path).toList();
        var there = facts.files();
        var changed = files.stream().filter(file -> !same(file, there.files().get(file.path()), facts.user())).toList();
        var removed = there.manifest().keySet().stream()
                .filter(path -> !paths.contains(path) && there.files().containsKey(path)).toList();
        return new FileChanges(stack, tag, files, changed, removed, facts);
    }

    private static boolean same(NodeFile file, NodeFiles.FileState found, String user) {
        return found != null && found.sha256().equals(file.sha256()) && found.mode().equals(file.mode())
                && (!user.equals("root") || found.owner().equals("0:0"));
    }

    /** What blocks the deployment on this node, each with a fix; empty if nothing does. */
    public List<Problem> obstacles() {
        var node = stack.node();
        var obstacles = new ArrayList<Problem>();
        if (!facts.docker().isEmpty() && !Docker.atLeast(Docker.OLDEST_ENGINE, facts.docker()))
            obstacles.add(Problem.failed(node.name() + ": the Docker Engine is too old")
                    .expected("version " + Docker.OLDEST_ENGINE + " or newer")
                    .found(facts.docker()).fix("update Docker on the node"));
        if (!Docker.atLeast(Docker.OLDEST_COMPOSE, facts.compose()))
            obstacles.add(Problem.failed(node.name() + ": Compose is missing or too old")
                    .expected("docker compose version " + Docker.OLDEST_COMPOSE + " or newer")
                    .found(facts.compose().isEmpty() ? "no docker compose" : facts.compose())
                    .fix("install docker-compose-plugin on the node"));
        facts.files().links().forEach((path, target) -> {
            // a link in the place of a file is replaced; one above it would lead out of the directory
            if (paths().contains(path) || facts.files().manifest().containsKey(path)) return;
            obstacles.add(Problem.failed(node.name() + ": " + path
                    + " is a symbolic link, and nothing is written through one").expected("a folder of its own in "
                    + node.directory()).found(path + " -> " + target)
                    .fix("remove the link on the node, or name another `directory` in the inventory"));
        });
        facts.files().odd().forEach((path, kind) -> {
            if (kind.equals("directory")) obstacles.add(
                    Problem.failed(node.name() + ": there is a folder instead of a file").expected("a file, or nothing")
                    .found(kind + " " + node.directory() + "/" + path).fix("move it away on the node"));
        });
        return obstacles;
    }

    /** Folders of the share that the Compose file mounts and that are not there: Docker would refuse each container. */
    public Optional<Problem> missingFolders() {
        var compose = compose();
        var missing = facts.missing().stream()
                .filter(folder -> SHARED.matcher(compose).results().anyMatch(match -> match.group(1).equals(folder)))
                .toList();
        return missing.isEmpty() ? Optional.empty() : Optional.of(stack.onShare().lacks(missing));
    }

    /** A variable of the Compose file without a value, or with a value of the node's own, is a {@link Problem}. */
    public void refuseUnknownVariables() {
        var taken = Templates.variables(compose());
        taken.retainAll(Sh.environment());
        if (!taken.isEmpty()) throw Problem.usage(stack.composeFile()
                + " names variables that have a value of their own on the node")
                .expected("names that " + stack.envFile() + " alone gives a value")
                .found(String.join(", ", taken))
                .fix("give them other names in the template, such as KTRDR_" + taken.first());
        var unknown = unknownVariables();
        if (unknown.isEmpty()) return;
        var compose = String.join(" with ", stack.composeFiles());
        boolean rendered = stack.files(tag).containsAll(composeFiles());
        throw Problem.usage(rendered ? compose + " names variables that nothing gives a value to"
                        : stack.node().name() + ": " + compose
                                + ", as it is on the node, names variables that this version of the toolkit does not "
                                + "know")
                .expected("each in " + stack.envFile() + ", or one of the secrets").found(String.join(", ", unknown))
                .fix(rendered ? "add them to templates/" + stack.node().role().name() + "/" + stack.envFile()
                        + ", or to `secrets.variables` of the inventory"
                        : "a newer version wrote it: do this with that one, or " + stack.deploy() + " --tag " + tag
                                + " with this one, which writes files of its own");
    }

    /** Variables of the node's Compose file that have no value. */
    public Set<String> unknownVariables() {
        var env = Templates.env(content(stack.envFile()));
        var unknown = Templates.needed(compose());
        stack.secrets().forEach(secret -> unknown.remove(secret.variable()));
        unknown.removeIf(name -> !env.getOrDefault(name, "").isBlank());
        return unknown;
    }

    /** Bytes that its workers may use together. */
    private long memoryOfWorkers() {
        var node = stack.node();
        return stack.inventory().workersOf(node).stream().filter(worker -> !node.own().workers().contains(worker))
                .mapToLong(worker -> (worker.type().equals("training") ? node.running().training()
                        : node.running().backtest()).memory()).sum();
    }

    /** The content of one of its files, which it has. */
    public String content(String path) {
        return files.stream().filter(file -> file.path().equals(path)).findFirst().orElseThrow().content();
    }

    /** What Compose reads: its file, and the one on top of it. */
    public List<NodeFile> composeFiles() {
        return stack.composeFiles().stream().flatMap(path -> files.stream().filter(file -> file.path().equals(path)))
                .toList();
    }

    private String compose() {
        return composeFiles().stream().map(NodeFile::content).collect(Collectors.joining("\n"));
    }

    private List<String> paths() {
        return files.stream().map(NodeFile::path).toList();
    }

    /** Whether files of the node differ from what is rendered. */
    public boolean differs() {
        return !changed.isEmpty() || !removed.isEmpty();
    }

    /** Whether there is nothing to do, the list of the toolkit's files included. */
    public boolean settled() {
        return !differs() && facts.files().manifest().equals(manifest());
    }

    /** The list of the toolkit's files from now on: path to sha256. */
    Map<String, String> manifest() {
        var manifest = new LinkedHashMap<String, String>();
        files.forEach(file -> manifest.put(file.path(), file.sha256()));
        return manifest;
    }

    /**
     * Files of the toolkit that were changed on the node, and where the changed ones are kept when they are replaced or
     * removed.
     */
    public Map<String, String> kept() {
        var kept = new TreeMap<String, String>();
        for (var path : otherwise()) {
            var found = facts.files().files().get(path);
            var written = facts.files().manifest().get(path);
            if (found != null && written != null && !found.sha256().equals(written))
                kept.put(path, NodeFiles.OURS + "/kept/" + path.replace('/', '+') + "."
                        + found.sha256().substring(0, 12));
        }
        return kept;
    }

    /** The paths whose content changes, or that are removed. */
    private List<String> otherwise() {
        var paths = new ArrayList<>(removed);
        changed.stream().filter(this::otherContent).forEach(file -> paths.add(file.path()));
        return paths;
    }

    /** Files in the directory that the toolkit did not write: they are left alone. */
    public List<String> foreign() {
        return facts.files().foreign().stream().filter(path -> !removed.contains(path)).toList();
    }

    /** The services whose configuration this changes. */
    public List<String> unread() {
        return stack.file().readers().keySet().stream().filter(service -> !unread(service).isEmpty()).toList();
    }

    /** The files of a service's configuration that this changes or removes. */
    List<String> unread(String service) {
        var read = stack.file().readers().getOrDefault(service, List.of());
        return otherwise().stream().filter(path -> read.stream().anyMatch(path::startsWith)).toList();
    }

    private boolean otherContent(NodeFile file) {
        var found = facts.files().files().get(file.path());
        return found == null || !found.sha256().equals(file.sha256());
    }

    /** In words: "1 changed (.env.core), 3 same". */
    public String outcome() {
        int same = files.size() - changed.size();
        var parts = new ArrayList<String>();
        if (!changed.isEmpty()) parts.add(changed.size() + " changed ("
                + String.join(", ", changed.stream().map(NodeFile::path).toList()) + ")");
        if (!removed.isEmpty()) parts.add(removed.size() + " removed (" + String.join(", ", removed) + ")");
        if (same > 0) parts.add(same + " same");
        return String.join(", ", parts);
    }

    /** A warning if the workers together may use more memory than the node has. */
    public Optional<String> memory() {
        boolean more = facts.memory() > 0 && memoryOfWorkers() > facts.memory() && compose().contains("mem_limit");
        return more ? Optional.of("its workers may use " + Units.size(memoryOfWorkers())
                + " of memory together, more than the " + Units.size(facts.memory())
                + " of the node: `limits` in the inventory") : Optional.empty();
    }

    /** What {@link #outcome} does not say, one line each: files changed by hand, files of others. */
    public List<String> remarks() {
        var remarks = new ArrayList<String>();
        kept().forEach((path, place) -> remarks.add(path + " was changed by hand; the change is kept as " + place));
        memory().ifPresent(remarks::add);
        if (!foreign().isEmpty())
            remarks.add("not the toolkit's, left alone: " + String.join(", ", foreign()).replaceAll("\\p{Cntrl}", "?"));
        return remarks;
    }

    /** A unified diff of every file that would change or be removed. Secrets are masked. */
    public List<String> diff() {
        return diffs().all();
    }

    /**
     * The same for a terminal: of a long diff, such as that of a new dashboard, the file and the number of lines,
     * unless all is asked for.
     */
    public List<String> shown(boolean all) {
        return all ? diffs().all() : diffs().brief();
    }

    private FileDiffs diffs() {
        return new FileDiffs(stack.node().directory(), facts.files(), changed, removed);
    }

    /** For JSON output. */
    public Map<String, Object> document() {
        return Document.fields("release", tag, "files",
                Document.fields("changed", changed.stream().map(NodeFile::path).toList(), "removed", removed, "kept",
                        kept(), "foreign", foreign()));
    }
}
