package suite;

import static java.util.concurrent.CompletableFuture.runAsync;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.time.LocalDate;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.Function;
import java.util.function.Supplier;
import ktrdr.Console;
import org.junit.platform.engine.DiscoverySelector;
import org.junit.platform.engine.discovery.DiscoverySelectors;
import org.junit.platform.launcher.TestPlan;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/** Runs lanes of tests in parallel; lanes without a fleet run while it comes up. */
public final class Suite {
    /** Threads for the classes of a lane that runs alone, where most tests wait, and of one that runs with others. */
    private static final int ALONE = 4;
    private static final int SIDE_BY_SIDE = 1;
    private static final String IN_PARALLEL = "junit.jupiter.execution.parallel.";
    /** Classes run in parallel, the tests of each one in sequence. */
    private static final Map<String, String> PARALLEL = Map.of("enabled", "true", "mode.default", "same_thread",
            "mode.classes.default", "concurrent", "config.executor-service", "FORK_JOIN_POOL",
            "config.strategy", "fixed", "config.fixed.parallelism", String.valueOf(ALONE),
            "config.fixed.max-pool-size", String.valueOf(ALONE));
    private final Console console;
    private final Supplier<LauncherDiscoveryRequestBuilder> request;
    private final Function<Lane, LauncherDiscoveryRequestBuilder> chosen;
    private final boolean everything;
    private final Optional<Duration> within;
    private final TimeTable times = new TimeTable();
    private final Map<Lane, Results> results = new EnumMap<>(Lane.class);
    private boolean twoFleets;

    /**
     * @param request an empty launch with the common settings
     * @param chosen the launch of the selected tests of a lane
     * @param everything whether these are all tests, so that a class can run as a whole
     * @param within the time after which no class begins that needs hosts
     */
    public Suite(Console console, Supplier<LauncherDiscoveryRequestBuilder> request,
            Function<Lane, LauncherDiscoveryRequestBuilder> chosen, boolean everything, Optional<Duration> within) {
        this.console = console;
        this.everything = everything;
        this.within = within;
        this.request = request;
        this.chosen = chosen;
    }

    /** Runs these lanes, the fleet's once it is up. Then repeats the tests that failed on real hosts or under load. */
    public Results run(Set<Lane> lanes, Runnable bringUp) {
        for (var lane : lanes)
            results.put(lane, new Results(console, lane == Lane.rest && everything));
        Executor threads = work -> new Thread(work, "lane").start();
        boolean fleet = lanes.contains(Lane.fleet);
        twoFleets = fleet && everything && SecondFleet.pays(console);
        var rest = start(lanes.contains(Lane.rest), () -> launch(Lane.rest, fleet ? SIDE_BY_SIDE : ALONE), threads);
        var up = start(fleet, bringUp, threads);
        var under = new ArrayList<>(List.of(rest));
        if (fleet) under.add(up.thenRunAsync(() -> fleet(threads), threads));
        // each virtual machine takes a processor: run them while the fleet's tests wait, and not with all other lanes
        if (lanes.contains(Lane.guests)) under.add(CompletableFuture.allOf(up, rest)
                .thenRunAsync(this::guests, threads));
        if (lanes.contains(Lane.quiet) && everything) under.add(runAsync(this::quiet, threads));
        under.forEach(CompletableFuture::join);
        if (lanes.contains(Lane.quiet) && !everything) launch(Lane.quiet, SIDE_BY_SIDE);
        var all = new Results(console);
        results.values().forEach(all::add);
        again(all);
        times.print(console, all.spent());
        return all;
    }

    private static CompletableFuture<Void> start(boolean wanted, Runnable work, Executor threads) {
        return wanted ? runAsync(work, threads) : CompletableFuture.completedFuture(null);
    }

    /** Whether the time is over in which classes that need hosts may begin. */
    private boolean over() {
        return within.filter(limit -> times.seconds() > limit.toNanos() / 1e9).isPresent();
    }

    /** Runs the classes of the fleet's lane, with a second fleet if there are many. */
    private void fleet(Executor threads) {
        var plan = plan(Lane.fleet);
        var left = twoFleets || within.isEmpty() ? new FleetClasses(plan, this::over)
                : new FleetClasses(plan, this::over, LocalDate.now().toEpochDay());
        boolean inTurn = twoFleets || everything && within.isPresent();
        if (!inTurn || left.few()) {
            launch(Lane.fleet, SIDE_BY_SIDE);
            return;
        }
        times.lane(Lane.fleet, () -> {
            var second = twoFleets
                    ? CompletableFuture.supplyAsync(() -> SecondFleet.run(console, left::anywhere), threads)
                    : CompletableFuture.completedFuture(new Results(console));
            for (var name = left.here(); name.isPresent(); name = left.here())
                LauncherFactory.create().execute(FleetClasses.only(name.get(), Lane.fleet, request.get()).build(),
                        results.get(Lane.fleet));
            results.get(Lane.fleet).add(second.join());
            results.get(Lane.fleet).notRun(left.left());
        });
    }

    private void guests() {
        if (over()) results.get(Lane.guests).notRun(FleetClasses.names(plan(Lane.guests)).toList());
        else launch(Lane.guests, SIDE_BY_SIDE);
    }

    /** Runs the classes of the quiet lane in an otherwise idle JVM. */
    private void quiet() {
        var left = new ArrayDeque<>(FleetClasses.names(plan(Lane.quiet)).toList());
        times.lane(Lane.quiet, () -> {
            try (var jvm = new OtherJvm(console, List.of(), Map.of(), false)) {
                if (jvm.ready()) jvm.run(() -> Optional.ofNullable(left.poll()), results.get(Lane.quiet));
                else results.get(Lane.quiet).lost(Lane.quiet.name());
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
    }

    private TestPlan plan(Lane lane) {
        return LauncherFactory.create().discover(chosen.apply(lane).build());
    }

    private void launch(Lane lane, int atOnce) {
        var wanted = chosen.apply(lane);
        if (atOnce > 1) PARALLEL.forEach((key, value) -> wanted.configurationParameter(IN_PARALLEL + key, value));
        times.lane(lane, () -> LauncherFactory.create().execute(wanted.build(), results.get(lane)));
    }

    /** Repeats the tests that failed on real hosts or under load; repeats a class whose setup failed as a whole. */
    private void again(Results all) {
        var shaky = all.shaky();
        if (shaky.isEmpty()) return;
        var second = new Results(console);
        var selected = shaky.stream().<DiscoverySelector>map(DiscoverySelectors::selectUniqueId).toList();
        LauncherFactory.create().execute(request.get().selectors(selected).build(), second);
        all.again(second);
    }
}
