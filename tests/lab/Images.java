package lab;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import ktrdr.Console;
import ktrdr.Local;
import ktrdr.Problem;

/**
 * The images of the practice fleet: a Debian base, what hosts and services are made of, and what KTRDR's stacks run.
 *
 * Where an upstream registry answers, base and third parties come from there; else the base is debootstrapped from the machine's own
 * Debian mirror, and PostgreSQL, Prometheus and Alertmanager are Debian's packages. KTRDR itself is always a stand-in.
 */
final class Images {
    /** An image of the lab's registry: how it is called there, what it is upstream, how it is built, and what it is. */
    record Part(String name, String upstream, String folder, Map<String, String> arguments, String what) {
        String local() {
            return "ktrdr-lab/" + name;
        }
    }

    private static final String BASE = "ktrdr-lab/base:trixie";
    private static final String UPSTREAM_BASE = "debian:trixie-slim";
    static final List<Part> PARTS = List.of(
            ktrdr("sha-1000001", "", ""), ktrdr("sha-2000002", "", ", newer"), ktrdr("sha-bad0000", "unhealthy", ", never healthy"),
            ktrdr("sha-dead000", "crash", ", crashes at start"),
            new Part("postgresql:17", "timescale/timescaledb-ha:pg15", "postgres", Map.of(), "real PostgreSQL"),
            new Part("prometheus:2", "prom/prometheus:v2.53.4", "prometheus", Map.of(), "real Prometheus"),
            new Part("alertmanager:lab", "prom/alertmanager:v0.27.0", "alertmanager", Map.of(), "real Alertmanager"),
            new Part("grafana:lab", "grafana/grafana:11.6.1", "standin", Map.of("ROLE", "grafana", "VERSION", "grafana"), "stand-in for Grafana"),
            new Part("jaeger:lab", "jaegertracing/all-in-one:1.53", "standin", Map.of("ROLE", "jaeger", "VERSION", "jaeger"), "stand-in for Jaeger"),
            new Part("node-exporter:lab", "prom/node-exporter:v1.8.2", "node-exporter", Map.of(), "real node-exporter"),
            new Part("probe:lab", "", "probe", Map.of(), "a shell to look around with"));
    private static final Map<String, List<String>> FILES = Map.of(
            "host", List.of("Dockerfile", "sshd.conf", "daemon.json", "start"),
            "services", List.of("Dockerfile", "start", "keys", "registry.yml", "loader.yml"),
            "postgres", List.of("Dockerfile", "entrypoint"), "prometheus", List.of("Dockerfile"), "node-exporter", List.of("Dockerfile"), "alertmanager", List.of("Dockerfile"), "probe", List.of("Dockerfile"),
            "standin", List.of("Dockerfile", "python"));

    private final Engine engine;
    private final Console console;

    Images(Engine engine, Console console) {
        this.engine = engine;
        this.console = console;
    }

    private static Part ktrdr(String tag, String fault, String what) {
        return new Part("ktrdr-backend:" + tag, "", "standin", Map.of("VERSION", tag, "FAULT", fault), "stand-in for KTRDR" + what);
    }

    /** Builds or pulls whatever is not there yet; what did not change comes from the engine's build cache. */
    void ensure() {
        boolean upstream = base();
        var hosts = CompletableFuture.runAsync(() -> List.of("services", "host").forEach(folder -> build(folder, "ktrdr-lab/" + folder, Map.of())));
        var parts = CompletableFuture.runAsync(() -> PARTS.forEach(part -> part(part, upstream)));
        try {
            CompletableFuture.allOf(hosts, parts).join();
        } catch (CompletionException e) {
            throw e.getCause() instanceof Problem problem ? problem : e;
        }
    }

    private void part(Part part, boolean upstream) {
        if (!upstream || part.upstream().isEmpty()) {
            build(part.folder(), part.local(), part.arguments());
        } else if (!engine.has("image", part.local())) {
            try (var step = console.step("images", "pull")) {
                engine.docker("pull", "-q", part.upstream()).must();
                engine.docker("tag", part.upstream(), part.local()).must();
                step.done(part.upstream());
            }
        }
    }

    /** Makes the base once; answers whether it, and so the rest, comes from upstream. */
    private boolean base() {
        if (engine.has("image", BASE)) return engine.has("image", UPSTREAM_BASE);
        try (var step = console.step("images", "base")) {
            if (pulled()) {
                engine.docker("tag", UPSTREAM_BASE, BASE).must();
                step.done(UPSTREAM_BASE);
                return true;
            }
            step.now("no upstream registry: debootstrap from this machine's Debian mirror");
            debootstrap();
            step.done("Debian 13 by debootstrap, since no upstream registry answers");
            return false;
        }
    }

    private boolean pulled() {
        try {
            return engine.docker("pull", "-q", UPSTREAM_BASE).timeout(Duration.ofSeconds(60)).run().ok();
        } catch (Problem tooSlow) {
            return false;
        }
    }

    private void debootstrap() {
        var root = Engine.cache().resolve("root").toString();
        Local.command("rm", "-rf", root).must();
        var mirror = Machine.mirror("let Docker pull " + UPSTREAM_BASE);
        Local.command("debootstrap", "--variant=minbase", "--include=ca-certificates", "trixie", root, mirror).must();
        Local.command("tar", "-C", root, "-cf", root + ".tar", "--exclude=./var/cache/apt/archives/*", "--exclude=./var/lib/apt/lists/*",
                "--exclude=./usr/share/doc/*", "--exclude=./usr/share/locale/*", ".").must();
        engine.docker("import", root + ".tar", BASE).must();
        Local.command("rm", "-rf", root, root + ".tar").must();
    }

    private void build(String folder, String image, Map<String, String> arguments) {
        var context = context(folder);
        var words = new ArrayList<>(List.of("build", "-q", "-t", image, "--build-arg", "BASE=" + BASE));
        arguments.forEach((name, value) -> words.addAll(List.of("--build-arg", name + "=" + value)));
        words.add(context.toString());
        boolean there = engine.has("image", image);
        try (var step = console.step("images", "build")) {
            step.now(image);
            var result = engine.docker(words).run();
            if (!result.ok()) throw Problem.failed("the image " + image + " could not be built").found(result.lastWords())
                    .fix("do Debian's packages answer from this machine?");
            if (!there) step.done(image.replace("ktrdr-lab/", ""));
        } finally {
            Engine.deleteTree(context);
        }
    }

    /** The files of an image in a folder of their own. */
    private static Path context(String folder) {
        var context = Machine.unpack(folder, FILES.get(folder));
        try {
            if (folder.equals("standin")) standinJar(context.resolve("standin.jar"));
            return context;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The stand-ins' classes are in this script's own jar; the same bytes each time, so that the build cache knows them. */
    private static void standinJar(Path jar) throws IOException {
        try {
            var here = Path.of(Images.class.getProtectionDomain().getCodeSource().getLocation().toURI());
            try (var source = Files.isDirectory(here) ? null : FileSystems.newFileSystem(here);
                    var out = new JarOutputStream(Files.newOutputStream(jar));
                    var classes = Files.list(source == null ? here.resolve("standin") : source.getPath("/standin"))) {
                for (var file : classes.filter(one -> one.toString().endsWith(".class")).sorted().toList()) {
                    var entry = new JarEntry("standin/" + file.getFileName());
                    entry.setLastModifiedTime(FileTime.fromMillis(0));
                    out.putNextEntry(entry);
                    Files.copy(file, out);
                }
            }
        } catch (URISyntaxException e) {
            throw new IOException(e);
        }
    }
}
