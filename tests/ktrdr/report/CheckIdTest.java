package ktrdr.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.stream.Stream;
import ktrdr.Json;
import org.junit.jupiter.api.Test;

class CheckIdTest {
    private static final CheckId NODE = CheckId.ofNode("core", "ssh");
    private static final CheckId WORKER = CheckId.ofNode("core", "worker", "registered");
    private static final CheckId FLEET = CheckId.ofFleet("backend", "health");
    private static final CheckId TARGETS = CheckId.ofFleet("targets", "");
    private static final CheckId TARGET = CheckId.ofTarget("core", "worker");

    @Test
    void an_id_is_its_parts_with_dots_between_them() {
        assertEquals(List.of("core.ssh", "core.worker.registered", "backend.health", "targets", "target.core.worker"),
                Stream.of(NODE, WORKER, FLEET, TARGETS, TARGET).map(CheckId::text).toList());
        assertEquals(List.of("ssh", "worker.registered", "backend.health", "targets", "target.core.worker"),
                Stream.of(NODE, WORKER, FLEET, TARGETS, TARGET).map(CheckId::withoutNode).toList());
    }

    @Test
    void a_target_of_a_node_is_no_check_of_that_node() {
        assertTrue(WORKER.ofNode("core"));
        assertFalse(TARGET.ofNode("core"));
    }

    @Test
    void documents_have_an_id_as_one_text() {
        var check = new Check(WORKER, "core", true, "that it is", "it is", "", 0);
        assertEquals("{\"id\":\"core.worker.registered\",\"node\":\"core\",\"ok\":true,\"expected\":\"that it "
                + "is\",\"found\":\"it is\","
                + "\"fix\":\"\",\"seconds\":0.0}", Json.line(check));
    }
}
