package lab;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import lab.Toolkit.Ran;

/** The toolkit with the inventory of the practice fleet and its added hosts. */
public final class MoreNodes {
    private MoreNodes() {}

    /** A command, its words separated by blanks. */
    public static Ran more(String line) {
        return Toolkit.ktrdr(line.split(" ")).env("KTRDR_INVENTORY", World.more().toString()).run();
    }

    /** The same, which has to end with 0. */
    public static Ran good(String line) {
        var ran = more(line);
        assertEquals(0, ran.exit(), () -> line + ": " + ran);
        return ran;
    }

    /** With the inventory of an operator who forgot `sudo: true`. */
    public static Ran withoutSudo(Path folder, String... arguments) {
        var inventory = World.variant(World.more(), folder, ", sudo: true", "").toString();
        return Toolkit.ktrdr(arguments).env("KTRDR_INVENTORY", inventory).run();
    }
}
