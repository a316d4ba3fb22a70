package standin;

import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.MalformedURLException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;

/**
 * The HTTP calls between the stand-ins. They use the JDK's older client: the newer one initialises TLS in each JVM, a
 * third of a stand-in's start time.
 */
final class Client {
    private static final int CONNECT_MILLIS = 3_000;
    private static final int READ_MILLIS = 5_000;

    static {
        // otherwise it repeats a POST by itself
        System.setProperty("sun.net.http.retryPost", "false");
    }

    record Answer(int status, String body) {
        boolean ok() {
            return status / 100 == 2;
        }

        Map<String, Object> json() {
            return Json.object(body);
        }
    }

    Answer get(String url) throws IOException {
        return send("GET", url, null);
    }

    Answer post(String url, Object body) throws IOException {
        return send("POST", url, body);
    }

    Answer delete(String url) throws IOException {
        return send("DELETE", url, null);
    }

    /** By the newer client, since the older one does not support this method. */
    Answer patch(String url, Object body) throws IOException {
        try {
            var request = HttpRequest.newBuilder(URI.create(url)).timeout(Duration.ofMillis(READ_MILLIS))
                    .header("Content-Type", "application/json")
                    .method("PATCH", HttpRequest.BodyPublishers.ofString(Json.write(body))).build();
            var answer = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build()
                    .send(request, HttpResponse.BodyHandlers.ofString());
            return new Answer(answer.statusCode(), answer.body());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }

    private static Answer send(String method, String url, Object body) throws IOException {
        var http = open(url);
        http.setConnectTimeout(CONNECT_MILLIS);
        http.setReadTimeout(READ_MILLIS);
        http.setInstanceFollowRedirects(false);
        http.setRequestMethod(method);
        http.setRequestProperty("Content-Type", "application/json");
        if (body != null) {
            var bytes = Json.write(body).getBytes(StandardCharsets.UTF_8);
            http.setDoOutput(true);
            http.setFixedLengthStreamingMode(bytes.length);
            try (var out = http.getOutputStream()) {
                out.write(bytes);
            }
        }
        int status = http.getResponseCode();
        try (var in = status < 400 ? http.getInputStream() : http.getErrorStream()) {
            return new Answer(status, in == null ? "" : new String(in.readAllBytes(), StandardCharsets.UTF_8));
        }
    }

    private static HttpURLConnection open(String url) throws IOException {
        try {
            return (HttpURLConnection) URI.create(url).toURL().openConnection();
        } catch (IllegalArgumentException | MalformedURLException | ClassCastException e) {
            throw new IOException("not a URL: " + url, e);
        }
    }
}
