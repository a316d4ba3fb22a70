package bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import ktrdr.Console;
import ktrdr.LocalCommand;
import ktrdr.Problem;
import ktrdr.Sh;
import ktrdr.inventory.Inventory;
import ktrdr.ssh.Ssh;

/**
 * Downloads a large file from core: by the library's stream, in a process with the flags of {@code backup-db}, and by
 * {@code ssh core cat}.
 */
public final class Transfer implements AutoCloseable {
    static final int MEBIBYTES = 1024;
    private static final int FEWER = 64;
    private static final String REMOTE = "/var/tmp/ktrdr-bench";
    private final Inventory inventory;
    private final Ssh core;
    private final Console console;
    private final Path toolkit;
    private final Path folder;
    private final Peak peak;

    /** Writes the large file and a smaller one on core. */
    public Transfer(Inventory inventory, Ssh core, Console console, Path toolkit) {
        this.inventory = inventory;
        this.core = core;
        this.console = console;
        this.toolkit = toolkit;
        this.folder = Folders.make();
        peak = new Peak(folder.resolve("peak"));
        core.must("head -c 8M /dev/urandom >" + REMOTE + ".8\nfor size in " + FEWER + " " + MEBIBYTES
                + "; do\n  i=0\n  while [ $i -lt $size ]; do cat " + REMOTE + ".8; i=$((i + 8)); done >" + REMOTE
                + ".$size\ndone\n");
    }

    /**
     * Measures, and adds two remarks: the throughput of both sides without the start time, which a smaller file shows,
     * and the toolkit's peak memory.
     */
    public SideBySide measure(Case what, int pairs) {
        var small = SideBySide.warm(what, pairs, () -> ours(FEWER), () -> theirs(FEWER)).medians();
        long little = peak.mebibytes();
        var measured = SideBySide.cold(what, pairs, () -> ours(MEBIBYTES), () -> theirs(MEBIBYTES));
        var medians = measured.medians();
        double ours = throughput(medians.ours().minus(small.ours()));
        double theirs = throughput(medians.theirs().minus(small.theirs()));
        return measured.remark(
                ("beyond its first %d MiB a file flows with %.0f MiB/s, and with %.0f MiB/s by ssh cat: %.2f of its "
                        + "throughput").formatted(FEWER, ours, theirs, ours / theirs))
                .remark("ktrdr's process had at most %d MiB, and %d MiB with a file of %d MiB"
                        .formatted(peak.mebibytes(), little, FEWER));
    }

    private static double throughput(Duration took) {
        return (MEBIBYTES - FEWER) * 1000.0 / took.toMillis();
    }

    private Duration theirs(int mebibytes) {
        return arrived(SideBySide.time(console, "ssh cat",
                LocalCommand.command("sh", "-s")
                        .input("ssh -n " + Sh.words(ByHand.login(inventory, inventory.core())) + " cat " + REMOTE + "."
                                + mebibytes
                + " >" + Sh.quote(local().toString()) + "\n")), mebibytes);
    }

    private Duration ours(int mebibytes) {
        var words = new ArrayList<>(peak.words());
        words.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        words.addAll(flags());
        words.addAll(List.of("-cp", System.getProperty("java.class.path"), Download.class.getName(),
                inventory.source().toString(), REMOTE + "." + mebibytes, local().toString()));
        return arrived(SideBySide.time(console, "ktrdr", LocalCommand.command(words)), mebibytes);
    }

    private List<String> flags() {
        var script = toolkit.resolveSibling("scripts").resolve("BackupDb.java");
        var options = "//RUNTIME_OPTIONS ";
        try {
            return Files.readAllLines(script).stream().filter(line -> line.startsWith(options))
                    .flatMap(line -> Stream.of(line.substring(options.length()).split(" "))).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Duration arrived(Duration took, int mebibytes) {
        try {
            if (Files.size(local()) != (long) mebibytes << 20) throw Problem.failed("a file did not arrive whole")
                    .expected(mebibytes + " MiB").found(Files.size(local()) + " bytes");
            Files.delete(local());
            return took;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Path local() {
        return folder.resolve("arrived");
    }

    /** Removes the files. */
    @Override
    public void close() {
        Folders.delete(folder);
        core.must("rm -f " + REMOTE + ".*");
    }
}
