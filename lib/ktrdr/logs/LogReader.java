package ktrdr.logs;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Predicate;
import ktrdr.CommandResult;
import ktrdr.Console;
import ktrdr.Exit;
import ktrdr.Problem;
import ktrdr.ScriptExit;
import ktrdr.Threads;
import ktrdr.Units;
import ktrdr.fleet.Fleet;
import ktrdr.inventory.Inventory.Node;
import ktrdr.release.Stack;
import ktrdr.report.Repeated;
import ktrdr.ssh.Ssh;

/**
 * Reads the logs of many containers on many nodes, in the order of their times, and follows them: through the
 * replacement and restart of a container, a restart of the Engine, and a lost connection. Waiting lines are bounded: if
 * lines arrive faster than the sink takes them, the nodes wait.
 */
public final class LogReader {
    private static final Duration WINDOW = Duration.ofMillis(300);
    private static final long WAITING = 1 << 20;
    private static final int BATCH = 256;
    private static final int LONGEST_PAUSE = 10;

    /** Receives the lines. */
    @FunctionalInterface
    public interface Sink {
        /** One line; returns whether more are wanted. */
        boolean take(String time, String node, String service, String text);
    }

    /**
     * What to read.
     *
     * @param services of the nodes; empty for all
     * @param tail lines of each container, or all
     * @param since as in {@link LogScript}
     * @param filter of the text of a line
     */
    public record Query(List<String> services, String tail, String since, boolean follow, Predicate<String> filter) {
        /** The same of these services. */
        public Query of(List<String> others) {
            return new Query(others, tail, since, follow, filter);
        }
    }

    private final Fleet fleet;
    private final Query query;
    private final Console console;
    private final Sink sink;
    private final Thread reader = Thread.currentThread();
    private final Map<Node, Set<String>> listed = new HashMap<>();
    private List<Node> reached = List.of();
    private LogMerge merge;
    private boolean complete;
    private boolean stopped;
    private boolean failed;

    /** To be used by the calling thread. */
    public LogReader(Fleet fleet, Query query, Console console, Sink sink) {
        this.fleet = fleet;
        this.query = query;
        this.console = console;
        this.sink = sink;
    }

    /**
     * Reads until the end or, following, until the thread is interrupted or the sink takes no more. Problems are
     * reported, and decide the exit code.
     */
    public Exit read() {
        var connected = fleet.each((node, ssh) -> ssh);
        if (Thread.interrupted()) return Exit.INTERRUPTED;
        var exit = told(connected.problems());
        reached = List.copyOf(connected.values().keySet());
        if (reached.isEmpty()) return exit;
        merge = new LogMerge(reached.stream().map(Node::name).toList(), WINDOW, WAITING);
        var printer = Threads.daemon("logs", this::print);
        // lines in the order of their times need all nodes at once, however many
        var outcomes = fleet.atOnce(reached.size()).each(reached::contains, (node, ssh) -> read(node, ssh));
        boolean interrupted = Thread.interrupted();
        if (stopped()) return Exit.OK;
        if (interrupted || !finish(printer)) return stopped() ? Exit.OK : Exit.INTERRUPTED;
        return exit.and(told(outcomes.problems())).and(failed() ? Exit.FAILED : Exit.OK);
    }

    /**
     * Follows the log of a service from now on until a line matches, which is printed with its time; a {@link Problem}
     * if none came within the limit. Like {@link #read} for the calling thread.
     */
    public static Exit until(Fleet fleet, LogChoice choice, Predicate<String> wanted, Duration limit, Console console) {
        var waiting = Thread.currentThread();
        var over = new AtomicBoolean();
        var alarm = CompletableFuture.runAsync(() -> {
            over.set(true);
            waiting.interrupt();
        }, CompletableFuture.delayedExecutor(limit.toMillis(), TimeUnit.MILLISECONDS));
        var exit = new LogReader(fleet, new Query(choice.services(), "0", "", true, wanted), console,
                (time, node, service, text) -> {
                    console.print(time + " " + node + " " + service + " " + text);
                    return false;
                }).read();
        alarm.cancel(false);
        if (exit != Exit.INTERRUPTED || !over.get()) return exit;
        throw Problem.failed("no matching line within " + Units.duration(limit)).expected("a line that matches")
                .found("none");
    }

    private Exit told(Map<Node, Problem> problems) {
        Repeated.once(problems).forEach(console::problem);
        return problems.values().stream().map(Problem::exit).reduce(Exit.OK, Exit::and);
    }

    private synchronized boolean failed() {
        return failed;
    }

    private synchronized boolean stopped() {
        return stopped;
    }

    /** Waits until all lines are printed; false if interrupted. */
    private boolean finish(Thread printer) {
        synchronized (this) {
            complete = true;
            notifyAll();
        }
        try {
            printer.join();
            return true;
        } catch (InterruptedException e) {
            return false;
        }
    }

    private void print() {
        try {
            for (var lines = next(); !lines.isEmpty(); lines = next())
                for (var line : lines)
                    if (!sink.take(line.time(), line.node(), line.service(), line.text())) {
                        stop();
                        return;
                    }
        } catch (InterruptedException e) {
            // the reader was interrupted
        }
    }

    private synchronized void stop() {
        stopped = true;
        reader.interrupt();
    }

    /** Lines whose turn has come; none at the end. */
    private synchronized List<LogMerge.Line> next() throws InterruptedException {
        var lines = new ArrayList<LogMerge.Line>();
        while (true) {
            long now = System.nanoTime();
            for (var line = merge.next(now); line.isPresent(); line = merge.next(now)) {
                lines.add(line.get());
                if (lines.size() == BATCH) break;
            }
            if (!lines.isEmpty()) {
                notifyAll();
                return lines;
            }
            if (complete && merge.empty()) return lines;
            long patience = merge.patience(now);
            // a node that still sends its past may hold back lines
            wait(patience == Long.MAX_VALUE ? 0 : Math.max(10, patience / 1_000_000 + 1));
        }
    }

    private final class Feed implements LogNode.Listener {
        private final Node node;

        private Feed(Node node) {
            this.node = node;
        }

        @Override
        public void line(LogMerge.Line line) {
            if (query.filter().test(line.text())) add(line);
        }

        @Override
        public void docker(String service, String text) {
            console.note(node.name(), service, "docker: " + text);
            unread();
        }

        @Override
        public void listed(Set<String> services) {
            heard(node, services);
        }

        @Override
        public void live() {
            LogReader.this.live(node);
        }
    }

    private synchronized void unread() {
        failed = true;
    }

    /** Adds a line, as soon as there is room. */
    private synchronized void add(LogMerge.Line line) {
        try {
            while (merge.full(line.node()) && !stopped) wait();
        } catch (InterruptedException e) {
            throw Threads.interrupted("interrupted", e);
        }
        merge.add(line, System.nanoTime());
        notifyAll();
    }

    private synchronized void live(Node node) {
        merge.live(node.name());
        notifyAll();
    }

    private synchronized void heard(Node node, Set<String> services) {
        boolean first = listed.put(node, services) == null;
        if (first && listed.size() == reached.size()) missing();
    }

    /** Reports services without a container, and nodes without any. */
    private void missing() {
        var there = new HashSet<String>();
        listed.values().forEach(there::addAll);
        for (var service : query.services())
            if (!there.contains(service)) absent("there is no container of " + service + " on "
                    + String.join(", ", reached.stream().map(Node::name).toList()));
        if (query.services().isEmpty())
            for (var node : reached)
                if (listed.get(node).isEmpty()) absent("there is no container of " + Stack.of(fleet.inventory(), node)
                        .project() + " on " + node.name());
    }

    private void absent(String sentence) {
        failed = true;
        console.problem(Problem.failed(sentence).expected("a container, running or stopped")
                .fix("jbang status@ktrdr shows what runs where"));
    }

    private Exit read(Node node, Ssh ssh) {
        var log = new LogNode(node.name(), new Feed(node));
        try {
            var result = ssh.run(script(node, log), log::accept);
            if (!query.follow() && ScriptExit.of(result) == ScriptExit.NOT_WRITTEN) throw Problem.failed(node.name()
                    + ": logs cannot be read there, nothing can be written to its folder for temporary files")
                    .found(result).fix("on " + node.name() + ": df -h /tmp, then make room");
            if (!query.follow() && !result.ok())
                throw Problem.failed(node.name() + ": reading logs ended with exit code " + result.exit())
                        .expected("exit code 0").found(result);
            if (query.follow())
                again(node, log, "the script there ended with exit code " + result.exit() + brief(result));
        } catch (Problem problem) {
            if (!query.follow() || problem.exit() != Exit.UNREACHABLE) throw problem;
            again(node, log, "the connection was lost");
        } finally {
            live(node);
        }
        return Exit.OK;
    }

    private String script(Node node, LogNode log) {
        return new LogScript(Stack.of(fleet.inventory(), node).project(), query.services(), query.tail(), query.since(),
                query.follow(), log.resume()).text();
    }

    private static String brief(CommandResult result) {
        return result.lastWords().isEmpty() ? "" : ": " + Console.brief(result.lastWords(), 200);
    }

    /** Follows again after a failure, for as long as it takes. */
    private void again(Node node, LogNode log, String why) {
        live(node);
        console.note(node.name(), "logs", why + "; connecting again");
        for (int pause = 1; ; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
            Threads.pause(pause * 1000L, "interrupted");
            try {
                var ssh = fleet.ssh(node);
                console.note(node.name(), "logs", "connected again");
                pause = 1;
                var result = ssh.run(script(node, log), log::accept);
                console.note(node.name(), "logs", "the script there ended with exit code " + result.exit()
                        + brief(result) + "; connecting again");
            } catch (Problem problem) {
                if (problem.exit() != Exit.UNREACHABLE) throw problem;
                console.detail(node.name(), "logs", problem.sentence());
            }
        }
    }
}
