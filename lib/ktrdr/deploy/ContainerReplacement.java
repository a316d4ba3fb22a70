package ktrdr.deploy;

import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import ktrdr.CommandResult;
import ktrdr.ScriptExit;
import ktrdr.inventory.Inventory.Node;
import ktrdr.node.Docker;
import ktrdr.release.FileChangesScript;
import ktrdr.release.OwnContainers;

/** The containers of a node while a rollout replaces them. */
final class ContainerReplacement {
    private final RolloutContext context;
    private final Node node;
    private final Set<String> fresh = new TreeSet<>();
    private boolean touched;
    private ContainerState now = ContainerState.NONE;

    ContainerReplacement(RolloutContext context, Node node) {
        this.context = context;
        this.node = node;
    }

    /** The services whose containers were replaced or made. */
    Set<String> fresh() {
        return fresh;
    }

    /** Whether what runs may differ from the release to go back to. */
    boolean touched() {
        return touched;
    }

    void touched(boolean differs) {
        touched = differs;
    }

    /** The containers since the last change; none before the first. */
    ContainerState now() {
        return now;
    }

    void now(ContainerState found) {
        now = found;
    }

    /**
     * Brings a part of a deployment up.
     *
     * @param script of the part
     * @return whether that was done; see {@link WorkerDrain.Up}
     */
    boolean up(NodePlan part, String script) {
        context.progress().change();
        touched = true;
        try (var step = context.console().step(node.name(), "up")) {
            var result = context.fleet().ssh(node)
                    .run(context.locks().under(node) + script, context.options().timeout().plusMinutes(2));
            if (ScriptExit.of(result) == ScriptExit.AT_WORK) return false;
            if (!result.ok()) throw part.upFailed(result).stderr(result.err());
            now = state(part, result);
            var replaced = part.replaced(now.containers());
            fresh.addAll(replaced);
            FileChangesScript.told("metrics", result.out())
                    .forEach(why -> context.console().note(node.name(), "metrics", why));
            FileChangesScript.checked(result.out())
                    .forEach(how -> context.console().detail(node.name(), "files", how));
            // of an earlier release, which ran it then
            var unrun = now.containers().stream().filter(container -> part.stack().once(container.service())
                    && container.status().equals("created")).map(Docker.Container::service).toList();
            replaced.removeAll(unrun);
            step.done(part.outcome(replaced, unrun, FileChangesScript.told("reloaded", result.out()),
                    FileChangesScript.told("restarted", result.out())));
            new Reread(context.fleet(), context.locks(), context.http(), context.console(), part,
                    context.options().timeout()).prove(result.out());
            return true;
        }
    }

    private static ContainerState state(NodePlan part, CommandResult up) {
        var digests = Docker.digests(FileChangesScript.told("digest", up.out()).stream()
                .collect(Collectors.toMap(line -> line.split(" ")[0], line -> line.substring(line.indexOf(' ') + 1))));
        var own = new OwnContainers(part.stack(), part.facts().history());
        return new ContainerState(own.of(Docker.containers(FileChangesScript.rest(up.out()))), digests);
    }
}
