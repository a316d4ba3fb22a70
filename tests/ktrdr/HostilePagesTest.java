package ktrdr;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import bench.Case;
import bench.Chart;
import bench.SideBySide;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import ktrdr.api.Backend;
import ktrdr.api.OperationsApi;
import ktrdr.api.OperationsReport;
import ktrdr.health.MachineRecord;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Inventory.Node;
import ktrdr.node.Docker;
import ktrdr.node.MachineFacts;
import ktrdr.release.History;
import ktrdr.release.LockScripts;
import ktrdr.report.Check;
import ktrdr.report.CheckId;
import ktrdr.status.NodeStatus;
import ktrdr.status.ReportFixtures;
import ktrdr.status.StatusFixtures;
import ktrdr.status.StatusReport;
import ktrdr.verify.VerifyReport;
import org.commonmark.ext.gfm.tables.TableCell;
import org.commonmark.ext.gfm.tables.TablesExtension;
import org.commonmark.node.AbstractVisitor;
import org.commonmark.node.CustomNode;
import org.commonmark.node.Text;
import org.commonmark.parser.Parser;
import org.jsoup.Jsoup;
import org.jsoup.nodes.Element;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import pictures.Topology;

/**
 * Generated pages and tables with hostile text from nodes, services and inventories. Parsers of Markdown, HTML and XML
 * must find all of it, as plain text only.
 */
class HostilePagesTest {
    private static final Inventory INVENTORY = ReportFixtures.inventory();
    private static final Parser MARKDOWN = Parser.builder().extensions(List.of(TablesExtension.create())).build();
    static final List<String> HOSTILE = List.of("|", "||", "a | b | c", "\\", "\\|", "\\\\|", "`", "``|``", "`|",
            "```\n# a\n```", "\n", "\r", "a\n\nb", "a\n# b",
                "a\n- b", "a\n---", "a\n===", "\n\n| a | b |\n|---|---|\n", "\t- a", "    a", "#", "# a", "1. a", "- a",
            "> a",
                "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<a href='javascript:alert(1)'>b</a>",
            "<!--", "-->", "<!-- a -->", "<![CDATA[", "]]>",
                "<?php", "</td></table>", "</style>", "</title>", "</textarea>", "<svg/onload=alert(1)>",
                "<b", "a>", "\"><script>", "' onmouseover='a", "\" onmouseover=\"a", "[a](javascript:alert(1))",
            "](javascript:alert(1))", "[a]: http://b", "[a][b]",
                "![a](http://b/c.png)", "<http://a>", "<a@b>", "[^1]", "[^1]: a", "- [ ] a",
                "*a*", "**a**", "_a_", "__a__", "~~a~~", "~a~", "$a$", "$$a$$", ":---:", "---", "***", "&lt;script&gt;",
            "&amp;", "&#60;b&#62;", "&#x3c;", "&nbsp;",
                "&copy", "&", "{{a}}", "{{{a}}}", "{{#a}}", "{{>node}}", "${a}", "%s",
                "\u202egnp.exe", "\u2066a\u2069", "\u200ea", "\u061ca", "\u001b[31ma", "\u001b]0;a\u0007", "\u009b2J",
            "\u0085a", "\u007f", "\b\b\b", "a\u0000b", "\f",
                "\u000b", "\u2028a", "\u2029a", "\ufeffa", "\ufffe", "\uffff", "\ud800", "\udc00a", "a\ud83d",
                "\ud83d\ude00", "  a  b  ", "日本", ReportFixtures.MARKUP);

    private static final org.jsoup.parser.Parser XML = org.jsoup.parser.Parser.xmlParser();
    @TempDir Path folder;

    /** Collapses whitespace as a browser does. */
    private static String squeezed(String text) {
        return text.replaceAll("[\\s\\p{Z}]+", " ").strip();
    }

    private static Node node(Node node, String said) {
        return new Node(node.name(), node.id() + said, node.role(), node.host() + said,
                node.address().map(address -> address + said), node.cpus(), node.memory(),
                node.diskFree(), node.directory(), node.aliases(), node.scale(), node.backtest(), node.training(),
                node.given(), node.ssh(), node.share(), node.bind(), node.running(), node.own());
    }

    /** The inventory with this text appended to every value that allows it. */
    private static Inventory inventory(String said) {
        var nodes = INVENTORY.nodes().stream().map(node -> node(node, said)).toList();
        return new Inventory(Path.of("/etc/inventory" + said.replaceAll("[/\0\\p{Cs}]", "")), false,
                INVENTORY.domain() + said, INVENTORY.environment(), INVENTORY.broker(), INVENTORY.resolve(),
                INVENTORY.ssh(), nodes, INVENTORY.images(),
                INVENTORY.database(), INVENTORY.secrets(), INVENTORY.storage(), INVENTORY.backup(),
                INVENTORY.services(), INVENTORY.metrics(), INVENTORY.tracing(), INVENTORY.sample(), INVENTORY.alerts(),
                INVENTORY.operators(), INVENTORY.firewall(), INVENTORY.foreign(), INVENTORY.templates());
    }

    private static List<Check> checks(String said) {
        // a dot separates the parts of a check id
        var part = said.replace(".", "");
        return List.of(new Check(CheckId.ofNode("core", "docker" + part), "core", true, "expected " + said,
                "found " + said, "fix " + said, 1),
                new Check(CheckId.ofFleet("db", "query"), "core", false, said + "e", said + "f", said + "g", 2),
                new Check(CheckId.ofNode("core", "backend" + part, "container"), "core", false, said + "e", said,
                        said + "x", 0.5), new Check(CheckId.ofFleet("other" + part, ""), "elsewhere" + said, false, "e",
                                "f" + said + "f", "g", 0));
    }

    // verify-infra record, in Markdown

    private static String record(String said) {
        var inventory = inventory(said);
        var facts = new HashMap<Node, MachineFacts>();
        var line = said.replaceAll("[\t\n\r]", " ");
        facts.put(inventory.core(), MachineFacts.of("clock\t1790000000.5\nos\tDebian" + line + "\nkernel\t" + line
                + "6\ndocker\t26" + line + "\ncompose\t2" + line + "x\ncpus\t4\nmemory\t8589934592\nend\tyes\n", 0,
                10));
        return String.join("\n",
                MachineRecord.markdown(inventory, facts, checks(said), Instant.EPOCH, "karl@" + said + "laptop"));
    }

    /** The node types of a page in order, and the text of its cells and paragraphs. */
    private static final class NodesAndTexts extends AbstractVisitor {
        private final List<String> kinds = new ArrayList<>();
        private final List<String> texts = new ArrayList<>();

        private static NodesAndTexts of(String page) {
            var found = new NodesAndTexts();
            MARKDOWN.parse(page).accept(found);
            return found;
        }

        @Override
        protected void visitChildren(org.commonmark.node.Node parent) {
            if (!(parent instanceof TableCell)) kinds.add(parent.getClass().getSimpleName());
            super.visitChildren(parent);
        }

        @Override
        public void visit(CustomNode node) {
            if (node instanceof TableCell) {
                kinds.add("TableCell");
                texts.add("");
            }
            super.visit(node);
        }

        @Override
        public void visit(Text node) {
            if (node.getParent() instanceof TableCell)
                texts.set(texts.size() - 1, texts.get(texts.size() - 1) + node.getLiteral());
            else texts.add(node.getLiteral());
        }

        @Override
        public void visit(org.commonmark.node.Link link) {
            kinds.add("Link");
        }

        @Override
        public void visit(org.commonmark.node.Code code) {
            kinds.add("Code");
        }

        @Override
        public void visit(org.commonmark.node.HtmlInline html) {
            kinds.add("HtmlInline");
        }

        @Override
        public void visit(org.commonmark.node.HtmlBlock html) {
            kinds.add("HtmlBlock");
        }
    }

    @Test
    void in_the_record_all_that_is_said_is_text() throws IOException {
        for (var said : HOSTILE) isText(said);
    }

    private void isText(String said) throws IOException {
        var record = record(said);
        var found = NodesAndTexts.of(record);
        assertEquals(NodesAndTexts.of(record("x")).kinds, found.kinds, record);
        record.lines().forEach(line -> assertEquals(Console.harmless(line), line));
        var shown = squeezed(Console.harmless(said.replaceAll("[\\s\\u2028\\u2029]+", " ")));
        for (var wanted : List.of("expected " + shown, "found " + shown)) assertTrue(found.texts.stream()
                .map(HostilePagesTest::squeezed).anyMatch(wanted.strip()::equals), () -> wanted + " in " + found.texts);
        Files.write(folder.resolve("record.md"), record.lines().toList());
    }

    // verify report, in HTML

    private static String report(String said) {
        var inventory = inventory(said);
        var nodes = inventory.nodes().stream()
                .collect(Collectors.toMap(node -> node, node -> new VerifyReport.About("sha" + said, said + "by")));
        return new VerifyReport(inventory, checks(said), nodes, Instant.EPOCH, Duration.ofSeconds(9), "0.1" + said,
                UnaryOperator.identity()).html();
    }

    private static List<String> elements(Element page) {
        return page.getAllElements().stream().map(element -> element.tagName() + element.attributes().html()).toList();
    }

    @Test
    void in_the_report_all_that_is_said_is_text() {
        var plain = elements(Jsoup.parse(report("x")));
        for (var said : HOSTILE) isText(said, plain);
    }

    private void isText(String said, List<String> plain) {
        var report = report(said);
        var page = Jsoup.parse(report);
        assertEquals(plain, elements(page), said);
        assertEquals(0, page.select("script, img, a, iframe, [onload], [onerror], [onmouseover]").size());
        report.lines().forEach(line -> assertEquals(Console.harmless(line), line));
        var wanted = squeezed("found " + Console.lineByLine(said));
        assertTrue(page.select("p.found").stream().map(found -> squeezed(found.wholeText())).anyMatch(wanted::equals),
                () -> wanted + " in " + page.select("p.found"));
        OutputFile.at(folder.resolve("report.html")).write(report);
    }

    // terminal tables of status, its history, and operations

    private static Table[] tables(String said) {
        var core = StatusFixtures.CORE;
        var entry = History.Entry.of("1" + said, "sha" + said, History.Ending.DEPLOYED).time(said + "2026")
                .by("karl" + said, "laptop" + said).command("deploy" + said).target("core")
                .services(List.of("backend" + said)).seconds(10).error(said).build();
        var container = new Docker.Container("id", "backend", "backend", "registry.test:5000/ktrdr-backend:" + said,
                "sha256:1", "running" + said, said, 0, 0, said, "hash", "");
        var node = new NodeStatus(StatusFixtures.host(core),
                StatusFixtures.lock(Optional.of(new LockScripts.Owner("1", "karl@" + said, "2026", "deploy" + said)),
                        1), new History(List.of(entry), Optional.empty()),
                List.of(container), Optional.empty());
        var worker = new Backend.Worker("w" + said, "training", "http://elsewhere" + said + ":5003", "available", said,
                Optional.empty());
        var status = StatusFixtures.registered(StatusFixtures.with(StatusFixtures.fleet(), core, node),
                List.of(worker));
        var operation = new OperationsApi.Operation("op" + said, "type" + said, "running" + said, "2026" + said,
                "AAPL" + said, 1, "step" + said, 1, said, said);
        var operations = new OperationsReport(INVENTORY,
                List.of(new Backend.Worker("w", "training", "http://elsewhere" + said + ":5003", "busy", "op" + said,
                        Optional.empty())));
        var details = operations.details(JsonNodeFactory.instance.objectNode().put("operation_id" + said, "is" + said)
                .put("status", said));
        return Stream.concat(Stream.of(new StatusReport(status).tables()),
                Stream.of(operations.table(List.of(operation)), details)).toArray(Table[]::new);
    }

    @Test
    void each_table_row_is_one_line_without_control_characters() {
        var plain = Stream.of(tables("x")).map(table -> table.lines().size()).toList();
        for (var said : HOSTILE) {
            var tables = tables(said);
            assertEquals(plain, Stream.of(tables).map(table -> table.lines().size()).toList(), said);
            for (var table : tables) table.lines()
                    .forEach(line -> assertTrue(line.equals(Console.harmless(line)) && line.lines().count() <= 1,
                            line));
            assertTrue(tables[1].lines().stream()
                    .anyMatch(line -> line.contains(Console.harmless("karl" + said).strip())),
                    () -> said + " in " + tables[1].lines());
        }
    }

    // documentation images, in SVG

    private static String chart(String said) {
        return Chart.svg(List.of(new SideBySide(new Case("name" + said, "ours" + said, "theirs" + said, "both" + said),
                0, List.of(new SideBySide.Pair(Duration.ofSeconds(1), Duration.ofSeconds(2))), List.of())),
                "2 processors" + said);
    }

    @Test
    void in_a_picture_all_that_is_said_is_text() {
        for (var picture : List.<UnaryOperator<String>>of(HostilePagesTest::chart,
                said -> Topology.svg(inventory(said)))) {
            var plain = elements(Jsoup.parse(picture.apply("x"), "", XML));
            for (var said : HOSTILE) {
                var svg = Jsoup.parse(picture.apply(said), "", XML);
                assertEquals(plain.size(), elements(svg).size(), said);
                assertEquals(0, svg.select("script, a, img, foreignObject, [onload], [onerror], [onmouseover]")
                        .size(),
                        said);
            }
        }
    }

    @Test
    void every_character_that_is_none_for_a_reader_is_visible_in_both() {
        var all = IntStream.rangeClosed(0, 0x10ffff)
                .filter(number -> Character.getType(number) == Character.CONTROL && number != '\n' && number != '\t'
                        && number != '\r' || Character.getType(number) == Character.SURROGATE
                || List.of(0x61c, 0x200e, 0x200f, 0x202a, 0x202b, 0x202c, 0x202d, 0x202e, 0x2066, 0x2067, 0x2068,
                        0x2069).contains(number)).mapToObj(Character::toString).map(text -> "a" + text + "b").toList();
        assertTrue(all.size() > 2000, () -> all.size() + " characters");
        for (var text : all) assertTrue(Console.harmless(text).matches("a(\\p{Print}+|[\\u2400-\\u241f])b"),
                () -> Integer.toHexString(text.charAt(1)));
        var page = report(String.join("", all)) + record(String.join("", all));
        for (var text : all) assertTrue(page.indexOf(text.charAt(1)) < 0, () -> Integer.toHexString(text.charAt(1)));
    }
}
