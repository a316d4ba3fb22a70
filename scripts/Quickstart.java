///usr/bin/env jbang "$0" "$@" ; exit $?
//SOURCES ../lib/ktrdr.java
//SOURCES Lab.java
//SOURCES Deploy.java
//SOURCES Verify.java
//DESCRIPTION Start the practice fleet, deploy KTRDR to it and verify it

import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import ktrdr.Exit;
import ktrdr.cli.Cli;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(name = "quickstart", header = "Start the practice fleet, deploy KTRDR to it and verify it.",
        description = {"",
            "A second run with the same release skips the sample operation: `verify --quick`.",
            ""},
        footer = {"", "Examples:",
            "  ./ktrdr quickstart                    everything, from nothing",
            "  ./ktrdr quickstart --tag sha-2000002  with the newer release",
            "",
            "Remove it: ./ktrdr lab down"})
public class Quickstart implements Callable<Exit> {
    @Mixin Cli.Common common;
    @Option(names = "--tag", paramLabel = "TAG", defaultValue = "sha-1000001",
            description = "The release to deploy (default: ${DEFAULT-VALUE}).") String tag;

    public static void main(String... args) {
        Cli.main(new Quickstart(), args);
    }

    @Override
    public Exit call() throws IOException {
        var output = List.of("-o", common.json() ? "json" : "text");
        int code = run(new Lab(), output, "up");
        var inventory = Lab.inventory();
        // gone with the fleet
        var verified = inventory.resolveSibling("verified");
        boolean again = code == 0 && Files.exists(verified) && Files.readString(verified).equals(tag);
        if (!again) Files.deleteIfExists(verified);
        if (code == 0) code = run(new Deploy(), output, "all", "--tag", tag, "-i", inventory.toString());
        var verify = new ArrayList<>(List.of("--wait", "90s", "-i", inventory.toString()));
        if (again) verify.add("--quick");
        if (code == 0) code = run(new Verify(), output, verify.toArray(String[]::new));
        if (code == 0) Files.writeString(verified, tag);
        return code == 0 ? lookAround(inventory.toString()) : Exit.of(code);
    }

    /** Each prints a document of its own, where documents are asked for. */
    private int run(Callable<Exit> procedure, List<String> output, String... words) {
        return Cli.run(procedure, common.invocation(),
                Stream.concat(Stream.of(words), output.stream()).toArray(String[]::new));
    }

    private Exit lookAround(String inventory) {
        var console = common.console();
        console.note("");
        console.note("The practice fleet runs KTRDR " + tag + ". Next steps:");
        console.note("  export KTRDR_INVENTORY=" + inventory);
        console.note("  ./ktrdr verify");
        console.note("  ./ktrdr deploy core all --tag sha-2000002 --dry-run");
        console.note("  http://10.42.1.10:8000/api/v1/workers, and Prometheus at http://10.42.1.10:9090/targets");
        console.note("  ./ktrdr lab down removes it");
        return Exit.OK;
    }
}
