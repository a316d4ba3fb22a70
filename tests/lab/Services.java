package lab;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import ktrdr.Console;
import ktrdr.Problem;
import ktrdr.inventory.Inventory;
import ktrdr.node.Dns;

/** The lab's DNS server and registry in one container, their keys, and the filling of the registry. */
final class Services {
    static final String ADDRESS = "10.42.1.2";
    static final String REGISTRY = "registry." + Hosts.DOMAIN + ":5000";
    static final String CONTAINER = "ktrdr-lab-services";
    /** Lives as long as the built images, which it holds in another form: the next fleet needs no new copy. */
    static final String VOLUME = "ktrdr-registry";
    private static final String USER = "kpiteira";
    /** A note in the registry's storage for each image: its id in Docker, and the digest of its tag. */
    private static final String NOTES = """
            cd /registry
            tags=docker/registry/v2/repositories
            note() { mkdir -p filled; name=$1; echo "$2 $(cat \
            "$tags/${name%:*}/_manifests/tags/${name#*:}/current/link")" >"filled/$name"; }
            notes() {
              for name in $(ls filled 2>/dev/null); do
                read -r id digest <"filled/$name"
                [ "$(cat "$tags/${name%:*}/_manifests/tags/${name#*:}/current/link" 2>/dev/null)" != "$digest" ] || \
            echo "$name $id"
              done
            }
            """;
    private final Engine engine;
    private final State state;
    private final Console console;

    Services(Engine engine, State state, Console console) {
        this.engine = engine;
        this.state = state;
        this.console = console;
    }

    /** Keys, certificate, password file and configuration, made once; they live as long as the lab. */
    void keys() {
        try {
            Files.createDirectories(state.folder());
            keys(Hosts.ALL, State.secrets());
            state.begin();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Creates the missing host keys. */
    void hostKeys(List<Hosts.Host> hosts) {
        keys(hosts, "");
    }

    private void keys(List<Hosts.Host> hosts, String token) {
        var words = new ArrayList<>(List.of("run", "--rm", "-i", "--network", "none", "-v", state.folder() + ":/out",
                "ktrdr-lab/services", "/lab/keys", "registry." + Hosts.DOMAIN, USER));
        hosts.forEach(host -> words.add(host.name()));
        engine.docker(words).input(token).must();
    }

    /**
     * Gives each added host a name in the DNS server, which watches this folder; names of other added hosts are
     * removed.
     */
    void names(List<Hosts.Host> added) {
        var script = new StringBuilder("cd /lab/names; for old in *; do case ' "
                + String.join(" ", added.stream().map(Hosts.Host::name).toList())
                + " ' in *\" $old \"*) ;; *) rm -f \"$old\" ;; esac; done\n");
        added.forEach(host -> script.append("echo '").append(host.address()).append(' ').append(host.fqdn())
                .append("' >").append(host.name()).append('\n'));
        engine.docker("exec", "-i", CONTAINER, "sh", "-eu").input(script.toString()).must();
    }

    /**
     * What setup-dns prints for dnsmasq, and what only the lab has: the registry's name, no upstream server for the
     * domain, and names of later hosts.
     */
    private String dns() {
        var records = String.join("\n", Dns.records(Inventory.read(state.inventory()), Dns.Format.dnsmasq));
        return records + "\nhost-record=registry." + Hosts.DOMAIN + "," + ADDRESS + "\nlocal=/" + Hosts.DOMAIN
                + "/\nhostsdir=/lab/names\n";
    }

    void ensure() {
        var found = engine.found(CONTAINER);
        if (found.isEmpty()) {
            state.write("dnsmasq.conf", dns());
            engine.docker("create", "--name", CONTAINER, "--label", "ktrdr-lab", "--network", Hosts.NETWORK, "--ip",
                    ADDRESS, "--restart", "on-failure",
                    "-v", VOLUME + ":/registry", "ktrdr-lab/services").must();
            for (var name : List.of("registry.crt", "registry.key", "htpasswd", "dnsmasq.conf"))
                engine.docker("cp", state.file(name).toString(), CONTAINER + ":/lab/" + name).must();
        }
        if (!found.equals("running")) {
            engine.docker("start", CONTAINER).must();
            console.note("services", "start", "DNS and registry");
        }
    }

    /** Whether every image is in the registry: an interrupted fill leaves some out. */
    boolean filled() {
        return inside().keySet().containsAll(Images.PARTS.stream().map(Images.Part::name).toList());
    }

    /** The images in the registry, with their ids. */
    private Map<String, String> inside() {
        return engine.docker("exec", "-i", CONTAINER, "sh", "-eu").input(NOTES + "notes\n").must().out().lines()
                .map(line -> line.split(" "))
                .collect(Collectors.toMap(pair -> pair[0], pair -> pair[1]));
    }

    /** Puts images, by name and id, into the registry's storage; existing ones are not touched. */
    void fill(Map<String, String> images) {
        var inside = inside();
        var names = images.keySet().stream().filter(name -> !images.get(name).equals(inside.get(name))).toList();
        if (names.isEmpty()) return;
        try (var step = console.step("registry", "fill")) {
            step.now(String.join(", ", names));
            var script = "container=$1; shift; docker save \"$@\" | docker exec -i \"$container\" /lab/fill";
            var saved = names.stream().map(name -> "ktrdr-lab/" + name).toList();
            var filled = engine.command(Engine.concat(List.of("sh", "-euc", script, "sh", CONTAINER), saved)).run();
            if (!filled.ok()) throw Problem.failed("the lab's registry could not be filled with "
                    + String.join(", ", names))
                    .found(filled.lastWords());
            var notes = names.stream().map(name -> "note " + name + " " + images.get(name) + "\n")
                    .collect(Collectors.joining());
            engine.docker("exec", "-i", CONTAINER, "sh", "-eu").input(NOTES + notes).must();
            step.done(names.size() > 2 ? names.size() + " tags" : String.join(", ", names));
        }
    }

    static void pause() {
        try {
            Thread.sleep(500);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw Problem.failed("interrupted while the practice fleet was made").because(e);
        }
    }
}
