///usr/bin/env jbang "$0" "$@" ; exit $?
//SOURCES ../lib/ktrdr.java
//DESCRIPTION Remove all that the toolkit has put on a node that leaves the fleet, or has left it

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

@Command(name = "retire",
        header = "Remove all that the toolkit has put on a node that leaves the fleet, or has left it.",
        description = {"",
                "Containers and networks, packet filter rules, timers and units, node-exporter, the mount of the "
                        + "share, files of the stack with its env files. Volumes and other data, images and "
                + "what was changed by hand stay and are named. A node that is not in the inventory any more is named "
                + "as ssh knows it.", ""},
        footer = {"", "Examples:",
            "  jbang retire@ktrdr C --dry-run                 what would be removed, and what would stay",
            "  jbang retire@ktrdr C                           after it has asked; then take C out of inventory.yaml",
            "  jbang retire@ktrdr root@10.42.1.13             a host that the inventory does not have any more",
            "  jbang retire@ktrdr C --data C                  with its volumes, and what was changed by hand",
            "", "Exit codes: 0 nothing of it is left there; 1 something could not be removed, or workers are at work; "
                    + "2 wrong usage or inventory, or nobody to ask;",
            "3 the node could not be reached; 4 somebody else is at work there; 130 interrupted."})
public class Retire implements Callable<Exit> {
    @Mixin Cli.Common common;
    @Parameters(index = "0", paramLabel = "NODE|HOST",
            description = "A node of the inventory, or a host that is none any more: host, user@host or "
                    + "user@host:port.") String name;
    @Option(names = "--data", paramLabel = "NODE|HOST",
            description = "Remove data too: volumes, what was changed by hand, and the share where this host exports "
                    + "it. Type the same name again.")
    String data;
    @Option(names = "--stop-busy",
            description = "Go on although workers are at work; a training saves a checkpoint.") boolean stopBusy;
    @Option(names = "--core",
            description = "Go on although the host, which the inventory does not have any more, has a core stack or "
                    + "exports the share.") boolean core;
    @Option(names = "--sudo",
            description = "Become root by sudo on a host that the inventory does not have any more.") boolean sudo;
    @Option(names = {"-n", "--dry-run"},
            description = "Show what would be removed and what would stay.") boolean dryRun;
    @Option(names = {"-y", "--yes"}, description = "Do not ask.") boolean yes;

    public static void main(String... args) {
        Cli.main(new Retire(), args);
    }

    @Override
    public Exit call() {
        if (data != null && !data.equals(name)) throw Problem.usage(
                "--data takes the same name again, so that no data goes by mistake").expected("--data " + name)
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
                                + " things would be removed. Go on?");
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
                    : found.would().size() + " things of the toolkit");
            return found;
        }
    }

    private void refuse(Retirement.Remains found, Ssh ssh) {
        if (!found.core().isEmpty() && !core) throw Problem.usage(ssh.name() + " is no workers node: "
                + String.join("; ", found.core())).expected("a workers node, or --core")
                .fix("where another machine is core by now: the same command with --core; its data stays without "
                        + "--data");
        if (found.busy().isEmpty() || stopBusy || dryRun) return;
        throw Problem.failed(ssh.name() + ": workers are at work, nothing was changed")
                .expected("idle workers, or --stop-busy")
                .found(found.busy().entrySet().stream()
                        .map(entry -> entry.getKey() + " is at operation " + entry.getValue())
                        .collect(Collectors.joining(", ")))
                .fix("wait for their end: jbang operations@ktrdr list");
    }

    private Exit report(Retirement retirement, Ssh ssh, List<String> removed, List<String> left, List<String> failed) {
        var next = !dryRun && failed.isEmpty() ? retirement.next() : List.<String>of();
        var errors = failed.isEmpty() ? List.<Problem>of()
                : List.of(Problem.failed(ssh.name() + ": not all could be removed").expected("nothing of the toolkit")
                        .found(String.join("\n", failed))
                .fix("mend it, then run the same command again"));
        var table = Table.of("node", "", "what");
        removed.forEach(text -> table.row(ssh.name(), dryRun ? "would go" : "removed", text));
        left.forEach(text -> table.row(ssh.name(), "left", text));
        failed.forEach(text -> table.row(ssh.name(), "FAILED", text));
        var exit = failed.isEmpty() ? Exit.OK : Exit.FAILED;
        common.report(Document.of("retirement", exit).with("node", ssh.name()).with(dryRun ? "would_remove" : "removed",
                removed).with("left", left).with("next", next).errors(errors), table);
        if (removed.isEmpty()) common.console().note(ssh.name() + ": nothing of the toolkit is there to remove");
        next.forEach(text -> common.console().note("next: " + text));
        errors.forEach(common.console()::problem);
        return exit;
    }
}
