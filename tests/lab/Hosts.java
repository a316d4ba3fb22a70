package lab;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import ktrdr.Problem;

/**
 * The three hosts and the optional ones: containers with systemd as first process, sshd and their own Docker Engine.
 */
final class Hosts {
    /**
     * One host. The shared volume, a stand-in for the NFS share, is at /mnt/ktrdr-shared, on core also at the path of
     * the export.
     *
     * @param user the login: root, or another user who may use sudo but not Docker
     */
    record Host(String name, String address, String hostname, String user, Trait trait) {
        Host(String name, String address, String hostname, Trait trait) {
            this(name, address, hostname, "root", trait);
        }

        boolean gpu() {
            return trait == Trait.GPU;
        }

        private String home() {
            return user.equals("root") ? "root" : "home/" + user;
        }

        String fqdn() {
            return hostname + "." + DOMAIN;
        }

        String container() {
            return "ktrdr-lab-" + name;
        }

        String volume() {
            return "ktrdr-lab-" + name + "-docker";
        }

        /** Of containerd's store, which cannot be overlay upon the overlay of the host's own files. */
        Optional<String> images() {
            return trait == Trait.CONTAINERD ? Optional.of("ktrdr-lab-" + name + "-containerd") : Optional.empty();
        }
    }

    /** What is special about a host's Docker. */
    enum Trait {
        NONE,
        /** It has a GPU driver, by a stand-in for NVIDIA's hook. */
        GPU,
        /** It keeps images in containerd's store, as a newly installed Docker 29 does. */
        CONTAINERD
    }

    static final String DOMAIN = "ktrdr.home.mynerd.place";
    static final String NETWORK = "ktrdr-lab";
    static final String SHARE = "ktrdr-lab-share";
    static final List<Host> ALL = List.of(new Host("core", "10.42.1.10", "backend", Trait.NONE),
            new Host("workers-b", "10.42.1.11", "workers-b", Trait.NONE),
            new Host("workers-c", "10.42.1.12", "workers-c", Trait.NONE));
    /**
     * What {@code lab add} adds: another workers node, with the other image store, and a machine with a GPU, which is
     * not an LXC container and has no root login.
     */
    static final List<Host> MORE = List.of(new Host("workers-d", "10.42.1.13", "workers-d", Trait.CONTAINERD),
            new Host("gpuworker", "10.42.1.14", "gpuworker", "ktrdr", Trait.GPU));
    private static final String HOOK = "nvidia-container-runtime-hook";
    /** In sshd, the first file that sets an option wins. */
    private static final String NO_ROOT = "PermitRootLogin no\n";
    private static final String USER = """
            id "$1" >/dev/null 2>&1 || useradd --no-create-home --home-dir "/home/$1" --shell /bin/bash "$1"
            chown -R "$1:" "/home/$1"
            """;
    /** Like --privileged without the one capability that a sandboxed machine may lack itself and then cannot grant. */
    private static final List<String> CAPABILITIES = List.of("--cap-add", "ALL", "--cap-drop", "SYS_RESOURCE",
            "--security-opt", "seccomp=unconfined",
            "--security-opt", "apparmor=unconfined", "--security-opt", "systempaths=unconfined", "--device-cgroup-rule",
            "a *:* rwm", "--cgroupns", "private");
    private final Engine engine;
    private final State state;

    Hosts(Engine engine, State state) {
        this.engine = engine;
        this.state = state;
    }

    static Stream<Host> every() {
        return Stream.concat(ALL.stream(), MORE.stream());
    }

    /** Creates the host if it is missing, starts it if it is stopped. */
    void ensure(Host host) {
        var found = engine.found(host.container());
        if (found.isEmpty()) create(host);
        if (found.equals("paused")) engine.docker("unpause", host.container()).must();
        else if (!found.equals("running")) engine.docker("start", host.container()).must();
        if (!host.user().equals("root"))
            engine.docker("exec", host.container(), "sh", "-euc", USER, "sh", host.user()).must();
    }

    /** The existing hosts of {@link #MORE}, running or not. */
    List<Host> added() {
        var found = engine.found(MORE.stream().map(Host::container).toList());
        return MORE.stream().filter(host -> found.containsKey(host.container())).toList();
    }

    /** Removes a host with everything of it. */
    void remove(Host host) {
        engine.docker("unpause", host.container()).run();
        engine.docker("rm", "-f", "-v", host.container()).must();
        engine.docker("volume", "rm", "-f", host.volume()).must();
        host.images().ifPresent(volume -> engine.docker("volume", "rm", "-f", volume).must());
    }

    private void create(Host host) {
        var words = new ArrayList<>(List.of("create", "--name", host.container(), "--label", "ktrdr-lab", "--hostname",
                "ktrdr-" + host.name(),
                "--network", NETWORK, "--ip", host.address(), "--dns", Services.ADDRESS, "--tmpfs", "/run:exec",
                "--tmpfs", "/tmp:exec",
                "-v", host.volume() + ":/var/lib/docker", "-v", SHARE + ":/mnt/ktrdr-shared", "--stop-signal",
                "SIGRTMIN+3"));
        host.images().ifPresent(volume -> words.addAll(List.of("-v", volume + ":/var/lib/containerd")));
        if (host.name().equals("core")) words.addAll(List.of("-v", SHARE + ":/srv/ktrdr-shared"));
        words.addAll(CAPABILITIES);
        words.add("ktrdr-lab/host");
        engine.docker(words).must();
        keys(host);
    }

    /** Puts the lab's keys into a host that is not running yet. */
    private void keys(Host host) {
        var staging = state.file("staging-" + host.name());
        try {
            stage("id_ed25519.pub", staging.resolve(host.home() + "/.ssh/authorized_keys"), "rw-------");
            stage("host_" + host.name(), staging.resolve("etc/ssh/ssh_host_ed25519_key"), "rw-------");
            stage("host_" + host.name() + ".pub", staging.resolve("etc/ssh/ssh_host_ed25519_key.pub"), "rw-r--r--");
            stage("registry.crt", staging.resolve("etc/docker/certs.d/" + Services.REGISTRY + "/ca.crt"), "rw-r--r--");
            for (var folder : List.of(host.home(), host.home() + "/.ssh")) mode(staging.resolve(folder), "rwx------");
            if (!host.user().equals("root")) {
                write(NO_ROOT, staging.resolve("etc/ssh/sshd_config.d/00-nobody-as-root.conf"), "rw-r--r--");
                write(host.user() + " ALL=(ALL) NOPASSWD: ALL\n", staging.resolve("etc/sudoers.d/" + host.user()),
                        "r--r-----");
            }
            if (host.images().isPresent())
                write(daemon(), staging.resolve("etc/docker/daemon.json"), "rw-r--r--");
            if (host.gpu()) hook(staging.resolve("usr/local/bin"));
            engine.docker("cp", staging + "/.", host.container() + ":/").must();
        } catch (IOException e) {
            throw Problem.failed("the lab's files could not be put into " + host.name()).found(e.toString()).because(e);
        } finally {
            Engine.deleteTree(staging);
        }
    }

    /** The settings of Docker that every host has, with containerd's image store. */
    private static String daemon() throws IOException {
        var unpacked = Machine.unpack("host", List.of("daemon.json"));
        var text = Files.readString(unpacked.resolve("daemon.json")).strip();
        Engine.deleteTree(unpacked);
        return text.substring(0, text.length() - 1) + ", \"features\": {\"containerd-snapshotter\": true}}\n";
    }

    /** Docker looks for it at start. */
    private static void hook(Path folder) throws IOException {
        var unpacked = Machine.unpack("host", List.of(HOOK));
        Files.createDirectories(folder);
        Files.move(unpacked.resolve(HOOK), folder.resolve(HOOK));
        mode(folder.resolve(HOOK), "rwxr-xr-x");
        Engine.deleteTree(unpacked);
    }

    private void stage(String name, Path target, String mode) throws IOException {
        Files.createDirectories(target.getParent());
        Files.copy(state.file(name), target);
        mode(target, mode);
    }

    private static void write(String text, Path target, String mode) throws IOException {
        Files.createDirectories(target.getParent());
        Files.writeString(target, text);
        mode(target, mode);
    }

    private static void mode(Path file, String mode) throws IOException {
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(mode));
    }
}
