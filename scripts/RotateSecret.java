///usr/bin/env jbang "$0" "$@" ; exit $?
//SOURCES ../lib/ktrdr.java
//DESCRIPTION Bring a secret that was changed in the provider to all that uses it, and prove it

import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import ktrdr.Exit;
import ktrdr.Problem;
import ktrdr.cli.Cli;
import ktrdr.deploy.Rollout;
import ktrdr.deploy.RolloutCommand;
import ktrdr.deploy.RolloutRun;
import ktrdr.fleet.Fleet;
import ktrdr.inventory.Secrets.Field;
import ktrdr.report.Document;
import ktrdr.rotation.SecretRotation;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

@Command(name = "rotate-secret",
        header = "Bring a secret that was changed in the provider to all that uses it, and prove it.",
        description = {"",
                "Write the new value into the provider first. What keeps the secret itself is told (PostgreSQL, "
                        + "Grafana); then the containers that have the former value are "
                + "recreated at the release that runs. When one does not get healthy, all of it gets the former value "
                + "back, which is read from the containers before.", ""},
        footer = {"", "Examples:",
            "  jbang rotate-secret@ktrdr db_password             PostgreSQL's role, the backend, and all workers",
            "  jbang rotate-secret@ktrdr jwt_secret --dry-run    what it would recreate",
            "  jbang rotate-secret@ktrdr grafana_password --yes  without asking",
            "  jbang rotate-secret@ktrdr ghcr_token              that the registry takes the new one; it is kept on "
                    + "no node",
            "", "Exit codes: 0 rotated, or in use already; 1 failed; 2 wrong usage or inventory, or nobody to ask; 3 "
                    + "a node could not be reached; 4 somebody else is at work there;",
            "5 it failed, and the former value is in use again; 130 interrupted, and the former value is in use."})
public class RotateSecret implements Callable<Exit> {
    @Mixin Cli.Common common;
    @Mixin Cli.Changing change;
    @Mixin RolloutCommand.Patience patience;
    @Parameters(index = "0", paramLabel = "SECRET", description = "One of ${COMPLETION-CANDIDATES}.") Field field;

    public static void main(String... args) {
        Cli.main(new RotateSecret(), args);
    }

    @Override
    public Exit call() {
        if (field == Field.db_username) throw Problem.usage(
                "db_username is the name of a role that owns the data, and no secret to be rotated")
                .expected("db_password, for another password of that role");
        var whole = common.running(false);
        var inventory = whole.inventory();
        if (field == Field.ghcr_token) return token(whole);
        try (var fleet = whole.of(inventory, SecretRotation.nodes(inventory, field));
                var locks = change.locks(fleet, common, "rotate-secret " + field)) {
            var rotation = new SecretRotation(fleet, locks, common.console(), field, common.invocation().environment());
            var exit = new RolloutRun(common, fleet, locks, patience.together(), "rotated").exchanging(rotation)
                    .before(rollout -> ask(rotation, rollout)).run(change.dryRun, rotation::plan);
            if (exit == Exit.OK && rotation.behind()) behind(rotation);
            return exit;
        }
    }

    private void ask(SecretRotation rotation, Rollout rollout) {
        var recreated = rollout.previews().entrySet().stream()
                .map(entry -> entry.getKey().name() + ": " + entry.getValue().outcome())
                .collect(Collectors.joining("; "));
        change.confirm(common.console(),
                field + " would be replaced" + rotation.beside() + "; " + recreated + ". Go on?");
    }

    /** Containers may have got it by a deployment, or are to get it, while what keeps it itself has the former one. */
    private void behind(SecretRotation rotation) {
        if (change.dryRun) {
            common.console().note(field + " would be replaced" + rotation.beside());
            return;
        }
        change.confirm(common.console(),
                "containers have the new " + field + " already; it would be replaced" + rotation.beside() + ". Go on?");
        rotation.begin();
    }

    private Exit token(Fleet whole) {
        var inventory = whole.inventory();
        try (var fleet = whole.of(inventory, SecretRotation.nodes(inventory, field))) {
            SecretRotation.proveToken(inventory, fleet.ssh(inventory.core()), common.invocation().environment(),
                    common.console());
        }
        var registry = inventory.images().registry();
        common.console().note(inventory.core().name(), "registry",
                registry + " takes the login of " + inventory.images().username() + " with it");
        common.console().note(
                "nothing is to be changed: no node keeps the token, each pull logs in anew. Now revoke the former one "
                        + "where it was made");
        return common.report(Document.of("secret", Exit.OK).with("secret", field).with("registry", registry));
    }
}
