package ktrdr.status;

import static ktrdr.status.StatusFixtures.fleet;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import ktrdr.Console;
import ktrdr.Invocation;
import org.junit.jupiter.api.Test;

class StatusWatchTest {
    @Test
    void a_watch_without_a_reader_ends() {
        var lines = new AtomicInteger();
        var out = new PrintStream(new OutputStream() {
            @Override
            public void write(int number) throws IOException {
                if (number == '\n' && lines.incrementAndGet() == 2) throw new IOException("Broken pipe");
            }
        }, true);
        var asked = new AtomicInteger();
        var console = new Console(Invocation.into(out, System.err), Console.Color.never, false);
        new StatusWatch(console, false, Duration.ofMillis(1)).run(() -> {
            asked.incrementAndGet();
            return fleet();
        }, Optional.of(Duration.ofSeconds(20)));
        assertEquals(2, asked.get());
    }
}
