package ktrdr.release;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import ktrdr.CommandResult;
import ktrdr.Problem;
import ktrdr.ScriptExit;
import ktrdr.Sh;
import ktrdr.inventory.Part;
import ktrdr.inventory.Secrets;
import ktrdr.node.NodeFiles;

/**
 * The shell that puts the files of a {@link FileChanges} in place.
 *
 * New files are written to a folder next to their places and read there by Compose, promtool and amtool. Only then are
 * they renamed, so that a full disk or a wrong file replaces none. Exit codes without any replacement:
 * {@link ScriptExit#NOT_WRITTEN}, {@link ScriptExit#COMPOSE_REFUSES}, {@link ScriptExit#PROMTOOL_REFUSES},
 * {@link ScriptExit#AMTOOL_REFUSES}, {@link ScriptExit#IN_THE_WAY}. A rename that failed half way is
 * {@link ScriptExit#PARTLY_REPLACED}. It reports on standard output, in lines that begin with {@code told}.
 */
public final class FileChangesScript {
    private static final String TOLD = "told\t";
    /** The shell function by which a script reports something under a name: see {@link #told}. */
    public static final String TELL = """
            tell() { printf 'told\\t%s\\t%s\\n' "$1" "$2"; }
            """;
    private static final String MONITORING = "monitoring/";

    /**
     * A service whose image has a tool that reads its configuration, the file, and the exit code when it refuses that.
     */
    private record Examined(Part part, String title, String tool, String verb, String file, ScriptExit refused) {}

    private static final List<Examined> EXAMINED = List.of(new Examined(Part.PROMETHEUS, "Prometheus", "promtool",
            "check config", "prometheus.yml", ScriptExit.PROMTOOL_REFUSES),
            new Examined(Part.ALERTMANAGER, "Alertmanager", "amtool", "check-config", "alertmanager.yml",
                    ScriptExit.AMTOOL_REFUSES));
    private final FileChanges staging;

    public FileChangesScript(FileChanges staging) {
        this.staging = staging;
    }

    /**
     * The script for a node on which nothing is started: Compose reads the files with placeholders instead of secrets.
     */
    public String alone() {
        var values = staging.stack().secrets().stream().map(secret -> secret.variable() + "=placeholder")
                .collect(Collectors.joining(" "));
        return Secrets.function(values) + text("");
    }

    /**
     * The script, for one in which {@code with_secrets} is defined; it ends in the stack's directory. If no file
     * changes, Compose reads the present ones.
     *
     * @param begin shell lines for the moment when all checks passed and nothing is changed yet
     */
    public String text(String begin) {
        var script = Sh.let("directory", staging.stack().node().directory()) + TELL + """
                umask 022
                new=
                made=
                """ + Sh.atEnd("rm -rf \"$new\"; [ -z \"$made\" ] || rmdir \"$directory\" 2>/dev/null || :")
                + ScriptExit.numbers("""
                [ -d "$directory" ] || made=yes
                mkdir -p "$directory" || exit $NOT_WRITTEN
                cd -P "$directory"
                """) + guards();
        return staging.settled() ? script + checks() + begin
                : script + writes() + checks() + begin + renames() + "rm -rf \"$new\"\n";
    }

    /** Nothing is written through a link; a rename onto a folder would go into it. */
    private String guards() {
        var paths = new LinkedHashSet<>(staging.removed());
        staging.changed().forEach(file -> paths.add(file.path()));
        paths.addAll(staging.kept().values());
        paths.add(NodeFiles.MANIFEST);
        return ScriptExit.numbers("""
                plain() {
                  at=$1
                  while :; do
                    case $at in */*) at=${at%/*} ;; *) break ;; esac
                    [ ! -L "$at" ] || { printf '%s is a symbolic link\\n' "$at" >&2; exit $IN_THE_WAY; }
                  done
                  [ -L "$1" ] || [ ! -d "$1" ] || { printf '%s is a folder\\n' "$1" >&2; exit $IN_THE_WAY; }
                }
                """) + "for path in " + Sh.words(List.copyOf(paths)) + "; do plain \"$path\"; done\n";
    }

    /** All files are written next to their places first, so that a full disk replaces none of them. */
    private String writes() {
        var script = new StringBuilder(Sh.folder("new", "\"$PWD\"/.ktrdr-new") + ScriptExit.numbers("""
                put() {
                  case $1 in */*) mkdir -p "$new/${1%/*}" || exit $NOT_WRITTEN ;; esac
                  printf %s "$3" >"$new/$1" && chmod "$2" "$new/$1" || exit $NOT_WRITTEN
                  [ "$(id -u)" != 0 ] || chown 0:0 "$new/$1" || exit $NOT_WRITTEN
                  sync "$new/$1" || exit $NOT_WRITTEN
                }
                """));
        for (var file : staging.changed())
            script.append("put ").append(Sh.quote(file.path())).append(' ').append(file.mode()).append(' ')
                    .append(Sh.quote(file.content())).append('\n');
        if (listed()) return script.toString();
        var manifest = staging.manifest().entrySet().stream()
                .map(entry -> entry.getValue() + "  " + entry.getKey() + "\n").collect(Collectors.joining());
        return script + "put " + NodeFiles.MANIFEST + " 644 " + Sh.quote(manifest) + "\n";
    }

    private boolean listed() {
        return staging.facts().files().manifest().equals(staging.manifest());
    }

    private String checks() {
        var stack = staging.stack();
        return "with_secrets docker compose --project-directory . --env-file " + now(stack.envFile()) + " -f "
                + stack.composeFiles().stream().map(this::now).collect(Collectors.joining(" -f "))
                + " config -q || exit " + ScriptExit.COMPOSE_REFUSES.code + "\n" + examinations();
    }

    private String examinations() {
        var examined = EXAMINED.stream().filter(eachExamined -> !unread(staging, eachExamined).isEmpty()).toList();
        return examined.isEmpty() ? ""
                : look() + examined.stream().map(this::examination).collect(Collectors.joining());
    }

    /** The files of the part that change; none of a stack without it. */
    private static List<String> unread(FileChanges staging, Examined examined) {
        return staging.stack().service(examined.part()).map(staging::unread).orElse(List.of());
    }

    /** Where a file is at that moment: next to its place if it changes. */
    private String now(String path) {
        return changes(path) ? "\"$new\"/" + Sh.quote(path) : Sh.quote(path);
    }

    private boolean changes(String path) {
        return staging.changed().stream().anyMatch(file -> file.path().equals(path));
    }

    /** The image has the program that will read the file; it checks a copy of the folder with the new file in it. */
    private String look() {
        return ScriptExit.numbers("""
                look=$new/.look
                mkdir "$look" || exit $NOT_WRITTEN
                [ ! -d monitoring ] || cp -RP monitoring/. "$look" || exit $NOT_WRITTEN
                # cp would follow a link there
                put_new() { rm -f "$look/$1" && mkdir -p "$look/$(dirname "$1")" && cp "$new/monitoring/$1" \
                "$look/$1" || exit $NOT_WRITTEN; }
                """) + EXAMINED.stream().map(this::overlay).collect(Collectors.joining());
    }

    private String examination(Examined examined) {
        var service = staging.stack().needed(examined.part());
        return Sh.let("image", staging.stack().images(List.of(service), staging.tag()).get(service)) + """
                        code=0
                        if docker image inspect "$image" >/dev/null 2>&1; then
                          by='%3$s of the %2$s image'
                          docker run --rm --network none --entrypoint %3$s -v "$look:/etc/%1$s:ro" "$image" %4$s \
                        /etc/%1$s/%5$s >"$new/.said" 2>&1 || code=$?
                        elif command -v %3$s >/dev/null 2>&1; then
                          by='%3$s of the node'
                          %3$s %4$s "$look/%5$s" >"$new/.said" 2>&1 || code=$?
                        else
                          by=
                        fi
                        case "$by:$code" in
                          :*) tell checked '%5$s not checked: neither the %2$s image nor %3$s is on the node' ;;
                          *:0) tell checked "%5$s checked by $by" ;;
                          *:12[567]) tell checked "%5$s not checked: $by could not be started" ;;
                          *) cat "$new/.said" >&2; exit %6$d ;;
                        esac
                        """.formatted(examined.part().check(), examined.title(), examined.tool(), examined.verb(),
                                examined.file(),
                        examined.refused().code);
    }

    /**
     * The files of a service as they will be, of Prometheus rules too: prometheus.yml names those relative to itself.
     */
    private String overlay(Examined examined) {
        return unread(staging, examined).stream()
                .map(path -> (changes(path) ? "put_new " : "rm -f \"$look\"/")
                        + Sh.quote(path.substring(MONITORING.length())) + "\n").collect(Collectors.joining());
    }

    /**
     * Services that must read a file again are marked before the first rename, so that the next run knows them even if
     * this one is cut short.
     */
    private String renames() {
        var lines = new ArrayList<>(List.of(ScriptExit.numbers("""
                keep() { [ -e "$2" ] || ln "$1" "$2" 2>/dev/null || cp -p "$1" "$2" || exit $NOT_WRITTEN; }
                mark() { rm -f ".ktrdr/unread.$1" && : >".ktrdr/unread.$1" || exit $NOT_WRITTEN; }
                place() { mv -fT "$new/$1" "$1" || exit $PARTLY_REPLACED; }
                """) + "mkdir -p " + Sh.words(folders()) + " || exit " + ScriptExit.NOT_WRITTEN.code));
        staging.unread().forEach(service -> lines.add("mark " + service));
        staging.kept().forEach((path, place) -> lines.add("keep " + Sh.words(List.of(path, place))));
        staging.changed().forEach(file -> lines.add("place " + Sh.quote(file.path())));
        staging.removed().forEach(
                path -> lines.add("rm -f " + Sh.quote(path) + " || exit " + ScriptExit.PARTLY_REPLACED.code));
        if (!listed()) lines.add("place " + NodeFiles.MANIFEST);
        lines.add("sync . " + Sh.words(folders()) + " || exit " + ScriptExit.PARTLY_REPLACED.code + "\n");
        return String.join("\n", lines);
    }

    /** The folders in which something changes, the toolkit's own included. */
    private List<String> folders() {
        var folders = new TreeSet<>(Set.of(NodeFiles.OURS));
        var paths = new ArrayList<>(staging.removed());
        paths.addAll(staging.kept().values());
        staging.changed().forEach(file -> paths.add(file.path()));
        for (var path : paths) if (path.contains("/")) folders.add(path.substring(0, path.lastIndexOf('/')));
        return List.copyOf(folders);
    }

    /** What a script reported under a name, such as "checked"; every occurrence. */
    public static List<String> told(String name, String out) {
        return out.lines().filter(line -> line.startsWith(TOLD + name + "\t"))
                .map(line -> line.substring(TOLD.length() + name.length() + 1)).toList();
    }

    /** The other lines that a script printed. */
    public static String rest(String out) {
        return out.lines().filter(line -> !line.startsWith(TOLD)).collect(Collectors.joining("\n"));
    }

    /** How prometheus.yml and alertmanager.yml were checked, or that they were not; nothing about an unchanged file. */
    public static List<String> checked(String out) {
        return told("checked", out);
    }

    /** The sentence for an exit code of this script; empty for codes that are not its own. */
    public static Optional<Problem> failure(FileChanges staging, CommandResult result) {
        var name = staging.stack().node().name();
        var directory = staging.stack().node().directory();
        var said = result.lastWords();
        var nothing = "no file was replaced and no container was touched";
        return Optional.ofNullable(switch (ScriptExit.of(result)) {
            case NOT_WRITTEN -> Problem.failed(name + ": the files could not be written to " + directory).found(said)
                    .fix("free disk space, or correct the folder's owner; no file was replaced and no container was "
                            + "touched");
            case COMPOSE_REFUSES -> Problem.failed(name + ": Compose refuses "
                    + String.join(" with ", staging.stack().composeFiles()))
                    .found(said).fix(nothing);
            case PROMTOOL_REFUSES, AMTOOL_REFUSES -> EXAMINED.stream()
                    .filter(examined -> examined.refused().code == result.exit())
                    .map(examined -> Problem.failed(name + ": " + examined.tool() + " refuses "
                    + String.join(", ", unread(staging, examined)))
                    .expected("a configuration that " + examined.title() + " can read").found(said).fix(nothing))
                    .findFirst().orElseThrow();
            case IN_THE_WAY -> Problem.failed(name + ": something blocks the toolkit's files in " + directory)
                    .found(said).fix("move it away; " + nothing);
            case PARTLY_REPLACED ->
                    Problem.failed(name + ": some files in " + directory + " were replaced and others were not")
                            .found(said)
                    .fix("fix what is found, then run it again");
            default -> null;
        }).map(problem -> problem.stderr(result.err()));
    }
}
