package ktrdr.deploy;

import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import ktrdr.inventory.Inventory.Node;
import ktrdr.release.History;
import ktrdr.release.Schema;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The options of procedures that replace what runs on nodes; {@link RolloutRun} carries them out. */
public final class RolloutCommand {
    /** How long a procedure that replaces containers waits. */
    public static final class Patience {
        @Option(names = "--timeout", paramLabel = "D", defaultValue = "120s",
                description = "How long to wait for health (default: ${DEFAULT-VALUE}).")
        Duration timeout;

        @Option(names = "--wait-idle", paramLabel = "D", defaultValue = "0s",
                description = "How long busy workers, and the backend, may finish their operation (default: "
                        + "${DEFAULT-VALUE}); then workers get 25 s to save a checkpoint.")
        Duration waitIdle;

        /** Of a rollout that keeps the release, so that there is nothing to go back to. */
        public Rollout.Options staying(boolean parallel) {
            return Rollout.Options.keeping(timeout, waitIdle).parallel(parallel);
        }

        /** Of a rollout that ends on all nodes alike, one workers node after another. */
        public Rollout.Options together() {
            return Rollout.Options.keeping(timeout, waitIdle).reverting();
        }
    }

    @Mixin Patience patience;

    @Option(names = "--no-rollback",
            description = "Leave a node as it is when it does not become healthy, instead of rolling it back.")
    boolean noRollback;

    @Option(names = "--on-failure", paramLabel = "POLICY", defaultValue = "stop",
            description = "When a node fails: stop, revert the nodes already done, or continue with the rest (default: "
                    + "${DEFAULT-VALUE}).")
    OnFailure onFailure;

    @Option(names = "--parallel", description = "All workers nodes at once, instead of one after another.")
    boolean parallel;

    @Option(names = "--schema", paramLabel = "POLICY", defaultValue = "refuse",
            description = "If a newer release made the database's schema: refuse, keep the schema, or downgrade it "
                    + "with "
                    + "the newer release after a backup; keep also leaves an older schema (default: "
                    + "${DEFAULT-VALUE}).")
    Schema.Policy schema;

    @Option(names = "--skip-checks", description = "Go on if the checks of disk, Compose or the share fail.")
    boolean skipChecks;

    /**
     * The options of the command line.
     *
     * @param backup whether a migration begins with one
     */
    public Rollout.Options options(Optional<Map<Node, History.Entry>> rollback, boolean backup) {
        return new Rollout.Options(patience.timeout, patience.waitIdle, !noRollback, onFailure, parallel, rollback,
                skipChecks, Optional.of(new Migration.Choice(schema, backup)));
    }
}
