import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import bench.Case;
import bench.SideBySide;
import bench.SideBySide.Pair;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class SideBySideTest {
    private static Pair pair(long ours, long theirs) {
        return new Pair(Duration.ofMillis(ours), Duration.ofMillis(theirs));
    }

    private static SideBySide of(Pair... pairs) {
        return new SideBySide(Case.of("gap"), 0, List.of(pairs), List.of());
    }

    @Test
    void they_take_turns_in_who_is_first_and_each_keeps_its_column() {
        var order = new ArrayList<String>();
        var measured = SideBySide.cold(Case.of("gap"), 3, () -> {
            order.add("ours");
            return Duration.ofMillis(1);
        }, () -> {
            order.add("theirs");
            return Duration.ofMillis(2);
        });
        assertEquals(List.of("ours", "theirs", "theirs", "ours", "ours", "theirs"), order);
        assertEquals(List.of(pair(1, 2), pair(1, 2), pair(1, 2)), measured.pairs());
    }

    @Test
    void medians_are_of_each_column() {
        assertEquals(pair(2000, 20), of(pair(1000, 30), pair(9000, 10), pair(2000, 20)).medians());
        assertEquals(pair(3000, 15), of(pair(1000, 10), pair(5000, 20)).medians());
    }

    @Test
    void the_table_has_the_ratio_of_each_pair_and_of_the_medians() {
        assertEquals(List.of("PAIR    DEPLOY  COMPOSE UP  RATIO", "1       2.75 s  2.50 s      1.10",
                "median  2.75 s  2.50 s      1.10"), of(pair(2750, 2500)).table().lines());
    }

    @Test
    void nothing_is_divided_by_zero() {
        var document = of(pair(10, 0)).document();
        assertTrue(document.get("median").toString().contains("ratio=null"), document::toString);
    }
}
