package bench;

import java.util.List;
import java.util.stream.Stream;

/**
 * A benchmark with the names of its two sides, shared by tables, JSON, the chart and the table in CONTRIBUTING.md.
 *
 * @param name its name on the command line
 * @param ours the column of the toolkit; {@code theirs} that of the manual alternative
 * @param what both sides do, in words
 */
public record Case(String name, String ours, String theirs, String what) {
    /** Numbers of targets of a fan-out. */
    public static final List<Integer> TARGETS = List.of(3, 30, 99, 300);

    /** All benchmarks in the order of execution. */
    public static final List<Case> ALL = Stream.of(Stream.of(
            new Case("backup", "ktrdr", "pg_dump | gzip",
                    "a backup of the same database on core: backup-db with its proofs, and pg_dump | gzip over ssh"),
            new Case("console-gather", "console", "ControlPersist",
                    "five facts of every node over connections that are open: a line typed into the console, and ssh "
                            + "with ControlPersist to all nodes at once"),
            new Case("deploy-core", "deploy", "compose up",
                    "deploy core all where all is as it should be, and the plan's docker compose up -d, ps and logs "
                            + "over ssh with its three questions by curl"),
            new Case("deploy-core-newer", "deploy", "compose up",
                    "deploy core all with another release that core has to pull, and docker login, compose pull and "
                            + "up -d over ssh, a wait until "
                            + "containers are healthy and all workers registered again, and the plan's ps, logs and "
                            + "curl"),
            new Case("deploy-local", "deploy --local", "save | load",
                    "deploy workers all --local with an image of which one layer of 5 MB is new, and docker save | ssh "
                            + "docker load and compose up -d on one node after the other, each with the same wait"),
            new Case("deploy-local-pulled", "deploy --local", "deploy --tag",
                    "the same, and deploy workers all --tag with a release that the registry has already, whose image "
                            + "the nodes have but for its last layers"),
            new Case("deploy-workers", "deploy", "commands",
                    "deploy workers all with another release whose image is there, and compose up -d over ssh on one "
                            + "node after the other, each with a "
                            + "wait until its containers are healthy and its workers registered"),
            new Case("deploy-workers-ansible", "deploy", "Ansible",
                    "deploy workers all with another release whose image is there, and a playbook with the same wait "
                            + "for health that goes one node after "
                            + "the other too (serial: 1)"),
            new Case("deploy-workers-parallel", "deploy", "commands",
                    "deploy workers all --parallel with another release whose image is there, and the commands of "
                            + "deploy-workers, one node after the other "
                            + "as the plan has them"),
            new Case("deploy-workers-parallel-ansible", "deploy", "Ansible",
                    "deploy workers all --parallel with another release whose image is there, and the playbook on all "
                            + "nodes at once")),
            TARGETS.stream().map(targets -> fanOut(targets, "", "OpenSSH", "xargs -P " + FanOut.AT_ONCE + " with ssh")),
            TARGETS.stream().map(targets ->
                    fanOut(targets, "ansible-", "Ansible", "a raw task of Ansible with -f " + FanOut.AT_ONCE)),
            Stream.of(
            new Case("gap", "deploy", "compose up",
                    "the window without a good answer of the backend, asked 20 times a second, while it is replaced "
                            + "by another release"),
            new Case("help", "ktrdr", "jbang", "status --help, started by the front door itself and through JBang"),
            new Case("jdk-help", "jdk-17", "jdk-25",
                    "status --help, run --help and operations --help, on JDK 17 and on JDK 25, each with its archive"),
            new Case("jdk-run", "jdk-17", "jdk-25",
                    "run uptime on every node, on JDK 17 and on JDK 25, each with its archive"),
            new Case("jdk-status", "jdk-17", "jdk-25", "status, on JDK 17 and on JDK 25, each with its archive"),
            new Case("restore", "ktrdr", "gunzip | psql",
                    "the same rows into a new database on core: restore-db --into with its comparison, and gunzip | "
                            + "psql over ssh"),
            new Case("stage", "stage", "scp",
                    "stage all where all is in place, and mkdir by ssh and the files of each node by scp, one node "
                            + "after the other"),
            new Case("stage-ansible", "stage", "Ansible",
                    "stage all where all is in place, and a playbook that copies the files of each node"),
            new Case("stage-change", "stage", "scp",
                    "stage all with another release, which changes the env file of each node, and mkdir by ssh and "
                            + "the files of each node by scp"),
            new Case("stage-change-ansible", "stage", "Ansible",
                    "stage all with another release, which changes the env file of each node, and a playbook that "
                            + "copies the files of each node"),
            new Case("start", "first", "second",
                    "--help of every procedure for the first and the second time, started by the front door: after a "
                            + "clone, after an edit of the library, after one of a script"),
            new Case("status", "status", "commands",
                    "status, and the plan's looks one after the other: df and docker compose ps on each node, the "
                            + "backups, health, workers and targets"),
            new Case("transfer", "ktrdr", "ssh cat",
                    "a file of " + Transfer.MEBIBYTES
                            + " MiB on core into one of this machine, as a backup's stream comes (backup-db --to), "
                            + "and ssh core cat"),
            new Case("verify", "verify", "commands",
                    "verify, and each of the plan's commands once, one after the other, with one sample operation"),
            new Case("verify-infra", "verify-infra", "commands",
                    "verify-infra with all its checks, and the plan's five commands a node, one ssh each, one after "
                            + "the other"),
            new Case("verify-infra-ansible", "verify-infra", "Ansible",
                    "verify-infra with all its checks, and a playbook that gathers facts and runs the plan's five "
                            + "commands"),
            new Case("verify-lists", "verify", "commands",
                    "verify, and both of the plan's lists as they are written, each with its operation"),
            new Case("verify-quick", "verify", "commands",
                    "verify --quick, and each of the plan's commands once, one after the other, without a sample "
                            + "operation"))).flatMap(cases -> cases).toList();

    private static Case fanOut(int targets, String kind, String theirs, String words) {
        return new Case("fan-out-" + kind + targets, "ktrdr", theirs,
                "five facts of " + targets + " targets with fresh connections: ktrdr run, and " + words);
    }

    /** The benchmark of this name. */
    public static Case of(String name) {
        return ALL.stream().filter(eachCase -> eachCase.name.equals(name)).findFirst()
                .orElseThrow(() -> new IllegalArgumentException("no benchmark " + name));
    }

    /** The row in the table of the documentation. */
    public String row() {
        return Stream.of("`" + name + "`", "`" + ours + "`", "`" + theirs + "`", what)
                .map(cell -> cell.replace("|", "\\|")).reduce("|", (row, cell) -> row + " " + cell + " |");
    }
}
