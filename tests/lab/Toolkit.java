package lab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import ktrdr.Local;
import ktrdr.Project;

/** The toolkit as a person uses it: {@code ./ktrdr …} in a process of its own, against the practice fleet unless told otherwise. */
public final class Toolkit {
    private final List<String> words;
    private final Map<String, String> environment = new LinkedHashMap<>();
    private Path directory = Project.root();
    private String input = "";
    private Optional<Duration> patience = Optional.empty();

    private Toolkit(List<String> words) {
        this.words = words;
    }

    /** What a run ended with. */
    public record Ran(int exit, String out, String err) {
        /** The one JSON document it printed. */
        public JsonNode json() {
            try {
                return new ObjectMapper().readTree(out);
            } catch (IOException e) {
                throw new AssertionError(toString(), e);
            }
        }

        /** The checks that do not hold, of a run with {@code -o json}: id to what was found, in the order printed. */
        public Map<String, String> failing() {
            var failing = new LinkedHashMap<String, String>();
            for (var check : json().path("checks")) if (!check.path("ok").asBoolean()) failing.put(check.path("id").asText(), check.path("found").asText());
            return failing;
        }

        /** For the message of an assertion, of which a runner may show the beginning alone: first what went wrong. */
        @Override
        public String toString() {
            return "exit " + exit + "\n" + err + out;
        }
    }

    public static Toolkit ktrdr(String... arguments) {
        return new Toolkit(Stream.concat(Stream.of(Project.root().resolve("ktrdr").toString()), Stream.of(arguments)).toList());
    }

    /** Another command, in the same surroundings. */
    static Toolkit command(String... words) {
        return new Toolkit(List.of(words));
    }

    /** Asserts that a run ended with this exit code and said each of these on standard error. */
    public static Ran refused(int exit, Ran ran, String... words) {
        assertEquals(exit, ran.exit(), ran::toString);
        for (var word : words) assertTrue(ran.err().contains(word), () -> "no \"" + word + "\" in\n" + ran);
        return ran;
    }

    /** The real JBang: the one that the front door fetched, else the one on the PATH. */
    public static Path jbang() {
        var fetched = Path.of(System.getProperty("user.home"), ".cache/ktrdr/jbang-0.132.1/bin");
        return Stream.concat(Stream.of(fetched), Stream.of(System.getenv("PATH").split(":")).map(Path::of)).map(place -> place.resolve("jbang")).filter(Files::isExecutable)
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

    /** What it reads on standard input; nothing without it. */
    public Toolkit input(String text) {
        input = text;
        return this;
    }

    public Toolkit in(Path folder) {
        directory = folder;
        return this;
    }

    /** How long {@link #run} waits for its end; half an hour without it. */
    Toolkit within(Duration limit) {
        patience = Optional.of(limit);
        return this;
    }

    public Ran run() {
        var command = Local.command(words).directory(directory).input(input);
        patience.ifPresent(command::timeout);
        surroundings().forEach(command::env);
        var result = command.run();
        return new Ran(result.exit(), result.out(), result.err());
    }

    /** For a run that is to be stopped half way. */
    public ProcessBuilder processBuilder() {
        // who starts tests in the background has them ignore SIGINT, and so would what they start
        var all = new ArrayList<>(List.of("env", "--default-signal=HUP,INT,TERM"));
        all.addAll(words);
        var builder = new ProcessBuilder(all).directory(directory.toFile());
        builder.environment().putAll(surroundings());
        return builder;
    }

    /** Starts it, for something to happen meanwhile. */
    public Underway start() {
        return Underway.start(processBuilder());
    }

    private Map<String, String> surroundings() {
        if (!environment.containsKey("KTRDR_INVENTORY")) environment.put("KTRDR_INVENTORY", World.inventory().toString());
        return environment;
    }
}
