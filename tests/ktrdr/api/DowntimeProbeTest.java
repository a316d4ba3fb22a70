package ktrdr.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import ktrdr.Problem;
import lab.Wait;
import org.junit.jupiter.api.Test;

class DowntimeProbeTest {
    /** One probe every 50 ms, answered after 5 ms: + good, - bad. */
    private static List<DowntimeProbe.Sample> asks(String answers) {
        var samples = new ArrayList<DowntimeProbe.Sample>();
        for (int i = 0; i < answers.length(); i++) samples.add(sample(50 * i, 50 * i + 5, answers.charAt(i) == '+'));
        return samples;
    }

    private static DowntimeProbe.Sample sample(long asked, long answered, boolean good) {
        return new DowntimeProbe.Sample(TimeUnit.MILLISECONDS.toNanos(asked), TimeUnit.MILLISECONDS.toNanos(answered),
                good);
    }

    private static long millis(List<DowntimeProbe.Sample> samples) {
        return DowntimeProbe.window(samples).toMillis();
    }

    @Test
    void there_is_none_where_all_answers_are_good() {
        assertEquals(0, millis(asks("++++")));
        assertEquals(0, millis(List.of()));
    }

    @Test
    void it_is_from_the_last_good_answer_to_the_next_one() {
        assertEquals(100, millis(asks("++-++")));
        assertEquals(200, millis(asks("++---++")));
    }

    @Test
    void a_good_answer_in_between_does_not_end_it() {
        assertEquals(250, millis(asks("++--+-++")));
    }

    @Test
    void a_gap_without_a_good_answer_is_as_long_as_the_observation() {
        assertEquals(105, millis(asks("--++")));
        assertEquals(100, millis(asks("++--")));
        assertEquals(105, millis(asks("---")));
    }

    @Test
    void the_order_in_which_asks_are_answered_does_not_matter() {
        var samples = asks("++----++");
        Collections.reverse(samples);
        assertEquals(250, millis(samples));
    }

    @Test
    void one_that_hung_is_as_old_as_its_asking() {
        assertEquals(100,
                millis(List.of(sample(0, 5, true), sample(50, 5050, false), sample(100, 105, true),
                        sample(150, 155, true))));
    }

    @Test
    void a_slow_answer_is_good_when_it_is_there() {
        assertEquals(900, millis(List.of(sample(0, 5, true), sample(50, 55, false), sample(100, 905, true))));
    }

    @Test
    void a_thing_that_goes_away_and_comes_back_is_measured() throws InterruptedException {
        var there = new AtomicBoolean(true);
        var asked = new AtomicInteger();
        var gap = DowntimeProbe.start(() -> {
            asked.incrementAndGet();
            if (!there.get()) throw Problem.unreachable("gone");
            return true;
        }, Duration.ofMillis(5));
        awaitMore(asked);
        there.set(false);
        long from = System.nanoTime();
        Wait.millis(200);
        there.set(true);
        long gone = System.nanoTime() - from;
        awaitMore(asked);
        var window = gap.stop();
        assertTrue(window.toNanos() >= gone - TimeUnit.MILLISECONDS.toNanos(5), window + " of " + gone + " ns");
        assertTrue(window.toNanos() < gone + TimeUnit.SECONDS.toNanos(2), window + " of " + gone + " ns");
        int end = asked.get();
        Wait.millis(50);
        assertEquals(end, asked.get(), "it goes on asking");
    }

    @Test
    void an_ask_that_hangs_keeps_no_other_waiting_and_counts_as_bad() throws InterruptedException {
        var asked = new AtomicInteger();
        var hang = new CountDownLatch(1);
        var gap = DowntimeProbe.start(() -> {
            if (asked.incrementAndGet() != 5) return true;
            try {
                hang.await(5, TimeUnit.SECONDS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            return false;
        }, Duration.ofMillis(5));
        awaitMore(asked);
        awaitMore(asked);
        hang.countDown();
        var window = gap.stop();
        assertTrue(window.compareTo(Duration.ZERO) > 0 && window.compareTo(Duration.ofSeconds(1)) < 0,
                window::toString);
    }

    @Test
    void asks_a_service_that_answers_five_times_less_often() {
        for (var good : List.of(true, false)) {
            var asked = new AtomicInteger();
            var gap = DowntimeProbe.start(() -> asked.incrementAndGet() > 0 && good, Duration.ofMillis(20));
            Wait.millis(600);
            gap.stop();
            // of thirty ticks
            assertTrue(good ? asked.get() < 12 : asked.get() >= 12, good + ": " + asked);
        }
    }

    private static void awaitMore(AtomicInteger asked) {
        int before = asked.get();
        Wait.until(() -> asked.get() >= before + 5, () -> "it does not ask");
    }
}
