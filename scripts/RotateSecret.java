///usr/bin/env jbang "$0" "$@" ; exit $?
//SOURCES ../lib/ktrdr.java
//DESCRIPTION Replace a secret everywhere after it changed in the provider

import java.util.ArrayList;
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

@Command(name = "rotate-secret", header = "Replace a secret everywhere after it changed in the provider.",
        description = {"",
            "Write the new value into the provider first. The procedure sets it in the service that stores it "
                    + "(PostgreSQL, Grafana), then recreates the containers that have the previous value, at their "
                    + "current release. If one does not get healthy, all get the previous value again, which is read "
                    + "from the containers first.",
            ""},
        footer = {"", "Examples:",
            "  jbang rotate-secret@ktrdr db_password             PostgreSQL's role, the backend, and all workers",
            "  jbang rotate-secret@ktrdr jwt_secret --dry-run    show what would be recreated",
            "  jbang rotate-secret@ktrdr grafana_password --yes  without asking",
            "  jbang rotate-secret@ktrdr ghcr_token              check that the registry accepts it; nodes do not "
                    + "store it",
            "",
            "Exit codes: 0 rotated, or already in use; 1 failed; 2 wrong usage or inventory, or not confirmed; 3 a "
                    + "node could not be reached; 4 a node is locked by another run;",
            "5 failed, and the previous value is in use again; 130 interrupted, and the previous value is in use."})
public class RotateSecret implements Callable<Exit> {
    @Mixin Cli.Common common;
    @Mixin Cli.Changing change;
    @Mixin RolloutCommand.Patience patience;
    @Parameters(index = "0", paramLabel = "SECRET", description = "One of ${COMPLETION-CANDIDATES}.",
            completionCandidates = Known.class) String name;
    private Field field;

    /** The fields that every inventory may have. */
    static final class Known extends ArrayList<String> {
        Known() {
            super(Field.KNOWN.stream().map(Field::name).toList());
        }
    }

    public static void main(String... args) {
        Cli.main(new RotateSecret(), args);
    }

    @Override
    public Exit call() {
        field = SecretRotation.field(common.inventory(), name);
        if (field.equals(Field.DB_USERNAME)) throw Problem.usage(
                "db_username is the role that owns the data, not a secret to rotate")
                .expected("db_password, to change the password of that role");
        var whole = common.running(false);
        var inventory = whole.inventory();
        if (field.equals(Field.GHCR_TOKEN)) return token(whole);
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
                field + " would be replaced" + rotation.alsoIn() + "; " + recreated + ". Continue?");
    }

    /** Containers may have the new value by a deployment, while the service that stores it has the previous one. */
    private void behind(SecretRotation rotation) {
        if (change.dryRun) {
            common.console().note(field + " would be replaced" + rotation.alsoIn());
            return;
        }
        change.confirm(common.console(),
                "containers have the new " + field + " already; it would be replaced" + rotation.alsoIn()
                        + ". Continue?");
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
                registry + " accepts the login of " + inventory.images().username() + " with it");
        common.console().note(
                "nothing to change: no node stores the token, each pull logs in again. Now revoke the previous token "
                        + "at its issuer");
        return common.report(Document.of("secret", Exit.OK).with("secret", name).with("registry", registry));
    }
}
