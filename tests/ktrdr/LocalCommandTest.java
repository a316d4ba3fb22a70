package ktrdr;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LocalCommandTest {
    @TempDir Path folder;

    @Test
    void knows_its_own_unresolvable_host_name_without_a_lookup() throws IOException {
        assumeTrue(LocalCommand.command("unshare", "--uts", "true").run().ok(),
                "only root may call this machine something else");
        var program = Files.writeString(folder.resolve("Who.java"),
                "class Who { public static void main(String... args) { "
                        + "System.out.println(ktrdr.LocalCommand.whoAndWhere()); "
                        + "} }\n");
        var ran = LocalCommand.command("unshare", "--uts", "sh", "-c",
                "hostname laptop.of-nobody.test; exec java -cp \"$1\" \"$2\"", "sh",
                System.getProperty("java.class.path"), program.toString()).must();
        assertEquals(System.getProperty("user.name") + "@laptop.of-nobody.test", ran.out().strip());
    }
}
