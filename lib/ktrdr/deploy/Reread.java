package ktrdr.deploy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import ktrdr.Console;
import ktrdr.Exit;
import ktrdr.Facts;
import ktrdr.Http;
import ktrdr.LastWords;
import ktrdr.Problem;
import ktrdr.Sh;
import ktrdr.Waiting;
import ktrdr.fleet.Fleet;
import ktrdr.health.GrafanaChecks;
import ktrdr.inventory.Inventory.Node;
import ktrdr.inventory.Part;
import ktrdr.node.Docker;
import ktrdr.node.NodeFiles;
import ktrdr.release.FileChangesScript;
import ktrdr.release.NodeLocks;
import ktrdr.report.Check;
import ktrdr.report.Check.Finding;
import ktrdr.report.CheckId;

/**
 * Proves that services of core read their changed configuration, by what they report themselves: Prometheus and
 * Alertmanager the time of their last successful reload in their metrics, Grafana the dashboards that it serves. A
 * signal alone proves nothing: of other services it is said that they were told, and their health is what is proven.
 */
public final class Reread {
    /** A service that answers has read or refused its files within this time. */
    private static final Duration READS = Duration.ofSeconds(15);
    private static final long PAUSE_MILLIS = 300;
    private final Fleet fleet;
    private final NodeLocks locks;
    private final Http http;
    private final Console console;
    private final NodePlan plan;
    private final Duration timeout;
    private final Node node;

    Reread(Fleet fleet, NodeLocks locks, Http http, Console console, NodePlan plan, Duration timeout) {
        this.fleet = fleet;
        this.locks = locks;
        this.http = http;
        this.console = console;
        this.plan = plan;
        this.timeout = timeout;
        this.node = plan.stack().node();
    }

    /**
     * Waits until each service has read its files, then removes the marks by which a later deployment would make it
     * read them again. A timeout is a {@link Problem}.
     *
     * @param out of {@link NodePlan#applyScript}
     */
    void prove(String out) {
        // service to when it was notified, by the node's clock in seconds since 1970
        var told = new TreeMap<String, Long>();
        FileChangesScript.told("reading", out).stream().map(line -> line.split(" "))
                .forEach(words -> told.put(words[0], Facts.number("reading", words[1])));
        if (told.isEmpty()) return;
        try (var step = console.step(node.name(), "config")) {
            var found = told.entrySet().stream()
                    .map(entry -> entry.getKey() + " " + prove(entry.getKey(), entry.getValue()))
                    .collect(Collectors.joining(", "));
            var marks = told.keySet().stream().map(service -> NodeFiles.OURS + "/unread." + service).toList();
            var result = fleet.ssh(node)
                    .run(locks.under(node) + "cd -P \"$directory\"\nrm -f " + Sh.words(marks) + "\n");
            if (!result.ok()) throw NodeLocks.refused(node, result)
                    .orElseGet(() -> Problem.failed(node.name() + ": " + String.join(", ", marks)
                            + " could not be removed").found(result));
            step.done(found);
        }
    }

    private String prove(String service, long since) {
        var part = Stream.of(Part.GRAFANA, Part.PROMETHEUS, Part.ALERTMANAGER)
                .filter(one -> plan.stack().core() && plan.stack().is(service, one)).findFirst();
        if (part.isEmpty()) return "was told";
        var interrupted = "interrupted while waiting for " + service;
        var waiting = new Waiting(timeout, PAUSE_MILLIS, interrupted);
        Waiting reading = null;
        var heard = new AtomicBoolean();
        while (true) {
            var check = part.get() == Part.GRAFANA ? dashboards(service, heard)
                    : metrics(part.get(), service, since, heard);
            if (check.ok()) return check.found();
            if (reading == null && heard.get()) reading = new Waiting(READS, PAUSE_MILLIS, interrupted);
            if (waiting.over() || reading != null && reading.over())
                throw check.problem(node.name() + ": " + service + " did not load its changed configuration")
                        .with("its log", log(service));
            waiting.pause();
        }
    }

    private Check metrics(Part part, String service, long since, AtomicBoolean heard) {
        var url = fleet.inventory().url(part) + "/metrics";
        var ok = part.check() + "_config_last_reload_successful";
        var when = part.check() + "_config_last_reload_success_timestamp_seconds";
        return Check.of(CheckId.ofFleet(part.check(), "config"), node.name(),
                ok + " 1 by " + url + ", for files read since it was told", fix(service), () -> {
                    var text = answer(heard, () -> http.get(url).body());
                    var well = value(ok, text);
                    // of older and of other programs nothing is known, and that is said
                    if (well.isEmpty()) return Finding.good("does not report whether it read its files");
                    if (well.get(0) == 1 && value(when, text).stream().anyMatch(time -> time >= since))
                        return Finding.good("has read its files");
                    return Finding.bad(ok + " " + (well.get(0) == 1 ? "1, of files read before" : "0"));
                });
    }

    private Check dashboards(String service, AtomicBoolean heard) {
        var inventory = fleet.inventory();
        return Check.of(CheckId.ofFleet(Part.GRAFANA.check(), "config"), node.name(),
                "the dashboards of " + node.directory() + "/monitoring/grafana/dashboards", fix(service), () -> {
                    int status = answer(heard,
                            () -> http.get(inventory.url(Part.GRAFANA) + "/api/frontend/settings").status());
                    if (Set.of(401, 403).contains(status))
                        return Finding.good("requires a login: its dashboards were not compared");
                    var shown = new GrafanaChecks(inventory, http)
                            .dashboards(plan.revision().files(), new ArrayList<>());
                    return shown.stream().filter(check -> !check.ok()).findFirst()
                            .map(check -> Finding.bad(check.id() + ": " + check.found()))
                            .orElseGet(() -> Finding.good("serves " + shown.size() + " dashboards as in their files"));
                });
    }

    private String fix(String service) {
        return "on " + node.name() + ": docker logs " + plan.stack().container(service);
    }

    private static <T> T answer(AtomicBoolean heard, Supplier<T> ask) {
        try {
            var answer = ask.get();
            heard.set(true);
            return answer;
        } catch (Problem silent) {
            if (silent.exit() == Exit.INTERRUPTED) throw silent;
            throw Problem.failed("no answer").found("no answer: " + silent.foundOrSentence());
        }
    }

    /** The values of a series without labels in Prometheus' text format. */
    public static List<Double> value(String name, String text) {
        return Pattern.compile("(?m)^" + Pattern.quote(name) + " ([0-9.]+(?:[eE][+-]?[0-9]+)?)\\b").matcher(text)
                .results().map(found -> Double.parseDouble(found.group(1))).toList();
    }

    private String log(String service) {
        return LastWords.of(fleet.ssh(node)
                .run(Docker.logTail(plan.stack().container(service), LastWords.LINES)).out());
    }
}
