///usr/bin/env jbang "$0" "$@" ; exit $?
//SOURCES ../lib/ktrdr.java
//DESCRIPTION Deploy a release, and wait until it is healthy

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import ktrdr.Exit;
import ktrdr.Problem;
import ktrdr.backup.BackupFolder;
import ktrdr.backup.BackupTimer;
import ktrdr.cli.Cli;
import ktrdr.deploy.DeployChoice;
import ktrdr.deploy.LocalChoice;
import ktrdr.deploy.LocalImages;
import ktrdr.deploy.LocalMatch;
import ktrdr.deploy.NodePlanner;
import ktrdr.deploy.RolloutCommand;
import ktrdr.deploy.RolloutRun;
import ktrdr.fleet.Fleet;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Part;
import ktrdr.release.FileChanges;
import ktrdr.release.History;
import ktrdr.release.ReleaseTag;
import ktrdr.release.Stack;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(name = "deploy", header = "Deploy a release, and wait until it is healthy.",
        description = {"",
            "Pulls images on all nodes at once before it stops anything, and recreates only what changed. The "
                    + "deployment is complete when containers are healthy, services answer and workers are "
                    + "registered.",
            ""},
        footer = {"", "Examples:",
            "  jbang deploy@ktrdr core all --tag sha-3f2c9ab      the whole core stack",
            "  jbang deploy@ktrdr core backend --tag sha-3f2c9ab  only the backend",
            "  jbang deploy@ktrdr workers B C                     two nodes, at the commit of the current checkout",
            "  jbang deploy@ktrdr core all --backup               a backup first; if it fails, nothing is changed",
            "  jbang deploy@ktrdr all --local ktrdr-backend:dev   what was just built here, without a registry",
            "  jbang deploy@ktrdr all --dry-run                   show what would change on each node",
            "",
            "Exit codes: 0 deployed; 1 failed; 2 wrong usage or inventory; 3 a node could not be reached; 4 a node "
                    + "is locked by another run;",
            "5 failed, and the previous release was restored; 130 interrupted before anything was changed."})
public class Deploy implements Callable<Exit> {
    @Mixin Cli.Common common;
    @Mixin Cli.Changing change;
    @Mixin RolloutCommand rolling;
    @Mixin DeployChoice where;
    @Mixin LocalChoice local;
    @Option(names = "--tag", paramLabel = "TAG",
            description = "The release; else sha-<commit> of the current KTRDR checkout, else the release on "
                    + "core.") String tag;
    @Option(names = "--backup", negatable = true,
            description = "Back up the database first, or not; else as in the inventory (backup.before_deploy).")
    Boolean backup;

    public static void main(String... args) {
        Cli.main(new Deploy(), args);
    }

    @Override
    public Exit call() {
        local.without(tag);
        var whole = common.running(where.core());
        var inventory = where.scaled(whole.inventory());
        var services = where.services(inventory);
        var nodes = where.nodes(inventory);
        FileChanges.proveTemplates(inventory, nodes);
        try (var images = LocalImages.of(local, () -> new LocalMatch(inventory, where.words(), nodes, services),
                common.console()); var fleet = whole.of(inventory, nodes)) {
            return deploy(fleet, services, images.tag().or(() -> release(fleet, services)), images);
        }
    }

    private Exit deploy(Fleet fleet, List<String> services, Optional<String> release, LocalImages images) {
        var inventory = fleet.inventory();
        try (var locks = change.locks(fleet, common, "deploy " + where.words() + release.map(" "::concat).orElse("")
                + where.scaleWords(),
                node -> NodePlanner.look(inventory, Stack.of(inventory, node), services, release))) {
            boolean core = fleet.nodes().contains(inventory.core());
            boolean first = backupFirst(inventory, core);
            if (first && change.dryRun)
                common.console().note(inventory.core().name(), "backup", "would be made before anything is changed");
            var options = rolling.options(Optional.empty(), backup == null || backup);
            var exit = new RolloutRun(common, fleet, locks, options, "deployed").carrying(images).before(rollout -> {
                if (first && rollout.plans().containsKey(inventory.core()))
                    rollout.backedUp(new BackupFolder(inventory, fleet.ssh(inventory.core()), common.console())
                            .beforeDeployment());
            }).run(change.dryRun, (stack, ssh) ->
                    NodePlanner.release(inventory, stack, locks.looked(stack.node()), services, release));
            return exit == Exit.OK && core && database(inventory) && inventory.backup().schedule().isPresent()
                    ? scheduled(inventory, fleet) : exit;
        }
    }

    /** The timer of backups as in the inventory: a reinstalled core has none. */
    private Exit scheduled(Inventory inventory, Fleet fleet) {
        try {
            var ssh = fleet.ssh(inventory.core());
            var timer = BackupTimer.look(inventory, ssh, inventory.backup().schedule());
            if (timer.settled()) return Exit.OK;
            if (!change.dryRun) timer.apply(ssh);
            common.console().note(timer.words(change.dryRun));
            return Exit.OK;
        } catch (Problem problem) {
            common.console().problem(problem.with("deployment",
                    "succeeded; only the backup schedule is not in place"));
            return problem.exit();
        }
    }

    private static boolean database(Inventory inventory) {
        return Stack.of(inventory, inventory.core()).service(Part.DATABASE).isPresent();
    }

    private boolean backupFirst(Inventory inventory, boolean core) {
        if (core && backup != null && backup) Stack.of(inventory, inventory.core()).needed(Part.DATABASE);
        if (core) return database(inventory) && (backup == null ? inventory.backup().beforeDeploy() : backup);
        if (backup != null && backup) throw Problem.usage(where.words() + ": the database is on "
                + inventory.core().name() + ", so --backup does not apply").fix("jbang backup-db@ktrdr");
        return false;
    }

    /** What core runs: a service that is brought back, or a node that is added, is to have no other. */
    private String running(Fleet fleet) {
        var first = fleet.nodes().get(0);
        var node = first.role().own() ? first : fleet.inventory().core();
        var running = ReleaseTag.running(History.of(fleet.ssh(node), fleet.inventory(), node))
                .orElseThrow(ReleaseTag::missing);
        common.console().note("release " + running + ", which " + node.name() + " runs: no --tag was given");
        return running;
    }

    /** The tag; none is needed where no service follows the release. */
    private Optional<String> release(Fleet fleet, List<String> services) {
        if (tag != null) return Optional.of(ReleaseTag.tag(tag));
        var stack = Stack.of(fleet.inventory(), fleet.nodes().get(0));
        boolean follows = where.workers() || services.isEmpty() || services.stream().anyMatch(stack::released);
        if (!follows) return Optional.empty();
        return ReleaseTag.ofCheckout(Path.of("").toAbsolutePath()).or(() -> Optional.of(running(fleet)));
    }
}
