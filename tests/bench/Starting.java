package bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import ktrdr.Console;
import ktrdr.Json;
import ktrdr.LocalCommand;
import ktrdr.Problem;

/**
 * Start time of procedures in a copy of the toolkit with its own cache: after a clone, after a library edit, after a
 * script edit.
 */
public final class Starting implements AutoCloseable {
    /** The files that procedures and {@code ./ktrdr} need. */
    private static final List<String> PARTS = List.of("ktrdr", "jbang-catalog.json", "inventory.yaml",
            "lib", "scripts", "templates", "tests");
    /** Aliases of the catalog that {@code ./ktrdr} does not start itself. */
    private static final List<String> NOT_STARTED = List.of("test", "bench", "pictures", "lib", "ktrdr");
    private static final String LIBRARY = "lib/ktrdr/node/Dns.java";
    private static final String SCRIPT = "scripts/Scale.java";
    /** The files that are edited between the states. */
    public static final List<String> EDITED = List.of(LIBRARY, SCRIPT);
    private final Console console;
    private final Path folder;
    private final Path checkout;
    private final List<SideBySide.Pair> pairs = new ArrayList<>();
    private final List<String> remarks = new ArrayList<>();

    public Starting(Path toolkit, Console console) {
        this.console = console;
        try {
            folder = Files.createTempDirectory("ktrdr-start");
            checkout = Files.createDirectory(folder.resolve("checkout"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        for (var part : PARTS)
            LocalCommand.command("cp", "-a", toolkit.resolveSibling(part).toString(), checkout.toString()).must();
    }

    /** The first run of each procedure against its second, in each of the three states. */
    public SideBySide measure(Case what) {
        var procedures = procedures(checkout);
        state("after a clone", "status", procedures);
        edit(LIBRARY);
        state("after an edit of " + LIBRARY, "status", procedures);
        edit(SCRIPT);
        // it contains all scripts, so it is rebuilt too
        procedures.remove("completion");
        state("after an edit of " + SCRIPT, "scale", procedures);
        return new SideBySide(what, 0, pairs, remarks);
    }

    private void state(String when, String first, List<String> procedures) {
        var built = help(first);
        double worst = 0;
        for (var procedure : procedures) {
            if (procedure.equals(first)) continue;
            var pair = new SideBySide.Pair(help(procedure), help(procedure));
            pairs.add(pair);
            worst = Math.max(worst, pair.ratio());
        }
        remarks.add(String.format(Locale.ROOT,
                "%s: the first run of %s %.1f s; each other procedure's at most %.2f times its second",
                when, first, built.toMillis() / 1000.0, worst));
    }

    private Duration help(String procedure) {
        return SideBySide.time(console, procedure + " --help",
                LocalCommand.command(checkout.resolve("ktrdr").toString(),
                procedure, "--help").env("XDG_CACHE_HOME", folder.resolve("cache").toString()));
    }

    /** The procedures of a checkout that are measured. */
    public static List<String> procedures(Path checkout) {
        try {
            var catalog = Json.parse(Files.readString(checkout.resolve("jbang-catalog.json")), "jbang-catalog.json");
            var names = new ArrayList<String>();
            catalog.path("aliases").fieldNames().forEachRemaining(names::add);
            names.removeAll(NOT_STARTED);
            return names;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void edit(String file) {
        try {
            Files.writeString(checkout.resolve(file), "// a comment more\n", StandardOpenOption.APPEND);
        } catch (IOException e) {
            throw Problem.failed(file + " could not be edited").found(e.toString()).because(e);
        }
    }

    @Override
    public void close() {
        LocalCommand.command("rm", "-rf", folder.toString()).must();
    }
}
