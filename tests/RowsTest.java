import static lab.Aftermath.another;
import static lab.Aftermath.deployed;
import static lab.Aftermath.release;
import static lab.Aftermath.returned;
import static lab.Toolkit.ktrdr;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import lab.Aftermath;
import lab.Toolkit.Ran;
import lab.World;
import lab.Writer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Rows written to the database survive all operations on core. */
@Tag("fleet")
class RowsTest {
    @AfterAll
    static void the_older_release_runs_everywhere() {
        Aftermath.restore();
    }

    @BeforeEach
    void good_releases_run() {
        Aftermath.settle();
    }

    /** Asserts that rows were written during a run. */
    private static Ran during(Writer writer, Supplier<Ran> run) {
        int before = writer.rows().size();
        var ran = run.get();
        int written = writer.rows().size() - before;
        assertTrue(written >= 2, () -> written + " rows were written during\n" + ran);
        return ran;
    }

    @Test
    void a_deployment_a_failed_one_and_a_rollback_lose_no_row() {
        var before = release("core");
        var after = another("core");
        var database = World.containers("core").get("ktrdr-db");
        try (var writer = Writer.start()) {
            deployed(during(writer, () -> ktrdr("deploy", "core", "all", "--tag", after).run()), "core", after);
            returned(during(writer, () -> ktrdr("deploy", "core", "all", "--tag", "sha-bad0000", "--timeout", "5s")
                    .run()), "core", after);
            deployed(during(writer, () -> ktrdr("rollback", "core").run()), "core", before);
            var acknowledged = writer.stop();
            var missing = new ArrayList<>(acknowledged);
            missing.removeAll(writer.rows());
            assertEquals(List.of(), missing, () -> "of " + acknowledged);
        }
        assertEquals(database, World.containers("core").get("ktrdr-db"), "the database was replaced or restarted");
    }

    @Test
    void the_writer_notices_a_row_that_is_missing() {
        try (var writer = Writer.start()) {
            during(writer, () -> ktrdr("deploy", "core", "all", "--tag", release("core")).run());
            var acknowledged = writer.stop();
            World.sql("delete from written where number = 1");
            assertTrue(acknowledged.contains(1) && !writer.rows().contains(1), acknowledged::toString);
        }
    }
}
