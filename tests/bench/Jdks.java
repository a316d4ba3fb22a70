package bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import ktrdr.Console;
import ktrdr.LocalCommand;
import ktrdr.Problem;
import ktrdr.inventory.Inventory;

/** The same procedures on two JDKs, each with its own cache and class archive. */
public final class Jdks implements AutoCloseable {
    /** The required programs, and the Debian package of each. */
    public static final Map<String, String> PROGRAMS = Map.of("time", "time");
    /** Read-only procedures, each with the arguments that fill its archive. */
    private static final List<List<String>> LOOKS =
            List.of(List.of("status"), List.of("run", "uptime"), List.of("operations", "list"));
    /** A background process writes the archive at low priority, so it exists only some runs later. */
    private static final int RUNS_BEFORE = 6;
    private static final Duration PAUSE = Duration.ofSeconds(4);
    private static final Path INSTALLED = Path.of("/usr/lib/jvm");
    private final Inventory inventory;
    private final Console console;
    private final Path toolkit;
    private final Jdk oldest = new Jdk(17);
    private final Jdk newest = new Jdk(25);

    /** @param toolkit the path of {@code ./ktrdr} */
    public Jdks(Inventory inventory, Console console, Path toolkit) {
        this.inventory = inventory;
        this.console = console;
        this.toolkit = toolkit;
    }

    /** One JDK with its cache. */
    private final class Jdk {
        private final int version;
        private final Path home;
        private final Path cache = Folders.make();
        private final List<Double> processor = new ArrayList<>();

        Jdk(int version) {
            this.version = version;
            this.home = installed(version);
        }

        /** Runs {@code ./ktrdr} and returns the elapsed time; records its processor time. */
        Duration run(List<String> words) {
            var said = cache.resolve("time");
            var all = new ArrayList<>(List.of("time", "-f", "%U %S", "-o", said.toString(), toolkit.toString()));
            all.addAll(words);
            var took = SideBySide.time(console, "JDK " + version + " " + words.get(0),
                    LocalCommand.command(all).env("JAVA_HOME", home.toString())
                            .env("XDG_CACHE_HOME", cache.toString()));
            processor.add(seconds(said));
            return took;
        }

        /** Several commands, recorded as one run. */
        Duration all(List<List<String>> commands) {
            int before = processor.size();
            var took = commands.stream().map(this::run).reduce(Duration.ZERO, Duration::plus);
            var each = processor.subList(before, processor.size());
            double sum = each.stream().mapToDouble(number -> number).sum();
            each.clear();
            processor.add(sum);
            return took;
        }

        void prepare(List<List<String>> commands) {
            for (int i = 0; i < RUNS_BEFORE; i++) {
                all(commands);
                rest();
            }
            processor.clear();
        }

        double processorTime() {
            var sorted = processor.stream().sorted().toList();
            return sorted.get(sorted.size() / 2);
        }
    }

    /** The help pages of the procedures of {@link #LOOKS} in sequence. */
    public SideBySide help(Case what, int pairs) {
        return measured(what, pairs, LOOKS, LOOKS.stream().map(look -> List.of(look.get(0), "--help")).toList());
    }

    /** {@code run uptime} on every node. */
    public SideBySide run(Case what, int pairs) {
        return measured(what, pairs, List.of(LOOKS.get(1)), List.of(onFleet(LOOKS.get(1))));
    }

    /** {@code status} of the fleet. */
    public SideBySide status(Case what, int pairs) {
        return measured(what, pairs, List.of(LOOKS.get(0)), List.of(onFleet(LOOKS.get(0))));
    }

    private SideBySide measured(Case what, int pairs, List<List<String>> before, List<List<String>> commands) {
        for (var jdk : List.of(oldest, newest)) jdk.prepare(before.stream().map(this::onFleet).toList());
        var measured = SideBySide.warm(what, pairs, () -> oldest.all(commands), () -> newest.all(commands));
        return measured.remark("processor time %.2f s on JDK %d, and %.2f s on JDK %d (medians)"
                .formatted(oldest.processorTime(), oldest.version, newest.processorTime(), newest.version));
    }

    private List<String> onFleet(List<String> words) {
        return Stream.concat(words.stream(), Stream.of("-i", inventory.source().toString())).toList();
    }

    /** The home of a JDK of this version. */
    private static Path installed(int version) {
        var places = new ArrayList<Path>();
        if (System.getenv("JAVA_HOME") != null) places.add(Path.of(System.getenv("JAVA_HOME")));
        places.add(Path.of(System.getProperty("java.home")));
        try (var found = Files.isDirectory(INSTALLED) ? Files.list(INSTALLED) : Stream.<Path>empty()) {
            found.sorted().forEach(places::add);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return places.stream().filter(place -> Files.isExecutable(place.resolve("bin/javac")))
                .filter(place -> release(place).contains("JAVA_VERSION=\"" + version + ".")).findFirst()
                .orElseThrow(() -> Problem.failed("there is no JDK " + version + " on this machine")
                        .expected("one in " + INSTALLED + ", or in JAVA_HOME").fix("install a JDK " + version));
    }

    private static String release(Path place) {
        try {
            return Files.readString(place.resolve("release"));
        } catch (IOException e) {
            return "";
        }
    }

    private static double seconds(Path said) {
        try {
            return Stream.of(Files.readString(said).strip().split(" ")).mapToDouble(Double::parseDouble).sum();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void rest() {
        try {
            Thread.sleep(PAUSE.toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw Problem.interrupted("the benchmark was interrupted").because(e);
        }
    }

    /** Deletes the caches; a folder that is still being written to remains. */
    @Override
    public void close() {
        for (var jdk : List.of(oldest, newest)) LocalCommand.command("rm", "-rf", jdk.cache.toString()).run();
    }
}
