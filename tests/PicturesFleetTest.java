import static lab.Toolkit.ktrdr;
import static lab.Toolkit.refused;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import javax.imageio.ImageIO;
import ktrdr.Console;
import ktrdr.Http;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Part;
import lab.Aftermath;
import lab.Browser;
import lab.Spent;
import lab.World;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import pictures.Answers;
import pictures.Page;
import pictures.Picture;
import pictures.Prometheus;

/**
 * A browser draws the dashboards from the practice fleet's Prometheus: no overlaps, no cut-off text, and only panels
 * without series are empty.
 */
@Tag("fleet")
class PicturesFleetTest {
    private static final Duration SHOWN = Duration.ofMinutes(15);
    /** Records text that is drawn outside of its canvas; must load before the page's own scripts. */
    private static final String WATCH = """
            <script>
              const outside = [], plain = CanvasRenderingContext2D.prototype.fillText;
              CanvasRenderingContext2D.prototype.fillText = function (text, x, y, ...more) {
                const width = this.measureText(text).width, at = this.getTransform().transformPoint({ x, y });
                const left = at.x - (this.textAlign === 'right' ? width : this.textAlign === 'center' ? width / 2 : 0);
                if (left < -0.5 || left + width > this.canvas.width + 0.5 || at.y < 0 || at.y > this.canvas.height) \
            outside.push(text);
                plain.call(this, text, x, y, ...more);
              };
            </script>
            """;
    private static final String OVERLAPS = """
            (() => {
              const boxes = [...document.querySelectorAll('.panel, .row, header')].map(box => [box, \
            box.getBoundingClientRect()]);
              const wrong = [];
              boxes.forEach(([a, one], i) => {
                if (one.left < 0 || one.right > innerWidth) wrong.push(a.textContent.slice(0, 40) + ' sticks out of \
            the page');
                boxes.slice(i + 1).forEach(([b, other]) => {
                  if (one.left < other.right && other.left < one.right && one.top < other.bottom && other.top < \
            one.bottom)
                    wrong.push(a.textContent.slice(0, 40) + ' lies over ' + b.textContent.slice(0, 40));
                });
              });
              return wrong;
            })()""";
    /** Elements that are wider than their box or leave their panel. */
    private static final String CUT_OFF = """
            (() => {
              const wrong = outside.map(text => 'on a canvas: ' + text);
              for (const box of document.querySelectorAll('.panel, .row, header')) {
                const around = box.getBoundingClientRect();
                for (const one of [box, ...box.querySelectorAll('*')]) {
                  const at = one.getBoundingClientRect();
                  if (at.right > around.right + 0.5 || at.bottom > around.bottom + 0.5 && \
            !one.parentElement.closest('.scrolls') || at.left < around.left - 0.5 || one.scrollWidth > \
            one.clientWidth + 1 && one.clientWidth > 0)
                    wrong.push(box.textContent.slice(0, 40) + ': ' + one.tagName + ' ' + one.className + ' ' + \
            one.textContent.slice(0, 40));
                }
                const parts = [...box.children].map(part => part.getBoundingClientRect());
                parts.slice(1).forEach((part, i) => { if (box.className === 'panel' && part.top < parts[i].bottom - \
            0.5) wrong.push(box.textContent.slice(0, 40) + ': parts lie over each other'); });
              }
              return wrong;
            })()""";
    /**
     * What each panel shows: whether it reports no data, its text, and the share of its series' colours on its canvas.
     */
    private static final String SHOWS = """
            [...document.querySelectorAll('.panel')].map(panel => {
              const canvas = panel.querySelector('canvas');
              let ink = 0;
              if (canvas) {
                const lines = ['blue', 'orange', 'yellow'].map(name => NAMED[name]);
                const colours = [...PALETTE, NAMED.green, NAMED.red].filter(colour => \
            !lines.includes(colour)).map(colour => [1, 3, 5].map(at => parseInt(colour.slice(at, at + 2), 16)));
                const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
                for (let i = 0; i < pixels.length; i += 4)
                  if (pixels[i + 3] > 190 && colours.some(colour => colour.every((part, k) => Math.abs(part - \
            pixels[i + k]) < 6))) ink++;
              }
              return { title: panel.querySelector('h2').textContent, about: \
            panel.querySelector('.about').textContent, nothing: panel.querySelector('.nothing')?.textContent ?? '',
                  text: panel.querySelector('.body').textContent, ink, bars: panel.querySelectorAll('.bar').length, \
            cells: panel.querySelectorAll('td').length };
            })""";
    @TempDir static Path folder;
    private static Browser browser;
    private static List<Answers> boards;

    @BeforeAll
    static void the_fleet_runs_and_was_looked_at_for_a_while() {
        Browser.obstacle().ifPresent(Assumptions::abort);
        Aftermath.deployed();
        World.on("core", """
                for i in $(seq 45); do
                  curl -sG --data-urlencode 'query=count(rate(process_cpu_seconds_total{worker!=""}[1m])) >= 6 and \
                on() count(backend:requests:rate5m)' http://localhost:9090/api/v1/query | grep -q '"value"' && exit 0
                  sleep 1
                done
                """);
        var inventory = Inventory.read(World.inventory());
        try (var http = new Http(inventory.overrides(), Duration.ofSeconds(20))) {
            boards = Answers.ofAll(inventory, List.of(), new Prometheus(http, inventory.url(Part.PROMETHEUS)),
                    Instant.now(), SHOWN);
        }
        browser = Spent.on(Spent.What.apt, () -> Browser.start(new Console(Console.Color.auto, false)));
    }

    @AfterAll
    static void no_browser() {
        if (browser != null) browser.close();
    }

    private static Path open(Answers board, boolean dark) throws IOException {
        var page = Files.writeString(folder.resolve(board.dashboard().uid() + ".html"),
                Page.of(board).replace("<script>", WATCH.strip() + "<script>"));
        browser.open(page, Picture.WIDTH, dark);
        return page;
    }

    private static List<String> texts(String expression) {
        var texts = new ArrayList<String>();
        browser.evaluate(expression).forEach(text -> texts.add(text.asText()));
        return texts;
    }

    @Test
    void each_page_draws_offline_without_errors_and_says_preview() throws IOException {
        assertEquals(4, boards.size());
        for (var board : boards)
            for (var dark : List.of(true, false)) {
                var page = open(board, dark);
                assertEquals(List.of(), browser.complaints(), board.dashboard().title());
                assertEquals(List.of(page.toUri().toString()), browser.requests());
                assertTrue(browser.evaluate("document.querySelector('header').textContent").asText()
                        .contains("a preview, not Grafana"), board.dashboard().title());
            }
    }

    @Test
    void no_panel_lies_over_another_and_no_text_is_cut_off() throws IOException {
        for (var board : boards) {
            open(board, true);
            assertEquals(List.of(), texts(OVERLAPS), board.dashboard().title());
            assertEquals(List.of(), texts(CUT_OFF), board.dashboard().title());
        }
    }

    @Test
    void a_panel_is_empty_exactly_where_its_queries_have_no_series() throws IOException {
        for (var board : boards) {
            open(board, true);
            var shown = browser.evaluate(SHOWS);
            var panels = board.panels().stream().filter(answered -> !answered.panel().row()).toList();
            assertEquals(panels.size(), shown.size(), board.dashboard().title());
            for (int i = 0; i < panels.size(); i++) look(board, panels.get(i), shown.get(i));
        }
    }

    private static void look(Answers board, Answers.Answered answered, JsonNode shown) {
        var panel = answered.panel();
        var at = board.dashboard().title() + ": " + panel.title() + " " + shown;
        assertEquals(panel.title(), shown.path("title").asText());
        assertEquals(panel.model().path("description").asText(), shown.path("about").asText());
        if (answered.series() == 0) {
            assertEquals(panel.model().path("fieldConfig").path("defaults").path("noValue").asText(),
                    shown.path("nothing").asText(), at);
            return;
        }
        assertEquals("", shown.path("nothing").asText(), at);
        switch (panel.type()) {
            case "stat" -> assertTrue(shown.path("text").asText().matches(".*\\d.*"), at);
            case "bargauge" -> assertEquals(answered.series(), shown.path("bars").asInt(), at);
            case "table" -> assertTrue(shown.path("cells").asInt() >= answered.series(), at);
            default -> assertTrue(shown.path("ink").asInt() > 0 || lonely(answered, board.step()), at);
        }
    }

    /**
     * Whether no two adjacent values exist that a line could connect. NaN, such as a quantile without samples, is not a
     * value.
     */
    private static boolean lonely(Answers.Answered answered, long step) {
        for (var query : answered.queries())
            for (var series : query.series()) {
                double before = Double.NaN;
                for (var value : series.path("values")) {
                    boolean number = Double.isFinite(value.path(1).asDouble(Double.NaN));
                    if (number && value.path(0).asDouble() - before <= step) return false;
                    before = number ? value.path(0).asDouble() : Double.NaN;
                }
            }
        return true;
    }

    @Test
    void zero_is_shown_as_zero() throws IOException {
        int zeros = 0;
        for (var board : boards) {
            open(board, true);
            var texts = new HashMap<String, String>();
            browser.evaluate(SHOWS)
                    .forEach(panel -> texts.put(panel.path("title").asText(), panel.path("text").asText()));
            for (var answered : board.panels()) {
                if (!answered.panel().type().equals("stat") || answered.series() != 1) continue;
                if (answered.queries().get(0).series().path(0).path("value").path(1).asDouble() != 0) continue;
                assertTrue(texts.get(answered.panel().title()).matches("0.*"), texts::toString);
                zeros++;
            }
        }
        assertTrue(zeros > 0, "somewhere on four dashboards of a healthy fleet there is a zero");
    }

    @Test
    void a_person_gets_pictures_and_a_table_of_every_query() throws IOException {
        var ran = ktrdr("pictures", "ktrdr-system", "--range", "15m", "--to", folder.toString(), "-o", "json").run();
        assertEquals(0, ran.exit(), ran::toString);
        var system = boards.stream().filter(board -> board.dashboard().uid().equals("ktrdr-system")).findFirst()
                .orElseThrow();
        var rows = ran.json().path("queries");
        assertEquals(system.panels().stream().mapToInt(panel -> panel.queries().size()).sum(), rows.size());
        var targets = Map.of("dashboard", "System Overview", "panel", "Targets down", "series", "1");
        targets.forEach((key, value) -> assertEquals(value, rows.path(0).path(key).asText()));
        var picture = folder.resolve("dashboard-ktrdr-system.png");
        assertEquals(Picture.WIDTH, ImageIO.read(picture.toFile()).getWidth());
        assertTrue(Files.size(picture) < 300_000, Files.size(picture) + " bytes");
        var unknown = ktrdr("pictures", "ktrdr-sistem").run();
        assertEquals(2, unknown.exit(), unknown::toString);
        assertTrue(unknown.err().contains("ktrdr-system, ktrdr-worker-status, ktrdr-operations, ktrdr-node-comparison"),
                unknown::toString);
    }

    @Test
    void a_terminal_is_drawn_of_what_ends_as_it_has_to() {
        var unknown = "operations show op_nobody_has";
        var to = folder.toString();
        var drawn = ktrdr("pictures", "--to", to, "--terminal", "operations list", "--terminal-failed", unknown).run();
        assertEquals(0, drawn.exit(), drawn::toString);
        assertTrue(Files.exists(folder.resolve("terminal-operations.png"))
                && Files.exists(folder.resolve("terminal-operations-failed.png")));
        refused(1, ktrdr("pictures", "--to", to, "--terminal", unknown).run(), "ended with 1", "with exit code 0",
                "op_nobody_has");
        refused(1, ktrdr("pictures", "--to", to, "--terminal-failed", "operations list").run(), "ended with 0",
                "with exit code 1 or 5");
    }
}
