package lab;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** The files of one practice fleet: a folder with its keys and inventory, and its secrets, which are never on disk. */
public record State(Path folder) {
    static final Path SECRETS = Path.of("/dev/shm/ktrdr-lab/secrets.json");

    /** $KTRDR_LAB, else .lab next to the toolkit's catalog in this folder or a parent, else .lab in this folder. */
    public static State find(Map<String, String> environment, Path here) {
        var named = environment.getOrDefault("KTRDR_LAB", "");
        if (!named.isBlank()) return new State(Path.of(named).toAbsolutePath());
        for (var at = here.toAbsolutePath(); at != null; at = at.getParent())
            if (Files.exists(at.resolve("jbang-catalog.json"))) return new State(at.resolve(".lab"));
        return new State(here.toAbsolutePath().resolve(".lab"));
    }

    public Path inventory() {
        return folder.resolve("inventory.yaml");
    }

    /** The inventory with the added hosts; it exists only while there are added hosts. */
    public Path more() {
        return folder.resolve("inventory-more.yaml");
    }

    Path file(String name) {
        return folder.resolve(name);
    }

    /** Removes the fleet's files; the guests have their own folder in it. */
    void clear() {
        var all = folder.toFile().listFiles(file -> !file.getName().equals("guests"));
        if (all == null) return;
        for (var file : all) Engine.deleteTree(file.toPath());
        if (!Files.exists(folder.resolve("guests"))) Engine.deleteTree(folder);
    }

    boolean exists() {
        return Files.exists(inventory()) && Files.exists(SECRETS);
    }

    /** Writes the secrets to memory-backed storage; the registry's token is the password of its one user. */
    static String secrets() {
        try {
            var token = random(24);
            Files.createDirectories(SECRETS.getParent(),
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
            Files.deleteIfExists(SECRETS);
            Files.createFile(SECRETS,
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
            Files.writeString(SECRETS, """
                    {"db_username": "ktrdr", "db_password": "%s", "jwt_secret": "%s", "grafana_password": "%s", \
                    "ghcr_token": "%s"}
                    """.formatted(random(24), random(48), random(24), token));
            return token;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String random(int bytes) {
        var random = new byte[bytes];
        new SecureRandom().nextBytes(random);
        return Base64.getUrlEncoder().withoutPadding().encodeToString(random);
    }

    /** Writes the inventory and known_hosts of the three hosts. */
    void begin() throws IOException {
        Files.writeString(inventory(), INVENTORY.replace("SECRETS", SECRETS.toString()));
        describe(List.of());
    }

    /**
     * Writes known_hosts, and the inventory with the added hosts if there are any; other processes may read these files
     * at the same time.
     */
    void describe(List<Hosts.Host> added) {
        try {
            var known = new StringBuilder();
            for (var hosts : List.of(Hosts.ALL, added)) for (var host : hosts) known.append(known(host));
            replace(file("known_hosts"), known.toString());
            if (added.isEmpty()) Files.deleteIfExists(more());
            else replace(more(),
                    Files.readString(inventory())
                            .replaceFirst("\nimages:", "\n" + added.stream().map(host -> MORE.get(host.name()))
                                    .collect(Collectors.joining()) + "images:"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    void write(String name, String text) {
        try {
            Files.writeString(file(name), text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private String known(Hosts.Host host) throws IOException {
        var key = Files.readString(file("host_" + host.name() + ".pub")).split(" ", 3);
        return host.fqdn() + " " + key[0] + " " + key[1] + "\n";
    }

    private static void replace(Path file, String text) throws IOException {
        var beside = file.resolveSibling(file.getFileName() + ".new");
        Files.move(Files.writeString(beside, text), file, StandardCopyOption.ATOMIC_MOVE);
    }

    private static final Map<String, String> MORE = Map.of(
            "workers-d",
            "  workers-d: {id: D, role: workers, host: workers-d, address: 10.42.1.13, memory: 1GB, disk_free: 2GB, "
                    + "scale: 1}\n",
            "gpuworker",
            "  gpu: {id: G, role: workers, host: gpuworker, address: 10.42.1.14, memory: 1GB, disk_free: 2GB, "
                    + "directory: /opt/ktrdr-gpuworker,\n"
                    + "    gpu: true, ssh: {user: ktrdr, sudo: true}}\n");

    private static final String INVENTORY = """
            # The practice fleet. Written by `lab up`, gone with `lab down`.
            domain: ktrdr.home.mynerd.place
            resolve: inventory
            broker: http://broker.ktrdr.home.mynerd.place:5001
            limits: {backtest: {cpus: 1, memory: 200MB}, training: {cpus: 4, memory: 200MB}}
            ssh: {user: root, port: 22, identity: id_ed25519, known_hosts: known_hosts, connect_timeout: 5s}
            nodes:
              core: {id: A, role: core, host: backend, address: 10.42.1.10, memory: 1GB, disk_free: 2GB, directory: \
            /opt/ktrdr-core, aliases: [postgres, grafana, prometheus]}
              workers-b: {id: B, role: workers, host: workers-b, address: 10.42.1.11, memory: 1GB, disk_free: 2GB, \
            directory: /opt/ktrdr-workers-b, scale: 2}
              workers-c: {id: C, role: workers, host: workers-c, address: 10.42.1.12, memory: 1GB, disk_free: 2GB, \
            directory: /opt/ktrdr-workers-c, scale: 1, apparmor: unconfined}
            images:
              registry: registry.ktrdr.home.mynerd.place:5000
              username: kpiteira
              backend: registry.ktrdr.home.mynerd.place:5000/ktrdr-backend
              worker: registry.ktrdr.home.mynerd.place:5000/ktrdr-backend
              db: registry.ktrdr.home.mynerd.place:5000/postgresql:17
              prometheus: registry.ktrdr.home.mynerd.place:5000/prometheus:2
              grafana: registry.ktrdr.home.mynerd.place:5000/grafana:lab
              jaeger: registry.ktrdr.home.mynerd.place:5000/jaeger:lab
              node_exporter: registry.ktrdr.home.mynerd.place:5000/node-exporter:lab
            database: {name: ktrdr, data: /home/postgres/pgdata/data}
            secrets: {provider: file, file: SECRETS}
            storage: {server: core, export: /srv/ktrdr-shared, mount: /mnt/ktrdr-shared, folders: [data, results, \
            models, strategies, checkpoints, db-backups]}
            backup: {directory: /srv/ktrdr-shared/db-backups, keep: 30}
            services: {backend: {port: 8000}, grafana: {port: 3000}, prometheus: {port: 9090}, jaeger: {port: 16686, \
            otlp: 4317}, db: {port: 5432}}
            tracing: {service: ktrdr-api}
            sample: {operation: backtest, body: {strategy_name: practice, symbol: AAPL, timeframe: 1d, start_date: \
            2024-01-01, end_date: 2024-06-30, model_path: /mnt/ktrdr-shared/models/practice}}
            """;
}
