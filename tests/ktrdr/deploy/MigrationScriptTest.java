package ktrdr.deploy;

import java.util.List;
import ktrdr.Recorded;
import org.junit.jupiter.api.Test;

/** The script that migrates the schema of the database. */
class MigrationScriptTest {
    @Test
    void it_is_as_it_was_recorded() {
        Recorded.same(MigrationScriptTest.class, "migrate.sh",
                Migration.migrate(List.of("downgrade", "0a1b"), "sha256:0123", "ktrdr"));
    }
}
