import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ktrdr.Exit;
import ktrdr.Problem;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

/** Test selection of `./ktrdr test` by name. */
class TestNamesTest {
    private static Problem refused(String... args) {
        var tests = new all();
        new CommandLine(tests).parseArgs(args);
        return assertThrows(Problem.class, tests::call);
    }

    @ParameterizedTest
    @ValueSource(strings = {"TabelTest", "TableTest.no_such_method", "Table*"})
    void refuses_an_unknown_test_name_before_running_any_test(String wrong) {
        var refused = refused("--unit", "FuzzTest", wrong);
        assertEquals("no test is called `" + wrong + "`", refused.sentence());
        assertEquals(Exit.USAGE, refused.exit());
    }

    @Test
    void a_room_is_a_name_and_the_rooms_are_told_where_none_is_meant() {
        var refused = refused("--unit", "suite", "bakcup");
        assertEquals("no test is called `bakcup`", refused.sentence());
        assertTrue(refused.details().get("expected").contains(" backup bench cli "), refused.details()::toString);
    }

    @Test
    void a_fleet_test_is_no_unit_test() {
        assertEquals("no test is called `DeployLockTest`", refused("--unit", "DeployLockTest").sentence());
    }

    @ParameterizedTest
    @ValueSource(strings = {"-i x.yaml", "backup -i x.yaml", "contract backup -i x.yaml", "contract --yes"})
    void an_inventory_is_for_the_contract_alone(String line) {
        var refused = refused(line.split(" "));
        assertEquals("--inventory and --yes are for the contract alone", refused.sentence());
        assertEquals(Exit.USAGE, refused.exit());
    }
}
