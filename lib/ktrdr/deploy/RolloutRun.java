package ktrdr.deploy;

import java.time.Duration;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import ktrdr.Exit;
import ktrdr.Http;
import ktrdr.cli.Cli;
import ktrdr.fleet.Fleet;
import ktrdr.inventory.Secrets;
import ktrdr.release.NodeLocks;
import ktrdr.release.Stack;
import ktrdr.ssh.Ssh;

/** A rollout from plan to report: plan, look, pull, apply, report. */
public final class RolloutRun {
    private final Cli.Common common;
    private final Fleet fleet;
    private final NodeLocks locks;
    private final Rollout.Options options;
    private final String good;
    private Consumer<Rollout> before = rollout -> {};
    private LocalImages local = LocalImages.none();
    private RolloutExchange exchange = new RolloutExchange() {};

    /** @param good the word for a node where it went well, such as "deployed" */
    public RolloutRun(Cli.Common common, Fleet fleet, NodeLocks locks, Rollout.Options options, String good) {
        this.common = common;
        this.fleet = fleet;
        this.locks = locks;
        this.options = options;
        this.good = good;
    }

    /** Has this done, or confirmed, when all is known and nothing is changed yet. */
    public RolloutRun before(Consumer<Rollout> step) {
        before = step;
        return this;
    }

    /** Takes images from this machine instead of the registry. */
    public RolloutRun carrying(LocalImages images) {
        local = images;
        return this;
    }

    /** Exchanges something else along with the containers. */
    public RolloutRun exchanging(RolloutExchange other) {
        exchange = other;
        return this;
    }

    /** Runs it; a dry run ends after the look. */
    public Exit run(boolean dryRun, BiFunction<Stack, Ssh, NodePlan> planner) {
        long started = System.nanoTime();
        try (var http = new Http(fleet.inventory().overrides(), Duration.ofSeconds(5))) {
            var rollout = new Rollout(fleet, locks, http, common.console(), options, exchange);
            rollout.carrying(local);
            rollout.plan(planner);
            if (rollout.goesOn() || dryRun && !rollout.plans().isEmpty()) {
                var secrets = exchange.given(Secrets.fetch(fleet.inventory(), rollout.secretsNeeded(),
                        rollout.secretsBefore(), common.invocation().environment(), common.console()));
                rollout.look(secrets);
                if (dryRun) return new RolloutReport(common, fleet, rollout, "planned").planned();
                if (rollout.goesOn()) before.accept(rollout);
                if (rollout.goesOn()) rollout.pull(secrets);
                if (rollout.goesOn()) rollout.apply(secrets);
            }
            return new RolloutReport(common, fleet, rollout, good).done(Duration.ofNanos(System.nanoTime() - started));
        }
    }
}
