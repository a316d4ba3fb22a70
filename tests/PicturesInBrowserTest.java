import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import ktrdr.Project;
import lab.InBrowser;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import pictures.Recording;

/** Parts of the pictures in a real browser, without a fleet: values with units in Grafana's format, and a terminal. */
@Tag("browser")
class PicturesInBrowserTest extends InBrowser {
    private static final List<List<String>> WRITTEN = List.of(
            List.of("short", "0", "0"), List.of("short", "4", "4"), List.of("short", "1500", "1.5 K"),
            List.of("short", "2.104", "2.1"), List.of("short", "1200000", "1.2 Mil"),
            List.of("percentunit", "0", "0%"), List.of("percentunit", "1", "100%"),
            List.of("percentunit", "0.00806", "0.806%"),
            List.of("s", "0", "0 s"), List.of("s", "0.00482", "4.82 ms"), List.of("s", "90", "1.5 min"),
            List.of("s", "7200", "2 hours"), List.of("s", "86400", "1 day"),
            List.of("ms", "250", "250 ms"), List.of("ms", "1500", "1.5 s"),
            List.of("bytes", "0", "0 B"), List.of("bytes", "1536", "1.5 KiB"), List.of("bytes", "268435456", "256 MiB"),
            List.of("Bps", "2500", "2.5 kB/s"), List.of("reqps", "0.25", "0.25 req/s"), List.of("short", "-3", "-3"));

    @Test
    void writes_each_dashboard_unit_with_three_digits_and_prefix() throws IOException {
        var page = Files.writeString(folder.resolve("units.html"),
                "<script>" + Files.readString(Project.root().resolve("tests/pictures/units.js")) + "</script>");
        browser.open(page, 400, false);
        for (var texts : WRITTEN) assertEquals(texts.get(2),
                browser.evaluate("formatted('" + texts.get(0) + "', " + texts.get(1) + ")").asText(), texts.toString());
        assertEquals("[\"0%\",\"0.5%\",\"1%\"]",
                browser.evaluate("JSON.stringify(formattedTicks('percentunit', [0, 0.005, 0.01]))").asText());
    }

    @Test
    void a_terminal_shows_what_was_left_on_it_below_the_command() throws IOException {
        var recording = new Recording("status",
                "looking 0.1 s\r\033[Klooking 0.2 s\r\033[K\033[2mNODE\033[0m\r\ncore  <up>");
        browser.open(Files.writeString(folder.resolve("terminal.html"), recording.page()), 1000, true);
        browser.await("document.body.dataset.drawn === 'true'");
        var rows = browser.evaluate(
                "[...document.querySelectorAll('.xterm-rows > div')].map(row => row.textContent.trim())");
        var shown = new ArrayList<String>();
        rows.forEach(row -> shown.add(row.asText().replace('\u00a0', ' ')));
        assertEquals(List.of("$ ./ktrdr status", "NODE", "core  <up>"), shown);
    }
}
