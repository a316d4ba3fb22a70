package ktrdr.status;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import ktrdr.Console;
import ktrdr.Facts;
import ktrdr.Problem;
import ktrdr.Sh;
import ktrdr.backup.BackupSchedule;
import ktrdr.health.ProofChecks;
import ktrdr.node.ContainerUsage;
import ktrdr.node.Docker;
import ktrdr.node.MachineFacts;
import ktrdr.node.Mount;
import ktrdr.node.NodeFiles;
import ktrdr.node.Occupant;
import ktrdr.node.StaleMounts;
import ktrdr.release.History;
import ktrdr.release.LockScripts;
import ktrdr.release.OwnContainers;
import ktrdr.release.Stack;
import ktrdr.ssh.Ssh;

/**
 * What a node is and runs at this moment, gathered by one script.
 *
 * @param host the machine
 * @param lock who holds the node's lock
 * @param history of the last deployments
 * @param containers of the stack, stopped ones too; none where Docker does not answer
 * @param backup the newest complete backup, if it was asked for; a foreign dump if there is none
 */
public record NodeStatus(MachineFacts host, LockScripts.LockState lock, History history,
        List<Docker.Container> containers, Optional<Backup> backup) {
    /** A status every few seconds cannot wait half a minute for a silent server. */
    private static final int SHARE_SECONDS = 5;
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final int DEPLOYMENTS = 10;

    /**
     * A backup of the database.
     *
     * @param size in bytes
     * @param age since it was written last, by the clock of the machine that it is on
     */
    public record Backup(String name, long size, Duration age) {
        /** Whether backup-db made it, and it is complete; else it is a foreign dump with unknown contents. */
        boolean ours() {
            return name.startsWith("ktrdr-") && name.contains(".dump.");
        }
    }

    /**
     * Asks a node; {@code backups} is the folder to look for backups in, empty for none; {@code usage} asks for
     * {@link ContainerUsage} as well, which takes longer.
     */
    static NodeStatus gather(Ssh ssh, Stack stack, String backups, boolean usage) {
        long asked = System.currentTimeMillis();
        var more = StaleMounts.script(stack.file().reading()) + ProofChecks.question(stack, stack.services());
        var result = ssh.run(script(OwnContainers.marks(stack.inventory()), stack.project(), stack.node().directory(),
                stack.share(), backups, usage)
                + (more.isEmpty() ? "" : "[ -z \"$docker\" ] || {\n" + more + "}\n") + "say end yes\n", PATIENCE);
        if (!result.ok())
            throw Problem.failed(ssh.name() + ": the status script ended with exit code " + result.exit())
                    .expected("exit code 0").found(result);
        return parse(MachineFacts.of(result.out(), asked, System.currentTimeMillis())).of(stack);
    }

    /** The script but for its end: it changes nothing, and prints a line for each fact. */
    static String script(Occupant.Marks marks, String project, String directory, String share, String backups,
            boolean usage) {
        return Facts.SAY + MachineFacts.CLOCK + "say machine \"$(uname -m)\"\n" + Sh.let("directory", directory)
                + Sh.let("project", project) + Sh.let("backups", backups) + MachineFacts.size() + MachineFacts.use()
                + MachineFacts.engine()
                + MachineFacts.share(Mount.script(share, SHARE_SECONDS)) + LockScripts.holder() + marks.tools()
                + History.script(DEPLOYMENTS) + NodeFiles.script(Map.of()) + BackupSchedule.LOOK + """
                newest() {
                  find "$backups/" -maxdepth 1 -type f "$@" -printf '%T@ %s %f\\n' | sort -rn | while IFS= read -r \
                one; do
                    name=${one#* * }
                    case $name in ktrdr-*.dump.*) [ -f "$backups/$name.sha256" ] && [ -f \
                "$backups/${name%.dump.*}.json" ] || continue ;; esac
                    say backup "$one"
                    break
                  done
                }
                if [ -n "$backups" ] && [ -d "$backups" ]; then
                  newest '(' -name 'ktrdr-*.dump.zst' -o -name 'ktrdr-*.dump.gz' ')'
                  newest -name '*.sql*'
                fi
                [ -z "$docker" ] || {
                """ + Docker.sayContainers(project) + Occupant.LIST + "}\n"
                + (usage ? ContainerUsage.script(project) : "");
    }

    /** Of the facts that the script of {@link #script} says. */
    public static NodeStatus parse(MachineFacts host) {
        var facts = host.facts();
        return new NodeStatus(host, LockScripts.LockState.of(facts), History.parse(facts), Docker.containers(facts),
                backup(facts.get("backup"), facts.get("clock")));
    }

    private static Optional<Backup> backup(String found, String clock) {
        if (found.isEmpty()) return Optional.empty();
        var words = found.split(" ", 3);
        if (words.length < 3 || !words[0].matches("\\d{1,12}(\\.\\d+)?") || !words[1].matches("\\d{1,18}"))
            throw Problem.failed("a node returned an invalid backup entry").expected("time, size, name")
                    .found(Console.brief(found, 100));
        long millis = Math.round(1000 * (Double.parseDouble(clock) - Double.parseDouble(words[0])));
        return Optional.of(new Backup(words[2], Long.parseLong(words[1]), Duration.ofMillis(Math.max(0, millis))));
    }

    /** The backups by a timer, where there is one. */
    Optional<BackupSchedule> schedule() {
        return BackupSchedule.parse(host.facts());
    }

    /** The time of the node's clock. */
    Instant clock() {
        return Instant.ofEpochMilli(Math.round(1000 * Double.parseDouble(host.facts().get("clock"))));
    }

    /** What the containers use, where it was asked for. */
    public List<ContainerUsage> usage() {
        return ContainerUsage.all(host.facts());
    }

    /** The same with those containers of the project that are the toolkit's. */
    NodeStatus of(Stack stack) {
        return new NodeStatus(host, lock, history, new OwnContainers(stack, history).of(containers), backup);
    }

    /** Containers of the stack's project that are neither the toolkit's nor foreign by the inventory. */
    List<Docker.Container> strays(Stack stack) {
        return new OwnContainers(stack, history).strays(Docker.containers(host.facts()));
    }

    /** Containers of the stack's project that the inventory names under {@code foreign}. */
    List<Docker.Container> foreign(Stack stack) {
        return new OwnContainers(stack, history).foreign(Docker.containers(host.facts()));
    }

    /** The containers of other Compose projects on the node, by the name of the project. */
    Map<String, List<Occupant.Other>> projects(Stack stack) {
        return Occupant.projects(host.facts(), stack.project());
    }

    /** What its processors are, such as x86_64: an image is another one for each. */
    String machine() {
        return host.facts().get("machine");
    }

    /** Whether the Docker Engine answers. */
    public boolean docker() {
        return !host.facts().get("docker").isEmpty();
    }

    /** The toolkit's files there, with their recorded hashes; a damaged list is a {@link Problem}. */
    public NodeFiles files() {
        return NodeFiles.parse(host.facts());
    }

    /** Whether a deployment is running: it has not ended, and its run holds the lock with a heartbeat. */
    public boolean deploying() {
        return lock.alive() && history.unfinished().map(History.Entry::id)
                .equals(lock.holder().map(LockScripts.Owner::id));
    }
}
