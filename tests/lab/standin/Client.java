package standin;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.Map;

/** The HTTP calls that the stand-ins make to each other. */
final class Client {
    record Answer(int status, String body) {
        boolean ok() {
            return status / 100 == 2;
        }

        Map<String, Object> json() {
            return Json.object(body);
        }
    }

    private final HttpClient http = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(Duration.ofSeconds(3)).build();

    Answer get(String url) throws IOException {
        return send("GET", url, null);
    }

    Answer post(String url, Object body) throws IOException {
        return send("POST", url, body);
    }

    Answer delete(String url) throws IOException {
        return send("DELETE", url, null);
    }

    private Answer send(String method, String url, Object body) throws IOException {
        try {
            var publisher = body == null ? BodyPublishers.noBody() : BodyPublishers.ofString(Json.write(body));
            var answer = http.send(HttpRequest.newBuilder(URI.create(url)).timeout(Duration.ofSeconds(5))
                    .header("Content-Type", "application/json").method(method, publisher).build(), BodyHandlers.ofString());
            return new Answer(answer.statusCode(), answer.body());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        } catch (IllegalArgumentException e) {
            throw new IOException("not a URL: " + url, e);
        }
    }
}
