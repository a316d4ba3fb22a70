package lab;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Deque;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.LinkedBlockingQueue;
import ktrdr.CommandResult;
import ktrdr.Problem;

/**
 * Persistent shells in containers of the lab: tests run thousands of small scripts on hosts, and a {@code docker exec}
 * for each costs more than most scripts.
 *
 * Each script runs in its own {@code sh -eu}, which reads it from standard input. Two scripts at the same time use two
 * shells.
 */
final class HostShell {
    private static final Map<String, Deque<HostShell>> IDLE = new ConcurrentHashMap<>();
    private final String end = "end-" + UUID.randomUUID();
    private final Process process;
    private final BlockingQueue<Answer> out;
    private final BlockingQueue<Answer> err;

    /** The output of a script on one of its streams; the code is missing if the shell ended before the script. */
    private record Answer(String text, String code) {}

    private HostShell(Engine engine, String container) {
        // passed as an argument: a shell that reads its input would also take what follows. The script is read as a
        // whole first, since a script that ends early leaves the rest unread
        var loop = """
                while read -r size; do
                  script=$(head -c "$size")
                  code=0; printf '%s\\n' "$script" | sh -eu || code=$?
                  printf '\\n%s %s\\n' "$0" $code; printf '\\n%s %s\\n' "$0" $code >&2
                done
                """;
        try {
            process = engine.process("exec", "-i", container, "sh", "-c", loop, end).start();
            out = answers(process.getInputStream());
            err = answers(process.getErrorStream());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Runs a script in a container and returns its output; a code other than 0 is a {@link Problem} with its last
     * lines.
     */
    static String run(Engine engine, String container, String script) {
        var idle = IDLE.computeIfAbsent(container, name -> new ConcurrentLinkedDeque<>());
        var shell = idle.poll();
        // shells of a host that was restarted since have ended
        while (shell != null && !shell.process.isAlive()) shell = idle.poll();
        if (shell == null) shell = new HostShell(engine, container);
        var result = shell.run(script);
        if (shell.process.isAlive()) idle.push(shell);
        if (result.ok()) return result.out();
        throw Problem.failed("a script failed in " + container).expected("exit code 0")
                .found("exit code " + result.exit() + ": " + result.lastWords());
    }

    private CommandResult run(String script) {
        try {
            var bytes = script.getBytes(StandardCharsets.UTF_8);
            process.getOutputStream().write((bytes.length + "\n").getBytes(StandardCharsets.UTF_8));
            process.getOutputStream().write(bytes);
            process.getOutputStream().flush();
        } catch (IOException e) {
            // the shell has ended; its output says why
        }
        try {
            var printed = out.take();
            var said = err.take();
            int code = printed.code().isEmpty() ? process.waitFor() : Integer.parseInt(printed.code());
            return new CommandResult(code, printed.text(), said.text());
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
            throw Problem.interrupted("interrupted while a script ran").because(e);
        }
    }

    /** The answers on a stream, each as soon as it is complete. */
    private BlockingQueue<Answer> answers(InputStream stream) {
        var answers = new LinkedBlockingQueue<Answer>();
        var thread = new Thread(() -> {
            var text = new StringBuilder();
            try (var lines = new BufferedReader(new InputStreamReader(stream, StandardCharsets.UTF_8))) {
                for (String line; (line = lines.readLine()) != null; )
                    if (line.startsWith(end)) {
                        answers.add(new Answer(text.toString(), line.substring(end.length() + 1)));
                        text.setLength(0);
                    } else {
                        text.append(line).append('\n');
                    }
            } catch (IOException e) {
                text.append(e.getMessage());
            }
            answers.add(new Answer(text.toString(), ""));
        }, "host shell");
        thread.setDaemon(true);
        thread.start();
        return answers;
    }
}
