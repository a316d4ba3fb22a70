import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import ktrdr.report.Check;
import ktrdr.status.ReportFixtures;
import ktrdr.verify.VerifyReport;
import lab.InBrowser;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The page that verify writes, in a real browser: on a desktop, on a phone, in dark mode and on paper. */
@Tag("browser")
class ReportInBrowserTest extends InBrowser {
    private static final int DESK = 1280;
    private static final int PHONE = 390;
    /** Text whose contrast with its background is less than 4.5 : 1 (WCAG 2.2, 1.4.3). */
    private static final String FAINT = """
            (() => {
              const parts = colour => colour.match(/[\\d.]+/g).map(Number);
              const light = ([r, g, b]) => [r, g, b].map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / \
            1.055) ** 2.4).reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
              const behind = at => { for (; at; at = at.parentElement) { const found = \
            parts(getComputedStyle(at).backgroundColor); if (found[3] !== 0) return found; } return [255, 255, 255]; };
              const faint = [];
              for (const text of document.querySelectorAll('h1,h2,h3,p,dt,dd,code,span,strong,time,li')) {
                if (![...text.childNodes].some(node => node.nodeType === 3 && node.data.trim())) continue;
                const [a, b] = [light(parts(getComputedStyle(text).color)), light(behind(text))].sort((a, b) => b - a);
                if ((a + 0.05) / (b + 0.05) < 4.5) faint.push(text.className + ': ' + text.textContent.slice(0, 40));
              }
              return faint.join('\\n');
            })()""";
    private static Path written(VerifyReport report) throws IOException {
        return Files.writeString(folder.resolve(report.checks().hashCode() + ".html"), report.html());
    }

    private static String text(String expression) {
        return browser.evaluate(expression).asText();
    }

    private static int number(String expression) {
        return browser.evaluate(expression).asInt();
    }

    private static int brightness(BufferedImage picture) {
        int pixel = picture.getRGB(3, 3);
        return (pixel >> 16 & 255) + (pixel >> 8 & 255) + (pixel & 255);
    }

    @Test
    void the_page_has_every_check_its_headline_as_title_and_one_h1() throws IOException {
        for (var report : List.of(ReportFixtures.healthy(), ReportFixtures.unwell())) {
            browser.open(written(report), DESK, false);
            var shown = new ArrayList<String>();
            browser.evaluate("[...document.querySelectorAll('.checks code')].map(one => one.textContent)")
                    .forEach(id -> shown.add(id.asText()));
            assertEquals(report.checks().stream().map(Check::id).sorted().toList(), shown.stream().sorted().toList());
            assertEquals(1, number("document.querySelectorAll('h1').length"));
            assertTrue(text("document.title").startsWith(text("document.querySelector('h1').textContent")));
            assertEquals("en", text("document.documentElement.lang"));
        }
    }

    @Test
    void the_page_makes_no_network_request_and_causes_no_errors() throws IOException {
        var page = written(ReportFixtures.unwell());
        browser.open(page, DESK, false);
        browser.screenshot();
        assertEquals(List.of(page.toUri().toString()), browser.requests());
        assertEquals(List.of(), browser.complaints());
    }

    @Test
    void node_output_is_no_markup_and_the_policy_blocks_additions() throws IOException {
        var page = written(ReportFixtures.unwell());
        browser.open(page, DESK, false);
        assertEquals(0, number("document.querySelectorAll('script, img, a, iframe').length"));
        assertTrue(text("document.querySelector('.failures').textContent")
                .contains("<script>document.title='owned'</script>"));
        var touched = Files.writeString(folder.resolve("touched.html"), Files.readString(page)
                .replace("</footer>",
                        "</footer><script>document.title='owned'</script><img src='https://ktrdr.invalid/x'><p "
                                + "style='position:fixed'>x</p>"));
        browser.open(touched, DESK, false);
        assertNotEquals("owned", text("document.title"));
        assertTrue(browser.complaints().size() >= 3, browser.complaints()::toString);
    }

    @Test
    void it_is_light_and_dark_as_the_reader_likes_it() throws IOException {
        for (var report : List.of(ReportFixtures.healthy(), ReportFixtures.unwell())) {
            var page = written(report);
            browser.open(page, DESK, false);
            int light = brightness(browser.screenshot());
            browser.open(page, DESK, true);
            int dark = brightness(browser.screenshot());
            assertTrue(light > 3 * 230 && dark < 3 * 40, light + " and " + dark);
        }
    }

    @Test
    void it_can_be_read_in_light_and_dark() throws IOException {
        for (var report : List.of(ReportFixtures.healthy(), ReportFixtures.unwell()))
            for (boolean dark : List.of(false, true)) {
                browser.open(written(report), DESK, dark);
                assertEquals("", text(FAINT), "dark: " + dark);
            }
    }

    @Test
    void nothing_sticks_out_of_a_phone() throws IOException {
        for (var report : List.of(ReportFixtures.healthy(), ReportFixtures.unwell())) {
            browser.open(written(report), PHONE, false);
            browser.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)");
            assertEquals(PHONE, number("innerWidth"));
            assertEquals(PHONE, number("document.documentElement.scrollWidth"));
            assertEquals("", text(
                    "[...document.querySelectorAll('body *')].filter(one => one.getBoundingClientRect().right > "
                            + "innerWidth + 0.5).map(one => one.className).join()"));
            assertEquals(PHONE, browser.screenshot().getWidth());
        }
    }

    @Test
    void on_paper_it_is_light_and_no_check_is_folded_away() throws IOException {
        browser.open(written(ReportFixtures.healthy()), DESK, true);
        var shown = "[...document.querySelectorAll('.checks li')].filter(one => one.checkVisibility()).length";
        assertEquals(0, number(shown));
        browser.media("print", true);
        assertEquals(ReportFixtures.healthy().checks().size(), number(shown));
        assertEquals("rgb(255, 255, 255)", text("getComputedStyle(document.body).backgroundColor"));
    }
}
