package ktrdr;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class NodeFactsTest {
    private static final String CONTAINER = """
            {"Id":"abc","Name":"/ktrdr-backend","Image":"sha256:1","RestartCount":4,"State":{"Status":"restarting","ExitCode":1,\
            "StartedAt":"2026-01-01T00:00:00Z"},"Config":{"Image":"r/b:t","Labels":{"com.docker.compose.service":"backend"}}}""";

    @Test
    void an_answer_is_read_line_by_line() {
        var facts = NodeFacts.parse("user\troot\nmount\t/srv/s\t0\t\t\ndirectory\tyes\nfile .env.core\t" + "a".repeat(64) + " 644 0:0 4\ncontent .env.core\tQT0xCg==\ndocker\t26.1.5\ncompose\t2.26.1\nfree\t1000\n"
                + "image r/b:t\tsha256:1\ncontainer\t" + CONTAINER + "\nend\tyes\n");
        assertEquals("A=1\n", facts.files().files().get(".env.core").content().get());
        assertEquals(1_024_000, facts.free());
        assertEquals("sha256:1", facts.images().get("r/b:t"));
        assertEquals("restarting, 4 restarts, last exit code 1", facts.containers().get(0).state());
        assertTrue(facts.directory());
    }

    @Test
    void half_an_answer_is_none() {
        assertThrows(Problem.class, () -> NodeFacts.parse(""));
        assertThrows(Problem.class, () -> NodeFacts.parse("user\troot\ngarbage\n"));
        assertThrows(Problem.class, () -> NodeFacts.parse("user\troot\nmount\t/srv/s\t0\t\t\ncontainer\t{\"Id\":\nend\tyes\n"));
        assertThrows(Problem.class, () -> NodeFacts.parse("user\troot\nmount\t/srv/s\t0\t\t\n"));
    }
}
