package suite;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.platform.engine.TestTag;

/** Which tests run in parallel, by their tags. */
class LaneTest {
    @ParameterizedTest
    @CsvSource(nullValues = "none", value = {
        "none,          rest,   unit",
        "quick fleet,   fleet,  shaky",
        "machine,       rest,   shaky",
        "browser,       rest,   sure",
        "packages,      rest,   sure",
        "quiet,         quiet,  unit",
        "guests,        guests, shaky",
        "fleet,         fleet,  shaky",
        // a class of local programs with one fleet test
        "machine fleet, fleet,  shaky",
    })
    void the_tags_of_a_test_tell_its_lane_and_what_it_needs(String tags, Lane lane, String kind) {
        var words = tags == null ? Stream.<String>empty() : Stream.of(tags.split(" "));
        Set<TestTag> all = words.map(TestTag::create).collect(Collectors.toSet());
        assertEquals(lane, Lane.of(all));
        assertEquals(kind.equals("unit"), Lane.unit(all));
        assertEquals(kind.equals("shaky"), Lane.shaky(all));
        assertEquals(kind.equals("unit") || tags.contains("quick"), Lane.quick(all));
    }
}
