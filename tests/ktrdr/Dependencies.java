package ktrdr;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import lab.Toolkit;
import org.w3c.dom.Element;
import org.xml.sax.SAXException;

/**
 * Every jar that the project uses: the class paths of procedures and tests, and the JBang jars that the front door
 * downloads.
 *
 * docs/DEPENDENCIES.md holds the reviewed list and the known advisories, because the tests cannot query an advisory
 * database.
 */
public final class Dependencies {
    /** The reviewed list. */
    public static final Path REVIEWED = Project.root().resolve("docs/DEPENDENCIES.md");
    private static final Path JBANG = Project.root().resolve("lib/jbang.sha256");
    private static final Pattern ROW = Pattern.compile("(?m)^\\| `([^`]+)` \\| (.*) \\|$");

    /**
     * @param name group:artifact:version; for JBang's jars, the file name
     * @param licence as named in its POM or the parent POM
     */
    public record Jar(String name, String licence, String sha256) {
        String row() {
            return "| `" + name + "` | " + licence + " | " + sha256 + " |";
        }

        boolean is(String artifact) {
            return name.matches("(.*:)?" + Pattern.quote(artifact) + "[:-]\\d.*");
        }

        String version() {
            return name.replaceFirst("\\.jar$", "").replaceFirst("^.*?[:-](?=\\d[^:]*$)", "");
        }
    }

    /**
     * @param fixed the first version without the vulnerability
     * @param reason what it is, and why an affected jar is acceptable
     */
    public record Advisory(String id, String artifact, String fixed, String reason) {
        /** Whether the advisory affects this jar. */
        boolean concerns(Jar jar) {
            return jar.is(artifact) && compare(jar.version(), fixed) < 0;
        }
    }

    private Dependencies() {}

    /** Compares two releases by their numbers. */
    static int compare(String text, String other) {
        return Arrays.compare(numbers(text), numbers(other));
    }

    private static int[] numbers(String version) {
        return Stream.of(version.split("[^0-9]+")).filter(part -> !part.isEmpty()).mapToInt(Integer::parseInt)
                .toArray();
    }

    /** The current jars of the class paths and of JBang. */
    public static List<Jar> found() {
        var jars = new ArrayList<Jar>();
        try {
            for (var entry : classPaths()) {
                var at = entry.indexOf("/repository/");
                if (at >= 0) jars.add(jar(Path.of(entry), Path.of(entry.substring(0, at), "repository")));
            }
            jars.sort(Comparator.comparing(Jar::name));
            var licences = reviewed().stream().collect(Collectors.toMap(Jar::name, Jar::licence));
            for (var line : Files.readAllLines(JBANG)) {
                var parts = line.split(" +", 2);
                jars.add(new Jar(parts[1], licences.containsKey(parts[1]) ? licences.get(parts[1]) : licence(parts[1]),
                        parts[0]));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return jars;
    }

    /**
     * The class path of this test process, and that of the procedures as JBang reports it. If both request different
     * versions of a jar, the tests run with only one of them.
     */
    private static Set<String> classPaths() {
        var entries = new TreeSet<>(List.of(System.getProperty("java.class.path").split(":")));
        var procedures = Json.parse(LocalCommand.command(Toolkit.jbang().toString(), "info", "tools",
                Project.root().resolve("lib/sources.java").toString()).must().out(), "jbang");
        procedures.path("resolvedDependencies").forEach(entry -> entries.add(entry.asText()));
        return entries;
    }

    /** The jars listed in docs/DEPENDENCIES.md. */
    public static List<Jar> reviewed() {
        return rows().entrySet().stream().map(row -> row.getValue().split(" \\| "))
                .filter(cells -> cells.length == 3 && cells[2].matches("[0-9a-f]{64}"))
                .map(cells -> new Jar(cells[0], cells[1], cells[2])).toList();
    }

    /** The advisories listed in docs/DEPENDENCIES.md. */
    public static List<Advisory> advisories() {
        return rows().values().stream().map(row -> row.split(" \\| ", 4)).filter(cells -> cells.length == 4)
                .map(cells -> new Advisory(cells[0], cells[1], cells[2], cells[3])).toList();
    }

    /** The releases held back in docs/DEPENDENCIES.md, by group:artifact. */
    static Map<String, Outdated.Held> held() {
        return rows().values().stream().map(row -> row.split(" \\| "))
                .filter(cells -> cells.length == 3 && !cells[2].matches("[0-9a-f]{64}"))
                .collect(Collectors.toMap(cells -> cells[0], cells -> new Outdated.Held(cells[1], cells[2])));
    }

    private static Map<String, String> rows() {
        var rows = new LinkedHashMap<String, String>();
        try {
            var text = Files.exists(REVIEWED) ? Files.readString(REVIEWED) : "";
            ROW.matcher(text).results().forEach(row -> rows.put(row.group(), row.group(1) + " | " + row.group(2)));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return rows;
    }

    /** The ids of the advisories that affect a jar. */
    public static String open(Jar jar) {
        return advisories().stream().filter(advisory -> advisory.concerns(jar)).map(Advisory::id)
                .collect(Collectors.joining(", "));
    }

    private static Jar jar(Path file, Path repository) throws IOException {
        var version = file.getParent();
        var artifact = version.getParent();
        var group = repository.relativize(artifact.getParent()).toString().replace('/', '.');
        return new Jar(group + ":" + artifact.getFileName() + ":" + version.getFileName(),
                licence(pom(file), repository), Sha256.hex(Files.readAllBytes(file)));
    }

    private static Path pom(Path jar) {
        return jar.resolveSibling(jar.getParent().getParent().getFileName() + "-" + jar.getParent().getFileName()
                + ".pom");
    }

    /** The licence of an unreviewed JBang jar, from its POM in the local Maven repository. */
    private static String licence(String name) throws IOException {
        var repository = Path.of(System.getProperty("user.home"), ".m2/repository");
        if (!Files.isDirectory(repository)) return "unknown";
        try (var files = Files.walk(repository)) {
            var jar = files.filter(file -> file.getFileName().toString().equals(name)).findFirst();
            return jar.isPresent() ? licence(pom(jar.get()), repository) : "unknown";
        }
    }

    private static String licence(Path pom, Path repository) throws IOException {
        if (!Files.exists(pom)) return "unknown";
        try {
            var factory = DocumentBuilderFactory.newInstance();
            factory.setFeature("http://apache.org/xml/features/disallow-doctype-decl", true);
            var project = factory.newDocumentBuilder().parse(pom.toFile()).getDocumentElement();
            var names = child(project, "licenses")
                    .map(licenses -> children(licenses).map(licence -> text(licence, "name"))
                            .collect(Collectors.joining(" or "))).findFirst();
            if (names.isPresent()) return names.get().replace("|", "/").replaceAll("\\s+", " ");
            var parent = child(project, "parent").findFirst();
            if (parent.isEmpty()) return "unknown";
            var artifact = text(parent.get(), "artifactId");
            var version = text(parent.get(), "version");
            return licence(repository.resolve(text(parent.get(), "groupId").replace('.', '/')).resolve(artifact)
                    .resolve(version).resolve(artifact + "-" + version + ".pom"), repository);
        } catch (ParserConfigurationException | SAXException e) {
            throw new IOException(pom + " cannot be read", e);
        }
    }

    private static Stream<Element> children(Element element) {
        var nodes = element.getChildNodes();
        return Stream.iterate(0, i -> i < nodes.getLength(), i -> i + 1).map(nodes::item)
                .filter(Element.class::isInstance).map(Element.class::cast);
    }

    private static Stream<Element> child(Element element, String name) {
        return children(element).filter(eachElement -> eachElement.getTagName().equals(name));
    }

    private static String text(Element element, String name) {
        return child(element, name).map(eachElement -> eachElement.getTextContent().strip()).findFirst().orElse("");
    }
}
