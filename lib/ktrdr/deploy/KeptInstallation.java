package ktrdr.deploy;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import ktrdr.CommandResult;
import ktrdr.Facts;
import ktrdr.Problem;
import ktrdr.Sh;
import ktrdr.deploy.InstallationTakeover.Kept;
import ktrdr.fleet.Fleet;
import ktrdr.inventory.Inventory.Node;
import ktrdr.release.FileChangesScript;
import ktrdr.release.NodeLocks;
import ktrdr.release.NodeMetrics;
import ktrdr.release.Stack;
import ktrdr.release.Templates;

/** What a takeover put aside on a node, and the two ways on: it runs again, or it is removed. */
final class KeptInstallation {
    private static final String FILE = AsideScript.FILE;
    private static final String BEFORE = AsideScript.BEFORE;
    private final Fleet fleet;
    private final NodeLocks locks;

    KeptInstallation(Fleet fleet, NodeLocks locks) {
        this.fleet = fleet;
        this.locks = locks;
    }

    /** What is aside on a node. */
    Kept of(Node node) {
        var facts = facts(node);
        return new Kept(lines(facts, "state").stream().findFirst().map(words -> words.get(0)).orElse(""),
                facts.all("aside"),
                lines(facts, "volume").stream().map(words -> words.get(0)).toList(),
                lines(facts, "image").stream().map(words -> words.get(0)).toList());
    }

    private Facts facts(Node node) {
        return Facts.parse(fleet.ssh(node)
                .must((locks.held() ? locks.under(node) : "") + Facts.SAY + Sh.let("directory", node.directory()) + """
                        cd -P "$directory" 2>/dev/null || { say end yes; exit 0; }
                        [ ! -f FILE ] || while IFS= read -r line; do say kept "$line"; done <FILE
                        names=$(docker ps -a --filter label=LABEL --format '{{.Names}}' | grep -e 'ENDING$' || :)
                        for name in $names; do say aside "$name"; done
                        """.replace("FILE", FILE).replace("LABEL", Aside.LABEL).replace("ENDING", Aside.ENDING)
                + "say end yes\n"));
    }

    private static List<List<String>> lines(Facts kept, String kind) {
        return kept.all("kept").stream().map(line -> List.of(line.split(" ")))
                .filter(words -> words.get(0).equals(kind)).map(words -> words.subList(1, words.size())).toList();
    }

    /** A container of the list, by its name when the takeover began. */
    private record Listed(String name, boolean ran, boolean well) {
        static List<Listed> of(Facts kept) {
            return lines(kept, "container").stream().map(words ->
                    new Listed(words.get(0), words.get(2).equals("yes"), words.get(3).equals("well"))).toList();
        }
    }

    /** Puts back the previous installation, however far the takeover had come; answers in words what runs. */
    String restored(Stack stack) {
        var node = stack.node();
        var facts = facts(node);
        if (lines(facts, "state").isEmpty()) return "nothing was put aside";
        var containers = Listed.of(facts);
        var ran = new ArrayList<>(containers.stream().filter(Listed::ran).map(Listed::name).toList());
        Collections.reverse(ran);
        var script = putBackFunction() + Facts.SAY + Aside.ENGINE + removeNew(stack, containers)
                + makeAgain(inspected(node, facts.all("aside"))) + removeCopies(stack) + putFilesBack(stack)
                + start(ran, containers.stream().filter(Listed::ran).filter(Listed::well).map(Listed::name).toList());
        proveWell(node, fleet.ssh(node).run(locks.under(node) + script, Duration.ofMinutes(30)));
        return String.join(", ", ran) + " as before";
    }

    private Map<String, JsonNode> inspected(Node node, List<String> aside) {
        return aside.isEmpty() ? Map.of() : Installation.inspected(Facts.parse(fleet.ssh(node)
                .must(Facts.SAY + Installation.inspect(aside) + "say end yes\n")));
    }

    private static String putBackFunction() {
        return "back() { if [ -e \"" + BEFORE + "/$1\" ]; then cp -a \"" + BEFORE
                + "/$1\" \"$1.new\" && mv -T \"$1.new\" \"$1\"; else rm -f \"$1\"; fi || exit 1; }\n";
    }

    /** Removes the containers that took the place of the installation: the list has no line for them. */
    private String removeNew(Stack stack, List<Listed> before) {
        var names = Stream.concat(Installation.names(fleet.inventory(), stack).stream(),
                before.stream().map(Listed::name)).distinct().toList();
        return "cd -P \"$directory\"\ndocker rm -f " + AsideScript.COPYING + " >/dev/null 2>&1 || :\n" + """
                id() { docker inspect --type container --format '{{.Id}}' "$1" 2>/dev/null || :; }
                known() { grep -q "^container $1 $2 " FILE; }
                renew() { sed -i "s/^container $1 [^ ]* /container $1 $(id "$1") /" FILE && sync -d FILE; }
                # the new containers: the list has no line for them
                for name in NAMES; do
                  its=$(id "$name")
                  [ -z "$its" ] || known "$name" "$its" || docker rm -f "$name" >/dev/null || exit 1
                done
                """.replace("FILE", FILE).replace("NAMES", Sh.words(names));
    }

    /** Creates each original container again from the container that is aside. */
    private static String makeAgain(Map<String, JsonNode> aside) {
        var script = new StringBuilder();
        aside.forEach((name, inspected) -> {
            var own = name.substring(0, name.length() - Aside.ENDING.length());
            script.append("if [ -z \"$(id ").append(Sh.quote(own)).append(")\" ]; then\n").append(Aside.back(inspected))
                    .append("[ $? = 0 ] || exit 1\nrenew ").append(Sh.quote(own))
                    .append(" || exit 1\nfi\ndocker rm ").append(Sh.quote(name)).append(" >/dev/null || exit 1\n");
        });
        return script.toString();
    }

    private static String removeCopies(Stack stack) {
        return "for volume in $(docker volume ls -q --filter label=" + Aside.LABEL + "=" + stack.project()
                + "); do docker volume rm \"$volume\" >/dev/null || exit 1; done\n";
    }

    private static String putFilesBack(Stack stack) {
        var script = new StringBuilder(FileChangesScript.TELL + NodeMetrics.script(List.of(), stack));
        for (var path : stack.files("none").stream().map(Templates.NodeFile::path).toList())
            script.append("back ").append(Sh.quote(path)).append('\n');
        return script.toString();
    }

    /** @param well the containers that ran without a failing health check */
    private static String start(List<String> ran, List<String> well) {
        var script = new StringBuilder();
        for (var name : ran) script.append("docker start ").append(Sh.quote(name)).append(" >/dev/null || exit 1\n");
        return script + """
                last=$(($(date +%s) + 120))
                for name in RAN; do
                  while :; do
                    state=$(docker inspect --type container --format '{{.State.Status}} {{if \
                .State.Health}}{{.State.Health.Status}}{{end}}' "$name")
                    # one whose health check failed before cannot do more than run
                    case $state in 'running ' | 'running healthy') break ;; running*) case WELL in *" $name "*) ;; *) \
                break ;; esac ;; esac
                    [ "$(date +%s)" -lt "$last" ] || { say unwell "$name is $state"; break; }
                    sleep 0.5
                  done
                done
                rm -rf FILE BEFORE
                say end yes
                """.replace("FILE", FILE).replace("BEFORE", BEFORE).replace("RAN", Sh.words(ran))
                .replace("WELL", Sh.quote(" " + String.join(" ", well) + " "));
    }

    private static void proveWell(Node node, CommandResult result) {
        if (!result.ok()) throw NodeLocks.refused(node, result)
                .orElseGet(() -> Problem.failed(node.name() + ": the previous installation could not be started again")
                        .found(result).fix(Installation.command(node) + " --back once more"));
        var unwell = Facts.parse(result.out()).all("unwell");
        if (!unwell.isEmpty()) throw Problem.failed(node.name()
                + ": the previous installation was started again, but is not healthy")
                .expected("each container running, and healthy if it has a health check")
                .found(String.join("; ", unwell)).fix("jbang run@ktrdr 'docker ps -a' " + node.id());
    }

    /** Removes what is aside, with the volumes that were copied. */
    void drop(Node node, Kept kept) {
        var script = new StringBuilder("cd -P \"$directory\"\n");
        if (!kept.containers().isEmpty())
            script.append("docker rm -v ").append(Sh.words(kept.containers())).append(" >/dev/null || exit 1\n");
        if (!kept.volumes().isEmpty()) script.append("for volume in ").append(Sh.words(kept.volumes()))
                .append("; do ! docker volume inspect \"$volume\" >/dev/null 2>&1 || docker volume rm \"$volume\" "
                        + ">/dev/null || exit 1; done\n");
        for (var image : kept.images())
            script.append("docker image rm ").append(Sh.quote(image)).append(" >/dev/null || :\n");
        var result = fleet.ssh(node).run(locks.under(node) + script + "rm -rf " + FILE + " " + BEFORE + "\n",
                Duration.ofMinutes(10));
        if (!result.ok()) throw NodeLocks.refused(node, result)
                .orElseGet(() -> Problem.failed(node.name() + ": what was put aside could not be removed")
                        .found(result));
    }
}
