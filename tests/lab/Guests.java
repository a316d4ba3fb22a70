package lab;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import ktrdr.Console;
import ktrdr.LocalCommand;
import ktrdr.Problem;
import ktrdr.fleet.Fleet;
import ktrdr.inventory.Inventory;

/**
 * Three small virtual machines with their own Linux kernel, for what containers cannot show: a kernel's NFS server and
 * clients, and reboots of both. They run by plain emulation, on a network that only this machine reaches.
 */
public final class Guests {
    /** One guest; the state folder has files of its name. */
    record Guest(String name, String id, String role, String host, String address) {
        String fqdn() {
            return host + "." + DOMAIN;
        }

        String mac() {
            return String.format("52:54:00:42:02:%02x",
                    Integer.parseInt(address.substring(address.lastIndexOf('.') + 1)));
        }
    }

    static final String DOMAIN = "guests.ktrdr.test";
    static final List<Guest> ALL = List.of(new Guest("core", "A", "core", "backend", "10.42.2.10"),
            new Guest("workers-b", "B", "workers", "workers-b", "10.42.2.11"),
            new Guest("workers-c", "C", "workers", "workers-c", "10.42.2.12"));
    private static final String MACHINE_ADDRESS = "10.42.2.1/24";
    private static final Path RUN = Path.of("/run/ktrdr-guests");
    private static final List<String> FILES = List.of("build", "network", "seed", "seed.service", "sshd.conf");
    private static final Map<String, String> PROGRAMS =
            new TreeMap<>(Map.of("qemu-system-x86_64", "qemu-system-x86", "qemu-img", "qemu-utils",
            "debootstrap", "debootstrap", "ip", "iproute2", "mke2fs", "e2fsprogs", "ssh-keygen", "openssh-client",
            "unxz", "xz-utils"));
    private static final long PATIENCE_SECONDS = 300;
    private final Console console;
    private final Path folder;

    /** The guests that run, wherever they were started; otherwise new ones with their files in the lab's folder. */
    public Guests(Console console, State state) {
        this.console = console;
        this.folder = known().orElse(state.file("guests"));
    }

    private static Optional<Path> known() {
        try {
            return Files.exists(RUN.resolve("folder"))
                    ? Optional.of(Path.of(Files.readString(RUN.resolve("folder")).strip())) : Optional.empty();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Why guests cannot run on this machine; empty if they can. */
    public static Optional<String> obstacle() {
        if (!System.getProperty("os.arch").equals("amd64"))
            return Optional.of("the guests are made for amd64, this machine is " + System.getProperty("os.arch"));
        if (!System.getProperty("user.name").equals("root")) return Optional.of("the guests' network needs root");
        return Machine.missing(PROGRAMS).isEmpty() || Machine.installs() ? Optional.empty()
                : Optional.of("the guests need " + String.join(", ", Machine.missing(PROGRAMS)));
    }

    public Path inventory() {
        return folder.resolve("inventory.yaml");
    }

    public boolean running() {
        return Files.exists(inventory()) && ALL.stream().allMatch(guest -> process(guest).isPresent());
    }

    boolean runs(String name) {
        return process(guest(name)).isPresent();
    }

    /** Starts the guests that do not run, each from a new disk, and waits until all answer. */
    public void up() {
        if (running()) {
            console.note("the guests are up already");
            return;
        }
        obstacle().ifPresent(why -> {
            throw Problem.failed("there can be no virtual machines here").expected("root on Debian or Ubuntu, amd64")
                    .found(why);
        });
        Machine.install(console, Machine.missing(PROGRAMS), "the guests need it",
                Problem.failed("the guests' programs are not installed"));
        down();
        var files = Machine.unpack("guest", FILES);
        try {
            var base = base(files);
            create(files, base);
        } catch (IOException e) {
            throw Problem.failed("the guests could not be made").found(e.toString()).because(e);
        } finally {
            Engine.deleteTree(files);
        }
        ALL.forEach(guest -> start(guest.name()));
        await(ALL.stream().map(Guest::name).toList());
    }

    /** The disk and the kernel that all guests boot from, rebuilt only when the recipe changes. */
    private Path base(Path files) throws IOException {
        var base = Engine.cache().resolve("guests");
        var recipe = recipe(files);
        if (Files.exists(base.resolve("recipe")) && Files.readString(base.resolve("recipe")).equals(recipe))
            return base;
        try (var step = console.step("guests", "base")) {
            step.now("Debian 13 by debootstrap, with a kernel");
            Engine.deleteTree(base);
            Files.createDirectories(base);
            LocalCommand.command(files.resolve("build").toString(), base.toString(),
                    Machine.mirror("a Debian mirror in apt's sources")).must();
            Files.writeString(base.resolve("recipe"), recipe);
            step.done("Debian 13 with its cloud kernel");
        }
        return base;
    }

    private static String recipe(Path files) throws IOException {
        var recipe = new StringBuilder();
        for (var name : FILES) recipe.append(Files.readString(files.resolve(name)));
        return recipe.toString();
    }

    private void create(Path files, Path base) throws IOException {
        Files.createDirectories(RUN);
        Files.createDirectories(folder);
        Files.writeString(RUN.resolve("folder"), folder.toString());
        Files.copy(files.resolve("network"), RUN.resolve("network"));
        Files.setPosixFilePermissions(RUN.resolve("network"), PosixFilePermissions.fromString("rwx------"));
        Files.copy(base.resolve("vmlinuz"), folder.resolve("vmlinuz"));
        var seed = new GuestSeed(folder);
        var words = new ArrayList<>(List.of(RUN.resolve("network").toString(), "up", MACHINE_ADDRESS));
        ALL.forEach(guest -> words.add(guest.name()));
        LocalCommand.command(words).must();
        seed.key("id_ed25519", "ktrdr-lab-guests");
        var known = new StringBuilder();
        for (var guest : ALL) {
            seed.key("host_" + guest.name(), guest.name());
            known.append(guest.fqdn()).append(' ')
                    .append(Files.readString(folder.resolve("host_" + guest.name() + ".pub")));
            LocalCommand.command("qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b",
                    base.resolve("base.raw").toString(), disk(guest)).must();
            seed.write(guest);
        }
        Files.writeString(folder.resolve("known_hosts"), known);
        Files.writeString(inventory(), INVENTORY);
    }

    private String disk(Guest guest) {
        return folder.resolve(guest.name() + ".qcow2").toString();
    }

    /** Switches a guest on with the disk that it had. */
    public void start(String name) {
        var guest = guest(name);
        if (process(guest).isPresent()) return;
        // one processor: with two, the emulated kernel sometimes panics while it patches its own code. After a panic it
        // reboots later than the others, since emulation takes all available CPU time
        LocalCommand.command("ip", "netns", "exec", "ktrdr-guests", "nice", "-n", "5",
                "qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none", "-machine", "pc",
                "-accel", "tcg,thread=multi,tb-size=256", "-cpu", "Nehalem", "-smp", "1", "-m", "512", "-kernel",
                folder.resolve("vmlinuz").toString(),
                "-append", "root=/dev/nvme0n1 rw console=ttyS0 quiet mitigations=off nokaslr panic=3 net.ifnames=0 "
                        + "systemd.hostname=" + guest.name(),
                "-drive", "if=none,id=d0,cache=unsafe,file=" + disk(guest), "-device", "nvme,serial=d0,drive=d0",
                // another disk type: two NVMe disks get their names in random order
                "-drive", "if=none,id=d1,format=raw,readonly=on,file=" + folder.resolve(guest.name() + ".tar"),
                "-device", "virtio-blk-pci,drive=d1",
                "-netdev", "tap,id=n0,script=no,downscript=no,ifname=" + guest.name(), "-device",
                "virtio-net-pci,netdev=n0,romfile=,mac=" + guest.mac(),
                "-serial", "file:" + folder.resolve(guest.name() + ".console"), "-pidfile", pid(guest).toString(),
                "-daemonize").must();
    }

    /** Waits until these guests answer by ssh. */
    public void await(List<String> names) {
        long deadline = System.nanoTime() + PATIENCE_SECONDS * 1_000_000_000L;
        var inventory = Inventory.read(inventory());
        try (var step = console.step("guests", "boot")) {
            while (true) {
                Map<Inventory.Node, Problem> problems;
                try (var fleet = new Fleet(inventory, names.stream().map(inventory::node).toList(), console)) {
                    problems = fleet.run("systemctl is-active -q ssh").problems();
                }
                if (problems.isEmpty()) {
                    step.done(String.join(", ", names) + " answer");
                    return;
                }
                step.now(problems.values().iterator().next().sentence());
                if (System.nanoTime() > deadline) throw Problem.failed("the guests did not answer within "
                        + PATIENCE_SECONDS + " s")
                        .found(problems.values().iterator().next().sentence())
                        .fix("see " + folder.resolve("core.console"));
                Services.pause();
            }
        }
    }

    /** Switches a guest off, as if its plug was pulled. */
    private void cut(String name) {
        process(guest(name)).ifPresent(process -> {
            process.destroyForcibly();
            process.onExit().join();
        });
    }

    private static Guest guest(String name) {
        return ALL.stream().filter(guest -> guest.name().equals(name)).findFirst().orElseThrow();
    }

    private static Path pid(Guest guest) {
        return RUN.resolve(guest.name() + ".pid");
    }

    /** The guest's process; empty if another process has the id by now. */
    private static Optional<ProcessHandle> process(Guest guest) {
        try {
            if (!Files.exists(pid(guest))) return Optional.empty();
            return ProcessHandle.of(Long.parseLong(Files.readString(pid(guest)).strip()))
                    .filter(process -> process.isAlive() && process.info().command().orElse("").contains("qemu"));
        } catch (IOException | NumberFormatException e) {
            return Optional.empty();
        }
    }

    /** Removes everything that {@link #up} made; the base image stays in the cache. */
    public void down() {
        ALL.forEach(guest -> cut(guest.name()));
        if (Files.exists(RUN.resolve("network")))
            LocalCommand.command(RUN.resolve("network").toString(), "down").must();
        Engine.deleteTree(folder);
        Engine.deleteTree(RUN);
        var left = folder.getParent().toFile().list();
        if (left != null && left.length == 0) Engine.deleteTree(folder.getParent());
    }

    /** What remains of the guests; empty after {@link #down}. */
    public List<String> remains() {
        var remains = new ArrayList<String>();
        for (var place : List.of(RUN, folder, Path.of("/run/netns/ktrdr-guests"),
                Path.of("/sys/class/net/ktrdr-guests")))
            if (Files.exists(place)) remains.add(place.toString());
        return remains;
    }

    /** A row for each guest: name, address, state. */
    public List<Map<String, String>> status() {
        var rows = new ArrayList<Map<String, String>>();
        for (var guest : ALL) {
            var row = new LinkedHashMap<String, String>();
            row.put("name", guest.name());
            row.put("address", guest.address());
            row.put("state", process(guest).isPresent() ? "running" : "not there");
            row.put("what", "a virtual machine: " + guest.fqdn());
            rows.add(row);
        }
        return rows;
    }

    private static final String INVENTORY = """
            # The guests: virtual machines for the share. Written by `lab up --guests`, gone with `lab down`.
            domain: guests.ktrdr.test
            resolve: inventory
            ssh: {user: root, port: 22, identity: id_ed25519, known_hosts: known_hosts, connect_timeout: 10s}
            nodes:
              core: {id: A, role: core, host: backend, address: 10.42.2.10}
              workers-b: {id: B, role: workers, host: workers-b, address: 10.42.2.11, storage: {options: \
            "vers=4.2,hard,proto=tcp"}}
              workers-c: {id: C, role: workers, host: workers-c, address: 10.42.2.12}
            images: {backend: ghcr.io/kpiteira/ktrdr-backend}
            storage: {server: core, export: /srv/ktrdr-shared, mount: /mnt/ktrdr-shared, folders: [data, results, \
            models, strategies, checkpoints, db-backups], options: "vers=3,hard,proto=tcp"}
            """;
}
