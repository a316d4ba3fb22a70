package ktrdr.verify;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.samskivert.mustache.Escapers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import ktrdr.inventory.Inventory;
import ktrdr.report.Check;
import ktrdr.report.CheckId;
import ktrdr.status.ReportFixtures;
import org.junit.jupiter.api.Test;

class VerifyReportTest {
    private final Inventory inventory = ReportFixtures.inventory();
    private final List<Check> checks = ReportFixtures.checks(inventory);

    private String page(Map<String, String> failing) {
        return ReportFixtures.report(inventory, ReportFixtures.failing(checks, failing), text -> text).html();
    }

    private static int count(String page, String regex) {
        return (int) Pattern.compile(regex).matcher(page).results().count();
    }

    /** The text of a node's tile of this name on the page. */
    private static String tile(String page, String node, String name) {
        var card = page.substring(page.indexOf("<h3>" + node + "</h3>"));
        int at = card.indexOf("<p class=\"name\">" + name);
        return card.substring(card.lastIndexOf("<li", at), card.indexOf("</li>", at));
    }

    @Test
    void the_headline_says_how_it_is() {
        assertTrue(page(Map.of()).contains("<h1>All " + checks.size() + " checks hold</h1>"));
        assertTrue(page(Map.of("db.query", "no answer"))
                .contains("<h1>1 of " + checks.size() + " checks does not hold</h1>"));
        assertTrue(page(Map.of("db.query", "no answer", "target.backend", "down"))
                .contains("<h1>2 of " + checks.size() + " checks do not hold</h1>"));
    }

    @Test
    void every_check_is_there_with_what_was_expected_and_found() {
        var page = page(Map.of());
        for (var check : checks)
            for (var text : List.of(check.id(), check.expected(),
                    check.found())) assertTrue(page.contains(">" + Escapers.HTML.escape(text) + "<")
                    || page.contains(">expected: " + Escapers.HTML.escape(text) + "<"), text);
    }

    @Test
    void failures_come_first_with_their_fix_and_their_effects() {
        var page = page(Map.of("workers-c.training-worker-2.container", "exited with 137", "backend.health", "503",
                "target.workers-c.training-worker-2", "down"));
        assertTrue(page.indexOf("Failed checks") < page.indexOf(">Fleet<"));
        assertTrue(page.contains("<dd class=\"found\">exited with 137</dd>")
                && page.contains("on workers-c: docker ps"));
        assertTrue(page.contains(
                "<dt>as well</dt><dd><code class=\"effect\">target.workers-c.training-worker-2</code></dd>"));
        assertEquals(List.of("exited with 137", "503"), Pattern.compile("<dd class=\"found\">([^<]*)").matcher(page)
                .results().map(found -> found.group(1)).toList());
        assertFalse(page(Map.of()).contains("Failed checks"));
    }

    @Test
    void a_tile_has_the_state_of_its_checks_in_words() {
        var page = page(Map.of("target.workers-c.training-worker-2", "down", "grafana.datasources", "no jaeger"));
        assertTrue(tile(page, "workers-c", "training-worker-2")
                .matches("(?s).*class=\"tile bad\".*aria-label=\"failed\".*>down<.*"));
        assertTrue(tile(page, "workers-b", "training-worker-2").matches("(?s).*class=\"tile ok\".*>available<.*"));
        assertTrue(tile(page, "workers-b", "backtest-worker-2")
                .matches("(?s).*class=\"tile busy\".*>busy<.*>:5004<.*"));
        assertTrue(tile(page, "core", "grafana").matches("(?s).*class=\"tile bad\".*>no jaeger<.*"));
        assertTrue(tile(page, "core", "db").matches("(?s).*class=\"tile ok\".*>PostgreSQL 15.6<.*"));
    }

    @Test
    void an_unreached_node_is_named_and_its_tiles_are_not_green() {
        var rest = checks.stream().filter(check -> !check.node().equals("workers-c")).toList();
        var all = new ArrayList<>(rest);
        all.add(new Check(CheckId.ofNode("workers-c", "ssh"), "workers-c", false, "a node that answers",
                "no route to host", "ssh workers-c", 0));
        var page = ReportFixtures.report(inventory, all, text -> text).html();
        assertTrue(tile(page, "workers-c", "backtest-worker-1").matches("(?s).*class=\"tile none\".*>not checked<.*"));
        assertTrue(page.contains("not reached")
                && page.contains("<strong>2 <span class=\"of\">of 3</span></strong><span class=\"label\">nodes "
                        + "reached"));
    }

    @Test
    void what_a_node_says_is_text() {
        var page = page(Map.of("backend.health", ReportFixtures.MARKUP + "\u202egnp.exe\u0000\u001b[31m"));
        assertFalse(page.matches("(?s).*<(script|img|a|/style></p|iframe)\\b.*"), "markup of a node");
        assertEquals(1, count(page, "</style>"));
        assertFalse(page.matches("(?s).*[\\u202e\\u0000\\u001b].*"), "characters that are no text");
        assertTrue(page.contains("&lt;script&gt;"));
    }

    @Test
    void a_secret_is_masked_even_one_with_characters_of_markup() {
        var page = ReportFixtures.report(inventory,
                ReportFixtures.failing(checks, Map.of("db.query", "password a<b&c is wrong")),
                text -> text.replace("a<b&c", "••••")).html();
        assertTrue(page.contains("password •••• is wrong"));
    }

    @Test
    void nothing_is_loaded_from_anywhere_and_no_script_is_needed() {
        var page = page(Map.of());
        assertFalse(page.matches(
                "(?is).*(<script|<link|<img|<iframe|@import|url\\(|\\ssrc=|javascript:|\\son[a-z]+=|\\sstyle=).*"));
        assertEquals(0, count(page, "href=\"(?!#)"));
        assertTrue(page.contains("default-src 'none'"));
    }

    @Test
    void checks_that_one_answer_settled_share_a_bar() {
        var page = page(Map.of());
        assertTrue(page.contains("<code>sample.operation</code>")
                && page.indexOf("<code>sample.operation</code><svg") < page.indexOf("<code>sample.trace</code><svg"));
        assertTrue(page.contains("workers-b.backtest-worker-1.registered and 7 more"));
        assertTrue(page.contains("width=\"100.0%\""));
    }

    @Test
    void the_footer_has_version_time_and_inventory_name_without_path() {
        var page = page(Map.of());
        assertTrue(page.contains("ktrdr 0.1.0") && page.contains("2026-02-11 09:30:12 UTC")
                && page.contains(inventory.source().getFileName().toString()));
        assertFalse(page.contains(inventory.source().toAbsolutePath().getParent() + "/"));
    }

    @Test
    void releases_that_differ_are_told() {
        var nodes = Map.of(inventory.node("core"), new VerifyReport.About("sha-1", ""), inventory.node("B"),
                new VerifyReport.About("sha-2", ""));
        var page = new VerifyReport(inventory, checks, nodes, ReportFixtures.WHEN, Duration.ofSeconds(3), "0.1.0",
                text -> text).html();
        assertTrue(page.contains("2 releases: sha-1, sha-2"));
    }
}
