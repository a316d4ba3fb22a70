import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import ktrdr.Json;
import ktrdr.Project;
import org.commonmark.ext.gfm.tables.TablesExtension;
import org.commonmark.node.AbstractVisitor;
import org.commonmark.node.Code;
import org.commonmark.node.Heading;
import org.commonmark.node.Image;
import org.commonmark.node.Link;
import org.commonmark.node.Text;
import org.commonmark.parser.Parser;
import org.junit.jupiter.api.Test;

/** The documentation pages: length limits, and no dead links. */
class PagesTest {
    private static final Path ROOT = Project.root();
    private static final Parser MARKDOWN = Parser.builder().extensions(List.of(TablesExtension.create())).build();
    /** A reference to a page, with an optional section, in a source, a message or a comment. */
    private static final Pattern NAMED = Pattern.compile("docs/[\\w/-]+\\.md(?:#[\\w-]+)?");
    /** Words that read like a translation. */
    private static final Pattern ODD = Pattern.compile("(?i)\\b(whoever|somebody|nobody|anybody|the former|of ours"
            + "|beside|(is|are) so|that is none|(is|are) told|taken back|let go of|who is to)\\b");
    private static final Map<Path, Page> PAGES = new HashMap<>();

    /**
     * @param links as written
     * @param anchors the headings' anchors as GitHub generates them
     */
    private record Page(List<String> links, Set<String> anchors) {
        static Page of(String text) {
            var page = new Page(new ArrayList<>(), new HashSet<>());
            MARKDOWN.parse(text).accept(new AbstractVisitor() {
                @Override
                public void visit(Link link) {
                    page.links.add(link.getDestination());
                    visitChildren(link);
                }

                @Override
                public void visit(Image image) {
                    page.links.add(image.getDestination());
                }

                @Override
                public void visit(Heading heading) {
                    page.anchor(heading);
                    visitChildren(heading);
                }
            });
            return page;
        }

        private void anchor(Heading heading) {
            var words = new StringBuilder();
            heading.accept(new AbstractVisitor() {
                @Override
                public void visit(Text text) {
                    words.append(text.getLiteral());
                }

                @Override
                public void visit(Code code) {
                    words.append(code.getLiteral());
                }
            });
            var name = words.toString().toLowerCase().replaceAll("[^\\p{L}\\p{N} _-]", "").replace(' ', '-');
            for (int i = 0; !anchors.add(i == 0 ? name : name + "-" + i); i++) { }
        }
    }

    private static String text(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Files with this ending below these folders; a place may also be a file. */
    private static List<Path> files(String ending, String... places) {
        return Stream.of(places).map(ROOT::resolve).flatMap(place -> {
            try (var all = Files.walk(place, place.equals(ROOT) ? 1 : Integer.MAX_VALUE)) {
                return all.filter(Files::isRegularFile).filter(file -> file.toString().matches(ending))
                        .toList().stream();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }).toList();
    }

    private static Page page(Path file) {
        return PAGES.computeIfAbsent(file.normalize(), of -> Page.of(text(of)));
    }

    /** Whether the linked file or folder exists, and the section in it. */
    private static boolean leads(Path folder, Path itself, String link) {
        var parts = link.split("#", 2);
        var to = parts[0].isEmpty() ? itself : folder.resolve(parts[0]);
        return Files.exists(to) && (parts.length == 1 || page(to).anchors().contains(parts[1]));
    }

    @Test
    void every_link_between_pages_leads_to_a_section_that_is_there() {
        var dead = new ArrayList<String>();
        var pages = pages();
        for (var file : pages)
            page(file).links().stream().filter(link -> !link.matches("[a-z]+:.*"))
                    .filter(link -> !leads(file.getParent(), file, link))
                    .forEach(link -> dead.add(ROOT.relativize(file) + ": " + link));
        assertTrue(pages.size() > 8, pages::toString);
        assertEquals(List.of(), dead);
    }

    @Test
    void every_page_that_a_source_names_is_there() {
        var dead = new ArrayList<String>();
        for (var file : files(".*", "ktrdr", "inventory.yaml", "jbang-catalog.json", "lib", "scripts", "templates"))
            NAMED.matcher(text(file)).results().map(found -> found.group()).filter(name -> !leads(ROOT, file, name))
                    .forEach(name -> dead.add(ROOT.relativize(file) + ": " + name));
        assertEquals(List.of(), dead);
    }

    @Test
    void every_procedure_has_a_page_and_a_row_in_the_reference() {
        var reference = ROOT.resolve("docs/reference");
        var index = text(reference.resolve("README.md"));
        var procedures = new ArrayList<String>();
        Json.parse(text(ROOT.resolve("jbang-catalog.json")), "the catalog").path("aliases").fields()
                .forEachRemaining(alias -> {
                    var script = alias.getValue().path("script-ref").asText();
                    if (script.startsWith("scripts/") && !alias.getKey().equals("ktrdr"))
                        procedures.add(alias.getKey());
                });
        assertTrue(procedures.size() > 20, procedures::toString);
        for (var name : procedures) {
            var row = index.lines().filter(line -> line.startsWith("| ") && line.contains("`" + name)).findFirst();
            assertTrue(row.isPresent(), name + " has no row");
            assertTrue(Files.exists(reference.resolve(name + ".md")), name + " has no page");
        }
    }

    @Test
    void the_readme_is_read_in_a_minute() {
        var words = text(ROOT.resolve("README.md")).strip().split("\\s+").length;
        assertTrue(words < 500, () -> words + " words");
    }

    /** On call, an operator searches these chapters of the runbook by symptom. */
    @Test
    void the_runbook_opens_with_an_index_by_symptom() {
        var chapters = List.of("Troubleshooting", "Alerts", "Disaster recovery");
        var runbook = text(ROOT.resolve("docs/OPERATIONS.md")).split("\n(?=# )");
        var index = Page.of(runbook[0]).links();
        var sections = new TreeSet<String>();
        for (var chapter : runbook) {
            if (!chapters.contains(chapter.lines().findFirst().orElseThrow().substring(2))) continue;
            Page.of(chapter.substring(chapter.indexOf('\n'))).anchors().forEach(anchor -> sections.add("#" + anchor));
        }
        assertTrue(sections.size() > 20, sections::toString);
        assertEquals(List.of(), sections.stream().filter(section -> !index.contains(section)).toList());
    }

    private static List<Path> pages() {
        return files(".*\\.md", "", "docs");
    }

    @Test
    void pages_have_plain_words() {
        var odd = new ArrayList<String>();
        for (var file : pages())
            MARKDOWN.parse(text(file)).accept(new AbstractVisitor() {
                @Override
                public void visit(Text node) {
                    ODD.matcher(node.getLiteral()).results()
                            .forEach(found -> odd.add(ROOT.relativize(file) + ": " + found.group()));
                }
            });
        assertEquals(List.of(), odd);
    }

    /** Tables and pictures have no limit, nor has output that a test compares. */
    @Test
    void lines_of_pages_fit_in_120_columns() {
        var wide = new ArrayList<String>();
        for (var file : pages()) {
            var fenced = false;
            for (var line : text(file).lines().toList()) {
                if (line.startsWith("```")) fenced = !fenced;
                if (!fenced && line.length() > 120 && !line.startsWith("|") && !line.startsWith("!["))
                    wide.add(ROOT.relativize(file) + ": " + line);
            }
        }
        assertEquals(List.of(), wide);
    }
}
