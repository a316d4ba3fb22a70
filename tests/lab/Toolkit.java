package lab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import ktrdr.Documents;
import ktrdr.Exit;
import ktrdr.Invocation;
import ktrdr.LocalCommand;
import ktrdr.Project;
import ktrdr.cli.Cli;

/**
 * The toolkit as a user runs it: {@code ./ktrdr …}, by default against the practice fleet.
 *
 * {@link #run} calls the procedure's class in this JVM if no option needs a process: a process start costs as much as
 * most procedures. A run is a process if it gets signals, another command or folder, foreign variables, or is requested
 * by {@link #asProcess}.
 */
public final class Toolkit {
    private static final Path HERE = Path.of("").toAbsolutePath();
    /** Procedures that deal with processes and machines, start others, or have their own JVM flags. */
    private static final Set<String> PROCESSES = Set.of("lab", "quickstart", "console", "completion", "test", "bench",
            "pictures");
    private static final String FRONT_DOOR = Project.root().resolve("ktrdr").toString();
    /** The name of each procedure's class. */
    private static final Map<String, String> SCRIPTS = scripts();
    private final List<String> words;
    private final Map<String, String> environment = new LinkedHashMap<>();
    private boolean process;
    private boolean together;
    private Path directory = Project.root();
    private String input = "";
    private Optional<Duration> patience = Optional.empty();

    private Toolkit(List<String> words) {
        this.words = words;
    }

    /** The result of a run. */
    public record Ran(int exit, String out, String err) {
        /** The one JSON document it printed. */
        public JsonNode json() {
            try {
                return new ObjectMapper().readTree(out);
            } catch (IOException e) {
                throw new AssertionError(toString(), e);
            }
        }

        /** The failed checks of a run with {@code -o json}: id to finding, in the printed order. */
        public Map<String, String> failing() {
            var failing = new LinkedHashMap<String, String>();
            for (var check : json().path("checks"))
                if (!check.path("ok").asBoolean()) failing.put(check.path("id").asText(), check.path("found").asText());
            return failing;
        }

        /** For the message of an assertion, which a runner may truncate: errors come first. */
        @Override
        public String toString() {
            int error = ("\n" + err).indexOf("\nerror: ");
            var before = error > 0 ? "before that:\n" + err.substring(0, error) : "";
            return "exit " + exit + "\n" + err.substring(Math.max(0, error)) + before + out;
        }
    }

    public static Toolkit ktrdr(String... arguments) {
        return new Toolkit(Stream.concat(Stream.of(FRONT_DOOR), Stream.of(arguments)).toList());
    }

    /** Another command, in the same environment. */
    static Toolkit command(String... words) {
        return new Toolkit(List.of(words));
    }

    /** Asserts a run's exit code and that its standard error has each of these. */
    public static Ran refused(int exit, Ran ran, String... words) {
        assertEquals(exit, ran.exit(), ran::toString);
        for (var word : words) assertTrue(ran.err().contains(word), () -> "no \"" + word + "\" in\n" + ran);
        return ran;
    }

    private static Map<String, String> scripts() {
        var scripts = new HashMap<String, String>();
        try {
            new ObjectMapper().readTree(Project.root().resolve("jbang-catalog.json").toFile()).path("aliases")
                    .properties().forEach(alias -> {
                        var script = alias.getValue().path("script-ref").asText();
                        if (script.startsWith("scripts/"))
                            scripts.put(alias.getKey(), script.replaceAll(".*/|\\.java$", ""));
                    });
            return scripts;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The real JBang: the front door's download, else the one on the PATH. */
    public static Path jbang() {
        var cache = System.getenv("XDG_CACHE_HOME") == null ? Path.of(System.getProperty("user.home"), ".cache")
                : Path.of(System.getenv("XDG_CACHE_HOME"));
        var fetched = cache.resolve("ktrdr/jbang-" + Project.frontDoor("version") + "-gson-" + Project.frontDoor("gson")
                + "/bin");
        return Stream.concat(Stream.of(fetched), Stream.of(System.getenv("PATH").split(":")).map(Path::of))
                .map(place -> place.resolve("jbang")).filter(Files::isExecutable)
                .findFirst().orElseThrow();
    }

    /** The same, as the arguments of another command. */
    public Toolkit under(String... command) {
        return new Toolkit(Stream.concat(Stream.of(command), words.stream()).toList());
    }

    public Toolkit env(String name, String value) {
        environment.put(name, value);
        return this;
    }

    /** Sets standard input; empty by default. */
    public Toolkit input(String text) {
        input = text;
        return this;
    }

    public Toolkit in(Path folder) {
        directory = folder;
        return this;
    }

    /** How long {@link #run} waits for its end; half an hour by default. */
    Toolkit within(Duration limit) {
        patience = Optional.of(limit);
        return this;
    }

    /** Makes {@link #run} start a process, as a user does. */
    public Toolkit asProcess() {
        process = true;
        return this;
    }

    /** Makes a run in this JVM print its errors to standard output, among its results. */
    Toolkit together() {
        together = true;
        return this;
    }

    /** Whether a procedure needs no process of its own. */
    static boolean inThisJvm(String procedure) {
        return SCRIPTS.containsKey(procedure) && !PROCESSES.contains(procedure);
    }

    public Ran run() {
        return Spent.on(Spent.What.procedures, () -> described(procedure().map(this::here).orElseGet(this::process)));
    }

    /**
     * Verifies first that docs/schemas describes the --output json that was printed and the inventory that was read.
     */
    private Ran described(Ran ran) {
        int door = words.indexOf(FRONT_DOOR);
        var asked = door < 0 ? List.<String>of() : words.subList(door + 1, words.size());
        if (ran.exit() == 0 && asked.size() > 0)
            inventory(asked).filter(Files::isRegularFile).ifPresent(Documents::holdInventory);
        if (asked.size() > 1 && Documents.asked(asked)) Documents.hold(asked.get(0), ran.exit(), ran.out());
        return ran;
    }

    /** The inventory that a run reads. */
    private Optional<Path> inventory(List<String> asked) {
        int option = Math.max(asked.indexOf("-i"), asked.indexOf("--inventory"));
        return Optional.ofNullable(option >= 0 ? asked.get(option + 1) : environment.get("KTRDR_INVENTORY"))
                .map(directory::resolve);
    }

    /** The procedure, if it can run in this JVM. */
    private Optional<Callable<Exit>> procedure() {
        boolean ours = words.size() > 1 && words.get(0).equals(FRONT_DOOR) && !PROCESSES.contains(words.get(1));
        boolean plain = directory.toAbsolutePath().equals(HERE) && patience.isEmpty()
                && environment.keySet().stream()
                        .allMatch(name -> name.equals("KTRDR_INVENTORY") || name.startsWith("KTRDR_SECRET_"));
        return process || !ours || !plain ? Optional.empty()
                : Optional.ofNullable(SCRIPTS.get(words.get(1))).map(Toolkit::made);
    }

    @SuppressWarnings("unchecked")
    private static Callable<Exit> made(String script) {
        try {
            var constructor = Class.forName(script).getDeclaredConstructor();
            constructor.setAccessible(true);
            return (Callable<Exit>) constructor.newInstance();
        } catch (ReflectiveOperationException e) {
            throw new AssertionError(e);
        }
    }

    private Ran here(Callable<Exit> procedure) {
        var variables = new HashMap<>(System.getenv());
        variables.putAll(surroundings());
        var out = new ByteArrayOutputStream();
        var err = together ? out : new ByteArrayOutputStream();
        int exit = Cli.run(procedure,
                Invocation.of(variables, new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8)), stream(out),
                        stream(err)),
                words.subList(2, words.size()).toArray(String[]::new));
        return new Ran(exit, out.toString(StandardCharsets.UTF_8),
                together ? "" : err.toString(StandardCharsets.UTF_8));
    }

    private static PrintStream stream(ByteArrayOutputStream into) {
        return new PrintStream(into, true, StandardCharsets.UTF_8);
    }

    private Ran process() {
        var command = LocalCommand.command(words).directory(directory).input(input);
        patience.ifPresent(command::timeout);
        surroundings().forEach(command::env);
        var result = command.run();
        return new Ran(result.exit(), result.out(), result.err());
    }

    /** For a run that is stopped half-way. */
    public ProcessBuilder processBuilder() {
        // tests started in the background ignore SIGINT, and so would their child processes
        var all = new ArrayList<>(List.of("env", "--default-signal=HUP,INT,TERM"));
        all.addAll(words);
        var builder = new ProcessBuilder(all).directory(directory.toFile());
        builder.environment().putAll(surroundings());
        return builder;
    }

    /** Starts it, for events during the run. */
    public Underway start() {
        return Underway.start(processBuilder());
    }

    private Map<String, String> surroundings() {
        if (!environment.containsKey("KTRDR_INVENTORY"))
            environment.put("KTRDR_INVENTORY", World.inventory().toString());
        return environment;
    }
}
