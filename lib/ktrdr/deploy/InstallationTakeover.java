package ktrdr.deploy;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import ktrdr.Console;
import ktrdr.Facts;
import ktrdr.Json;
import ktrdr.LastWords;
import ktrdr.LocalCommand;
import ktrdr.Problem;
import ktrdr.Sh;
import ktrdr.Threads;
import ktrdr.Units;
import ktrdr.backup.BackupFolder;
import ktrdr.fleet.Fleet;
import ktrdr.inventory.Inventory.Node;
import ktrdr.inventory.Secrets;
import ktrdr.node.Docker;
import ktrdr.node.NodeFiles;
import ktrdr.release.FileChangesScript;
import ktrdr.release.NodeLocks;
import ktrdr.release.NodeMetrics;
import ktrdr.release.Revision;
import ktrdr.release.Stack;
import ktrdr.release.StackFacts;
import ktrdr.release.Templates;
import ktrdr.report.Document;
import ktrdr.ssh.Ssh;

/**
 * Makes an installation of another hand ours, node by node, in the deployment that takes its place: right before ours
 * is brought up its containers are stopped and put {@link Aside}, and its data is copied into volumes of ours; where
 * ours does not get well all of it is put back. What is there itself is never moved, renamed or written to.
 *
 * What a node has of it stands in {@code .ktrdr/takeover} there before anything is stopped: its state (open, or done
 * once ours was proven), and a line for each container with its id and whether it ran, for each volume that was copied
 * from, and for each image that was made of a container.
 */
public final class InstallationTakeover implements RolloutExchange {
    private static final Duration PATIENCE = Duration.ofHours(12);
    private static final String COPYING = "ktrdr-takeover-copy";
    private static final String FILE = NodeFiles.OURS + "/takeover";
    private static final String BEFORE = NodeFiles.OURS + "/before-takeover";
    private final Fleet fleet;
    private final NodeLocks locks;
    private final Console console;
    private final Map<Node, Installation> found = new ConcurrentHashMap<>();
    private final Map<Node, NodePlan> plans = new ConcurrentHashMap<>();
    private final Set<Node> aside = ConcurrentHashMap.newKeySet();
    private final Map<String, Long> rows = new TreeMap<>();
    private Secrets secrets;

    public InstallationTakeover(Fleet fleet, NodeLocks locks, Console console) {
        this.fleet = fleet;
        this.locks = locks;
        this.console = console;
    }

    /**
     * Plans the deployment of what takes the place of an installation; of nothing where none is there. One that is half
     * taken over is a {@link Problem}.
     */
    public NodePlan plan(Stack stack, Ssh ssh, String answer, String tag) {
        var facts = StackFacts.parse(answer);
        var node = stack.node();
        if (facts.takeover().equals("open")) throw Installation.inTheWay(fleet.inventory(), stack, facts).orElseThrow();
        var there = facts.docker().isEmpty() ? Installation.NONE
                : Installation.look(fleet.inventory(), stack, ssh, facts);
        var revision = Revision.of(fleet.inventory(), stack, tag);
        if (facts.docker().isEmpty()) return NodePlan.plan(stack, revision, stack.services(), facts);
        if (there.none()) {
            console.note(node.name(), "takeover", facts.takeover().isEmpty() ? "nothing is there that is not ours"
                    : "taken over already; --drop-old lets go of what was before");
            return NodePlan.nothing(stack, revision, facts);
        }
        if (!facts.takeover().isEmpty()) throw Problem.failed(node.name()
                + ": what an earlier takeover put aside is still there").expected("none")
                .fix(Installation.command(node) + " --drop-old, then again; nothing was changed");
        if (stack.core() && there.database().filter(Docker.DATABASE::equals).isEmpty()) throw Problem.failed(node.name()
                + ": the database of what is there cannot be backed up")
                .expected("a container " + Docker.DATABASE)
                .found(there.database().orElse("none, among " + String.join(", ", there.names())))
                .fix("docker rename its container, which stops nothing; then again");
        found.put(node, there);
        var plan = NodePlan.plan(stack, revision, stack.services(), facts.without(there.names()));
        plans.put(node, plan);
        return plan;
    }

    /** The nodes whose installation is to be taken over. */
    public Set<Node> nodes() {
        return found.keySet();
    }

    /** What would become of what is there, a line each; none where nothing is. */
    public List<String> describe(Node node) {
        var there = found.get(node);
        if (there == null) return List.of();
        var lines = new ArrayList<String>();
        lines.add(node.name() + "  takeover of " + there.names().size() + " containers");
        lines.add("  replaced   " + String.join(", ", there.names()) + ": stopped, and kept aside as …" + Aside.ENDING);
        for (var copy : there.copies()) lines.add("  copied     " + copy.container() + " " + copy.directory() + ", "
                + copy.words() + (copy.bytes() < 0 ? "" : ", " + Units.size(copy.bytes()))
                + " -> the volume " + copy.volume());
        lines.add("  left alone " + (there.alone().isEmpty() ? "nothing else is there"
                : String.join(", ", there.alone())));
        return lines;
    }

    @Override
    public Map<String, Object> document(Node node) {
        var there = found.get(node);
        if (there == null) return Map.of();
        var copies = there.copies().stream()
                .map(copy -> Document.fields("container", copy.container(), "directory", copy.directory(), "from",
                        copy.words(), "volume", copy.volume(), "bytes", copy.bytes())).toList();
        return Map.of("takeover",
                Document.fields("replaced", there.names(), "copied", copies, "left_alone", there.alone()));
    }

    @Override
    public Secrets given(Secrets fetched) {
        secrets = fetched;
        return fetched;
    }

    /**
     * Proves that the secrets open the database that is taken over, and that its disk has room for a copy; else a
     * {@link Problem}.
     */
    public void prove(Node node) {
        var there = found.get(node);
        if (there.database().isEmpty()) return;
        long need = there.copies().stream().mapToLong(copy -> Math.max(0, copy.bytes())).sum();
        long free = plans.get(node).facts().free();
        if (need + node.diskFree() > free) throw Problem.failed(node.name()
                + ": too little disk is free for a copy of the data").expected(Units.size(need + node.diskFree()))
                .found(Units.size(free)).fix("make room on the file system of Docker's data; nothing was changed");
        var volumes = there.copies().stream().map(Installation.Copy::volume).toList();
        var taken = fleet.ssh(node)
                .must("for name in " + Sh.words(volumes)
                        + "; do ! docker volume inspect \"$name\" >/dev/null 2>&1 || echo \"$name\"; done\n").lines()
                .toList();
        if (!taken.isEmpty()) throw Problem.failed(node.name()
                + ": the volumes that the data is to be copied to are there already").expected("none of them")
                .found(String.join(", ", taken))
                .fix("docker volume rm them there, if nothing in them is wanted; nothing was changed");
        var result = fleet.ssh(node).run(secrets.shell(Set.of(Secrets.Field.db_username, Secrets.Field.db_password))
                + Sh.let("database", fleet.inventory().database().name()) + """
                        # the images trust 127.0.0.1 without a password
                        with_secrets sh -c 'printf "%s\\n%s\\n" "$KTRDR_DB_USER" "$KTRDR_DB_PASSWORD"' | docker exec \
                        -i \
                        CONTAINER sh -c '
                          IFS= read -r PGUSER
                          IFS= read -r PGPASSWORD
                          export PGUSER PGPASSWORD PGCONNECT_TIMEOUT=10
                          exec psql -w -X -Atq -h "$(hostname -i | cut -d " " -f 1)" -d "$1" -c "select 1" 2>&1' sh \
                        "$database"
                        """.replace("CONTAINER", Docker.DATABASE));
        if (!result.ok()) throw Problem.failed(node.name() + ": the secrets do not open the database that is there")
                .expected("db_username and db_password of it, and a database "
                + fleet.inventory().database().name()).found(LastWords.of(result.out() + result.err()))
                .fix("have the secrets of `secrets` in the inventory be those it has; nothing was changed");
    }

    /** Proves that the new server reads the data of the old one, by their versions. */
    @Override
    public void begin() {
        for (var node : nodes()) {
            var there = found.get(node);
            if (there.server() == 0) continue;
            var image = fleet.inventory().images().db();
            var said = fleet.ssh(node).run("docker run --rm --network none --entrypoint postgres " + Sh.quote(image)
                    + " --version").out().strip();
            var version = said.replaceFirst("^postgres \\(PostgreSQL\\) (\\d+).*", "$1");
            if (!version.matches("\\d+")) console.note(node.name(), "version",
                    image + " does not tell that of its PostgreSQL; the data is of " + there.server() / 10000);
            else if (Integer.parseInt(version) != there.server() / 10000)
                throw Problem.failed(node.name() + ": the database's image is of another version than the data")
                        .expected("PostgreSQL " + there.server() / 10000).found(said + ", in " + image)
                        .fix("images.db in the inventory: one of PostgreSQL " + there.server() / 10000
                                + "; nothing was changed");
        }
    }

    @Override
    public void aside(Node node) {
        var there = found.get(node);
        if (there == null) return;
        aside.add(node);
        try (var step = console.step(node.name(), "aside")) {
            step.now("stopping " + String.join(", ", there.names()));
            var result = fleet.ssh(node).run(locks.under(node) + asideScript(node, there), PATIENCE);
            if (!result.ok()) throw NodeLocks.refused(node, result)
                    .orElseGet(() -> Problem.failed(node.name() + ": what is there could not be put aside")
                            .found(result));
            var facts = Facts.parse(result.out());
            if (there.database().isPresent()) rows.putAll(rows(facts));
            step.done(there.names().size() + " containers"
                    + (there.copies().isEmpty() ? ""
                            : "; copied: " + there.copies().stream().map(Installation.Copy::volume)
                                    .collect(Collectors.joining(", "))));
        }
    }

    private String asideScript(Node node, Installation there) {
        var project = plans.get(node).stack().project();
        var script = new StringBuilder(Facts.SAY + Aside.ENGINE + "cd -P \"$directory\"\numask 077\nrm -rf " + BEFORE +
                " && mkdir " + BEFORE + "\n"
                + "for path in " + Sh.words(paths(node)) + "; do [ ! -e \"$path\" ] || { mkdir -p \"$(dirname \"" +
                BEFORE + "/$path\")\" && cp -a \"$path\" \"" + BEFORE + "/$path\"; } || exit 1; done\n"
                + "{\n  echo state open\n");
        for (var json : there.replaced()) script.append("  echo ")
                .append(Sh.words(List.of("container", Aside.name(json), json.path("Id").asText(),
                        Installation.runs(json) ? "yes" : "no", Installation.well(json) ? "well" : "unwell")))
                .append('\n');
        for (var copy : there.copies()) if (!copy.source().isEmpty())
            script.append("  echo ").append(Sh.words(List.of("volume", copy.source()))).append('\n');
        script.append("} >").append(FILE).append(".new && sync -d ").append(FILE).append(".new && mv ").append(FILE)
                .append(".new ").append(FILE).append(" || exit 1\n");
        var rest = there.names().stream().filter(name -> there.database().filter(name::equals).isEmpty()).toList();
        if (!rest.isEmpty()) script.append(Aside.stop(rest));
        there.database().ifPresent(name -> script.append(measure()).append("docker stop ").append(Sh.quote(name))
                .append(" >/dev/null || exit 1\n"));
        for (var copy : there.copies()) script.append(copy(project, copy));
        for (var json : there.replaced()) {
            var name = Aside.name(json);
            boolean layer = there.copies().stream().anyMatch(copy -> copy.layer() && copy.container().equals(name));
            script.append(Aside.put(json, layer ? Optional.of(image(name)) : Optional.empty()))
                    .append("[ $? = 0 ] || exit 1\ndocker rm ").append(Sh.quote(name))
                    .append(" >/dev/null || exit 1\n");
        }
        return script + "say end yes\n";
    }

    /** The image that is made of a container whose data lies in itself. */
    private static String image(String container) {
        return "ktrdr-before-takeover:" + container;
    }

    /** The paths of ours in the stack's folder, below which others may have had theirs. */
    private List<String> paths(Node node) {
        return plans.get(node).revision().files().stream().map(Templates.NodeFile::path).toList();
    }

    /** Counts the rows of the database that nobody but workers writes to any more. */
    private String measure() {
        return BackupFolder.measure(new Templates(fleet.inventory()))
                + Sh.let("database", fleet.inventory().database().name()) + """
                        measure_sql | docker exec -i CONTAINER sh -c 'exec psql -w -X -Atq -v ON_ERROR_STOP=1 -U \
                        "$POSTGRES_USER" -d "$1"' sh "$database" >/dev/shm/ktrdr-takeover.$$ || exit 1
                        while IFS= read -r line; do say rows "$line"; done </dev/shm/ktrdr-takeover.$$
                        rm -f /dev/shm/ktrdr-takeover.$$
                        """.replace("CONTAINER", Docker.DATABASE);
    }

    private static Map<String, Long> rows(Facts facts) {
        var rows = new TreeMap<String, Long>();
        for (var line : facts.all("rows")) {
            var table = Json.parse(line, "the database");
            rows.put(table.path("table").asText(), table.path("rows").asLong());
        }
        return rows;
    }

    private String copy(String project, Installation.Copy copy) {
        var from = copy.layer() ? image(copy.container()) : fleet.inventory().images().db();
        return (copy.layer() ? "docker commit " + Sh.words(List.of(copy.container(), from))
                + " >/dev/null || exit 1\nprintf 'image %s\\n' " + Sh.quote(from) + " >>" + FILE + "\n" : "")
                + "docker rm -f " + COPYING + " >/dev/null 2>&1 || :\n"
                + "docker volume create --label " + Docker.PROJECT + "=" + project +
                " --label com.docker.compose.volume=" + copy.volume().substring(project.length() + 1)
                + " --label " + Aside.LABEL + "=" + project + " " + Sh.quote(copy.volume()) + " >/dev/null || exit 1\n"
                // cp says which file it was, where the disk is full
                + "docker run --rm --name " + COPYING + " --network none --user 0 --entrypoint sh" +
                (copy.layer() ? "" : " --volumes-from " + Sh.quote(copy.container() + ":ro"))
                + " -v " + Sh.quote(copy.volume() + ":/ktrdr-copy") + " " + Sh.quote(from) +
                " -c 'cd \"$1\" && cp -a . /ktrdr-copy/ && sync' sh " + Sh.quote(copy.directory()) + " >&2 || exit 1\n";
    }

    /** Whether what ran on a node before is aside, or on its way there. */
    @Override
    public boolean restores(Node node) {
        return aside.contains(node);
    }

    /** Proves that no row is missing, connects what was left alone to the new network, and notes that it is done. */
    @Override
    public void proven(Node node) {
        var there = found.get(node);
        if (there == null) return;
        var project = plans.get(node).stack().project();
        var ssh = fleet.ssh(node);
        if (there.database().isPresent()) {
            var now = rows(Facts.parse(ssh.must(Facts.SAY + measure() + "say end yes\n")));
            var missing = rows.entrySet().stream()
                    .filter(entry -> now.getOrDefault(entry.getKey(), -1L) < entry.getValue())
                    .map(entry -> entry.getKey() + ": " + entry.getValue() + ", now "
                            + now.getOrDefault(entry.getKey(), 0L)).toList();
            if (!missing.isEmpty()) throw Problem.failed(node.name() + ": rows of the database are missing")
                    .expected("at least those of before").found(String.join("; ", missing));
            console.note(node.name(), "data", rows.values().stream().mapToLong(Long::longValue).sum() + " rows of "
                    + rows.size() + " tables, none missing");
        }
        var script = new StringBuilder("cd -P \"$directory\"\n");
        for (var name : there.alone()) script.append("docker network connect ")
                .append(Sh.words(List.of(project + "_default", name))).append(" >/dev/null 2>&1 || :\n");
        var result = ssh.run(locks.under(node) + script + "sed -i '1 s/.*/state done/' " + FILE + "\n");
        if (!result.ok()) throw NodeLocks.refused(node, result)
                .orElseGet(() -> Problem.failed(node.name() + ": that it was taken over could not be noted")
                        .found(result));
        console.note(node.name(), "kept", "what ran before, stopped: " + Installation.command(node)
                + " --back goes back to it, --drop-old lets go of it");
    }

    @Override
    public void restore(Node node) {
        try (var step = console.step(node.name(), "back")) {
            step.done(Threads.insist(() -> restored(Stack.of(fleet.inventory(), node)),
                    problem -> console.detail(node.name(), "back", problem.sentence())));
            aside.remove(node);
        }
    }

    /** What a node says that it has aside. */
    private Facts left(Node node) {
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

    /** Puts back what ran before, whatever of it was done; answers in words what runs. */
    private String restored(Stack stack) {
        var node = stack.node();
        var names = left(node);
        if (lines(names, "state").isEmpty()) return "nothing was put aside";
        var aside = names.all("aside").isEmpty() ? Map.<String, JsonNode>of()
                : Installation.inspected(Facts.parse(fleet.ssh(node)
                        .must(Facts.SAY + Installation.inspect(names.all("aside")) + "say end yes\n")));
        var containers = lines(names, "container");
        var before = containers.stream().map(words -> words.get(0)).toList();
        var script = new StringBuilder(Facts.SAY + Aside.ENGINE + "cd -P \"$directory\"\ndocker rm -f " + COPYING
                + " >/dev/null 2>&1 || :\n" + """
                        id() { docker inspect --type container --format '{{.Id}}' "$1" 2>/dev/null || :; }
                        known() { grep -q "^container $1 $2 " FILE; }
                        renew() { sed -i "s/^container $1 [^ ]* /container $1 $(id "$1") /" FILE && sync -d FILE; }
                        # those of ours, which are known by no line of the file
                        for name in NAMES; do
                          its=$(id "$name")
                          [ -z "$its" ] || known "$name" "$its" || docker rm -f "$name" >/dev/null || exit 1
                        done
                        """.replace("FILE", FILE)
                .replace("NAMES",
                        Sh.words(Stream.concat(Installation.names(fleet.inventory(), stack).stream(), before.stream())
                                .distinct().toList())));
        aside.forEach((name, inspected) -> {
            var own = name.substring(0, name.length() - Aside.ENDING.length());
            script.append("if [ -z \"$(id ").append(Sh.quote(own)).append(")\" ]; then\n").append(Aside.back(inspected))
                    .append("[ $? = 0 ] || exit 1\nrenew ").append(Sh.quote(own))
                    .append(" || exit 1\nfi\ndocker rm ").append(Sh.quote(name)).append(" >/dev/null || exit 1\n");
        });
        script.append("for volume in $(docker volume ls -q --filter label=" + Aside.LABEL + "=" + stack.project()
                + "); do docker volume rm \"$volume\" >/dev/null || exit 1; done\n");
        script.append(FileChangesScript.TELL).append(NodeMetrics.script(List.of()));
        for (var path : stack.files("none").stream().map(Templates.NodeFile::path).toList())
            script.append("back ").append(Sh.quote(path)).append('\n');
        script.insert(0, "back() { if [ -e \"" + BEFORE + "/$1\" ]; then cp -a \"" + BEFORE
                + "/$1\" \"$1.new\" && mv -T \"$1.new\" \"$1\"; else rm -f \"$1\"; fi || exit 1; }\n");
        var ran = new ArrayList<>(containers.stream().filter(words -> words.get(2).equals("yes"))
                .map(words -> words.get(0)).toList());
        Collections.reverse(ran);
        var well = containers.stream().filter(words -> words.get(2).equals("yes") && words.get(3).equals("well"))
                .map(words -> words.get(0)).toList();
        for (var name : ran) script.append("docker start ").append(Sh.quote(name)).append(" >/dev/null || exit 1\n");
        script.append("""
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
                .replace("WELL", Sh.quote(" " + String.join(" ", well) + " ")));
        var result = fleet.ssh(node).run(locks.under(node) + script, Duration.ofMinutes(30));
        if (!result.ok()) throw NodeLocks.refused(node, result)
                .orElseGet(() -> Problem.failed(node.name() + ": what ran before could not be started again")
                        .found(result)
                .fix(Installation.command(node) + " --back once more"));
        var unwell = Facts.parse(result.out()).all("unwell");
        if (!unwell.isEmpty()) throw Problem.failed(node.name()
                + ": what ran before was started again, and not all of it is well")
                .expected("each running, and healthy where it has a health check")
                .found(String.join("; ", unwell)).fix("jbang run@ktrdr 'docker ps -a' " + node.id());
        return String.join(", ", ran) + " as before";
    }

    /**
     * What is still aside on a node, of a takeover that was done or was cut.
     *
     * @param state open, done, or empty where there is nothing
     * @param volumes that were copied from, {@code images} that were made
     */
    public record Kept(String state, List<String> containers, List<String> volumes, List<String> images) {}

    /** What is still aside. */
    public Kept kept(Node node) {
        var facts = left(node);
        return new Kept(lines(facts, "state").stream().findFirst().map(words -> words.get(0)).orElse(""),
                facts.all("aside"),
                lines(facts, "volume").stream().map(words -> words.get(0)).toList(),
                lines(facts, "image").stream().map(words -> words.get(0)).toList());
    }

    /** Removes what is aside, of a takeover that was done, with the volumes that were copied. */
    public void drop(Node node, Kept kept) {
        try (var step = console.step(node.name(), "drop")) {
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
                    .orElseGet(() -> Problem.failed(node.name() + ": what was before could not be removed")
                            .found(result));
            step.done(String.join(", ", kept.containers())
                    + (kept.volumes().isEmpty() ? "" : "; volumes " + String.join(", ", kept.volumes())));
        }
    }

    /** A takeover's start in the words of the backup that is made before it. */
    public static String by() {
        return "takeover by " + LocalCommand.whoAndWhere();
    }
}
