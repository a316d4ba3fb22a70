package ktrdr;

import static ktrdr.Contracted.detail;
import static ktrdr.Contracted.has;
import static ktrdr.Contracted.holds;
import static ktrdr.Contracted.list;
import static ktrdr.Contracted.percentage;
import static ktrdr.Contracted.refused;
import static ktrdr.Contracted.text;
import static lab.Toolkit.ktrdr;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Stream;
import ktrdr.api.ApiUse;
import ktrdr.api.OperationsApi;
import ktrdr.drain.WorkerStops;
import ktrdr.release.Stack;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * The assumptions of lib/ and the templates about KTRDR, checked on a running system. {@link Contracted} selects it.
 */
@Tag("fleet")
class ContractTest extends ContractOfKtrdr {
    private static final Set<String> STATUSES = Set.of("pending", "resuming", "running", "completed", "failed",
            "cancelled");

    private List<JsonNode> operations(String query) {
        return list(system.data("/operations?" + query));
    }

    @Test @Relies(by = {"Backend.health", "ServiceChecks.core"}, in = "api/endpoints/__init__.py")
    void the_health_of_the_backend_is_ok_and_tells_its_version() {
        var health = Json.parse(system.get("/api/v1/health").body(), "the backend");
        assertEquals("ok", health.path("status").asText());
        text(health, "version");
    }

    @Test @Relies(by = {"ApiUse.compared", "Verification.look", "HealthGate.await"}, in = "api/main.py")
    void the_openapi_document_has_all_that_is_used() {
        var words = ApiUse.compared(system.inventory, system.http).words();
        holds(words.isEmpty(), words.orElse(""));
    }

    @Test @Relies(by = "Backend.workers", in = "api/endpoints/workers.py")
    void workers_are_a_list_with_id_type_url_and_status_as_text() {
        var workers = system.workers();
        holds(workers.isArray() && workers.size() > 0, workers);
        list(workers).forEach(json -> text(json, "worker_id", "worker_type", "endpoint_url", "status"));
    }

    @Test @Relies(by = {"WorkerRoster.of", "Inventory.at"}, in = "api/models/workers.py")
    void each_worker_is_registered_with_its_compose_url_and_type() {
        for (var node : system.inventory.workers()) for (var worker : system.inventory.workersOf(node))
            holds(list(system.workers()).stream()
                    .anyMatch(json -> json.path("endpoint_url").asText().equals(worker.endpointUrl())
                    && json.path("worker_type").asText().equals(worker.type())),
                    "no " + worker.type() + " at " + worker.endpointUrl());
    }

    @Test @Relies(by = "WorkerChecks.gpus", in = "workers/base.py")
    void the_capabilities_of_a_training_worker_say_if_it_has_a_gpu() {
        var trainings = list(system.workers()).stream()
                .filter(json -> json.path("worker_type").asText().equals("training")).toList();
        holds(trainings.stream().allMatch(training -> training.path("capabilities").path("gpu").isBoolean()),
                trainings);
    }

    @Test @Relies(by = "Backend.workers", in = "api/models/workers.py")
    void a_worker_is_available_busy_or_temporarily_unavailable() {
        var statuses = list(system.workers()).stream().map(json -> json.path("status").asText()).toList();
        holds(Set.of("available", "busy", "temporarily_unavailable").containsAll(statuses), statuses);
    }

    @Test @Relies(by = {"Backend.workers", "OperationsApi.worker"}, in = "api/models/workers.py")
    void the_operation_of_a_worker_is_null_or_text() {
        list(system.workers())
                .forEach(json -> holds(json.path("current_operation_id").isNull() || json.path("current_operation_id")
                        .isTextual(), json));
    }

    @Test @Relies(by = {"Backend.workers", "WorkerChecks.extras"}, in = "api/models/workers.py")
    void when_a_worker_was_last_healthy_is_a_time() {
        list(system.workers())
                .forEach(json -> holds(Units.instantIn(json.path("last_healthy_at").asText()).isPresent(), json));
    }

    @Test @Relies(by = "workers/docker-compose.workers.yml", in = "workers/base.py")
    void a_worker_has_the_id_that_compose_gives_it() {
        system.each("/").forEach((place, said) -> {
            assertEquals(place.node().name() + "-" + place.worker().name().replace("-worker-", "-"),
                    said.json().path("worker_id").asText(), place::words);
            holds(list(system.workers()).stream()
                    .anyMatch(json -> json.path("worker_id").asText().equals(said.json().path("worker_id").asText())
                    && json.path("endpoint_url").asText().equals(place.worker().endpointUrl())),
                    place.words() + " is registered with another id");
        });
    }

    @Test @Relies(by = "workers/docker-compose.workers.yml", in = "workers/base.py")
    void the_root_of_a_worker_says_that_it_runs() {
        system.each("/").forEach((place, said) ->
                assertEquals("200 running", said.status() + " " + said.json().path("status").asText(), place::words));
    }

    @Test @Relies(by = {"WorkerStops.operation", "workers/docker-compose.workers.yml"}, in = "workers/base.py")
    void the_health_of_a_worker_says_idle_or_busy_and_its_operation() {
        system.each("/health").forEach((place, said) -> {
            var health = said.json();
            holds(said.status() == 200 && health.path("healthy").isBoolean() && health.path("worker_status").asText()
                    .matches("idle|busy"), place.words() + ": " + health);
            has(health, "current_operation");
        });
    }

    @Test @Relies(by = {"core/docker-compose.core.yml", "workers/docker-compose.workers.yml"},
            in = "../deploy/docker/Dockerfile.backend")
    void the_health_checks_of_compose_can_be_run_in_the_images() {
        for (var node : system.inventory.nodes()) for (var container : system.containers(node))
            holds(!container.running() || !Stack.of(system.inventory, node).released(container.service())
                    || container.health().equals("healthy"),
                    node.name() + " " + container.service() + ": " + container.state());
    }

    @Test @Relies(by = {"OperationsApi.list", "OperationsReport.table"}, in = "api/models/operations.py")
    void a_list_of_operations_has_what_the_table_of_them_shows() {
        var id = system.dummy().id();
        var json = list(system.dummy().active()).stream().filter(it -> it.path("operation_id").asText().equals(id))
                .findFirst();
        holds(json.isPresent(), id + " is not among those that are active");
        text(json.get(), "operation_id", "operation_type", "status", "created_at");
        has(json.get(), "symbol", "current_step", "duration_seconds");
        holds(json.get().path("progress_percentage").isNumber(), json.get());
    }

    @Test @Relies(by = "OperationsApi.list", in = "api/endpoints/operations.py")
    void a_list_of_operations_respects_its_limit_up_to_a_thousand() {
        holds(operations("limit=1").size() <= 1, operations("limit=1"));
        assertEquals(200, system.get("/api/v1/operations?limit=1000").status());
    }

    @Test @Relies(by = "OperationAnswer.words", in = "errors/exceptions.py")
    void a_limit_beyond_a_thousand_is_refused_with_its_field() {
        var fields = refused(system.get("/api/v1/operations?limit=1001"));
        holds(fields.stream().anyMatch(field -> field.contains("limit")), fields);
    }

    @Test @Relies(by = {"OperationsApi.list", "OperationsApi.Operation"}, in = "api/models/operations.py")
    void each_status_can_be_asked_for_and_only_it_is_listed() {
        for (var status : STATUSES)
            holds(operations("limit=100&status=" + status).stream()
                    .allMatch(operation -> operation.path("status").asText().equals(status)), status);
    }

    @Test @Relies(by = "OperationsApi.list", in = "api/endpoints/operations.py")
    void those_that_are_active_have_not_ended() {
        holds(operations("limit=100&active_only=true").stream()
                .noneMatch(operation -> OperationsApi.operation(operation).ended()), "one that has ended");
    }

    @Test @Relies(by = "OperationsApi.list", in = "api/models/operations.py")
    void operations_can_be_asked_for_by_their_type() {
        for (var type : List.of("dummy", "backtesting", "training", "data_load"))
            holds(operations("limit=100&operation_type=" + type).stream()
                    .allMatch(operation -> operation.path("operation_type").asText().equals(type)), type);
    }

    @Test @Relies(by = "OperationsApi.list", in = "api/services/operations_service.py")
    void the_newest_operation_comes_first() {
        if (operations("limit=20").size() < 2)
            Stream.<Supplier<?>>of(system::dummy, system::backtest).forEach(Supplier::get);
        var times = operations("limit=20").stream().map(operation -> operation.path("created_at").asText()).toList();
        assertEquals(times.stream()
                .sorted(Comparator.<String, Instant>comparing(time -> Units.instantIn(time).orElseThrow()).reversed())
                .toList(), times);
    }

    @Test @Relies(by = "OperationsApi.show", in = "api/endpoints/operations.py")
    void an_unknown_operation_is_404_with_a_sentence() {
        holds(detail(system.get("/api/v1/operations/op_that_is_unknown"), 404).isTextual(), "no text");
    }

    @Test @Relies(by = "OperationsApi.cancel", in = "api/endpoints/operations.py")
    void an_unknown_operation_cannot_be_cancelled() {
        holds(detail(system.delete("op_that_is_unknown"), 404).isTextual(), "no text");
    }

    @Test @Relies(by = "OperationAnswer.words", in = "api/models/backtesting.py")
    void a_backtest_without_its_fields_is_refused_with_their_names() {
        var fields = refused(system.emptyBody("/backtests/start"));
        for (var name : List.of("strategy_name", "start_date", "end_date"))
            holds(fields.contains("body -> " + name), fields);
    }

    @Test @Relies(by = "OperationAnswer.words", in = "api/models/data.py")
    void a_download_without_its_fields_is_refused_with_their_names() {
        var fields = refused(system.emptyBody("/data/acquire/download"));
        for (var name : List.of("symbol", "timeframe")) holds(fields.contains("body -> " + name), fields);
    }

    @Test @Relies(by = {"OperationAnswer.words", "SampleRun.run"}, in = "errors/exceptions.py")
    void without_a_free_worker_a_start_is_503_with_count_and_hint() {
        var detail = detail(system.noWorker(), 503);
        text(detail, "error", "hint");
        holds(detail.path("registered_workers").isInt(), detail);
    }

    @Test @Relies(by = {"OperationsApi.start", "SampleRun.run"}, in = "api/endpoints/dummy.py")
    void a_dummy_starts_without_a_body_and_says_its_id_under_data() {
        var answer = system.dummy().started();
        var document = Json.parse(answer.body(), "the backend");
        holds(answer.ok() && document.path("success").asBoolean() && document.path("data").path("operation_id")
                .isTextual(), answer);
    }

    @Test @Relies(by = "OperationsApi.segment", in = "api/services/operations_service.py")
    void an_id_is_of_letters_digits_and_marks_that_a_path_may_have() {
        holds(system.dummy().id().matches("[A-Za-z0-9._-]{1,200}"), system.dummy().id());
    }

    @Test @Relies(by = {"OperationsApi.operation", "OperationFollower.follow"}, in = "api/models/operations.py")
    void an_operation_tells_id_type_status_and_when_it_was_made() {
        var shown = system.dummy().first();
        text(shown, "operation_id", "operation_type", "status", "created_at");
        assertEquals(system.dummy().id() + " dummy",
                shown.path("operation_id").asText() + " " + shown.path("operation_type").asText());
        holds(STATUSES.contains(shown.path("status").asText()) && Units.instantIn(shown.path("created_at").asText())
                .isPresent(), shown);
    }

    @Test @Relies(by = {"OperationsApi.operation", "SampleRun.run", "OperationFollower.tell"},
            in = "api/models/operations.py")
    void a_dummy_progresses_in_percent_and_tells_its_step() {
        var first = system.dummy().first();
        var later = system.dummy().later();
        holds(percentage(first) >= 0 && percentage(later) > percentage(first) && percentage(later) <= 100,
                percentage(first) + " % and then " + percentage(later) + " %");
        holds(later.path("progress").path("current_step").isTextual(), later.path("progress"));
    }

    @Test @Relies(by = "OperationsApi.operation", in = "api/models/operations.py")
    void an_operation_has_a_place_for_symbol_error_and_result() {
        has(system.dummy().first(), "error_message", "result_summary", "metadata");
        has(system.dummy().first().path("metadata"), "symbol");
    }

    @Test @Relies(by = {"Failover.started", "OperationFollower.look"}, in = "api/services/dummy_service.py")
    void a_dummy_runs_on_no_worker() {
        holds(system.dummy().workers().stream().noneMatch(worker -> worker.operation().equals(system.dummy().id())),
                "it is on a worker");
    }

    @Test @Relies(by = {"OperationsApi.cancel", "OperationFollower.cancel", "SampleRun.run"},
            in = "api/endpoints/operations.py")
    void a_cancelled_operation_is_so_at_the_next_look() {
        var cancelled = system.dummy().cancelled();
        holds(cancelled.ok() && Json.parse(cancelled.body(), "the backend").path("success").asBoolean(), cancelled);
        assertEquals("cancelled", system.dummy().after().path("status").asText());
    }

    @Test @Relies(by = "OperationsApi.cancel", in = "api/endpoints/operations.py")
    void an_operation_that_has_ended_cannot_be_cancelled() {
        holds(detail(system.dummy().again(), 400).isTextual(), system.dummy().again());
    }

    @Test @Relies(by = {"OperationsApi.start", "SampleRun.run"}, in = "api/models/backtesting.py")
    void a_backtest_starts_and_says_its_id() {
        var answer = system.backtest().started();
        holds(answer.ok() && Json.parse(answer.body(), "the backend").path("operation_id").isTextual(), answer);
    }

    @Test @Relies(by = {"OperationsApi.worker", "Failover.started", "OperationsReport.where"},
            in = "api/services/worker_registry.py")
    void the_worker_of_a_backtest_is_busy_with_it_in_the_registry() {
        var on = system.backtest().workers().stream()
                .filter(worker -> worker.operation().equals(system.backtest().id())).toList();
        holds(on.size() == 1 && on.get(0).status().equals("busy") && on.get(0).type().equals("backtesting"), on);
    }

    @Test @Relies(by = "WorkerStops.operation", in = "workers/base.py")
    void the_worker_of_a_backtest_says_so_itself() {
        assertEquals(system.backtest().id(), WorkerStops.operation(system.backtest().health()).orElse("nothing"));
    }

    @Test @Relies(by = "WorkerDrain.await", in = "workers/base.py")
    void the_worker_of_a_cancelled_backtest_is_idle_soon() {
        var course = system.cancelledBacktest();
        assertEquals("cancelled", course.after().path("status").asText());
        var place = course.workers().stream().filter(worker -> worker.operation().equals(course.id())).findFirst()
                .flatMap(worker -> system.inventory.at(worker.endpointUrl())).orElseThrow();
        var health = Contracted.until(() -> system.health(place), said -> WorkerStops.operation(said).isEmpty());
        holds(WorkerStops.operation(health).isEmpty(), health);
    }
}
