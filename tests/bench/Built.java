package bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.util.Map;
import java.util.Random;
import ktrdr.Console;
import ktrdr.Problem;
import lab.Engine;

/**
 * Images as a developer makes them: one more layer of 5 MB on an image that nodes have, of random bytes, which no node
 * has and no compression shortens. They are built by the engine that runs the practice fleet.
 */
final class Built implements AutoCloseable {
    private static final int BYTES = 5 << 20;
    private static final String NAME = "ktrdr-backend:bench";
    private final Engine engine;
    private final String base;

    /** @param release whose image this machine has as one of the practice fleet's */
    Built(Console console, String release) {
        this.engine = Engine.running(console).orElseThrow(() -> Problem.failed("no Docker answers on this machine")
                .expected("the engine of the practice fleet").fix("./ktrdr lab up"));
        this.base = "ktrdr-lab/ktrdr-backend:" + release;
    }

    /** The variables by which docker uses that engine. */
    Map<String, String> environment() {
        return engine.environment();
    }

    /** Another one each time; answers its name. */
    String image() {
        var bytes = new byte[BYTES];
        new Random().nextBytes(bytes);
        try {
            var file = Files.write(Files.createTempFile("ktrdr-bench", ".layer"), bytes);
            var container = engine.docker("create", base).must().out().strip();
            engine.docker("cp", file.toString(), container + ":/opt/content").must();
            engine.docker("commit", container, NAME).must();
            engine.docker("rm", container).must();
            Files.delete(file);
            return NAME;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        engine.docker("image", "rm", "-f", NAME).run();
    }
}
