package ktrdr.inventory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ktrdr.Exit;
import ktrdr.Fixtures;
import ktrdr.Problem;

/** An inventory with one changed value, and the error for an invalid one. */
final class Mistakes {
    private Mistakes() {}

    /** The only error of a text, as "line:column  path: message". */
    static String mistake(String yaml) {
        var file = Fixtures.file(yaml);
        var problem = assertThrows(Problem.class, () -> Inventory.read(file));
        assertEquals(Exit.USAGE, problem.exit());
        assertEquals(file + " is not a valid inventory: 1 mistake", problem.sentence());
        var detail = problem.details().entrySet().iterator().next();
        return detail.getKey().substring(file.toString().length() + 1) + "  " + detail.getValue();
    }

    static String with(String before, String after) {
        assertTrue(Fixtures.INVENTORY.contains(before), before);
        return Fixtures.INVENTORY.replace(before, after);
    }
}
