package ktrdr;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import ktrdr.FullScreen.Size;
import org.junit.jupiter.api.Test;

/** The drawn text. StatusTest covers a real terminal. */
class FullScreenTest {
    @Test
    void what_does_not_fit_is_cut_and_counted() {
        assertEquals(List.of("abc", "ab…"), FullScreen.frame(List.of("abc", "abcd"), new Size(2, 3)));
        assertEquals(List.of("one", "… 3 more lines"),
                FullScreen.frame(List.of("one", "two", "three", "four"), new Size(2, 20)));
        assertEquals(List.of("… 2 more lines"), FullScreen.frame(List.of("one", "two"), new Size(1, 20)));
        assertEquals(List.of(""), FullScreen.frame(List.of(""), new Size(5, 5)));
    }

    @Test
    void a_terminal_of_one_column_or_none_is_drawn_on_too() {
        assertEquals(List.of("…", "a"), FullScreen.frame(List.of("abc", "a"), new FullScreen.Size(2, 1)));
        assertEquals(List.of("…"), FullScreen.frame(List.of("abc", "a"), new FullScreen.Size(1, 1)));
        assertEquals("", Console.brief("abc", 0));
    }

    @Test
    void only_lines_that_differ_are_drawn() {
        assertEquals("", FullScreen.changes(List.of("a", "b"), List.of("a", "b")));
        assertEquals("\033[2;1Hc\033[K", FullScreen.changes(List.of("a", "b"), List.of("a", "c")));
        assertEquals("\033[2;1H\033[K", FullScreen.changes(List.of("a", "b"), List.of("a")));
        assertEquals("\033[1;1Ha\033[K\033[3;1Hb\033[K", FullScreen.changes(List.of(), List.of("a", "", "b")));
    }

    @Test
    void an_error_is_red_after_it_was_cut() {
        assertEquals("\033[1;1H\033[31merror:\033[0m no\033[K",
                FullScreen.changes(List.of(), FullScreen.frame(List.of("error: no"), new Size(1, 9))));
    }
}
