package suite;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import lab.Spent;
import org.junit.jupiter.api.Test;

/** How the time table attributes the time of the tests. */
class TimeTableTest {
    private static void sleep(int millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** On a separate thread: the time of the current thread is already counted. */
    private static double[] of(Runnable work) {
        return CompletableFuture.supplyAsync(() -> {
            Spent.begin();
            work.run();
            return Spent.end();
        }).join();
    }

    @Test
    void time_counts_as_what_is_outermost() {
        var spent = of(() -> {
            Spent.on(Spent.What.waiting, () -> Spent.on(Spent.What.docker, () -> sleep(60)));
            Spent.on(Spent.What.docker, () -> sleep(30));
            sleep(10);
        });
        var least = Map.of(Spent.What.waiting, 0.06, Spent.What.docker, 0.03, Spent.What.rest, 0.01);
        for (var what : Spent.What.values()) {
            double seconds = spent[what.ordinal()];
            assertTrue(least.containsKey(what) ? seconds >= least.get(what) : seconds == 0, what + " " + seconds);
        }
    }

    @Test
    void work_that_fails_counts_too_and_no_longer_than_it_lasted() {
        var spent = of(() -> {
            try {
                Spent.on(Spent.What.procedures, () -> {
                    sleep(20);
                    throw new IllegalStateException();
                });
            } catch (IllegalStateException expected) {
                sleep(20);
            }
        });
        assertTrue(spent[Spent.What.procedures.ordinal()] >= 0.02 && spent[Spent.What.rest.ordinal()] >= 0.02);
    }

    @Test
    void the_table_lists_the_fifteen_slowest_classes_in_order() {
        var seconds = new TreeMap<String, double[]>();
        for (int i = 1; i <= 20; i++) seconds.put("Test" + i, new double[] {0, i, 0, 0, 0, 0.5});
        var lines = TimeTable.slowest(seconds).lines();
        assertEquals("SLOWEST  TOTAL  WAITING  DOCKER  PROCEDURES  APT  GUESTS  REST", lines.get(0));
        assertEquals("Test20   20.5            20.0                             0.5", lines.get(1));
        assertEquals(16, lines.size());
    }

    @Test
    void processors_are_busy_but_for_idling_and_waiting_for_a_disk() {
        long[] before = {5, 0, 5, 100, 10, 0, 0, 0};
        assertEquals(25, TimeTable.busy(before, new long[] {20, 0, 15, 165, 20, 0, 0, 0}));
    }
}
