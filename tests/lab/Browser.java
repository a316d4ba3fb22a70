package lab;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.awt.image.BufferedImage;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import javax.imageio.ImageIO;
import ktrdr.Console;
import ktrdr.Problem;

/**
 * A headless Chromium, driven by its DevTools protocol (chromedevtools.github.io/devtools-protocol). It resolves no
 * host names, so it cannot load anything from a network.
 */
public final class Browser implements AutoCloseable {
    /** With a font, since a machine without a desktop has hardly any. */
    private static final Map<String, String> PROGRAM = Map.of("chromium", "chromium fonts-inter");
    private static final String LISTENING = "DevTools listening on ";
    private static final long PATIENCE_SECONDS = 60;
    private static final ObjectMapper JSON = new ObjectMapper();

    /** An event that the browser sent: {@code method} such as Log.entryAdded. */
    private record Event(String method, JsonNode parameters) {}

    private final Process process;
    private final Path profile;
    private final WebSocket socket;
    private final AtomicInteger ids = new AtomicInteger();
    private final Map<Integer, CompletableFuture<JsonNode>> asked = new ConcurrentHashMap<>();
    private final List<Event> events = new CopyOnWriteArrayList<>();
    private final String session;

    private Browser(Process process, Path profile, String address) {
        this.process = process;
        this.profile = profile;
        this.socket = HttpClient.newHttpClient().newWebSocketBuilder().buildAsync(URI.create(address), new Listener())
                .orTimeout(PATIENCE_SECONDS, TimeUnit.SECONDS).join();
        var target = ask("", "Target.createTarget", Map.of("url", "about:blank")).path("targetId").asText();
        this.session = ask("", "Target.attachToTarget", Map.of("targetId", target, "flatten", true)).path("sessionId")
                .asText();
        for (var domain : List.of("Page", "Runtime", "Log", "Network")) ask(domain + ".enable", Map.of());
    }

    /** Why no browser is available or can be installed; empty if one is or can be. */
    public static Optional<String> obstacle() {
        return Machine.missing(PROGRAM).isEmpty() || Machine.installs() ? Optional.empty()
                : Optional.of("there is no chromium here, and it can only be installed by root on Debian");
    }

    /** Starts a browser, and installs it if it is missing. */
    public static Browser start(Console console) {
        Machine.ensure(console, PROGRAM, "what a page looks like is seen in a real browser");
        try {
            var profile = Files.createTempDirectory("ktrdr-chromium");
            var process = new ProcessBuilder("chromium", "--headless", "--no-sandbox", "--disable-gpu",
                    "--disable-dev-shm-usage", "--no-first-run",
                    "--disable-background-networking", "--host-resolver-rules=MAP * ~NOTFOUND",
                    "--remote-debugging-port=0", "--user-data-dir=" + profile, "about:blank")
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD).start();
            return new Browser(process, profile, address(process));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String address(Process process) throws IOException {
        var lines = new BufferedReader(new InputStreamReader(process.getErrorStream(), StandardCharsets.UTF_8));
        for (String line; (line = lines.readLine()) != null; )
            if (line.startsWith(LISTENING)) {
                // unread output would fill the pipe and block the browser
                CompletableFuture.runAsync(() -> lines.lines().forEach(rest -> {}));
                return line.substring(LISTENING.length()).strip();
            }
        throw Problem.failed("chromium ended before it could be talked to");
    }

    /** Opens a file in a window of this width in CSS pixels. */
    public void open(Path file, int width, boolean dark) {
        events.clear();
        ask("Emulation.setDeviceMetricsOverride",
                Map.of("width", width, "height", 900, "deviceScaleFactor", 1, "mobile", width < 600));
        ask("Emulation.setScrollbarsHidden", Map.of("hidden", true));
        media("screen", dark);
        ask("Page.navigate", Map.of("url", file.toUri().toString()));
        await(file + " to load", () -> events.stream().anyMatch(event -> event.method().equals("Page.loadEventFired")));
    }

    /** Waits until an expression is true in the open page, for content drawn after loading. */
    public void await(String expression) {
        await(expression, () -> evaluate(expression).asBoolean());
    }

    private static void await(String what, BooleanSupplier there) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
        while (!there.getAsBoolean()) {
            if (System.nanoTime() > deadline) throw Problem.failed("the browser was waited for in vain").expected(what);
            pause();
        }
    }

    /** Emulates a screen or paper for the open page. */
    public void media(String kind, boolean dark) {
        ask("Emulation.setEmulatedMedia",
                Map.of("media", kind, "features",
                        List.of(Map.of("name", "prefers-color-scheme", "value", dark ? "dark" : "light"))));
    }

    /** The value of a JavaScript expression in the open page. */
    public JsonNode evaluate(String expression) {
        var answer = ask("Runtime.evaluate", Map.of("expression", expression, "returnByValue", true));
        if (answer.has("exceptionDetails"))
            throw Problem.failed("the page refused " + expression).found(answer.path("exceptionDetails").toString());
        return answer.path("result").path("value");
    }

    /** The whole page as a picture. */
    public BufferedImage screenshot() {
        var size = ask("Page.getLayoutMetrics", Map.of()).path("cssContentSize");
        return screenshot(size.path("width").asInt(), size.path("height").asInt());
    }

    /** The page's upper left corner of this size in CSS pixels as a picture. */
    public BufferedImage screenshot(int width, int height) {
        var clip = Map.of("x", 0, "y", 0, "width", width, "height", height, "scale", 1);
        var data = ask("Page.captureScreenshot", Map.of("format", "png", "captureBeyondViewport", true, "clip", clip))
                .path("data").asText();
        try {
            return ImageIO.read(new ByteArrayInputStream(Base64.getDecoder().decode(data)));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * What the browser reported since the page was opened: console messages, exceptions, violations of the page's
     * policy.
     */
    public List<String> complaints() {
        return events.stream()
                .filter(event -> List.of("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown")
                        .contains(event.method()))
                .map(event -> event.parameters().toString()).toList();
    }

    /** The addresses that it requested since then. */
    public List<String> requests() {
        return events.stream().filter(event -> event.method().equals("Network.requestWillBeSent"))
                .map(event -> event.parameters().path("request").path("url").asText()).toList();
    }

    private JsonNode ask(String method, Map<String, ?> parameters) {
        return ask(session, method, parameters);
    }

    private JsonNode ask(String session, String method, Map<String, ?> parameters) {
        int id = ids.incrementAndGet();
        ObjectNode message = JSON.createObjectNode().put("id", id).put("method", method);
        message.set("params", JSON.valueToTree(parameters));
        if (!session.isEmpty()) message.put("sessionId", session);
        var answer = new CompletableFuture<JsonNode>();
        asked.put(id, answer);
        socket.sendText(message.toString(), true).join();
        var document = answer.orTimeout(PATIENCE_SECONDS, TimeUnit.SECONDS).join();
        if (document.has("error"))
            throw Problem.failed("chromium refused " + method).found(document.path("error").toString());
        return document.path("result");
    }

    private static void pause() {
        try {
            Thread.sleep(20);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw Problem.interrupted("interrupted while a page was loaded").because(e);
        }
    }

    @Override
    public void close() {
        socket.abort();
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly().onExit().join();
        Engine.deleteTree(profile);
    }

    /** Matches answers to their requests; everything else is an event. */
    private final class Listener implements WebSocket.Listener {
        private final StringBuilder text = new StringBuilder();

        @Override
        public CompletionStage<?> onText(WebSocket socket, CharSequence data, boolean last) {
            text.append(data);
            if (last) {
                take(text.toString());
                text.setLength(0);
            }
            socket.request(1);
            return null;
        }

        private void take(String message) {
            try {
                var document = JSON.readTree(message);
                if (document.has("id")) asked.remove(document.path("id").asInt()).complete(document);
                else events.add(new Event(document.path("method").asText(), document.path("params")));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
