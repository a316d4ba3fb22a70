import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The command line of the pictures, for pictures.java and for completion. */
@Command(name = "pictures",
        header = "Draw pictures of the dashboards, with the number of series per query.")
public class PicturesOptions {
    @Option(names = "--range", paramLabel = "D",
            description = "The last so much time, such as 30m (default: what each dashboard says).") Duration range;
    @Option(names = "--until", paramLabel = "TIME",
            description = "Up to this moment, such as 2026-03-01T12:00:00Z (default: now).") Instant until;
    @Option(names = "--to", paramLabel = "FOLDER",
            description = "Write a picture of each into this folder.") Path folder;
    @Option(names = "--pages", description = "Write the pages too, to look at in a browser.") boolean pages;
    @Option(names = "--light", description = "Light instead of dark.") boolean light;
    @Option(names = "--terminal", paramLabel = "PROCEDURE",
            description = "Run a procedure and write terminal-NAME.png, what a terminal shows of it; may come several "
                    + "times.")
    List<String> procedures = List.of();
    @Option(names = "--terminal-failed", paramLabel = "PROCEDURE",
            description = "The same of one that has to fail (exit 1 or 5), as terminal-NAME-failed.png.")
    List<String> failing = List.of();
    @Option(names = "--topology",
            description = "Write topology.svg, the fleet as the inventory describes it.") boolean topology;
    @Parameters(paramLabel = "UID",
            description = "Of which dashboards (default: all; with --terminal or --topology: none).") List<
                    String> uids = List.of();
}
