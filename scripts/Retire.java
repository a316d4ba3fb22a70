///usr/bin/env jbang "$0" "$@" ; exit $?
//SOURCES ../lib/ktrdr.java
//DESCRIPTION Remove everything the toolkit installed on a node

import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import ktrdr.Exit;
import ktrdr.Problem;
import ktrdr.Table;
import ktrdr.cli.Cli;
import ktrdr.deploy.Retirement;
import ktrdr.report.Document;
import ktrdr.ssh.Ssh;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "retire", header = "Remove everything the toolkit installed on a node.",
        description = {"",
            "For a node that leaves the fleet or has left it. Removes containers and networks, packet filter rules, "
                    + "timers and units, node-exporter, the mount of the share, and the files of the stack. Volumes "
                    + "and other data, images and manual changes stay and are listed. A node that is not in the "
                    + "inventory any more is named as for ssh.",
            ""},
        footer = {"", "Examples:",
            "  jbang retire@ktrdr C --dry-run      show what would be removed, and what would stay",
            "  jbang retire@ktrdr C                asks first; then remove C from inventory.yaml",
            "  jbang retire@ktrdr root@10.42.1.13  a host that is not in the inventory any more",
            "  jbang retire@ktrdr C --data C       also its volumes and manual changes",
            "",
            "Exit codes: 0 nothing of the toolkit is left; 1 something could not be removed, or workers are busy; 2 "
                    + "wrong usage or inventory, or not confirmed;",
            "3 the node could not be reached; 4 the node is locked by another run; 130 interrupted."})
public class Retire implements Callable<Exit> {
    @Mixin Cli.Common common;
    @Parameters(index = "0", paramLabel = "NODE|HOST",
            description = "A node of the inventory, or a host that has left it: host, user@host or "
                    + "user@host:port.") String name;
    @Option(names = "--data", paramLabel = "NODE|HOST",
            description = "Also remove data: volumes, manual changes, and the share if this host exports it. Repeat "
                    + "the name.")
    String data;
    @Option(names = "--stop-busy",
            description = "Continue although workers are busy; a training saves a checkpoint.") boolean stopBusy;
    @Option(names = "--core",
            description = "Continue although the host, which is not in the inventory any more, has a core stack or "
                    + "exports the share.") boolean core;
    @Option(names = "--sudo",
            description = "Use sudo on a host that is not in the inventory any more.") boolean sudo;
    @Option(names = {"-n", "--dry-run"},
            description = "Show what would be removed and what would stay.") boolean dryRun;
    @Option(names = {"-y", "--yes"}, description = "Do not ask.") boolean yes;

    public static void main(String... args) {
        Cli.main(new Retire(), args);
    }

    @Override
    public Exit call() {
        if (data != null && !data.equals(name)) throw Problem.usage(
                "--data needs the same name again, to prevent mistakes").expected("--data " + name)
                .found("--data " + data);
        var retirement = new Retirement(common.inventory(), name);
        retirement.allowed();
        try (var fleet = common.fleet(common.inventory(), retirement.node().stream().toList());
                var ssh = retirement.connect(fleet, sudo)) {
            var found = look(retirement, ssh);
            refuse(found, ssh);
            if (dryRun || found.would().isEmpty())
                return report(retirement, ssh, found.would(), found.left(), found.failed());
            if (!yes) {
                found.would().forEach(text -> common.console().note(ssh.name(), "remove", text));
                found.left().forEach(text -> common.console().note(ssh.name(), "keep", text));
                common.console().confirm(ssh.name() + ": " + found.would().size()
                        + " items would be removed. Continue?");
            }
            try (var step = common.console().step(ssh.name(), "retire")) {
                var done = retirement.run(ssh, found, data != null, step);
                step.done(done.removed().size() + " removed");
                return report(retirement, ssh, done.removed(), done.left(), done.failed());
            }
        }
    }

    private Retirement.Remains look(Retirement retirement, Ssh ssh) {
        try (var step = common.console().step(ssh.name(), "look")) {
            var found = retirement.look(ssh, data != null);
            step.done(found.would().isEmpty() ? "nothing of the toolkit"
                    : found.would().size() + " items of the toolkit");
            return found;
        }
    }

    private void refuse(Retirement.Remains found, Ssh ssh) {
        if (!found.core().isEmpty() && !core) throw Problem.usage(ssh.name() + " is not a workers node: "
                + String.join("; ", found.core())).expected("a workers node, or --core")
                .fix("if another machine is core now: the same command with --core; without --data its data stays");
        if (found.busy().isEmpty() || stopBusy || dryRun) return;
        throw Problem.failed(ssh.name() + ": workers are busy, nothing was changed")
                .expected("idle workers, or --stop-busy")
                .found(found.busy().entrySet().stream()
                        .map(entry -> entry.getKey() + " is running operation " + entry.getValue())
                        .collect(Collectors.joining(", ")))
                .fix("wait for their end: jbang operations@ktrdr list");
    }

    private Exit report(Retirement retirement, Ssh ssh, List<String> removed, List<String> left, List<String> failed) {
        var next = !dryRun && failed.isEmpty() ? retirement.next() : List.<String>of();
        var errors = failed.isEmpty() ? List.<Problem>of()
                : List.of(Problem.failed(ssh.name() + ": not all could be removed").expected("nothing of the toolkit")
                        .found(String.join("\n", failed))
                .fix("repair it, then run the same command again"));
        var table = Table.of("node", "", "what");
        removed.forEach(text -> table.row(ssh.name(), dryRun ? "would go" : "removed", text));
        left.forEach(text -> table.row(ssh.name(), "left", text));
        failed.forEach(text -> table.row(ssh.name(), "FAILED", text));
        var exit = failed.isEmpty() ? Exit.OK : Exit.FAILED;
        common.report(Document.of("retirement", exit).with("node", ssh.name()).with(dryRun ? "would_remove" : "removed",
                removed).with("left", left).with("next", next).errors(errors), table);
        if (removed.isEmpty()) common.console().note(ssh.name() + ": nothing of the toolkit to remove");
        next.forEach(text -> common.console().note("next: " + text));
        errors.forEach(common.console()::problem);
        return exit;
    }
}
