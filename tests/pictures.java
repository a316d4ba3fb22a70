///usr/bin/env jbang "$0" "$@" ; exit $?
//SOURCES ../lib/ktrdr.java
//SOURCES PicturesOptions.java
//SOURCES ktrdr/Project.java
//SOURCES pictures/*.java
//SOURCES lab/Browser.java
//SOURCES lab/lab.java
//DESCRIPTION Draw pictures of the dashboards, with the number of series per query

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import ktrdr.Exit;
import ktrdr.Http;
import ktrdr.OutputFile;
import ktrdr.Problem;
import ktrdr.Project;
import ktrdr.cli.Cli;
import ktrdr.inventory.Part;
import ktrdr.report.Document;
import lab.Browser;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import pictures.Answers;
import pictures.Page;
import pictures.Picture;
import pictures.Prometheus;
import pictures.Recording;
import pictures.Topology;

@Command(name = "pictures",
        header = "Draw pictures of the dashboards, with the number of series per query.",
        description = {"",
                "The dashboards' files are laid out and drawn like Grafana does, by uPlot in a headless Chromium; it "
                        + "is a preview, and not Grafana. Every query of every panel is asked of the fleet's "
                + "Prometheus, with all values of the variables. A table of them goes to standard output as Markdown. "
                + "Nothing on the fleet is changed, but by what --terminal and --terminal-failed run.", ""},
        footer = {"", "Examples:",
                "  ./ktrdr pictures -i .lab/inventory.yaml                               the table alone",
            "  ./ktrdr pictures -i .lab/inventory.yaml --range 30m --to docs/images  and dashboard-UID.png of each",
            "  ./ktrdr pictures ktrdr-system --to /tmp --pages                       of one, and the page beside it",
            "  ./ktrdr pictures --to docs/images --topology --terminal status        the fleet as a drawing, and what "
                    + "a terminal shows of a procedure",
            "  ./ktrdr pictures --to docs/images --terminal-failed 'verify --quick'  of one that fails",
            "  ./ktrdr pictures -o json                                              for machines",
            "", "Exit codes: 0 drawn; 1 a procedure of --terminal did not end as it has to; 2 wrong usage or "
                    + "inventory; 3 Prometheus does not answer."})
public class pictures implements Callable<Exit> {
    @Mixin Cli.Common common;
    @Mixin PicturesOptions asked;

    public static void main(String... args) {
        Cli.main(new pictures(), args);
    }

    @Override
    public Exit call() {
        boolean terminals = !asked.procedures.isEmpty() || !asked.failing.isEmpty();
        boolean others = asked.topology || terminals;
        if (asked.folder != null && !Files.isDirectory(asked.folder)) throw Problem.usage(
                "pictures go into a folder that is there").found(asked.folder.toString())
                .fix("mkdir -p " + asked.folder);
        if ((asked.pages || others) && asked.folder == null)
            throw Problem.usage("this needs a folder to write to").fix("--to FOLDER");
        if (asked.topology) OutputFile.at(asked.folder.resolve("topology.svg")).write(Topology.svg(common.inventory()));
        if (terminals) terminals();
        if (!others || !asked.uids.isEmpty()) dashboards();
        return Exit.OK;
    }

    private void dashboards() {
        var inventory = common.inventory();
        try (var http = new Http(inventory.overrides(), Duration.ofSeconds(20))) {
            var boards = Answers.ofAll(inventory, asked.uids, new Prometheus(http, inventory.url(Part.PROMETHEUS)),
                    asked.until == null ? Instant.now() : asked.until, asked.range);
            if (asked.folder != null) draw(boards);
            if (common.json()) common.report(Document.of("queries", Exit.OK)
                    .with("queries", boards.stream().flatMap(board -> rows(board).stream()).toList()));
            else markdown(boards).forEach(common.console()::print);
        }
    }

    private void terminals() {
        var recordings = new LinkedHashMap<String, Recording>();
        for (var words : asked.procedures) add(recordings, Recording.of(Project.root(), words, Exit.OK), "");
        for (var words : asked.failing)
            add(recordings, Recording.of(Project.root(), words, Exit.FAILED, Exit.ROLLED_BACK), "-failed");
        try (var browser = Browser.start(common.console())) {
            for (var named : recordings.entrySet()) {
                var page = Files.createTempFile("terminal", ".html");
                browser.open(Files.writeString(page, named.getValue().page()), Picture.WIDTH, true);
                browser.await("document.body.dataset.drawn === 'true'");
                var size = browser.evaluate(
                        "(({ width, height }) => [Math.ceil(width), "
                                + "Math.ceil(height)])(document.body.getBoundingClientRect())");
                Picture.write(browser.screenshot(size.path(0).asInt(), size.path(1).asInt()),
                        asked.folder.resolve(named.getKey()));
                Files.delete(page);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void add(Map<String, Recording> recordings, Recording recording, String how) {
        recordings.put("terminal-" + recording.procedure() + how + ".png", recording);
    }

    private void draw(List<Answers> boards) {
        try (var browser = Browser.start(common.console())) {
            for (var board : boards)
                try (var step = common.console().step("picture", board.dashboard().uid())) {
                    var file = asked.folder.resolve("dashboard-" + board.dashboard().uid() + ".png");
                    var page = asked.pages ? asked.folder.resolve("dashboard-" + board.dashboard().uid() + ".html")
                            : Files.createTempFile("dashboard", ".html");
                    browser.open(Files.writeString(page, Page.of(board)), Picture.WIDTH, !asked.light);
                    if (!browser.complaints().isEmpty()) throw Problem.failed("the page of " + board.dashboard().uid()
                            + " is not whole").found(String.join("\n", browser.complaints()));
                    step.done(file + ", " + Picture.write(browser.screenshot(), file) / 1000 + " kB");
                    if (!asked.pages) Files.delete(page);
                }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static List<Map<String, Object>> rows(Answers board) {
        var rows = new ArrayList<Map<String, Object>>();
        for (var answered : board.panels())
            for (var query : answered.queries()) {
                var row = new LinkedHashMap<String, Object>();
                row.put("dashboard", board.dashboard().title());
                row.put("panel", answered.panel().title());
                row.put("type", answered.panel().type());
                row.put("query", query.expression());
                row.put("series", query.series().size());
                rows.add(row);
            }
        return rows;
    }

    private static List<String> markdown(List<Answers> boards) {
        var lines = new ArrayList<>(List.of("| dashboard | panel | query | series |", "|---|---|---|---|"));
        for (var board : boards)
            for (var row : rows(board))
                lines.add("| %s | %s | `%s` | %s |".formatted(row.get("dashboard"), row.get("panel"),
                        row.get("query").toString().replace("|", "\\|"), row.get("series")));
        return lines;
    }
}
