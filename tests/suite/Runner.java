package suite;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import ktrdr.Console;
import ktrdr.Json;
import ktrdr.LocalCommand;
import ktrdr.Project;
import lab.Aftermath;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/**
 * The main class of {@link OtherJvm}: brings up a practice fleet if requested, runs each class named on standard input,
 * and writes the results to a file at the end. Its output is for people, except for two lines.
 */
public final class Runner {
    static final String READY = "ready for classes";
    static final String DONE = "the class is done";

    private Runner() {}

    /** @param arguments the file to write, whether to print every test, and whether to bring up a fleet */
    public static void main(String... arguments) throws IOException {
        var console = new Console(Console.Color.never, Boolean.parseBoolean(arguments[1]));
        var lane = Boolean.parseBoolean(arguments[2]) ? Lane.fleet : Lane.quiet;
        if (lane == Lane.quiet || fleet()) {
            console.print(READY);
            // both kinds run in parallel with other lanes, on busy processors
            var results = new Results(console, true);
            var names = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
            for (String name; (name = names.readLine()) != null; ) {
                var wanted = FleetClasses.only(name, lane, LauncherDiscoveryRequestBuilder.request());
                LauncherFactory.create().execute(wanted.build(), results);
                console.print(DONE);
            }
            Files.writeString(Path.of(arguments[0]), Json.line(results.document()));
        }
        // a failed test may have left threads
        System.exit(0);
    }

    /** Brings up a fleet in the state of the first one, where the run of all procedures left a release. */
    private static boolean fleet() {
        var inventory = System.getenv("KTRDR_LAB") + "/inventory.yaml";
        return ktrdr("lab", "up") == 0 && ktrdr("deploy", "all", "--tag", Aftermath.OLDER, "-i", inventory) == 0;
    }

    private static int ktrdr(String... words) {
        var command = Stream.concat(Stream.of(Project.root().resolve("ktrdr").toString()), Stream.of(words)).toList();
        return LocalCommand.command(command).lines(System.err::println).run().exit();
    }
}
