package ktrdr.deploy;

import java.util.List;
import java.util.stream.Collectors;
import ktrdr.BuiltIn;
import ktrdr.ScriptExit;
import ktrdr.Sh;
import ktrdr.node.LogMask;

/**
 * Runs the services of a plan that run once, and goes on only if each ended well: nothing else was replaced by then,
 * but for what they depend on. One that ended well in the container that it has now is not run again.
 *
 * A container that Compose brings up together with others has another configuration, by its hash, than one that it
 * brings up without them. So these are always made alone, and the others always without them: see {@link
 * ktrdr.release.ComposeFile#alone}.
 */
record OnceScript(NodePlan plan) {
    /** Compose's time for a database to be healthy before what depends on it is started. */
    static final int HEALTHY_SECONDS = 60;

    /** These services, each after those that it depends on. */
    List<String> services() {
        return plan.stack().file().once().stream().filter(plan.services()::contains).toList();
    }

    /**
     * Shell lines that make their containers and run them, with {@code tell} and {@code with_secrets} defined; {@code
     * back} only makes them, since those of an earlier release ran when that was deployed. {@link
     * ScriptExit#ONCE_FAILED} if one did not end well.
     */
    String text(boolean back) {
        var services = services();
        if (services.isEmpty()) return "";
        if (back) return services.stream().map(this::made).collect(Collectors.joining());
        return LogMask.shell() + BuiltIn.lines("deploy/once.sh")
                + services.stream().map(service -> made(service) + run(service)).collect(Collectors.joining());
    }

    private String made(String service) {
        return ApplyScript.up(plan, "--no-start --no-deps ", List.of(service));
    }

    private String run(String service) {
        var stack = plan.stack();
        var needed = stack.file().before(service);
        var container = stack.container(service);
        var ready = needed.isEmpty() ? "" : ApplyScript.up(plan, "--no-deps ", needed) + needed.stream()
                .map(one -> "healthy " + HEALTHY_SECONDS + " " + Sh.quote(stack.container(one)) + "\n")
                .collect(Collectors.joining());
        return "if due " + Sh.quote(container) + "; then\n" + ready + "once " + Sh.words(List.of(service, container,
                String.valueOf(stack.service(service).once().orElseThrow().toSeconds()))) + "\nfi\n";
    }
}
