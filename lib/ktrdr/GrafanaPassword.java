package ktrdr;

import java.time.Duration;
import java.util.Optional;

/**
 * The password of Grafana's admin, which Grafana keeps in its own database from its first start on: {@code grafana cli admin reset-admin-password} replaces it there.
 * Where the image has no such command (the practice fleet's stand-in), the environment is all there is.
 */
final class GrafanaPassword implements SecretKeeper {
    private static final Duration PATIENCE = Duration.ofSeconds(5);
    private static final int NO_CLI = 3;
    private static final String RESET = """
            printf '%s\\n' "$password" | docker exec -i ktrdr-grafana sh -c '
              command -v grafana >/dev/null || exit 3
              exec grafana cli --homepath "${GF_PATHS_HOME:-/usr/share/grafana}" --config "${GF_PATHS_CONFIG:-/etc/grafana/grafana.ini}" admin reset-admin-password --password-from-stdin'
            """;
    private final Host core;
    private final Locks locks;
    private final Console console;
    private Optional<String> former = Optional.empty();
    private boolean touched;

    GrafanaPassword(Fleet fleet, Locks locks, Console console) {
        this.core = fleet.host(fleet.inventory().core().name());
        this.locks = locks;
        this.console = console;
    }

    @Override
    public String name() {
        return "Grafana's own database";
    }

    @Override
    public boolean has(String value) {
        var inventory = core.fleet().inventory();
        try (var http = new Http(inventory.overrides(), PATIENCE).basic("admin", value)) {
            return http.get(inventory.url("grafana") + "/api/datasources").ok();
        }
    }

    @Override
    public String set(String value, Optional<String> environment) {
        former = environment;
        touched = true;
        reset(value);
        return "";
    }

    @Override
    public boolean back() {
        if (!touched) return false;
        former.ifPresent(this::reset);
        touched = false;
        return true;
    }

    private void reset(String value) {
        var result = core.fleet().ssh(core.node()).run(locks.under(core.node()) + Sh.let("password", value) + RESET);
        if (result.exit() == NO_CLI) console.note(core.node().name(), "grafana", "its image has no `grafana cli`: the password is in its environment alone");
        else if (!result.ok()) throw Locks.refused(core.node(), result).orElseGet(() ->
                Problem.failed(core + ": Grafana's admin password could not be replaced").found(result.lastWords()).fix("jbang logs@ktrdr core grafana"));
    }
}
