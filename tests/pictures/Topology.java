package pictures;

import java.util.ArrayList;
import java.util.List;
import ktrdr.inventory.Inventory;
import ktrdr.inventory.Inventory.Node;

/** The fleet of an inventory as an SVG: its nodes with their services and ports, and the connections between them. */
public final class Topology {
    private static final int BOX = 300, GAP = 40, LINE = 20, TOP = 56, LEFT = 20;
    private static final String STYLE = """
            text { font: 13px Inter, "Helvetica Neue", Arial, sans-serif; fill: #24292e } .name { font-size: 15px; \
            font-weight: 600 } .faint { fill: #5d6066; font-size: 12px }
            .box { fill: #fff; stroke: #9aa0a8 } .core { stroke: #3274d9; stroke-width: 2 } .share { fill: #fff7e0; \
            stroke: #cca300 } .way { fill: none; stroke: #5d6066; stroke-width: 1.5; marker-end: url(#to) }
            """;
    private final Inventory inventory;
    private final List<String> lines = new ArrayList<>();

    private Topology(Inventory inventory) {
        this.inventory = inventory;
    }

    /** The SVG's text. */
    public static String svg(Inventory inventory) {
        return new Topology(inventory).draw();
    }

    private String draw() {
        var core = contents(inventory.core());
        var workers = inventory.workers();
        int right = LEFT + BOX + 200;
        int y = TOP;
        for (var node : workers) {
            var contents = contents(node);
            box(right, y, height(contents), "box", node, contents);
            way(LEFT + BOX, y + height(contents) / 2 - 12, right, "registers, results, traces", true);
            way(LEFT + BOX, y + height(contents) / 2 + 22, right, "operations, scrapes of metrics", false);
            y += height(contents) + GAP;
        }
        int bottom = Math.max(y - GAP, TOP + height(core));
        box(LEFT, TOP, bottom - TOP, "box core", inventory.core(), core);
        share(bottom + GAP, right + BOX - LEFT);
        for (int x : List.of(LEFT + BOX / 2, right + BOX / 2))
            lines.add("<path class=\"way\" d=\"M %d %d V %d\"/>".formatted(x, bottom, bottom + GAP - 2));
        int width = right + BOX + LEFT, height = bottom + GAP + 46 + LEFT;
        return """
                <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" \
                aria-label="The fleet">
                <style>%s</style>
                <defs><marker id="to" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" \
                orient="auto"><path d="M 0 0 L 8 4 L 0 8 z" fill="#5d6066"/></marker></defs>
                <rect width="100%%" height="100%%" fill="#f4f5f5"/>
                <text class="name" x="%d" y="34">%s</text>
                %s
                </svg>
                """.formatted(width, height, width, height, STYLE.strip(), LEFT,
                        text(inventory.domain() + ": " + inventory.nodes().size() + " nodes, reached over ssh"),
                        String.join("\n", lines));
    }

    /** The services of a node, one per line: name and port. */
    private List<String> contents(Node node) {
        var services = inventory.services();
        if (node.equals(inventory.core())) return List.of("backend :" + services.backend(),
                "PostgreSQL :" + services.db(), "Prometheus :" + services.prometheus(),
                "Grafana :" + services.grafana(), "Jaeger :" + services.jaeger() + ", traces :" + services.otlp());
        return inventory.workersOf(node).stream().map(worker -> worker.name() + " :" + worker.port()).toList();
    }

    private static int height(List<String> contents) {
        return 60 + Math.max(2, contents.size()) * LINE;
    }

    private void box(int x, int y, int height, String style, Node node, List<String> contents) {
        lines.add("<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"6\"/>"
                .formatted(style, x, y, BOX, height));
        lines.add("<text class=\"name\" x=\"%d\" y=\"%d\">%s</text>"
                .formatted(x + 14, y + 26, text(node.id() + "  " + node.name())));
        lines.add("<text class=\"faint\" x=\"%d\" y=\"%d\">%s</text>"
                .formatted(x + 14, y + 44, text(inventory.fqdn(node))));
        for (int i = 0; i < contents.size(); i++)
            lines.add("<text x=\"%d\" y=\"%d\">%s</text>".formatted(x + 14, y + 68 + i * LINE, text(contents.get(i))));
    }

    /** An arrow between core and a workers node, with its purpose as a label above. */
    private void way(int left, int y, int right, String what, boolean toCore) {
        int from = toCore ? right : left, to = toCore ? left + 2 : right - 2;
        lines.add("<path class=\"way\" d=\"M %d %d H %d\"/>".formatted(from, y, to));
        lines.add("<text class=\"faint\" text-anchor=\"middle\" x=\"%d\" y=\"%d\">%s</text>"
                .formatted((left + right) / 2, y - 6, text(what)));
    }

    private void share(int y, int width) {
        var storage = inventory.storage();
        lines.add("<rect class=\"share\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"46\" rx=\"6\"/>"
                .formatted(LEFT, y, width));
        lines.add("<text x=\"%d\" y=\"%d\">%s</text>".formatted(LEFT + 14, y + 28,
                text("NFS share " + storage.mount() + ": " + String.join(", ", storage.folders()) + "; "
                        + storage.export() + " of " + storage.server())));
    }

    private static String text(String any) {
        return any.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
    }
}
