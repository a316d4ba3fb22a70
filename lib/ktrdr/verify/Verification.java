package ktrdr.verify;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import ktrdr.Console;
import ktrdr.Http;
import ktrdr.Problem;
import ktrdr.Threads;
import ktrdr.Waiting;
import ktrdr.api.ApiUse;
import ktrdr.fleet.Fleet;
import ktrdr.health.GrafanaChecks;
import ktrdr.health.RootCauses;
import ktrdr.health.ServiceChecks;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Inventory.Node;
import ktrdr.inventory.Part;
import ktrdr.node.Mount;
import ktrdr.release.Stack;
import ktrdr.release.StackShare;
import ktrdr.report.Check;
import ktrdr.report.CheckId;
import ktrdr.share.NfsProof;
import ktrdr.status.FleetStatus;

/**
 * The proof that the system works: what {@link FleetStatus} sees of services, workers and targets, and in addition a
 * query of the database, its port from every workers node, Grafana, Prometheus' own data; in full also a sample
 * operation with its trace and result, and files that every node sees of every other.
 */
public final class Verification implements AutoCloseable {
    /** Of the checks of {@link FleetStatus}, those about what runs: not machines, locks and files. */
    private static final String[] RUNS = {"ssh", "host", "stack", "container", "proof", "services", "mounts",
            "registered", "gpu", "health", "firewall", "backup"};
    /** Of the whole fleet, all of these. */
    private static final Set<String> FLEET = Set.of("images", "workers", "targets");
    private static final String CANCELLED = "interrupted; the sample operation was cancelled";
    private static final Duration HEAD_START = Duration.ofSeconds(1);
    /** A target is taken for down until Prometheus asks it again, which it does every 15 s. */
    private static final Duration SCRAPES = Duration.ofSeconds(20);
    private static final Duration FIRST_DATA = Duration.ofSeconds(60);
    /** The checks that Prometheus has data. */
    private static final Set<CheckId> DATA =
            Set.of(CheckId.ofFleet(Part.PROMETHEUS.check(), "metrics"), CheckId.ofFleet(Part.GRAFANA.check(), "query"));
    private static final Duration GIVE_UP = Duration.ofSeconds(15);
    private final Fleet fleet;
    private final Inventory inventory;
    private final Http http;
    private final Console console;
    private final ExecutorService threads = Executors.newCachedThreadPool(Threads.daemons("verify"));

    public Verification(Fleet fleet, Http http, Console console) {
        this.fleet = fleet;
        this.inventory = fleet.inventory();
        this.http = http;
        this.console = console;
    }

    /**
     * What was found.
     *
     * @param status what runs, as {@code status} sees it
     * @param remarks what could not be checked, and why
     */
    public record Findings(FleetStatus status, List<Check> checks, List<String> remarks) {
        /** The nodes that were not reached. */
        public Map<Node, Problem> unreached() {
            return status.unreached();
        }

        /** A problem for each thing that does not hold, with what it takes with it. */
        public List<Problem> problems() {
            return RootCauses.problems(status.inventory(), checks);
        }

        /** Whether a target is down that Prometheus may not have asked since its container began. */
        boolean early() {
            return checks.stream().anyMatch(check -> FleetStatus.due(check, status.time(), status.nodes()));
        }

        /**
         * How long it may take until what does not hold is known not to: Prometheus has what it shows, of rates and of
         * rules too, some scrapes after its start.
         */
        Duration due() {
            boolean fresh = status.young(Part.PROMETHEUS) || status.young(Part.BACKEND);
            boolean data = checks.stream().anyMatch(check -> !check.ok() && DATA.contains(check.what()));
            return fresh && data ? FIRST_DATA : early() ? SCRAPES : Duration.ZERO;
        }

        /** For machines, without {@code ok} and {@code checks}; docs/reference/verify.md describes it. */
        public Map<String, Object> document() {
            var releases = new LinkedHashMap<String, String>();
            status.nodes().forEach((node, at) ->
                    releases.put(node.name(), Stack.of(status.inventory(), node).release(at.containers())));
            var document = new LinkedHashMap<String, Object>();
            document.put("time", status.time().toString());
            document.put("releases", releases);
            document.put("causes", RootCauses.of(status.inventory(), checks));
            document.put("remarks", remarks);
            return document;
        }
    }

    /** The checks that take no longer than a few seconds; they are repeated for so long while one of them fails. */
    public Findings quick(Duration wait) {
        var waiting = new Waiting(wait, 1000, "interrupted while waiting");
        try (var step = console.step("fleet", "verify")) {
            var found = look();
            while (!Check.allOk(found.checks()) && !(waiting.over() && waiting.passed(found.due()))) {
                step.now(found.checks().stream().filter(check -> !check.ok()).count() + " checks do not hold yet");
                waiting.pause();
                fleet.retry();
                found = look();
            }
            return found;
        }
    }

    /**
     * All of it. With a time to wait, the sample operation starts after the other checks pass, else in parallel with
     * them.
     */
    public Findings full(Duration wait) {
        var held = wait.isZero() ? Optional.<Findings>empty() : Optional.of(quick(wait));
        var begun = new CompletableFuture<Void>().completeOnTimeout(null, HEAD_START.toMillis(), TimeUnit.MILLISECONDS);
        var sample = threads.submit(() -> sample(begun));
        try {
            // the operation is what takes longest: it is on its way before all connections are opened at once
            Threads.get(begun, CANCELLED);
            var quick = held.orElseGet(() -> quick(wait));
            var checks = new ArrayList<>(quick.checks());
            try (var step = console.step("fleet", "share")) {
                checks.addAll(share(quick.status()));
            }
            var sampled = Threads.get(sample, CANCELLED);
            checks.addAll(sampled.checks());
            return new Findings(quick.status(), checks,
                    Stream.concat(quick.remarks().stream(), sampled.remarks().stream()).toList());
        } finally {
            end(sample);
        }
    }

    private SampleRun.Checked sample(CompletableFuture<Void> begun) {
        if (!backend()) {
            begun.complete(null);
            return new SampleRun.Checked(List.of(), List.of());
        }
        try (var step = console.step("fleet", "sample")) {
            return new SampleRun(fleet, http).run(step::now, () -> begun.complete(null));
        } finally {
            begun.complete(null);
        }
    }

    /** Has an operation that is under way cancelled, and waits for that. */
    private void end(Future<?> sample) {
        if (sample.isDone()) return;
        threads.shutdownNow();
        Threads.uninterrupted(this::cancelled);
    }

    private void cancelled() {
        try {
            if (!threads.awaitTermination(GIVE_UP.toMillis(), TimeUnit.MILLISECONDS))
                console.note("the sample operation could not be cancelled: jbang operations@ktrdr list --active");
        } catch (InterruptedException again) {
            Thread.currentThread().interrupt();
        }
    }

    private boolean backend() {
        return Stack.of(inventory, inventory.core()).service(Part.BACKEND).isPresent();
    }

    private Findings look() {
        var checks = new ServiceChecks(inventory, http);
        var grafana = threads.submit(new GrafanaChecks(inventory, http)::checks);
        var metrics = threads.submit(checks::metrics);
        var api = threads.submit(() -> backend() ? Optional.of(ApiUse.compared(inventory, http))
                : Optional.<ApiUse.Compared>empty());
        var database = threads.submit(
                () -> fleet.each((node, ssh) -> node.equals(inventory.core()) ? checks.databaseAndSchema(ssh)
                        : Stack.of(inventory, node).working() ? checks.databaseFrom(node, ssh) : List.<Check>of()));
        var status = FleetStatus.look(fleet, http);
        var all = status.checks(true).stream().filter(check -> runs(check.what())).map(check -> named(status, check))
                .collect(Collectors.toCollection(ArrayList::new));
        Threads.get(database, "interrupted").values().values().forEach(all::addAll);
        all.addAll(Threads.get(metrics, "interrupted"));
        all.addAll(Threads.get(grafana, "interrupted"));
        var compared = Threads.get(api, "interrupted");
        compared.flatMap(said -> said.check(inventory)).ifPresent(all::add);
        var remarks = new ArrayList<>(status.chosen().values());
        compared.filter(said -> !said.unknown().isEmpty()).flatMap(ApiUse.Compared::words)
                .ifPresent(words -> remarks.add(ApiUse.CHECK + " was " + words));
        return new Findings(status, all, remarks);
    }

    private static boolean runs(CheckId check) {
        return check.target() || check.is(RUNS) || FLEET.stream().anyMatch(check::ofFleet);
    }

    /** Turns the status check of services into a check of the release. */
    private static Check named(FleetStatus status, Check check) {
        if (!check.what().is("services")) return check;
        var node = status.inventory().node(check.node());
        var found = check.ok() ? Stack.of(status.inventory(), node).release(status.nodes().get(node).containers())
                + ", images as released" : check.found();
        return new Check(CheckId.ofNode(check.node(), "release"), check.node(), check.ok(), check.expected(), found,
                check.fix(), check.seconds());
    }

    /** Each node that was reached: the share is there, and what any of them writes is seen by all the others. */
    private List<Check> share(FleetStatus status) {
        long started = System.nanoTime();
        var wrong = new LinkedHashMap<Node, Problem>();
        status.nodes().forEach((node, at) -> new StackShare(inventory, node).wrong(at.host().share())
                .ifPresent(problem -> wrong.put(node, problem)));
        var sharing = status.nodes().keySet().stream()
                .filter(node -> new StackShare(inventory, node).there()).toList();
        var good = sharing.stream().filter(node -> !wrong.containsKey(node)).toList();
        var proof = NfsProof.prove(fleet.of(status.inventory(), status.inventory().nodes()), good);
        wrong.putAll(proof.problems());
        double seconds = Math.round((System.nanoTime() - started) / 1e6) / 1e3;
        return sharing.stream().map(node -> share(node, wrong.get(node), proof, seconds)).toList();
    }

    private Check share(Node node, Problem wrong, NfsProof.Proven proof, double seconds) {
        var path = Mount.path(inventory, node);
        var read = proof.seen().stream().filter(seen -> seen.read().containsKey(node.name())).count();
        var wrote = proof.seen().stream().anyMatch(seen -> seen.writer().equals(node))
                ? "wrote a file that all others read, " : "";
        var found = wrong == null ? wrote + "read those of " + read + " other nodes"
                : wrong.sentenceAndFound();
        return new Check(CheckId.ofNode(node, "share"), node.name(), wrong == null,
                "the share at " + path + ", with the same files as elsewhere", found,
                wrong == null ? "" : wrong.fixOr("jbang setup-nfs@ktrdr --check"), seconds);
    }

    @Override
    public void close() {
        threads.shutdownNow();
    }
}
