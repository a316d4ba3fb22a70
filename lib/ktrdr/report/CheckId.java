package ktrdr.report;

import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import ktrdr.inventory.Inventory.Node;

/**
 * The stable name of a check. Code asks for its parts; only documents and terminals have it as text.
 *
 * @param area {@code target} for what Prometheus asks, else empty
 * @param node the name of the node that the check is about; empty for a check of the fleet
 * @param subject a service, a worker or another part of the node or the fleet; empty for the node itself
 * @param kind what has to hold, such as {@code health} or {@code registered}
 */
public record CheckId(String area, String node, String subject, String kind) {
    private static final String TARGET = "target";

    /** "core.ssh". */
    public static CheckId ofNode(Node node, String kind) {
        return ofNode(node.name(), kind);
    }

    /** The same, of a node by its name. */
    public static CheckId ofNode(String node, String kind) {
        return ofNode(node, "", kind);
    }

    /** "workers-b.backtest-worker-1.registered". */
    public static CheckId ofNode(Node node, String subject, String kind) {
        return ofNode(node.name(), subject, kind);
    }

    /** The same, of a node by its name. */
    public static CheckId ofNode(String node, String subject, String kind) {
        return new CheckId("", node, subject, kind);
    }

    /** "backend.health"; without a kind "targets". */
    public static CheckId ofFleet(String subject, String kind) {
        return new CheckId("", "", subject, kind);
    }

    /** "target.workers-b.backtest-worker-1"; of what belongs to the fleet, without a node, "target.backend". */
    public static CheckId ofTarget(String node, String subject) {
        return new CheckId(TARGET, node, subject, "");
    }

    /** Whether it is about what Prometheus asks. */
    public boolean target() {
        return area.equals(TARGET);
    }

    /** Whether it is about a subject of the fleet, such as the sample operation. */
    public boolean ofFleet(String subject) {
        return !target() && node.isEmpty() && this.subject.equals(subject);
    }

    /** Whether it is about a node itself or a part of it; a target is not. */
    public boolean ofNode(String node) {
        return !target() && this.node.equals(node);
    }

    /** Whether it is of one of these kinds. */
    public boolean is(String... kinds) {
        return Set.of(kinds).contains(kind);
    }

    /** As documents and terminals have it. */
    @JsonValue
    public String text() {
        return parts(area, node, subject, kind);
    }

    /** The same without the node. */
    public String withoutNode() {
        return parts(area, target() ? node : "", subject, kind);
    }

    /** The same without the area. */
    public String withoutArea() {
        return parts(node, subject, kind);
    }

    private static String parts(String... parts) {
        return Stream.of(parts).filter(part -> !part.isEmpty()).collect(Collectors.joining("."));
    }

    @Override
    public String toString() {
        return text();
    }
}
