package suite;

import static java.util.concurrent.CompletableFuture.runAsync;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.Function;
import java.util.function.Supplier;
import ktrdr.Console;
import org.junit.platform.engine.DiscoverySelector;
import org.junit.platform.engine.discovery.DiscoverySelectors;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/** Runs lanes of tests side by side: those that need no fleet while it comes up. */
public final class Suite {
    /** Threads for classes of a lane beside which nothing runs, and beside others. */
    private static final int ALONE = 2;
    private static final int SIDE_BY_SIDE = 1;
    private static final String IN_PARALLEL = "junit.jupiter.execution.parallel.";
    /** Classes side by side, the tests of each one after another. */
    private static final Map<String, String> PARALLEL = Map.of("enabled", "true", "mode.default", "same_thread",
            "mode.classes.default", "concurrent", "config.executor-service", "FORK_JOIN_POOL",
            "config.strategy", "fixed", "config.fixed.parallelism", String.valueOf(ALONE),
            "config.fixed.max-pool-size", String.valueOf(ALONE));
    private final Console console;
    private final Supplier<LauncherDiscoveryRequestBuilder> request;
    private final Function<Lane, LauncherDiscoveryRequestBuilder> chosen;
    private final boolean everything;
    private final TimeTable times = new TimeTable();
    private final Map<Lane, Results> results = new EnumMap<>(Lane.class);

    /**
     * @param request a launch of nothing yet, with what every launch has
     * @param chosen the same of the tests that were asked for in a lane
     * @param everything whether these are all tests, so that a class can be run as a whole
     */
    public Suite(Console console, Supplier<LauncherDiscoveryRequestBuilder> request,
            Function<Lane, LauncherDiscoveryRequestBuilder> chosen, boolean everything) {
        this.console = console;
        this.everything = everything;
        this.request = request;
        this.chosen = chosen;
    }

    /** Runs these lanes, the fleet's once it is up, and then once more what failed on real hosts or beside them. */
    public Results run(Set<Lane> lanes, Runnable bringUp) {
        for (var lane : lanes)
            results.put(lane, new Results(console, lane == Lane.rest && lanes.contains(Lane.fleet)));
        Executor threads = work -> new Thread(work, "lane").start();
        var under = new ArrayList<CompletableFuture<Void>>();
        boolean fleet = lanes.contains(Lane.fleet);
        if (lanes.contains(Lane.rest))
            under.add(runAsync(() -> launch(Lane.rest, fleet ? SIDE_BY_SIDE : ALONE), threads));
        var up = fleet ? runAsync(bringUp, threads) : CompletableFuture.<Void>completedFuture(null);
        // virtual machines are built while the fleet's tests wait, which are the longest, and not while it comes up
        for (var lane : List.of(Lane.fleet, Lane.guests))
            if (lanes.contains(lane)) under.add(up.thenRunAsync(() -> {
                if (lane == Lane.fleet) fleet(threads);
                else launch(lane, SIDE_BY_SIDE);
            }, threads));
        under.forEach(CompletableFuture::join);
        if (lanes.contains(Lane.quiet)) launch(Lane.quiet, SIDE_BY_SIDE);
        var all = new Results(console);
        results.values().forEach(all::add);
        again(all);
        times.print(console, all.spent());
        return all;
    }

    /** The classes of the fleet's lane, on a second fleet too if there are many. */
    private void fleet(Executor threads) {
        var left = new FleetClasses(LauncherFactory.create().discover(chosen.apply(Lane.fleet).build()));
        if (!everything || left.few()) {
            launch(Lane.fleet, SIDE_BY_SIDE);
            return;
        }
        times.lane(Lane.fleet, () -> {
            var second = CompletableFuture.supplyAsync(() -> SecondFleet.run(console, left::anywhere), threads);
            for (var name = left.here(); name.isPresent(); name = left.here())
                LauncherFactory.create().execute(FleetClasses.only(name.get(), request.get()).build(),
                        results.get(Lane.fleet));
            results.get(Lane.fleet).add(second.join());
        });
    }

    private void launch(Lane lane, int atOnce) {
        var wanted = chosen.apply(lane);
        if (atOnce > 1) PARALLEL.forEach((key, value) -> wanted.configurationParameter(IN_PARALLEL + key, value));
        times.lane(lane, () -> LauncherFactory.create().execute(wanted.build(), results.get(lane)));
    }

    /** Runs what failed on real hosts, or beside their tests, once more; a class whose preparation failed, as a whole. */
    private void again(Results all) {
        var shaky = all.shaky();
        if (shaky.isEmpty()) return;
        var second = new Results(console);
        var selected = shaky.stream().<DiscoverySelector>map(DiscoverySelectors::selectUniqueId).toList();
        LauncherFactory.create().execute(request.get().selectors(selected).build(), second);
        all.again(second);
    }
}
