package ktrdr;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class UnitsTest {
    @ParameterizedTest
    @CsvSource({"500ms, 500", "10s, 10000", "2m, 120000", "1h30m, 5400000", "7d, 604800000"})
    void durations_are_read(String text, long millis) {
        assertEquals(Duration.ofMillis(millis), Units.duration(text));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "10", "10x", "-1s", "1.5h", "99999999999999999999s", "s"})
    void what_is_no_duration_is_refused(String text) {
        assertEquals(Exit.USAGE, assertThrows(Problem.class, () -> Units.duration(text)).exit());
    }

    @ParameterizedTest
    @CsvSource({"16GB, 16000000000", "20GiB, 21474836480", "512MB, 512000000", "1.5kB, 1500", "42, 42"})
    void sizes_are_read(String text, long bytes) {
        assertEquals(bytes, Units.size(text));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "GB", "16XB", "-1GB", "1e9", "99999999999TB"})
    void what_is_no_size_is_refused(String text) {
        assertEquals(Exit.USAGE, assertThrows(Problem.class, () -> Units.size(text)).exit());
    }

    @ParameterizedTest
    @CsvSource({"0, 0 B", "999, 999 B", "1500, 1.5 KB", "212000000, 212 MB", "71400000000, 71 GB", "999600000, 1.0 GB"})
    void sizes_are_printed(long bytes, String text) {
        assertEquals(text, Units.size(bytes));
    }

    @ParameterizedTest
    @CsvSource({"400, 0.4 s", "27300, 27.3 s", "119000, 119 s", "125000, 2 min 5 s", "12000000, 3 h 20 min",
            "360000000, 4 d 4 h"})
    void durations_are_printed(long millis, String text) {
        assertEquals(text, Units.duration(Duration.ofMillis(millis)));
    }

    @Test
    void a_bar_is_never_longer_or_shorter_than_itself() {
        assertEquals("[" + "·".repeat(20) + "]  -3 %", Units.bar(-3));
        assertEquals("[" + "#".repeat(10) + "·".repeat(10) + "]  50 %", Units.bar(50.2));
        assertEquals("[" + "#".repeat(20) + "] 130 %", Units.bar(130));
    }
}
