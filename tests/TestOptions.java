import java.time.Duration;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The command line of the tests, for all.java and for completion. */
@Command(name = "test", header = "Run the tests of the project.")
public class TestOptions {
    @Option(names = "--unit",
            description = "Only the tests that need neither the practice fleet nor virtual machines nor packages of "
                    + "Debian.") boolean unit;
    @Option(names = "--quick",
            description = "All unit tests, and each procedure once on the practice fleet.") boolean quick;
    @Option(names = "--rooms", description = "Run none, and list the rooms with the classes of each.") boolean rooms;
    @Option(names = "--within", paramLabel = "D",
            description = "With all tests: after this time, such as 60m, begin no class that needs the fleet or "
                    + "virtual machines, and name those that were not run. If one fleet has to do, their order "
                    + "changes from day to day.") Duration within;
    @Option(names = "--keep-lab",
            description = "Leave a practice fleet that was brought up for the tests.") boolean keepLab;
    @Option(names = "--dependencies",
            description = "Run none, and list every jar that the project runs with: version, licence, checksum, and "
                    + "the advisories that it has.") boolean dependencies;
    @Option(names = "--outdated",
            description = "Run none, and list every pinned version with the newest release that Maven "
                    + "finds.") boolean outdated;
    @Option(names = {"-y", "--yes"},
            description = "With contract -i: start sample operations there without asking.") boolean yes;
    @Parameters(paramLabel = "TEST",
            description = "A room, part of a class' name, or Class.method.") List<String> names = List.of();
}
