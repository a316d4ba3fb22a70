package ktrdr;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import mockwebserver3.MockResponse;
import mockwebserver3.MockWebServer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** HTTP with and without TLS. An untrusted certificate proves that the client uses TLS and verifies the certificate. */
class HttpTest {
    @TempDir Path folder;

    /** An HTTPS server with a self-signed certificate. */
    private MockWebServer secure() throws IOException, GeneralSecurityException {
        var store = folder.resolve("keys.p12");
        var keytool = Path.of(System.getProperty("java.home"), "bin/keytool").toString();
        var made = LocalCommand.command(keytool, "-genkeypair", "-keyalg", "EC", "-alias", "test", "-dname",
                "CN=localhost", "-storetype", "PKCS12", "-storepass", "practice", "-keystore",
                store.toString()).run();
        assertTrue(made.ok(), made.err());
        var keys = KeyStore.getInstance("PKCS12");
        try (var in = Files.newInputStream(store)) {
            keys.load(in, "practice".toCharArray());
        }
        var managers = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        managers.init(keys, "practice".toCharArray());
        var context = SSLContext.getInstance("TLS");
        context.init(managers.getKeyManagers(), null, null);
        var server = new MockWebServer();
        server.useHttps(context.getSocketFactory());
        server.start();
        return server;
    }

    /** A server that closes each connection at its second request, like an idle timeout at that moment. */
    private static ServerSocket impatient(AtomicInteger posts) throws IOException {
        var server = new ServerSocket(0);
        new Thread(() -> {
            try {
                while (true) {
                    var socket = server.accept();
                    new Thread(() -> once(socket, posts)).start();
                }
            } catch (IOException closed) {
                // the test closed the server
            }
        }).start();
        return server;
    }

    private static void once(Socket socket, AtomicInteger posts) {
        try (socket; var in = new BufferedReader(new InputStreamReader(socket.getInputStream()))) {
            if (in.readLine().startsWith("POST ")) posts.incrementAndGet();
            while (!in.readLine().isEmpty()) continue;
            socket.getOutputStream().write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}".getBytes());
            in.readLine();
        } catch (IOException | RuntimeException gone) {
            // the client closed the connection
        }
    }

    @Test
    void sends_no_change_over_a_connection_the_server_may_be_closing() throws Exception {
        var posts = new AtomicInteger();
        try (var server = impatient(posts); var http = new Http(Map.of(), Duration.ofSeconds(5))) {
            var url = "http://127.0.0.1:" + server.getLocalPort() + "/";
            for (int i = 1; i <= 3; i++) {
                assertEquals(200, http.get(url).status());
                assertEquals(200, http.post(url, null).status());
                assertEquals(200, http.delete(url).status());
                assertEquals(i, posts.get());
            }
        }
    }

    @Test
    void https_is_asked_over_tls_at_once_and_after_a_redirect() throws Exception {
        try (var there = secure(); var here = new MockWebServer();
                var http = new Http(Map.of(), Duration.ofSeconds(5))) {
            here.start();
            var url = there.url("/data").toString();
            assertTrue(url.startsWith("https:"), url);
            here.enqueue(new MockResponse.Builder().code(302).setHeader("Location", url).build());
            here.enqueue(new MockResponse.Builder().code(302).setHeader("Location", url).build());
            for (var asked : new String[] {url, here.url("/").toString()}) {
                var problem = assertThrows(Problem.class, () -> http.get(asked));
                assertEquals(Exit.UNREACHABLE, problem.exit());
                assertTrue(problem.details().get("found").contains("certif"), problem::toString);
            }
        }
    }

    @Test
    void a_redirect_within_http_is_followed() throws Exception {
        try (var here = new MockWebServer(); var http = new Http(Map.of(), Duration.ofSeconds(5))) {
            here.start();
            here.enqueue(new MockResponse.Builder().code(301).setHeader("Location", "/elsewhere").build());
            here.enqueue(new MockResponse.Builder().body("{\"here\": 1}").build());
            assertEquals(1, http.json(here.url("/").toString()).path("here").asInt());
        }
    }

    @Test
    void headers_stay_in_the_order_of_the_answer() throws Exception {
        var response = new MockResponse.Builder().setHeader("Content-Length", "0");
        var names = List.of("x-first", "x-second", "x-third", "x-fourth", "x-fifth", "x-sixth");
        names.forEach(name -> response.addHeader(name, "there"));
        try (var server = new MockWebServer(); var http = new Http(Map.of(), Duration.ofSeconds(5))) {
            server.enqueue(response.build());
            server.start();
            var headers = http.get(server.url("/").toString()).headers();
            assertEquals(names, headers.keySet().stream().filter(name -> name.startsWith("x-")).toList());
        }
    }
}
