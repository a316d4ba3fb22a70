package ktrdr.deploy;

import java.time.Duration;
import java.util.stream.Collectors;
import ktrdr.CommandResult;
import ktrdr.Console;
import ktrdr.LastWords;
import ktrdr.Problem;
import ktrdr.ScriptExit;
import ktrdr.inventory.Secrets;
import ktrdr.node.Registry;
import ktrdr.ssh.Ssh;

/** Pulls the images that a deployment needs and a node does not have. */
record ImagePull(Registry registry, Secrets secrets, Console console) {
    private static final Duration PATIENCE = Duration.ofMinutes(30);

    /** Pulls them; false if there are none to pull. */
    boolean pulled(NodePlan plan, Ssh ssh) {
        try (var step = console.step(plan.stack().node().name(), "pull")) {
            if (plan.pulled().isEmpty()) {
                if (plan.pulls().isEmpty()) step.done("nothing: all images are there");
                return false;
            }
            step.now(plan.pulled().size() + " images");
            var result = ssh.run(secrets.registry() + registry.pull(Pins.pulledAs(plan)), PATIENCE);
            if (!result.ok()) throw failure(plan.stack().node().name(), result);
            step.done(Pins.pulledAs(plan).entrySet().stream()
                    .map(entry -> entry.getValue().isEmpty() ? entry.getKey() : entry.getValue())
                    .map(ImagePull::shortImage).collect(Collectors.joining(", ")));
            return true;
        }
    }

    private Problem failure(String node, CommandResult result) {
        var said = LastWords.lines(result.err(), 3);
        return registry.failure(node, result)
                .orElseGet(() -> switch (ScriptExit.of(result)) {
                    case NOT_PULLED -> Problem
                            .failed(node + ": " + result.out().strip().replace("\n", ", ") + " could not be pulled")
                            .found(said)
                            .fix(said.contains("no space left")
                                    ? "make room there: docs/OPERATIONS.md, \"disk full\"; nothing was changed"
                                    : "check that the registry has this tag; nothing was changed");
                    default -> Problem.failed(node + ": pulling images failed").found(said).fix("nothing was changed");
                });
    }

    private static String shortImage(String image) {
        return image.substring(image.lastIndexOf('/') + 1).replaceFirst("(@sha256:.{12}).*", "$1");
    }
}
