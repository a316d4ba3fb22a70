package ktrdr;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Each exit code of a node script has one meaning, defined in one place. */
class ScriptExitTest {
    private static final String NUMBERS = Arrays.stream(ScriptExit.values()).map(scriptExit -> scriptExit.code)
            .filter(code -> code > 5)
            .map(String::valueOf).collect(Collectors.joining("|", "(", ")"));
    /** A literal exit code in a script or in a comparison. */
    private static final Pattern LITERAL = Pattern.compile("\\bexit " + NUMBERS + "\\b"
            + "|exit\\(\\) *[!=]= *" + NUMBERS + "\\b|\\bcase [0-9, ]*" + NUMBERS + "\\b.*->");

    @Test
    void each_number_has_one_meaning() {
        var codes = Arrays.stream(ScriptExit.values()).map(scriptExit -> scriptExit.code).toList();
        assertEquals(codes.stream().distinct().toList(), codes);
    }

    @Test
    void no_other_class_has_one_of_the_numbers() throws IOException {
        var found = new ArrayList<String>();
        for (var file : Project.library()) {
            if (file.endsWith("ScriptExit.java")) continue;
            Files.readAllLines(file).stream().filter(LITERAL.asPredicate())
                    .forEach(line -> found.add(file.getFileName() + ": " + line.strip()));
        }
        assertEquals(List.of(), found);
    }

    @Test
    void the_name_of_one_in_a_script_is_turned_into_its_number() {
        assertEquals("[ -e x ] || exit 20\nexit $?\nexit \"$code\"\n",
                ScriptExit.numbers("[ -e x ] || exit $NOT_WRITTEN\nexit $?\nexit \"$code\"\n"));
        assertThrows(IllegalArgumentException.class, () -> ScriptExit.numbers("exit $NO_SUCH"));
    }

    @Test
    void how_a_script_ended_is_told_by_its_number() {
        assertEquals(ScriptExit.LOCK_LOST, ScriptExit.of(new CommandResult(26, "", "")));
        assertEquals(List.of(ScriptExit.OTHER, ScriptExit.OTHER),
                Stream.of(0, 1).map(code -> ScriptExit.of(new CommandResult(code, "", ""))).toList());
    }
}
