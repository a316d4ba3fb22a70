package lab;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import ktrdr.Console;
import ktrdr.Dns;
import ktrdr.Inventory;
import ktrdr.Problem;

/** The lab's DNS server and registry in one container, their keys, and the filling of the registry. */
final class Services {
    static final String ADDRESS = "10.42.1.2";
    static final String REGISTRY = "registry." + Hosts.DOMAIN + ":5000";
    static final String CONTAINER = "ktrdr-lab-services";
    static final String VOLUME = "ktrdr-lab-registry";
    private static final String USER = "kpiteira";
    private static final String LOADER = "ktrdr-lab-loader";
    /** In the registry's storage, once all images are: a lab that was cut off while it was filled has none. */
    private static final String FILLED = "/registry/filled";
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
            engine.docker("run", "--rm", "--network", "none", "-v", state.folder() + ":/out", "ktrdr-lab/services", "/lab/keys", "registry." + Hosts.DOMAIN).must();
            hostKeys(Hosts.ALL);
            var password = engine.docker("run", "--rm", "-i", "--network", "none", "ktrdr-lab/services", "htpasswd", "-niB", USER)
                    .input(State.secrets()).must().out();
            Files.writeString(state.file("htpasswd"), password);
            state.begin();
            Files.writeString(state.file("dnsmasq.conf"), dns());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A host key for each that has none. */
    void hostKeys(List<Hosts.Host> hosts) {
        var words = new ArrayList<>(List.of("run", "--rm", "--network", "none", "-v", state.folder() + ":/out", "ktrdr-lab/services", "sh", "-euc", """
                umask 077
                for host; do [ -e "/out/host_$host" ] || ssh-keygen -q -t ed25519 -N '' -C "$host" -f "/out/host_$host"; done
                """, "sh"));
        hosts.forEach(host -> words.add(host.name()));
        engine.docker(words).must();
    }

    /** Gives each added host a name in the DNS server, which reads this folder by itself; all other names of added hosts go. */
    void names(List<Hosts.Host> added) {
        var script = new StringBuilder("cd /lab/names; for old in *; do case ' " + String.join(" ", added.stream().map(Hosts.Host::name).toList())
                + " ' in *\" $old \"*) ;; *) rm -f \"$old\" ;; esac; done\n");
        added.forEach(host -> script.append("echo '").append(host.address()).append(' ').append(host.fqdn()).append("' >").append(host.name()).append('\n'));
        engine.docker("exec", "-i", CONTAINER, "sh", "-eu").input(script.toString()).must();
    }

    /** What setup-dns prints for dnsmasq, and what only the lab has: the registry's name, that nobody else knows the domain, and names to come. */
    private String dns() {
        var records = String.join("\n", Dns.records(Inventory.read(state.inventory()), Dns.Format.dnsmasq));
        return records + "\nhost-record=registry." + Hosts.DOMAIN + "," + ADDRESS + "\nlocal=/" + Hosts.DOMAIN + "/\nhostsdir=/lab/names\n";
    }

    void ensure() {
        var there = engine.docker("container", "inspect", "--format", "{{.State.Status}}", CONTAINER).run();
        if (!there.ok()) {
            engine.docker("create", "--name", CONTAINER, "--label", "ktrdr-lab", "--network", Hosts.NETWORK, "--ip", ADDRESS, "--restart", "on-failure",
                    "-v", VOLUME + ":/registry", "ktrdr-lab/services").must();
            for (var name : List.of("registry.crt", "registry.key", "htpasswd", "dnsmasq.conf"))
                engine.docker("cp", state.file(name).toString(), CONTAINER + ":/lab/" + name).must();
        }
        if (!there.ok() || !there.out().strip().equals("running")) engine.docker("start", CONTAINER).must();
    }

    boolean filled() {
        return engine.docker("exec", CONTAINER, "test", "-e", FILLED).run().ok();
    }

    /** Pushes the images through a second registry on the same storage that only this machine reaches, and only now. */
    void fill() {
        try (var step = console.step("registry", "fill")) {
            engine.docker("rm", "-f", LOADER).run();
            engine.docker("run", "-d", "--name", LOADER, "--label", "ktrdr-lab", "-p", "127.0.0.1::5000", "-v", VOLUME + ":/registry",
                    "ktrdr-lab/services", "docker-registry", "serve", "/lab/loader.yml").must();
            var port = engine.docker("port", LOADER, "5000").must().out().lines().findFirst().orElseThrow().replaceFirst(".*:", "");
            for (var part : Images.PARTS) push(part.local(), "127.0.0.1:" + port + "/" + part.name(), step);
            push("ktrdr-lab/ktrdr-backend:sha-2000002", "127.0.0.1:" + port + "/ktrdr-backend:latest", step);
            engine.docker("exec", LOADER, "touch", FILLED).must();
            step.done(Images.PARTS.size() + 1 + " tags");
        } finally {
            engine.docker("rm", "-f", LOADER).run();
        }
    }

    private void push(String image, String target, Console.Step step) {
        step.now(target);
        engine.docker("tag", image, target).must();
        for (int attempt = 1; ; attempt++) {
            var result = engine.docker("push", "-q", target).run();
            if (result.ok()) break;
            if (attempt == 5) throw Problem.failed("the lab's registry could not be filled with " + image).found(result.lastWords());
            pause();
        }
        engine.docker("rmi", target).must();
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
