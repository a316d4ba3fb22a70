package ktrdr.share;

import java.util.List;
import ktrdr.Recorded;
import org.junit.jupiter.api.Test;

/** The scripts that prove that all nodes read what each node writes to the share. */
class NfsProofTest {
    @Test
    void the_script_of_a_writer_is_as_it_was_recorded() {
        var folders = List.of("/mnt/a share/data", "/mnt/a share/models");
        Recorded.same(NfsProofTest.class, "writer.sh",
                NfsProof.writer("token", "/mnt/a share/data", ".ktrdr-1", folders));
    }
}
