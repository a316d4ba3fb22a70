package ktrdr;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.EOFException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.NoRouteToHostException;
import java.net.ProtocolException;
import java.net.SocketException;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import okhttp3.ConnectionSpec;
import okhttp3.Dns;
import okhttp3.HttpUrl;
import okhttp3.MediaType;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.RequestBody;
import okhttp3.Response;
import okhttp3.ResponseBody;
import okio.Buffer;
import okio.BufferedSink;

/**
 * HTTP requests, as with curl.
 *
 * <pre>try (var http = new Http(Map.of(), Duration.ofSeconds(10))) {
 *    http.json("http://backend:8000/api/v1/health").path("status").asText();
 *}</pre>
 *
 * No answer is a {@link Problem} with exit code 3, whatever the reason. Redirects are followed, at most 20. It never
 * sends a password or token, since the fleet's services use plain HTTP. It may be used by several threads at once.
 */
public final class Http implements AutoCloseable {
    /** In bytes, unpacked: a thousand times what a service of a fleet has to say. */
    public static final int MAX_BODY = 16 << 20;
    private static final int MAX_SHOWN = 200;

    /**
     * What a server answered.
     *
     * @param headers by name in lower case; what came several times is joined with commas
     */
    public record Answer(int status, String body, Map<String, String> headers) {
        /** Whether the status is 2xx. */
        public boolean ok() {
            return status >= 200 && status < 300;
        }
    }

    /**
     * The client for http:, and the client for https: once it is needed: reading the certificates of all authorities
     * takes a tenth of a second.
     */
    private static final class Clients {
        private final OkHttpClient plain;
        private OkHttpClient secure;

        Clients(OkHttpClient.Builder builder) {
            this.plain = builder.connectionSpecs(List.of(ConnectionSpec.CLEARTEXT)).followSslRedirects(false).build();
        }

        /** @param deadline as {@link System#nanoTime} has it, for all of it */
        Response answer(Request request, long deadline) throws IOException {
            // KTRDR's server closes a connection that idles for 5 s (uvicorn's --timeout-keep-alive): what is sent just
            // then is lost, and only a GET is tried again
            if (!request.method().equals("GET")) plain.connectionPool().evictAll();
            if (request.isHttps()) return answer(secure(), request, deadline);
            var response = answer(plain, request, deadline);
            var elsewhere = response.isRedirect() && request.method().equals("GET")
                    ? response.request().url().resolve(response.header("Location", "")) : null;
            if (elsewhere == null || !elsewhere.isHttps()) return response;
            response.close();
            return answer(secure(), request, deadline);
        }

        private static Response answer(OkHttpClient client, Request request, long deadline) throws IOException {
            var call = client.newCall(request);
            // none at all would be none without an end
            call.timeout().timeout(Math.max(1, deadline - System.nanoTime()), TimeUnit.NANOSECONDS);
            return call.execute();
        }

        private synchronized OkHttpClient secure() {
            if (secure == null) secure = plain.newBuilder()
                    .connectionSpecs(List.of(ConnectionSpec.MODERN_TLS, ConnectionSpec.CLEARTEXT))
                    .followSslRedirects(true).build();
            return secure;
        }
    }

    private final Clients clients;
    private final Duration timeout;

    /**
     * @param addresses host name to address, used instead of DNS for the hosts that are in it
     * @param timeout for a whole call: connecting, redirects, a second try and reading to the end included
     */
    public Http(Map<String, String> addresses, Duration timeout) {
        // with the fast fallback, connections are made by other threads, and okhttp throws an InterruptedException that
        // it does not declare
        this.clients = new Clients(new OkHttpClient.Builder().fastFallback(false).callTimeout(timeout)
                .connectTimeout(timeout)
                .readTimeout(timeout).writeTimeout(timeout).dns(dns(Map.copyOf(addresses))));
        this.timeout = timeout;
    }

    /** Any status is an answer. Tried twice when the connection fails. */
    public Answer get(String url) {
        return call(url, request(url).get().build());
    }

    /**
     * GET, when the answer has to be 2xx and JSON; anything else is a {@link Problem} with the first line of the body.
     */
    public JsonNode json(String url) {
        return json("GET " + url, get(url));
    }

    /** POST, with a JSON body or, for null, an empty one; any status is an answer. Never tried twice. */
    public Answer post(String url, JsonNode body) {
        var bytes = body == null ? new byte[0] : body.toString().getBytes(StandardCharsets.UTF_8);
        return call(url, request(url).post(new Once(bytes, body == null ? null : MediaType.get("application/json")))
                .build());
    }

    /** DELETE; any status is an answer. Never tried twice. */
    public Answer delete(String url) {
        return call(url, request(url).delete(new Once(new byte[0], null)).build());
    }

    /**
     * The JSON of an answer that has to be 2xx and JSON.
     *
     * @param asked how a sentence calls the request, such as "POST http://…"
     */
    public static JsonNode json(String asked, Answer answer) {
        if (!answer.ok()) throw Problem.failed(asked + " answered " + answer.status()).expected("2xx with JSON")
                .found(answer.status() + " " + firstLine(answer));
        return Json.read(answer.body())
                .orElseThrow(() -> Problem.failed(asked + " did not answer in JSON")
                        .expected("one document of JSON, of at most " + Json.MAX_VALUES + " values")
                        .found(firstLine(answer)));
    }

    private Request.Builder request(String url) {
        if (HttpUrl.parse(url) == null)
            throw Problem.usage("`" + url + "` is not an http URL").expected("http://host:port/path");
        return new Request.Builder().url(url).header("User-Agent", "ktrdr/" + LocalCommand.VERSION)
                .header("Accept", "application/json, */*;q=0.5");
    }

    private Answer call(String url, Request request) {
        long deadline = System.nanoTime() + timeout.toNanos();
        try {
            return once(request, deadline);
        } catch (IOException first) {
            if (!request.method().equals("GET") || !brokenConnection(first)) throw noAnswer(url, request, first);
        }
        try {
            return once(request, deadline);
        } catch (IOException second) {
            throw noAnswer(url, request, second);
        }
    }

    /** A connection kept from an earlier call may have been closed by a server that was restarted since. */
    private static boolean brokenConnection(IOException e) {
        return !(e instanceof InterruptedIOException) && !(e instanceof ConnectException)
                && (e instanceof SocketException
                || e.getCause() instanceof EOFException || String.valueOf(e.getMessage())
                        .startsWith("unexpected end of stream"));
    }

    private Answer once(Request request, long deadline) throws IOException {
        try (var response = clients.answer(request, deadline)) {
            var headers = new LinkedHashMap<String, String>();
            response.headers()
                    .forEach(pair -> headers.merge(pair.getFirst().toLowerCase(Locale.ROOT), pair.getSecond(),
                            (a, b) -> a + ", " + b));
            return new Answer(response.code(), body(response), Collections.unmodifiableMap(headers));
        } catch (IllegalStateException | IllegalArgumentException e) {
            // how okhttp refuses a status or a length below zero, and a Retry-After beyond an int
            throw (IOException) new ProtocolException(String.valueOf(e.getMessage())).initCause(e);
        }
    }

    /** Unpacked, since that is what takes the memory. */
    private static String body(Response response) throws IOException {
        try (ResponseBody body = response.body()) {
            var bytes = new Buffer();
            while (bytes.size() <= MAX_BODY && body.contentLength() <= MAX_BODY) if (body.source().read(bytes, 64 << 10)
                    < 0) {
                var type = body.contentType();
                return bytes.readString(type == null ? StandardCharsets.UTF_8
                        : type.charset(StandardCharsets.UTF_8));
            }
            throw Problem.failed(response.request().method() + " " + response.request().url()
                    + " answered more than 16 MiB")
                    .expected("an answer that fits in memory")
                    .found(response.body().contentLength() > MAX_BODY
                            ? response.body().contentLength() + " bytes to come" : "a body that goes on");
        } catch (InterruptedIOException e) {
            throw (IOException) new Unfinished().initCause(e);
        }
    }

    private Problem noAnswer(String url, Request request, IOException e) {
        var host = request.url().host() + " port " + request.url().port();
        var why = e instanceof UnknownHostException ? "the name " + request.url().host() + " does not resolve"
                : e instanceof InterruptedIOException ? host + (Thread.currentThread().isInterrupted() ? ": interrupted"
                        : (e instanceof Unfinished ? " began to answer, and was not done within "
                                : " did not answer within ") + timeout.toMillis() / 1000.0 + " s")
                : e instanceof NoRouteToHostException ? "no route to " + host
                : e instanceof ConnectException
                ? host + (String.valueOf(e.getCause()).contains("refused") ? " refused the connection"
                        : " cannot be reached: " + e.getMessage())
                : String.valueOf(e.getMessage()).startsWith("Too many follow-up requests")
                ? host + " leads on and on: more than 20 redirects"
                : host + " answered with something that is not HTTP, or hung up: "
                        + Console.brief(String.valueOf(e.getMessage()), MAX_SHOWN);
        return Problem.unreachable(request.method() + " " + url + (e instanceof Unfinished ? ": no whole answer"
                : ": no answer")).expected("an answer over HTTP").found(why).because(e);
    }

    /** The head of an answer had come when the patience was over. */
    private static final class Unfinished extends InterruptedIOException {
        private static final long serialVersionUID = 1;
    }

    /**
     * A body that okhttp does not send again by itself on a second connection, after the first may have had an effect.
     */
    private static final class Once extends RequestBody {
        private final byte[] bytes;
        private final MediaType type;

        Once(byte[] bytes, MediaType type) {
            this.bytes = bytes;
            this.type = type;
        }

        @Override
        public MediaType contentType() {
            return type;
        }

        @Override
        public long contentLength() {
            return bytes.length;
        }

        @Override
        public boolean isOneShot() {
            return true;
        }

        @Override
        public void writeTo(BufferedSink sink) throws IOException {
            sink.write(bytes);
        }
    }

    private static Dns dns(Map<String, String> addresses) {
        return host -> {
            var address = addresses.get(host);
            return address == null ? Dns.SYSTEM.lookup(host) : List.of(InetAddress.getAllByName(address));
        };
    }

    private static String firstLine(Answer answer) {
        return answer.body().isBlank() ? "an empty body" : Console.brief(answer.body().strip(), MAX_SHOWN);
    }

    /** Closes idle connections and ends the threads, so that none keeps the program alive. */
    @Override
    public void close() {
        clients.plain.dispatcher().executorService().shutdown();
        clients.plain.connectionPool().evictAll();
    }
}
