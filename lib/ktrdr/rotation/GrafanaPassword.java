package ktrdr.rotation;

import java.util.Optional;
import ktrdr.Console;
import ktrdr.Problem;
import ktrdr.ScriptExit;
import ktrdr.Sh;
import ktrdr.fleet.Fleet;
import ktrdr.fleet.FleetNode;
import ktrdr.inventory.Part;
import ktrdr.release.NodeLocks;
import ktrdr.release.Stack;

/**
 * The password of Grafana's admin, which Grafana keeps in its own database from its first start on:
 * {@code grafana cli admin reset-admin-password} replaces it there. If the image has no such command (the practice
 * fleet's stand-in), the environment is the only place for it.
 */
final class GrafanaPassword implements PasswordStore {
    private static final String ADDRESS = """
            address=$(docker inspect --format '{{range .NetworkSettings.Networks}}{{println .IPAddress}}{{end}}' \
            CONTAINER | grep -m 1 .)
            """;
    /**
     * Starts Grafana if it is stopped, with whatever password its environment has, and waits for an answer; prints that
     * it did.
     */
    static final String START = """
            if [ "$(docker inspect --format '{{.State.Running}}' CONTAINER)" = true ]; then exit 0; fi
            docker start CONTAINER
            """ + ADDRESS + """
            curl -sS -m 5 --retry 60 --retry-delay 1 --retry-max-time 90 --retry-connrefused -o /dev/null \
            "http://$address:3000/api/health"
            """;
    /**
     * Asked on core, at the container's own address: Grafana speaks plain HTTP, and from here the password would cross
     * the network unencrypted.
     */
    static final String LOGIN = ADDRESS + """
            printf 'Authorization: Basic %s\\n' "$(printf 'admin:%s' "$password" | base64 | tr -d '\\n')" |
              curl -sS -m 5 -o /dev/null -w '%{http_code}' -H @- "http://$address:3000/api/datasources"
            """;
    private static final String RESET = ScriptExit.numbers("""
            printf '%s\\n' "$password" | docker exec -i CONTAINER sh -c '
              command -v grafana >/dev/null || exit $NO_CLI
              exec grafana cli --homepath "${GF_PATHS_HOME:-/usr/share/grafana}" --config \
            "${GF_PATHS_CONFIG:-/etc/grafana/grafana.ini}" admin reset-admin-password --password-from-stdin'
            """);
    private final FleetNode core;
    private final NodeLocks locks;
    private final Console console;
    private final String service;
    private final String container;
    private Optional<String> former = Optional.empty();
    private boolean touched;

    GrafanaPassword(Fleet fleet, NodeLocks locks, Console console) {
        this.core = fleet.host(fleet.inventory().core().name());
        this.locks = locks;
        this.console = console;
        var stack = Stack.of(fleet.inventory(), core.node());
        this.service = stack.needed(Part.GRAFANA);
        this.container = stack.container(service);
    }

    private String script(String lines) {
        return lines.replace("CONTAINER", Sh.quote(container));
    }

    private String answer() {
        return "an answer of the container " + container + " on port 3000, by curl on core";
    }

    @Override
    public String name() {
        return "Grafana's own database";
    }

    @Override
    public void ready() {
        var result = core.fleet().ssh(core.node()).run(locks.under(core.node()) + script(START));
        if (!result.ok()) throw NodeLocks.refused(core.node(), result)
                .orElseGet(() -> Problem.failed(core
                        + ": Grafana is stopped and could not be started, to be asked for its password")
                .expected(answer()).found(result).fix("jbang deploy@ktrdr core " + service + ", then this again"));
        if (!result.out().isBlank())
            console.note(core.node().name(), service, "was stopped; it is started to check its password");
    }

    @Override
    public boolean has(String value) {
        var result = core.run(Sh.let("password", value) + script(LOGIN));
        if (!result.ok()) throw Problem.unreachable(core + ": Grafana could not be asked whether it takes the password")
                .expected(answer())
                .found(result).fix("jbang logs@ktrdr core " + service);
        return result.out().startsWith("2");
    }

    @Override
    public String set(String value, Optional<String> environment) {
        former = environment;
        touched = true;
        touched = reset(value);
        return touched ? " has the new one"
                : " was left alone: the image has no `grafana cli` to change it, and the new password is in the "
                        + "environment of its container";
    }

    @Override
    public boolean back() {
        if (!touched) return false;
        former.ifPresent(this::reset);
        touched = false;
        return true;
    }

    /** Whether its database has it then; false if the image has no command for it. */
    private boolean reset(String value) {
        var result = core.fleet().ssh(core.node())
                .run(locks.under(core.node()) + Sh.let("password", value) + script(RESET));
        if (ScriptExit.of(result) == ScriptExit.NO_CLI) return false;
        if (!result.ok()) throw NodeLocks.refused(core.node(), result).orElseGet(() ->
                Problem.failed(core + ": Grafana's admin password could not be replaced").found(result)
                        .fix("jbang logs@ktrdr core " + service));
        return true;
    }
}
