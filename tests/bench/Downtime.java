package bench;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.ToIntFunction;
import java.util.stream.Stream;
import ktrdr.Console;
import ktrdr.Http;
import ktrdr.Problem;
import ktrdr.Sh;
import ktrdr.api.DowntimeProbe;
import ktrdr.fleet.Fleet;
import ktrdr.health.ServiceChecks;
import ktrdr.inventory.Part;
import ktrdr.inventory.Secrets;
import ktrdr.node.Docker;
import ktrdr.release.Stack;
import ktrdr.report.Check;
import ktrdr.ssh.Ssh;

/**
 * Downtime of the backend during its replacement: by {@code deploy}, and by a bare {@code docker compose up -d backend}
 * on the node.
 */
public final class Downtime {
    /** Twenty times a second. */
    private static final Duration PACE = Duration.ofMillis(20);
    private static final Duration PATIENCE = Duration.ofMinutes(2);
    private final Fleet fleet;
    private final Http http;
    private final Console console;
    private final List<String> tags;
    private final ToIntFunction<String> deploy;
    private final Stack stack;
    private final Secrets secrets;

    /**
     * @param tags two good releases to alternate between
     * @param deploy runs {@code deploy core all --tag} for a tag and returns its exit code
     */
    public Downtime(Fleet fleet, Http http, Console console, List<String> tags, ToIntFunction<String> deploy) {
        this.fleet = fleet;
        this.http = http;
        this.console = console;
        this.tags = tags;
        this.deploy = deploy;
        this.stack = Stack.of(fleet.inventory(), fleet.inventory().core());
        this.secrets = Secrets.fetch(fleet.inventory(), stack.secrets(), System.getenv(), console);
    }

    /** Measures, then restores the initial release. */
    public SideBySide measure(int pairs) {
        var found = running();
        try {
            prepare();
            return SideBySide.cold(Case.of("gap"), pairs, () -> window("deploy", this::deploy),
                    () -> window("compose up", this::compose));
        } finally {
            deploy(found);
        }
    }

    /** Pulls both images to the node first: the measurement excludes pulls. */
    private void prepare() {
        for (var tag : tags)
            if (!ssh().run("docker image inspect " + Sh.quote(image(tag)) + " >/dev/null 2>&1\n").ok()) deploy(tag);
        settle();
    }

    private Duration window(String how, Consumer<String> replace) {
        var tag = tags.get(0).equals(running()) ? tags.get(1) : tags.get(0);
        var gap = DowntimeProbe.start(this::answers, PACE);
        try {
            replace.accept(tag);
            await("the backend to answer", () -> answers() && running().equals(tag));
        } catch (RuntimeException e) {
            gap.stop();
            throw e;
        }
        var window = gap.stop();
        console.note("bench", "gap", how + " to " + tag + ": away for " + window.toMillis() + " ms");
        settle();
        return window;
    }

    private void deploy(String tag) {
        int exit = deploy.applyAsInt(tag);
        if (exit != 0) throw Problem.failed("the deployment of " + tag + " ended with exit code " + exit
                + ", so nothing can be said about it");
    }

    /**
     * The manual alternative on the node. It restores the file, so that the next deployment finds no foreign change.
     */
    private void compose(String tag) {
        ssh().must(secrets.shell(stack.secrets()) + "cd " + Sh.quote(stack.node().directory()) + "\n" + """
                cp -p %1$s .%1$s.bench
                trap 'mv -f .%1$s.bench %1$s' EXIT
                sed -i %2$s %1$s
                with_secrets %3$s up -d backend >&2
                """.formatted(stack.envFile(), Sh.quote("s/^IMAGE_TAG=.*/IMAGE_TAG=" + tag + "/"), stack.compose()));
    }

    private boolean answers() {
        return http.get(fleet.inventory().url(Part.BACKEND) + "/api/v1/health").ok();
    }

    /** The release of the backend's container. */
    private String running() {
        return Docker.service(containers(), "backend").map(Docker.Container::tag)
                .orElseThrow(() -> Problem.failed("no backend runs on " + stack.node().name())
                .fix("jbang deploy@ktrdr all"));
    }

    private List<Docker.Container> containers() {
        return Docker.containers(ssh().must(Docker.containersOf(stack.project())));
    }

    /** Both sides start in the same state: all containers healthy, all workers registered. */
    private void settle() {
        var checks = new ServiceChecks(fleet.inventory(), http);
        await("the fleet to be healthy",
                () -> Check.allOk(
                        Stream.concat(ServiceChecks.containers(stack, stack.services(), containers()).stream(),
                checks.workers(fleet.inventory().workers()).stream()).toList()));
    }

    private static void await(String what, BooleanSupplier condition) {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (!holds(condition)) {
            if (System.nanoTime() > deadline)
                throw Problem.failed("waited in vain for " + what).expected("within " + PATIENCE.toSeconds() + " s");
            try {
                TimeUnit.MILLISECONDS.sleep(200);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw Problem.failed("interrupted while it was measured").because(e);
            }
        }
    }

    private static boolean holds(BooleanSupplier condition) {
        try {
            return condition.getAsBoolean();
        } catch (Problem notYet) {
            return false;
        }
    }

    private String image(String tag) {
        return stack.images(List.of("backend"), tag).get("backend");
    }

    private Ssh ssh() {
        return fleet.ssh(stack.node());
    }
}
