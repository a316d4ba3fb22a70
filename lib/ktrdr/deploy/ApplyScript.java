package ktrdr.deploy;

import java.util.List;
import java.util.stream.Collectors;
import ktrdr.ScriptExit;
import ktrdr.Sh;
import ktrdr.drain.WorkerStops;
import ktrdr.inventory.Part;
import ktrdr.inventory.Secrets;
import ktrdr.node.Docker;
import ktrdr.node.StaleMounts;
import ktrdr.release.FileChangesScript;
import ktrdr.release.Firewall;
import ktrdr.release.NodeMetrics;

/**
 * The script that carries out a {@link NodePlan} on its node: it puts the files and the rules of {@link Firewall} in
 * place, brings the services up and notifies those that stay of their changed configuration.
 */
final class ApplyScript {
    private final NodePlan plan;
    private final boolean back;

    /** @param back whether it goes back to an earlier release, whose services that run once have run */
    ApplyScript(NodePlan plan, boolean back) {
        this.plan = plan;
        this.back = back;
    }

    /**
     * @param begin see {@link NodePlan#applyScript}
     * @param exporter whether {@link NodeMetrics} comes last; not where another part follows this one
     * @param stop shell lines for right before containers are touched
     */
    String text(Secrets secrets, String begin, boolean exporter, String stop) {
        if (plan.restart()) return Sh.let("directory", plan.stack().node().directory()) + FileChangesScript.TELL
                + "cd -P \"$directory\"\n" + begin + restarts() + containers();
        return secrets.shell(plan.secrets()) + new FileChangesScript(plan.staging()).text(begin)
                + Firewall.script(plan.revision().files(), plan.stack(), "exit " + ScriptExit.NOT_FILTERED.code)
                + Docker.removePassing(plan.stack().project())
                + plan.tagged().entrySet().stream()
                        .map(image -> "docker tag " + Sh.words(List.of(image.getKey(), image.getValue())) + " || exit "
                                + ScriptExit.DOCKER_FAILED.code + "\n").collect(Collectors.joining())
                + new OnceScript(plan).text(back) + stop + new Excess(plan).script() + recreateUnhealthy() + ups()
                + reloads() + (exporter ? NodeMetrics.script(plan.revision().files(), plan.stack()) : "")
                + containers();
    }

    private String containers() {
        return "containers=$(\n" + Docker.containersOf(plan.stack().project())
                + ") || :\ndigest() { tell digest \"$1 $2\"; }\nif [ -n \"$containers\" ]; then\n"
                + "printf '%s\\n' \"$containers\"\n" + Docker.digests("$(" + Docker.IMAGES + ")", "digest") + "fi\n";
    }

    /** Recreates the containers of unhealthy services: Compose leaves them, since their configuration is unchanged. */
    private String recreateUnhealthy() {
        var unhealthy = plan.unhealthy().stream().map(Docker.Container::service).distinct().toList();
        return unhealthy.isEmpty() ? "" : up(plan, "--no-deps --force-recreate ", unhealthy);
    }

    /** A named service is deployed alone: what it depends on stays as it is. */
    private String ups() {
        var once = new OnceScript(plan).services();
        var services = plan.services().stream().filter(service -> !once.contains(service)).toList();
        if (plan.services().isEmpty()) return "";
        return (services.isEmpty() ? "" : up(plan, plan.whole() && once.isEmpty() ? "" : "--no-deps ", services))
                + plan.asRendered();
    }

    /** Shell lines by which Compose brings services of a plan up, with {@code with_secrets} defined. */
    static String up(NodePlan plan, String options, List<String> services) {
        return "with_secrets " + plan.stack().compose() + " up -d " + options + Sh.words(services) + " >&2 || exit "
                + ScriptExit.DOCKER_FAILED.code + "\n";
    }

    /** Starts the database first, and what depends on it when it is healthy. */
    private String restarts() {
        // busy workers have saved their work by now
        var script = new StringBuilder(ScriptExit.numbers("""
                again() {
                  # in a session of its own: an interrupted run must not leave a container stopped
                  # shellcheck disable=SC2016 # its own arguments
                  setsid sh -c '
                    pids=
                    for name; do RESTART "$name" >/dev/null & pids="$pids $!"; done
                    failed=0
                    for pid in $pids; do wait "$pid" || failed=1; done
                    exit "$failed"' again "$@" </dev/null &
                  wait "$!" || exit $DOCKER_FAILED
                }
                """).replace("RESTART", plan.stack().core() ? "docker restart" : WorkerStops.RESTART));
        var database = plan.stack().core()
                ? plan.stack().service(Part.DATABASE, plan.restarted()).stream().toList() : List.<String>of();
        var others = plan.restarted().stream().filter(service -> !database.contains(service)).toList();
        if (!database.isEmpty()) script.append(again(database));
        if (!database.isEmpty() && !others.isEmpty()) script.append("left=" + OnceScript.HEALTHY_SECONDS + "\n" + """
                while [ "$left" -gt 0 ] && [ "$(docker inspect --format '{{.State.Health.Status}}' DATABASE)" != \
                healthy ]; do
                  sleep 1
                  left=$((left - 1))
                done
                """.replace("DATABASE", Sh.quote(name(database.get(0)))));
        return others.isEmpty() ? script.toString() : script + again(others);
    }

    private String again(List<String> texts) {
        return "again " + Sh.words(texts.stream().map(this::name).toList()) + "\n";
    }

    /** The name of a service's container: its present one, if it was renamed. */
    private String name(String service) {
        return plan.restart() ? Docker.service(plan.facts().containers(), service).map(Docker.Container::name)
                .orElse(plan.stack().container(service)) : plan.stack().container(service);
    }

    /**
     * Notifies services of a changed configuration, unless they started since. {@link Reread} removes the mark once
     * they have read it.
     */
    private String reloads() {
        var script = new StringBuilder();
        plan.facts().files().unread().keySet().stream()
                .filter(plan.stack().file().readers()::containsKey)
                .filter(service -> !plan.rereads().contains(service))
                .forEach(service -> script.append("rm -f .ktrdr/unread.").append(service).append('\n'));
        if (plan.rereads().isEmpty()) return script.toString();
        script.append(StaleMounts.STALE).append(ScriptExit.numbers("""
                started() { docker inspect --format '{{.Id}} {{.State.StartedAt}}{{if not .State.Running}} no \
                more{{end}}' "$1" 2>/dev/null || :; }
                reread() {
                  now=$(started "$2")
                  case $now in '' | *' no more') return 0 ;; esac
                  [ "$now" = "$3" ] || { rm -f ".ktrdr/unread.$1"; return 0; }
                  # the mark goes once it is proven to have read them: see Reread
                  tell reading "$1 $(date +%s)"
                  how=restart
                  [ -z "$4" ] || [ -n "$(stale "$2")" ] || how=reload
                  case $how in
                    reload) docker kill --signal "$4" "$2" >/dev/null && tell reloaded "$1" ;;
                    *) docker restart "$2" >/dev/null && tell restarted "$1" ;;
                  esac || exit $DOCKER_FAILED
                }
                """));
        for (var service : plan.rereads()) script.append("reread ").append(service).append(' ')
                .append(plan.stack().container(service)).append(' ').append(Sh.quote(ran(service))).append(' ')
                .append(Sh.quote(plan.stack().file().signal(service).orElse(""))).append('\n');
        return script.toString();
    }

    private String ran(String service) {
        return plan.facts().containers().stream().filter(container -> container.service().equals(service))
                .map(container -> container.id() + " " + container.startedAt()).findFirst().orElse("");
    }
}
