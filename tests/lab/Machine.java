package lab;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import ktrdr.Console;
import ktrdr.LocalCommand;
import ktrdr.Problem;

/** The machine that the lab runs on: its installed programs, and its Debian mirror. */
public final class Machine {
    private static final List<String> PLACES = List.of("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin",
            "/sbin", "/bin");

    private static boolean updated;

    private Machine() {}

    static boolean installed(String program) {
        return PLACES.stream().anyMatch(folder -> Files.isExecutable(Path.of(folder, program)));
    }

    /** Whether packages can be installed here: root, on Debian or Ubuntu. */
    static boolean installs() {
        return installed("apt-get") && System.getProperty("user.name").equals("root");
    }

    /** The packages of the missing programs; each value is one package or several, separated by blanks. */
    static List<String> missing(Map<String, String> packageOf) {
        var missing = new LinkedHashSet<String>();
        packageOf.forEach((program, packages) -> {
            if (!installed(program)) missing.addAll(List.of(packages.split(" ")));
        });
        return List.copyOf(missing);
    }

    /**
     * Installs the packages of the missing programs, after giving the reason; throws a {@link Problem} if that is not
     * possible.
     */
    public static void ensure(Console console, Map<String, String> packageOf, String why) {
        var missing = missing(packageOf);
        install(console, missing, why, Problem.failed(String.join(", ", missing) + " cannot be installed here")
                .expected("root on Debian or Ubuntu").fix("install it yourself"));
    }

    /** Installs packages, after giving the reason; throws {@code otherwise} if that is not possible. */
    static void install(Console console, List<String> packages, String why, Problem otherwise) {
        if (packages.isEmpty()) return;
        if (!installs()) throw otherwise;
        console.note(why + ": installing " + String.join(", ", packages) + " with apt-get");
        install(console, packages);
    }

    /** One at a time: apt does not wait for its lock. */
    private static synchronized void install(Console console, List<String> packages) {
        try (var step = console.step("machine", "install")) {
            if (!updated) apt(List.of("update", "-qq"));
            updated = true;
            apt(Engine.concat(List.of("install", "-y", "-qq", "--no-install-recommends"), packages));
            step.done(String.join(", ", packages));
        }
    }

    private static void apt(List<String> words) {
        LocalCommand.command(Engine.concat(List.of("apt-get"), words)).env("DEBIAN_FRONTEND", "noninteractive").must();
    }

    /** The mirror that this machine's own Debian comes from. */
    static String mirror(String fix) {
        return LocalCommand.command("apt-get", "indextargets", "--format", "$(SITE)", "Created-By: Packages").must()
                .out().lines()
                .filter(site -> site.endsWith("/debian")).findFirst()
                .orElseThrow(() -> Problem.failed("this machine has no Debian mirror to make the lab's base from")
                        .expected("Debian's packages by apt").fix(fix));
    }

    /**
     * Copies the lab's files from the class path to a new folder; files without an extension become executable, since
     * the class path has no modes.
     */
    static Path unpack(String folder, List<String> names) {
        try {
            var context = Files.createTempDirectory("ktrdr-lab-" + folder);
            for (var name : names) {
                try (var resource = Machine.class.getResourceAsStream("/lab/" + folder + "/" + name)) {
                    if (resource == null) throw Problem.failed("lab/" + folder + "/" + name + " is not in the toolkit");
                    Files.copy(resource, context.resolve(name));
                }
                if (!name.contains(".") && !name.equals("Dockerfile"))
                    context.resolve(name).toFile().setExecutable(true, false);
            }
            return context;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
