package lab;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import java.util.stream.Stream;
import ktrdr.Console;
import ktrdr.Problem;
import ktrdr.Sh;
import ktrdr.fleet.Fleet;
import ktrdr.inventory.Inventory;

/** The practice fleet as a whole: start, stop and state. */
public final class Practice {
    private static final String LABEL = "ktrdr-lab.state";
    private static final long PATIENCE_SECONDS = 90;
    /** Steps mostly wait for Docker, so they must not wait for each other. */
    private static final Executor THREADS = work -> new Thread(work, "lab").start();
    private static final String READY = """
            systemctl is-active --quiet docker || { echo "docker is not running yet" >&2; exit 1; }
            for name; do getent hosts "$name" >/dev/null || { echo "$name does not resolve" >&2; exit 1; }; done
            docker info --format '{{.Driver}}'
            code=$(curl -s -o /dev/null -w '%{http_code}' --cacert \
            /etc/docker/certs.d/registry.ktrdr.home.mynerd.place:5000/ca.crt \
            https://registry.ktrdr.home.mynerd.place:5000/v2/)
            [ "$code" = 401 ] || { echo "the registry answered $code instead of asking for a login" >&2; exit 1; }
            """;
    private final Console console;
    private final State asked;

    public Practice(Console console, State asked) {
        this.console = console;
        this.asked = asked;
    }

    /** The folder of the running lab: the one it was made with, from any current folder. */
    public State state() {
        return Engine.running(console).flatMap(engine -> {
            var label = engine.docker("network", "inspect", "--format", "{{index .Labels \"" + LABEL + "\"}}",
                    Hosts.NETWORK).run();
            return label.ok() && !label.out().isBlank() ? Optional.of(new State(Path.of(label.out().strip())))
                    : Optional.empty();
        }).orElse(asked);
    }

    /** Starts what does not run; changes nothing on a running lab. */
    public State up() {
        var base = Images.early(console);
        var engine = Engine.ensure(console);
        var state = state();
        if (complete(engine, state)) {
            console.note("the practice fleet is up already");
            return state;
        }
        if (!state.exists()) {
            remove(engine, state);
            state = asked;
        }
        make(engine, base, state);
        awaitReady(state.inventory());
        return state;
    }

    private boolean complete(Engine engine, State state) {
        return state.exists() && status().stream().allMatch(row -> row.get("state").equals("running"))
                && new Services(engine, state, console).filled()
                && ready(state.inventory()).problems().isEmpty();
    }

    /** Images, network, services, share and hosts, each as soon as its dependencies are ready. */
    private void make(Engine engine, Optional<CompletableFuture<Path>> base, State state) {
        var services = new Services(engine, state, console);
        var images = new Images(engine, console).build(base);
        var hosts = new Hosts(engine, state);
        var network = images.get("services").thenRunAsync(() -> {
            if (!state.exists()) services.keys();
            if (!engine.has("network", Hosts.NETWORK))
                engine.docker("network", "create", "--label", "ktrdr-lab", "--label", LABEL + "=" + state.folder(),
                        "--subnet", "10.42.1.0/24", Hosts.NETWORK).must();
            services.ensure();
        }, THREADS);
        var share = images.get("services").thenRunAsync(() -> share(engine), THREADS);
        var work = new ArrayList<CompletableFuture<?>>();
        for (var image : images.values()) work.add(image.thenCombineAsync(network, (ids, up) -> {
            services.fill(ids);
            return up;
        }, THREADS));
        for (var host : Engine.concat(Hosts.ALL, hosts.added()))
            work.add(CompletableFuture.allOf(images.get("host"), network, share)
                    .thenRunAsync(() -> hosts.ensure(host), THREADS));
        for (var future : work) join(future);
    }

    static <T> T join(CompletableFuture<T> work) {
        try {
            return work.join();
        } catch (CompletionException e) {
            throw e.getCause() instanceof Problem problem ? problem : e;
        }
    }

    /** The folders of the share, owned as KTRDR's containers need them. */
    private void share(Engine engine) {
        engine.docker("run", "--rm", "--network", "none", "-v", Hosts.SHARE + ":/share", "ktrdr-lab/services", "sh",
                "-c",
                "cd /share && mkdir -p data results models/practice strategies checkpoints db-backups && echo "
                        + "'{\"strategy_name\": \"practice\"}' >models/practice/metadata_v3.json"
                + " && chown -R 999:1500 . && chmod 2775 . data results models models/practice strategies checkpoints "
                        + "db-backups").must();
    }

    /** Adds hosts to the running fleet, by default all; running hosts and the three are not touched. */
    public State add(List<String> names) {
        var asked = more(names);
        var engine = engine();
        var state = running(state());
        var services = new Services(engine, state, console);
        var hosts = new Hosts(engine, state);
        services.hostKeys(asked);
        try (var step = console.step("hosts", "add")) {
            asked.forEach(hosts::ensure);
            step.done(String.join(", ", asked.stream().map(Hosts.Host::fqdn).toList()));
        }
        state.describe(hosts.added());
        services.names(hosts.added());
        awaitReady(state.more());
        return state;
    }

    /** Removes added hosts, by default all; missing ones are ignored. */
    public void remove(List<String> names) {
        var asked = more(names);
        var engine = engine();
        var state = running(state());
        var hosts = new Hosts(engine, state);
        try (var step = console.step("hosts", "remove")) {
            var there = hosts.added().stream().filter(asked::contains).toList();
            there.forEach(hosts::remove);
            state.describe(hosts.added());
            new Services(engine, state, console).names(hosts.added());
            step.done(there.isEmpty() ? "none was there"
                    : String.join(", ", there.stream().map(Hosts.Host::name).toList()));
        }
    }

    private static State running(State state) {
        if (state.exists()) return state;
        throw notUp();
    }

    private static Problem notUp() {
        return Problem.failed("the practice fleet is not up").fix("./ktrdr lab up");
    }

    private static List<Hosts.Host> more(List<String> names) {
        for (var name : names)
            if (Hosts.MORE.stream().noneMatch(host -> host.name().equals(name))) throw Problem.usage(
                    "the practice fleet has no further host " + name)
                    .expected("one of " + String.join(", ", Hosts.MORE.stream().map(Hosts.Host::name).toList()));
        return Hosts.MORE.stream().filter(host -> names.isEmpty() || names.contains(host.name())).toList();
    }

    private Fleet.Outcomes<String> ready(Path file) {
        var inventory = Inventory.read(file);
        var names = new ArrayList<>(inventory.addresses().keySet());
        names.add(Services.REGISTRY.replaceFirst(":.*", ""));
        try (var fleet = new Fleet(inventory, inventory.nodes(), console)) {
            return fleet.run("set -- " + Sh.words(names) + "\n" + READY);
        }
    }

    private void awaitReady(Path inventory) {
        long deadline = System.nanoTime() + PATIENCE_SECONDS * 1_000_000_000L;
        try (var step = console.step("hosts", "ready")) {
            while (true) {
                var outcomes = ready(inventory);
                if (outcomes.problems().isEmpty()) {
                    step.done("ssh, Docker, DNS and the registry answer on " + outcomes.values().size() + " hosts");
                    return;
                }
                var first = outcomes.problems().entrySet().iterator().next();
                step.now(first.getKey().name() + ": " + first.getValue().sentence());
                if (System.nanoTime() > deadline) throw Problem.failed("the practice fleet did not get ready within "
                        + PATIENCE_SECONDS + " s")
                        .found(first.getValue().sentence() + first.getValue().details())
                        .fix("./ktrdr lab down, then ./ktrdr lab up");
                Services.pause();
            }
        }
    }

    /** A row for each container of the lab: name, address, description, state. Empty if there is no engine. */
    public List<Map<String, String>> status() {
        var rows = new ArrayList<Map<String, String>>();
        var containers = Stream.concat(Hosts.every().map(Hosts.Host::container), Stream.of(Services.CONTAINER))
                .toList();
        var found = Engine.running(console).map(engine -> engine.found(containers)).orElse(Map.of());
        Hosts.every().filter(host -> Hosts.ALL.contains(host) || found.containsKey(host.container())).forEach(host ->
                rows.add(row(found, host.name(), host.container(), host.address(),
                        "systemd, sshd, Docker Engine: " + host.fqdn()
                        + (host.user().equals("root") ? "" : ", user " + host.user() + " with sudo")
                        + (host.gpu() ? ", a stand-in for a GPU" : ""))));
        rows.add(row(found, "services", Services.CONTAINER, Services.ADDRESS,
                "dnsmasq and the registry " + Services.REGISTRY));
        return rows;
    }

    private static Map<String, String> row(Map<String, Engine.Found> found, String name, String container,
            String address, String what) {
        var row = new LinkedHashMap<String, String>();
        row.put("name", name);
        row.put("address", address);
        row.put("state", found.containsKey(container) ? found.get(container).state() : "not there");
        row.put("since", found.containsKey(container) ? found.get(container).since() : "");
        row.put("what", what);
        return row;
    }

    /** Which of the lab's images are real and which are stand-ins. */
    public static List<Map<String, String>> images() {
        return Images.PARTS.stream()
                .map(part -> (Map<String, String>) new TreeMap<>(Map.of("image", Services.REGISTRY + "/" + part.name(),
                        "what", part.what()))).toList();
    }

    /** A command of the engine that runs the lab, for tests that break things. */
    public Engine engine() {
        return Engine.running(console).orElseThrow(Practice::notUp);
    }

    /** Removes everything that {@link #up} made; built images stay in the cache unless they are purged. */
    public void down(boolean purge) {
        var state = state();
        Engine.running(console).ifPresent(engine -> {
            remove(engine, state);
            engine.stop(purge);
        });
        state.clear();
        Engine.deleteTree(State.SECRETS.getParent());
        if (purge) Engine.deleteTree(Engine.cache());
    }

    /** What remains of the lab; empty after {@link #down}. */
    public List<String> remains() {
        var remains = new ArrayList<>(Engine.remains(console));
        for (var place : List.of(state().folder(), State.SECRETS.getParent()))
            if (Files.exists(place)) remains.add(place.toString());
        return remains;
    }

    private void remove(Engine engine, State state) {
        var containers = engine.docker("ps", "-aq", "--filter", "label=ktrdr-lab").must().out().lines().toList();
        if (!containers.isEmpty()) {
            engine.docker(Engine.concat(List.of("unpause"), containers)).run();
            engine.docker(Engine.concat(List.of("rm", "-f", "-v"), containers)).must();
        }
        if (engine.has("network", Hosts.NETWORK)) engine.docker("network", "rm", Hosts.NETWORK).must();
        var volumes = engine.docker("volume", "ls", "-q", "--filter", "name=^ktrdr-lab-").must().out().lines().toList();
        if (!volumes.isEmpty()) engine.docker(Engine.concat(List.of("volume", "rm", "-f"), volumes)).must();
        state.clear();
    }
}
