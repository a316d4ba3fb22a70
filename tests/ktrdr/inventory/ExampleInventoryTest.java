package ktrdr.inventory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
import ktrdr.Exit;
import ktrdr.Invocation;
import ktrdr.Project;
import ktrdr.cli.Cli;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** The toolkit's inventory is marked as an example until the operator removes the marker. */
class ExampleInventoryTest {
    /** A procedure's standard error output about its inventory. */
    private static String said(Path file) {
        var err = new ByteArrayOutputStream();
        var words = new PrintStream(err, true, StandardCharsets.UTF_8);
        var nothing = Invocation.of(Map.of(), InputStream.nullInputStream(),
                new PrintStream(OutputStream.nullOutputStream()), words);
        assertEquals(0, Cli.run(new Looks(), nothing, "-i", file.toString()));
        return err.toString(StandardCharsets.UTF_8);
    }

    @Command(name = "looks")
    static final class Looks implements Callable<Exit> {
        @Mixin Cli.Common common;

        @Override
        public Exit call() {
            common.inventory();
            return Exit.OK;
        }
    }

    @Test
    void the_example_that_comes_with_the_toolkit_is_called_one(@TempDir Path folder) throws IOException {
        var example = Project.root().resolve("inventory.yaml");
        assertTrue(said(example).contains("this is the toolkit's example of an inventory, its hosts are not yours"),
                () -> said(example));
        // also for a copy with other hosts, until its marker line is removed
        var copy = Files.writeString(folder.resolve("inventory.yaml"),
                Files.readString(example).replace("ktrdr.home.mynerd.place", "ktrdr.test"));
        assertTrue(said(copy).contains("without its line `example: true`"), () -> said(copy));
        var own = Files.writeString(folder.resolve("own.yaml"), Files.readString(copy).replace("example: true\n", ""));
        assertEquals("inventory " + own + ", 3 nodes\n", said(own));
    }
}
