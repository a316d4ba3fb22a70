package ktrdr;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import ktrdr.api.ApiUse;
import ktrdr.api.Backend;
import ktrdr.api.Jaeger;
import ktrdr.api.OperationsApi;
import ktrdr.api.OperationsReport;
import ktrdr.api.Prometheus;
import ktrdr.api.WorkerRoster;
import ktrdr.health.GrafanaChecks;
import ktrdr.health.ServiceChecks;
import ktrdr.health.WorkerChecks;
import ktrdr.inventory.Inventory;
import ktrdr.node.Registry;
import ktrdr.report.Check;
import ktrdr.shell.ValueText;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Damages every service answer in every small way: cut after each byte, each value replaced, each field missing,
 * unknown fields added. ApiFuzzTest tries random damage on some answers; this test is exhaustive.
 */
class DamagedAnswersTest {
    private static final String STATES = "{\"status\":\"success\",\"data\":";
    private static final String SHOWN =
            "{\"success\":true,\"data\":{\"operation_id\":\"op_1\",\"operation_type\":\"dummy\",\"status\":"
                    + "\"running\",\"created_at\":\"2026-01-01T10:00:00.5Z\","
            + "\"progress\":{\"percentage\":42.5,\"current_step\":\"step\"},\"metadata\":{\"symbol\":\"AAPL\"},"
            + "\"error_message\":null,\"duration_seconds\":2.5,\"result_summary\":{\"a\":1}}}";
    private static final String LISTED =
            "{\"success\":true,\"data\":[{\"operation_id\":\"op_1\",\"operation_type\":\"dummy\",\"status\":"
                    + "\"completed\",\"created_at\":\"2026-01-01T10:00:00.5Z\","
            + "\"progress_percentage\":100,\"current_step\":null,\"symbol\":\"AAPL\",\"duration_seconds\":2.5}]}";
    private static final String REFUSED =
            "{\"detail\":[{\"loc\":[\"body\",\"symbol\",0],\"msg\":\"Field "
                    + "required\",\"type\":\"missing\"}],\"error\":{\"message\":\"no\"},\"message\":\"no\"}";
    private static final String DASHBOARD =
            "{\"dashboard\":{\"uid\":\"a\",\"title\":\"A\",\"panels\":[{\"title\":\"P\",\"type\":\"row\","
                    + "\"targets\":[{\"expr\":\"up\"}]}]},\"meta\":{\"slug\":\"a\"}}";
    private static final String SPANS =
            "{\"data\":[{\"traceID\":\"abc\",\"spans\":[{\"operationName\":\"POST "
                    + "/dummy/start\",\"startTime\":4102444800000000,\"tags\":[{\"key\":\"url.path\",\"value\":\"/"
                    + "dummy/start\"}]}],"
            + "\"processes\":{\"p1\":{\"serviceName\":\"backend\"}}}],\"errors\":null}";
    private static HttpPeer server;
    private static Http http;
    private static Inventory inventory;
    private static volatile byte[] damaged;
    private static volatile String place;

    /** The answers under test: path, status, a valid body, and the code that reads it. */
    enum Reader {
        HEALTH("/api/v1/health", 200,
                "{\"status\":\"ok\",\"version\":\"1.0.7\",\"timestamp\":\"2026-01-01T10:00:00Z\"}", () -> {
                    ValueText.words(new Backend(inventory, http).health());
                    shown(checks().core(Fixtures.core(), List.of("backend")));
                }),
        OPENAPI("/api/v1/openapi.json", 200,
                "{\"openapi\":\"3.1.0\",\"paths\":{\"/api/v1/"
                        + "operations/{id}\":{\"get\":{\"parameters\":[{\"name\":\"id\",\"in\":\"path\","
                        + "\"required\":true}],"
                + "\"responses\":{\"200\":{\"content\":{\"application/json\":{\"schema\":{\"$ref\":\"#/components/"
                + "schemas/One\"}}}}}}}},\"components\":{\"schemas\":{\"One\":{\"anyOf\":["
                + "{\"type\":\"null\"},{\"properties\":{\"data\":{\"$ref\":\"#/components/schemas/One\"}}}]}}}}",
                () -> shown(ApiUse.compared(inventory, http).check(inventory).stream().toList())),
        WORKERS("/api/v1/workers", 200,
                "[{\"worker_id\":\"backtesting-1\",\"worker_type\":\"backtesting\",\"endpoint_url\":\"http://"
                        + "workers-b.ktrdr.test:5003/\",\"status\":\"busy\","
                + "\"current_operation_id\":\"op_1\",\"last_healthy_at\":\"2026-01-01T10:00:00.123456Z\","
                + "\"capabilities\":{\"cpu\":true}},{\"worker_type\":\"training\",\"endpoint_url\":\"http://"
                + "x\",\"status\":\"available\"}]", () -> {
            var registered = new Backend(inventory, http).workers();
            ValueText.words(registered);
            shown(checks().workers(inventory.workers()));
            shown(WorkerChecks.extras(inventory, registered, Instant.now(), url -> true));
            WorkerRoster.of(inventory, registered).ghostsOn("workers-b.ktrdr.test");
            new OperationsApi(inventory, http).worker("op_1");
        }),
        OPERATION("/api/v1/operations/op_1", 200, SHOWN, () -> {
            var operations = new OperationsApi(inventory, http);
            var report = new OperationsReport(inventory, List.of());
            ValueText.words(operations.show("op_1"));
            var document = operations.document("op_1");
            report.details(document).lines();
            Json.pretty(report.document(document));
            report.table(List.of(operations.show("op_1"))).lines();
        }),
        UNKNOWN("/api/v1/operations/op_1", 404, REFUSED, () -> new OperationsApi(inventory, http).show("op_1")),
        OPERATIONS("/api/v1/operations", 200, LISTED, () -> {
            var listed = new OperationsApi(inventory, http).list("", "", false, 10);
            var report = new OperationsReport(inventory, List.of());
            ValueText.words(listed);
            report.table(listed).lines();
            Json.line(report.document(listed));
        }),
        STARTED("/api/v1/dummy/start", 200,
                "{\"success\":true,\"operation_id\":\"op_1\",\"data\":{\"operation_id\":\"op_1\",\"status\":"
                        + "\"started\"}}",
                () -> new OperationsApi(inventory, http).start(OperationsApi.Kind.dummy, Map.of())),
        NOT_STARTED("/api/v1/dummy/start", 422, REFUSED,
                () -> new OperationsApi(inventory, http).start(OperationsApi.Kind.dummy, Map.of())),
        CANCELLED("/api/v1/operations/op_1", 200,
                "{\"success\":true,\"data\":{\"operation_id\":\"op_1\",\"status\":\"cancelled\"}}",
                () -> new OperationsApi(inventory, http).cancel("op_1")),
        TARGETS("/api/v1/targets", 200,
                STATES + "{\"activeTargets\":[{\"labels\":{\"job\":\"backend\",\"instance\":\"a\"},\"scrapeUrl\":"
                        + "\"http://a/metrics\",\"lastError\":\"\",\"health\":\"up\"},"
                + "{\"labels\":{\"job\":\"node\",\"node\":\"core\"},\"scrapeUrl\":\"http://b/"
                + "metrics\",\"lastError\":\"refused\",\"health\":\"down\"},"
                + "{\"labels\":{\"job\":\"prometheus\"},\"scrapeUrl\":\"http://c/"
                + "metrics\",\"lastError\":\"refused\",\"health\":\"down\"}],\"droppedTargets\":[]}}",
                () -> shown(checks().targets())),
        VECTOR("/api/v1/query", 200,
                STATES + "{\"resultType\":\"vector\",\"result\":[{\"metric\":{\"__name__\":\"up\",\"job\":\"a\"},"
                        + "\"value\":[1435781451.781,\"1\"]}]}}", () -> {
                    ValueText.words(new Prometheus(inventory, http).query("up"));
                    shown(checks().metrics());
                }),
        MATRIX("/api/v1/query", 200,
                STATES + "{\"resultType\":\"matrix\",\"result\":[{\"metric\":{},\"values\":[[1,\"1\"],[2,\"0\"]]}]}}",
                () -> ValueText.words(new Prometheus(inventory, http).query("up"))),
        SCALAR("/api/v1/query", 200, STATES + "{\"resultType\":\"scalar\",\"result\":[1435781451.781,\"2.5\"]}}",
                () -> ValueText.words(new Prometheus(inventory, http).query("1"))),
        BAD_QUERY("/api/v1/query", 400, "{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":\"parse error\"}",
                () -> new Prometheus(inventory, http).query("(")),
        BUILD("/api/v1/status/buildinfo", 200, STATES + "{\"version\":\"2.53.0\"}}",
                () -> shown(checks().core(Fixtures.core(), List.of("prometheus")))),
        ALERTS("/api/v1/alerts", 200,
                STATES + "{\"alerts\":[{\"labels\":{\"alertname\":\"KtrdrWorkerDown\",\"severity\":\"critical\","
                        + "\"node\":\"core\"},\"annotations\":{\"summary\":\"a worker is down\","
                + "\"runbook_url\":\"http://"
                + "a\"},\"state\":\"firing\",\"activeAt\":\"2026-01-01T10:00:00.123456789Z\",\"value\":\"1e+00\"}]}}",
                () -> checks().alerts().ifPresent(alerts -> {
            shown(ServiceChecks.critical(inventory, alerts));
            alerts.forEach(alert -> Json.line(alert.document()));
        })),
        GRAFANA("/api/health", 200, "{\"commit\":\"a\",\"database\":\"ok\",\"version\":\"11.1.0\"}",
                () -> shown(checks().core(Fixtures.core(), List.of("grafana")))),
        SOURCES("/api/frontend/settings", 200,
                "{\"datasources\":{\"Prometheus\":{\"name\":\"Prometheus\",\"type\":\"prometheus\",\"uid\":"
                        + "\"prometheus\"},\"Jaeger\":{\"name\":\"Jaeger\",\"type\":\"jaeger\",\"uid\":\"b\"}}}",
                () -> shown(new GrafanaChecks(inventory, http).checks())),
        DASHBOARDS("/api/dashboards/uid/", 200, DASHBOARD, () -> shown(new GrafanaChecks(inventory, http).checks())),
        FRAMES("/api/ds/query", 200,
                "{\"results\":{\"A\":{\"status\":200,\"frames\":[{\"schema\":{},\"data\":{\"values\":[[1],[2]]}}]}}}",
                () -> shown(new GrafanaChecks(inventory, http).checks())),
        NO_FRAMES("/api/ds/query", 200, "{\"results\":{\"A\":{\"status\":500,\"error\":\"no such host\"}}}",
                () -> shown(new GrafanaChecks(inventory, http).checks())),
        MANIFEST("/v2/manifests/1", 200,
                "[{\"Ref\":\"r.test/a:1\",\"Descriptor\":{\"digest\":\"sha256:a\",\"platform\":{\"architecture\":"
                        + "\"amd64\",\"os\":\"linux\",\"variant\":\"v8\"}},\"OCIManifest\":{"
                + "\"config\":{\"digest\":\"sha256:b\",\"size\":4},\"layers\":[{\"digest\":\"sha256:c\","
                + "\"size\":35668542},{\"digest\":\"sha256:d\",\"size\":1}]}},{\"Descriptor\":{\"digest\":\"sha256:"
                        + "e\"}}]", () -> {
            // a node's Docker queries the registry and forwards the answer
            var facts = "platform\tlinux/amd64\nmanifest r.test/a:1\t" + http.get(server.url("/v2/manifests/1")).body()
                    + "\nend\tyes\n";
            var answer = new Registry("r.test", "karl").answer("core", new CommandResult(0, facts, ""));
            assertTrue(Registry.need(answer.manifests().values()) >= 0);
            answer.manifests().values().forEach(manifest -> assertTrue(manifest.bytes() >= 0));
        }),
        TRACED("/api/services", 200, "{\"data\":[\"backend\",\"worker\"],\"total\":2,\"errors\":null}",
                () -> shown(checks().core(Fixtures.core(), List.of("jaeger")))),
        TRACES("/api/traces", 200, SPANS,
                () -> new Jaeger(inventory, http).find("backend", "op_1", "/dummy/start", Instant.now())
                        .ifPresent(Jaeger.Trace::words)),
        ALERTMANAGER("/-/healthy", 200, "OK", () -> shown(checks().core(Fixtures.core(), List.of("alertmanager"))));

        private final String path;
        private final int status;
        private final String good;
        private final Runnable reads;

        Reader(String path, int status, String good, Runnable reads) {
            this.path = path;
            this.status = status;
            this.good = good;
            this.reads = reads;
        }

        private void of(byte[] answer) {
            place = path;
            damaged = HttpPeer.whole(status, answer);
            try {
                Mutants.calm(reads);
            } catch (RuntimeException | AssertionError | StackOverflowError e) {
                throw new AssertionError(this + " of "
                        + Console.brief(new String(answer, StandardCharsets.UTF_8), 2000), e);
            }
        }

        private void of(String answer) {
            of(answer.getBytes(StandardCharsets.UTF_8));
        }
    }

    @BeforeAll
    static void services() throws IOException {
        server = new HttpPeer((head, out) -> {
            out.write(head.contains(place) ? damaged : HttpPeer.whole(200, "{}".getBytes(StandardCharsets.UTF_8)));
            return true;
        });
        var services = Stream.of("backend", "prometheus", "grafana", "jaeger", "alertmanager")
                .map(name -> name + ": {port: " + server.port() + "}").toList();
        inventory = Fixtures.inventory(Fixtures.INVENTORY + "services: {" + String.join(", ", services) + "}\n");
        http = new Http(Map.of("backend.ktrdr.test", "127.0.0.1"), Duration.ofSeconds(5));
    }

    @AfterAll
    static void closed() throws IOException {
        http.close();
        server.close();
    }

    private static ServiceChecks checks() {
        return new ServiceChecks(inventory, http);
    }

    /** As verify prints them: table, errors and JSON document. */
    private static void shown(List<Check> checks) {
        Check.table(checks).lines().forEach(line -> assertEquals(Console.harmless(line), line));
        Check.failures(checks)
                .forEach(problem -> assertEquals(1, problem.sentence().split("\n").length, problem::sentence));
        checks.forEach(Json::line);
    }

    @Test
    void strips_trailing_slashes_of_an_address_in_linear_time() {
        place = Reader.WORKERS.path;
        for (var url : List.of("http://a:1", "http://a:1/", "http://a:1//")) {
            damaged = HttpPeer.whole(200, ("[{\"endpoint_url\":\"" + url + "\"}]").getBytes(StandardCharsets.UTF_8));
            assertEquals("http://a:1", new Backend(inventory, http).workers().get(0).endpointUrl());
        }
        var far = "/".repeat(1_000_000) + "x";
        damaged = HttpPeer.whole(200, ("[{\"endpoint_url\":\"" + far + "\"}]").getBytes(StandardCharsets.UTF_8));
        assertEquals(far, assertTimeoutPreemptively(Duration.ofSeconds(5), () -> new Backend(inventory, http).workers())
                .get(0).endpointUrl());
    }

    @ParameterizedTest
    @EnumSource
    void cut_after_every_byte(Reader reader) {
        var whole = reader.good.getBytes(StandardCharsets.UTF_8);
        assertDoesNotThrow(() -> reader.of(whole));
        for (int length = 0; length < whole.length; length++) reader.of(Arrays.copyOf(whole, length));
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "ALERTMANAGER")
    void with_something_else_in_the_place_of_each_value(Reader reader) {
        var document = Json.parse(reader.good, reader.path);
        for (var other : DamagedPlace.others()) {
            reader.of(other.toString());
            for (var place : DamagedPlace.of(document)) {
                var good = place.value();
                place.put(other);
                reader.of(document.toString());
                place.put(good);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "ALERTMANAGER")
    void without_each_value_and_with_what_nobody_knows(Reader reader) {
        var document = Json.parse(reader.good, reader.path);
        for (var place : DamagedPlace.of(document)) {
            var good = place.value();
            place.take();
            reader.of(document.toString());
            place.putBack(good);
            if (good instanceof ObjectNode object) {
                object.putObject("unknown").putArray("a").addNull();
                reader.of(document.toString());
                object.remove("unknown");
            }
            if (good instanceof ArrayNode array) {
                array.add(array.deepCopy()).addNull();
                reader.of(document.toString());
                array.remove(array.size() - 1);
                array.remove(array.size() - 1);
            }
        }
        assertEquals(Json.parse(reader.good, reader.path), document);
    }

    @ParameterizedTest
    @EnumSource
    void that_are_no_json_at_all(Reader reader) {
        for (var text : List.of("", " ", "\n",
                "<html>\r\n<head><title>502 Bad Gateway</title></head>\u001b[2J\n</html>", "null", "nul",
                "{\"a\":1}{\"a\":1}", "\ufeff{}", "[".repeat(100_000), "{\"a\":".repeat(100_000),
                "\"" + "a".repeat(100_000), "9".repeat(100_000), "1e" + "9".repeat(10_000), "\u0000")) reader.of(text);
        // invalid UTF-8: lone continuation byte, overlong form, surrogate, truncated character
        for (var bytes : List.of("\200", "{\"status\":\"\300\257\"}", "[\"\355\240\200\"]", "{\"data\":\"\360\237\"}"))
            reader.of(bytes.getBytes(StandardCharsets.ISO_8859_1));
    }
}
