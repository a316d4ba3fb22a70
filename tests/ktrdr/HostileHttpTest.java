package ktrdr;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * Hostile HTTP servers: endless headers and bodies, slow drip, decompression bombs, bad redirects. Each request must
 * end in time with a one-line error.
 */
class HostileHttpTest {
    private static final Duration PATIENCE = Duration.ofSeconds(5);
    private static final String OK = "HTTP/1.1 200 OK\r\n";
    private static final String CHUNKED = OK + "Transfer-Encoding: chunked\r\n";
    /** Far beyond the size limit, and far less than the memory. */
    private static final long GIGABYTE = 1L << 30;
    private final Http http = new Http(Map.of("elsewhere.ktrdr.test", "127.0.0.1"), PATIENCE);

    @AfterEach
    void closed() {
        http.close();
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }

    /** The error of the request, which must come within the timeout of one call plus a margin. */
    private static Problem told(Runnable asks) {
        long began = System.nanoTime();
        var problem = assertThrows(Problem.class, asks::run);
        assertTrue(System.nanoTime() - began < PATIENCE.plusSeconds(5).toNanos(), problem::sentence);
        assertEquals(1, problem.sentence().split("\n").length, problem::sentence);
        var found = problem.details().getOrDefault("found", "");
        assertTrue(found.length() < 400, () -> "found at length: " + found.length());
        return problem;
    }

    private Problem told(HttpPeer peer) {
        return told(() -> http.json(peer.url("/x")));
    }

    private Problem told(String answer) throws IOException {
        try (var peer = HttpPeer.saying(answer)) {
            return told(peer);
        }
    }

    private static String found(Problem problem) {
        return problem.details().getOrDefault("found", "");
    }

    /** A peer that sends up to one gigabyte; counts the bytes that the client reads. */
    private static HttpPeer pouring(String head, String before, String after, AtomicLong poured) throws IOException {
        var piece = bytes(before + " ".repeat(64 << 10) + after);
        return new HttpPeer((asked, out) -> {
            out.write(bytes(head));
            for (; poured.get() < GIGABYTE; poured.addAndGet(piece.length)) out.write(piece);
            return false;
        });
    }

    @Test
    void a_body_that_goes_on_is_refused_when_it_is_too_large() throws IOException {
        for (var head : List.of(CHUNKED + "\r\n", OK + "\r\n", OK + "Content-Length: " + GIGABYTE + "\r\n\r\n",
                OK + "Content-Length: " + Long.MAX_VALUE + "\r\n\r\n")) {
            var poured = new AtomicLong();
            boolean chunks = head.startsWith(CHUNKED);
            try (var peer = pouring(head, chunks ? "10000\r\n" : "", chunks ? "\r\n" : "", poured)) {
                var problem = told(peer);
                assertTrue(problem.sentence().contains("answered more than 16 MiB"), problem::sentence);
                assertTrue(poured.get() < GIGABYTE / 2, head + poured);
            }
        }
    }

    private static byte[] packed(int megabytes) throws IOException {
        var packed = new ByteArrayOutputStream();
        try (var gzip = new GZIPOutputStream(packed)) {
            for (int i = 0; i < megabytes; i++) gzip.write(new byte[1 << 20]);
        }
        return packed.toByteArray();
    }

    @Test
    void what_is_packed_counts_unpacked() throws IOException {
        var answer = new ByteArrayOutputStream();
        answer.writeBytes(bytes(OK + "Content-Encoding: gzip\r\n\r\n"));
        answer.writeBytes(packed(64));
        assertTrue(answer.size() < Http.MAX_BODY / 100);
        try (var peer = HttpPeer.saying(answer.toByteArray())) {
            assertTrue(told(peer).sentence().contains("answered more than 16 MiB"));
        }
    }

    @Test
    void what_is_packed_badly_is_told() throws IOException {
        var whole = packed(1);
        for (var body : List.of(new byte[0], bytes("{\"a\": 1}"), Arrays.copyOf(whole, whole.length / 2),
                Arrays.copyOf(whole, whole.length - 5))) {
            var answer = new ByteArrayOutputStream();
            answer.writeBytes(
                    bytes(OK + "Content-Encoding: gzip\r\nContent-Length: " + body.length + "\r\n\r\n"));
            answer.writeBytes(body);
            try (var peer = HttpPeer.saying(answer.toByteArray())) {
                told(peer);
            }
        }
    }

    @Test
    void a_document_of_nothing_but_brackets_does_not_fill_the_memory() throws IOException {
        for (var piece : List.of("[],", "{},", "{\"\":0},", "0,")) {
            var body = "[" + piece.repeat(Http.MAX_BODY / piece.length() - 10) + "0]";
            try (var peer = HttpPeer.saying(HttpPeer.whole(200, bytes(body)))) {
                assertEquals(found(told(peer)).substring(0, 3), body.substring(0, 3));
            }
        }
    }

    private static void trickle(OutputStream out, String text) throws IOException {
        for (int i = 0; i < 100_000; i++) {
            out.write(bytes(text));
            Threads.pause(100, "interrupted");
        }
    }

    /** Each of these resets a read timeout, but must not extend the timeout of the call. */
    @Test
    void what_comes_drop_by_drop_ends_with_the_patience_of_the_call() throws IOException {
        for (var head : List.of("", "HTTP/1.1 200 OK\r\nX: ", OK + "\r\n", CHUNKED + "\r\n1\r\n",
                OK + "Content-Length: 100000\r\n\r\n"))
            try (var peer = new HttpPeer((asked, out) -> {
                out.write(bytes(head));
                trickle(out, head.startsWith(CHUNKED) ? " \r\n1\r\n" : " ");
                return false;
            }); var impatient = new Http(Map.of(), Duration.ofSeconds(1))) {
                long began = System.nanoTime();
                var problem = told(() -> impatient.json(peer.url("/x")));
                assertTrue(System.nanoTime() - began < 3_000_000_000L, head);
                assertEquals(Exit.UNREACHABLE, problem.exit());
                assertTrue(found(problem)
                        .endsWith((head.endsWith("\r\n") ? " began to answer, and was not done" : " did not answer")
                                + " within 1.0 s"), head + found(problem));
            }
    }

    @Test
    void a_head_without_an_end_is_refused() throws IOException {
        for (var line : List.of("X-A: b\r\n", "a", "X: " + "b".repeat(10_000) + "\r\n")) {
            var poured = new AtomicLong();
            try (var peer = new HttpPeer((asked, out) -> {
                out.write(bytes(OK));
                for (; poured.get() < GIGABYTE; poured.addAndGet(line.length() * 100L))
                    out.write(bytes(line.repeat(100)));
                return false;
            })) {
                told(peer);
                assertTrue(poured.get() < 64 << 20, () -> "it took " + poured);
            }
        }
        try (var peer = new HttpPeer((asked, out) -> {
            for (int i = 0; i < 1_000_000; i++) out.write(bytes("HTTP/1.1 100 Continue\r\n\r\n"));
            return false;
        })) {
            told(peer);
        }
    }

    @Test
    void a_head_of_nonsense_is_told() throws IOException {
        for (var answer : List.of("", "\0", "SSH-2.0-OpenSSH_9.2\r\n", "HTTP/1.1 -12 OK\r\n\r\n",
                "HTTP/1.1 000 OK\r\n\r\n", "HTTP/1.1 99999 OK\r\n\r\n",
                "HTTP/9.9 200 OK\r\n\r\n", "220 smtp ready\r\n", "\u001b[2J\u001b[31m" + "a".repeat(5000) + "\r\n\r\n",
                "HTTP/1.1 503 Busy\r\nRetry-After: 99999999999\r\n\r\n",
                "HTTP/1.1 408 Late\r\nRetry-After: 99999999999\r\n\r\n",
                "HTTP/1.1 503 Busy\r\nRetry-After: 0\r\n\r\n", "HTTP/1.1 407 Proxy\r\n\r\n", "HTTP/1.1 421 No\r\n\r\n",
                "HTTP/1.1 401 No\r\nWWW-Authenticate: \u0000\r\n\r\n",
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n",
                "HTTP/1.1 204 None\r\nContent-Length: 9\r\n\r\n", "HTTP/1.1 204 None\r\n\r\n",
                "HTTP/1.1 304 Same\r\n\r\n",
                OK + "Content-Length: -1\r\n\r\n", OK + "Content-Length: -2\r\n\r\n",
                OK + "Content-Length: 99999999999999999999\r\n\r\n",
                OK + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n<<", OK + ": no name\r\n\r\n",
                OK + "no colon\r\n\r\n", OK + "Content-Type: \0;charset=\"\r\n\r\n",
                OK + "Content-Type: text/html; charset=none-such\r\n\r\n<",
                OK + "Content-Type: a/b; charset=UTF-32\r\n\r\n<", CHUNKED + "\r\nzz\r\n",
                CHUNKED + "\r\n-1\r\n", CHUNKED + "\r\nffffffffffffffffff\r\n", CHUNKED + "\r\n5\r\nabc",
                CHUNKED + "\r\n1;" + "x".repeat(500_000) + "\r\n", OK + "Transfer-Encoding: nonsense\r\n\r\n<"))
            told(answer);
    }

    /** Replaces each byte of a response head, and cuts the head after each byte. */
    @Test
    void each_byte_of_a_head_may_be_another() throws IOException {
        var whole = bytes(
                "HTTP/1.1 503 Busy\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: "
                        + "2\r\nRetry-After: 5\r\nConnection: keep-alive\r\nDate: Thu, 01 Jan 2026 10:00:00 "
                        + "GMT\r\n\r\n{}");
        var said = new byte[1][];
        try (var peer = new HttpPeer((asked, out) -> {
            out.write(said[0]);
            return false;
        })) {
            for (int at = 0; at < whole.length; at++) {
                said[0] = Arrays.copyOf(whole, at);
                told(peer);
                for (char other : "\0\t\n\r -0:9;\u001b\u00ff".toCharArray()) {
                    said[0] = whole.clone();
                    said[0][at] = (byte) other;
                    Mutants.calm(() -> http.json(peer.url("/x")));
                }
            }
        }
    }

    @Test
    void reports_a_truncated_and_an_empty_body() throws IOException {
        assertTrue(found(told(OK + "Content-Length: 100\r\n\r\n{\"a\":")).contains("hung up"));
        assertTrue(found(told(CHUNKED + "\r\n5\r\n{\"a\":\r\n")).contains("hung up"));
        assertEquals("an empty body", found(told(OK + "Content-Length: 0\r\n\r\n")));
        assertEquals("an empty body", found(told(OK + "Content-Length: 3\r\n\r\n \n ")));
    }

    @Test
    void quotes_the_start_of_a_proxys_page_without_control_characters() throws IOException {
        var page = "<html>\u001b]0;owned\u0007\u009b2J<title>502 Bad Gateway</title></html>\r\n" + "x".repeat(9000);
        for (var status : List.of("200 OK", "502 Bad Gateway")) {
            var problem = told("HTTP/1.1 " + status + "\r\nContent-Type: text/html; charset=iso-8859-1\r\n\r\n" + page);
            var screen = new ByteArrayOutputStream();
            try (var console = new Console(Invocation.into(screen, screen), Console.Color.never, false)) {
                console.problem(problem);
            }
            var shown = screen.toString(StandardCharsets.UTF_8);
            assertTrue(shown.contains("<html>") && shown.contains("502 Bad Gateway"), shown);
            shown.lines().forEach(line -> assertEquals(Console.harmless(line), line));
        }
    }

    @Test
    void bytes_that_are_no_text_are_shown_as_such() throws IOException {
        assertEquals("{\ufffd\ufffd", found(told(OK + "\r\n{\300\257")));
        assertEquals("\ufffd", http("\"\355\240\200\"").substring(0, 1));
    }

    private String http(String body) throws IOException {
        try (var peer = HttpPeer.saying(OK + "\r\n" + body)) {
            return http.json(peer.url("/")).asText();
        }
    }

    private static HttpPeer leading(String status, String location) throws IOException {
        return HttpPeer.saying("HTTP/1.1 " + status + " Elsewhere\r\nLocation: " + location
                + "\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    }

    @Test
    void a_redirect_in_a_circle_ends_in_a_sentence() throws IOException {
        for (var status : List.of("301", "302", "303", "307", "308"))
            try (var here = leading(status, "/x")) {
                var problem = told(here);
                assertEquals(here.heads().get(0).split(" ")[0], "GET");
                assertTrue(found(problem).endsWith("leads on and on: more than 20 redirects"), found(problem));
                assertTrue(here.heads().size() < 50);
            }
    }

    @Test
    void a_redirect_to_what_is_not_http_is_an_answer_and_not_followed() throws IOException {
        for (var place : List.of("file:///etc/passwd", "ftp://127.0.0.1/", "javascript:alert(1)", "http://[::1",
                "jar:file:///a!/b", "http://127.0.0.1:99999/"))
            try (var here = leading("302", place)) {
                assertEquals(302, http.get(here.url("/x")).status(), place);
                assertTrue(told(here).sentence().endsWith("/x answered 302"), place);
            }
        // these resolve to the same server, so the redirect loops
        for (var place : List.of("\u001b[2J", "//", "http://", "?", "#")) try (var here = leading("302", place)) {
            told(here);
        }
        assertEquals("302 an empty body", found(told("HTTP/1.1 302 Nowhere\r\n\r\n")));
    }
}
