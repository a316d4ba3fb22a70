package ktrdr;

import static lab.Toolkit.ktrdr;
import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;

/** Base of the contract tests: the KTRDR system under test, and one table row per assumption. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@ExtendWith(ContractTable.class)
abstract class ContractOfKtrdr {
    Contracted system;

    @BeforeAll
    void a_release_runs_on_the_practice_fleet() {
        if (System.getProperty(Contracted.INVENTORY) == null)
            assertEquals(0, ktrdr("deploy", "all", "--tag", "sha-1000001", "--wait", "2m").run().exit());
        system = Contracted.open();
    }

    @AfterAll
    void close() {
        if (system != null) system.close();
    }
}
