package ktrdr;

import static ktrdr.Contracted.has;
import static ktrdr.Contracted.holds;
import static ktrdr.Contracted.series;
import static ktrdr.Contracted.text;
import static lab.Toolkit.ktrdr;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The assumptions of dashboards, rules and the sample run about KTRDR's metrics and traces. */
@Tag("fleet")
class ContractMetricsTest extends ContractOfKtrdr {
    @Test @Relies(by = {"Jaeger.find", "SampleRun.trace"}, in = "monitoring/setup.py")
    void a_dummy_is_found_among_the_traces_of_the_backend() {
        holds(system.trace(system.dummy(), "/dummy/start").isPresent(),
                "no trace by " + system.inventory.tracing().service());
    }

    @Test @Relies(by = "monitoring/prometheus.yml", in = "api/main.py")
    void metrics_of_the_backend_are_text_at_metrics_with_a_slash() {
        var answer = system.get("/metrics/");
        holds(answer.ok() && answer.body().contains("# TYPE "), answer.status());
    }

    @Test @Relies(by = {"ServiceChecks.metrics", "monitoring/rules/recording.yml"}, in = "monitoring/metrics.py")
    void the_backend_counts_the_workers_of_each_type() {
        for (var name : List.of("ktrdr_workers_registered_total", "ktrdr_workers_available"))
            for (var type : List.of("backtesting", "training"))
                holds(system.metrics().contains("\n" + name + "{worker_type=\"" + type + "\"} "),
                        "no " + name + " of " + type);
    }

    @Test @Relies(by = "monitoring/grafana/dashboards/operations.json", in = "monitoring/metrics.py")
    void the_backend_counts_operations_that_are_active_and_that_ended() {
        holds(series(system.metrics(), "ktrdr_operations_active")
                && system.metrics().contains("# TYPE ktrdr_operations_total counter"), "not both");
    }

    @Test @Relies(by = "monitoring/grafana/dashboards/operations.json", in = "monitoring/metrics.py")
    void operations_that_ended_are_counted_by_type_and_status() {
        var id = system.dummy().id();
        var text = Contracted.until(() -> system.get("/metrics/").body(),
                now -> now.contains("operation_type=\"dummy\""));
        holds(series(text, "ktrdr_operations_total", "operation_type", "status"), "no series after " + id);
    }

    @Test @Relies(by = {"monitoring/rules/recording.yml", "monitoring/grafana/dashboards/operations.json"},
            in = "monitoring/setup.py")
    void requests_are_measured_by_method_status_and_route() {
        system.workers();
        var text = system.get("/metrics/").body();
        for (var ending : List.of("_bucket", "_count", "_sum"))
            holds(series(text, "http_server_duration_milliseconds" + ending, "http_method", "http_status_code",
                    "http_target"), "no " + ending);
        holds(text.contains("http_target=\"/api/v1/workers\""), "no route of a request as http_target");
    }

    @Test @Relies(by = "monitoring/grafana/dashboards/worker-status.json", in = "monitoring/metrics.py")
    void backend_and_workers_measure_their_processes() {
        var texts = Stream.concat(Stream.of(system.metrics()),
                system.each("/metrics").values().stream().map(Contracted.Said::body)).toList();
        for (var text : texts) for (var name : List.of("process_cpu_seconds_total", "process_resident_memory_bytes"))
            holds(series(text, name), "no " + name + " in one of " + texts.size());
    }

    @Test @Relies(by = "monitoring/prometheus.yml", in = "workers/base.py")
    void worker_metrics_are_text_and_the_scraped_path_leads_there() {
        system.each("/metrics")
                .forEach((place, said) ->
                        holds(said.status() == 200 && said.body().contains("# TYPE ktrdr_operations_total counter"),
                                place.words() + " answers " + said.status()));
        system.each("/metrics/")
                .forEach((place, said) -> holds(said.status() == 200 || said.redirect().endsWith("/metrics"),
                        place.words() + " answers " + said.status()));
    }

    @Test @Relies(by = {"monitoring/rules/recording.yml", "monitoring/grafana/dashboards/system-overview.json"},
            in = "monitoring/setup.py")
    void requests_are_measured_by_the_backend_alone() {
        system.each("/metrics")
                .forEach((place, said) -> holds(!said.body().contains("\nhttp_server_duration"),
                        place.words() + " has http_server_duration"));
    }

    @Test @Relies(by = {"monitoring/rules/recording.yml", "monitoring/grafana/dashboards/operations.json"},
            in = "monitoring/metrics.py")
    void each_metric_that_dashboards_and_rules_ask_for_is_exported() {
        var all = system.get("/metrics/").body() + system.each("/metrics").values();
        for (var name : AskedMetrics.names()) holds(all.contains("# TYPE " + name + " "), "no " + name);
    }
}
