package ktrdr.api;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.StreamSupport;

/**
 * An alert that fires, as Prometheus reports it, with or without receivers
 * (https://prometheus.io/docs/prometheus/latest/querying/api/, "Alerts").
 *
 * @param severity critical or warning
 * @param node that it is about; empty if it is about no node
 * @param since when its condition began to hold, UTC; it fires from some time after that
 * @param summary one sentence
 * @param runbook where the runbook tells what to do
 */
public record FiringAlert(String name, String severity, String node, String since, String summary, String runbook) {
    private static final Comparator<FiringAlert> ORDER = Comparator.comparing((FiringAlert alert) -> !alert.critical())
            .thenComparing(FiringAlert::since).thenComparing(FiringAlert::summary);

    /** Those of an answer of {@code /api/v1/alerts} that fire: critical ones first, then the oldest. */
    public static List<FiringAlert> firing(JsonNode answer) {
        return StreamSupport.stream(answer.path("data").path("alerts").spliterator(), false)
                .filter(json -> json.path("state").asText().equals("firing"))
                .map(FiringAlert::of).sorted(ORDER).toList();
    }

    private static FiringAlert of(JsonNode json) {
        var labels = json.path("labels");
        var annotations = json.path("annotations");
        return new FiringAlert(labels.path("alertname").asText(), labels.path("severity").asText(),
                labels.path("node").asText(), json.path("activeAt").asText().replaceFirst("\\.\\d+", ""),
                annotations.path("summary").asText(), annotations.path("runbook_url").asText());
    }

    /** Whether it should wake the operator. */
    public boolean critical() {
        return severity.equals("critical");
    }

    /** "KtrdrWorkerDown on workers-b". */
    public String words() {
        return node.isEmpty() ? name : name + " on " + node;
    }

    /** For machines. */
    public Map<String, Object> document() {
        var document = new LinkedHashMap<String, Object>();
        document.put("name", name);
        document.put("severity", severity);
        document.put("node", node);
        document.put("since", since);
        document.put("summary", summary);
        document.put("runbook", runbook);
        return document;
    }
}
