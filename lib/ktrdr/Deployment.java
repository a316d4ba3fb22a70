package ktrdr;

import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import ktrdr.Templates.NodeFile;

/**
 * A deployment to one node: what it would take, decided without a network, and the scripts that do it.
 *
 * @param stack of the node
 * @param tag the release
 * @param services to bring up; {@code whole} when they are all that the node has
 * @param retired services that run beyond the inventory's scale, to be removed
 * @param pulls images that are not there yet
 * @param staging its files, {@link Staging} puts them in place
 * @param rereads services that have to be told of a configuration which this, or a {@code stage} before it, changed
 * @param facts what the plan was made from
 */
public record Deployment(Stack stack, String tag, List<String> services, boolean whole, List<String> retired, List<String> pulls,
        Staging staging, List<String> rereads, NodeFacts facts) {

    /** Decides what a deployment takes, from the inventory, the templates and the facts. */
    public static Deployment plan(Inventory inventory, Stack stack, String tag, List<String> services, NodeFacts facts) {
        var staging = Staging.plan(inventory, stack, tag, facts);
        var retired = facts.containers().stream().map(Docker.Container::service)
                .filter(service -> !stack.core() && !stack.services().contains(service)).distinct().toList();
        var pulls = new LinkedHashSet<>(stack.images(services, tag).values());
        // a moving tag has to be asked for each time, a fixed one is what it was
        pulls.removeIf(image -> facts.images().containsKey(image) && !image.endsWith(":latest"));
        boolean whole = services.equals(stack.services());
        return new Deployment(stack, tag, services, whole, retired, List.copyOf(pulls), staging, rereads(staging, facts), facts);
    }

    /** A container that started after its configuration was put there has read it; in the same second nobody knows. */
    private static List<String> rereads(Staging staging, NodeFacts facts) {
        return staging.stack().readers().keySet().stream().filter(service -> {
            var marked = facts.files().unread().get(service);
            boolean started = marked != null && facts.containers().stream().anyMatch(container -> container.service().equals(service)
                    && container.running() && Instant.parse(container.startedAt()).getEpochSecond() > marked);
            return staging.unread().contains(service) || marked != null && !started;
        }).toList();
    }

    /** What stands in the way on this node, each a sentence with what to do; empty when nothing does. */
    public List<Problem> obstacles() {
        var node = stack.node();
        var obstacles = new ArrayList<Problem>();
        if (facts.docker().isEmpty())
            return List.of(Problem.failed(node.name() + ": the Docker Engine does not answer").found(facts.dockerError())
                    .fix("on the node: systemctl enable --now docker; is " + facts.user() + " allowed to use it?"));
        obstacles.addAll(staging.obstacles());
        if (facts.free() < node.diskFree())
            obstacles.add(Problem.failed(node.name() + ": too little disk is free for Docker").expected("at least " + Units.size(node.diskFree())
                    + " (disk_free in the inventory)").found(Units.size(facts.free())).fix("docker image prune on the node, or a larger disk"));
        stack.wrongShare(facts.share()).ifPresent(obstacles::add);
        return obstacles;
    }

    /** What it would do, a line each, as --dry-run shows it. */
    public List<String> describe() {
        var name = stack.node().name();
        var lines = new ArrayList<String>();
        lines.add(name + "  " + (before().isEmpty() ? "nothing" : before()) + " -> " + tag + "  " + String.join(", ", services));
        lines.add("  pull     " + (pulls.isEmpty() ? "nothing" : String.join(", ", pulls)));
        lines.add("  files    " + staging.outcome());
        lines.add("  up       " + String.join(", ", services));
        if (!retired.isEmpty()) lines.add("  remove   " + String.join(", ", retired));
        return lines;
    }

    /** The same for machines. */
    public Map<String, Object> document() {
        return Map.of("from", before(), "to", tag, "services", services, "pulled", pulls, "removed", retired,
                "files", staging.changed().stream().map(NodeFile::path).toList());
    }

    /** The release that runs now, by the images of the running containers: the env file tells what was staged. Empty where none runs. */
    public String before() {
        return facts.containers().stream().filter(container -> container.running() && stack.released(container.service()))
                .map(Docker.Container::tag).distinct().sorted().collect(Collectors.joining(", "));
    }

    /**
     * Puts the files in place and brings the services up. Exit codes: those of {@link StagingScript}, and 22 where Compose could not
     * bring the services up. It prints the containers as they are then ({@link Docker#containersOf}), and what was reloaded.
     */
    public String applyScript(Secrets secrets) {
        return secrets.shell(stack.secrets()) + new StagingScript(staging).text()
                + (retired.isEmpty() ? "" : "with_secrets " + stack.compose() + " --profile scale-2 --profile scale-3 rm -sf " + Sh.words(retired) + " >&2 || exit 22\n")
                // a named service is deployed alone: what it depends on stays as it is
                + "with_secrets " + stack.compose() + " up -d " + (whole ? "" : "--no-deps ") + Sh.words(services) + " >&2 || exit 22\n"
                + reloads() + Docker.containersOf(stack.project());
    }

    /** Tells services of a changed configuration, unless they started since; the mark is taken away when they know. */
    private String reloads() {
        var script = new StringBuilder();
        facts.files().unread().keySet().stream().filter(service -> stack.readers().containsKey(service) && !rereads.contains(service))
                .forEach(service -> script.append("rm -f .ktrdr/unread.").append(service).append('\n'));
        if (rereads.isEmpty()) return script.toString();
        script.append("""
                started() { docker inspect --format '{{.Id}} {{.State.StartedAt}}{{if not .State.Running}} no more{{end}}' "$1" 2>/dev/null || :; }
                reread() {
                  now=$(started "$2")
                  case $now in '' | *' no more') return 0 ;; esac
                  if [ "$now" = "$3" ]; then
                    case $1 in
                      prometheus) docker kill --signal HUP "$2" >/dev/null ;;
                      *) docker restart "$2" >/dev/null ;;
                    esac || exit 22
                    tell reloaded "$1"
                  fi
                  rm -f ".ktrdr/unread.$1"
                }
                """);
        for (var service : rereads) script.append("reread ").append(service).append(' ').append(stack.container(service)).append(' ').append(Sh.quote(ran(service))).append('\n');
        return script.toString();
    }

    private String ran(String service) {
        return facts.containers().stream().filter(container -> container.service().equals(service))
                .map(container -> container.id() + " " + container.startedAt()).findFirst().orElse("");
    }
}
