package ktrdr;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import ktrdr.cli.Cli.Common;
import ktrdr.report.Document;

/**
 * Compares the project's pinned versions with the newest releases. Maven does the lookup, so its settings (mirror,
 * proxy, login) apply.
 *
 * Maven gets a temporary POM with version 0 everywhere, and replaces each version with the newest release. A version
 * that remains 0 was not found.
 */
public final class Outdated {
    /** The Maven plugin for the lookup; its own version is checked too. */
    private static final String PLUGIN = "org.codehaus.mojo:versions-maven-plugin:2.23.0";
    private static final String PRERELEASE =
            "(?i).*[.-](alpha|beta|rc|cr|m|ea|pre|preview|snapshot|nightly)[.-]?\\d*([.-].*)?";
    private static final Pattern DEPS = Pattern.compile("(?m)^//DEPS ([^:\\s]+:[^:\\s]+):(\\S+)$");
    private static final Pattern ANSWER = Pattern.compile(
            "<dependency><groupId>([^<]+)</groupId><artifactId>([^<]+)</artifactId><version>([^<]+)</version>");
    private static final String UNKNOWN = "0";

    /**
     * One pinned version.
     *
     * @param name group:artifact
     * @param newest the newest release
     * @param state "newest", "behind", or "held back" for a newer release that docs/DEPENDENCIES.md rejects
     * @param reason why it is held back, else empty
     */
    public record Version(String name, String pinned, String newest, String state, String reason) {
        static Version of(String name, String pinned, String newest, Map<String, Held> held) {
            if (Dependencies.compare(pinned, newest) >= 0) return new Version(name, pinned, newest, "newest", "");
            var known = held.get(name);
            boolean open = known == null || Dependencies.compare(newest, known.version()) > 0;
            return new Version(name, pinned, newest, open ? "behind" : "held back", open ? "" : known.reason());
        }

        boolean behind() {
            return state.equals("behind");
        }
    }

    /** A rejected release and the reason. Later releases are reported again. */
    public record Held(String version, String reason) {}

    private Outdated() {}

    /** Lists all versions; exit code 1 if any is behind. */
    public static Exit report(Common common) {
        var versions = versions(named(), Outdated::byMaven, Dependencies.held());
        var table = Table.of("artifact", "pinned", "newest", "state");
        versions.forEach(version -> table.row(version.name(), version.pinned(), version.newest(), version.state()));
        for (var version : versions)
            if (!version.reason().isEmpty())
                common.console().note(version.name() + " is held back: " + version.reason());
        long behind = versions.stream().filter(Version::behind).count();
        common.report(Document.of("versions", behind == 0 ? Exit.OK : Exit.FAILED).with("versions", versions), table);
        common.console().note(versions.size() + " versions, " + behind + " of them behind");
        return behind == 0 ? Exit.OK : Exit.FAILED;
    }

    /** Compares the pinned versions with the result of the lookup (name to newest release). */
    static List<Version> versions(Map<String, String> named, Function<List<String>, Map<String, String>> lookUp,
            Map<String, Held> held) {
        var newest = lookUp.apply(List.copyOf(named.keySet()));
        return named.entrySet().stream()
                .map(entry -> Version.of(entry.getKey(), entry.getValue(), newest.get(entry.getKey()), held)).toList();
    }

    /** Every pinned version by group:artifact, from sources, the front door and the lookup plugin. */
    static Map<String, String> named() {
        var named = new LinkedHashMap<String, String>();
        for (var folder : List.of("lib", "scripts", "tests"))
            for (var file : sources(Project.root().resolve(folder)))
                DEPS.matcher(read(file)).results().forEach(dep -> named.put(dep.group(1), dep.group(2)));
        named.put("dev.jbang:jbang-cli", Project.frontDoor("version"));
        named.put("com.google.code.gson:gson", Project.frontDoor("gson"));
        int version = PLUGIN.lastIndexOf(':');
        named.put(PLUGIN.substring(0, version), PLUGIN.substring(version + 1));
        return named;
    }

    private static List<Path> sources(Path folder) {
        try (var files = Files.walk(folder)) {
            return files.filter(file -> file.toString().endsWith(".java")).sorted().toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Map<String, String> byMaven(List<String> names) {
        return byMaven(names, "mvn");
    }

    /** The newest release of each artifact from Maven. All must be found, and none from an outdated cache. */
    static Map<String, String> byMaven(List<String> names, String maven) {
        try {
            var folder = Files.createTempDirectory("ktrdr-outdated");
            try {
                var pom = Files.writeString(folder.resolve("pom.xml"), pom(names));
                var ran = LocalCommand.command(maven, "-B", "-U", "-f", pom.toString(), PLUGIN + ":use-latest-versions",
                        "-DgenerateBackupPoms=false", "-Dmaven.version.ignore=" + PRERELEASE).run();
                return answer(names, Files.readString(pom), ran);
            } finally {
                for (var file : List.of(folder.resolve("pom.xml"), folder)) Files.deleteIfExists(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Map<String, String> answer(List<String> names, String pom, CommandResult ran) {
        // if a server is unreachable, Maven continues with its cached metadata
        var missed = ran.out().lines()
                .filter(line -> line.matches("\\[ERROR\\].*|\\[WARNING\\].*transfer metadata.*")).toList();
        if (!ran.ok() || !missed.isEmpty()) throw unreachable(missed.isEmpty() ? ran.lastWords() : missed.get(0));
        var newest = ANSWER.matcher(pom).results()
                .collect(Collectors.toMap(match -> match.group(1) + ":" + match.group(2), match -> match.group(3)));
        var unknown = new ArrayList<>(names);
        unknown.removeIf(name -> !UNKNOWN.equals(newest.getOrDefault(name, UNKNOWN)));
        if (!unknown.isEmpty()) throw unreachable("no release of " + String.join(", ", unknown));
        return newest;
    }

    private static Problem unreachable(String found) {
        return Problem.unreachable("Maven could not look up the newest releases")
                .expected("an answer for each artifact").found(found).fix("check the network and Maven's settings");
    }

    private static String pom(List<String> names) {
        return names.stream().map(name -> name.split(":")).map(name -> "    <dependency><groupId>" + name[0]
                + "</groupId><artifactId>" + name[1] + "</artifactId><version>" + UNKNOWN + "</version></dependency>\n")
                .collect(Collectors.joining("", """
                <project>
                  <modelVersion>4.0.0</modelVersion>
                  <groupId>ktrdr</groupId><artifactId>outdated</artifactId><version>1</version>
                  <dependencies>
                """, """
                  </dependencies>
                </project>
                """));
    }
}
