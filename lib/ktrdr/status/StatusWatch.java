package ktrdr.status;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.function.Supplier;
import ktrdr.Console;
import ktrdr.FullScreen;
import ktrdr.Threads;
import ktrdr.Units;
import ktrdr.report.Check;

/**
 * A {@link FleetStatus} that refreshes: in place on a terminal, elsewhere one line or one JSON document per refresh. It
 * ends after its time, on q, or when its thread is interrupted.
 */
public final class StatusWatch {
    private static final long RESIZE_NANOS = 500_000_000;
    private final Console console;
    private final boolean json;
    private final Duration interval;
    private final StatusChanges changes = new StatusChanges();
    private FullScreen terminal;
    private FullScreen.Size size;
    private long sized;
    private long asking;
    private FleetStatus status;
    private boolean quit;

    /**
     * What came of it.
     *
     * @param last the status at the end; empty when it ended before the first was there
     * @param interrupted whether the operator stopped it
     * @param drawn whether it was on a terminal, which shows nothing of it any more
     */
    public record Watched(Optional<FleetStatus> last, StatusChanges changes, boolean interrupted, boolean drawn) {}

    /** @param interval from the beginning of one refresh to that of the next */
    public StatusWatch(Console console, boolean json, Duration interval) {
        this.console = console;
        this.json = json;
        this.interval = interval;
    }

    /** Watches for so long, or without end. The first refresh is waited for in any case. */
    public Watched run(Supplier<FleetStatus> look, Optional<Duration> until) {
        long end = until.map(time -> System.nanoTime() + time.toNanos()).orElse(Long.MAX_VALUE);
        boolean interrupted = false;
        try (var room = json ? null : console.terminal().orElse(null)) {
            terminal = room;
            while (!quit) {
                long started = System.nanoTime();
                if (!refresh(look, end)) break;
                while (!quit && System.nanoTime() - started < interval.toNanos() && System.nanoTime() < end) tick();
                if (System.nanoTime() >= end) break;
            }
        } catch (InterruptedException e) {
            interrupted = true;
        }
        return new Watched(Optional.ofNullable(status), changes, interrupted, terminal != null);
    }

    /**
     * Asks on a thread of its own, so that keys and the size of the terminal count meanwhile; false when it was not
     * waited for.
     */
    private boolean refresh(Supplier<FleetStatus> look, long end) throws InterruptedException {
        var task = new FutureTask<>(look::get);
        Threads.daemon("watch", task);
        asking = System.nanoTime();
        try {
            while (!task.isDone()) {
                if (quit || status != null && System.nanoTime() >= end) return false;
                tick();
            }
            status = task.get();
        } catch (ExecutionException e) {
            throw Threads.failure(e);
        } finally {
            task.cancel(true);
            asking = 0;
        }
        changes.add(status);
        show();
        if (console.unheard()) quit = true;
        return true;
    }

    private void show() {
        var report = new StatusReport(status);
        if (terminal != null) draw(FullScreen.size());
        else if (json) console.print(report.json());
        else console.print(report.line());
    }

    /** A fifth of a second, in which a key may come. */
    private void tick() throws InterruptedException {
        if (terminal == null) {
            Thread.sleep(50);
            return;
        }
        terminal.key().filter(key -> key == 'q' || key == 'Q').ifPresent(key -> quit = true);
        if (Thread.interrupted()) throw new InterruptedException();
        if (System.nanoTime() - sized < RESIZE_NANOS) return;
        var now = FullScreen.size();
        if (!now.equals(size) || late() > 0) draw(now);
        sized = System.nanoTime();
    }

    /** Seconds for which an answer was waited for that should have been there; 0 as long as that is usual. */
    private long late() {
        long seconds = asking == 0 ? 0 : (System.nanoTime() - asking) / 1_000_000_000;
        return seconds < 3 ? 0 : seconds;
    }

    private void draw(FullScreen.Size now) {
        size = now;
        terminal.draw(status == null ? List.of("querying the fleet …") : screen(new StatusReport(status)), now);
    }

    private List<String> screen(StatusReport report) {
        var lines = new ArrayList<>(List.of(status.inventory().source() + "  " + status.time() + "  every "
                + Units.duration(interval) + ", q quits"
                + (late() > 0 ? "; waiting for an answer for " + late() + " s" : ""), ""));
        for (var table : report.tables()) {
            if (table.isEmpty()) continue;
            lines.addAll(table.lines(size.columns()));
            lines.add("");
        }
        report.problems().forEach(problem -> lines.addAll(problem.lines()));
        lines.add(Check.summary(report.checks()));
        lines.addAll(report.remarks());
        return lines;
    }
}
