package suite;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import ktrdr.Console;
import ktrdr.Exit;
import ktrdr.Invocation;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/** A test that failed counts as flaky only if it was seen to pass the second time. */
class ResultsTest {
    private static String state = "";
    private final ByteArrayOutputStream said = new ByteArrayOutputStream();

    /** Its name keeps it out of the suite. */
    @Tag("fleet")
    static class Sample {
        @BeforeAll
        static void set_up() {
            assertFalse(state.equals("no setup"), "the host is gone");
        }

        @Test
        void works() {
            assertEquals("good", state);
        }
    }

    private Results run(String like) {
        state = like;
        var results = new Results(new Console(Invocation.into(said, said), Console.Color.never, false));
        LauncherFactory.create().execute(LauncherDiscoveryRequestBuilder.request()
                .selectors(selectClass(Sample.class)).build(), results);
        return results;
    }

    private String report(String first, String second, Exit exit) {
        var results = run(first);
        results.again(run(second));
        said.reset();
        assertEquals(exit, results.report());
        return said.toString(StandardCharsets.UTF_8);
    }

    @Test
    void one_that_passes_the_second_time_is_flaky() {
        var report = report("bad", "good", Exit.OK);
        assertTrue(report.contains("FLAKY suite.ResultsTest$Sample.works"), report);
        assertTrue(report.contains("1 passed, 0 failed"), report);
        assertTrue(report("no setup", "good", Exit.OK).contains("FLAKY suite.ResultsTest$Sample:"));
    }

    @Test
    void one_that_never_ran_again_has_failed() {
        var report = report("bad", "no setup", Exit.FAILED);
        assertFalse(report.contains("FLAKY"), report);
        assertTrue(report.contains("FAILED suite.ResultsTest$Sample.works"), report);
        assertFalse(report("bad", "bad", Exit.FAILED).contains("FLAKY"));
    }

    @Test
    void what_had_no_time_is_named_with_the_command_that_runs_it() {
        var results = run("good");
        var late = new Results(new Console(Invocation.into(said, said), Console.Color.never, false));
        late.notRun(List.of("RollbackTest", "AwayTest"));
        results.add(late);
        said.reset();
        assertEquals(Exit.OK, results.report());
        assertEquals("""
                NOT RUN for lack of time: ./ktrdr test RollbackTest AwayTest
                1 passed, 0 failed, 0 skipped, 2 classes not run for lack of time
                """, said.toString(StandardCharsets.UTF_8));
    }
}
