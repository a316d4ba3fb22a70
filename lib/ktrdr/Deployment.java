package ktrdr;

import com.github.difflib.DiffUtils;
import com.github.difflib.UnifiedDiffUtils;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import ktrdr.Templates.NodeFile;

/**
 * A deployment to one node: what it would take, decided without a network, and the scripts that do it.
 *
 * @param stack of the node
 * @param tag the release
 * @param services to bring up; {@code whole} when they are all that the node has
 * @param retired services that run beyond the inventory's scale, to be removed
 * @param pulls images that are not there yet
 * @param files all files of the node; {@code changed} those that differ from what is there
 * @param facts what the plan was made from
 */
public record Deployment(Stack stack, String tag, List<String> services, boolean whole, List<String> retired, List<String> pulls,
        List<NodeFile> files, List<NodeFile> changed, NodeFacts facts) {

    /** Decides what a deployment takes, from the inventory, the templates and the facts. */
    public static Deployment plan(Inventory inventory, Stack stack, String tag, List<String> services, NodeFacts facts) {
        var files = new Templates(inventory).render(stack.node(), tag);
        var changed = files.stream().filter(file -> !file.content().equals(facts.files().get(file.path()))).toList();
        var retired = facts.containers().stream().map(Docker.Container::service)
                .filter(service -> !stack.core() && !stack.services().contains(service)).distinct().toList();
        var pulls = new LinkedHashSet<>(stack.images(services, tag).values());
        // a moving tag has to be asked for each time, a fixed one is what it was
        pulls.removeIf(image -> facts.images().containsKey(image) && !image.endsWith(":latest"));
        boolean whole = services.equals(stack.services());
        return new Deployment(stack, tag, services, whole, retired, List.copyOf(pulls), files, changed, facts);
    }

    /** What stands in the way on this node, each a sentence with what to do; empty when nothing does. */
    public List<Problem> obstacles() {
        var node = stack.node();
        var obstacles = new ArrayList<Problem>();
        if (facts.docker().isEmpty())
            return List.of(Problem.failed(node.name() + ": the Docker Engine does not answer").found(facts.dockerError())
                    .fix("on the node: systemctl enable --now docker; is " + facts.user() + " allowed to use it?"));
        if (!facts.compose().replaceFirst("^v", "").matches("[2-9]\\..*"))
            obstacles.add(Problem.failed(node.name() + ": Compose is missing or too old").expected("docker compose version 2 or newer")
                    .found(facts.compose().isEmpty() ? "no docker compose" : facts.compose()).fix("install docker-compose-plugin on the node"));
        if (facts.free() < node.diskFree())
            obstacles.add(Problem.failed(node.name() + ": too little disk is free for Docker").expected("at least " + Units.size(node.diskFree())
                    + " (disk_free in the inventory)").found(Units.size(facts.free())).fix("docker image prune on the node, or a larger disk"));
        if (!facts.share())
            obstacles.add(Problem.failed(node.name() + ": the share is not there").expected("the folder " + stack.share())
                    .found("no such folder").fix("set up the share on the node (storage in the inventory)"));
        return obstacles;
    }

    /** Variables that the node's Compose file names and nothing gives a value to. */
    public Set<String> unknownVariables() {
        var compose = content(stack.composeFile());
        var env = Templates.env(content(stack.envFile()));
        var unknown = Templates.variables(compose);
        stack.secrets().forEach(secret -> unknown.remove(secret.variable));
        unknown.removeIf(name -> !env.getOrDefault(name, "").isBlank());
        return unknown;
    }

    private String content(String path) {
        return files.stream().filter(file -> file.path().equals(path)).findFirst().orElseThrow().content();
    }

    /** A unified diff of every file that would change; secrets are not in them. */
    public List<String> diff() {
        var lines = new ArrayList<String>();
        for (var file : changed) {
            var before = facts.files().get(file.path());
            var old = before == null ? List.<String>of() : before.lines().toList();
            var path = stack.node().directory() + "/" + file.path();
            lines.addAll(UnifiedDiffUtils.generateUnifiedDiff(before == null ? "/dev/null" : path, path, old,
                    DiffUtils.diff(old, file.content().lines().toList()), 2));
        }
        return lines;
    }

    /** What it would do, a line each, as --dry-run shows it. */
    public List<String> describe() {
        var name = stack.node().name();
        var lines = new ArrayList<String>();
        lines.add(name + "  " + (before().isEmpty() ? "nothing" : before()) + " -> " + tag + "  " + String.join(", ", services));
        lines.add("  pull     " + (pulls.isEmpty() ? "nothing" : String.join(", ", pulls)));
        lines.add("  files    " + changed.size() + " of " + files.size() + " would change");
        lines.add("  up       " + String.join(", ", services));
        if (!retired.isEmpty()) lines.add("  remove   " + String.join(", ", retired));
        return lines;
    }

    /** The same for machines. */
    public Map<String, Object> document() {
        return Map.of("from", before(), "to", tag, "services", services, "pulled", pulls, "removed", retired,
                "files", changed.stream().map(NodeFile::path).toList());
    }

    /** The release that runs now, as the node's env file says; empty before the first deployment. */
    public String before() {
        return Templates.env(facts.files().getOrDefault(stack.envFile(), "")).getOrDefault("IMAGE_TAG", "");
    }

    /**
     * Puts the files in place and brings the services up. Exit codes: 20 the files could not be written and none was replaced,
     * 21 Compose refuses them and none was replaced, 22 Compose could not bring the services up. It prints the containers as they
     * are then ({@link Docker#containersOf}).
     */
    public String applyScript(Secrets secrets) {
        return secrets.shell(stack.secrets()) + Sh.let("directory", stack.node().directory()) + """
                umask 022
                mkdir -p "$directory" || exit 20
                cd "$directory"
                trap 'rm -f "$directory"/.ktrdr-new.*' EXIT
                """ + writes() + """
                """ + "with_secrets docker compose --project-directory . --env-file " + beside(stack.envFile()) + " -f " + beside(stack.composeFile())
                + " config -q || exit 21\n" + renames()
                + (retired.isEmpty() ? "" : "with_secrets " + stack.compose() + " --profile scale-2 --profile scale-3 rm -sf " + Sh.words(retired) + " >&2 || exit 22\n")
                // a named service is deployed alone: what it depends on stays as it is
                + "with_secrets " + stack.compose() + " up -d " + (whole ? "" : "--no-deps ") + Sh.words(services) + " >&2 || exit 22\n"
                + Docker.containersOf(stack.project());
    }

    private static String beside(String path) {
        return ".ktrdr-new." + path.replace('/', '+');
    }

    /** All files are written beside their places first, so that a full disk replaces none of them. */
    private String writes() {
        var script = new StringBuilder();
        for (var file : files) {
            var name = Sh.quote(beside(file.path()));
            script.append("printf %s ").append(Sh.quote(file.content())).append(" >").append(name).append(" && chmod ").append(file.mode())
                    .append(' ').append(name).append(" && sync ").append(name).append(" || exit 20\n");
        }
        return script.toString();
    }

    private String renames() {
        var script = new StringBuilder();
        for (var file : changed) {
            if (file.path().contains("/"))
                script.append("mkdir -p ").append(Sh.quote(file.path().replaceFirst("/[^/]*$", ""))).append(" || exit 20\n");
            script.append("mv -f ").append(Sh.quote(beside(file.path()))).append(' ').append(Sh.quote(file.path())).append(" || exit 20\n");
        }
        return script.toString();
    }

    /** What has to read a changed configuration again, as shell lines; nothing for services that were recreated anyway. */
    public String reloadScript(Set<String> recreated) {
        var script = new StringBuilder();
        if (changes("monitoring/prometheus.yml") && !recreated.contains("prometheus"))
            script.append("docker kill --signal HUP ").append(stack.container("prometheus")).append(" >/dev/null\n");
        if (changes("monitoring/grafana/") && !recreated.contains("grafana"))
            script.append("docker restart ").append(stack.container("grafana")).append(" >/dev/null\n");
        return script.toString();
    }

    /** The services that {@link #reloadScript} makes read their configuration again. */
    public List<String> reloads(Set<String> recreated) {
        var reloads = new ArrayList<String>();
        if (changes("monitoring/prometheus.yml") && !recreated.contains("prometheus")) reloads.add("prometheus");
        if (changes("monitoring/grafana/") && !recreated.contains("grafana")) reloads.add("grafana");
        return reloads;
    }

    private boolean changes(String prefix) {
        return changed.stream().anyMatch(file -> file.path().startsWith(prefix));
    }
}
