import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The command line of the benchmarks, for bench.java and for completion. */
@Command(name = "bench", header = "Measure the procedures next to their manual alternatives.")
public class BenchOptions {
    /** Names of all benchmarks. */
    static final class Names extends ArrayList<String> {
        Names() {
            super(List.of("backup", "console-gather", "deploy-core", "deploy-core-newer", "deploy-local",
                    "deploy-local-pulled", "deploy-workers", "deploy-workers-ansible", "deploy-workers-parallel",
                    "deploy-workers-parallel-ansible", "fan-out-3", "fan-out-30", "fan-out-99", "fan-out-300",
                    "fan-out-ansible-3", "fan-out-ansible-30", "fan-out-ansible-99", "fan-out-ansible-300", "gap",
                    "help", "jdk-help", "jdk-run", "jdk-status", "restore", "stage", "stage-ansible", "stage-change",
                    "stage-change-ansible", "start", "status", "transfer", "verify", "verify-infra",
                    "verify-infra-ansible", "verify-lists", "verify-quick"));
        }
    }

    @Option(names = {"-y", "--yes"}, description = "Do not ask on a fleet that is not the practice fleet.") boolean yes;
    @Option(names = "--pairs", paramLabel = "N", defaultValue = "3",
            description = "How often each is measured (default: ${DEFAULT-VALUE}).") int pairs;
    @Option(names = "--tags", paramLabel = "A,B", split = ",", defaultValue = "sha-1000001,sha-2000002",
            description = "Two good releases to go forth and back between (default: ${DEFAULT-VALUE}).") List<
                    String> tags;
    @Option(names = "--rows", paramLabel = "N", defaultValue = "3000000",
            description = "Rows of the database of backup and restore (default: ${DEFAULT-VALUE}).") int rows;
    @Option(names = "--chart", paramLabel = "FILE", description = "Draw the medians there, as SVG.") Path chart;
    @Parameters(paramLabel = "NAME", description = "What to measure: ${COMPLETION-CANDIDATES} (default: all).",
            completionCandidates = Names.class) List<String> names = List.of();
}
