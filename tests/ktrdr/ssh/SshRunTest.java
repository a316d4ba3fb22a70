package ktrdr.ssh;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import ktrdr.CommandResult;
import ktrdr.Exit;
import ktrdr.Problem;
import ktrdr.Sh;
import lab.Wait;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;

/** Scripts on an open connection. */
@Order(1)
class SshRunTest extends SshConnected {
    @Test
    void both_outputs_and_the_exit_code_are_answered() {
        assertEquals(new CommandResult(0, "out\n", "err\n"), ssh.run("echo out; echo err >&2"));
        for (int code : new int[] {0, 1, 2, 77, 255}) assertEquals(code, ssh.run("exit " + code).exit());
        assertEquals(143, ssh.run("kill -TERM $$").exit());
        assertEquals("äöü漢\n", ssh.must("echo äöü漢"));
    }

    @Test
    void must_throws_with_the_last_words_and_nothing_of_the_script() {
        var problem = assertThrows(Problem.class,
                () -> ssh.must("secret=hunter2\nfor i in 1 2 3 4 5 6 7; do echo line $i >&2; done; exit 4"));
        assertEquals(Exit.FAILED, problem.exit());
        assertTrue(problem.sentence().contains("workers-b") && problem.sentence().contains("4"), problem.sentence());
        assertEquals("line 3\nline 4\nline 5\nline 6\nline 7", problem.details().get("found"));
        assertFalse((problem + "" + problem.details()).contains("hunter2"));
    }

    @Test
    void five_megabytes_on_both_outputs_at_once() {
        var result = ssh.run(
                "(head -c 5000000 /dev/zero | tr '\\0' x) & head -c 5000000 /dev/zero | tr '\\0' y >&2; wait");
        assertEquals("x".repeat(5_000_000), result.out());
        assertEquals("y".repeat(5_000_000), result.err());
    }

    @Test
    void bytes_and_the_lines_about_them_come_side_by_side() throws IOException {
        var bytes = new ByteArrayOutputStream();
        var lines = new ArrayList<String>();
        var result = ssh.pipe("for i in $(seq 300); do echo \"line $i\" >&2; done; head -c 3000000 /dev/zero; exit 7",
                bytes, lines::add);
        assertEquals(7, result.exit());
        assertArrayEquals(new byte[3_000_000], bytes.toByteArray());
        assertEquals(300, lines.size());
        assertTrue(result.err().startsWith("line 201\n") && result.lastWords().endsWith("line 300"), result.err());
    }

    @Test
    void whoever_takes_the_bytes_says_why_it_takes_no_more() {
        var full = new java.io.OutputStream() {
            @Override
            public void write(int number) {
                throw Problem.failed("it is full");
            }
        };
        assertEquals("it is full",
                assertThrows(Problem.class, () -> ssh.pipe("head -c 3000000 /dev/zero", full, line -> {})).sentence());
        assertEquals("still here\n", ssh.must("echo still here"));
    }

    @Test
    void a_flood_on_standard_error_does_not_stop_standard_output() {
        var lines = new ArrayList<String>();
        var result = ssh.run("head -c 20000000 /dev/zero | tr '\\0' '\\n' >&2; echo done", lines::add);
        assertEquals(List.of("done"), lines);
        assertTrue(result.err().length() <= 128 << 10);
    }

    @Test
    void output_without_end_is_stopped() {
        var problem = assertThrows(Problem.class, () -> ssh.run("yes"));
        assertTrue(problem.sentence().contains("16 MiB"), problem.sentence());
        assertEquals("still here\n", ssh.must("echo still here"));
    }

    @Test
    void lines_come_while_the_script_runs_and_long_ones_in_pieces() {
        var lines = new ArrayList<String>();
        var mark = folder.resolve("the first line was seen");
        ssh.run("echo one; until [ -e " + Sh.quote(mark.toString()) + " ]; do sleep 0.1; done; printf 'two\\n\\nthree'",
                line -> {
                    if (lines.isEmpty()) assertTrue(mark.toFile().mkdir());
                    lines.add(line);
                });
        assertEquals(List.of("one", "two", "", "three"), lines);
        var longest = new AtomicInteger();
        var all = new AtomicInteger();
        ssh.run("head -c 1000000 /dev/zero | tr '\\0' x", line -> {
            longest.accumulateAndGet(line.length(), Math::max);
            all.addAndGet(line.length());
        });
        assertEquals(1_000_000, all.get());
        assertEquals(64 << 10, longest.get());
    }

    @Test
    void what_a_reader_of_lines_throws_comes_out_and_the_script_ends() throws Exception {
        var mark = folder.resolve("mark");
        var thrown = assertThrows(IllegalStateException.class,
                () -> ssh.run("echo one; sleep 2; touch " + mark, line -> {
                    throw new IllegalStateException("enough");
                }));
        assertEquals("enough", thrown.getMessage());
        Wait.millis(2_500);
        assertFalse(Files.exists(mark));
    }

    @Test
    void bytes_are_copied_as_they_are() {
        var bytes = new ByteArrayOutputStream();
        assertEquals(0, ssh.pipe("i=0; while [ $i -lt 256 ]; do printf \"\\\\$(printf %o $i)\"; i=$((i+1)); done",
                bytes).exit());
        var expected = new byte[256];
        for (int i = 0; i < 256; i++) expected[i] = (byte) i;
        assertArrayEquals(expected, bytes.toByteArray());
    }

    @Test
    void bytes_are_sent_as_they_are_however_many() throws IOException {
        var sent = new ArrayList<Long>();
        var bytes = new byte[5_000_000];
        new Random(1).nextBytes(bytes);
        var file = folder.resolve("it's here");
        assertEquals(3, ssh.push("cat >" + Sh.quote(file.toString()) + "; exit 3", new ByteArrayInputStream(bytes),
                sent::add).exit());
        assertArrayEquals(bytes, Files.readAllBytes(file));
        assertEquals(5_000_000L, sent.get(sent.size() - 1));
    }

    @Test
    void a_script_that_takes_no_more_says_why() {
        var result = ssh.push("head -c 1000 >/dev/null; echo 'no room' >&2; sleep 0.5; exit 1",
                new ByteArrayInputStream(new byte[50_000]), sent -> { });
        assertEquals("1 no room", result.exit() + " " + result.lastWords());
    }

    @Test
    void scripts_run_side_by_side() {
        var running = new ArrayList<CompletableFuture<String>>();
        for (int i = 0; i < 5; i++) {
            var script = "cd " + Sh.quote(folder.toString()) + "; : >here-" + i
                    + "; until [ \"$(ls | grep -c here-)\" = 5 ]; do sleep 0.1; done; echo " + i;
            running.add(CompletableFuture.supplyAsync(() -> ssh.must(script), work -> new Thread(work).start()));
        }
        for (int i = 0; i < 5; i++) assertEquals(i + "\n", running.get(i).join());
    }

    @Test
    void a_script_of_a_megabyte_arrives() {
        assertEquals("1000000\n", ssh.must(Sh.let("long", "x".repeat(1_000_000)) + "echo ${#long}"));
    }

    @Test
    void a_script_that_takes_too_long_is_stopped() throws Exception {
        var mark = folder.resolve("mark");
        var problem = assertThrows(Problem.class, () -> ssh.run("sleep 2; touch " + mark, Duration.ofMillis(500)));
        assertTrue(problem.sentence().contains("0.5 s"), problem.sentence());
        Wait.millis(2_500);
        assertFalse(Files.exists(mark));
        assertEquals("still here\n", ssh.must("echo still here"));
    }

    @Test
    void an_interrupted_caller_stops_the_script() throws Exception {
        var mark = folder.resolve("mark");
        var caught = new CompletableFuture<Problem>();
        var caller = new Thread(
                () -> caught.complete(assertThrows(Problem.class, () -> ssh.run("sleep 2; touch " + mark))));
        caller.start();
        Wait.millis(500);
        caller.interrupt();
        assertTrue(caught.join().sentence().contains("interrupted"));
        Wait.millis(2_500);
        assertFalse(Files.exists(mark));
    }

    @Test
    void a_file_is_put_in_its_place_whole_with_its_mode() throws IOException {
        var source = Files.write(folder.resolve("source"), new byte[] {0, 1, 2, '\n', (byte) 0xff});
        var place = folder.resolve("it's a place");
        assertEquals(ssh.must("sha256sum <" + Sh.quote(source.toString())).substring(0, 64),
                ssh.put(source, place.toString(), "640"));
        assertArrayEquals(Files.readAllBytes(source), Files.readAllBytes(place));
        assertEquals("rw-r-----", PosixFilePermissions.toString(Files.getPosixFilePermissions(place)));
    }

    @Test
    void what_cannot_be_put_leaves_what_was_there() throws IOException {
        var source = Files.writeString(folder.resolve("source"), "new");
        var kept = Files.writeString(folder.resolve("kept"), "old");
        var link = Files.createSymbolicLink(folder.resolve("link"), kept);
        var inLink = assertThrows(Problem.class, () -> ssh.put(source, link.toString(), "644"));
        assertEquals("a link or a folder is in its place", inLink.details().get("found"));
        assertThrows(Problem.class, () -> ssh.put(source, folder.resolve("none/there").toString(), "644"));
        for (var place : List.of("relative", folder + "/"))
            assertEquals(Exit.USAGE, assertThrows(Problem.class, () -> ssh.put(source, place, "644")).exit());
        assertEquals(Exit.USAGE, assertThrows(Problem.class, () -> ssh.put(source, kept.toString(), "rw")).exit());
        assertEquals(Exit.USAGE,
                assertThrows(Problem.class, () -> ssh.put(folder.resolve("absent"), kept.toString(), "644")).exit());
        assertEquals("old", Files.readString(kept));
        try (var all = Files.list(folder)) {
            assertFalse(all.anyMatch(file -> file.getFileName().toString().startsWith("kept.")
                    || file.getFileName().toString().startsWith("link.")));
        }
    }
}
