package bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.util.Map;
import ktrdr.Console;
import ktrdr.Problem;
import lab.Engine;
import lab.NewLayer;

/** Images as a developer makes them, by the engine that runs the practice fleet. */
final class Built implements AutoCloseable {
    private static final String NAME = "ktrdr-backend:bench";
    private final Engine engine;
    private final String release;

    /** @param release whose image this machine has as one of the practice fleet's */
    Built(Console console, String release) {
        this.engine = Engine.running(console).orElseThrow(() -> Problem.failed("no Docker answers on this machine")
                .expected("the engine of the practice fleet").fix("./ktrdr lab up"));
        this.release = release;
    }

    /** The variables by which docker uses that engine. */
    Map<String, String> environment() {
        return engine.environment();
    }

    /** Another one each time; answers its name. */
    String image() {
        try {
            var folder = Files.createTempDirectory("ktrdr-bench");
            NewLayer.on(engine, folder, NAME, release);
            Files.delete(folder);
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
