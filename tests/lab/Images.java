package lab;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.FutureTask;
import ktrdr.CommandResult;
import ktrdr.Console;
import ktrdr.LocalCommand;
import ktrdr.Problem;

/**
 * The images of the practice fleet: a Debian base, the images of hosts and services, and what KTRDR's stacks run.
 *
 * If an upstream registry answers, base and third-party images come from it. Otherwise the base is debootstrapped from
 * the machine's own Debian mirror, and PostgreSQL, Prometheus and Alertmanager are Debian packages. KTRDR itself is
 * always a stand-in.
 */
final class Images {
    /** An image of the lab's registry: its name there and upstream, how it is built, and its description. */
    record Part(String name, String upstream, String folder, Map<String, String> arguments, String what) {
        String local() {
            return "ktrdr-lab/" + name;
        }
    }

    private static final String BASE = "ktrdr-lab/base:trixie";
    private static final String UPSTREAM_BASE = "debian:trixie-slim";
    private static final String UPSTREAM = "registry-1.docker.io";
    private static final Map<String, String> DEBOOTSTRAP = Map.of("debootstrap", "debootstrap");
    /**
     * Package lists and downloaded packages. They live as long as the built images, so the name does not use the
     * fleet's prefix.
     */
    static final String DOWNLOADS = "ktrdr-downloads";
    /** More parallel builds would only wait for the processor. */
    private static final int BUILDERS = 3;
    /**
     * The database schema revisions of most tags, so that a change between them is no migration: see standin/alembic.
     */
    private static final String SCHEMA = "e1a0000000a1 e1a0000000b2";
    static final List<Part> PARTS = List.of(
            ktrdr("sha-1000001", "sha-1000001", "", SCHEMA, ""),
            ktrdr("sha-2000002", "sha-2000002", "", SCHEMA, ", newer"),
            ktrdr("latest", "sha-2000002", "", SCHEMA, ", the same as sha-2000002"),
            ktrdr("sha-bad0000", "sha-bad0000", "unhealthy", SCHEMA, ", never healthy"),
            slow(ktrdr("sha-fade000", "sha-fade000", "api", SCHEMA,
                    ", newer, which lacks some of the API and is as slow to start as the real one")),
            ktrdr("sha-dead000", "sha-dead000", "crash", SCHEMA, ", crashes at start"),
            ktrdr("sha-7000007", "sha-7000007", "", "", ", of before all migrations"),
            ktrdr("sha-3000003", "sha-3000003", "", SCHEMA + " e1a0000000c3",
                    ", with a schema that older ones work with"),
            ktrdr("sha-4000004", "sha-4000004", "", SCHEMA + " e1a0000000c3 e1a0000000d4",
                    ", with a schema that older ones do not work with"),
            ktrdr("sha-5000005", "sha-5000005", "", SCHEMA + " e1a0000000ff", ", whose migration fails"),
            ktrdr("sha-6000006", "sha-6000006", "unhealthy", SCHEMA + " e1a0000000c3",
                    ", never healthy, with a newer schema"),
            ktrdr("sha-8000008", "sha-8000008", "", SCHEMA + " e1a0000000c5", ", whose migration takes 8 s"),
            ktrdr("sha-9000009", "sha-9000009", "", SCHEMA + " e1a0000000c3 e1a0000000e5",
                    ", whose migrations have two heads"),
            new Part("postgresql:17", "timescale/timescaledb-ha:pg15", "postgres", Map.of(), "real PostgreSQL"),
            new Part("prometheus:2", "prom/prometheus:v2.53.4", "prometheus", Map.of(), "real Prometheus"),
            new Part("alertmanager:lab", "prom/alertmanager:v0.27.0", "alertmanager", Map.of(), "real Alertmanager"),
            new Part("grafana:lab", "grafana/grafana:11.6.1", "standin",
                    Map.of("ROLE", "grafana", "VERSION", "grafana"), "stand-in for Grafana"),
            new Part("jaeger:lab", "jaegertracing/jaeger:2.6.0", "standin",
                    Map.of("ROLE", "jaeger", "VERSION", "jaeger"), "stand-in for Jaeger"),
            new Part("node-exporter:lab", "prom/node-exporter:v1.8.2", "node-exporter", Map.of(), "real node-exporter"),
            new Part("probe:lab", "", "probe", Map.of(), "a shell to look around with"));
    /**
     * What a folder has in addition to Dockerfile and {@code packages}, in build order: dependencies first, then the
     * slowest.
     */
    private static final Map<String, List<String>> FILES = new LinkedHashMap<>();

    static {
        FILES.put("services", List.of("start", "keys", "fill", "registry.yml"));
        FILES.put("host", List.of("sshd.conf", "daemon.json", "start"));
        FILES.put("standin", List.of("python", "entrypoint", "alembic"));
        FILES.put("postgres", List.of("entrypoint"));
        for (var folder : List.of("prometheus", "alertmanager", "node-exporter", "probe")) FILES.put(folder, List.of());
    }

    private final Engine engine;
    private final Console console;
    private Path tools;

    Images(Engine engine, Console console) {
        this.engine = engine;
        this.console = console;
    }

    private static Part ktrdr(String tag, String version, String fault, String revisions, String what) {
        return new Part("ktrdr-backend:" + tag, "", "standin",
                Map.of("VERSION", version, "FAULT", fault, "REVISIONS", revisions), "stand-in for KTRDR" + what);
    }

    private static Part slow(Part part) {
        var arguments = new LinkedHashMap<>(part.arguments());
        arguments.put("START", "8");
        return new Part(part.name(), part.upstream(), part.folder(), arguments, part.what());
    }

    /**
     * Starts to build or pull the missing images; unchanged ones are kept. Returns when each folder's images exist,
     * with their ids.
     */
    Map<String, CompletableFuture<Map<String, String>>> build(Optional<CompletableFuture<Path>> early) {
        boolean upstream = base(early);
        tools = Machine.unpack("packages", List.of("lists", "install", "without-syncs.json"));
        var lists = new FutureTask<Void>(this::lists, null);
        var builders = Executors.newFixedThreadPool(BUILDERS);
        var built = new LinkedHashMap<String, CompletableFuture<Map<String, String>>>();
        for (var folder : FILES.keySet())
            built.put(folder, CompletableFuture.supplyAsync(() -> images(folder, upstream, lists), builders));
        builders.shutdown();
        CompletableFuture.allOf(built.values().toArray(CompletableFuture[]::new))
                .whenComplete((all, failed) -> Engine.deleteTree(tools));
        return built;
    }

    private Map<String, String> images(String folder, boolean upstream, FutureTask<Void> lists) {
        var parts = PARTS.stream().filter(part -> part.folder().equals(folder)).toList();
        if (parts.isEmpty()) build(folder, "ktrdr-lab/" + folder, Map.of(), lists);
        var ids = new LinkedHashMap<String, String>();
        for (var part : parts) {
            if (upstream && !part.upstream().isEmpty()) pull(part);
            else build(folder, part.local(), part.arguments(), lists);
            ids.put(part.name(), id(part.local()));
        }
        return ids;
    }

    private String id(String image) {
        return engine.docker("image", "inspect", "--format", "{{.Id}}", image).must().out().strip();
    }

    private void pull(Part part) {
        if (engine.has("image", part.local())) return;
        try (var step = console.step("images", "pull")) {
            engine.docker("pull", "-q", part.upstream()).must();
            engine.docker("tag", part.upstream(), part.local()).must();
            step.done(part.upstream());
        }
    }

    /** Makes the base once; returns whether it, and so the rest, comes from upstream. */
    private boolean base(Optional<CompletableFuture<Path>> early) {
        if (engine.has("image", BASE)) return engine.has("image", UPSTREAM_BASE);
        if (early.isEmpty() && pulled()) return true;
        var archive = early.isPresent() ? Practice.join(early.get()) : debootstrap(console);
        engine.docker("import", archive.toString(), BASE).must();
        Engine.deleteTree(archive);
        return false;
    }

    private boolean pulled() {
        try (var step = console.step("images", "pull")) {
            step.now(UPSTREAM_BASE);
            if (!engine.docker("pull", "-q", UPSTREAM_BASE).timeout(Duration.ofSeconds(60)).run().ok()) return false;
            engine.docker("tag", UPSTREAM_BASE, BASE).must();
            step.done(UPSTREAM_BASE);
            return true;
        } catch (Problem tooSlow) {
            return false;
        }
    }

    /** The base, built while an engine is installed; empty if an engine may have it or can pull it. */
    static Optional<CompletableFuture<Path>> early(Console console) {
        if (Files.exists(Engine.cache().resolve("docker")) || !Machine.installs() || Engine.running(console).isPresent()
                || resolves(UPSTREAM)) return Optional.empty();
        Engine.install(console, DEBOOTSTRAP);
        return Optional.of(CompletableFuture.supplyAsync(() -> debootstrap(console)));
    }

    private static boolean resolves(String name) {
        try {
            return InetAddress.getByName(name) != null;
        } catch (UnknownHostException e) {
            return false;
        }
    }

    /** In memory, since dpkg syncs each package to the disk. The archive is renamed when it is complete. */
    private static Path debootstrap(Console console) {
        var archive = Engine.cache().resolve("base.tar");
        if (Files.exists(archive)) return archive;
        Engine.install(console, DEBOOTSTRAP);
        var files = Machine.unpack("packages", List.of("base"));
        try (var step = console.step("images", "base")) {
            step.now("no upstream registry: debootstrap from this machine's Debian mirror");
            Files.createDirectories(Engine.cache());
            var memory = Files.createDirectories(files.resolve("memory"));
            LocalCommand.command("unshare", "--mount", "--propagation", "private", files.resolve("base").toString(),
                    memory.toString(),
                    Machine.mirror("let Docker pull " + UPSTREAM_BASE), archive.toString()).must();
            step.done("Debian 13 by debootstrap, since no upstream registry answers");
            return archive;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } finally {
            Engine.deleteTree(files);
        }
    }

    private void build(String folder, String image, Map<String, String> arguments, FutureTask<Void> lists) {
        var context = context(folder, arguments);
        boolean there = engine.has("image", image);
        try (var step = console.step("images", "build")) {
            step.now(image);
            var words = new ArrayList<>(List.of("build", "-q", "-t", image, "--build-arg",
                    "PACKAGES=" + packages(folder, context, lists)));
            arguments.forEach((name, value) -> words.addAll(List.of("--build-arg", name + "=" + value)));
            words.add(context.toString());
            built(image, engine.docker(words).run());
            if (!there) step.done(image.replace("ktrdr-lab/", ""));
        } finally {
            Engine.deleteTree(context);
        }
    }

    private static void built(String image, CommandResult result) {
        if (!result.ok()) throw Problem.failed("the image " + image + " could not be built").found(result.lastWords())
                .fix("do Debian's packages answer from this machine?");
    }

    /**
     * The base with an image's packages. Its name depends on its content, and is given only to a complete image. It is
     * a committed container, since a build would fetch lists and packages each time and leave them in the layer.
     */
    private String packages(String folder, Path context, FutureTask<Void> lists) {
        var script = "IMAGE=" + folder + "\n" + text(tools.resolve("install")) + text(context.resolve("packages"));
        var madeOf = id(BASE) + script;
        var image = "ktrdr-lab/packages:" + folder + "-"
                + UUID.nameUUIDFromBytes(madeOf.getBytes(StandardCharsets.UTF_8));
        if (engine.has("image", image)) return image;
        await(lists);
        var container = "ktrdr-lab-packages-" + folder;
        try {
            engine.docker("rm", "-f", container).run();
            built(image, engine.docker(inBase("--name", container, "--label", "ktrdr-lab", BASE, "sh", "-euc", script))
                    .run());
            engine.docker("commit", "--change", "CMD [\"sh\"]", container, image).must();
            return image;
        } finally {
            engine.docker("rm", "-f", container).run();
        }
    }

    /** The first caller makes it; the others wait for it. */
    private static void await(FutureTask<Void> once) {
        try {
            once.run();
            once.get();
        } catch (InterruptedException e) {
            throw Problem.interrupted("interrupted while images were built").because(e);
        } catch (ExecutionException e) {
            throw e.getCause() instanceof Problem problem ? problem : new IllegalStateException(e.getCause());
        }
    }

    private void lists() {
        try (var step = console.step("images", "lists")) {
            var script = text(tools.resolve("lists"));
            built("ktrdr-lab/packages",
                    engine.docker(inBase("--rm", "--label", "ktrdr-lab", BASE, "sh", "-euc", script)).run());
            step.done("Debian's packages");
        }
    }

    /**
     * A container that keeps its downloads and does not sync: if the machine stops during the build, there is no image.
     */
    private List<String> inBase(String... words) {
        var seccomp = "seccomp=" + tools.resolve("without-syncs.json");
        return Engine.concat(List.of("run", "-v", DOWNLOADS + ":/apt", "--security-opt", seccomp), List.of(words));
    }

    private static String text(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The files of an image in a new folder; a version in it gives each release its own layer. */
    private static Path context(String folder, Map<String, String> arguments) {
        var context = Machine.unpack(folder, Engine.concat(List.of("Dockerfile", "packages"), FILES.get(folder)));
        try {
            if (folder.equals("standin")) {
                StandinJar.write(context.resolve("standin.jar"));
                Files.writeString(context.resolve("version"), arguments.get("VERSION") + "\n");
            }
            return context;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
